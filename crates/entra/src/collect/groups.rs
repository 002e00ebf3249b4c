//! Groups and administrative units, with their members.
//!
//! Members are kept as type and id. A group that holds no group has no `transitiveMembers`: they are its members.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    CollectError, Event, keep,
    keep::text,
    session::{Found, STEPS, Session, Stop, Why, ends_the_run},
};
use crate::{Entra, Error, Request, Version};

/// Lists that are read at the same time: as many as the client sends.
const AT_ONCE: usize = 4;
/// Groups whose properties are read before their members.
const AHEAD: usize = 100;

/// Steps that lead to groups. A tenant without PIM has no eligibility, and its assignments stand elsewhere.
const NAMING: &[&str] = &[
    "conditionalAccessPolicies",
    "authenticationMethodsPolicy",
    "administrativeUnits",
    "roleAssignmentScheduleInstances|roleAssignments",
    "emergency accounts",
];

/// Members of one owner, as JSON.
#[derive(Debug, Default)]
struct Members {
    direct: String,
    /// Where it holds groups.
    transitive: Option<String>,
}

/// Lists on their way, in the order in which they were asked for. Dropped, they are called back.
#[derive(Debug, Default)]
struct Window(VecDeque<JoinHandle<Result<Members, Error>>>);

impl Drop for Window {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Window {
    fn ask(&mut self, entra: &Entra, path: String, nested: bool) {
        self.0
            .push_back(tokio::spawn(members(entra.clone(), path, nested)));
    }

    async fn next(&mut self) -> Option<Result<Members, Error>> {
        let task = self.0.front_mut()?;
        let result = task.await.unwrap_or_else(|error| {
            Err(Error::Unusable {
                call: "a list of members".to_owned(),
                why: format!("reading it broke: {error}"),
            })
        });
        self.0.pop_front();
        Some(result)
    }
}

/// Direct members, and the transitive ones where some are groups and `nested` asks for them.
async fn members(entra: Entra, path: String, nested: bool) -> Result<Members, Error> {
    let (direct, has_group) = list(&entra, &format!("{path}/members")).await?;
    let transitive = if nested && has_group {
        Some(list(&entra, &format!("{path}/transitiveMembers")).await?.0)
    } else {
        None
    };
    Ok(Members { direct, transitive })
}

async fn list(entra: &Entra, path: &str) -> Result<(String, bool), Error> {
    let request = Request::graph(Version::V1, format!("{path}?$select=id&$top=999"));
    let mut pages = entra.pages(request);
    let (mut text, mut has_group) = (String::new(), false);
    while let Some(page) = pages.next().await? {
        for member in page {
            has_group |= may_be_group(&member);
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&keep::reference(&member).to_string());
        }
    }
    Ok((text, has_group))
}

/// Whether a member may be a group: an answer without type says nothing.
pub(super) fn may_be_group(member: &Value) -> bool {
    keep::is_kind(member, "group") != Some(false)
}

/// How often members could not be read.
#[derive(Debug, Default)]
struct Refused {
    owners: u64,
    why: Option<Why>,
}

impl Refused {
    /// The members of an owner; `None`: they could not be read.
    fn judge(&mut self, answer: Option<Result<Members, Error>>) -> Result<Option<Members>, Stop> {
        match answer {
            Some(Ok(members)) => Ok(Some(members)),
            Some(Err(error)) if ends_the_run(&error) => Err(error.into()),
            Some(Err(error)) => {
                self.owners += 1;
                self.why.get_or_insert_with(|| Why::of(&error));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn tell(self, session: &Session<'_>, collection: &str, all: u64, found: &mut Found) {
        if let Some(why) = self.why {
            let why = why.at(|why| format!("of {} of {all}: {why}", self.owners));
            found.not_read.push(session.missing(collection, why));
        }
    }
}

impl Session<'_> {
    /// Administrative units with their members and managers.
    pub(super) async fn units(&self) -> Result<(), CollectError> {
        let name = "administrativeUnits";
        self.step(name, name, async |part, found| {
            let path = "/directory/administrativeUnits";
            let request = Request::graph(Version::V1, format!("{path}?$top=999"));
            let units: Vec<Value> = self
                .entra
                .all(request)
                .await?
                .into_iter()
                .map(keep::plain)
                .collect();
            let paths: Vec<String> = units
                .iter()
                .map(|unit| format!("{path}/{}", text(unit, "id")))
                .collect();
            let scoped: Vec<String> = paths
                .iter()
                .map(|path| format!("{path}/scopedRoleMembers"))
                .collect();
            let mut scoped = self.entra.batch(Version::V1, &scoped).await.into_iter();
            let (mut window, mut asked) = (Window::default(), paths.into_iter());
            let (mut refused, mut unmanaged) = (Refused::default(), Refused::default());
            for mut unit in units {
                while window.0.len() < AT_ONCE
                    && let Some(path) = asked.next()
                {
                    window.ask(self.entra, path, false);
                }
                let members = refused.judge(window.next().await)?;
                match scoped.next() {
                    Some(Ok(answer)) => {
                        let rows = answer.get("value").and_then(Value::as_array);
                        let names = self.options.with_names;
                        unit["scopedRoleMembers"] = rows
                            .into_iter()
                            .flatten()
                            .map(|row| keep::scoped(row, names))
                            .collect();
                    }
                    other => {
                        let error = other.map(|answer| answer.map(|_| Members::default()));
                        unmanaged.judge(error)?;
                    }
                }
                match members {
                    Some(members) => part.push_with(&unit, &[("members", &members.direct)])?,
                    None => part.push(&unit)?,
                }
            }
            refused.tell(self, name, part.objects, found);
            unmanaged.tell(
                self,
                "administrativeUnits/scopedRoleMembers",
                part.objects,
                found,
            );
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Groups that something names, with their members. One that is not there was deleted: nobody is in it.
    pub(super) async fn groups(&self) -> Result<(), CollectError> {
        let name = "groups";
        self.step(name, name, async |part, found| {
            if let Some(why) = self.not_led_to(NAMING) {
                found.not_read.push(self.missing(name, why));
            }
            let ids: Vec<String> = self.named_groups()?.into_iter().collect();
            let (of_accounts, _) = self.groups_of_accounts()?;
            let (mut refused, mut unowned) = (Refused::default(), Refused::default());
            for chunk in ids.chunks(AHEAD) {
                let mut groups = self.by_id(name, chunk, keep::GROUP).await?;
                self.owners(&mut groups, &of_accounts, &mut unowned).await?;
                let mut window = Window::default();
                let mut asked = groups.iter();
                for group in &groups {
                    while window.0.len() < AT_ONCE
                        && let Some(next) = asked.next()
                    {
                        let path = format!("/groups/{}", text(next, "id"));
                        window.ask(self.entra, path, true);
                    }
                    match refused.judge(window.next().await)? {
                        None => part.push(group)?,
                        Some(Members { direct, transitive }) => {
                            let mut lists = vec![("members", direct.as_str())];
                            if let Some(transitive) = &transitive {
                                lists.push(("transitiveMembers", transitive));
                            }
                            part.push_with(group, &lists)?;
                        }
                    }
                }
                self.tell(name, part.objects, Event::Reading);
            }
            refused.tell(self, "groups/members", part.objects, found);
            unowned.tell(self, "groups/owners", part.objects, found);
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// The owners of the groups that hold emergency accounts.
    async fn owners(
        &self,
        groups: &mut [Value],
        of_accounts: &BTreeSet<String>,
        refused: &mut Refused,
    ) -> Result<(), Stop> {
        let mut asked: Vec<&mut Value> = groups
            .iter_mut()
            .filter(|group| of_accounts.contains(&text(group, "id").to_lowercase()))
            .collect();
        let paths: Vec<String> = asked
            .iter()
            .map(|group| format!("/groups/{}/owners?$select=id", text(group, "id")))
            .collect();
        let answers = self.entra.batch(Version::V1, &paths).await;
        for (group, answer) in asked.iter_mut().zip(answers) {
            match answer {
                // A list that goes on is not the whole list.
                Ok(answer) if answer.get("@odata.nextLink").is_none() => {
                    let rows = answer.get("value").and_then(Value::as_array);
                    group["owners"] = rows.into_iter().flatten().map(keep::reference).collect();
                }
                Ok(_) => {}
                Err(error) => {
                    refused.judge(Some(Err(error)))?;
                }
            }
        }
        Ok(())
    }

    /// Ids of groups that something names, and of holders of roles, which may be groups.
    fn named_groups(&self) -> Result<BTreeSet<String>, CollectError> {
        let mut ids: BTreeSet<String> = self.holders()?.into_keys().collect();
        ids.extend(self.approving_groups()?);
        ids.extend(self.groups_of_accounts()?.0);
        let mut add = |list: Option<&Value>| {
            let list = list.and_then(Value::as_array);
            ids.extend(
                list.into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_lowercase),
            );
        };
        self.each("conditionalAccessPolicies", |policy| {
            for key in ["includeGroups", "excludeGroups"] {
                add(policy.pointer(&format!("/conditions/users/{key}")));
            }
        })?;
        self.each("authenticationMethodsPolicy", |policy| {
            let methods = policy.get("authenticationMethodConfigurations");
            for method in methods.and_then(Value::as_array).into_iter().flatten() {
                for key in ["includeTargets", "excludeTargets"] {
                    let targets = method.get(key).and_then(Value::as_array);
                    ids.extend(
                        targets
                            .into_iter()
                            .flatten()
                            .filter(|target| {
                                text(target, "targetType").eq_ignore_ascii_case("group")
                            })
                            .map(|target| text(target, "id").to_lowercase()),
                    );
                }
            }
        })?;
        self.each("administrativeUnits", |unit| {
            let members = unit.get("members").and_then(Value::as_array);
            ids.extend(
                members
                    .into_iter()
                    .flatten()
                    .filter(|member| keep::is_kind(member, "group") == Some(true))
                    .map(|member| text(member, "id").to_lowercase()),
            );
        })?;
        ids.retain(|id| uuid::Uuid::try_parse(id).is_ok());
        Ok(ids)
    }

    /// Whether groups of the emergency accounts are managed by activation.
    pub(super) async fn activation_of_groups(&self) -> Result<(), CollectError> {
        for (name, set) in [
            (
                "privilegedAccessGroupAssignmentScheduleInstances",
                "assignmentScheduleInstances",
            ),
            (
                "privilegedAccessGroupEligibilityScheduleInstances",
                "eligibilityScheduleInstances",
            ),
        ] {
            debug_assert!(STEPS.contains(&name));
            self.step(name, name, async |part, _| {
                if let Some(why) = self.not_led_to(&["emergency accounts"]) {
                    return Err(Stop::Cannot(why));
                }
                let (groups, whole) = self.groups_of_accounts()?;
                if !whole {
                    return Err(Stop::Cannot(Why::plain(
                        "the groups of an emergency account could not be read, so it is not known which to ask about",
                    )));
                }
                for group in groups {
                    // The filter is mandatory (Microsoft Graph, *List assignmentScheduleInstances*).
                    let path = format!(
                        "/identityGovernance/privilegedAccess/group/{set}?$filter=groupId eq '{group}'"
                    );
                    let request = Request::graph(Version::V1, path);
                    self.list(name, request, part, |row| Some(keep::plain(row))).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
