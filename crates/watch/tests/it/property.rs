use breakglass_model::record::LogRecord;
use breakglass_watch::{Options, Source, WatchList, detect};
use proptest::prelude::*;

use crate::{ID, UPN, account, list, scan_with};

/// Spells a text as JSON with some characters escaped and some in the other case.
fn spelled(text: &str, choices: &[u8]) -> String {
    text.chars()
        .zip(choices.iter().cycle())
        .map(|(c, choice)| match choice % 8 {
            0 => format!("\\u{:04x}", u32::from(c)),
            1 => format!("\\u{:04X}", u32::from(c.to_ascii_uppercase())),
            2 => c.to_ascii_uppercase().to_string(),
            _ => c.to_string(),
        })
        .collect()
}

/// Hands bytes over in pieces of a given size.
struct Pieces(Vec<u8>, usize, usize);

impl std::io::Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(out.len()).min(self.0.len() - self.2);
        out[..n].copy_from_slice(&self.0[self.2..self.2 + n]);
        self.2 += n;
        Ok(n)
    }
}

/// Lists that each need another way of searching: samples, windows (a short name, a name beyond ASCII, many names),
/// and the automaton.
fn lists() -> Vec<WatchList> {
    let with = |more: Vec<String>| {
        let mut accounts = vec![account(Some(ID), Some(UPN))];
        accounts.extend(more.iter().map(|upn| account(None, Some(upn))));
        WatchList::new(accounts, Vec::new())
    };
    let many = |n: usize| (0..n).map(|n| format!("q{n}@x.y")).collect();
    vec![
        list(),
        with(vec!["b@x.y".into()]),
        with(vec!["notfällig@contoso.com".into()]),
        with(many(100)),
        with(many(700)),
    ]
}

fn record() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just(ID.to_owned()),
        Just(UPN.to_owned()),
        Just(ID[..35].to_owned()),
        Just("q69@x.y".to_owned()),
        Just("B@x.y".to_owned()),
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        "[a-z]{1,9}@contoso\\.onmicrosoft\\.com",
    ];
    (name, prop::collection::vec(any::<u8>(), 1..40), any::<bool>(), 0_usize..4000, 0..4_u8).prop_map(|(name, choices, escape, pad, place)| {
        let text = if escape { spelled(&name, &choices) } else { name };
        let pad = "p".repeat(pad);
        match place {
            0 => format!(r#"{{"pad":"{pad}","category":"SignInLogs","properties":{{"id":"{pad}1","userId":"{text}","resultType":"0"}}}}"#),
            1 => format!(r#"{{"Category":"SignInLogs","UserPrincipalName":"{text}","Pad":"{pad}","ResultType":"50126"}}"#),
            2 => format!(r#"{{"category":"AuditLogs","properties":{{"targetResources":"[{{\"id\":\"{}\"}}]","pad":"{pad}"}}}}"#, text.replace('\\', "\\\\")),
            _ => format!(r#"{{"category":"SignInLogs","properties":{{"userId":"u","userAgent":"{text} {pad}"}}}}"#),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The filter finds what a full parse of every record finds, wherever reads happen to end.
    #[test]
    fn w11_the_filter_finds_what_a_full_parse_finds(records in prop::collection::vec(record(), 1..30), piece in 1_usize..5000, which in 0_usize..5) {
        let list = &lists()[which];
        let found = detect::Found { raw: b"", source: "t", tenant: None, readable_at: breakglass_model::signal::ReadableAt { not_before: None, not_after: jiff::Timestamp::UNIX_EPOCH } };
        let mut expected: Vec<(String, String)> = Vec::new();
        for record in &records {
            let value: serde_json::Value = serde_json::from_str(record).unwrap();
            if let Some(d) = detect::detect(list, &LogRecord::from_json(&value), &value, &found)
                && !expected.contains(&(d.signal.id.clone(), d.signal.version.clone())) {
                expected.push((d.signal.id, d.signal.version));
            }
        }
        let text = records.join("\n");
        let got = scan_with(list, Options::default(), Source::Reader("t".into(), Box::new(Pieces(text.into_bytes(), piece, 0))));
        let ids: Vec<(String, String)> = got.signals.iter().map(|d| (d.signal.id.clone(), d.signal.version.clone())).collect();
        prop_assert_eq!(ids, expected);
        prop_assert_eq!(got.counts.rows, records.len() as u64);
    }

    #[test]
    fn w11_any_bytes_at_all_are_counted_and_never_fatal(bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:\n\\ua1 \xff"[..]), 0..400), piece in 1_usize..50) {
        let got = scan_with(&list(), Options { record_limit: 64, ..Options::default() }, Source::Reader("t".into(), Box::new(Pieces(bytes, piece, 0))));
        prop_assert!(got.error.is_none());
    }
}
