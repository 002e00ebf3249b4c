//! Files: Graph JSON, encodings, and what is no change.

use super::*;

fn error(bytes: &[u8]) -> ChangeError {
    read("file.json", bytes).unwrap_err()
}

#[test]
fn c5_one_policy_a_list_and_a_page() {
    let one = read("p.json", POLICY).unwrap();
    assert_eq!(one.warnings, [] as [&str; 0]);
    assert_eq!(one.changes[0].source, "p.json");
    assert_eq!(
        (one.changes[0].action, &one.changes[0].id),
        (Action::Put, &Some(id(1)))
    );
    let text = std::str::from_utf8(POLICY).unwrap();
    let list = read("p.json", format!("[{text},{text}]").as_bytes()).unwrap();
    assert_eq!(list.changes[1].source, "p.json: [1]");
    assert_eq!(list.changes[1].body, one.changes[0].body);
    let page = format!("{{\"@odata.nextLink\": \"https://x\", \"value\": [{text}]}}");
    let page = read("p.json", page.as_bytes()).unwrap();
    assert_eq!(page.changes[0].source, "p.json: value[0]");
    assert!(page.warnings[0].contains("only one page"));
}

#[test]
fn c5_powershell_keys_partial_bodies_and_locations() {
    let changes = read("p.json", PASCAL).unwrap();
    let [whole, part, location] = &changes.changes[..] else {
        panic!("three changes");
    };
    assert_eq!(whole.action, Action::Put);
    assert_eq!(
        whole.body["grantControls"]["builtInControls"],
        json!(["mfa"])
    );
    assert_eq!(
        whole.body["conditions"]["users"],
        json!({"includeUsers": ["All"]})
    );
    assert!(
        whole.body["grantControls"]
            .get("authenticationStrength@odata.context")
            .is_some()
    );
    assert_eq!(part.action, Action::Merge);
    assert_eq!(location.kind, Kind::NamedLocation);
    assert_eq!(
        changes.warnings,
        [
            "p.json: value[1]: a partial policy, without displayName, state, conditions.applications, \
          grantControls: what it leaves out stays as it is in the tenant; give the whole policy to be sure"
        ]
    );
}

#[test]
fn c5_kinds_by_shape_and_by_context() {
    for (text, kind) in [
        (r#"{"id": "1", "state": "disabled"}"#, Kind::Policy),
        (
            r#"{"id": "1", "allowedCombinations": []}"#,
            Kind::AuthenticationStrength,
        ),
        (
            r#"{"id": "1", "countriesAndRegions": []}"#,
            Kind::NamedLocation,
        ),
        (
            r#"{"principalId": "1", "roleDefinitionId": "2"}"#,
            Kind::RoleAssignment,
        ),
        (
            r#"{"displayName": "G", "securityEnabled": true}"#,
            Kind::Group,
        ),
        (
            r#"{"@odata.context": "x#conditionalAccess/policies(id)/$entity", "id": "1", "displayName": "N"}"#,
            Kind::Policy,
        ),
    ] {
        assert_eq!(
            read("f", text.as_bytes()).unwrap().changes[0].kind,
            kind,
            "{text}"
        );
    }
}

#[test]
fn c5_every_encoding_reads_the_same() {
    let text = std::str::from_utf8(POLICY).unwrap();
    let plain = read("f", POLICY).unwrap();
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xef\xbb\xbf", POLICY].concat(),
        [b"\xff\xfe", &le[..]].concat(),
        [b"\xfe\xff", &be[..]].concat(),
        le,
    ] {
        assert_eq!(read("f", &bytes).unwrap(), plain);
    }
}

#[test]
fn c5_what_is_no_change_is_named_with_a_next_step() {
    let deep = "[".repeat(100_000);
    let state = r#"{"version": 4, "terraform_version": "1", "lineage": "x", "resources": []}"#;
    for (bytes, position, reason) in [
        (&b""[..], "whole file", "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "whole file", "the file is empty"),
        (b"<!DOCTYPE html>", "whole file", "this is HTML or XML"),
        (b"PK\x03\x04\x14\0", "whole file", "this is a ZIP file"),
        (b"\x1f\x8b\x08", "whole file", "damaged gzip"),
        (b"{\"a\xff", "whole file", "not valid UTF-8"),
        (
            b"[register]\nid = 1",
            "line 1 column 2",
            "not valid JSON (expected value)",
        ),
        (b"{\n\"a\": 1,}", "line 2 column 8", "not valid JSON"),
        (
            deep.as_bytes(),
            "line 1 column 128",
            "nested more deeply than 128",
        ),
        (b"7", "whole file", "a number where a policy"),
        (b"[]", "whole file", "the list is empty"),
        (b"{\"value\": []}", "whole file", "the list is empty"),
        (
            b"[{\"id\": \"1\", \"state\": \"enabled\"}, 7]",
            "[1]",
            "a number where",
        ),
        (b"{}", "whole file", "an object without properties"),
        (
            b"{\"userPrincipalName\": \"a@b\"}",
            "whole file",
            "no Conditional Access policy",
        ),
        (
            b"{\"@odata.type\": \"#microsoft.graph.user\", \"id\": \"1\"}",
            "whole file",
            "no Conditional",
        ),
        (
            b"{\"state\": \"enabled\"}",
            "whole file",
            "neither `id` nor `displayName`",
        ),
        (
            b"{\"error\": {\"code\": \"Forbidden\"}}",
            "whole file",
            "an error that Microsoft Graph",
        ),
        (
            b"{\"schema\": \"breakglass/snapshot/v1\"}",
            "whole file",
            "a file of this program",
        ),
        (state.as_bytes(), "whole file", "Terraform's state"),
        (
            b"{\"format_version\": \"1.0\", \"values\": {}}",
            "whole file",
            "this is Terraform's state",
        ),
        (
            b"{\"@level\": \"info\"}\n{\"@level\": \"info\"}",
            "line 2 column 1",
            "this is the log",
        ),
        (
            b"{\"format_version\": \"1.0\"}",
            "whole file",
            "a Terraform plan without",
        ),
        (
            b"{\"resource_changes\": 1}",
            "resource_changes",
            "not a list",
        ),
        (
            b"{\"resource_changes\": [1]}",
            "resource_changes[0]",
            "a resource without",
        ),
        (
            b"{\"resource_changes\": [{\"address\": \"a.b\", \"type\": \"a\"}]}",
            "resource_changes[0]",
            "a resource without `change.actions`",
        ),
    ] {
        let error = error(bytes);
        assert_eq!(error.position, position, "{error}");
        assert!(error.reason.contains(reason), "{error}");
        assert!(
            !error.help.is_empty() && error.to_string().starts_with("file.json: "),
            "{error}"
        );
    }
}

#[test]
fn c5_a_large_file_is_refused_before_it_is_parsed() {
    let error = error(&vec![b' '; LIMIT + 1]);
    assert_eq!(error.reason, "the file is larger than 128 MB");
}
