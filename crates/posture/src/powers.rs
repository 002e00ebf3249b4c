//! Applications that hold powers over the accounts.

use breakglass_model::{
    NotRead, ObjectId,
    tenant::{POWERS, Power},
};

use crate::{
    Context,
    directory::{name_of, text},
};

/// A power in the hands of an application.
#[derive(Debug)]
pub(crate) struct Holder<'a> {
    /// Its name, else its id.
    pub(crate) name: &'a str,
    id: &'a str,
    /// The permission.
    pub(crate) power: &'static Power,
}

impl Holder<'_> {
    /// How Graph addresses the application.
    pub(crate) fn object(&self) -> String {
        format!("servicePrincipals/{}/appRoleAssignments", self.id)
    }
}

impl<'a> Context<'a> {
    /// Enabled applications with powers over the accounts, and what was not read. One of which nothing is known
    /// counts as enabled.
    pub(crate) fn holders(&self) -> (Vec<Holder<'a>>, Option<NotRead>) {
        const NAME: &str = "appRoleAssignments";
        let holders = self
            .listed(NAME)
            .iter()
            .filter_map(|row| {
                let role = text(row, "appRoleId");
                let power = POWERS
                    .iter()
                    .find(|power| power.role.eq_ignore_ascii_case(role))?;
                let id = text(row, "principalId");
                let known = ObjectId::parse(id)
                    .ok()
                    .and_then(|id| self.application(&id));
                if known.is_some_and(|own| own["accountEnabled"] == false) {
                    return None;
                }
                let told = text(row, "principalDisplayName");
                let name = match known {
                    Some(own) if told.is_empty() => name_of(own, "id"),
                    _ if told.is_empty() => id,
                    _ => told,
                };
                Some(Holder { name, id, power })
            })
            .collect();
        (holders, self.whole(NAME, "Application.Read.All").err())
    }
}
