//! What remains to be decided of a rule once some attributes are known.

use super::atoms::Subject;
use super::attribute::Attribute;
use super::expression::Expression;

/// A rule over numbered tests, in one shape for all rules that say the same in another order: no negation
/// but on tests, parts sorted, none twice, none decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Residual {
    Known(bool),
    /// The subject's test comes out so.
    Is {
        subject: usize,
        test: usize,
        sign: bool,
    },
    All(Vec<Residual>),
    Any(Vec<Residual>),
}

impl Residual {
    /// The rule if `sign`, else its denial; the attributes and tests that it brings are added to `subjects`.
    pub(super) fn new(
        rule: &Expression<Attribute>,
        sign: bool,
        subjects: &mut Vec<Subject>,
    ) -> Self {
        match rule {
            Expression::Any(parts) | Expression::All(parts) => {
                let all = matches!(rule, Expression::All(_)) == sign;
                let parts = parts.iter().map(|part| Self::new(part, sign, subjects));
                Self::joined(all, parts.collect())
            }
            Expression::Not(part) => Self::new(part, !sign, subjects),
            Expression::Compare(comparison) => {
                let attribute = comparison.attribute;
                let known = subjects.iter().position(|s| s.attribute == attribute);
                let subject = known.unwrap_or(subjects.len());
                if known.is_none() {
                    subjects.push(Subject::new(attribute));
                }
                let test = subjects.get_mut(subject).map(|s| s.number(comparison));
                Self::Is {
                    subject,
                    test: test.unwrap_or_default(),
                    sign: sign != comparison.operator.negative(),
                }
            }
        }
    }

    fn joined(all: bool, parts: Vec<Self>) -> Self {
        let mut open = Vec::new();
        for part in parts {
            match part {
                Self::Known(value) if value == all => {}
                Self::Known(value) => return Self::Known(value),
                Self::All(parts) if all => open.extend(parts),
                Self::Any(parts) if !all => open.extend(parts),
                part => open.push(part),
            }
        }
        open.sort();
        open.dedup();
        match (open.pop(), all) {
            (None, _) => Self::Known(all),
            (Some(only), _) if open.is_empty() => only,
            (Some(last), all) => {
                open.push(last);
                if all {
                    Self::All(open)
                } else {
                    Self::Any(open)
                }
            }
        }
    }

    /// What remains once the subject's tests come out like this.
    pub(super) fn given(&self, decided: usize, signs: &[bool]) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|p| p.given(decided, signs)).collect();
        match self {
            Self::Is {
                subject,
                test,
                sign,
            } if *subject == decided => Self::Known(signs.get(*test) == Some(sign)),
            Self::Known(_) | Self::Is { .. } => self.clone(),
            Self::All(parts) => Self::joined(true, each(parts)),
            Self::Any(parts) => Self::joined(false, each(parts)),
        }
    }

    /// How many tests of the subject it has, and how many in all.
    pub(super) fn tests(&self, of: usize) -> (usize, usize) {
        match self {
            Self::Known(_) => (0, 0),
            Self::Is { subject, .. } => (usize::from(*subject == of), 1),
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(|part| part.tests(of))
                .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1)),
        }
    }
}
