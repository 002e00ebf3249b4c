//! What a look at the text of a Kusto query can tell.
//!
//! Text without comments, its words and its literals, and one small language whose meaning is certain: a table (or a
//! union of tables), filtered once by a disjunction of comparisons with literals. What any other query matches is
//! judged by running it on made-up records (`rules prove`), never here.
//!
//! Kusto Query Language reference (*String data type*, *Comments*, *Let statement*, *where operator*).

mod plain;

use plain::{atom, list, source};

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// A query without its comments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    tokens: Vec<Token>,
}

/// A comparison with literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    /// The column, with the path below it: `UserId`, `InitiatedBy.user.id`.
    pub(crate) column: String,
    /// Whether letter case counts.
    exact: bool,
    /// The literals.
    values: Vec<String>,
}

impl Atom {
    /// Whether a record with this id in the column is matched.
    pub(crate) fn matches(&self, id: &str) -> bool {
        self.values.iter().any(|value| {
            if self.exact {
                *value == id.to_lowercase()
            } else {
                value.eq_ignore_ascii_case(id)
            }
        })
    }
}

/// A query of the small language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain {
    /// Tables that are read.
    pub(crate) tables: Vec<String>,
    /// A record is matched when one of them holds.
    pub(crate) any: Vec<Atom>,
}

/// What stands before `(` without being a function of somebody's own: operators and the functions of the language that
/// alert rules use. A call of anything else may hide a table or the accounts.
const CALLS: &str = " ago and array_length arg_max arg_min avg bin case coalesce contains count countif datatable \
    datetime dcount distinct dynamic endswith extend extract fullouter has has_any has_all iff iif in indexof int \
    isempty isnotempty isnotnull isnull join kind leftanti leftouter let long make_list make_set max min not now on \
    or pack bag_pack parse_json project project_away replace_string split startswith strcat strlen substring sum \
    summarize timespan todatetime todynamic tolong tolower tostring totimespan toupper trim union where by \
    ingestion_time matches real bool guid string mv any take_any set_has_element array_index_of between column_ifexists \
    materialize getschema take limit top order sort serialize lookup inner innerunique rightouter view ";

/// Tables of Azure Monitor that rules often read; a source that is none of them may be somebody's function.
const TABLES: &str = " SigninLogs AADNonInteractiveUserSignInLogs AADServicePrincipalSignInLogs \
    AADManagedIdentitySignInLogs MicrosoftServicePrincipalSignInLogs AuditLogs AADProvisioningLogs ADFSSignInLogs \
    AADRiskyUsers AADUserRiskEvents AADRiskyServicePrincipals AADServicePrincipalRiskEvents MicrosoftGraphActivityLogs \
    AzureActivity AzureDiagnostics AzureMetrics Heartbeat Perf Event Syslog SecurityEvent SecurityAlert SecurityIncident \
    CommonSecurityLog OfficeActivity Operation Usage Update W3CIISLog WindowsEvent StorageBlobLogs AppRequests AppTraces \
    AppExceptions AppDependencies ContainerLog ContainerLogV2 KubeEvents KubePodInventory InsightsMetrics ConfigurationChange \
    BehaviorAnalytics IdentityInfo ThreatIntelligenceIndicator AzureKeyVaultAuditLogs DeviceEvents EmailEvents \
    IdentityLogonEvents CloudAppEvents Alert LAQueryLogs SentinelHealth SentinelAudit ";

impl Query {
    /// Reads a query; what is wrong with it is no matter here.
    pub(crate) fn read(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if rest.starts_with("//") {
                rest = rest.split_once('\n').map_or("", |(_, after)| after);
            } else if let Some(fence) = ["```", "~~~"].into_iter().find(|f| rest.starts_with(f)) {
                let inner = &rest[fence.len()..];
                let (literal, after) = inner.split_once(fence).unwrap_or((inner, ""));
                tokens.push(Token::Text(literal.to_owned()));
                rest = after;
            } else if let Some((literal, after)) = literal(rest) {
                tokens.push(Token::Text(literal));
                rest = after;
            } else if first.is_alphanumeric() || first == '_' {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            } else {
                if !first.is_whitespace() {
                    tokens.push(Token::Sign(first));
                }
                rest = &rest[first.len_utf8()..];
            }
        }
        Self { tokens }
    }

    /// Whether a word stands in it, outside of literals. Names of tables are case-sensitive.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        self.tokens
            .iter()
            .any(|t| matches!(t, Token::Word(w) if w == word))
    }

    /// Whether it names a table, as a word or as the argument of `table()`.
    pub(crate) fn names_table(&self, table: &str) -> bool {
        self.has_word(table)
            || (self.has_word("table") && self.literals().any(|literal| literal == table))
    }

    /// Whether an id stands in it, as a literal or bare, as in `guid(…)`.
    pub(crate) fn names(&self, id: &str) -> bool {
        let id = id.to_lowercase();
        if self
            .literals()
            .any(|text| text.to_lowercase().contains(&id))
        {
            return true;
        }
        let bare: String = self
            .tokens
            .iter()
            .map(|token| match token {
                Token::Word(word) => word.to_lowercase(),
                Token::Sign(sign) => sign.to_string(),
                Token::Text(_) => " ".to_owned(),
            })
            .collect();
        bare.contains(&format!("guid({id})"))
    }

    /// The text literals.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether something in it takes records out: `!`, `not`, an anti-join.
    pub(crate) fn excludes(&self) -> bool {
        self.tokens.contains(&Token::Sign('!'))
            || ["not", "leftanti", "rightanti", "leftantisemi"]
                .iter()
                .any(|word| self.has_word(word))
    }

    /// Aliases of the lists of Microsoft Sentinel that it reads.
    pub(crate) fn watchlists(&self) -> impl Iterator<Item = &str> {
        self.tokens.windows(3).filter_map(|three| match three {
            [Token::Word(word), Token::Sign('('), Token::Text(alias)]
                if word.eq_ignore_ascii_case("_GetWatchlist") =>
            {
                Some(alias.as_str())
            }
            _ => None,
        })
    }

    /// What may bring in tables or accounts that the text does not name: watchlists, saved functions, lists from
    /// outside, searches over every table.
    pub(crate) fn hides(&self) -> Option<String> {
        let own: Vec<&str> = self
            .tokens
            .windows(2)
            .filter_map(|pair| match pair {
                [Token::Word(first), Token::Word(name)] if first == "let" => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let known = |list: &str, word: &str| list.contains(&format!(" {word} "));
        for (at, token) in self.tokens.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            let next = self.tokens.get(at + 1);
            let before = at.checked_sub(1).and_then(|at| self.tokens.get(at));
            if [
                "search",
                "find",
                "externaldata",
                "workspace",
                "app",
                "adx",
                "arg",
            ]
            .contains(&word.as_str())
                && (next == Some(&Token::Sign('('))
                    || before.is_none()
                    || before == Some(&Token::Sign(';')))
                || (word == "union" && matches!(next, Some(Token::Sign('*'))))
            {
                return Some(format!("`{word}`"));
            }
            if next == Some(&Token::Sign('(')) && word != "table" {
                if !known(CALLS, word) && !own.contains(&word.as_str()) {
                    return Some(format!("the function `{word}`"));
                }
                continue;
            }
            let source = match before {
                None | Some(Token::Sign(';' | '{')) => {
                    !["let", "set", "declare", "union", "print", "datatable"]
                        .contains(&word.as_str())
                }
                Some(Token::Word(first)) => {
                    first == "union" && !["isfuzzy", "kind", "withsource"].contains(&word.as_str())
                }
                _ => false,
            };
            if source
                && !known(TABLES, word)
                && !word.ends_with("_CL")
                && !own.contains(&word.as_str())
            {
                return Some(format!("`{word}`, which may be a saved function"));
            }
        }
        None
    }

    /// The query as one of the small language; `None`: it is none.
    pub(crate) fn plain(&self) -> Option<Plain> {
        let mut statements: Vec<&[Token]> = self
            .tokens
            .split(|token| *token == Token::Sign(';'))
            .filter(|statement| !statement.is_empty())
            .collect();
        let last = statements.pop()?;
        let mut lists = Vec::new();
        for statement in statements {
            match statement {
                [
                    Token::Word(word),
                    Token::Word(name),
                    Token::Sign('='),
                    values @ ..,
                ] if word == "let" => {
                    lists.push((name.as_str(), list(values, &[])?));
                }
                _ => return None,
            }
        }
        let mut stages = last.split(|token| *token == Token::Sign('|'));
        let mut plain = Plain {
            tables: source(stages.next()?)?,
            any: Vec::new(),
        };
        // A list with the name of a table stands in its place.
        if lists
            .iter()
            .any(|(name, _)| plain.tables.iter().any(|table| table == name))
        {
            return None;
        }
        let mut left: Option<&[Token]> = None;
        for stage in stages {
            match stage {
                [Token::Word(word), condition @ ..] if word == "where" && plain.any.is_empty() => {
                    for part in condition.split(|token| *token == Token::Word("or".to_owned())) {
                        let atom = atom(part, &lists)?;
                        let root = atom.column.split('.').next().unwrap_or_default();
                        if left.is_some_and(|left| !left.contains(&Token::Word(root.to_owned()))) {
                            return None;
                        }
                        plain.any.push(atom);
                    }
                }
                // Fewer columns, and no fewer rows.
                [Token::Word(word), columns @ ..]
                    if word == "project"
                        && columns
                            .iter()
                            .all(|t| matches!(t, Token::Word(_) | Token::Sign(','))) =>
                {
                    left = Some(columns);
                }
                _ => return None,
            }
        }
        (!plain.any.is_empty()).then_some(plain)
    }
}

/// A text literal at the beginning, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let plain = text
        .strip_prefix(['h', 'H'])
        .filter(|t| t.starts_with(['"', '\'', '@']))
        .unwrap_or(text);
    let verbatim = plain.strip_prefix('@');
    let body = verbatim.unwrap_or(plain);
    let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut literal = String::new();
    let mut chars = body.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if verbatim.is_some() && chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return Some((literal, &body[at + c.len_utf8()..]));
            }
        } else if c == '\\' && verbatim.is_none() {
            // What an escape stands for matters to no id; the sign behind it does not end the literal.
            if let Some((_, escaped)) = chars.next() {
                literal.push(escaped);
            }
            continue;
        }
        literal.push(c);
    }
    Some((literal, ""))
}

#[cfg(test)]
mod tests;
