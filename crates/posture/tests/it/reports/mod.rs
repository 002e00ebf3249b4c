//! The forms of a report: what they say, and that no text in a tenant can break out of them.

mod fixture;

use breakglass_posture::report::{Format, Style, csv, explain, json, list, render, text};
use fixture::{HOSTILE, hostile, plain, rules};
use serde_json::Value;

fn style(width: usize) -> Style {
    Style {
        width,
        ..Style::default()
    }
}

fn form(report: &breakglass_model::CheckReport, format: Format) -> String {
    render(report, &rules(), format, style(80))
        .unwrap_or_else(|error| format!("not written: {error}"))
}

#[test]
fn text_at_80_columns() {
    insta::assert_snapshot!(text::text(&plain(), style(80)));
}

#[test]
fn text_at_120_columns_with_everything() {
    insta::assert_snapshot!(text::text(
        &plain(),
        Style {
            verbose: true,
            ..style(120)
        }
    ));
}

#[test]
fn markdown_form() {
    insta::assert_snapshot!(form(&plain(), Format::Markdown));
}

#[test]
fn csv_form() {
    insta::assert_snapshot!(form(&plain(), Format::Csv));
}

#[test]
fn junit_form() {
    insta::assert_snapshot!(form(&plain(), Format::Junit));
}

#[test]
fn sarif_form() {
    insta::assert_snapshot!(form(&plain(), Format::Sarif));
}

#[test]
fn explain_and_list() {
    let rules = rules();
    insta::assert_snapshot!(format!("{}\n{}", explain(&rules[0], 60), list(&rules, 60)));
}

#[test]
fn text_carries_no_control_character_and_keeps_its_width() {
    for width in [60, 80, 120, 200] {
        let out = text::text(
            &hostile(),
            Style {
                verbose: true,
                ..style(width)
            },
        );
        assert!(
            !out.chars()
                .any(|c| c != '\n' && c.is_control() || c == '\u{202e}')
        );
        // The two wide characters are counted once here, so no line may have more characters than columns.
        assert!(
            out.lines().all(|line| line.chars().count() <= width),
            "{out}"
        );
    }
}

#[test]
fn colour_only_repeats_what_the_words_say() {
    let coloured = text::text(
        &plain(),
        Style {
            color: true,
            ..style(80)
        },
    );
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_ne!(coloured, bare);
    assert_eq!(bare, text::text(&plain(), style(80)));
}

#[test]
fn json_fits_its_schema_and_reads_back() {
    let schema = json::schema();
    assert_eq!(schema["$id"], "breakglass/check-report/v1");
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for report in [plain(), hostile()] {
        let out = form(&report, Format::Json);
        let value: Value = serde_json::from_str(&out).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(
            serde_json::from_str::<breakglass_model::CheckReport>(&out).unwrap(),
            report
        );
    }
    assert!(!validator.is_valid(&serde_json::json!({ "schema": "other" })));
}

#[test]
fn sarif_has_what_version_2_1_0_demands() {
    for report in [plain(), hostile()] {
        let log: Value = serde_json::from_str(&form(&report, Format::Sarif)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 9);
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert_eq!(result["kind"], "fail");
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        }
        let suppressed = results
            .iter()
            .filter(|r| r.get("suppressions").is_some())
            .count();
        assert_eq!(suppressed, 1);
        let mut ids: Vec<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rules.len());
    }
}

#[test]
fn junit_shows_undecided_as_error_and_is_free_of_markup() {
    let out = form(&plain(), Format::Junit);
    assert!(out.contains("failures=\"5\" errors=\"3\""), "{out}");
    let out = form(&hostile(), Format::Junit);
    assert!(!out.contains("<script") && !out.contains('\u{1b}') && !out.contains('\u{0}'));
}

#[test]
fn html_and_markdown_hold_no_markup_from_the_tenant() {
    let page = form(&hostile(), Format::Html);
    for bad in [
        "<script", "<b>", "\u{1b}", "\u{202e}", "http://", "https://",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    // An escaped bracket is text.
    let note = form(&hostile(), Format::Markdown).replace("\\]", "");
    for bad in ["<script", "@team", "](", "\u{1b}"] {
        assert!(!note.contains(bad), "{bad}");
    }
}

#[test]
fn csv_has_one_line_a_finding_and_no_formula() {
    let out = csv::csv(&hostile());
    assert_eq!(out.lines().count(), hostile().findings.len() + 1);
    assert!(!out.lines().any(|l| l.starts_with(['=', '+', '-', '@'])) && !out.contains(",="));
    assert!(out.contains("\"'=cmd()"));
    assert!(HOSTILE.starts_with('='));
}

#[test]
fn html_page() {
    let page = form(&plain(), Format::Html);
    assert!(page.starts_with("<!doctype html>") && page.contains("<main id=\"main\">"));
    insta::assert_snapshot!(page.split_once("</style>").unwrap().1);
}
