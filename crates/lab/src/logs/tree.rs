//! What a query is made of, once it is read.

use super::value::Scalar;

/// A scalar expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Literal(Scalar),
    Name(String),
    /// `*` among the arguments of an aggregate.
    Star,
    Member(Box<Self>, Box<Self>),
    Call(String, Vec<Self>),
    /// `or` and `and` over any number, flat however long they are.
    Any(Vec<Self>),
    All(Vec<Self>),
    /// An operator by its word.
    Binary(String, Box<Self>, Box<Self>),
    /// `in` and `has_any` in their forms, with what they look in.
    In(String, Box<Self>, Vec<Self>),
    Between(Box<Self>, Box<Self>, Box<Self>),
}

/// An expression with the name that it is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) value: Expr,
}

/// A step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Where(Expr),
    Project(Vec<Named>),
    ProjectAway(Vec<String>),
    Extend(Vec<Named>),
    Take(usize),
    Count,
    Distinct(Vec<Named>),
    Summarize(Vec<Named>, Vec<Named>),
    /// Keys, each ascending or not.
    Sort(Vec<(Expr, bool)>),
    Top(usize, Expr, bool),
    Union(Union),
}

/// Tables put together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Union {
    /// Tables that do not exist are left out.
    pub(super) fuzzy: bool,
    /// A column that tells which table a row is from (`withsource`).
    pub(super) source: Option<String>,
    pub(super) sources: Vec<Pipeline>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Table(String),
    Inner(Box<Pipeline>),
    Union(Union),
}

/// A source and its steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipeline {
    pub(super) source: Source,
    pub(super) steps: Vec<Step>,
}

/// What `let` gives a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Let {
    Scalar(Expr),
    Rows(Pipeline),
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) lets: Vec<(String, Let)>,
    pub(super) pipeline: Pipeline,
}
