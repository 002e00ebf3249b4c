//! The devices that a set of rules can tell apart.

use std::collections::HashSet;

use super::device::{Device, ExtensionAttributes};
use super::residual::Residual;
use super::rule::DeviceRule;

/// All devices for which the rules come out alike, with one of them to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceClass {
    /// The device; `None` is one that is not registered.
    pub device: Option<Device>,
    /// What each rule makes of it, in the order of the rules.
    pub values: Vec<bool>,
}

/// Telling the devices apart would take too many steps. Without this rule it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("device rule {rule} of the set: more than {limit} combinations of attributes to look at")]
pub struct TooMany {
    /// The index of the rule that has most to do with it: the one with most comparisons of those that name
    /// the attribute at which it became too much.
    pub rule: usize,
    /// The limit that was given.
    pub limit: usize,
}

/// The rules as far as the attributes so far do not decide them, and a device that has those attributes.
struct State {
    rules: Vec<Residual>,
    device: Device,
}

/// The classes of devices that the rules can tell apart (X1, C4). The first is the device that is not
/// registered, the second a registered one without any attribute; then each other combination of values
/// that some registered device gives the rules, once. No combination that a device can give is missing.
///
/// Attributes do not depend on each other: only tests of the same attribute do. That extension attributes
/// show on some devices only is no exception, because Intune management, which no rule can ask about, makes
/// them show whatever the other attributes are.
///
/// Gives up when one attribute, or an attribute together with what is open after the attributes before it,
/// has more than `limit` combinations.
pub fn classes(rules: &[&DeviceRule], limit: usize) -> Result<Vec<DeviceClass>, TooMany> {
    let mut subjects = Vec::new();
    let whole: Vec<Residual> = rules
        .iter()
        .map(|rule| Residual::new(&rule.root, true, &mut subjects))
        .collect();
    let mut states = vec![State {
        rules: whole.clone(),
        device: Device::default(),
    }];
    for (index, subject) in subjects.iter().enumerate() {
        let outcomes = subject.outcomes(limit);
        let fits = |count: usize| count.saturating_mul(states.len()) <= limit;
        let Some(outcomes) = outcomes.filter(|outcomes| fits(outcomes.len())) else {
            let rule = widest(&whole, index);
            return Err(TooMany { rule, limit });
        };
        let mut seen = HashSet::new();
        let mut next = Vec::new();
        for state in &states {
            for outcome in &outcomes {
                let given = |rule: &Residual| rule.given(index, &outcome.signs);
                let rules: Vec<Residual> = state.rules.iter().map(given).collect();
                if seen.insert(rules.clone()) {
                    let mut device = state.device.clone();
                    device.set(subject.attribute, &outcome.values);
                    next.push(State { rules, device });
                }
            }
        }
        states = next;
    }
    let unregistered = DeviceClass {
        device: None,
        values: rules.iter().map(|rule| rule.matches(None)).collect(),
    };
    let registered = states.into_iter().map(|state| DeviceClass {
        device: Some(shown(state.device)),
        values: state
            .rules
            .iter()
            .map(|rule| *rule == Residual::Known(true))
            .collect(),
    });
    Ok(std::iter::once(unregistered).chain(registered).collect())
}

fn widest(rules: &[Residual], subject: usize) -> usize {
    let sizes = rules.iter().map(|rule| rule.tests(subject));
    let naming = sizes
        .enumerate()
        .filter(|(_, (of_subject, _))| *of_subject > 0);
    let widest = naming.max_by_key(|(index, (_, all))| (*all, std::cmp::Reverse(*index)));
    widest.map_or(0, |(index, _)| index)
}

/// The device, managed if its extension attributes would not show otherwise.
fn shown(mut device: Device) -> Device {
    if device.extension_attributes != ExtensionAttributes::default()
        && !device.shows_extension_attributes()
    {
        device.managed = Some(true);
    }
    device
}
