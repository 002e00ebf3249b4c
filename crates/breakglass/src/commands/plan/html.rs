//! A plan as one page to read, print and sign: nothing is loaded from elsewhere and no script runs.

use std::fmt::Write as _;

use breakglass_model::plan::Plan;
use breakglass_posture::report::html::escape;

use super::text::{capital, changes, count, nothing, request, stage_name};

const CSS: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.15rem;border-bottom:2px solid #888;padding-bottom:.2rem;margin-top:2rem}\
ol{padding-left:0;list-style:none;counter-reset:none}li.step{border:1px solid #bbb;border-radius:6px;padding:.6rem .9rem;margin:.8rem 0;break-inside:avoid}\
.step h3{margin:0 0 .3rem;font-size:1rem}.meta{color:#444;font-size:.9rem}dl{display:grid;grid-template-columns:5rem 1fr;gap:.1rem .6rem;margin:.4rem 0 0}\
dt{color:#444}dd{margin:0;overflow-wrap:anywhere}code{font-family:ui-monospace,monospace;font-size:.88em;overflow-wrap:anywhere}\
.warn{border-left:4px solid #a15c00;padding:.3rem .8rem;background:#fff6e5}table{border-collapse:collapse;width:100%;font-size:.92rem}\
th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.3rem .5rem .3rem 0}.sign{margin-top:2.5rem;display:grid;grid-template-columns:1fr 1fr;gap:2rem}\
.sign div{border-top:1px solid #444;padding-top:.3rem}\
@media (prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}.meta,dt{color:#bbb}li.step{border-color:#555}.warn{background:#33270f}}\
@media print{body{margin:0;max-width:none;font-size:11pt;color:#000;background:#fff}}";

/// The plan as one HTML page.
pub(super) fn html(plan: &Plan) -> String {
    let name = escape(
        plan.tenant
            .name
            .as_deref()
            .unwrap_or("a tenant without a name"),
    );
    let id = escape(plan.tenant.id.as_deref().unwrap_or("no id"));
    let collected = plan.tenant.collected_at.as_deref().map_or_else(
        || "the input does not say when the data was collected".to_owned(),
        |at| format!("data collected {}", escape(at)),
    );
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Plan for the emergency access of {name}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n\
         <h1>Plan for the emergency access of {name}</h1>\n\
         <p class=\"meta\">Tenant <code>{id}</code>. Made at {}; {collected}.</p>\n",
        plan.at
    );
    if plan.steps.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape(nothing(plan)));
    } else {
        let _ = writeln!(
            out,
            "<p><strong>{}</strong>, in this order. Digest, which an approval and <code>apply --yes</code> name:<br><code>{}</code></p>",
            count(plan.steps.len(), "step"),
            escape(&plan.digest)
        );
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "<p class=\"warn\">{}</p>", escape(warning));
    }
    let mut stage = None;
    for (place, step) in plan.steps.iter().enumerate() {
        if stage != Some(step.stage) {
            if stage.is_some() {
                out.push_str("</ol>\n");
            }
            stage = Some(step.stage);
            let _ = writeln!(out, "<h2>{}</h2>\n<ol>", escape(stage_name(step.stage)));
        }
        let mends = if step.checks.is_empty() {
            String::new()
        } else {
            format!(", mends {}", escape(&step.checks.join(", ")))
        };
        let _ = writeln!(
            out,
            "<li class=\"step\"><h3>{}. {}</h3>\n<p class=\"meta\">{}{mends}. {}</p>\n<dl>",
            place + 1,
            escape(&step.title),
            escape(&step.requirement),
            escape(&step.reason)
        );
        for change in changes(&step.write.before, &step.write.after) {
            row(&mut out, "Change", &change, true);
        }
        row(
            &mut out,
            "Sends",
            &request(step.write.api, &step.write.send),
            true,
        );
        row(&mut out, "Needs", &step.permission, false);
        row(&mut out, "Risk", &step.risk, false);
        row(&mut out, "Undo", &step.undo_text, false);
        out.push_str("</dl></li>\n");
    }
    if stage.is_some() {
        out.push_str("</ol>\n");
    }
    if !plan.remaining.is_empty() {
        out.push_str(
            "<h2>What remains, and who closes it</h2>\n<table>\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">What</th><th scope=\"col\">Why</th><th scope=\"col\">Closed by</th></tr></thead>\n<tbody>\n",
        );
        for one in &plan.remaining {
            let verdict = if one.verdict == "fail" {
                "fails"
            } else {
                "cannot tell"
            };
            let _ = writeln!(
                out,
                "<tr><td>{} ({})</td><td>{}: {}</td><td>{verdict}: {}</td><td>{}</td></tr>",
                escape(&one.check),
                escape(&one.requirement),
                escape(&one.title),
                escape(&one.subject),
                escape(&one.because),
                escape(&capital(&one.closed_by))
            );
        }
        out.push_str("</tbody>\n</table>\n");
    }
    if !plan.steps.is_empty() {
        out.push_str(
            "<div class=\"sign\"><div>Approved by, date</div><div>Applied by, date</div></div>\n",
        );
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn row(out: &mut String, name: &str, value: &str, code: bool) {
    let value = escape(value);
    let value = if code {
        format!("<code>{value}</code>")
    } else {
        value
    };
    let _ = writeln!(out, "<dt>{name}</dt><dd>{value}</dd>");
}
