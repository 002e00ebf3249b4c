//! Who is read in full, and everybody else.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{
    CollectError,
    graph::segment,
    keep,
    keep::text,
    session::{Session, Stop, ends_the_run},
};
use crate::{Request, Version};

const ACCOUNTS: &str = "emergency accounts";
const ADMINISTRATORS: &str = "administrators";

impl Session<'_> {
    /// The emergency accounts that were named.
    pub(super) async fn accounts(&self) -> Result<(), CollectError> {
        self.step(ACCOUNTS, "users", async |part, found| {
            let paths: Vec<String> = self
                .options
                .accounts
                .iter()
                .map(|account| format!("/users{}?$select=id", key(account)))
                .collect();
            let answers = self.entra.batch(Version::V1, &paths).await;
            let mut ids = Vec::new();
            for (account, answer) in self.options.accounts.iter().zip(answers) {
                match answer {
                    Ok(user) => {
                        let id = text(&user, "id").to_lowercase();
                        if !ids.contains(&id) {
                            ids.push(id);
                        }
                    }
                    Err(error) if error.is_not_found() && self.options.declared => {
                        found.notes.push(format!(
                            "the tenant has no user `{account}`, which is declared as an emergency access account: it was \
                             deleted, or has still to be made"
                        ));
                    }
                    Err(error) if error.is_not_found() => {
                        return Err(CollectError::NoAccount(account.clone()).into());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            self.people(ACCOUNTS, &ids, part, found).await
        })
        .await?;
        Ok(())
    }

    /// What Identity Protection says of the emergency accounts. One of which it says nothing is not in the list.
    pub(super) async fn risky_users(&self) -> Result<(), CollectError> {
        let name = "riskyUsers";
        self.step(name, name, async |part, _| {
            if let Some(why) = self.not_led_to(&[ACCOUNTS]) {
                return Err(Stop::Cannot(why));
            }
            let mut paths = Vec::new();
            self.each(ACCOUNTS, |user| {
                paths.push(format!(
                    "/identityProtection/{name}/{}",
                    segment(text(&user, "id"))
                ));
            })?;
            // One by one: the limit of one a second counts each item of a batch, so most of a batch would be refused.
            for path in paths {
                match self.entra.get(Request::graph(Version::V1, path)).await {
                    Ok(row) => part.push(&keep::risk(&row))?,
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Groups that the emergency accounts are in, at any depth; and whether that was read of each of them.
    pub(super) fn groups_of_accounts(&self) -> Result<(BTreeSet<String>, bool), CollectError> {
        let mut groups = BTreeSet::new();
        let mut whole = true;
        self.each(ACCOUNTS, |user| {
            let list = user.get("transitiveMemberOf").and_then(Value::as_array);
            whole &= list.is_some();
            groups.extend(
                list.into_iter()
                    .flatten()
                    .filter(|one| super::groups::may_be_group(one))
                    .map(|one| text(one, "id").to_lowercase()),
            );
        })?;
        Ok((groups, whole))
    }

    /// Everybody who holds a privileged role, or can activate one, directly or through a group.
    pub(super) async fn administrators(&self) -> Result<(), CollectError> {
        self.step(ADMINISTRATORS, "users", async |part, found| {
            let holders = self.holders()?;
            let mut ids: BTreeSet<String> = holders
                .iter()
                .filter(|(_, privileged)| **privileged)
                .map(|(id, _)| id.clone())
                .collect();
            let mut members = BTreeSet::new();
            self.each("groups", |group| {
                if ids.remove(&text(&group, "id").to_lowercase()) {
                    let list = ["transitiveMembers", "members"]
                        .iter()
                        .find_map(|name| group.get(*name)?.as_array());
                    members.extend(
                        list.into_iter()
                            .flatten()
                            .filter(|one| may_be_user(one))
                            .map(|one| text(one, "id").to_lowercase()),
                    );
                }
            })?;
            ids.extend(members);
            self.each(ACCOUNTS, |account| {
                ids.remove(&text(&account, "id").to_lowercase());
            })?;
            let ids: Vec<String> = ids.into_iter().collect();
            self.people(ADMINISTRATORS, &ids, part, found).await
        })
        .await?;
        Ok(())
    }

    /// One line for everybody else.
    pub(super) async fn users(&self) -> Result<(), CollectError> {
        let name = "users";
        self.step(name, name, async |part, _| {
            let mut full = HashSet::new();
            for step in [ACCOUNTS, ADMINISTRATORS] {
                self.each(step, |user| {
                    full.insert(text(&user, "id").to_lowercase());
                })?;
            }
            let with_names = self.options.with_names;
            let names = if with_names { ",displayName" } else { "" };
            let path = format!("/users?$select={}{names}&$top=999", keep::ORDINARY);
            self.list(name, Request::graph(Version::V1, path), part, |user| {
                let ordinary = !full.contains(&text(&user, "id").to_lowercase());
                ordinary.then(|| keep::ordinary(&user, with_names))
            })
            .await
        })
        .await?;
        Ok(())
    }

    /// Applications that hold a role or that a policy names, and those that can change what guards the accounts.
    pub(super) async fn principals(&self) -> Result<(), CollectError> {
        self.service_principals().await?;
        self.app_roles().await
    }

    /// Ids that are known to be groups or people in full.
    pub(super) fn known_objects(&self) -> Result<HashSet<String>, CollectError> {
        let mut known = HashSet::new();
        for step in ["groups", ACCOUNTS, ADMINISTRATORS] {
            self.each(step, |object| {
                known.insert(text(&object, "id").to_lowercase());
            })?;
        }
        Ok(known)
    }

    /// Reads objects by id, twenty in a request; those that are not there are left out.
    pub(super) async fn by_id(
        &self,
        set: &str,
        ids: &[String],
        select: &[&str],
    ) -> Result<Vec<Value>, Stop> {
        let select = select.join(",");
        let paths: Vec<String> = ids
            .iter()
            .map(|id| format!("/{set}/{}?$select={select}", segment(id)))
            .collect();
        let mut objects = Vec::new();
        for answer in self.entra.batch(Version::V1, &paths).await {
            match answer {
                Ok(object) => objects.push(keep::plain(object)),
                Err(error) if error.is_not_found() && !ends_the_run(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(objects)
    }
}

fn may_be_user(member: &Value) -> bool {
    keep::is_kind(member, "user") != Some(false)
}

/// What follows `/users` in the path of a user. A name that begins with `$` would be read as an option (Microsoft Graph, *Get a
/// user*).
fn key(account: &str) -> String {
    if account.starts_with('$') {
        format!("('{}')", segment(&account.replace('\'', "''")))
    } else {
        format!("/{}", segment(account))
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn names_become_segments_of_a_path() {
        assert_eq!(key("a#b@contoso.com"), "/a%23b@contoso.com");
        assert_eq!(key("a/b?c"), "/a%2Fb%3Fc");
        assert_eq!(key("$o'b@contoso.com"), "('$o''b@contoso.com')");
    }
}
