//! Which filters the logs take.
//!
//! Microsoft Graph, *signIn resource type*, *directoryAudit resource type*, *List directoryAudits*: each property says
//! which operators it supports. `gt` and `lt` on times are not listed, and taken all the same: Microsoft's own examples
//! have them. The texts of refusals are not documented.

use super::Version;
use crate::{
    lab::ApiError,
    odata::{Compare, Expr, Function, Literal, Operand},
};

/// What a property can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `eq`.
    Equal,
    /// `eq` and `ne`.
    EqualOrNot,
    /// `eq` and `startsWith`.
    Start,
    /// `eq`, `ge`, `le`, `gt`, `lt`.
    Time,
}

/// A property that can be filtered by: its path (`targetResources/any/id` inside a list), how, and whether beta alone
/// has it.
pub(crate) type Row = (&'static str, Takes, bool);

/// Properties of sign-ins.
pub(crate) const SIGN_INS: &[Row] = &[
    ("appDisplayName", Takes::Start, false),
    ("appId", Takes::Equal, false),
    ("authenticationRequirement", Takes::Start, true),
    ("clientAppUsed", Takes::Equal, false),
    ("conditionalAccessAudiences", Takes::Equal, true),
    ("conditionalAccessStatus", Takes::Equal, false),
    ("correlationId", Takes::Equal, false),
    ("createdDateTime", Takes::Time, false),
    ("deviceDetail/browser", Takes::Start, false),
    ("deviceDetail/operatingSystem", Takes::Start, false),
    ("id", Takes::Equal, false),
    ("ipAddress", Takes::Start, false),
    ("location/city", Takes::Start, false),
    ("location/countryOrRegion", Takes::Start, false),
    ("location/state", Takes::Start, false),
    ("originalRequestId", Takes::Equal, true),
    ("resourceDisplayName", Takes::Equal, false),
    ("resourceId", Takes::Equal, false),
    ("riskDetail", Takes::Equal, false),
    ("riskEventTypes/any", Takes::Equal, false),
    ("riskEventTypes_v2/any", Takes::Start, false),
    ("riskLevelAggregated", Takes::Equal, false),
    ("riskLevelDuringSignIn", Takes::Equal, false),
    ("riskState", Takes::Equal, false),
    ("servicePrincipalId", Takes::Start, false),
    ("servicePrincipalName", Takes::Start, false),
    (EVENT_TYPES, Takes::EqualOrNot, true),
    ("status/errorCode", Takes::Equal, false),
    ("tokenIssuerName", Takes::Equal, true),
    ("userAgent", Takes::Start, false),
    ("userDisplayName", Takes::Start, false),
    ("userId", Takes::Equal, false),
    ("userPrincipalName", Takes::Start, false),
];

const EVENT_TYPES: &str = "signInEventTypes/any";

/// Properties of directory audits.
pub(crate) const AUDITS: &[Row] = &[
    ("activityDateTime", Takes::Time, false),
    ("activityDisplayName", Takes::Start, false),
    ("category", Takes::Equal, false),
    ("correlationId", Takes::Equal, false),
    ("id", Takes::Equal, false),
    ("initiatedBy/app/appId", Takes::Equal, false),
    ("initiatedBy/app/displayName", Takes::Equal, false),
    ("initiatedBy/user/displayName", Takes::Equal, false),
    ("initiatedBy/user/id", Takes::Equal, false),
    ("initiatedBy/user/userPrincipalName", Takes::Start, false),
    ("loggedByService", Takes::Equal, false),
    ("targetResources/any/displayName", Takes::Start, false),
    ("targetResources/any/id", Takes::Equal, false),
];

fn unsupported(what: &str) -> ApiError {
    ApiError::new(
        400,
        "BadRequest",
        format!("Invalid filter clause: {what} is not supported."),
    )
}

/// Refuses what these properties do not support.
pub(crate) fn check(rows: &[Row], version: Version, filter: &Expr) -> Result<(), ApiError> {
    let mut judge = Judge {
        rows,
        version,
        kinds: Vec::new(),
    };
    judge.visit(filter, None)?;
    let workload = |kind: &&String| {
        ["serviceprincipal", "managedidentity"].contains(&kind.to_lowercase().as_str())
    };
    let of_workloads = judge.kinds.iter().filter(workload).count();
    if of_workloads > 0 && of_workloads < judge.kinds.len() {
        return Err(unsupported(
            "a combination of sign-ins of users and of workloads",
        ));
    }
    Ok(())
}

struct Judge<'a> {
    rows: &'a [Row],
    version: Version,
    /// Kinds of sign-ins that are asked for.
    kinds: Vec<String>,
}

/// A list that a condition ranges over: its path, and the name of its items.
type Range<'a> = (&'a str, &'a str);

impl Judge<'_> {
    fn visit(&mut self, expr: &Expr, range: Option<Range<'_>>) -> Result<(), ApiError> {
        match expr {
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.visit(left, range)?;
                self.visit(right, range)
            }
            Expr::Compare(Operand::Path(path), compare, Operand::Literal(value)) => {
                let (name, takes) = self.find(path, range)?;
                let fits = match compare {
                    Compare::Eq => true,
                    Compare::Ne => takes == Takes::EqualOrNot,
                    Compare::Ge | Compare::Le | Compare::Gt | Compare::Lt => takes == Takes::Time,
                    Compare::Has => false,
                };
                if !fits {
                    return Err(unsupported(&format!("this operator on '{name}'")));
                }
                if name == EVENT_TYPES
                    && let Literal::Text(kind) = value
                {
                    self.kinds.push(kind.clone());
                }
                Ok(())
            }
            Expr::Call(Function::StartsWith, Operand::Path(path), Operand::Literal(_)) => {
                let (name, takes) = self.find(path, range)?;
                if takes == Takes::Start {
                    return Ok(());
                }
                Err(unsupported(&format!("'startsWith' on '{name}'")))
            }
            Expr::Any {
                path,
                variable,
                condition: Some(condition),
                all: false,
            } if range.is_none() => {
                let list = format!("{}/any", path.join("/"));
                self.visit(condition, Some((&list, variable)))
            }
            Expr::Not(_) => Err(unsupported("'not'")),
            Expr::In(..) => Err(unsupported("'in'")),
            Expr::Call(Function::EndsWith, ..) => Err(unsupported("'endsWith'")),
            Expr::Call(Function::Contains, ..) => Err(unsupported("'contains'")),
            _ => Err(unsupported("this condition")),
        }
    }

    /// What the property of a path takes.
    fn find(
        &self,
        path: &[String],
        range: Option<Range<'_>>,
    ) -> Result<(&'static str, Takes), ApiError> {
        let name = match (range, path.split_first()) {
            (Some((list, variable)), Some((first, rest))) if first == variable => {
                let mut parts = vec![list];
                parts.extend(rest.iter().map(String::as_str));
                parts.join("/")
            }
            _ => path.join("/"),
        };
        self.rows
            .iter()
            .find(|(own, _, beta)| {
                own.eq_ignore_ascii_case(&name) && (!beta || self.version == Version::Beta)
            })
            .map(|(own, takes, _)| (*own, *takes))
            .ok_or_else(|| unsupported(&format!("filtering by '{name}'")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata;

    fn ok(rows: &[Row], version: Version, filter: &str) -> bool {
        check(rows, version, &odata::parse(filter).unwrap()).is_ok()
    }

    #[test]
    fn filters_of_sign_ins_are_those_that_are_documented() {
        use Version::{Beta, V1};
        for (filter, stable, beta) in [
            (
                "createdDateTime ge 2026-10-01T00:00:00Z and createdDateTime le 2026-11-01T00:00:00Z",
                true,
                true,
            ),
            ("createdDateTime ne 2026-10-01T00:00:00Z", false, false),
            ("userId eq 'a' or userId eq 'b'", true, true),
            ("userId ne 'a'", false, false),
            ("userId in ('a', 'b')", false, false),
            ("not (userId eq 'a')", false, false),
            ("startsWith(userId, 'a')", false, false),
            ("startsWith(userPrincipalName, 'a')", true, true),
            (
                "startswith(location/city, 'B') and status/errorCode eq 0",
                true,
                true,
            ),
            ("endsWith(userPrincipalName, 'a')", false, false),
            ("contains(userPrincipalName, 'a')", false, false),
            ("status/errorCode ne 0", false, false),
            ("status/failureReason eq 'x'", false, false),
            ("deviceDetail/deviceId eq 'x'", false, false),
            ("isInteractive eq true", false, false),
            ("riskEventTypes_v2/any(t: t eq 'generic')", true, true),
            (
                "signInEventTypes/any(t: t eq 'nonInteractiveUser')",
                false,
                true,
            ),
            (
                "signInEventTypes/any(t: t ne 'interactiveUser')",
                false,
                true,
            ),
            (
                "signInEventTypes/all(t: t eq 'nonInteractiveUser')",
                false,
                false,
            ),
            ("signInEventTypes/any()", false, false),
            (
                "signInEventTypes/any(t: startsWith(t, 'non'))",
                false,
                false,
            ),
            (
                "userId eq 'a' and signInEventTypes/any(t: t eq 'nonInteractiveUser' or t eq 'interactiveUser')",
                false,
                true,
            ),
            (
                "signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'servicePrincipal')",
                false,
                false,
            ),
            (
                "authenticationRequirement eq 'multiFactorAuthentication'",
                false,
                true,
            ),
            ("authenticationProtocol eq 'deviceCode'", false, false),
        ] {
            assert_eq!(ok(SIGN_INS, V1, filter), stable, "v1.0: {filter}");
            assert_eq!(ok(SIGN_INS, Beta, filter), beta, "beta: {filter}");
        }
    }

    #[test]
    fn filters_of_audits_are_those_that_are_documented() {
        for (filter, expected) in [
            ("activityDateTime ge 2026-10-01T00:00:00Z", true),
            ("startsWith(activityDisplayName, 'Add')", true),
            ("targetResources/any(t: t/id eq 'x')", true),
            (
                "targetResources/any(t: startsWith(t/displayName, 'x'))",
                true,
            ),
            ("targetResources/any(t: t/type eq 'User')", false),
            (
                "initiatedBy/user/id eq 'x' or initiatedBy/app/displayName eq 'y'",
                true,
            ),
            ("startsWith(category, 'Role')", false),
            ("result ne 'success'", false),
        ] {
            assert_eq!(ok(AUDITS, Version::V1, filter), expected, "{filter}");
        }
    }
}
