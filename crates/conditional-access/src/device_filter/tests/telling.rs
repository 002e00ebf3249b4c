use std::fmt::Write as _;

use super::*;

fn told(texts: &[&str]) -> Vec<DeviceClass> {
    let rules: Vec<DeviceRule> = texts.iter().map(|text| rule(text)).collect();
    let rules: Vec<&DeviceRule> = rules.iter().collect();
    let classes = classes(&rules, 10_000).unwrap();
    for class in &classes {
        let values: Vec<bool> = rules
            .iter()
            .map(|r| r.matches(class.device.as_ref()))
            .collect();
        assert_eq!(values, class.values, "{class:?}");
    }
    classes
}

/// The classes, one a line.
fn table(texts: &[&str]) -> String {
    let mut out = String::new();
    for class in told(texts) {
        for value in &class.values {
            out.push(if *value { 'T' } else { 'F' });
        }
        match &class.device {
            None => out.push_str(" not registered\n"),
            Some(device) => {
                writeln!(out, " {}", serde_json::to_string(device).unwrap()).unwrap();
            }
        }
    }
    out
}

#[test]
fn x1_without_rules_devices_are_registered_or_not() {
    assert_eq!(table(&[]), " not registered\n {}\n");
}

#[test]
fn x1_one_attribute_cannot_hold_two_values() {
    let text = "device.trustType -eq \"AzureAD\" -and device.trustType -eq \"ServerAD\"";
    assert_eq!(table(&[text]), "F not registered\nF {}\n");
}

#[test]
fn x1_a_rule_may_hold_only_where_the_attribute_is_null() {
    let text = "device.trustType -ne \"AzureAD\" -and device.trustType -ne \"ServerAD\" -and device.trustType -ne \"Workplace\"";
    assert_eq!(
        table(&[text]),
        "T not registered\nT {}\nF {\"trustType\":\"AzureAD\"}\n"
    );
}

#[test]
fn x1_rules_of_one_attribute_interact_and_others_do_not() {
    assert_eq!(
        table(&[
            "device.isCompliant -eq True",
            "device.isCompliant -ne True -and device.trustType -ne \"ServerAD\"",
            "device.deviceOwnership -eq \"Company\"",
        ]),
        r#"FTF not registered
FTF {}
FTT {"deviceOwnership":"Company"}
FFF {"trustType":"ServerAD"}
FFT {"deviceOwnership":"Company","trustType":"ServerAD"}
TFF {"isCompliant":true}
TFT {"deviceOwnership":"Company","isCompliant":true}
"#
    );
}

#[test]
fn x1_a_text_is_built_from_what_it_must_have() {
    assert_eq!(
        table(&[
            "device.displayName -startsWith \"PAW-\"",
            "device.displayName -endsWith \"-01\"",
            "device.displayName -contains \"admin\"",
            "device.displayName -eq \"paw-7\"",
        ]),
        r#"FFFF not registered
FFFF {}
FTFF {"displayName":"-01"}
FFTF {"displayName":"admin"}
TFFF {"displayName":"PAW-"}
TFFT {"displayName":"paw-7"}
TTFF {"displayName":"PAW--01"}
FTTF {"displayName":"admin-01"}
TFTF {"displayName":"PAW-admin"}
TTTF {"displayName":"PAW-admin-01"}
"#
    );
}

#[test]
fn x1_a_private_separator_stands_only_where_no_plain_text_does() {
    let ends = "device.model -startsWith \"a\" -and device.model -endsWith \"b\"";
    let avoided = ["ab", "a b", "a-b"].map(|text| format!("device.model -contains \"{text}\""));
    assert_eq!(
        table(&[ends, &avoided.join(" -or ")]),
        r#"FF not registered
FF {}
TT {"model":"a b"}
TF {"model":"axb"}
FT {"model":"-ab-"}
"#
    );
}

#[test]
fn x1_a_separator_is_none_of_the_constants_characters() {
    let classes = told(&[
        "device.model -startsWith \"a\"",
        "device.model -endsWith \"b\"",
        "device.model -contains \"\u{e000}\"",
        "device.model -contains \"ab\"",
        "device.model -contains \" \"",
        "device.model -contains \"-\"",
        "device.model -contains \"x\"",
    ]);
    let parted = classes
        .iter()
        .find(|class| class.values == [true, true, false, false, false, false, false]);
    let model = parted.and_then(|class| class.device.as_ref()?.model.as_deref());
    assert_eq!(model, Some("a\u{e001}b"));
}

#[test]
fn x1_parts_that_contradict_each_other_never_meet() {
    let both = |a: &str, b: &str| {
        let text = format!("device.model {a} -and device.model {b}");
        told(&[&text]).iter().any(|class| class.values == [true])
    };
    assert!(both("-startsWith \"ab\"", "-startsWith \"A\""));
    assert!(!both("-startsWith \"ab\"", "-startsWith \"b\""));
    assert!(!both("-endsWith \"ab\"", "-endsWith \"a\""));
    assert!(!both("-startsWith \"ab\"", "-notContains \"b\""));
    assert!(!both("-contains \"ab\"", "-notContains \"B\""));
    assert!(both("-contains \"ab\"", "-notStartsWith \"a\""));
    assert!(!both("-in [\"a\", \"b\"]", "-in [\"c\"]"));
    assert!(both("-in [\"a\", \"b\"]", "-in [\"c\", \"B\"]"));
    assert!(both("-in [\"a\", \"b\"]", "-ne \"a\""));
    assert!(!both("-eq \"a\"", "-contains \"b\""));
}

#[test]
fn x1_extension_attributes_come_with_a_device_that_shows_them() {
    assert_eq!(
        table(&[
            "device.extensionAttribute1 -eq \"SAW\"",
            "device.isCompliant -eq True"
        ]),
        r#"FF not registered
FF {}
FT {"isCompliant":true}
TF {"managed":true,"extensionAttribute1":"SAW"}
TT {"isCompliant":true,"extensionAttribute1":"SAW"}
"#
    );
}

#[test]
fn x1_a_collection_holds_any_set() {
    assert_eq!(
        table(&[
            "device.physicalIds -contains \"a\"",
            "device.physicalIds -notContains \"B\""
        ]),
        r#"FT not registered
FT {}
TT {"physicalIds":["a"]}
FF {"physicalIds":["B"]}
TF {"physicalIds":["a","B"]}
"#
    );
}

#[test]
fn x1_a_rule_over_many_attributes_stays_small() {
    let all = [
        "deviceId",
        "displayName",
        "manufacturer",
        "model",
        "operatingSystem",
    ];
    let extension = (1..=15).map(|number| format!("extensionAttribute{number}"));
    let names = all.map(String::from).into_iter().chain(extension);
    let parts: Vec<String> = names
        .map(|name| format!("device.{name} -in [\"a\", \"b\"]"))
        .collect();
    let any = rule(&parts.join(" -or "));
    // Free of each other these are 2^20 combinations; what is open after each attribute is one of two.
    assert_eq!(classes(&[&any], 8).unwrap().len(), 3);
}

#[test]
fn x1_too_many_combinations_name_the_rule() {
    let small = rule("device.isCompliant -eq True");
    let parts: Vec<String> = (10..40)
        .map(|n| format!("device.model -contains \"x{n}y\""))
        .collect();
    let big = rule(&parts.join(" -or "));
    let error = classes(&[&small, &big, &small], 1_000).unwrap_err();
    assert_eq!(
        error,
        TooMany {
            rule: 1,
            limit: 1_000
        }
    );
    assert_eq!(
        error.to_string(),
        "device rule 1 of the set: more than 1000 combinations of attributes to look at"
    );
    let labels: Vec<String> = (0..40)
        .map(|n| format!("device.systemLabels -contains \"{n}\""))
        .collect();
    let labels = rule(&labels.join(" -and "));
    assert_eq!(classes(&[&labels], 1_000).unwrap_err().rule, 0);
    let apart: Vec<DeviceRule> = (1..=15)
        .map(|n| rule(&format!("device.extensionAttribute{n} -eq \"a\"")))
        .collect();
    let apart: Vec<&DeviceRule> = apart.iter().collect();
    assert_eq!(classes(&apart, 1_000).unwrap_err().rule, 9);
}
