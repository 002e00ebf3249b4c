use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::attribute::{Attribute, FALSE_TRUE, Kind};
use super::super::language::Named as _;
use super::super::operator::{Operator, Test, fold};
use super::*;

/// Few attributes, so that rules meet, and constants that lie in each other.
const ATTRIBUTES: [Attribute; 6] = [
    Attribute::IsCompliant,
    Attribute::TrustType,
    Attribute::Model,
    Attribute::SystemLabels,
    Attribute::MdmAppId,
    Attribute::Extension(0),
];
const CONSTANTS: [&str; 8] = ["a", "B", "ab", "bA", "aa", "abc", " ", "a-b"];

fn constants(attribute: Attribute) -> &'static [&'static str] {
    match attribute.kind() {
        Kind::Choice(names) => names,
        Kind::Flag => &FALSE_TRUE,
        Kind::Guid | Kind::Text | Kind::Collection => &CONSTANTS,
    }
}

fn comparisons() -> impl Strategy<Value = String> {
    select(ATTRIBUTES.as_slice()).prop_flat_map(|attribute| {
        let values = prop::collection::vec(select(constants(attribute)), 1..4);
        (select(attribute.operators()), values).prop_map(move |(operator, values)| {
            if operator.takes_list() {
                return format!(
                    "device.{attribute} {operator} [\"{}\"]",
                    values.join("\",\"")
                );
            }
            format!("device.{attribute} {operator} \"{}\"", values[0])
        })
    })
}

fn rules() -> impl Strategy<Value = String> {
    comparisons().prop_recursive(3, 8, 3, |inner| {
        let parts = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts().prop_map(|parts| format!("({})", parts.join(" -and "))),
            parts().prop_map(|parts| parts.join(" or ")),
            inner.clone().prop_map(|part| format!("not ({part})")),
        ]
    })
}

fn devices() -> impl Strategy<Value = Device> {
    let text = || prop::option::of("[aAbBc -]{0,5}");
    let trust = select(vec![
        None,
        Some("AzureAD"),
        Some("ServerAD"),
        Some("Workplace"),
        Some("New"),
    ]);
    let labels = prop::option::of(prop::collection::vec(select(CONSTANTS.as_slice()), 0..4));
    let flags: (_, BoxedStrategy<Option<bool>>) =
        (any::<Option<bool>>(), any::<Option<bool>>().boxed());
    (text(), text(), text(), trust, labels, flags).prop_map(
        |(model, app, extension, trust, labels, (compliant, managed))| {
            let mut device = Device {
                model,
                mdm_app_id: app,
                trust_type: trust.map(String::from),
                system_labels: labels.map(|l| l.into_iter().map(String::from).collect()),
                is_compliant: compliant,
                managed,
                ..Device::default()
            };
            device.extension_attributes.set(1, extension);
            device
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn c4_a_printed_rule_reads_as_the_same_rule(text in rules()) {
        let read = rule(&text);
        prop_assert_eq!(rule(&read.to_string()), read);
    }

    #[test]
    fn c4_any_text_is_read_without_panic(text in "(?s).{0,200}", rule in rules(), at in 0..400_usize) {
        // Also a good rule with something in its midst: it reaches further.
        let middle = (0..=at.min(rule.len())).rev().find(|at| rule.is_char_boundary(*at)).unwrap();
        let (head, tail) = rule.split_at(middle);
        for text in [text.clone(), format!("{head}{text}{tail}"), head.to_owned()] {
            if let Err(error) = DeviceRule::parse(&text) {
                prop_assert!(text.is_char_boundary(error.position));
                prop_assert!(!error.to_string().contains(char::is_control));
            }
        }
    }

    #[test]
    fn x1_values_compare_as_their_folded_texts(
        value in "[aAbBσΣςİiK\u{212a}\u{e000}-]{0,6}|.{0,6}",
        constants in prop::collection::vec("[aAbBσΣςİiK-]{1,3}|.{1,3}", 1..5),
    ) {
        for operator in Operator::ALL {
            let count = if operator.takes_list() { constants.len() } else { 1 };
            let test = Test::new(operator, false, &constants[..count]);
            prop_assert_eq!(test.passes(&value), test.holds(&[fold(&value)]), "{:?}", test);
        }
    }

    #[test]
    fn x1_classes_are_sound_and_none_is_missing(
        texts in prop::collection::vec(rules(), 1..4),
        devices in prop::collection::vec(devices(), 1..60),
    ) {
        let rules: Vec<DeviceRule> = texts.iter().map(|text| rule(text)).collect();
        let rules: Vec<&DeviceRule> = rules.iter().collect();
        let classes = classes(&rules, 1_000_000).unwrap();
        let values = |device: Option<&Device>| -> Vec<bool> {
            rules.iter().map(|rule| rule.matches(device)).collect()
        };
        for class in &classes {
            prop_assert_eq!(&class.values, &values(class.device.as_ref()), "{:?}", class);
        }
        prop_assert_eq!(&classes[0].device, &None);
        prop_assert_eq!(&classes[1].device, &Some(Device::default()));
        let registered: HashSet<&Vec<bool>> = classes[1..].iter().map(|class| &class.values).collect();
        prop_assert_eq!(registered.len(), classes.len() - 1);
        for device in &devices {
            prop_assert!(registered.contains(&values(Some(device))), "{:?}", device);
        }
    }
}
