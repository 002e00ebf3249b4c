//! `$orderby`.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Invalid, eval::lookup, filter::Path};

/// One criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) path: Path,
    pub(crate) descending: bool,
}

/// Reads `$orderby`.
pub(crate) fn read_order(text: &str) -> Result<Vec<Order>, Invalid> {
    let mut position = 0;
    let mut found = Vec::new();
    for part in text.split(',') {
        let mut words = part.split_whitespace();
        let (path, direction, more) = (words.next(), words.next(), words.next());
        let descending = match direction.map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Invalid::new(position, "`asc` or `desc` is expected")),
        };
        let Some(path) = path.filter(|_| more.is_none()) else {
            return Err(Invalid::new(position, "The name of a property is expected"));
        };
        found.push(Order {
            path: path.split('/').map(str::to_owned).collect(),
            descending,
        });
        position += part.chars().count() + 1;
    }
    Ok(found)
}

fn at<'a>(path: &[String], value: &'a Value) -> Option<&'a Value> {
    path.iter()
        .try_fold(value, |value, name| lookup(value, name))
        .filter(|value| !value.is_null())
}

/// How two objects stand to each other; what is null comes first.
pub(crate) fn compare_rows(orders: &[Order], left: &Value, right: &Value) -> Ordering {
    for order in orders {
        let found = match (at(&order.path, left), at(&order.path, right)) {
            (Some(Value::String(left)), Some(Value::String(right))) => left
                .chars()
                .flat_map(char::to_lowercase)
                .cmp(right.chars().flat_map(char::to_lowercase)),
            (Some(Value::Number(left)), Some(Value::Number(right))) => left
                .as_f64()
                .partial_cmp(&right.as_f64())
                .unwrap_or(Ordering::Equal),
            (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        let found = if order.descending {
            found.reverse()
        } else {
            found
        };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_ordered_by_the_first_criterion_that_tells_them_apart() {
        let orders = read_order("a/b desc, name").unwrap();
        let row = |b: i64, name: &str| json!({"a": {"b": b}, "name": name});
        assert_eq!(
            compare_rows(&orders, &row(2, "x"), &row(1, "x")),
            Ordering::Less
        );
        assert_eq!(
            compare_rows(&orders, &row(1, "B"), &row(1, "a")),
            Ordering::Greater
        );
        assert_eq!(
            compare_rows(&orders, &json!({}), &row(1, "a")),
            Ordering::Greater
        );
        assert!(read_order("a b c").is_err());
        assert!(read_order("").is_err());
        assert_eq!(read_order("a,b up").unwrap_err().position, 2);
    }
}
