//! What somebody opens who has nothing but a person's password.
//!
//! An application that no policy of one state names is, there, like any other that none names. So two states can be
//! compared although their policies tell different applications apart.

use std::collections::HashMap;

use super::{
    Asks, OTHER_APPLICATION, Prover, Search, Verdict, World, classes::requests, way_in::Claim,
};
use crate::{Subject, identity::Fact, sign_in::ClientApp, strength::UsableMethod};

/// What can be asked for in a state of the tenant, by classes that no policy tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    class: HashMap<Asks, usize>,
    /// One of each class.
    first: Vec<Asks>,
}

impl Requests {
    /// Number of classes.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there are none. There always are.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The class of a request, which may be one of another state.
    pub fn class(&self, asks: &Asks) -> Option<usize> {
        let other = |asks: &Asks| Asks {
            audience: OTHER_APPLICATION.to_owned(),
            ..asks.clone()
        };
        // A context that no policy names asks for nothing.
        let plain = Asks {
            context: None,
            ..asks.clone()
        };
        [asks, &other(asks), &plain, &other(&plain)]
            .into_iter()
            .find_map(|asks| self.class.get(asks).copied())
    }

    /// Every request that tells this state from a later one, with its class in both: each pair of classes once.
    pub fn pairs<'r>(&'r self, later: &'r Self) -> Vec<(&'r Asks, usize, usize)> {
        let mut pairs: Vec<(&Asks, usize, usize)> = self
            .class
            .keys()
            .chain(later.class.keys())
            .filter_map(|asks| Some((asks, self.class(asks)?, later.class(asks)?)))
            .collect();
        // The plainest of each pair speaks for it.
        pairs.sort_by_key(|(asks, before, after)| {
            let special = asks.action.is_some() || asks.context.is_some();
            let named = asks.audience != OTHER_APPLICATION;
            (*before, *after, special, named, *asks)
        });
        pairs.dedup_by_key(|(_, before, after)| (*before, *after));
        pairs
    }
}

impl Prover<'_> {
    /// What can be asked for, by classes.
    pub fn requests(&self) -> Requests {
        let mut known = HashMap::new();
        let mut class = HashMap::new();
        let mut first = Vec::new();
        for asks in requests(self.engine, &[]) {
            let place = *known.entry(asks.class(self.engine)).or_insert_with(|| {
                first.push(asks.clone());
                first.len() - 1
            });
            class.insert(asks, place);
        }
        Requests { class, first }
    }

    /// What the password of a person alone opens: by class, and then by client in the order of [`ClientApp::ALL`]; from any
    /// place, without a device. Clients that know nothing but passwords are there, too: nobody repairs a tenant with one, but
    /// an attacker takes it.
    ///
    /// Whether roles that can be activated are active makes no difference to who has only a password, and is not asked.
    pub fn with_password(&self, subject: &Subject, requests: &Requests) -> Vec<Vec<Verdict>> {
        let mut identity = subject.identity().clone();
        identity.methods = Fact::Known(vec![UsableMethod::new("password")]);
        identity.devices = Fact::Known(Vec::new());
        let subject = self.engine.subject(&identity);
        let opens = |asks: &Asks, client: ClientApp| {
            let world = World {
                client: Some(client),
                ..World::default()
            };
            let search = |claim| Search {
                targets: std::slice::from_ref(asks),
                world: &world,
                claim,
                without: None,
            };
            Verdict::of(
                self.way_in(&subject, search(Claim::Surely)).is_some(),
                || self.way_in(&subject, search(Claim::Possibly)).is_some(),
            )
        };
        let by_client = |asks: &Asks| -> Vec<Verdict> {
            let clients = ClientApp::ALL.iter();
            clients.map(|client| opens(asks, *client)).collect()
        };
        requests.first.iter().map(by_client).collect()
    }
}
