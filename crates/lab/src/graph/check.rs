//! Which queries lists refuse: those of directory objects above all.
//!
//! Microsoft Graph, *Advanced query capabilities on directory objects*: some need the header `ConsistencyLevel: eventual`
//! together with `$count=true`; filters need an index.

use super::{
    Version,
    kind::{Kind, ROLE_DEFINITION, Rules},
    log_filter,
    request::Request,
};
use crate::{
    lab::ApiError,
    odata::{Compare, Expr, Function, Literal, Operand},
};

fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "Request_UnsupportedQuery", message)
}

/// A property that the type does not have.
pub(crate) fn no_property(property: &str, kind: &Kind) -> ApiError {
    ApiError::new(
        400,
        "BadRequest",
        format!(
            "Could not find a property named '{property}' on type 'microsoft.graph.{}'.",
            kind.name
        ),
    )
}

/// What a filter uses.
#[derive(Debug, Default, PartialEq, Eq)]
struct Uses {
    /// Properties at the top, with lambda variables resolved to the list that they range over.
    properties: Vec<String>,
    /// Properties of a related object: `isPrivileged` of `roleDefinition/isPrivileged`.
    related: Vec<(String, String)>,
    /// Whether something is used that only advanced queries have.
    advanced: bool,
    /// Whether a function is used that the directory does not have.
    contains: bool,
}

impl Uses {
    fn of(expr: &Expr) -> Self {
        let mut uses = Self::default();
        uses.visit(expr, &mut Vec::new());
        uses
    }

    fn path(&mut self, path: &[String], variables: &[String]) {
        let Some(first) = path
            .iter()
            .find(|name| !name.starts_with("microsoft.graph."))
        else {
            return;
        };
        if path.last().is_some_and(|last| last == "$count") {
            self.advanced = true;
        }
        if let [relation, name] = path {
            self.related.push((relation.clone(), name.clone()));
        }
        if !variables.contains(first) && !self.properties.contains(first) {
            self.properties.push(first.clone());
        }
    }

    fn operand(&mut self, operand: &Operand, variables: &[String]) {
        if let Operand::Path(path) = operand {
            self.path(path, variables);
        }
    }

    fn visit(&mut self, expr: &Expr, variables: &mut Vec<String>) {
        match expr {
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.visit(left, variables);
                self.visit(right, variables);
            }
            Expr::Not(inner) => {
                self.advanced = true;
                self.visit(inner, variables);
            }
            Expr::Is(path) => self.path(path, variables),
            Expr::In(path, _) => {
                self.path(path, variables);
                self.advanced |= path.first().is_some_and(|name| name == "createdDateTime");
            }
            Expr::IsOf(_) => self.advanced = true,
            Expr::Compare(left, compare, right) => {
                self.operand(left, variables);
                self.operand(right, variables);
                // Sign-in activity is kept elsewhere and has no such rule.
                let activity = matches!(left, Operand::Path(path)
                    if path.first().is_some_and(|name| name == "signInActivity"));
                self.advanced |= *compare == Compare::Ne && !activity;
                let null = *right == Operand::Literal(Literal::Null);
                if let Operand::Path(path) = left
                    && let Some(name) = path.first()
                {
                    // Comparing these with null, or passwordPolicies with anything, has no index.
                    self.advanced |= null
                        && ["displayName", "createdDateTime"].contains(&name.as_str())
                        || name == "passwordPolicies";
                }
            }
            Expr::Call(function, left, right) => {
                self.operand(left, variables);
                self.operand(right, variables);
                self.advanced |= *function == Function::EndsWith;
                self.contains |= *function == Function::Contains;
            }
            Expr::Any {
                path,
                variable,
                condition,
                all,
            } => {
                self.path(path, variables);
                self.advanced |= *all;
                if let Some(condition) = condition {
                    variables.push(variable.clone());
                    self.visit(condition, variables);
                    variables.pop();
                }
            }
        }
    }
}

/// Refuses what the type's lists do not support.
pub(crate) fn options(
    request: &Request,
    kind: &Kind,
    filter: Option<&Expr>,
    cast: bool,
) -> Result<(), ApiError> {
    let has = |name: &str| request.query.get(name).is_some();
    let uses = filter.map(Uses::of).unwrap_or_default();
    if request.version == Version::V1
        && let Some(unknown) = uses.properties.iter().find(|name| !kind.may_have(name))
    {
        return Err(no_property(unknown, kind));
    }
    if request.version == Version::V1
        && let Some((_, name)) = uses.related.iter().find(|(relation, name)| {
            relation.eq_ignore_ascii_case("roleDefinition") && ROLE_DEFINITION.is_beta(name)
        })
    {
        return Err(no_property(name, &ROLE_DEFINITION));
    }
    let index = match kind.rules {
        Rules::Free => return Ok(()),
        Rules::Log(rows) => {
            return filter.map_or(Ok(()), |filter| {
                log_filter::check(rows, request.version, filter)
            });
        }
        Rules::Directory(index) => index,
    };
    if has("$skip") {
        return Err(ApiError::new(
            400,
            "Request_BadRequest",
            "'$skip' is not supported by the service.",
        ));
    }
    if has("$search") && !request.eventual {
        return Err(unsupported(
            "Request with $search query parameter only works through MSGraph with a special request header: \
             'ConsistencyLevel: eventual'",
        ));
    }
    if uses.contains {
        return Err(unsupported("Unsupported Query."));
    }
    let activity = uses.properties.iter().any(|name| name == "signInActivity");
    if activity && uses.properties.len() > 1 {
        return Err(unsupported(
            "Filter not supported: signInActivity can't be combined with other properties.",
        ));
    }
    if let Some(name) = uses
        .properties
        .iter()
        .find(|name| !index.iter().any(|own| own.eq_ignore_ascii_case(name)))
    {
        tracing::debug!(property = name.as_str(), "no index");
        return Err(unsupported(
            "The request uses a filter property that is not indexed",
        ));
    }
    let count = request
        .query
        .get("$count")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let full =
        request.eventual && (count || request.folded.last().is_some_and(|last| last == "$count"));
    let advanced = uses.advanced
        || has("$orderby") && has("$filter")
        || cast && (has("$filter") || has("$orderby"))
        || cast
            && request
                .folded
                .iter()
                .any(|segment| segment == "transitivemembers");
    // `$search` needs the header alone, and makes a query an advanced one.
    if advanced && !full && !(has("$search") && request.eventual) {
        return Err(unsupported("Unsupported Query."));
    }
    Ok(())
}
