//! Resource ids: `{scope}/providers/{namespace}/{type}/{name}[/{type}/{name}…]`, without regard to letter case.

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// What comes before the last `/providers/`; empty: the tenant.
    pub(super) scope: String,
    /// Namespace and types, as in `Microsoft.OperationalInsights/workspaces/tables`.
    pub(super) kind: String,
    /// Names, one for each type; one less when a list is meant.
    pub(super) names: Vec<String>,
    types: usize,
}

impl Target {
    /// Reads a decoded path; `None`: it names no provider.
    pub(super) fn read(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let place = segments
            .iter()
            .rposition(|segment| segment.eq_ignore_ascii_case("providers"))?;
        let rest = segments.get(place + 1..)?;
        let (namespace, rest) = rest.split_first()?;
        let mut kind = (*namespace).to_owned();
        let mut names = Vec::new();
        let mut types = 0;
        for (index, segment) in rest.iter().enumerate() {
            if index % 2 == 0 {
                kind.push('/');
                kind.push_str(segment);
                types += 1;
            } else {
                names.push((*segment).to_owned());
            }
        }
        let scope = &segments[..place];
        Some(Self {
            scope: if scope.is_empty() {
                String::new()
            } else {
                format!("/{}", scope.join("/"))
            },
            kind,
            names,
            types,
        })
    }

    /// Whether one resource is named, and not a list.
    pub(super) fn is_item(&self) -> bool {
        self.types > 0 && self.names.len() == self.types
    }

    /// Whether a list is named.
    pub(super) fn is_list(&self) -> bool {
        self.types > 0 && self.names.len() + 1 == self.types
    }

    /// The last name.
    pub(super) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// The subscription in an id.
pub(super) fn subscription(id: &str) -> Option<String> {
    part(id, "subscriptions").map(|text| text.to_lowercase())
}

/// The resource group in an id.
pub(super) fn group(id: &str) -> Option<String> {
    part(id, "resourcegroups")
}

fn part(id: &str, of: &str) -> Option<String> {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty());
    segments.find(|segment| segment.eq_ignore_ascii_case(of))?;
    segments.next().map(str::to_owned)
}

/// Whether two ids name the same resource; some examples of Microsoft begin without a slash.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim_matches('/')
        .eq_ignore_ascii_case(b.trim_matches('/'))
}

/// Whether an id is the scope or lies below it.
pub(super) fn within(id: &str, scope: &str) -> bool {
    let (id, scope) = (
        id.to_lowercase(),
        scope.trim_end_matches('/').to_lowercase(),
    );
    id == scope
        || id
            .strip_prefix(&scope)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_at_the_last_provider() {
        let rule = Target::read(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/\
             Microsoft.SecurityInsights/alertRules/r",
        )
        .unwrap();
        assert_eq!(rule.kind, "Microsoft.SecurityInsights/alertRules");
        assert!(rule.scope.ends_with("/workspaces/w"));
        assert!(rule.is_item() && rule.name() == "r");
        let tables =
            Target::read("/subscriptions/s/resourceGroups/g/providers/M.O/workspaces/w/tables")
                .unwrap();
        assert_eq!(
            (tables.kind.as_str(), tables.is_list()),
            ("M.O/workspaces/tables", true)
        );
        assert_eq!(tables.names, ["w"]);
        let tenant = Target::read("/providers/microsoft.aadiam/diagnosticSettings").unwrap();
        assert_eq!(tenant.scope, "");
        assert_eq!(Target::read("/subscriptions/s"), None);
        assert_eq!(Target::read("/providers"), None);
    }

    #[test]
    fn a_scope_holds_what_lies_below_it_and_no_namesake() {
        assert!(within(
            "/Subscriptions/S/resourceGroups/g",
            "/subscriptions/s"
        ));
        assert!(!within("/subscriptions/s2", "/subscriptions/s"));
        assert!(within("/subscriptions/s", "/"));
        assert_eq!(
            group("/subscriptions/s/resourceGroups/G/x").as_deref(),
            Some("G")
        );
    }
}
