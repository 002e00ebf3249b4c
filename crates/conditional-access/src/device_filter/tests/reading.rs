use std::fmt::Write as _;

use super::*;

/// Each rule as it is printed back.
fn printed(rules: &[&str]) -> String {
    rules
        .iter()
        .map(|text| format!("{}\n", rule(text)))
        .collect()
}

#[test]
fn c4_spellings_that_entra_takes_are_one_rule() {
    let said = printed(&[
        "DEVICE.ISCOMPLIANT EQ true",
        "device.isCompliant -Equals \"TRUE\"",
        "device.trusttype -notequals \"serverad\"",
        "(((device.model NE \"Surface Pro\")))",
        "device.extensionattribute15\n-STARTSWITH\t\"SAW\"",
        "device.model notstartswith \"a\" or device.model -EndsWith \"b\" OR device.model -notEndsWith \"c\"",
        "device.deviceId -IN[\"1\",\"2\"] AND device.mdmAppId notIn [ \"3\" ]",
        "not (device.systemLabels contains \"CloudPC\")",
        "-NOT (not device.physicalIds -notContains \"[ZTDId]:7\")",
    ]);
    assert_eq!(
        said,
        r#"device.isCompliant -eq True
device.isCompliant -eq True
device.trustType -ne "ServerAD"
device.model -ne "Surface Pro"
device.extensionAttribute15 -startsWith "SAW"
device.model -notStartsWith "a" -or device.model -endsWith "b" -or device.model -notEndsWith "c"
device.deviceId -in ["1", "2"] -and device.mdmAppId -notIn ["3"]
-not device.systemLabels -contains "CloudPC"
-not -not device.physicalIds -notContains "[ZTDId]:7"
"#
    );
}

#[test]
fn c4_examples_of_microsoft_go_beyond_its_table() {
    let said = printed(&[
        "device.profileType -notIn [\"printer\", \"Shared\", \"IoT\"]",
        "device.profileType -in [\"SecureVM\"]",
        "device.devicePhysicalIDs -contains \"[ZTDId]\"",
    ]);
    assert_eq!(
        said,
        r#"device.profileType -notIn ["Printer", "Shared", "IoT"]
device.profileType -in ["SecureVM"]
device.physicalIds -contains "[ZTDId]"
"#
    );
    let error = DeviceRule::parse("device.profileType -in [\"Phone\"]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 24: found `\"Phone\"`, expected \"RegisteredDevice\", \"SecureVM\", \"Printer\", \"Shared\" or \"IoT\""
    );
}

#[test]
fn c4_only_the_parentheses_that_are_needed_are_printed() {
    let (a, b, c) = (
        "device.model -eq \"a\"",
        "device.model -eq \"b\"",
        "device.model -eq \"c\"",
    );
    for (written, canonical) in [
        (
            format!("{a} -or ({b} -and {c})"),
            format!("{a} -or {b} -and {c}"),
        ),
        (
            format!("({a} -or {b}) -and {c}"),
            format!("({a} -or {b}) -and {c}"),
        ),
        (
            format!("({a} -or {b}) -or {c}"),
            format!("{a} -or {b} -or {c}"),
        ),
        (
            format!("{a} -and ({b} -and {c})"),
            format!("{a} -and {b} -and {c}"),
        ),
        (format!("-not ({a}) -and {b}"), format!("-not {a} -and {b}")),
        (
            format!("-not ({a} -and {b})"),
            format!("-not ({a} -and {b})"),
        ),
    ] {
        assert_eq!(rule(&written).to_string(), canonical);
        assert_eq!(rule(&written), rule(&canonical));
    }
}

#[test]
fn c4_what_cannot_be_read_is_said_with_its_place() {
    let mut said = String::new();
    for text in [
        "",
        "  ",
        "device.foo -regex \".*\"",
        "user.department -eq \"Sales\"",
        "device.extensionAttribute16 -eq \"a\"",
        "device.extensionAttribute01 -eq \"a\"",
        "device.model",
        "device.model -match \"a\"",
        "device.model -eq",
        "device.model -eq 'a'",
        "device.model -eq a",
        "device.model -eq \u{201c}a\u{201d}",
        "device.model -eq $null",
        "device.model -eq null",
        "device.model -eq True",
        "device.model -eq \"\"",
        "device.model -eq \"a",
        "device.model -eq \"a`\"b\"",
        "device.model -in \"a\"",
        "device.model -in []",
        "device.model -in [\"a\",]",
        "device.model -in [\"a\" \"b\"]",
        "device.model -eq [\"a\"]",
        "device.isCompliant -eq yes",
        "device.isCompliant -in [\"True\"]",
        "device.trustType -eq \"Hybrid\"",
        "device.trustType -startsWith \"Azure\"",
        "device.deviceId -contains \"4\"",
        "device.systemLabels -eq \"a\"",
        "device.model -eq \"a\" -and",
        "device.model -eq \"a\" -xor device.model -eq \"b\"",
        "device.model -eq \"a\" device.model -eq \"b\"",
        "(device.model -eq \"a\"",
        "device.model -eq \"a\")",
        "-not",
        "()",
        "\u{1b}[31m",
        "device.aVeryLongNameThatGoesOnAndOnAndOnAndOnAndOn -eq \"a\"",
    ] {
        writeln!(said, "{}", DeviceRule::parse(text).unwrap_err()).unwrap();
    }
    assert_eq!(said, include_str!("reading.txt"));
}

#[test]
fn c4_a_rule_may_be_as_long_as_entra_stores() {
    let sized = |length: usize| {
        let fixed = "device.model -eq \"\"".len();
        format!("device.model -eq \"{}\"", "\u{e4}".repeat(length - fixed))
    };
    assert!(DeviceRule::parse(&sized(MAX_CHARACTERS)).is_ok());
    let error = DeviceRule::parse(&sized(MAX_CHARACTERS + 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 6126: found 3073 characters, expected at most 3072"
    );
}

#[test]
fn c4_nesting_ends_before_the_stack_does() {
    for (open, close) in [("(", ")"), ("-not ", ""), ("-not(", ")")] {
        let levels = MAX_DEPTH / open.matches(['(', 'n']).count();
        let nested = |levels: usize| {
            format!(
                "{}device.model -eq \"a\"{}",
                open.repeat(levels),
                close.repeat(levels)
            )
        };
        let deepest = rule(&nested(levels));
        assert_eq!(rule(&deepest.to_string()), deepest);
        let error = DeviceRule::parse(&nested(levels + 1)).unwrap_err();
        assert_eq!(error.reason, RuleFault::TooDeep);
        assert_eq!(
            error.to_string(),
            format!(
                "at byte {}: found more than 64 nested parentheses and -not, expected at most 64",
                open.len() * levels
            )
        );
    }
    let open = "(".repeat(MAX_CHARACTERS);
    assert_eq!(DeviceRule::parse(&open).unwrap_err().position, MAX_DEPTH);
}

#[test]
fn x1_a_device_reads_and_writes_the_names_of_graph() {
    let json = r#"{"deviceId":"1","displayName":"n","deviceOwnership":"Company","enrollmentProfileName":"p","isCompliant":true,"manufacturer":"m","mdmAppId":"a","model":"o","operatingSystem":"Windows","operatingSystemVersion":"10.0","physicalIds":["x"],"profileType":"Shared","systemLabels":[],"trustType":"AzureAD","managed":false,"extensionAttribute1":"first","extensionAttribute15":"last"}"#;
    let full = device(json);
    assert_eq!(full.extension_attributes.get(1), Some("first"));
    assert_eq!(full.extension_attributes.get(15), Some("last"));
    assert_eq!(serde_json::to_string(&full).unwrap(), json);
    let sparse = device(r#"{"id":"unknown to rules","model":null,"extensionAttribute2":null}"#);
    assert_eq!(sparse, Device::default());
    assert_eq!(serde_json::to_string(&sparse).unwrap(), "{}");
}

#[test]
fn x1_the_schema_of_a_device_names_every_attribute() {
    let schema = serde_json::to_value(schemars::schema_for!(Device)).unwrap();
    let names = schema["properties"].as_object().unwrap();
    for attribute in super::super::attribute::Attribute::all() {
        assert!(names.contains_key(&attribute.to_string()), "{attribute}");
    }
    assert_eq!(names.len(), 14 + 1 + 15);
}

#[test]
fn x1_extension_attributes_are_numbered_from_one_to_fifteen() {
    let mut attributes = ExtensionAttributes::default();
    for number in [0, 16, usize::MAX] {
        attributes.set(number, Some("a".into()));
        assert_eq!(attributes.get(number), None);
    }
    assert_eq!(attributes, ExtensionAttributes::default());
}
