//! `$filter`: from text to a tree.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Invalid,
    lex::{Token, words},
};

/// How deep brackets and `not` may nest; the service has a limit too, and the parser must not run out of stack.
const DEPTH: usize = 64;

/// A way to a value: `a/b`, `t/id`, `assignedLicenses/$count`.
pub(crate) type Path = Vec<String>;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    /// Of flags.
    Has,
}

/// A function that answers yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

/// A value that stands in the filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Time(Timestamp),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Literal(Literal),
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare(Operand, Compare, Operand),
    In(Path, Vec<Literal>),
    Call(Function, Operand, Operand),
    /// `any` (or `all`, where `all` is set) of a list; without a condition: whether there is one.
    Any {
        path: Path,
        variable: String,
        condition: Option<Box<Expr>>,
        all: bool,
    },
    /// `isof('microsoft.graph.user')`.
    IsOf(String),
    /// A property that is true or false by itself.
    Is(Path),
}

/// Reads a filter.
pub(crate) fn parse(text: &str) -> Result<Expr, Invalid> {
    let mut parser = Parser {
        words: words(text)?,
        at: 0,
        end: text.chars().count(),
        depth: 0,
    };
    let expr = parser.or()?;
    match parser.words.get(parser.at) {
        None => Ok(expr),
        Some((position, _)) => Err(Invalid::new(*position, "Syntax error")),
    }
}

struct Parser {
    words: Vec<(usize, Token)>,
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|(_, token)| token)
    }

    fn ahead(&self, by: usize) -> Option<&Token> {
        self.words.get(self.at + by).map(|(_, token)| token)
    }

    fn wrong<T>(&self, message: &str) -> Result<T, Invalid> {
        let position = self
            .words
            .get(self.at)
            .map_or(self.end, |(position, _)| *position);
        Err(Invalid::new(position, message))
    }

    fn take(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, token: &Token, message: &str) -> Result<(), Invalid> {
        if self.take(token) {
            Ok(())
        } else {
            self.wrong(message)
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn or(&mut self) -> Result<Expr, Invalid> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Invalid> {
        let mut left = self.not()?;
        while self.keyword("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Invalid> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.wrong("The filter is nested too deeply");
        }
        let expr = if self.keyword("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.take(&Token::Open) {
            let inner = self.or()?;
            self.expect(&Token::Close, "A closing bracket is missing")?;
            inner
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn condition(&mut self) -> Result<Expr, Invalid> {
        if let Some(call) = self.call()? {
            // `startswith(a,'b') eq true`, as some clients write it.
            if matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("eq")) {
                self.at += 1;
                return match self.operand()? {
                    Operand::Literal(Literal::Bool(true)) => Ok(call),
                    Operand::Literal(Literal::Bool(false)) => Ok(Expr::Not(Box::new(call))),
                    _ => self.wrong("true or false is expected"),
                };
            }
            return Ok(call);
        }
        let left = self.operand()?;
        if let Operand::Path(path) = &left
            && let Some(lambda) = self.lambda(path)?
        {
            return Ok(lambda);
        }
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return match left {
                Operand::Path(path) => Ok(Expr::Is(path)),
                Operand::Literal(Literal::Bool(_)) => Ok(Expr::Compare(
                    left,
                    Compare::Eq,
                    Operand::Literal(Literal::Bool(true)),
                )),
                Operand::Literal(_) => self.wrong("A comparison is expected"),
            };
        };
        let compare = match word.to_ascii_lowercase().as_str() {
            "eq" => Compare::Eq,
            "ne" => Compare::Ne,
            "gt" => Compare::Gt,
            "ge" => Compare::Ge,
            "lt" => Compare::Lt,
            "le" => Compare::Le,
            "has" => Compare::Has,
            "in" => {
                self.at += 1;
                let Operand::Path(path) = left else {
                    return self.wrong("`in` needs a property before it");
                };
                return Ok(Expr::In(path, self.list()?));
            }
            "and" | "or" => {
                return match left {
                    Operand::Path(path) => Ok(Expr::Is(path)),
                    Operand::Literal(_) => self.wrong("A comparison is expected"),
                };
            }
            _ => return self.wrong("Syntax error: an operator is expected"),
        };
        self.at += 1;
        let right = self.operand()?;
        Ok(Expr::Compare(left, compare, right))
    }

    fn list(&mut self) -> Result<Vec<Literal>, Invalid> {
        self.expect(&Token::Open, "A list in brackets is expected")?;
        let mut values = Vec::new();
        loop {
            match self.operand()? {
                Operand::Literal(value) => values.push(value),
                Operand::Path(_) => return self.wrong("A value is expected"),
            }
            if self.take(&Token::Close) {
                return Ok(values);
            }
            self.expect(&Token::Comma, "A comma or a closing bracket is expected")?;
        }
    }

    /// A function, where one follows.
    fn call(&mut self) -> Result<Option<Expr>, Invalid> {
        let (Some(Token::Word(name)), Some(Token::Open)) = (self.peek(), self.ahead(1)) else {
            return Ok(None);
        };
        let function = match name.to_ascii_lowercase().as_str() {
            "startswith" => Some(Function::StartsWith),
            "endswith" => Some(Function::EndsWith),
            "contains" => Some(Function::Contains),
            "isof" => None,
            _ => return Ok(None),
        };
        self.at += 2;
        let Some(function) = function else {
            let Some(Token::Text(name) | Token::Word(name)) = self.peek().cloned() else {
                return self.wrong("The name of a type is expected");
            };
            self.at += 1;
            self.expect(&Token::Close, "A closing bracket is missing")?;
            return Ok(Some(Expr::IsOf(name)));
        };
        let left = self.operand()?;
        self.expect(&Token::Comma, "A comma is expected")?;
        let right = self.operand()?;
        self.expect(&Token::Close, "A closing bracket is missing")?;
        Ok(Some(Expr::Call(function, left, right)))
    }

    /// `/any(x: …)` behind a path.
    fn lambda(&mut self, path: &[String]) -> Result<Option<Expr>, Invalid> {
        let Some((last, path)) = path.split_last() else {
            return Ok(None);
        };
        let all = last.eq_ignore_ascii_case("all");
        if !(all || last.eq_ignore_ascii_case("any")) || self.peek() != Some(&Token::Open) {
            return Ok(None);
        }
        self.at += 1;
        let path = path.to_vec();
        if self.take(&Token::Close) {
            return Ok(Some(Expr::Any {
                path,
                variable: String::new(),
                condition: None,
                all,
            }));
        }
        let Some(Token::Word(variable)) = self.peek().cloned() else {
            return self.wrong("The name of a variable is expected");
        };
        self.at += 1;
        self.expect(&Token::Colon, "A colon is expected")?;
        let condition = Some(Box::new(self.or()?));
        self.expect(&Token::Close, "A closing bracket is missing")?;
        Ok(Some(Expr::Any {
            path,
            variable,
            condition,
            all,
        }))
    }

    fn operand(&mut self) -> Result<Operand, Invalid> {
        match self.peek().cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(Operand::Literal(Literal::Text(text)))
            }
            Some(Token::Word(word)) => {
                // Folding the case of one side changes nothing: comparisons do not regard it.
                if matches!(
                    word.to_ascii_lowercase().as_str(),
                    "tolower" | "toupper" | "trim"
                ) && self.ahead(1) == Some(&Token::Open)
                {
                    self.at += 2;
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return self.wrong("The filter is nested too deeply");
                    }
                    let inner = self.operand()?;
                    self.depth -= 1;
                    self.expect(&Token::Close, "A closing bracket is missing")?;
                    return Ok(inner);
                }
                self.at += 1;
                if self.peek() != Some(&Token::Slash)
                    && let Some(literal) = literal(&word)
                {
                    return Ok(Operand::Literal(literal));
                }
                // `duration'PT1H'`, `microsoft.graph.type'value'`: the name of a type before a quoted value.
                if let Some(Token::Text(text)) = self.peek().cloned() {
                    self.at += 1;
                    return Ok(Operand::Literal(Literal::Text(text)));
                }
                let mut path = vec![word];
                while self.take(&Token::Slash) {
                    let Some(Token::Word(next)) = self.peek().cloned() else {
                        return self.wrong("The name of a property is expected");
                    };
                    self.at += 1;
                    path.push(next);
                }
                Ok(Operand::Path(path))
            }
            _ => self.wrong("A property or a value is expected"),
        }
    }
}

/// An unquoted value.
fn literal(word: &str) -> Option<Literal> {
    match word {
        "null" => return Some(Literal::Null),
        "true" => return Some(Literal::Bool(true)),
        "false" => return Some(Literal::Bool(false)),
        _ => {}
    }
    if uuid::Uuid::try_parse(word).is_ok_and(|_| word.len() == 36) {
        return Some(Literal::Text(word.to_owned()));
    }
    if !word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
        return None;
    }
    if let Ok(time) = word.parse::<Timestamp>() {
        return Some(Literal::Time(time));
    }
    if let Ok(date) = word.parse::<jiff::civil::Date>() {
        let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        return Some(Literal::Time(midnight));
    }
    word.parse().ok().map(Literal::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn and_binds_more_tightly_than_or_and_brackets_more_than_both() {
        let plain = parse("a eq 1 or b eq 2 and c eq 3").unwrap();
        assert_eq!(plain, parse("a eq 1 or (b eq 2 and c eq 3)").unwrap());
        assert_ne!(plain, parse("(a eq 1 or b eq 2) and c eq 3").unwrap());
    }

    #[test]
    fn what_cant_be_read_is_refused_with_its_place() {
        for (text, position) in [
            ("displayName eq", 14),
            ("displayName", 11),
            ("displayName eq 'x", 15),
            ("a eq 1 b", 7),
            ("a like 'x'", 2),
            ("(a eq 1", 7),
            ("a in 'x'", 5),
            ("a eq 1 & b", 7),
            ("", 0),
        ] {
            match parse(text) {
                // A property alone is a condition.
                Ok(Expr::Is(_)) if text == "displayName" => {}
                Ok(other) => panic!("{text}: {other:?}"),
                Err(error) => assert_eq!(error.position, position, "{text}: {error}"),
            }
        }
        let deep = format!("{}a eq 1{}", "(".repeat(500), ")".repeat(500));
        assert!(parse(&deep).is_err());
        assert!(parse(&"not ".repeat(500)).is_err());
    }

    proptest! {
        #[test]
        fn no_filter_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_order_of_real_words_makes_the_parser_panic(words in proptest::collection::vec(
            prop::sample::select(vec![
                "id", "eq", "ne", "'x'", "(", ")", ",", "/", "any", "x:", "not", "and", "or", "in", "null", "true",
                "2026-01-01T00:00:00Z", "startswith(", "isof(", "12", "tolower(", "$count", "'",
            ]), 0..24
        )) {
            let _ = parse(&words.join(" "));
            let _ = parse(&words.concat());
        }
    }
}
