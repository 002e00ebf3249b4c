//! What all three commands need: the tenant, the register, the accounts, and how apps are named.

use std::path::Path;

use breakglass_conditional_access::{
    Enforce, Environment, Policy,
    identity::fold,
    policy::{State, Target},
};
use breakglass_model::{ObjectId, Register, TenantSnapshot};
use breakglass_posture::{candidates, resolve};
use jiff::Timestamp;

use crate::{
    cli::{GuardedArgs, PolicySetArgs},
    clock,
    commands::check,
    failure::Failure,
    head::Head,
    input, settings,
    settings::Settings,
};

/// Everything that was named on the command line and in the configuration.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) snapshot: TenantSnapshot,
    pub(super) register: Option<Register>,
    pub(super) settings: Settings,
    pub(super) now: Timestamp,
    pub(super) enforce: Enforce,
}

/// An emergency access account as it was declared and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) id: Option<ObjectId>,
    pub(super) upn: Option<String>,
    pub(super) name: String,
    /// Ids of the policies that the register means to reach it.
    pub(super) intended: Vec<String>,
    /// Its group, as the register tells.
    pub(super) group: Option<String>,
    /// Why nothing can be asked about it.
    pub(super) unknown: Option<String>,
}

impl Scene {
    /// Reads the tenant, and the register of a built-in tenant.
    pub(super) fn load(set: &PolicySetArgs, register: Option<&Path>) -> Result<Self, Failure> {
        let now = clock::to_the_second(clock::clock(set.common.at).now());
        let settings = settings::load(set.common.config.as_deref())?;
        let Some(name) = &set.tenant else {
            return Err(Failure::usage("no tenant was given").help(
                "name an export with --tenant <directory or file>, or try a built-in one: --tenant contoso",
            ));
        };
        let tenant = input::tenant(name, now)?.dated(now);
        let register = settings.register_or(register, None, tenant.register_toml.as_deref())?;
        Ok(Self {
            snapshot: tenant.snapshot,
            register,
            settings,
            now,
            enforce: if set.enable_report_only {
                Enforce::ReportOnlyToo
            } else {
                Enforce::Enabled
            },
        })
    }

    /// The accounts: those that were named, else the register's, else the configuration's.
    pub(super) fn accounts(&mut self, args: &GuardedArgs) -> Result<Vec<Account>, Failure> {
        let from_register = self
            .register
            .as_ref()
            .is_some_and(|register| !register.accounts.is_empty());
        let named = if args.accounts.is_empty() && from_register {
            Vec::new()
        } else {
            check::accounts(&args.accounts, &self.settings, &mut self.snapshot)?
        };
        let snapshot = &self.snapshot;
        let mut accounts = Vec::new();
        for account in resolve(snapshot, self.register.as_ref(), &named) {
            if !named.is_empty() && !named.iter().any(|name| account.is(name)) {
                continue;
            }
            let unknown = match (&account.user, &account.id, &snapshot.users.missing) {
                (Some(_), Some(_), _) | (None, Some(_), Some(_)) => None,
                (Some(_), None, _) => Some("the input has no object id for this user".to_owned()),
                (None, None, Some(missing)) => Some(format!(
                    "the name can't be looked up, since users were not read: {}",
                    missing.reason
                )),
                (None, _, None) => {
                    Some("no user of the tenant has this object id or name".to_owned())
                }
            };
            let intended = account
                .entry
                .map_or(&[][..], |entry| &entry.intended_policies);
            let group = account.entry.and_then(|entry| entry.group.as_ref());
            accounts.push(Account {
                group: group.map(ToString::to_string),
                id: account.id,
                upn: account.upn.map(|upn| upn.to_string()),
                name: account.subject,
                intended: intended.iter().map(ToString::to_string).collect(),
                unknown,
            });
        }
        Ok(accounts)
    }

    /// Why some policies may not have been read.
    pub(super) fn incomplete(&self) -> Option<&str> {
        let missing = self.snapshot.policies.missing.as_ref();
        missing.map(|missing| missing.reason.as_str())
    }

    /// What to do when no account is declared: they are proposed, never guessed.
    pub(super) fn how_to_declare(&self) -> String {
        let proposed: Vec<String> = candidates(&self.snapshot)
            .iter()
            .filter_map(|account| {
                let upn = account.upn.as_ref().map(ToString::to_string);
                upn.or_else(|| account.id.as_ref().map(ToString::to_string))
            })
            .collect();
        let start = "name them with --account <UPN or object id>, or give --register <file>";
        if proposed.is_empty() {
            format!("{start}; for an export without users, describe one: --account @person.json")
        } else {
            format!("{start}; these look like ones: {}", proposed.join(", "))
        }
    }

    /// The head of a document, with what was taken for granted.
    pub(super) fn head(&self, name: &str, assumptions: &[String]) -> Head {
        let mut all = self.snapshot.assumptions.clone();
        for assumption in assumptions {
            if !all.contains(assumption) {
                all.push(assumption.clone());
            }
        }
        Head::about(name, self.now, &self.snapshot, all)
    }
}

/// How many policies there are, and how many are enforced.
pub(super) fn counts(policies: &[Policy], enforce: Enforce) -> String {
    let enforced = policies
        .iter()
        .filter(|policy| match policy.state {
            State::Enabled => true,
            State::ReportOnly => enforce == Enforce::ReportOnlyToo,
            State::Disabled | State::Unknown(_) => false,
        })
        .count();
    let how = match enforce {
        Enforce::Enabled => "enforced",
        Enforce::ReportOnlyToo => "enforced when report-only policies are enabled",
    };
    match policies.len() {
        0 => "No policy".to_owned(),
        1 => format!("1 policy, {enforced} {how}"),
        many => format!("{many} policies, {enforced} {how}"),
    }
}

/// The app id that a user means: an id, or the name of a well-known application.
pub(super) fn app(
    text: &str,
    environment: &Environment,
    policies: &[Policy],
) -> Result<String, Failure> {
    let wanted = fold(text);
    let named = environment
        .app_names
        .iter()
        .find(|(id, name)| **id == wanted || fold(name) == wanted);
    if let Some((id, _)) = named {
        return Ok(id.clone());
    }
    let mentioned = policies.iter().any(|policy| match &policy.target {
        Target::Resources(resources) => resources
            .include
            .iter()
            .chain(&resources.exclude)
            .any(|id| fold(id) == wanted),
        _ => false,
    });
    if uuid::Uuid::parse_str(&wanted).is_ok() || (mentioned && !TOKENS.contains(&&*wanted)) {
        return Ok(wanted);
    }
    let mut known: Vec<&str> = environment.app_names.values().map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    Err(Failure::usage(format!("there is no application `{text}`"))
        .help(format!("give an app id, or one of: {}", known.join("; "))))
}

/// Words that stand for many applications: a token is asked for one.
const TOKENS: [&str; 5] = [
    "all",
    "none",
    "office365",
    "microsoftadminportals",
    "allagentidresources",
];

/// Names that begin or go on like a text, for *did you mean*; at most five.
pub(super) fn near<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let wanted = fold(text);
    let start: String = wanted.chars().take(4).collect();
    let mut scored: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let own = fold(name);
            let shared = wanted
                .split_whitespace()
                .filter(|word| word.chars().count() > 2 && own.contains(word))
                .count();
            let score = shared * 2
                + usize::from(!wanted.is_empty() && own.contains(&wanted)) * 4
                + usize::from(!start.is_empty() && own.starts_with(&start)) * 2;
            (score > 0).then_some((score, name))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    let best = scored.first().map_or(0, |(score, _)| *score);
    scored.retain(|(score, _)| score * 2 > best);
    scored
        .into_iter()
        .take(5)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_found_by_id_and_by_name() {
        let environment = Environment::default();
        let exchange = "00000002-0000-0ff1-ce00-000000000000";
        assert_eq!(app("exchange online", &environment, &[]).unwrap(), exchange);
        assert_eq!(
            app(&exchange.to_uppercase(), &environment, &[]).unwrap(),
            exchange
        );
        let failure = app("Exchang", &environment, &[]).unwrap_err();
        assert!(failure.help.unwrap().contains("Exchange Online"));
    }

    #[test]
    fn near_names_come_best_first() {
        let names = ["CA001 MFA for all", "CA002 Block legacy", "Legacy block"];
        assert_eq!(near("CA002 block legasy", names), ["CA002 Block legacy"]);
        assert!(near("xyz", names).is_empty());
    }
}
