//! `lockout prove`: every account against every policy, over all sign-ins.

mod markdown;
mod text;

use std::collections::BTreeSet;

use breakglass_conditional_access::{
    Engine, Identity, SignIn,
    identity::Fact,
    prove::{
        self, AccountProof, Intent, Prover,
        recovery::{Activation, Crisis, Recovery, recover},
    },
    sign_in::Who,
    tenant::{People, Tenant},
    words,
};
use breakglass_model::{ObjectId, tenant::GLOBAL_ADMINISTRATOR};

use super::{
    confirm::{self, Confirmation},
    document::{
        self,
        proof::{Account, Policy, ProofDocument, Repair, Target, Verdict},
    },
    scene::{self, Scene},
};
use crate::{
    cli::{GuardedArgs, ProveArgs, ProveFormat},
    failure::{Failure, exit},
    output,
};

/// `lockout prove`
pub fn run(args: &ProveArgs) -> Result<u8, Failure> {
    let mut scene = Scene::load(&args.set, args.guarded.register.as_deref())?;
    let accounts = scene.accounts(&args.guarded)?;
    if accounts.is_empty() {
        return Err(
            Failure::usage("no emergency access account is declared").help(scene.how_to_declare())
        );
    }
    let tenant = Tenant::read(&scene.snapshot);
    let options = options(&args.guarded, &tenant)?;
    let engine = Engine::new(&tenant.policies, &tenant.environment, scene.enforce);
    let people = People::new(&scene.snapshot, &[&tenant]);
    let prover = Prover::new(&engine, &options);
    let ids: Vec<ObjectId> = accounts
        .iter()
        .filter_map(|account| account.id.clone())
        .collect();
    let judge = Judge {
        recoveries: crisis(&tenant, &people, &ids).map(|crisis| recover(&prover, &crisis)),
        shared: people.shared_groups(&ids),
        tenant: &tenant,
        people: &people,
        prover: &prover,
        incomplete: scene.incomplete(),
    };
    let mut assumptions = tenant.assumptions.clone();
    assumptions.extend(tenant.gone());
    for id in &ids {
        let identity = people.identity(id);
        if let Fact::Unknown(why) = &identity.devices {
            assumptions.push(format!(
                "{} has no managed device at hand: its registered devices were not read ({why})",
                identity.name
            ));
        }
    }
    let accounts: Vec<Account> = accounts
        .into_iter()
        .map(|account| {
            assumptions.extend(judge.recognised(&account));
            judge.account(account)
        })
        .collect();
    assumptions.dedup();
    let confirmation = args
        .set
        .confirm
        .then(|| confirmed(&scene, &tenant, &people, &options, &accounts))
        .transpose()?;
    let document = ProofDocument {
        head: scene.head("lockout-proof", &assumptions),
        enforced: scene.enforce.into(),
        accounts,
        confirmation,
        set_aside: scene.snapshot.set_aside.clone(),
    };
    let about = scene::counts(&tenant.policies, scene.enforce);
    let text = match args.format {
        ProveFormat::Json => output::json(&document)?,
        ProveFormat::Text => text::text(&document, &about, output::style(false)),
        ProveFormat::Markdown => markdown::markdown(&document, &about),
    };
    output::print(&text)?;
    Ok(confirm::code(
        code(&document.accounts),
        document.confirmation.as_ref(),
    ))
}

/// Ways in, witnesses and samples of *never*, put to Microsoft's own What If.
fn confirmed(
    scene: &Scene,
    tenant: &Tenant,
    people: &People<'_>,
    options: &prove::Options,
    accounts: &[Account],
) -> Result<Confirmation, Failure> {
    let mut identities: Vec<(Identity, Vec<SignIn>)> = accounts
        .iter()
        .filter_map(|account| {
            let id = ObjectId::parse(account.id.as_deref()?).ok()?;
            let witnesses = account.policies.iter().map(|policy| &policy.witness);
            let sign_ins = std::iter::once(&account.way_in)
                .chain(witnesses)
                .flatten()
                .cloned()
                .collect();
            Some((people.identity(&id), sign_ins))
        })
        .collect();
    confirm::samples::add(
        &tenant.policies,
        &tenant.environment,
        options,
        &mut identities,
    );
    confirm::confirm(scene, tenant, &identities)
}

/// The options of the prover: the resources that were named on the command line, else its own.
pub(super) fn options(args: &GuardedArgs, tenant: &Tenant) -> Result<prove::Options, Failure> {
    let mut options = prove::Options::default();
    if !args.targets.is_empty() {
        options.recovery_targets = args
            .targets
            .iter()
            .map(|target| scene::app(target, &tenant.environment, &tenant.policies))
            .collect::<Result<_, _>>()?;
    }
    Ok(options)
}

/// 1 for an account that is locked out or reached by what is not intended, else 3 where that is open.
fn code(accounts: &[Account]) -> u8 {
    let bad = |account: &Account| {
        account.verdict == Verdict::LockedOut || account.only_intended == Some(false)
    };
    let open = |account: &Account| {
        account.verdict == Verdict::CannotTell || account.only_intended.is_none()
    };
    if accounts.iter().any(bad) {
        exit::FOUND
    } else if accounts.iter().any(open) {
        exit::CANNOT_TELL
    } else {
        exit::CLEAN
    }
}

/// What every account is judged with.
struct Judge<'j> {
    tenant: &'j Tenant,
    people: &'j People<'j>,
    prover: &'j Prover<'j>,
    /// Groups that hold others than the accounts.
    shared: BTreeSet<String>,
    /// Who can repair the tenant; `None`: what activating a role takes was not read.
    recoveries: Option<Vec<Recovery>>,
    incomplete: Option<&'j str>,
}

/// What it takes to change a policy, with everybody who could do it or approve it.
fn crisis(tenant: &Tenant, people: &People<'_>, accounts: &[ObjectId]) -> Option<Crisis> {
    let (active, eligible) = people.administrators();
    let mut ids: Vec<&ObjectId> = Vec::new();
    for id in accounts.iter().chain(&active).chain(&eligible) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let people: Vec<Identity> = ids.into_iter().map(|id| people.identity(id)).collect();
    let activation = match &tenant.activation {
        Fact::Known(rules) => Some(Activation {
            role: GLOBAL_ADMINISTRATOR.to_owned(),
            approval_required: rules.approval,
            approvers: rules.approvers.clone(),
            context: rules.context.clone(),
        }),
        Fact::Unknown(why)
            if people
                .iter()
                .any(|person| !person.eligible_roles.is_empty()) =>
        {
            return None;
        }
        Fact::Unknown(_) => None,
    };
    let protected_context = match &tenant.protected_actions {
        Fact::Known(actions) => actions
            .iter()
            .find(|own| {
                own.action
                    .to_lowercase()
                    .contains("conditionalaccesspolicies")
            })
            .map(|own| own.context.clone()),
        // Few tenants protect actions; the assumption is told.
        Fact::Unknown(_) => None,
    };
    Some(Crisis {
        people,
        activation,
        protected_context,
        ..Crisis::default()
    })
}

impl Judge<'_> {
    /// Policies that are taken as intended though nobody declared them.
    fn recognised(&self, account: &scene::Account) -> Vec<String> {
        let Some(id) = &account.id else {
            return Vec::new();
        };
        let identity = self.people.identity(id);
        let intent = self.intent(account);
        self.tenant
            .policies
            .iter()
            .filter(|policy| {
                prove::recognise(policy, &identity, &intent)
                    && !account.intended.iter().any(|own| {
                        own.eq_ignore_ascii_case(&policy.id) || own.eq_ignore_ascii_case(&policy.name)
                    })
            })
            .map(|policy| {
                format!(
                    "{} is meant to reach the accounts: it includes a group of theirs, not everybody, and asks for an \
                     authentication strength",
                    policy.name
                )
            })
            .collect()
    }

    fn intent(&self, account: &scene::Account) -> Intent {
        Intent {
            policies: account.intended.clone(),
            groups: account.group.iter().cloned().collect(),
            shared: self.shared.clone(),
        }
    }

    fn account(&self, account: scene::Account) -> Account {
        let id = match (&account.id, &account.unknown) {
            (Some(id), None) => id,
            (_, why) => {
                let why = why.clone().unwrap_or_default();
                return Account {
                    id: account.id.as_ref().map(ToString::to_string),
                    upn: account.upn.or(Some(account.name)),
                    verdict: Verdict::CannotTell,
                    robust: None,
                    only_intended: None,
                    because: vec![why.clone()],
                    way_in: None,
                    way_in_sentence: None,
                    blame: Vec::new(),
                    opens: Vec::new(),
                    repair: None,
                    targets: Vec::new(),
                    policies: Vec::new(),
                    notes: Vec::new(),
                    missing: vec![why],
                };
            }
        };
        let identity = self.people.identity(id);
        let intent = self.intent(&account);
        let intended: Vec<bool> = self
            .tenant
            .policies
            .iter()
            .map(|policy| prove::recognise(policy, &identity, &intent))
            .collect();
        let mut proof = self
            .prover
            .account(&self.prover.engine().subject(&identity), &intended);
        if let Some(why) = self.incomplete {
            proof = proof.over_incomplete_set(why);
        }
        let gets_in = proof.verdict == prove::Verdict::GetsIn;
        Account {
            notes: self.people.notes(id),
            repair: gets_in.then(|| self.repair(&identity)).flatten(),
            ..describe(proof, id.as_str(), account.upn, self.tenant)
        }
    }

    /// Whether somebody who gets in can then change a policy.
    fn repair(&self, identity: &Identity) -> Option<Repair> {
        let recoveries = self.recoveries.as_ref()?;
        let recovery = recoveries.iter().find(|own| own.id == identity.id)?;
        let obstacle = recovery.path.as_ref().err().copied();
        Some(Repair {
            able: obstacle.is_none(),
            obstacle: obstacle.map(|obstacle| obstacle.word().to_owned()),
            sentence: obstacle.map_or_else(
                || "yes, it can change the policies after signing in".to_owned(),
                |obstacle| format!("no: {}", obstacle.clause()),
            ),
        })
    }
}

fn describe(proof: AccountProof, id: &str, upn: Option<String>, tenant: &Tenant) -> Account {
    let environment = &tenant.environment;
    let of_account = |sign_in: Option<SignIn>| {
        sign_in.map(|sign_in| SignIn {
            user: sign_in.user.or_else(|| Some(Who::Name(id.to_owned()))),
            ..sign_in
        })
    };
    let sentence = |sign_in: &Option<SignIn>| {
        sign_in
            .as_ref()
            .map(|sign_in| words::sentence(sign_in, environment))
    };
    let ids = |places: &[usize]| -> Vec<String> {
        places
            .iter()
            .filter_map(|place| Some(tenant.policies.get(*place)?.id.clone()))
            .collect()
    };
    let policies = proof
        .policies
        .into_iter()
        .filter_map(|proof| {
            let policy = tenant.policies.get(proof.policy)?;
            let (witness, possible) = match proof.reach {
                prove::Reach::Can => (of_account(proof.witness), None),
                prove::Reach::CannotTell | prove::Reach::Never => (None, of_account(proof.witness)),
            };
            Some(Policy {
                id: policy.id.clone(),
                name: policy.name.clone(),
                state: policy.state.to_string(),
                reach: proof.reach.into(),
                effect: proof.effect.into(),
                why: proof.why,
                witness_sentence: sentence(&witness),
                witness,
                possible_sentence: sentence(&possible),
                possible_witness: possible,
                intended: proof.intended,
            })
        })
        .collect();
    let way_in = of_account(proof.way_in);
    Account {
        id: Some(id.to_owned()),
        upn,
        verdict: proof.verdict.into(),
        robust: proof.robust,
        only_intended: proof.only_intended,
        because: proof.because,
        way_in_sentence: sentence(&way_in),
        way_in,
        blame: ids(&proof.blame),
        opens: ids(&proof.opens),
        repair: None,
        targets: proof
            .targets
            .into_iter()
            .map(|(id, verdict)| Target {
                name: environment.app_name(&id).to_owned(),
                id,
                verdict: verdict.into(),
            })
            .collect(),
        policies,
        notes: Vec::new(),
        missing: proof.missing,
    }
}

/// What the exit code says, and what it rests on.
fn summary(accounts: &[Account]) -> String {
    let with = |verdict| accounts.iter().filter(|a| a.verdict == verdict).count();
    let reached = accounts
        .iter()
        .filter(|account| account.only_intended == Some(false))
        .count();
    let mut parts = Vec::new();
    for (number, one, many) in [
        (with(Verdict::LockedOut), "is locked out", "are locked out"),
        (
            with(Verdict::CannotTell),
            "cannot be told",
            "cannot be told",
        ),
        (with(Verdict::GetsIn), "gets in", "get in"),
        (
            reached,
            "is reached by a policy that is not intended",
            "are reached by policies that are not intended",
        ),
    ] {
        if number > 0 {
            parts.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    let exit = match code(accounts) {
        exit::FOUND => "Exit 1: something was found that needs mending.",
        exit::CANNOT_TELL => "Exit 3: cannot tell, because needed data is missing.",
        _ => "Exit 0: nothing was found.",
    };
    let many = super::page::count(accounts.len(), "account", "accounts");
    format!("{many}: {}. {exit}", parts.join(", "))
}

/// What the policies that are to blame do, as the end of a sentence.
fn closes(account: &Account) -> String {
    let (verb, one) = if account.blame.len() == 1 {
        ("closes", "on its own")
    } else {
        ("close", "together")
    };
    match account.verdict {
        Verdict::LockedOut => format!("{one} {verb} every way in"),
        Verdict::CannotTell => format!("{one} may close every way in"),
        Verdict::GetsIn => format!("{one} {verb} every way in when Microsoft sees risk"),
    }
}

/// The names of the policies of these ids.
fn names<'a>(account: &'a Account, ids: &'a [String]) -> Vec<&'a str> {
    ids.iter()
        .map(|id| {
            account
                .policies
                .iter()
                .find(|policy| policy.id == *id)
                .map_or(id.as_str(), |policy| policy.name.as_str())
        })
        .collect()
}

/// The policies in the order of interest to a person: those that reach first, the worst effect first.
fn ordered(account: &Account) -> Vec<&Policy> {
    let mut policies: Vec<&Policy> = account.policies.iter().collect();
    policies.sort_by_key(|policy| std::cmp::Reverse((policy.reach, policy.effect)));
    policies
}

/// The answers under an account's verdict: a label, whether it is good, and the answer in words.
fn answers(account: &Account) -> Vec<(&'static str, Option<bool>, String)> {
    let robust = match account.robust {
        Some(true) => "yes, whatever risk Microsoft sees in the sign-in",
        Some(false) => "no: it gets in only while Microsoft sees no risk in the sign-in",
        None => "cannot tell",
    };
    let unintended: Vec<&str> = account
        .policies
        .iter()
        .filter(|policy| policy.reach == document::proof::Reach::Can && !policy.intended)
        .map(|policy| policy.name.as_str())
        .collect();
    let only = match account.only_intended {
        Some(true) => "yes, no other policy ever reaches the account".to_owned(),
        Some(false) if unintended.is_empty() => "no".to_owned(),
        Some(false) => format!("no: {} can reach it too", unintended.join(", ")),
        None => "cannot tell".to_owned(),
    };
    let mut answers = Vec::new();
    if account.verdict == Verdict::GetsIn {
        answers.push(("robust", account.robust, robust.to_owned()));
    }
    answers.push(("only intended", account.only_intended, only));
    answers
}

/// The verdict in words for people.
fn verdict(verdict: Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::GetsIn => (
            "✔",
            "GETS IN",
            "there is a sign-in by which this account reaches a resource from which the tenant can be repaired",
        ),
        Verdict::LockedOut => (
            "✘",
            "LOCKED OUT",
            "no sign-in of this account reaches a resource from which the tenant can be repaired",
        ),
        Verdict::CannotTell => (
            "?",
            "CANNOT TELL",
            "the data does not say whether this account gets in",
        ),
    }
}
