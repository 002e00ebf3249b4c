use std::io::Write;

use breakglass_model::{Severity, SignalKind};
use breakglass_watch::{Options, Source};

use crate::{ID, UPN, list, other, scan, scan_with, shared, sign_in};

#[test]
fn w11_a_lone_surrogate_in_an_accounts_record_is_told() {
    let bad = sign_in("r", ID, UPN).replace("\"x\"", r#""\ud800""#);
    for shape in [
        format!("{}\n{bad}\n{}\n", other(1), sign_in("s", ID, UPN)),
        format!("[{},{bad},{}]", other(1), sign_in("s", ID, UPN)),
    ] {
        let got = scan(shape);
        let kinds: Vec<_> = got
            .signals
            .iter()
            .map(|d| (d.signal.kind, d.signal.severity))
            .collect();
        assert_eq!(
            kinds,
            [
                (SignalKind::Unreadable, Severity::Critical),
                (SignalKind::Use, Severity::Critical)
            ]
        );
        assert_eq!(got.signals[0].raw, bad.as_bytes());
        assert_eq!((got.counts.rows, got.counts.unreadable), (3, 1));
    }
    let escaped = bad
        .replace(ID, &ID.replacen('f', "\\u0066", 1))
        .replace(UPN, "x");
    assert_eq!(scan(escaped).signals[0].signal.kind, SignalKind::Unreadable);
    let deep =
        sign_in("r", ID, UPN).replace("\"x\"", &format!("{}{}", "[".repeat(200), "]".repeat(200)));
    assert_eq!(scan(deep).signals[0].signal.kind, SignalKind::Unreadable);
    let mut invalid = sign_in("r", ID, UPN).into_bytes();
    let at = invalid.windows(3).position(|w| w == b"\"x\"").unwrap();
    invalid[at + 1] = 0xff;
    assert_eq!(scan(invalid).signals[0].signal.kind, SignalKind::Unreadable);
}

#[test]
fn w11_the_json_test_suite_hides_nobody() {
    let Some(data) = shared() else { return };
    let mut files: Vec<_> = std::fs::read_dir(data.join("hostile-input/test_parsing"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 200);
    let mut all = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).unwrap();
        let hit = sign_in(&format!("r{n}"), ID, UPN);
        let lines = [b"{\"a\":1}\n", &bytes[..], b"\n", hit.as_bytes(), b"\n"].concat();
        let got = scan(lines);
        assert!(
            got.signals.iter().any(|d| d.signal.kind == SignalKind::Use),
            "{}: {got:?}",
            file.display()
        );
        let document = [
            b"{\"records\":[\n",
            other(1).as_bytes(),
            b",\n",
            &bytes[..],
            b",\n",
            hit.as_bytes(),
            b"\n]}",
        ]
        .concat();
        let got = scan(document);
        assert!(!got.signals.is_empty(), "{}: {got:?}", file.display());
        all.extend_from_slice(&bytes);
        all.push(b'\n');
        all.extend_from_slice(hit.as_bytes());
        all.push(b'\n');
    }
    let got = scan([other(1).as_bytes(), b"\n", &all].concat());
    assert_eq!(got.signals.len(), files.len());
}

#[test]
fn w11_naughty_strings_in_every_text_field() {
    let Some(data) = shared() else { return };
    let strings: Vec<String> = serde_json::from_slice(
        &std::fs::read(data.join("hostile-input/naughty-strings.json")).unwrap(),
    )
    .unwrap();
    let fields = [
        "userAgent",
        "appDisplayName",
        "userDisplayName",
        "ipAddress",
        "createdDateTime",
        "location",
        "status",
        "authenticationDetails",
        "deviceDetail",
        "appliedConditionalAccessPolicies",
        "resourceDisplayName",
    ];
    let mut lines = String::new();
    for (n, text) in strings.iter().enumerate() {
        let mut value: serde_json::Value =
            serde_json::from_str(&sign_in(&format!("n{n}"), ID, UPN)).unwrap();
        for field in fields {
            value["properties"][field] = serde_json::Value::String(text.clone());
        }
        lines.push_str(&value.to_string());
        lines.push('\n');
    }
    let got = scan(lines);
    assert_eq!(got.signals.len(), strings.len());
    for detected in &got.signals {
        let text = serde_json::to_string(&detected.signal).unwrap();
        assert!(
            !text.contains(['\u{202e}', '\u{200f}', '\u{feff}'])
                && !detected.signal.summary.chars().any(char::is_control)
        );
    }
}

#[test]
fn w11_a_line_above_the_limit_is_not_held_and_still_searched() {
    let options = || Options {
        record_limit: 1 << 20,
        ..Options::default()
    };
    let run = |bytes: Vec<u8>| {
        scan_with(
            &list(),
            options(),
            Source::Reader("t".into(), Box::new(std::io::Cursor::new(bytes))),
        )
    };
    let filler = "x".repeat(5 << 20);
    for (inside, kind) in [(ID, Some(SignalKind::Unreadable)), ("nobody", None)] {
        let text = format!(
            "{}\n{{\"a\":\"{filler}{inside}{filler}\"}}\n{}\n",
            other(1),
            sign_in("s", ID, UPN)
        );
        let got = run(text.into_bytes());
        let first = got.signals.first().map(|d| d.signal.kind);
        assert_eq!(first.filter(|k| *k != SignalKind::Use), kind);
        assert_eq!(got.signals.last().unwrap().signal.kind, SignalKind::Use);
        assert_eq!(got.counts.rows, 3);
        assert!(got.signals[0].raw.len() < 100_000);
        let text = format!(
            "[{},{{\"a\":\"{filler}{inside}{filler}\"}},{}]",
            other(1),
            sign_in("s", ID, UPN)
        );
        let got = run(text.into_bytes());
        assert_eq!(got.signals.len(), 1 + usize::from(kind.is_some()));
    }
}

#[test]
fn w11_a_cut_gzip_is_an_error_and_what_came_before_counts() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(format!("{}\n", sign_in("r", ID, UPN)).as_bytes())
        .unwrap();
    for n in 0..2000 {
        encoder
            .write_all(format!("{}\n", sign_in(&format!("x{n}"), "u", "v@w")).as_bytes())
            .unwrap();
    }
    let whole = encoder.finish().unwrap();
    let got = scan(whole[..whole.len() / 2].to_vec());
    assert_eq!(got.signals[0].signal.kind, SignalKind::Use);
    let text = got.error.unwrap().to_string();
    assert!(
        text.contains("beyond byte") && text.contains("What came before"),
        "{text}"
    );
}

#[test]
fn w11_csv_with_an_open_quote_goes_on() {
    let mut text = "Id,UserId,Category,ResultType\n\"open,x,SignInLogs,0\n".to_owned();
    for n in 0..10 {
        text.push_str(&format!("o{n},x,SignInLogs,0\n"));
    }
    text.push_str(&format!("rec-1,{ID},SignInLogs,0\nshort,{ID}\n"));
    let got = scan(text);
    let kinds: Vec<_> = got.signals.iter().map(|d| d.signal.kind).collect();
    assert_eq!(kinds, [SignalKind::Use, SignalKind::Unreadable]);
    assert_eq!((got.counts.rows, got.counts.set_aside), (13, 1));
}

#[test]
fn w11_what_names_nobody_is_set_aside_with_its_place() {
    let got = scan(format!("{}\nnonsense\n\n{{\"half\":", other(1)));
    assert_eq!(
        got.aside
            .iter()
            .map(|a| a.position.as_str())
            .collect::<Vec<_>>(),
        ["record 2", "record 4"]
    );
    assert_eq!(got.counts.rows, 3);
}
