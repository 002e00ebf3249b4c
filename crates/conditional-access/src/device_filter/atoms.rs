//! What one attribute can make of the tests that rules put to it.

use std::collections::{BTreeMap, HashSet};

use super::attribute::{Attribute, FALSE_TRUE, Kind};
use super::expression::Comparison;
use super::language::Named as _;
use super::operator::{Test, fold};

/// An attribute with the distinct tests of it.
pub(super) struct Subject {
    pub(super) attribute: Attribute,
    tests: Vec<Test>,
    /// The constants: as comparisons see them, and as a rule spells them.
    spelled: BTreeMap<String, String>,
}

/// One way that the tests can come out together, with values that make it so.
pub(super) struct Outcome {
    pub(super) signs: Vec<bool>,
    /// None for null.
    pub(super) values: Vec<String>,
}

impl Subject {
    pub(super) fn new(attribute: Attribute) -> Self {
        let (tests, spelled) = (Vec::new(), BTreeMap::new());
        Self {
            attribute,
            tests,
            spelled,
        }
    }

    /// The number of the comparison's test.
    pub(super) fn number(&mut self, comparison: &Comparison<Attribute>) -> usize {
        for value in &comparison.values {
            let spelled = self.spelled.entry(fold(value));
            spelled.or_insert_with(|| value.clone());
        }
        let known = self.tests.iter().position(|test| *test == comparison.test);
        known.unwrap_or_else(|| {
            self.tests.push(comparison.test.clone());
            self.tests.len() - 1
        })
    }

    fn signs(&self, values: &[String]) -> Vec<bool> {
        let folded: Vec<String> = values.iter().map(|value| fold(value)).collect();
        self.tests.iter().map(|test| test.holds(&folded)).collect()
    }

    /// Every way that the tests can come out, null first; `None` if there are more than `limit`.
    ///
    /// Finite attributes are tried out. A text is a constant, or one that is built from the parts it must
    /// have. A collection has any set of the constants.
    pub(super) fn outcomes(&self, limit: usize) -> Option<Vec<Outcome>> {
        let mut found = Found {
            subject: self,
            seen: HashSet::new(),
            outcomes: Vec::new(),
        };
        found.add(Vec::new());
        match self.attribute.kind() {
            Kind::Choice(names) => found.add_each(names),
            Kind::Flag => found.add_each(FALSE_TRUE),
            Kind::Guid | Kind::Text => {
                found.add_each(self.spelled.values());
                let separator = self.separator()?;
                for built in self.patterns(separator, limit)? {
                    found.add_built(&built, separator);
                }
            }
            Kind::Collection => {
                let mut sets: Vec<Vec<String>> = vec![Vec::new()];
                for constant in self.spelled.values() {
                    if sets.len() > limit {
                        return None;
                    }
                    let with = |set: &Vec<String>| {
                        [set.as_slice(), std::slice::from_ref(constant)].concat()
                    };
                    let more: Vec<_> = sets.iter().map(with).collect();
                    sets.extend(more);
                }
                for set in sets {
                    found.add(set);
                }
            }
        }
        (found.outcomes.len() <= limit).then_some(found.outcomes)
    }

    /// A character that no constant has: private use where there is one left.
    fn separator(&self) -> Option<char> {
        ('\u{e000}'..=char::MAX).find(|separator| {
            let folds_to_itself = separator.to_lowercase().eq([*separator]);
            folds_to_itself && !self.spelled.keys().any(|text| text.contains(*separator))
        })
    }

    /// A text for each satisfiable choice among the tests that ask for a part.
    ///
    /// A text that is built from the wanted parts alone, with a character between them that no constant
    /// has, passes no test that another text with those parts could fail. So a choice is satisfiable just
    /// when this text fails the tests that are to fail, and every choice that is kept leads to an outcome:
    /// the work grows with the outcomes, not with the subsets.
    fn patterns(&self, separator: char, limit: usize) -> Option<Vec<Built<'_>>> {
        let parts = self
            .tests
            .iter()
            .filter_map(|test| Some((test, part(test)?)));
        let mut tests: Vec<(&Test, &str)> = parts.collect();
        // The longer ones first, ends before middles: a part that lies in another needs no place of its own.
        tests.sort_by_key(|(test, part)| {
            (
                std::cmp::Reverse(part.len()),
                matches!(test, Test::Contains(_)),
            )
        });
        let mut kept = vec![Built::default()];
        for (index, (test, _)) in tests.iter().enumerate() {
            let mut next = Vec::new();
            for built in kept {
                let text = [built.text(separator)];
                let more = built.with(test).filter(|more| {
                    let longer = [more.text(separator)];
                    let decided = tests.iter().take(index);
                    decided
                        .map(|(test, _)| test)
                        .all(|t| t.holds(&longer) == t.holds(&text))
                });
                next.push(built);
                if !test.holds(&text) {
                    next.extend(more);
                }
            }
            if next.len() > limit {
                return None;
            }
            kept = next;
        }
        Some(kept)
    }
}

fn part(test: &Test) -> Option<&str> {
    match test {
        Test::In(_) => None,
        Test::StartsWith(part) | Test::EndsWith(part) | Test::Contains(part) => Some(part),
    }
}

struct Found<'s> {
    subject: &'s Subject,
    seen: HashSet<Vec<bool>>,
    outcomes: Vec<Outcome>,
}

impl Found<'_> {
    fn add(&mut self, values: Vec<String>) {
        let signs = self.subject.signs(&values);
        if self.seen.insert(signs.clone()) {
            self.outcomes.push(Outcome { signs, values });
        }
    }

    fn add_each<T: AsRef<str>>(&mut self, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.add(vec![value.as_ref().to_owned()]);
        }
    }

    /// Adds the text, put together so that people can read it if that comes out the same.
    fn add_built(&mut self, built: &Built<'_>, separator: char) {
        let spelled = built.spelled(&self.subject.spelled);
        let exact = vec![spelled.text(separator)];
        let signs = self.subject.signs(&exact);
        let joined = ["", " ", "-"].map(|between| spelled.joined(between));
        let parted = ['-', 'x'].map(|between| spelled.text(between));
        let readable = joined.into_iter().chain(parted).map(|text| vec![text]);
        let mut same = readable.filter(|values| self.subject.signs(values) == signs);
        let same = same.next();
        self.add(same.unwrap_or(exact));
    }
}

/// The parts that a text must have.
#[derive(Clone, Default)]
struct Built<'s> {
    start: &'s str,
    middle: Vec<&'s str>,
    end: &'s str,
}

impl<'s> Built<'s> {
    /// With what this test asks for, which the text does not have yet. Only a longer start or end can be
    /// there already, and then this one contradicts it.
    fn with(&self, test: &'s Test) -> Option<Self> {
        let mut built = self.clone();
        match test {
            Test::StartsWith(part) if self.start.is_empty() => built.start = part,
            Test::EndsWith(part) if self.end.is_empty() => built.end = part,
            Test::Contains(part) => built.middle.push(part),
            Test::In(_) | Test::StartsWith(_) | Test::EndsWith(_) => return None,
        }
        Some(built)
    }

    fn spelled(&self, spelled: &'s BTreeMap<String, String>) -> Self {
        let spell = |part: &'s str| spelled.get(part).map_or(part, String::as_str);
        Self {
            start: spell(self.start),
            middle: self.middle.iter().map(|part| spell(part)).collect(),
            end: spell(self.end),
        }
    }

    fn text(&self, separator: char) -> String {
        let mut text = format!("{}{separator}", self.start);
        for part in &self.middle {
            text.push_str(part);
            text.push(separator);
        }
        text + self.end
    }

    fn joined(&self, between: &str) -> String {
        let ends = [&[self.start], self.middle.as_slice(), &[self.end]].concat();
        let parts: Vec<&str> = ends.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(between)
    }
}
