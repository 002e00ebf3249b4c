//! Reading a query.

use serde_json::Value;

use super::{
    error::{Fault, Place},
    lexer::{self, Lexeme, Token},
    tree::{Expr, Let, Named, Pipeline, Query, Source, Step, Union},
    value::Scalar,
};

/// Brackets may be nested so deep, and sums and paths be so long: real queries are far from it, and the depth of an
/// expression stays within what a stack holds.
const DEEPEST: usize = 40;
const LONGEST: usize = 20;

/// Reads a query.
pub(super) fn parse(query: &str) -> Result<Query, Fault> {
    let mut parser = Parser {
        lexemes: lexer::read(query)?,
        at: 0,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.wrong()),
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: usize,
}

/// Comparisons that are words.
const WORD_OPERATORS: &[&str] = &[
    "has",
    "!has",
    "contains",
    "!contains",
    "startswith",
    "!startswith",
    "endswith",
    "!endswith",
    "has_cs",
    "contains_cs",
    "hasprefix",
];
const COMPARISONS: &[&str] = &["==", "!=", "=~", "!~", "<=", ">=", "<", ">"];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.lexemes.get(self.at).map(|lexeme| &lexeme.token)
    }

    fn ahead(&self, count: usize) -> Option<&Token> {
        self.lexemes
            .get(self.at + count)
            .map(|lexeme| &lexeme.token)
    }

    fn wrong(&self) -> Fault {
        let place = match (self.lexemes.get(self.at), self.lexemes.last()) {
            (Some(lexeme), _) => lexeme.place.clone(),
            (None, Some(last)) => Place {
                line: last.place.line,
                column: last.place.column + last.place.token.chars().count(),
                token: String::new(),
            },
            (None, None) => Place {
                line: 1,
                ..Place::default()
            },
        };
        Fault::Syntax(place)
    }

    fn mark(&mut self, mark: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Mark(own)) if *own == mark);
        self.at += usize::from(is);
        is
    }

    fn need(&mut self, mark: &str) -> Result<(), Fault> {
        if self.mark(mark) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(own)) if own == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.peek() {
            Some(Token::Word(word)) if !word.starts_with('!') => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            // `["a name"]`
            Some(Token::Mark("[")) => match (self.ahead(1), self.ahead(2)) {
                (Some(Token::Text(text)), Some(Token::Mark("]"))) => {
                    let text = text.clone();
                    self.at += 3;
                    Ok(text)
                }
                _ => Err(self.wrong()),
            },
            _ => Err(self.wrong()),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= DEEPEST {
            return Err(self.wrong());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn query(&mut self) -> Result<Query, Fault> {
        let mut lets = Vec::new();
        while self.word("let") {
            let name = self.name()?;
            self.need("=")?;
            // A table, or a bracket that holds one, starts rows; anything else is a scalar.
            let start = self.at;
            let value = match self.expression() {
                Ok(value)
                    if matches!(self.peek(), Some(Token::Mark(";")))
                        && !matches!(value, Expr::Name(_)) =>
                {
                    Let::Scalar(value)
                }
                _ => {
                    self.at = start;
                    self.depth = 0;
                    Let::Rows(self.pipeline()?)
                }
            };
            self.need(";")?;
            lets.push((name, value));
        }
        let pipeline = self.pipeline()?;
        self.mark(";");
        Ok(Query { lets, pipeline })
    }

    fn pipeline(&mut self) -> Result<Pipeline, Fault> {
        self.deeper(|parser| {
            let source = parser.source()?;
            let mut steps = Vec::new();
            while parser.mark("|") {
                steps.push(parser.step()?);
            }
            Ok(Pipeline { source, steps })
        })
    }

    fn source(&mut self) -> Result<Source, Fault> {
        if self.mark("(") {
            let inner = self.pipeline()?;
            self.need(")")?;
            return Ok(Source::Inner(Box::new(inner)));
        }
        if self.word("union") {
            return Ok(Source::Union(self.union()?));
        }
        Ok(Source::Table(self.name()?))
    }

    fn union(&mut self) -> Result<Union, Fault> {
        let mut fuzzy = false;
        let mut column = None;
        while matches!(self.ahead(1), Some(Token::Mark("="))) {
            let name = self.name()?;
            self.need("=")?;
            let value = self.name()?;
            fuzzy |= name == "isfuzzy" && value == "true";
            if name == "withsource" {
                column = Some(value);
            }
        }
        let mut sources = Vec::new();
        loop {
            let source = self.source()?;
            sources.push(Pipeline {
                source,
                steps: Vec::new(),
            });
            if !self.mark(",") {
                return Ok(Union {
                    fuzzy,
                    source: column,
                    sources,
                });
            }
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        let start = self.at;
        let word = self.name()?;
        match word.as_str() {
            "where" | "filter" => Ok(Step::Where(self.expression()?)),
            "project" if self.mark("-") => {
                if !self.word("away") {
                    return Err(self.wrong());
                }
                let mut names = vec![self.name()?];
                while self.mark(",") {
                    names.push(self.name()?);
                }
                Ok(Step::ProjectAway(names))
            }
            "project" => Ok(Step::Project(self.named()?)),
            "extend" => Ok(Step::Extend(self.named()?)),
            "distinct" => Ok(Step::Distinct(self.named()?)),
            "take" | "limit" => Ok(Step::Take(self.number()?)),
            "count" => Ok(Step::Count),
            "summarize" => {
                let aggregates = if self.is_word("by") {
                    Vec::new()
                } else {
                    self.named()?
                };
                let by = if self.word("by") {
                    self.named()?
                } else {
                    Vec::new()
                };
                if aggregates.is_empty() && by.is_empty() {
                    return Err(self.wrong());
                }
                Ok(Step::Summarize(aggregates, by))
            }
            "order" | "sort" => {
                if !self.word("by") {
                    return Err(self.wrong());
                }
                let mut keys = vec![self.key()?];
                while self.mark(",") {
                    keys.push(self.key()?);
                }
                Ok(Step::Sort(keys))
            }
            "top" => {
                let count = self.number()?;
                if !self.word("by") {
                    return Err(self.wrong());
                }
                let (key, ascending) = self.key()?;
                Ok(Step::Top(count, key, ascending))
            }
            "union" => Ok(Step::Union(self.union()?)),
            _ => {
                self.at = start;
                Err(self.wrong())
            }
        }
    }

    fn number(&mut self) -> Result<usize, Fault> {
        if let Some(Token::Long(number)) = self.peek()
            && let Ok(number) = usize::try_from(*number)
        {
            self.at += 1;
            return Ok(number);
        }
        Err(self.wrong())
    }

    fn key(&mut self) -> Result<(Expr, bool), Fault> {
        let key = self.expression()?;
        let ascending = self.word("asc");
        if !ascending {
            self.word("desc");
        }
        if self.word("nulls") && !(self.word("first") || self.word("last")) {
            return Err(self.wrong());
        }
        Ok((key, ascending))
    }

    fn named(&mut self) -> Result<Vec<Named>, Fault> {
        let mut list = Vec::new();
        loop {
            let name = match (self.peek(), self.ahead(1)) {
                (Some(Token::Word(word)), Some(Token::Mark("="))) => {
                    let word = word.clone();
                    self.at += 2;
                    Some(word)
                }
                _ => None,
            };
            let value = self.expression()?;
            list.push(Named { name, value });
            if !self.mark(",") {
                return Ok(list);
            }
        }
    }

    fn expression(&mut self) -> Result<Expr, Fault> {
        self.deeper(Self::either)
    }

    fn either(&mut self) -> Result<Expr, Fault> {
        let mut parts = vec![self.both()?];
        while self.word("or") {
            parts.push(self.both()?);
        }
        Ok(single_or(parts, Expr::Any))
    }

    fn both(&mut self) -> Result<Expr, Fault> {
        let mut parts = vec![self.comparison()?];
        while self.word("and") {
            parts.push(self.comparison()?);
        }
        Ok(single_or(parts, Expr::All))
    }

    fn comparison(&mut self) -> Result<Expr, Fault> {
        let left = self.sum()?;
        let word = match self.peek() {
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Mark(mark)) if COMPARISONS.contains(mark) => (*mark).to_owned(),
            _ => return Ok(left),
        };
        match word.as_str() {
            "in" | "in~" | "!in" | "!in~" | "has_any" => {
                self.at += 1;
                self.need("(")?;
                let mut list = Vec::new();
                while !self.mark(")") {
                    list.push(self.expression()?);
                    if !self.mark(",") {
                        self.need(")")?;
                        break;
                    }
                }
                Ok(Expr::In(word, Box::new(left), list))
            }
            "between" => {
                self.at += 1;
                self.need("(")?;
                let low = self.sum()?;
                self.need("..")?;
                let high = self.sum()?;
                self.need(")")?;
                Ok(Expr::Between(Box::new(left), Box::new(low), Box::new(high)))
            }
            own if COMPARISONS.contains(&own) || WORD_OPERATORS.contains(&own) => {
                self.at += 1;
                let right = self.sum()?;
                Ok(Expr::Binary(word, Box::new(left), Box::new(right)))
            }
            _ => Ok(left),
        }
    }

    fn sum(&mut self) -> Result<Expr, Fault> {
        let mut left = self.postfix()?;
        for _ in 0..LONGEST {
            let mark = match self.peek() {
                Some(Token::Mark(mark @ ("+" | "-" | "*" | "/"))) => *mark,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.postfix()?;
            left = Expr::Binary(mark.to_owned(), Box::new(left), Box::new(right));
        }
        Err(self.wrong())
    }

    fn postfix(&mut self) -> Result<Expr, Fault> {
        let mut value = self.primary()?;
        for _ in 0..LONGEST {
            if self.mark(".") {
                let member = Expr::Literal(Scalar::Text(self.name()?));
                value = Expr::Member(Box::new(value), Box::new(member));
            } else if self.mark("[") {
                let member = self.expression()?;
                self.need("]")?;
                value = Expr::Member(Box::new(value), Box::new(member));
            } else {
                return Ok(value);
            }
        }
        Err(self.wrong())
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.wrong());
        };
        let literal = match token {
            Token::Text(text) => Scalar::Text(text),
            Token::Long(number) => Scalar::Long(number),
            Token::Real(number) => Scalar::Real(number),
            Token::Date(text) => moment(&text).ok_or_else(|| self.wrong())?,
            Token::Span(milliseconds) => {
                Scalar::Span(jiff::SignedDuration::from_millis(milliseconds))
            }
            Token::Mark("(") => {
                self.at += 1;
                let value = self.expression()?;
                self.need(")")?;
                return Ok(value);
            }
            Token::Mark("-") => {
                self.at += 1;
                let value = self.deeper(Self::postfix)?;
                let zero = Expr::Literal(Scalar::Long(0));
                return Ok(Expr::Binary(
                    "-".to_owned(),
                    Box::new(zero),
                    Box::new(value),
                ));
            }
            Token::Mark("*") => {
                self.at += 1;
                return Ok(Expr::Star);
            }
            Token::Word(word) if word == "true" || word == "false" => Scalar::Bool(word == "true"),
            Token::Word(word) if !word.starts_with('!') => return self.word_expression(word),
            Token::Word(_) | Token::Mark(_) => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(Expr::Literal(literal))
    }

    fn word_expression(&mut self, word: String) -> Result<Expr, Fault> {
        self.at += 1;
        if !self.mark("(") {
            return Ok(Expr::Name(word));
        }
        if word == "dynamic" {
            let value = self.deeper(Self::json)?;
            self.need(")")?;
            return Ok(Expr::Literal(Scalar::Dynamic(value)));
        }
        let mut arguments = Vec::new();
        while !self.mark(")") {
            arguments.push(self.expression()?);
            if !self.mark(",") {
                self.need(")")?;
                break;
            }
        }
        Ok(Expr::Call(word, arguments))
    }

    /// The JSON of a `dynamic` literal.
    fn json(&mut self) -> Result<Value, Fault> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.wrong());
        };
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Value::String(text)),
            Token::Long(number) => Ok(number.into()),
            Token::Real(number) => Ok(number.into()),
            Token::Word(word) if word == "null" => Ok(Value::Null),
            Token::Word(word) if word == "true" || word == "false" => Ok((word == "true").into()),
            Token::Mark("[") => {
                let mut list = Vec::new();
                while !self.mark("]") {
                    list.push(self.deeper(Self::json)?);
                    if !self.mark(",") {
                        self.need("]")?;
                        break;
                    }
                }
                Ok(Value::Array(list))
            }
            Token::Mark("{") => {
                let mut object = serde_json::Map::new();
                while !self.mark("}") {
                    let Some(Token::Text(name)) = self.peek().cloned() else {
                        return Err(self.wrong());
                    };
                    self.at += 1;
                    self.need(":")?;
                    object.insert(name, self.deeper(Self::json)?);
                    if !self.mark(",") {
                        self.need("}")?;
                        break;
                    }
                }
                Ok(Value::Object(object))
            }
            Token::Date(_) | Token::Span(_) | Token::Word(_) | Token::Mark(_) => {
                self.at -= 1;
                Err(self.wrong())
            }
        }
    }
}

fn single_or(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

/// A moment: date and time, or a date alone; without a zone, UTC.
pub(super) fn moment(text: &str) -> Option<Scalar> {
    if text == "null" {
        return Some(Scalar::Null);
    }
    let text = text.trim();
    let at = text
        .parse()
        .ok()
        .or_else(|| format!("{text}Z").parse().ok())
        .or_else(|| {
            let date: jiff::civil::Date = text.parse().ok()?;
            format!("{date}T00:00:00Z").parse().ok()
        })?;
    Some(Scalar::Time(at))
}
