use super::*;

/// Whether the rule holds for the device of this JSON; an empty text is no registered device.
fn holds(text: &str, json: &str) -> bool {
    let device = (!json.is_empty()).then(|| device(json));
    rule(text).matches(device.as_ref())
}

#[test]
fn x1_null_makes_positive_operators_false_and_negative_ones_true() {
    for (attribute, operator, value, positive) in [
        ("model", "-eq", "\"a\"", true),
        ("model", "-ne", "\"a\"", false),
        ("model", "-startsWith", "\"a\"", true),
        ("model", "-notStartsWith", "\"a\"", false),
        ("model", "-endsWith", "\"a\"", true),
        ("model", "-notEndsWith", "\"a\"", false),
        ("model", "-contains", "\"a\"", true),
        ("model", "-notContains", "\"a\"", false),
        ("model", "-in", "[\"b\", \"a\"]", true),
        ("model", "-notIn", "[\"b\", \"a\"]", false),
        ("deviceId", "-in", "[\"a\"]", true),
        ("mdmAppId", "-ne", "\"a\"", false),
        ("isCompliant", "-eq", "True", true),
        ("isCompliant", "-eq", "False", true),
        ("isCompliant", "-ne", "False", false),
        ("trustType", "-eq", "\"AzureAD\"", true),
        ("profileType", "-ne", "\"IoT\"", false),
        ("profileType", "-notIn", "[\"IoT\"]", false),
        ("systemLabels", "-contains", "\"a\"", true),
        ("physicalIds", "-notContains", "\"a\"", false),
        ("extensionAttribute3", "-notIn", "[\"a\"]", false),
    ] {
        let text = format!("device.{attribute} {operator} {value}");
        assert_eq!(holds(&text, ""), !positive, "{text}");
        assert_eq!(holds(&text, "{}"), !positive, "{text}");
        let denied = format!("-not {text}");
        assert_eq!(holds(&denied, ""), positive, "{denied}");
    }
}

#[test]
fn x1_operators_on_a_text() {
    let surface = r#"{"model":"Surface Pro"}"#;
    for (comparison, expected) in [
        ("-eq \"surface PRO\"", true),
        ("-eq \"Surface\"", false),
        ("-ne \"surface pro\"", false),
        ("-startsWith \"SURF\"", true),
        ("-startsWith \"pro\"", false),
        ("-notStartsWith \"pro\"", true),
        ("-endsWith \" pro\"", true),
        ("-notEndsWith \"Pro\"", false),
        ("-contains \"face p\"", true),
        ("-notContains \"face p\"", false),
        ("-in [\"x\", \"SURFACE PRO\"]", true),
        ("-notIn [\"x\", \"Surface\"]", true),
    ] {
        assert_eq!(
            holds(&format!("device.model {comparison}"), surface),
            expected,
            "{comparison}"
        );
    }
}

#[test]
fn x1_lists_of_profile_types() {
    let shared = r#"{"profileType":"shared"}"#;
    assert!(holds(
        "device.profileType -in [\"Printer\", \"Shared\"]",
        shared
    ));
    assert!(!holds(
        "device.profileType -notIn [\"Printer\", \"Shared\"]",
        shared
    ));
    assert!(holds("device.profileType -notIn [\"IoT\"]", shared));
}

#[test]
fn x1_a_collection_is_compared_item_by_item_and_whole() {
    let labels = r#"{"systemLabels":["CloudPC","M365Managed"]}"#;
    assert!(!holds("device.systemLabels -contains \"Cloud\"", labels));
    assert!(holds("device.systemLabels -contains \"cloudpc\"", labels));
    assert!(holds("device.systemLabels -notContains \"Cloud\"", labels));
    assert!(!holds(
        "device.systemLabels -notContains \"m365managed\"",
        labels
    ));
    assert!(!holds(
        "device.systemLabels -contains \"a\"",
        r#"{"systemLabels":[]}"#
    ));
}

#[test]
fn x1_comparison_then_not_then_and_then_or() {
    let text = "device.isCompliant -eq True -or device.trustType -eq \"AzureAD\" -and device.model -eq \"X\"";
    let compliant = r#"{"isCompliant":true,"trustType":"Workplace","model":"Y"}"#;
    assert!(holds(text, compliant));
    let grouped = "(device.isCompliant -eq True -or device.trustType -eq \"AzureAD\") -and device.model -eq \"X\"";
    assert!(!holds(grouped, compliant));
    // The -not takes the comparison alone: were it to take the -and, this would hold.
    assert!(!holds(
        "-not device.model -eq \"Y\" -and device.isCompliant -eq False",
        compliant
    ));
    assert!(holds(
        "-not (device.model -eq \"Y\" -and device.isCompliant -eq False)",
        compliant
    ));
}

#[test]
fn x1_extension_attributes_show_on_managed_compliant_and_hybrid_joined_devices() {
    for (rest, shows) in [
        (
            r#""trustType":"Workplace","isCompliant":false,"managed":false"#,
            false,
        ),
        (r#""trustType":"AzureAD""#, false),
        (r#""trustType":"AzureAD","isCompliant":true"#, true),
        (r#""trustType":"serverad","isCompliant":false"#, true),
        (r#""managed":true"#, true),
    ] {
        let json = format!(r#"{{{rest},"extensionAttribute1":"SAW"}}"#);
        assert_eq!(device(&json).shows_extension_attributes(), shows, "{rest}");
        assert_eq!(
            holds("device.extensionAttribute1 -eq \"SAW\"", &json),
            shows,
            "{rest}"
        );
        assert_eq!(
            holds("device.extensionAttribute1 -ne \"SAW\"", &json),
            !shows,
            "{rest}"
        );
    }
}

#[test]
fn x1_letter_case_goes_letter_by_letter() {
    // A sigma that ends a word has a lower case of its own, which a part of the word could not know of.
    let sigma = r#"{"model":"ΑΣ"}"#;
    assert!(holds("device.model -contains \"Σ\"", sigma));
    assert!(holds("device.model -endsWith \"σ\"", sigma));
    assert!(holds("device.model -eq \"ας\"", r#"{"model":"Ας"}"#));
}
