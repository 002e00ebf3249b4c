//! Members of the followed groups, through any nesting.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use breakglass_model::{ObjectId, Reading};
use fixedbitset::FixedBitSet;

use super::{
    columns::Columns,
    index::{Index, Object},
};
use crate::identity::Membership;

/// What one group says of its own members.
#[derive(Debug, Default)]
struct Direct {
    /// Direct members, sorted.
    people: Vec<u32>,
    /// Direct members that are groups.
    groups: Vec<u32>,
    /// All members through any nesting, sorted, where the input lists them.
    transitive: Option<Vec<u32>>,
    /// Why the direct members are not all known.
    doubt: Option<String>,
    /// Whether the direct members were not read.
    unread: bool,
}

/// Who is in which followed group: a bit for each person and column.
#[derive(Debug)]
pub(super) struct Members {
    direct: HashMap<u32, Direct>,
    roots: Vec<Option<u32>>,
    words: usize,
    bits: Vec<u64>,
    /// People whose own list of groups was read: the whole truth about them.
    own: FixedBitSet,
    /// Per column: why somebody who is not known to be in the group may be.
    unknown: Vec<Option<String>>,
}

impl Members {
    pub(super) fn new(index: &mut Index<'_>, columns: &Columns) -> Self {
        let roots: Vec<Option<u32>> = columns
            .ids()
            .iter()
            .map(|id| match index.get(id) {
                Some(Object::Group(place)) => Some(place),
                _ => None,
            })
            .collect();
        let direct = walk(index, &roots);
        let words = columns.ids().len().div_ceil(64);
        let mut members = Self {
            direct,
            words,
            bits: vec![0; index.people() * words],
            own: FixedBitSet::with_capacity(index.people()),
            unknown: Vec::with_capacity(roots.len()),
            roots,
        };
        for (column, id) in columns.ids().iter().enumerate() {
            let why = members.fill(index, column, id);
            members.unknown.push(why);
        }
        members.read_users(index, columns);
        members
    }

    /// Sets the bits of a column; gives the reason why it may hold others.
    fn fill(&mut self, index: &Index<'_>, column: usize, id: &str) -> Option<String> {
        let Some(root) = self.roots[column] else {
            // A deleted group holds nobody; one that was not read may hold anybody.
            let missing = index.snapshot.groups.missing.as_ref()?;
            return Some(format!(
                "the members of group {id} are not in the input: {}",
                missing.reason
            ));
        };
        let mut why = None;
        let mut seen = HashSet::from([root]);
        let mut next = vec![root];
        let mut held = Vec::new();
        while let Some(place) = next.pop() {
            let Some(direct) = self.direct.get(&place) else {
                continue;
            };
            held.extend_from_slice(&direct.people);
            if let Some(all) = &direct.transitive {
                held.extend_from_slice(all);
                continue;
            }
            if why.is_none() {
                why.clone_from(&direct.doubt);
            }
            next.extend(direct.groups.iter().filter(|place| seen.insert(**place)));
        }
        for person in held {
            self.set(person, column);
        }
        why
    }

    fn set(&mut self, person: u32, column: usize) {
        let word = person as usize * self.words + column / 64;
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << (column % 64);
        }
    }

    /// A user's own list of groups is the whole truth.
    fn read_users(&mut self, index: &Index<'_>, columns: &Columns) {
        for (place, user) in index.snapshot.users.iter().enumerate() {
            let Reading::Read(groups) = &user.transitive_member_of else {
                continue;
            };
            self.own.insert(place);
            let row = place * self.words..(place + 1) * self.words;
            self.bits[row].fill(0);
            for group in groups {
                if let Some(column) = columns.get(group.as_str()) {
                    self.set(super::key::number(place), column as usize);
                }
            }
        }
    }

    /// The bits of a person, a column each.
    pub(super) fn row(&self, person: u32) -> &[u64] {
        let start = person as usize * self.words;
        self.bits.get(start..start + self.words).unwrap_or(&[])
    }

    /// Whether a person's own list of groups was read.
    pub(super) fn is_own(&self, person: u32) -> bool {
        self.own.contains(person as usize)
    }

    pub(super) fn is_held(&self, person: u32, column: u32) -> bool {
        self.row(person)
            .get(column as usize / 64)
            .is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    /// Why a person who is not known to be in the group may be.
    pub(super) fn doubt(&self, person: Option<u32>, column: u32) -> Option<&str> {
        if person.is_some_and(|person| self.is_own(person)) {
            return None;
        }
        self.unknown.get(column as usize)?.as_deref()
    }

    /// Whether anything about the membership of this column is not known.
    pub(super) fn has_doubt(&self, column: u32) -> bool {
        self.unknown
            .get(column as usize)
            .is_some_and(Option::is_some)
    }

    /// Whether a column holds a person. The path is [`Members::through`].
    pub(super) fn of(&self, person: Option<u32>, column: u32) -> Membership<'_> {
        const DIRECT: &crate::identity::Path = &crate::identity::Path {
            through: Vec::new(),
            include_only: false,
        };
        if person.is_some_and(|person| self.is_held(person, column)) {
            return Membership::Held(DIRECT);
        }
        self.doubt(person, column)
            .map_or(Membership::NotHeld, Membership::Unknown)
    }

    /// The nested groups between a person and the group of a column, from the person outwards: a shortest way.
    pub(super) fn through(&self, index: &Index<'_>, person: u32, column: u32) -> Vec<String> {
        let Some(root) = self.roots.get(column as usize).copied().flatten() else {
            return Vec::new();
        };
        let own: HashSet<u32> = index
            .user(person)
            .and_then(|user| user.transitive_member_of.get())
            .into_iter()
            .flatten()
            .filter_map(|id| match index.get(id.as_str()) {
                Some(Object::Group(place)) => Some(place),
                _ => None,
            })
            .collect();
        let mut from: BTreeMap<u32, u32> = BTreeMap::new();
        let mut next = VecDeque::from([root]);
        while let Some(place) = next.pop_front() {
            let Some(direct) = self.direct.get(&place) else {
                continue;
            };
            let all = direct.transitive.as_deref().unwrap_or_default();
            // A nested group of which the direct members are not known, but that is known to hold the person.
            let nested_holds = place != root
                && direct.unread
                && (all.binary_search(&person).is_ok() || own.contains(&place));
            if nested_holds || direct.people.binary_search(&person).is_ok() {
                let mut path = Vec::new();
                let mut at = place;
                while at != root {
                    path.extend(
                        index
                            .group(at)
                            .and_then(|group| Some(group.id.as_ref()?.to_string())),
                    );
                    let Some(outer) = from.get(&at) else { break };
                    at = *outer;
                }
                return path;
            }
            for nested in &direct.groups {
                if *nested != root && !from.contains_key(nested) {
                    from.insert(*nested, place);
                    next.push_back(*nested);
                }
            }
        }
        Vec::new()
    }
}

/// Reads the lists of every group that can be reached from the roots.
fn walk(index: &mut Index<'_>, roots: &[Option<u32>]) -> HashMap<u32, Direct> {
    let mut known = HashMap::new();
    let mut next: Vec<u32> = roots.iter().flatten().copied().collect();
    while let Some(place) = next.pop() {
        if known.contains_key(&place) {
            continue;
        }
        let direct = read(index, place);
        next.extend(&direct.groups);
        known.insert(place, direct);
    }
    known
}

fn read(index: &mut Index<'_>, place: u32) -> Direct {
    let mut direct = Direct::default();
    let Some(group) = index.group(place) else {
        return direct;
    };
    let name = group
        .id
        .as_ref()
        .map(ObjectId::to_string)
        .unwrap_or_default();
    match &group.members {
        Reading::Read(members) => {
            let mut stranger = None;
            for member in members {
                match index.add(member) {
                    Object::Group(nested) => direct.groups.push(nested),
                    Object::Person(person) => {
                        if index.is_stranger(person) {
                            stranger = Some(member);
                        }
                        direct.people.push(person);
                    }
                }
            }
            if let (Some(id), false) = (stranger, index.snapshot.groups.is_complete()) {
                direct.doubt = Some(format!(
                    "{id}, a member of group {name}, may be a group itself: it is neither among the users \
                     nor among the groups of the input"
                ));
            }
            direct.people.sort_unstable();
        }
        Reading::NotRead(why) => {
            direct.unread = true;
            direct.doubt = Some(format!("the members of group {name} were not read: {why}"));
        }
    }
    if let Reading::Read(members) = &group.transitive_members {
        let mut all: Vec<u32> = members
            .iter()
            .filter_map(|member| match index.add(member) {
                Object::Person(person) => Some(person),
                Object::Group(_) => None,
            })
            .collect();
        all.sort_unstable();
        direct.transitive = Some(all);
    }
    direct
}
