//! Carrying a query out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    error::Fault,
    eval::{Scope, truth},
    tree::{Expr, Let, Named, Pipeline, Query, Source, Step, Union},
    value::{Column, Kind, Scalar, Table},
};

/// The most rows of an answer (Azure Monitor, *Service limits*).
const MOST: usize = 500_000;

/// The tables of a workspace; `None`: it has none of this name.
pub(super) trait Tables {
    fn table(&self, name: &str) -> Option<Table>;
}

/// The answer to a query.
pub(super) fn run(query: &Query, tables: &dyn Tables, now: Timestamp) -> Result<Table, Fault> {
    let mut runner = Runner {
        tables,
        scope: Scope {
            now,
            scalars: BTreeMap::new(),
        },
        rows: BTreeMap::new(),
    };
    let nothing = Table::default();
    for (name, value) in &query.lets {
        match value {
            Let::Scalar(expr) => {
                runner.scope.kind(expr, &nothing)?;
                let value = runner.scope.value(expr, &nothing, &[]);
                runner.scope.scalars.insert(name.clone(), value);
            }
            // A name alone stands for a table, or for a scalar that was named before.
            Let::Rows(pipeline) => match &pipeline.source {
                Source::Table(own)
                    if pipeline.steps.is_empty() && runner.scope.scalars.contains_key(own) =>
                {
                    let value = runner.scope.scalars[own].clone();
                    runner.scope.scalars.insert(name.clone(), value);
                }
                _ => {
                    let table = runner.pipeline(pipeline)?;
                    runner.rows.insert(name.clone(), table);
                }
            },
        }
    }
    let mut table = runner.pipeline(&query.pipeline)?;
    table.rows.truncate(MOST);
    Ok(table)
}

struct Runner<'t> {
    tables: &'t dyn Tables,
    scope: Scope,
    rows: BTreeMap<String, Table>,
}

impl Runner<'_> {
    fn pipeline(&self, pipeline: &Pipeline) -> Result<Table, Fault> {
        let mut table = match &pipeline.source {
            Source::Table(name) => self.table(name)?,
            Source::Inner(inner) => self.pipeline(inner)?,
            Source::Union(union) => self.union(Vec::new(), union)?,
        };
        for step in &pipeline.steps {
            table = self.step(table, step)?;
        }
        Ok(table)
    }

    fn table(&self, name: &str) -> Result<Table, Fault> {
        self.rows
            .get(name)
            .cloned()
            .or_else(|| self.tables.table(name))
            .ok_or_else(|| {
                Fault::Semantic(format!(
                    "Failed to resolve table or column expression named '{name}'"
                ))
            })
    }

    fn union(&self, mut parts: Vec<Table>, union: &Union) -> Result<Table, Fault> {
        let mut last = None;
        for source in &union.sources {
            match self.pipeline(source) {
                Ok(mut table) => {
                    if let Some(name) = &union.source {
                        let from = match &source.source {
                            Source::Table(table) => table.clone(),
                            _ => format!("union_arg{}", parts.len()),
                        };
                        table.columns.push(column(name, Kind::Text));
                        for row in &mut table.rows {
                            row.push(Scalar::Text(from.clone()));
                        }
                    }
                    parts.push(table);
                }
                Err(Fault::Semantic(message)) if union.fuzzy => last = Some(message),
                Err(fault) => return Err(fault),
            }
        }
        match (parts.is_empty(), last) {
            (true, Some(message)) => Err(Fault::Semantic(message)),
            _ => Ok(together(&parts)),
        }
    }

    fn step(&self, table: Table, step: &Step) -> Result<Table, Fault> {
        match step {
            Step::Where(condition) => {
                self.scope.kind(condition, &table)?;
                let kept: Vec<bool> = table
                    .rows
                    .iter()
                    .map(|row| truth(&self.scope.value(condition, &table, row)))
                    .collect();
                let mut kept = kept.into_iter();
                let mut table = table;
                table.rows.retain(|_| kept.next().unwrap_or_default());
                Ok(table)
            }
            Step::Take(count) => {
                let mut table = table;
                table.rows.truncate(*count);
                Ok(table)
            }
            Step::Count => Ok(Table {
                columns: vec![column("Count", Kind::Long)],
                rows: vec![vec![count(table.rows.len())]],
            }),
            Step::Project(list) => self.project(&table, list, Vec::new()),
            Step::Extend(list) => self.extend(table, list),
            Step::ProjectAway(names) => {
                let kept: Vec<Named> = table
                    .columns
                    .iter()
                    .filter(|own| !names.contains(&own.name))
                    .map(|own| Named {
                        name: None,
                        value: Expr::Name(own.name.clone()),
                    })
                    .collect();
                self.project(&table, &kept, Vec::new())
            }
            Step::Distinct(list) => {
                let mut table = self.project(&table, list, Vec::new())?;
                let mut seen = std::collections::BTreeSet::new();
                table.rows.retain(|row| seen.insert(key(row)));
                Ok(table)
            }
            Step::Summarize(aggregates, by) => self.summarize(&table, aggregates, by),
            Step::Sort(keys) => self.sort(table, keys),
            Step::Top(number, key, ascending) => {
                let mut table = self.sort(table, &[(key.clone(), *ascending)])?;
                table.rows.truncate(*number);
                Ok(table)
            }
            Step::Union(union) => self.union(vec![table], union),
        }
    }

    /// New columns over the rows of a table, behind some that are kept.
    fn project(&self, table: &Table, list: &[Named], kept: Vec<Column>) -> Result<Table, Fault> {
        let mut made = Table {
            columns: kept,
            rows: Vec::new(),
        };
        for (place, named) in list.iter().enumerate() {
            let kind = self.scope.kind(&named.value, table)?;
            made.columns.push(column(&name_of(named, place), kind));
        }
        for row in &table.rows {
            let values = list.iter().zip(&made.columns).map(|(named, own)| {
                let value = self.scope.value(&named.value, table, row);
                // Members of dynamic values stay dynamic; text that is missing is empty.
                if value == Scalar::Null && own.kind == Kind::Text {
                    Scalar::Text(String::new())
                } else {
                    value
                }
            });
            made.rows.push(values.collect());
        }
        Ok(made)
    }

    fn extend(&self, mut table: Table, list: &[Named]) -> Result<Table, Fault> {
        for (place, named) in list.iter().enumerate() {
            let kind = self.scope.kind(&named.value, &table)?;
            let name = name_of(named, place);
            let values: Vec<Scalar> = table
                .rows
                .iter()
                .map(|row| self.scope.value(&named.value, &table, row))
                .collect();
            let at = table.place(&name);
            match at {
                Some(at) => table.columns[at].kind = kind,
                None => table.columns.push(column(&name, kind)),
            }
            for (row, value) in table.rows.iter_mut().zip(values) {
                match at.and_then(|at| row.get_mut(at)) {
                    Some(cell) => *cell = value,
                    None => row.push(value),
                }
            }
        }
        Ok(table)
    }

    fn sort(&self, mut table: Table, keys: &[(Expr, bool)]) -> Result<Table, Fault> {
        for (key, _) in keys {
            self.scope.kind(key, &table)?;
        }
        let mut sorted: Vec<(Vec<Scalar>, Vec<Scalar>)> = table
            .rows
            .iter()
            .map(|row| {
                let values = keys
                    .iter()
                    .map(|(key, _)| self.scope.value(key, &table, row))
                    .collect();
                (values, row.clone())
            })
            .collect();
        sorted.sort_by(|(a, _), (b, _)| {
            for ((a, b), (_, ascending)) in a.iter().zip(b).zip(keys) {
                let order = a.compare(b).unwrap_or(std::cmp::Ordering::Equal);
                let order = if *ascending { order } else { order.reverse() };
                if order.is_ne() {
                    return order;
                }
            }
            std::cmp::Ordering::Equal
        });
        table.rows = sorted.into_iter().map(|(_, row)| row).collect();
        Ok(table)
    }

    fn summarize(&self, table: &Table, aggregates: &[Named], by: &[Named]) -> Result<Table, Fault> {
        let keys = self.project(table, by, Vec::new())?;
        let mut groups: Vec<(Vec<Scalar>, Vec<usize>)> = Vec::new();
        let mut places = BTreeMap::new();
        for (index, row) in keys.rows.iter().enumerate() {
            let place = *places.entry(key(row)).or_insert_with(|| {
                groups.push((row.clone(), Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(index);
        }
        // Without keys there is one row, whatever there is to count.
        if by.is_empty() && groups.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        let mut made = Table {
            columns: keys.columns,
            rows: groups.iter().map(|(key, _)| key.clone()).collect(),
        };
        for named in aggregates {
            let Expr::Call(function, arguments) = &named.value else {
                return Err(Fault::Semantic(
                    "Only aggregates can be summarized".to_owned(),
                ));
            };
            for (name, kind, of) in self.aggregate(table, named, function, arguments)? {
                made.columns.push(column(&name, kind));
                for (row, (_, indices)) in made.rows.iter_mut().zip(&groups) {
                    row.push(of(indices));
                }
            }
        }
        Ok(made)
    }

    /// The columns that an aggregate makes, each with what it gives for a group of rows.
    #[expect(
        clippy::type_complexity,
        reason = "name, type and function of a column; used once"
    )]
    fn aggregate<'a>(
        &'a self,
        table: &'a Table,
        named: &Named,
        function: &str,
        arguments: &'a [Expr],
    ) -> Result<Vec<(String, Kind, Box<dyn Fn(&[usize]) -> Scalar + 'a>)>, Fault> {
        let first = arguments.first();
        let of = match first {
            Some(Expr::Name(name)) => name.clone(),
            _ => String::new(),
        };
        let name = named
            .name
            .clone()
            .unwrap_or_else(|| format!("{function}_{of}"));
        let values = move |indices: &[usize]| -> Vec<Scalar> {
            let Some(expr) = first else {
                return Vec::new();
            };
            indices
                .iter()
                .filter_map(|index| table.rows.get(*index))
                .map(|row| self.scope.value(expr, table, row))
                .collect()
        };
        let kind = first.map(|expr| self.scope.kind(expr, table)).transpose()?;
        let extreme = |wanted: std::cmp::Ordering, list: Vec<Scalar>| {
            list.into_iter()
                .filter(|value| *value != Scalar::Null)
                .reduce(|best, value| {
                    if value.compare(&best) == Some(wanted) {
                        value
                    } else {
                        best
                    }
                })
        };
        Ok(match (function, kind) {
            ("count", None) => vec![(
                name,
                Kind::Long,
                Box::new(|indices: &[usize]| count(indices.len())),
            )],
            ("countif", Some(_)) => vec![(
                name,
                Kind::Long,
                Box::new(move |indices: &[usize]| {
                    count(values(indices).iter().filter(|own| truth(own)).count())
                }),
            )],
            ("dcount", Some(_)) => vec![(
                name,
                Kind::Long,
                Box::new(move |indices: &[usize]| {
                    let keys: std::collections::BTreeSet<String> =
                        values(indices).iter().map(Scalar::text).collect();
                    count(keys.len())
                }),
            )],
            ("max" | "min", Some(kind)) => {
                let wanted = if function == "max" {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Less
                };
                vec![(
                    name,
                    kind,
                    Box::new(move |indices: &[usize]| {
                        extreme(wanted, values(indices)).unwrap_or(Scalar::Null)
                    }),
                )]
            }
            ("make_set" | "make_list", Some(_)) => {
                let unique = function == "make_set";
                vec![(
                    name,
                    Kind::Dynamic,
                    Box::new(move |indices: &[usize]| {
                        let mut list: Vec<serde_json::Value> = Vec::new();
                        for value in values(indices) {
                            let value = value.json();
                            let again = unique && list.contains(&value);
                            if !value.is_null() && !again {
                                list.push(value);
                            }
                        }
                        Scalar::Dynamic(list.into())
                    }),
                )]
            }
            ("arg_max" | "arg_min", Some(kind)) => {
                let wanted = if function == "arg_max" {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Less
                };
                self.extremes(table, arguments, kind, wanted)?
            }
            (other, _) => {
                return Err(Fault::Unsupported(format!(
                    "the twin does not know the aggregate `{other}`"
                )));
            }
        })
    }

    /// The key and the other columns of the row that has its largest or smallest value.
    #[expect(clippy::type_complexity, reason = "the same as of aggregates")]
    fn extremes<'a>(
        &'a self,
        table: &'a Table,
        arguments: &'a [Expr],
        kind: Kind,
        wanted: std::cmp::Ordering,
    ) -> Result<Vec<(String, Kind, Box<dyn Fn(&[usize]) -> Scalar + 'a>)>, Fault> {
        let Some((first, rest)) = arguments.split_first() else {
            return Err(Fault::Semantic(
                "arg_max and arg_min need an argument".to_owned(),
            ));
        };
        let best = move |indices: &[usize]| {
            let mut best: Option<(usize, Scalar)> = None;
            for index in indices {
                let Some(row) = table.rows.get(*index) else {
                    continue;
                };
                let value = self.scope.value(first, table, row);
                let better = best
                    .as_ref()
                    .is_none_or(|(_, own)| value.compare(own) == Some(wanted));
                if better {
                    best = Some((*index, value));
                }
            }
            best
        };
        let name = match first {
            Expr::Name(name) => name.clone(),
            _ => "Column1".to_owned(),
        };
        let mut made: Vec<(String, Kind, Box<dyn Fn(&[usize]) -> Scalar + 'a>)> = vec![(
            name.clone(),
            kind,
            Box::new(move |indices: &[usize]| {
                best(indices).map_or(Scalar::Null, |(_, value)| value)
            }),
        )];
        let all = rest.contains(&Expr::Star);
        for (place, own) in table.columns.iter().enumerate() {
            let asked = all || rest.contains(&Expr::Name(own.name.clone()));
            if asked && own.name != name {
                made.push((
                    own.name.clone(),
                    own.kind,
                    Box::new(move |indices: &[usize]| {
                        best(indices)
                            .and_then(|(index, _)| table.rows.get(index)?.get(place).cloned())
                            .unwrap_or(Scalar::Null)
                    }),
                ));
            }
        }
        Ok(made)
    }
}

fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
    }
}

fn count(number: usize) -> Scalar {
    i64::try_from(number).map_or(Scalar::Null, Scalar::Long)
}

/// What tells rows apart: the texts of their cells with their types.
fn key(row: &[Scalar]) -> Vec<String> {
    row.iter()
        .map(|value| format!("{}:{}", value.kind().word(), value.text()))
        .collect()
}

fn name_of(named: &Named, place: usize) -> String {
    fn own(expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => Some(name.clone()),
            Expr::Member(value, member) => match member.as_ref() {
                Expr::Literal(Scalar::Text(member)) => Some(format!("{}_{member}", own(value)?)),
                _ => None,
            },
            Expr::Call(function, arguments) => match (function.as_str(), arguments.first()) {
                ("bin" | "tostring" | "todatetime", Some(first)) => own(first),
                _ => None,
            },
            _ => None,
        }
    }
    named
        .name
        .clone()
        .or_else(|| own(&named.value))
        .unwrap_or_else(|| format!("Column{}", place + 1))
}

/// Tables below each other. A column that has two types in them becomes two, named by their types.
fn together(parts: &[Table]) -> Table {
    let mut columns: Vec<Column> = Vec::new();
    for own in parts.iter().flat_map(|part| &part.columns) {
        if !columns.contains(own) {
            columns.push(own.clone());
        }
    }
    let mixed = |name: &str| columns.iter().filter(|own| own.name == name).count() > 1;
    let names: Vec<Column> = columns
        .iter()
        .map(|own| match mixed(&own.name) {
            true => column(&format!("{}_{}", own.name, own.kind.word()), own.kind),
            false => own.clone(),
        })
        .collect();
    let mut rows = Vec::new();
    for part in parts {
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|own| part.columns.iter().position(|column| column == own))
            .collect();
        for row in &part.rows {
            let cells = places.iter().zip(&columns).map(|(place, own)| {
                let missing = if own.kind == Kind::Text {
                    Scalar::Text(String::new())
                } else {
                    Scalar::Null
                };
                place
                    .and_then(|place| row.get(place))
                    .cloned()
                    .unwrap_or(missing)
            });
            rows.push(cells.collect());
        }
    }
    Table {
        columns: names,
        rows,
    }
}
