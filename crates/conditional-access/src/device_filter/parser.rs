//! Tokens to a rule. Precedence, from the tightest: comparison, `-not`, `-and`, `-or`.

use std::marker::PhantomData;

use super::attribute::{FALSE_TRUE, Kind as Holds};
use super::error::{RuleError, RuleFault};
use super::expression::{Comparison, Expression};
use super::language::Named;
use super::lexer::{Kind, Lexer, Token};
use super::operator::Operator;
use super::{MAX_CHARACTERS, MAX_DEPTH};

pub(crate) fn parse<A: Named>(text: &str) -> Result<Expression<A>, RuleError> {
    if let Some((position, _)) = text.char_indices().nth(MAX_CHARACTERS) {
        let characters = text.chars().count();
        let reason = RuleFault::TooLong { characters };
        return Err(RuleError { position, reason });
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser {
        lexer,
        token,
        of: PhantomData::<A>,
    };
    let rule = parser.any(0)?;
    match parser.token.kind {
        Kind::End => Ok(rule),
        _ => Err(parser.expected("-and, -or or the end of the rule")),
    }
}

struct Parser<'t, A> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    of: PhantomData<A>,
}

impl<'t, A: Named> Parser<'t, A> {
    fn expected(&self, expected: &str) -> RuleError {
        RuleError::unexpected(self.token.at, self.token.kind, expected)
    }

    fn advance(&mut self) -> Result<Token<'t>, RuleError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Goes over the keyword if it comes next.
    fn keyword(&mut self, keyword: &str) -> Result<bool, RuleError> {
        let Kind::Word(word) = self.token.kind else {
            return Ok(false);
        };
        let found = word
            .strip_prefix('-')
            .unwrap_or(word)
            .eq_ignore_ascii_case(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn mark(&mut self, mark: char) -> Result<bool, RuleError> {
        let found = self.token.kind == Kind::Mark(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn any(&mut self, depth: usize) -> Result<Expression<A>, RuleError> {
        let mut parts = vec![self.all(depth)?];
        while self.keyword("or")? {
            parts.push(self.all(depth)?);
        }
        Ok(Expression::any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Expression<A>, RuleError> {
        let mut parts = vec![self.unary(depth)?];
        while self.keyword("and")? {
            parts.push(self.unary(depth)?);
        }
        Ok(Expression::all(parts))
    }

    fn unary(&mut self, depth: usize) -> Result<Expression<A>, RuleError> {
        let position = self.token.at;
        let deeper = || match depth {
            MAX_DEPTH.. => Err(RuleError {
                position,
                reason: RuleFault::TooDeep,
            }),
            _ => Ok(depth + 1),
        };
        if self.keyword("not")? {
            return Ok(Expression::Not(Box::new(self.unary(deeper()?)?)));
        }
        if self.mark('(')? {
            let inside = self.any(deeper()?)?;
            return match self.mark(')')? {
                true => Ok(inside),
                false => Err(self.expected("-and, -or or `)`")),
            };
        }
        self.comparison().map(Expression::Compare)
    }

    fn comparison(&mut self) -> Result<Comparison<A>, RuleError> {
        let attribute = self.attribute()?;
        let operator = self.operator(&attribute)?;
        let values = if operator.takes_list() {
            self.list(&attribute)?
        } else {
            vec![self.value(&attribute)?]
        };
        Ok(Comparison::new(attribute, operator, values))
    }

    fn attribute(&mut self) -> Result<A, RuleError> {
        let expected = |parser: &Self| {
            let object = A::OBJECT;
            parser.expected(&format!("`{object}.` and an attribute, -not or `(`"))
        };
        let Kind::Word(word) = self.token.kind else {
            return Err(expected(self));
        };
        let name = word
            .split_once('.')
            .filter(|(object, _)| object.eq_ignore_ascii_case(A::OBJECT));
        let Some((_, name)) = name else {
            return Err(expected(self));
        };
        let Some(attribute) = A::named(name) else {
            return Err(self.expected(A::KNOWN));
        };
        self.advance()?;
        Ok(attribute)
    }

    fn operator(&mut self, attribute: &A) -> Result<Operator, RuleError> {
        let allowed = attribute.operators();
        if let Kind::Word(word) = self.token.kind
            && let Some(operator) = Operator::named(word)
            && allowed.contains(&operator)
        {
            self.advance()?;
            return Ok(operator);
        }
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        Err(self.expected(&format!("an operator for {attribute}: {}", names.join(" "))))
    }

    fn list(&mut self, attribute: &A) -> Result<Vec<String>, RuleError> {
        if !self.mark('[')? {
            return Err(self.expected("`[` and a list of values in double quotes"));
        }
        let mut values = vec![self.value(attribute)?];
        while self.mark(',')? {
            values.push(self.value(attribute)?);
        }
        match self.mark(']')? {
            true => Ok(values),
            false => Err(self.expected("`,` or `]`")),
        }
    }

    /// A value in the spelling of Microsoft's table where the table names the values: one that it does not
    /// name could only match what this program does not know of.
    fn value(&mut self, attribute: &A) -> Result<String, RuleError> {
        let spelled = |text: &str, names: &[&str]| {
            let name = names.iter().find(|name| name.eq_ignore_ascii_case(text));
            name.map(ToString::to_string)
        };
        let value = match (attribute.kind(), self.token.kind) {
            (Holds::Guid | Holds::Text | Holds::Collection, Kind::Text(text)) => {
                Some(text.to_owned())
            }
            (Holds::Choice(names), Kind::Text(text)) => spelled(text, names),
            (Holds::Flag, Kind::Text(text) | Kind::Word(text)) => spelled(text, &FALSE_TRUE),
            _ => None,
        };
        let Some(value) = value else {
            return Err(match attribute.kind() {
                Holds::Choice(names) => {
                    let names = format!("\"{}\"", names.join("\", \""));
                    let listed = names.rsplit_once(", ");
                    self.expected(
                        &listed.map_or(names.clone(), |(some, last)| format!("{some} or {last}")),
                    )
                }
                Holds::Flag => self.expected("True or False"),
                Holds::Guid | Holds::Text | Holds::Collection => {
                    self.expected("a value in double quotes")
                }
            });
        };
        self.advance()?;
        Ok(value)
    }
}
