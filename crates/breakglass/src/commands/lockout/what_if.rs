//! `lockout whatif`: one sign-in of one person.

mod text;

use std::path::Path;

use breakglass_conditional_access::{
    Engine, Evaluation, Outcome, Policy, Truth,
    identity::Fact,
    policy::Operator,
    sign_in::Who,
    tenant::{People, Tenant},
    words,
};
use breakglass_model::{ObjectId, Upn};

use super::{
    confirm,
    document::what_if::{self, Condition, Gate, User, WhatIfDocument},
    scene::{self, Scene, near},
    sign_in,
};
use crate::{
    cli::{PlainFormat, WhatIfArgs},
    failure::{Failure, exit},
    output, person,
};

/// `lockout whatif`
pub fn run(args: &WhatIfArgs) -> Result<u8, Failure> {
    let given = sign_in::read(args)?;
    let methods = sign_in::methods(&args.methods)?;
    let mut scene = Scene::load(&args.set, None)?;
    let id = who(args, given.user.as_ref(), &mut scene)?;
    let tenant = Tenant::read(&scene.snapshot);
    let mut sign_in = sign_in::assemble(given, args, &tenant)?;
    sign_in.user = Some(Who::Name(id.to_string()));
    let mut identity = People::new(&scene.snapshot, &[&tenant]).identity(&id);
    let mut assumptions = tenant.assumptions.clone();
    if let Some(methods) = methods {
        assumptions.push(format!(
            "{} has the methods that --method gives, whatever was read",
            identity.name
        ));
        identity.methods = Fact::Known(methods);
    }
    let engine = Engine::new(&tenant.policies, &tenant.environment, scene.enforce);
    let subject = engine.subject(&identity);
    let evaluation = engine.evaluate(&subject, &sign_in);
    let mut outcome = evaluation.outcome();
    let mut missing = evaluation.missing();
    // A policy that was not read may still stand in the way; what blocks or denies now does so all the same.
    if let Some(why) = scene.incomplete() {
        missing.push(format!("policies were not read completely: {why}"));
        if outcome.gets_in() {
            outcome = Outcome::Unknown;
        }
    }
    let confirmation = args
        .set
        .confirm
        .then(|| {
            let asked = [(identity.clone(), vec![sign_in.clone()])];
            confirm::confirm(&scene, &tenant, &asked)
        })
        .transpose()?;
    let document = WhatIfDocument {
        head: scene.head("what-if", &assumptions),
        enforced: scene.enforce.into(),
        user: User {
            id: id.to_string(),
            name: identity.name.clone(),
        },
        sentence: words::sentence(&sign_in, &tenant.environment),
        outcome: outcome.into(),
        policies: tenant
            .policies
            .iter()
            .enumerate()
            .map(|(place, policy)| judged(&evaluation, place, policy))
            .collect(),
        gates: evaluation
            .gates()
            .iter()
            .map(|gate| Gate {
                name: gate.kind.name().to_owned(),
                applies: gate.applies.into(),
                met: gate.met.into(),
            })
            .collect(),
        missing,
        confirmation,
        set_aside: scene.snapshot.set_aside.clone(),
        sign_in: sign_in.clone(),
    };
    let text = match args.format {
        PlainFormat::Json => output::json(&document)?,
        PlainFormat::Text => text::text(
            &document,
            &scene::counts(&tenant.policies, scene.enforce),
            output::style(false),
        ),
    };
    output::print(&text)?;
    let code = match outcome {
        Outcome::Allow | Outcome::Challenge => exit::CLEAN,
        Outcome::Deny | Outcome::Block => exit::FOUND,
        Outcome::Unknown => exit::CANNOT_TELL,
    };
    Ok(confirm::code(code, document.confirmation.as_ref()))
}

/// The person: named by `--user`, described by `--account`, else named by the sign-in.
fn who(args: &WhatIfArgs, witness: Option<&Who>, scene: &mut Scene) -> Result<ObjectId, Failure> {
    let described = args
        .account
        .as_ref()
        .map(|text| {
            let file = text.strip_prefix('@').unwrap_or(text);
            person::add(Path::new(file), &mut scene.snapshot)
        })
        .transpose()?;
    let name = match (&args.user, described, witness) {
        (Some(user), _, _) => user.clone(),
        (None, Some(id), _) => id,
        (None, None, Some(who)) => who.name().to_owned(),
        (None, None, None) => {
            return Err(Failure::usage("nobody signs in")
                .help("name somebody: --user <UPN, object id or @person.json>"));
        }
    };
    if let Some(file) = name.strip_prefix('@') {
        let id = person::add(Path::new(file), &mut scene.snapshot)?;
        return ObjectId::parse(&id).map_err(|error| Failure::usage(error.to_string()));
    }
    let snapshot = &scene.snapshot;
    let upn = Upn::parse(&name).ok();
    let id = match &upn {
        Some(_) => None,
        None => Some(ObjectId::parse(&name).map_err(|error| {
            Failure::usage(error.to_string()).help("give a UPN, an object id or @person.json")
        })?),
    };
    let user = match (&upn, &id) {
        (Some(upn), _) => snapshot.user_by_upn(upn),
        (None, Some(id)) => snapshot.user(id),
        (None, None) => None,
    };
    match (
        user.and_then(|user| user.id.clone()),
        id,
        &snapshot.users.missing,
    ) {
        (Some(id), _, _) | (None, Some(id), Some(_)) => Ok(id),
        (None, None, Some(missing)) => Err(Failure::cannot_tell(format!(
            "`{name}` can't be looked up, since users were not read: {}",
            missing.reason
        ))
        .help("describe the person: --user @person.json")),
        (None, _, None) => {
            let names = snapshot
                .users
                .iter()
                .filter_map(|user| user.upn.as_ref().map(Upn::as_str));
            let help = match near(name.split('@').next().unwrap_or(&name), names) {
                some if some.is_empty() => "give a UPN, an object id or @person.json".to_owned(),
                some => format!("near names: {}", some.join(", ")),
            };
            Err(Failure::usage(format!("there is no user `{name}` in the tenant")).help(help))
        }
    }
}

fn judged(evaluation: &Evaluation<'_>, place: usize, policy: &Policy) -> what_if::Policy {
    let applies = evaluation.applies(place);
    what_if::Policy {
        id: policy.id.clone(),
        name: policy.name.clone(),
        state: policy.state.to_string(),
        applies: applies.into(),
        conditions: evaluation
            .conditions(place)
            .into_iter()
            .map(|view| Condition {
                name: view.name.to_owned(),
                matches: view.matches.into(),
                because: view.because,
            })
            .collect(),
        blocks: policy.blocks(),
        asks: asks(policy),
        met: (applies != Truth::No).then(|| evaluation.met(place).into()),
        unmet: (applies != Truth::No)
            .then(|| evaluation.unmet(place))
            .flatten(),
    }
}

/// What a policy asks for, in words.
fn asks(policy: &Policy) -> String {
    let mut text = match &policy.grant {
        Some(grant) if !grant.controls.is_empty() => {
            let controls: Vec<String> = grant.controls.iter().map(ToString::to_string).collect();
            controls.join(match &grant.operator {
                Operator::And => " and ",
                Operator::Or => " or ",
                Operator::Unknown(_) => " and/or ",
            })
        }
        _ => "nothing".to_owned(),
    };
    let session = policy.session.names();
    if !session.is_empty() {
        text.push_str(&format!("; for the session: {}", session.join(", ")));
    }
    text
}
