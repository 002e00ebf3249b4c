//! The groups that are followed, because a policy, a role or the methods policy names them.

use super::key::{Interned, Key};

/// Groups, each with a number: its column.
#[derive(Debug)]
pub(super) struct Columns {
    index: Interned<Key>,
    ids: Vec<String>,
}

impl Columns {
    pub(super) fn new() -> Self {
        Self {
            index: Interned::new(),
            ids: Vec::new(),
        }
    }

    /// The column of a group, new or known.
    pub(super) fn add(&mut self, id: &str) -> u32 {
        let column = self.index.add(Key::of(id));
        if column as usize == self.ids.len() {
            self.ids.push(crate::identity::fold(id));
        }
        column
    }

    /// The column of a group that is followed.
    pub(super) fn get(&self, id: &str) -> Option<u32> {
        self.index.get(&Key::of(id))
    }

    /// Folded ids, by column.
    pub(super) fn ids(&self) -> &[String] {
        &self.ids
    }
}
