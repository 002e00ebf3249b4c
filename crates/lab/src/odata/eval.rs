//! Whether an object meets a filter.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::filter::{Compare, Expr, Function, Literal, Operand};

/// Variables of the lambdas around a condition, innermost last.
type Scope<'a> = Vec<(&'a str, &'a Value)>;

/// Whether an object meets a condition.
pub(crate) fn matches(expr: &Expr, object: &Value) -> bool {
    holds(expr, object, &mut Vec::new())
}

fn holds<'a>(expr: &'a Expr, object: &'a Value, scope: &mut Scope<'a>) -> bool {
    match expr {
        Expr::And(left, right) => holds(left, object, scope) && holds(right, object, scope),
        Expr::Or(left, right) => holds(left, object, scope) || holds(right, object, scope),
        Expr::Not(inner) => !holds(inner, object, scope),
        Expr::Is(path) => is(&value_at(path, object, scope), &Literal::Bool(true)),
        Expr::IsOf(name) => {
            let own = object.get("@odata.type").and_then(Value::as_str);
            own.is_some_and(|own| plain_type(own).eq_ignore_ascii_case(plain_type(name)))
        }
        Expr::In(path, values) => {
            let value = value_at(path, object, scope);
            values.iter().any(|literal| is(&value, literal))
        }
        Expr::Compare(left, compare, right) => match (left, right) {
            (Operand::Path(path), Operand::Literal(literal)) => {
                compared(&value_at(path, object, scope), *compare, literal)
            }
            (Operand::Literal(literal), Operand::Path(path)) => {
                compared(&value_at(path, object, scope), turned(*compare), literal)
            }
            (Operand::Literal(left), Operand::Literal(right)) => {
                compared(&as_value(left), *compare, right)
            }
            (Operand::Path(left), Operand::Path(right)) => {
                let right = literal_of(&value_at(right, object, scope));
                compared(&value_at(left, object, scope), *compare, &right)
            }
        },
        Expr::Call(function, left, right) => {
            let text = |operand: &'a Operand| match operand {
                Operand::Path(path) => value_at(path, object, scope)
                    .as_str()
                    .map(str::to_lowercase),
                Operand::Literal(Literal::Text(text)) => Some(text.to_lowercase()),
                Operand::Literal(_) => None,
            };
            let (Some(whole), Some(part)) = (text(left), text(right)) else {
                return false;
            };
            match function {
                Function::StartsWith => whole.starts_with(&part),
                Function::EndsWith => whole.ends_with(&part),
                Function::Contains => whole.contains(&part),
            }
        }
        Expr::Any {
            path,
            variable,
            condition,
            all,
        } => {
            let Some(list) = reference_at(path, object, scope).and_then(Value::as_array) else {
                return *all;
            };
            let Some(condition) = condition else {
                return *all || !list.is_empty();
            };
            let mut test = |item: &'a Value| {
                scope.push((variable, item));
                let answer = holds(condition, object, scope);
                scope.pop();
                answer
            };
            if *all {
                list.iter().all(&mut test)
            } else {
                list.iter().any(&mut test)
            }
        }
    }
}

/// `#microsoft.graph.user` without what is before the name.
fn plain_type(name: &str) -> &str {
    let name = name.trim_start_matches('#');
    name.strip_prefix("microsoft.graph.").unwrap_or(name)
}

/// A property, whatever the case of its name: Graph does not regard it.
pub(crate) fn lookup<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let map = object.as_object()?;
    map.get(name).or_else(|| {
        map.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn reference_at<'a>(path: &[String], object: &'a Value, scope: &Scope<'a>) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let bound = scope
        .iter()
        .rev()
        .find(|(name, _)| name == first)
        .map(|(_, value)| *value);
    let mut at = match bound {
        Some(value) => value,
        None => step(object, first)?,
    };
    for name in rest {
        at = step(at, name)?;
    }
    Some(at)
}

/// One segment on; a type name in a path casts, and leaves the value as it is.
fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if name.starts_with("microsoft.graph.") {
        return Some(value);
    }
    lookup(value, name)
}

fn value_at(path: &[String], object: &Value, scope: &Scope<'_>) -> Value {
    if let Some((last, list)) = path.split_last()
        && last == "$count"
    {
        let count = reference_at(list, object, scope)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        return Value::from(count);
    }
    reference_at(path, object, scope)
        .cloned()
        .unwrap_or_default()
}

const fn turned(compare: Compare) -> Compare {
    match compare {
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        same => same,
    }
}

fn as_value(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::from(*value),
        Literal::Number(value) => Value::from(*value),
        Literal::Text(value) => Value::from(value.as_str()),
        Literal::Time(value) => Value::from(value.to_string()),
    }
}

fn literal_of(value: &Value) -> Literal {
    match value {
        Value::Bool(value) => Literal::Bool(*value),
        Value::Number(value) => value.as_f64().map_or(Literal::Null, Literal::Number),
        Value::String(value) => Literal::Text(value.clone()),
        _ => Literal::Null,
    }
}

fn is(value: &Value, literal: &Literal) -> bool {
    ordering(value, literal) == Some(Ordering::Equal)
}

fn compared(value: &Value, compare: Compare, literal: &Literal) -> bool {
    let order = ordering(value, literal);
    match compare {
        Compare::Eq => order == Some(Ordering::Equal),
        Compare::Ne => order != Some(Ordering::Equal),
        Compare::Gt => order == Some(Ordering::Greater),
        Compare::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Compare::Lt => order == Some(Ordering::Less),
        Compare::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Compare::Has => match (value, literal) {
            (Value::String(flags), Literal::Text(wanted)) => wanted.split(',').all(|one| {
                flags
                    .split(',')
                    .any(|flag| flag.trim().eq_ignore_ascii_case(one.trim()))
            }),
            _ => false,
        },
    }
}

/// How a value stands to a literal; `None`: they can't be compared.
fn ordering(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(value), Literal::Bool(literal)) => Some(value.cmp(literal)),
        (Value::Number(value), Literal::Number(literal)) => value.as_f64()?.partial_cmp(literal),
        (Value::String(value), Literal::Time(literal)) => {
            Some(value.parse::<Timestamp>().ok()?.cmp(literal))
        }
        (Value::String(value), Literal::Text(literal)) => Some(fold(value, literal)),
        // Microsoft's own samples put numbers and dates between quotes.
        (Value::Number(value), Literal::Text(literal)) => {
            value.as_f64()?.partial_cmp(&literal.parse::<f64>().ok()?)
        }
        (Value::Bool(value), Literal::Text(literal)) => {
            Some(value.cmp(&literal.to_ascii_lowercase().parse().ok()?))
        }
        (Value::String(value), Literal::Number(literal)) => {
            value.parse::<f64>().ok()?.partial_cmp(literal)
        }
        _ => None,
    }
}

fn fold(left: &str, right: &str) -> Ordering {
    if left.eq_ignore_ascii_case(right) {
        return Ordering::Equal;
    }
    left.chars()
        .flat_map(char::to_lowercase)
        .cmp(right.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::parse, *};

    fn meets(filter: &str, object: &Value) -> bool {
        matches(&parse(filter).unwrap(), object)
    }

    #[test]
    fn filters_of_the_documentation_mean_what_they_say() {
        let user = json!({
            "@odata.type": "#microsoft.graph.user", "id": "7b0c5c1e-1111-4000-8000-00000000e001",
            "displayName": "Break Glass 01", "accountEnabled": true, "onPremisesSyncEnabled": null, "number": 3,
            "createdDateTime": "2026-01-01T10:00:00.5Z", "signInActivity": {"lastSignInDateTime": "2026-02-01T00:00:00Z"},
            "assignedLicenses": [{"skuId": "84a661c4-e949-4bd2-a560-ed7766fcaf2b"}], "tags": ["a", "b"],
            "flags": "password,sms", "o'neil": true,
        });
        for filter in [
            "displayName eq 'break glass 01'",
            "startsWith(displayName,'Break')",
            "startswith(tolower(displayName), 'break') eq true",
            "endsWith(displayName, '01') and not contains(displayName, 'x')",
            "id in ('x', '7B0C5C1E-1111-4000-8000-00000000E001')",
            "id eq 7b0c5c1e-1111-4000-8000-00000000e001",
            "accountEnabled",
            "accountEnabled eq true",
            "not(accountEnabled eq false)",
            "onPremisesSyncEnabled eq null",
            "onPremisesSyncEnabled ne true",
            "missing eq null",
            "createdDateTime ge 2026-01-01T10:00:00Z",
            "createdDateTime ge 2026-01-01",
            "createdDateTime lt 2026-01-01T11:00:00+00:00",
            "signInActivity/lastSignInDateTime le 2026-02-01T00:00:00Z",
            "assignedLicenses/any(x:x/skuId eq 84a661c4-e949-4bd2-a560-ed7766fcaf2b)",
            "assignedLicenses/$count eq 1",
            "tags/any(t:t eq 'b')",
            "tags/any()",
            "tags/all(t:t ne 'z')",
            "nothing/all(t:t eq 'z')",
            "flags has 'sms'",
            "isof('microsoft.graph.user')",
            "microsoft.graph.user/number gt 2",
            "number ge 3 and number le 3 or number eq 9",
            "3 le number",
            "DISPLAYNAME eq 'Break Glass 01'",
        ] {
            assert!(meets(filter, &user), "{filter}");
            assert!(!meets(&format!("not({filter})"), &user), "{filter}");
        }
        assert!(meets("name eq 'O''Neil'", &json!({"name": "O'Neil"})));
    }
}
