//! Emergency accounts and administrators, in full.

use serde_json::{Value, json};

use super::{
    graph::segment,
    keep,
    keep::text,
    session::{Found, Session, Stop, Why, ends_the_run},
    work::Part,
};
use crate::{Error, Version};

/// People whose calls go into the same batches.
const AT_ONCE: usize = 20;

/// What is asked about a person besides the properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    SignIns,
    Groups,
    Devices,
    Manager,
    Methods,
    Requirements,
}

const STABLE: [Aspect; 4] = [
    Aspect::SignIns,
    Aspect::Groups,
    Aspect::Devices,
    Aspect::Manager,
];
/// Version 1.0 leaves out hardware tokens and the state of per-user MFA.
const BETA: [Aspect; 2] = [Aspect::Methods, Aspect::Requirements];

impl Aspect {
    const fn collection(self) -> &'static str {
        match self {
            Self::SignIns => "users/signInActivity",
            Self::Groups => "users/transitiveMemberOf",
            Self::Devices => "users/registeredDevices",
            Self::Manager => "users/manager",
            Self::Methods => "users/authentication/methods",
            Self::Requirements => "users/authentication/requirements",
        }
    }

    fn path(self, id: &str) -> String {
        let user = format!("/users/{}", segment(id));
        match self {
            Self::SignIns => format!("{user}?$select=id,signInActivity"),
            Self::Groups => format!("{user}/transitiveMemberOf?$select=id&$top=999"),
            Self::Devices => format!("{user}/registeredDevices"),
            Self::Manager => format!("{user}/manager?$select=id,userPrincipalName"),
            Self::Methods => format!("{user}/authentication/methods"),
            Self::Requirements => format!("{user}/authentication/requirements"),
        }
    }

    /// Puts the answer into the person's object.
    fn put(self, user: &mut Value, answer: Value, with_names: bool) -> Result<(), String> {
        let list = || answer.get("value").and_then(Value::as_array).cloned();
        let no_list = || "the answer holds no list".to_owned();
        match self {
            Self::SignIns => {
                if let Some(activity) = answer.get("signInActivity") {
                    user["signInActivity"] = keep::plain(activity.clone());
                } else {
                    // Absent for somebody who never signed in (Microsoft Graph, *signInActivity*).
                    user["signInActivity"] = Value::Null;
                }
            }
            Self::Groups => {
                let items = list().ok_or_else(no_list)?;
                user["transitiveMemberOf"] = items.iter().map(keep::reference).collect();
            }
            Self::Devices => {
                let items = list().ok_or_else(no_list)?;
                if items
                    .iter()
                    .any(|device| text(device, "deviceId").is_empty())
                {
                    return Err("devices are listed without their properties".to_owned());
                }
                user["registeredDevices"] = json!(items);
            }
            Self::Manager => {
                let names: &[&str] = if with_names {
                    &["id", "userPrincipalName"]
                } else {
                    &["id"]
                };
                user["manager"] = keep::only(&answer, names);
            }
            Self::Methods => {
                user["authentication"]["methods"] = json!(list().ok_or_else(no_list)?);
            }
            Self::Requirements => {
                user["authentication"]["requirements"] = keep::plain(answer);
            }
        }
        Ok(())
    }
}

/// How reading an aspect went so far.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    failed: usize,
    why: Option<Why>,
    /// Everybody in a batch was refused: nobody else is asked.
    given_up: bool,
}

impl Session<'_> {
    /// Reads people; the answer are those that are no users.
    pub(super) async fn people(
        &self,
        step: &'static str,
        ids: &[String],
        part: &mut Part,
        found: &mut Found,
    ) -> Result<(), Stop> {
        let mut tallies: Vec<(Aspect, Tally)> = STABLE
            .into_iter()
            .chain(BETA)
            .map(|aspect| (aspect, Tally::default()))
            .collect();
        let mut refused = Tally::default();
        for chunk in ids.chunks(AT_ONCE) {
            let select = keep::FULL.join(",");
            let paths: Vec<String> = chunk
                .iter()
                .map(|id| format!("/users/{}?$select={select}", segment(id)))
                .collect();
            let answers = self.entra.batch(Version::V1, &paths).await;
            let mut users = Vec::new();
            for answer in answers {
                refused.asked += 1;
                match answer {
                    Ok(user) => users.push(keep::plain(user)),
                    // A group or an application, or somebody who was deleted meanwhile.
                    Err(error) if error.is_not_found() => {}
                    Err(error) if ends_the_run(&error) || part.objects == 0 && users.is_empty() => {
                        return Err(error.into());
                    }
                    Err(error) => {
                        refused.failed += 1;
                        refused.why.get_or_insert_with(|| Why::of(&error));
                    }
                }
            }
            self.aspects(&mut users, &mut tallies).await?;
            for user in users {
                part.push(&user)?;
            }
            self.tell(step, part.objects, super::Event::Reading);
        }
        let collections = tallies
            .iter()
            .map(|(aspect, tally)| (aspect.collection(), tally));
        for (collection, tally) in collections.chain([("users", &refused)]) {
            if let Some(why) = &tally.why {
                let why = why
                    .clone()
                    .at(|why| format!("of {} of {} {step}: {why}", tally.failed, tally.asked));
                found.not_read.push(self.missing(collection, why));
            }
        }
        Ok(())
    }

    async fn aspects(
        &self,
        users: &mut [Value],
        tallies: &mut [(Aspect, Tally)],
    ) -> Result<(), Stop> {
        for version in [Version::V1, Version::Beta] {
            let of_version: &[Aspect] = match version {
                Version::V1 => &STABLE,
                Version::Beta => &BETA,
            };
            let asked: Vec<(usize, usize)> = tallies
                .iter()
                .enumerate()
                .filter(|(_, (aspect, tally))| of_version.contains(aspect) && !tally.given_up)
                .flat_map(|(tally, _)| (0..users.len()).map(move |user| (tally, user)))
                .collect();
            let paths: Vec<String> = asked
                .iter()
                .map(|(tally, user)| tallies[*tally].0.path(text(&users[*user], "id")))
                .collect();
            let answers = self.entra.batch(version, &paths).await;
            for ((tally, user), answer) in asked.into_iter().zip(answers) {
                self.answer(&mut users[user], &mut tallies[tally], answer)?;
            }
        }
        for (_, tally) in tallies {
            if tally.given_up {
                continue;
            }
            tally.given_up = !users.is_empty() && tally.failed == tally.asked && tally.asked > 0;
        }
        Ok(())
    }

    fn answer(
        &self,
        user: &mut Value,
        (aspect, tally): &mut (Aspect, Tally),
        answer: Result<Value, Error>,
    ) -> Result<(), Stop> {
        tally.asked += 1;
        let why = match answer {
            Ok(answer) => aspect
                .put(user, answer, self.options.with_names)
                .err()
                .map(Why::plain),
            Err(error) if *aspect == Aspect::Manager && error.is_not_found() => {
                user["manager"] = Value::Null;
                None
            }
            Err(error) if ends_the_run(&error) => return Err(error.into()),
            Err(error) => Some(Why::of(&error)),
        };
        if let Some(why) = why {
            tally.failed += 1;
            tally.why.get_or_insert(why);
        }
        Ok(())
    }
}
