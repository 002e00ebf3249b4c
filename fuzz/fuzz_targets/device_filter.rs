//! Any text as the rule of a device filter.
#![no_main]

use breakglass_conditional_access::device_filter::{Device, DeviceRule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let rule = match DeviceRule::parse(text) {
        Ok(rule) => rule,
        Err(error) => {
            assert!(text.is_char_boundary(error.position));
            assert!(!error.to_string().contains(char::is_control));
            return;
        }
    };
    let printed = rule.to_string();
    let again = match DeviceRule::parse(&printed) {
        Ok(again) => again,
        // Printing spells out what the text could leave out, and so may pass the limit.
        Err(_)
            if printed.chars().count()
                > breakglass_conditional_access::device_filter::MAX_CHARACTERS =>
        {
            return;
        }
        Err(error) => panic!("{printed}: {error}"),
    };
    assert_eq!(again, rule);
    let device = Device {
        model: Some("Surface ΑΣ".to_owned()),
        is_compliant: Some(true),
        system_labels: Some(vec!["CloudPC".to_owned()]),
        ..Device::default()
    };
    for device in [None, Some(&device)] {
        assert_eq!(again.matches(device), rule.matches(device));
    }
});
