//! What can end an account or a group by itself: passwords that expire or must be changed, groups that expire.

use jiff::Timestamp;
use serde_json::Value;

use super::object::absent;
use crate::{Reading, tenant::Password};

/// What Graph writes for a password that never expires (Microsoft Graph, *domain resource type*).
const NEVER: u64 = 2_147_483_647;

/// A time that may be null.
fn time(object: &Value, key: &str) -> Reading<Option<Timestamp>> {
    match object.get(key) {
        None => absent(key),
        Some(Value::Null) => Reading::Read(None),
        Some(value) => match value.as_str().and_then(|text| text.parse().ok()) {
            Some(time) => Reading::Read(Some(time)),
            None => Reading::NotRead(format!("`{key}` is not a time")),
        },
    }
}

pub(super) fn password(object: &Value) -> Password {
    let policies = "passwordPolicies";
    let never_expires = match object.get(policies) {
        None => absent(policies),
        Some(value) => Reading::Read(value.as_str().is_some_and(|words| {
            words.split(',').any(|word| {
                word.trim()
                    .eq_ignore_ascii_case("DisablePasswordExpiration")
            })
        })),
    };
    let must_change = match object.get("passwordProfile") {
        None => absent("passwordProfile"),
        Some(profile) => {
            let either = [
                "forceChangePasswordNextSignIn",
                "forceChangePasswordNextSignInWithMfa",
            ];
            let must = either
                .iter()
                .any(|key| profile.get(key).and_then(Value::as_bool) == Some(true));
            let unread = either.iter().find(|key| {
                !must
                    && profile
                        .as_object()
                        .is_some_and(|own| !own.contains_key(**key))
            });
            match unread {
                Some(key) => absent(key),
                None => Reading::Read(must),
            }
        }
    };
    Password {
        never_expires,
        changed: time(object, "lastPasswordChangeDateTime"),
        must_change,
    }
}

/// Security groups never expire: for them Graph writes null, or nothing at all (Microsoft Entra, *Expiration policy for
/// Microsoft 365 groups*).
pub(super) fn expires(group: &Value) -> Reading<Option<Timestamp>> {
    let unified = group
        .get("groupTypes")
        .and_then(Value::as_array)
        .map(|kinds| {
            kinds.iter().any(|kind| {
                kind.as_str()
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("Unified"))
            })
        });
    match (time(group, "expirationDateTime"), unified) {
        (Reading::NotRead(_), Some(false)) => Reading::Read(None),
        (reading, _) => reading,
    }
}

pub(super) fn password_days(domain: &Value) -> Reading<Option<u64>> {
    let key = "passwordValidityPeriodInDays";
    match domain.get(key) {
        None => absent(key),
        Some(value) => match value.as_u64() {
            Some(days) => Reading::Read((days < NEVER).then_some(days)),
            None => Reading::NotRead(format!("`{key}` holds no number")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a9_a_password_tells_whether_it_expires() {
        let of = |policies: Value| password(&json!({"passwordPolicies": policies})).never_expires;
        assert_eq!(
            of(json!("DisablePasswordExpiration, DisableStrongPassword")),
            Reading::Read(true)
        );
        assert_eq!(of(json!(null)), Reading::Read(false));
        assert!(password(&json!({})).never_expires.get().is_none());
        let forced = json!({"passwordProfile": {"forceChangePasswordNextSignIn": true}});
        assert_eq!(password(&forced).must_change, Reading::Read(true));
    }

    #[test]
    fn a9_only_groups_of_microsoft_365_expire() {
        assert_eq!(expires(&json!({"groupTypes": []})), Reading::Read(None));
        assert!(expires(&json!({"groupTypes": ["Unified"]})).get().is_none());
        assert_eq!(
            password_days(&json!({"passwordValidityPeriodInDays": 2_147_483_647_u64})),
            Reading::Read(None)
        );
        assert_eq!(
            password_days(&json!({"passwordValidityPeriodInDays": 90})),
            Reading::Read(Some(90))
        );
    }
}
