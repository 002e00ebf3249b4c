use super::*;
use Truth::{No, Unknown, Yes};

fn attributes(values: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    let each = values.iter();
    each.map(|(name, values)| ((*name).to_owned(), owned(values)))
        .collect()
}

/// What the comparison with `CustomSecurityAttribute.Set_A` makes of these values.
fn compared(comparison: &str, values: &[&str]) -> Truth {
    let rule = format!("CustomSecurityAttribute.Set_A {comparison}");
    matches(&rule, &attributes(&[("Set_A", values)]))
}

#[test]
fn x1_the_documented_example() {
    let rule =
        "CustomSecurityAttribute.ConditionalAccessTest_policyRequirement -contains \"requireMFA\"";
    let name = "ConditionalAccessTest_policyRequirement";
    for (values, expected) in [
        (&["requireMFA"][..], Yes),
        (&["blockGuestUsers", "requireMFA"], Yes),
        (&["blockGuestUsers", "requireCompliantApp"], No),
        (&[], No),
    ] {
        let own = attributes(&[(name, values)]);
        assert_eq!(matches(rule, &own), expected, "{values:?}");
    }
    assert_eq!(matches(rule, &BTreeMap::new()), No);
}

#[test]
fn x1_an_attribute_that_is_not_there_makes_positive_operators_false_and_negative_ones_true() {
    for operator in Operator::ALL {
        let value = match operator.takes_list() {
            true => "[\"a\"]",
            false => "\"a\"",
        };
        let rule = format!("CustomSecurityAttribute.Set_A {operator} {value}");
        for own in [
            BTreeMap::new(),
            attributes(&[("Set_A", &[])]),
            attributes(&[("Set_B", &["a"])]),
        ] {
            assert_eq!(
                matches(&rule, &own),
                Truth::from(operator.negative()),
                "{rule}"
            );
        }
    }
}

#[test]
fn x1_operators_on_one_value() {
    for (comparison, expected) in [
        ("-eq \"Finance\"", Yes),
        ("-eq \"Fin\"", No),
        ("-ne \"Finance\"", No),
        ("-ne \"Fin\"", Yes),
        ("-in [\"HR\", \"Finance\"]", Yes),
        ("-notIn [\"HR\", \"Finance\"]", No),
        ("-startsWith \"Fin\"", Yes),
        ("-startsWith \"ance\"", No),
        ("-notStartsWith \"Fin\"", No),
        ("-endsWith \"ance\"", Yes),
        ("-notEndsWith \"Fin\"", Yes),
        ("-contains \"Finance\"", Yes),
        ("-notContains \"Finance\"", No),
        ("-contains \"HR\"", No),
    ] {
        assert_eq!(compared(comparison, &["Finance"]), expected, "{comparison}");
    }
}

#[test]
fn x1_what_is_not_documented_is_unknown() {
    // A part of the only value: enough if the attribute is a text, not if it is a collection.
    assert_eq!(compared("-contains \"Fin\"", &["Finance"]), Unknown);
    assert_eq!(compared("-notContains \"Fin\"", &["Finance"]), Unknown);
    // With two values it is a collection.
    assert_eq!(compared("-contains \"Fin\"", &["Finance", "HR"]), No);
    assert_eq!(compared("-notContains \"Fin\"", &["Finance", "HR"]), Yes);
    for comparison in [
        "-eq \"HR\"",
        "-ne \"HR\"",
        "-in [\"HR\"]",
        "-notIn [\"x\"]",
        "-startsWith \"x\"",
    ] {
        assert_eq!(
            compared(comparison, &["Finance", "HR"]),
            Unknown,
            "{comparison}"
        );
    }
    // Letter case of values.
    for comparison in [
        "-eq \"FINANCE\"",
        "-ne \"FINANCE\"",
        "-contains \"finance\"",
        "-startsWith \"fin\"",
    ] {
        assert_eq!(compared(comparison, &["Finance"]), Unknown, "{comparison}");
    }
    assert_eq!(
        compared("-contains \"finance\"", &["Finance", "HR"]),
        Unknown
    );
}

#[test]
fn x1_names_have_no_letter_case_and_parts_are_joined_as_in_any_rule() {
    let own = attributes(&[("set_a", &["x"]), ("Set_B_C", &["y", "z"])]);
    for (rule, expected) in [
        ("customsecurityattribute.SET_A -eq \"x\"", Yes),
        (
            "(CustomSecurityAttribute.Set_A -eq \"q\") or CustomSecurityAttribute.Set_B_C -contains \"z\"",
            Yes,
        ),
        (
            "CustomSecurityAttribute.Set_A -eq \"x\" and not (CustomSecurityAttribute.Set_B_C -contains \"z\")",
            No,
        ),
        // What decides alone hides what is unknown.
        (
            "CustomSecurityAttribute.Set_A -eq \"x\" -or CustomSecurityAttribute.Set_B_C -eq \"y\"",
            Yes,
        ),
        (
            "CustomSecurityAttribute.Set_A -eq \"x\" -and CustomSecurityAttribute.Set_B_C -eq \"y\"",
            Unknown,
        ),
    ] {
        assert_eq!(matches(rule, &own), expected, "{rule}");
    }
}

#[test]
fn c4_a_rule_that_cannot_be_read_is_unknown() {
    let own = attributes(&[("Set_A", &["x"])]);
    for rule in [
        "",
        "CustomSecurityAttribute.Set_A",
        "CustomSecurityAttribute.Set -eq \"x\"",
        "CustomSecurityAttribute._A -eq \"x\"",
        "CustomSecurityAttribute.Set_ -eq \"x\"",
        "CustomSecurityAttribute.Set.A -eq \"x\"",
        "CustomSecurityAttribute.Set_A -eq True",
        "CustomSecurityAttribute.Set_A -eq 'x'",
        "CustomSecurityAttribute.Set_A -eq $null",
        "CustomSecurityAttribute.Set_A -match \"x\"",
        "device.model -eq \"x\"",
    ] {
        assert_eq!(matches(rule, &own), Unknown, "{rule}");
    }
    let error = AppRule::parse("device.model -eq \"x\"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 0: found `device.model`, expected `CustomSecurityAttribute.` and an attribute, -not or `(`"
    );
}

#[test]
fn c4_a_printed_rule_reads_as_the_same_rule() {
    let rule = AppRule::parse(
        "not (CustomSecurityAttribute.Set_A IN [\"x\",\"y\"] or customSecurityAttribute.Set_B Contains \"z\")",
    )
    .unwrap();
    assert_eq!(
        rule.to_string(),
        "-not (CustomSecurityAttribute.Set_A -in [\"x\", \"y\"] -or CustomSecurityAttribute.Set_B -contains \"z\")"
    );
    assert_eq!(AppRule::parse(&rule.to_string()).unwrap(), rule);
}
