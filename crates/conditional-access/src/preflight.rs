//! A change before it is made: the policy set with it beside the set without it (sheet 4.6, Q9).
//!
//! Both sides are put into one engine, so that one set of classes tells apart whatever either side does. A
//! sign-in is *lost* when it may get in before the change and surely fails after it; where it surely gets in
//! before and is unknown after, the answer is *cannot tell*.

mod joint;
mod population;
mod report;
mod search;

use crate::{
    Engine, Identity, Outcome, SignIn, Subject, Truth,
    prove::{Asks, Claim, Options, Prover, Reach, Search, Verdict, World},
};

use search::{Found, Quest};

pub use joint::Sides;
pub use population::population;
pub use report::{
    Access, BeforeAfter, Group, Input, Kind, Loss, Report, Verdict as ChangeVerdict, Who, run,
};

const GAVE_UP: &str =
    "the search for a lost sign-in was given up: the policies cut the sign-ins too finely";

/// How much of what a person could do is gone, or new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Some sign-ins.
    Some,
    /// Every one.
    All,
}

/// A sign-in whose end the change turns round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The sign-in; the evaluator confirms both ends.
    pub witness: SignIn,
    /// Whether anything is left, or was there before.
    pub scope: Scope,
    /// The policies that do it: places in the set after the change for what is lost, before for what is gained.
    pub by: Vec<usize>,
    /// How the sign-in ended before.
    pub before: Outcome,
    /// How it ends after.
    pub after: Outcome,
}

/// What a change does to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Policies that can apply after the change and could not before, by place in the set after it; whether they
    /// can is known, or an unknown decides.
    pub newly_applies: Vec<(usize, Reach)>,
    /// A sign-in that is lost.
    pub lost: Option<Turned>,
    /// A sign-in that is gained.
    pub gained: Option<Turned>,
    /// Where no sign-in is surely lost: one that may be, if there is one to show, and what is not known.
    pub doubt: Option<(Option<SignIn>, Vec<String>)>,
}

/// Compares the two sides of a change, person by person.
#[derive(Debug)]
pub struct Preflight<'s> {
    sides: &'s Sides,
    before: Prover<'s>,
    after: Prover<'s>,
    joint: Prover<'s>,
    /// Everything that can be asked for, for the question whether anything is left.
    anything: Vec<Asks>,
}

impl<'s> Preflight<'s> {
    /// Makes the two sides ready.
    pub fn new(sides: &'s Sides, options: &Options) -> Self {
        let joint = Prover::new(&sides.joint, options);
        let anything = joint
            .classes
            .targets
            .iter()
            .filter(|asks| asks.action.is_none() && asks.context.is_none())
            .cloned()
            .collect();
        Self {
            sides,
            before: Prover::new(&sides.before, options),
            after: Prover::new(&sides.after, options),
            joint,
            anything,
        }
    }

    /// What the change does to one person.
    pub fn compare(&self, identity: &Identity) -> Comparison {
        let sides = self.sides;
        let people = Ready {
            before: sides.before.subject(identity),
            after: sides.after.subject(identity),
            joint: sides.joint.subject(identity),
        };
        let newly_applies = self.newly_applies(&people);
        if identity.enabled.known() == Some(&false) {
            return Comparison {
                newly_applies,
                lost: None,
                gained: None,
                doubt: None,
            };
        }
        let (lost, gave_up) = self.turned(&people, true);
        let doubt = match &lost {
            Some(_) => None,
            None if gave_up => Some((None, vec![GAVE_UP.to_owned()])),
            None => self.doubt(&people),
        };
        Comparison {
            newly_applies,
            lost,
            gained: self.turned(&people, false).0,
            doubt,
        }
    }

    fn newly_applies(&self, people: &Ready) -> Vec<(usize, Reach)> {
        let reached_before = |id: &str| {
            self.sides
                .before
                .policies()
                .position(|policy| policy.id.eq_ignore_ascii_case(id))
                .is_some_and(|index| self.before.may_reach(index, &people.before))
        };
        self.sides
            .after
            .policies()
            .enumerate()
            .filter(|(index, policy)| {
                self.after.may_reach(*index, &people.after) && !reached_before(&policy.id)
            })
            .map(|(index, _)| {
                (
                    index,
                    self.after.reach_of(index, &people.after, false).reach,
                )
            })
            .collect()
    }

    /// A sign-in that is lost, or gained; and whether the search was given up.
    ///
    /// *Lost* is claimed of a sign-in that surely fails after the change and does not surely fail before it;
    /// *gained* of one that surely failed and surely gets in.
    fn turned(&self, people: &Ready, lost: bool) -> (Option<Turned>, bool) {
        let (from, to) = if lost {
            (people.first(self), people.second(self))
        } else {
            (people.second(self), people.first(self))
        };
        let quest = Quest {
            lost,
            source: Claim::Possibly,
            kept: if lost { Claim::Possibly } else { Claim::Surely },
            shared: false,
        };
        let found = search::find(
            &self.joint,
            &people.joint,
            self.sides.split,
            quest,
            |sign_in| {
                let passes = from.0.evaluate(from.1, sign_in).outcome();
                to.0.evaluate(to.1, sign_in).outcome().fails()
                    && if lost {
                        !passes.fails()
                    } else {
                        passes.gets_in()
                    }
            },
        );
        let witness = match found {
            Found::At(witness) => *witness,
            Found::Nowhere => return (None, false),
            Found::GaveUp => return (None, true),
        };
        let failing = to.0.evaluate(to.1, &witness);
        let by = (0..to.0.policies.len())
            .filter(|index| {
                failing.applies(*index) == Truth::Yes && failing.met(*index) == Truth::No
            })
            .collect();
        // All is gone only where something was there: who had no way in on the devices that they have loses some
        // sign-in that was never theirs alone.
        let before = self.anything_left(&self.before, &people.before);
        let after = self.anything_left(&self.after, &people.after);
        let all = if lost {
            before && !after
        } else {
            !before && after
        };
        let turned = Turned {
            scope: if all { Scope::All } else { Scope::Some },
            by,
            before: people
                .first(self)
                .0
                .evaluate(&people.before, &witness)
                .outcome(),
            after: people
                .second(self)
                .0
                .evaluate(&people.after, &witness)
                .outcome(),
            witness,
        };
        (Some(turned), false)
    }

    /// Why it can't be told that no sign-in is lost: a sign-in that does not surely fail before the change, and of
    /// which it is unknown after it, for a reason that the change brings.
    fn doubt(&self, people: &Ready) -> Option<(Option<SignIn>, Vec<String>)> {
        let (from, to) = (people.first(self), people.second(self));
        if let Some(name) = search::too_fine(&self.joint, &people.joint, self.sides.split) {
            let why =
                format!("{name}: its device filter tells more devices apart than are looked at");
            return Some((None, vec![why]));
        }
        let quest = Quest {
            lost: true,
            source: Claim::Surely,
            kept: Claim::Possibly,
            shared: true,
        };
        let found = search::find(
            &self.joint,
            &people.joint,
            self.sides.split,
            quest,
            |sign_in| {
                !from.0.evaluate(from.1, sign_in).outcome().fails()
                    && to.0.evaluate(to.1, sign_in).outcome() == Outcome::Unknown
            },
        );
        match found {
            Found::Nowhere => None,
            Found::GaveUp => Some((None, vec![GAVE_UP.to_owned()])),
            Found::At(witness) => {
                let missing = to.0.evaluate(to.1, &witness).missing();
                Some((Some(*witness), missing))
            }
        }
    }

    /// Whether a person may still get in to anything at all. Where their devices were not read they may have
    /// any.
    fn anything_left(&self, prover: &Prover<'_>, subject: &Subject) -> bool {
        let world = World {
            unread_devices: true,
            ..World::default()
        };
        let search = Search {
            targets: &self.anything,
            world: &world,
            claim: Claim::Possibly,
            without: None,
        };
        prover.way_in(subject, search).is_some() || !prover.tries_every_device(subject)
    }

    /// Whether a person gets in to a recovery target, before and after.
    pub fn access(&self, identity: &Identity) -> (Verdict, Verdict) {
        let verdict =
            |prover: &Prover<'_>, engine: &Engine| prover.verdict(&engine.subject(identity));
        (
            verdict(&self.before, &self.sides.before),
            verdict(&self.after, &self.sides.after),
        )
    }
}

/// One person, made ready for each engine.
struct Ready {
    before: Subject,
    after: Subject,
    joint: Subject,
}

impl Ready {
    fn first<'p>(&'p self, preflight: &'p Preflight<'_>) -> (&'p Engine, &'p Subject) {
        (&preflight.sides.before, &self.before)
    }

    fn second<'p>(&'p self, preflight: &'p Preflight<'_>) -> (&'p Engine, &'p Subject) {
        (&preflight.sides.after, &self.after)
    }
}
