use std::io::Write;

use breakglass_model::{ObjectId, Severity, SignalKind};
use breakglass_watch::{GuardKind, Guarded, Options, Source};

use crate::{ID, UPN, guarded, other, scan, scan_with, sign_in};

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let mut out = if big {
        vec![0xfe, 0xff]
    } else {
        vec![0xff, 0xfe]
    };
    for unit in text.encode_utf16() {
        out.extend(if big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        });
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn w2_one_record_gives_one_id_from_every_shape() {
    let hit = sign_in("rec-1", ID, &UPN.to_lowercase());
    let lines = format!("{}\n{hit}\n{}\n", other(1), other(2));
    let graph = r#"{"id":"rec-1","createdDateTime":"2026-10-01T09:58:41Z","userPrincipalName":"X","userId":"ID","appDisplayName":"Azure Portal","conditionalAccessStatus":"notApplied","status":{"errorCode":0}}"#.replace("ID", &ID.to_uppercase());
    let la = format!(
        r#"{{"tables":[{{"name":"PrimaryResult","columns":[{{"name":"TenantId","type":"string"}},{{"name":"AADTenantId","type":"string"}},{{"name":"Category","type":"string"}},{{"name":"Id","type":"string"}},{{"name":"UserId","type":"string"}},{{"name":"ResultType","type":"string"}},{{"name":"Status","type":"dynamic"}}],"rows":[["ws","t-1","SignInLogs","o","x","0",null],["ws","T-1","SignInLogs","rec-1","{ID}","0","{{\"errorCode\":0}}"]]}}]}}"#
    );
    let csv = format!(
        "\u{feff}TenantId,AADTenantId,Category,Id,UserId,ResultType,\"CreatedDateTime [UTC]\",AuthenticationDetails\r\nws,t-1,SignInLogs,o,x,0,\"4/28/2021, 2:08:45.221 PM\",\"[\n{{}}]\"\r\nws,t-1,SignInLogs,rec-1,{ID},0,\"4/28/2021, 2:08:45.221 PM\",\"[\n{{\"\"authenticationMethod\"\":\"\"Password\"\"}}\n]\"\r\n"
    );
    let crlf = lines.replace('\n', "\r\n");
    let expected = breakglass_model::record::signal_id("t-1", "sign-in", "rec-1").to_string();
    let cases: Vec<(&str, Vec<u8>, u64)> = vec![
        ("lines", lines.clone().into(), 3),
        ("crlf", crlf.into(), 3),
        ("half last line", lines.trim_end().into(), 3),
        ("bom", [b"\xef\xbb\xbf", lines.as_bytes()].concat(), 3),
        ("utf-16le", utf16(&lines, false), 3),
        ("utf-16be", utf16(&lines, true), 3),
        ("gzip", gzip(lines.as_bytes()), 3),
        ("two members", [gzip(other(0).as_bytes()), gzip(b"\n"), gzip(lines.as_bytes())].concat(), 4),
        ("array", format!("[{},{hit}]", other(1)).into(), 2),
        ("envelope a line", format!("{{\"records\":[{},{hit}]}}\n{{\"records\":[{}]}}\n", other(1), other(2)).into(), 3),
        ("pretty envelope", serde_json::to_vec_pretty(&serde_json::json!({"records": [serde_json::from_str::<serde_json::Value>(&hit).unwrap()]})).unwrap(), 1),
        ("mixed", format!("{}\n{{\"records\":[{},{hit}]}}\n", other(1), other(2)).into(), 3),
        ("log analytics", la.into(), 2),
        ("csv", csv.clone().into(), 2),
        ("csv utf-16be", utf16(csv.trim_start_matches('\u{feff}'), true), 2),
    ];
    for (name, bytes, rows) in cases {
        let got = scan(bytes);
        assert!(got.error.is_none(), "{name}: {:?}", got.error);
        assert_eq!(got.signals.len(), 1, "{name}: {got:?}");
        assert_eq!(got.counts.rows, rows, "{name}");
        let signal = &got.signals[0].signal;
        assert_eq!(
            (signal.id.as_str(), signal.kind),
            (expected.as_str(), SignalKind::Use),
            "{name}"
        );
        assert_eq!(got.signals[0].concerns, [ID], "{name}");
    }
    let page = format!("{{\"@odata.context\":\"x\",\"value\":[{graph}]}}");
    let reader = std::io::Cursor::new(page.into_bytes());
    let options = Options {
        tenant: Some("t-1".into()),
        ..Options::default()
    };
    let got = scan_with(
        &crate::list(),
        options,
        Source::Reader("graph".into(), Box::new(reader)),
    );
    assert_eq!(got.signals[0].signal.id, expected);
}

#[test]
fn w3_the_sentence_says_what_happened() {
    let got = scan(sign_in("rec-1", ID, UPN));
    let detected = &got.signals[0];
    assert_eq!(
        detected.signal.summary,
        "BreakGlass01@contoso.onmicrosoft.com signed in to Azure Portal from 203.0.113.7 (Bonn, DE) with Passkey (FIDO2)."
    );
    assert_eq!(detected.signal.severity, Severity::Critical);
    assert_eq!(
        detected.signal.at.unwrap().to_string(),
        "2026-10-01T09:58:41.8256448Z"
    );
    assert_eq!(detected.location.as_deref(), Some("Bonn, DE"));
    assert_eq!(detected.signal.source, "test#1");
    assert_eq!(detected.raw, sign_in("rec-1", ID, UPN).into_bytes());
}

#[test]
fn w2_the_entra_portal_csv_is_read() {
    let csv = format!(
        "Date (UTC),Request ID,User,Username,User ID,Application,Application ID ,Status,Sign-in error code,Incoming token type,Incoming token type\n2026-10-01T09:58:41Z,rec-1,One,{},{ID},Azure Portal,a,Failure,50126,none,none\n3/12/2026 7:22:01 AM,rec-2,One,{UPN},,Azure Portal,a,Success,None,none,none\n",
        UPN.to_lowercase()
    );
    let got = scan(csv);
    let kinds: Vec<_> = got
        .signals
        .iter()
        .map(|d| (d.signal.kind, d.signal.severity, d.signal.at.is_some()))
        .collect();
    assert_eq!(
        kinds,
        [
            (SignalKind::Attempt, Severity::High, true),
            (SignalKind::Use, Severity::Critical, false)
        ]
    );
    assert!(got.signals[1].signal.summary.contains("3/12/2026"));
}

#[test]
fn w3_a_password_that_was_right_is_critical() {
    for (code, severity) in [
        ("50126", Severity::High),
        ("50053", Severity::High),
        ("50074", Severity::Critical),
        ("53003", Severity::Critical),
        ("500121", Severity::Critical),
    ] {
        let line =
            sign_in("r", ID, UPN).replace("\"errorCode\":0", &format!("\"errorCode\":{code}"));
        let got = scan(line);
        assert_eq!(
            (got.signals[0].signal.kind, got.signals[0].signal.severity),
            (SignalKind::Attempt, severity),
            "{code}"
        );
    }
}

/// A refusal after the key: nobody types a password there.
#[test]
fn w3_a_key_that_was_right_is_not_called_a_password() {
    let failed = sign_in("r", ID, UPN).replace("\"errorCode\":0", "\"errorCode\":53000");
    let with = |method: &str| {
        let line = failed.replace("Passkey (FIDO2)", method);
        scan(line).signals[0].signal.summary.clone()
    };
    let summary = with("Passkey (device-bound)");
    assert!(summary.contains("the key was right"), "{summary}");
    let summary = with("Password");
    assert!(summary.contains("the password was right"), "{summary}");
}

fn audit(initiator: &str, target: &str, kind: &str, modified: &str) -> String {
    format!(
        r#"{{"time":"2026-10-01T10:01:11Z","category":"AuditLogs","operationName":"Update","tenantId":"t-1","properties":{{"id":"a-1","activityDisplayName":"Update it","activityDateTime":"2026-10-01T10:01:11Z","result":"success","initiatedBy":{{"user":{{"id":"{initiator}","userPrincipalName":"admin@contoso.com"}}}},"targetResources":[{{"id":"{target}","type":"{kind}","modifiedProperties":[{{"displayName":"x","oldValue":null,"newValue":"{modified}"}}]}}]}}}}"#
    )
}

#[test]
fn w3_who_did_what_to_whom_decides_the_kind() {
    let guard = |id: &str, what| Guarded {
        id: ObjectId::parse(id).unwrap(),
        what,
        label: "Emergency".into(),
        accounts: vec![ID.into()],
    };
    let list = guarded(vec![
        guard("group-0001", GuardKind::Group),
        guard("policy-0001", GuardKind::Policy),
    ]);
    let nested = format!(r#"{{\"users\":{{\"exclude\":[\"{ID}\"]}}}}"#);
    for (line, expected) in [
        (
            audit(ID, "u", "User", ""),
            Some((SignalKind::Act, Severity::Critical)),
        ),
        (
            audit(ID, ID, "User", ""),
            Some((SignalKind::Act, Severity::Critical)),
        ),
        (
            audit("u", &ID.to_uppercase(), "User", ""),
            Some((SignalKind::Change, Severity::Critical)),
        ),
        (
            audit("u", "GROUP-0001", "Group", ""),
            Some((SignalKind::Change, Severity::Critical)),
        ),
        (
            audit("u", "v", "User", r#"\"group-0001\""#),
            Some((SignalKind::Change, Severity::Critical)),
        ),
        (
            audit("u", "policy-0001", "Policy", ""),
            Some((SignalKind::Guard, Severity::High)),
        ),
        (
            audit("u", "p", "Policy", &nested),
            Some((SignalKind::Guard, Severity::High)),
        ),
        (audit("u", "v", "User", ID), None),
        (
            other(1).replace("\"x\"", &format!("\"{ID} policy-0001\"")),
            None,
        ),
        (
            format!(
                r#"{{"category":"MicrosoftGraphActivityLogs","properties":{{"requestId":"q","requestMethod":"GET","requestUri":"u","userId":"{ID}"}}}}"#
            ),
            Some((SignalKind::Act, Severity::Critical)),
        ),
        (
            format!(r#"{{"category":"Strange","properties":{{"note":"about {UPN}"}}}}"#),
            Some((SignalKind::Unreadable, Severity::High)),
        ),
    ] {
        let reader = std::io::Cursor::new(line.clone().into_bytes());
        let got = scan_with(
            &list,
            Options::default(),
            Source::Reader("t".into(), Box::new(reader)),
        );
        let seen = got
            .signals
            .first()
            .map(|d| (d.signal.kind, d.signal.severity));
        assert_eq!(seen, expected, "{line}");
        if expected.is_some() {
            assert_eq!(got.signals[0].concerns, [ID], "{line}");
        }
    }
}

#[test]
fn w2_copies_fold_and_new_versions_do_not() {
    let line = sign_in("r", ID, UPN);
    let later = line.replace("10:03:11Z", "10:09:59Z");
    let corrected = line.replace("\"errorCode\":0", "\"errorCode\":50074");
    let got = scan(format!("{line}\n{later}\n{corrected}\n"));
    assert_eq!((got.counts.signals, got.counts.folded), (2, 1));
    assert_eq!(got.signals[0].signal.id, got.signals[1].signal.id);
    assert_ne!(got.signals[0].signal.version, got.signals[1].signal.version);
}

#[test]
fn w2_blind_spots_are_named() {
    let list = breakglass_watch::WatchList::new(vec![crate::account(None, Some(UPN))], Vec::new());
    let spots = list.blind_spots();
    assert!(spots[0].contains("without its object id"), "{spots:?}");
    assert_eq!(spots.len(), 6);
}
