//! The second person: a signature over the plan's digest by the SSH key that the register names for them.
//!
//! The format is OpenSSH's own (`PROTOCOL.sshsig`), so that signing needs nothing of ours, and works with a key that lies
//! on a security key. Who approves is not who applies, and who applies is no mere name: they are signed in to the tenant
//! as themselves, or, where an application writes, they sign as well. Else one person could approve and give another's name.

use std::collections::BTreeMap;

use breakglass_entra::Granted;
use breakglass_model::{Clock as _, ObjectId, Register, plan::Plan, register::Person};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use ssh_key::{PublicKey, SshSig};

use crate::{cli::ApplyArgs, clock::SystemClock, failure::Failure, input, settings::Settings};

/// The namespace of the signature: one for another purpose does not count.
const NAMESPACE: &str = "breakglass-plan";

/// What is signed: the digest, and for taking a plan back a word behind it, since who agreed to the one did not agree to the
/// other.
fn message(plan: &Plan, undo: bool) -> String {
    if undo {
        format!("{} undo", plan.digest)
    } else {
        plan.digest.clone()
    }
}

/// Who agreed to a plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Consent {
    /// Nobody but whoever ran it.
    pub alone: bool,
    /// Person who applies it.
    pub applied_by: Option<String>,
    /// Person who approved it.
    pub approved_by: Option<String>,
    /// Whether the person who applies it has signed, too.
    #[serde(skip)]
    signed: bool,
    /// Object id of the person who applies it.
    #[serde(skip)]
    object: Option<ObjectId>,
}

impl Consent {
    /// In words.
    pub(super) fn sentence(&self) -> String {
        match (&self.approved_by, &self.applied_by) {
            (Some(approver), Some(applier)) => format!("{approver}; applied by {applier}"),
            _ => "nobody else (--alone)".to_owned(),
        }
    }

    /// Whether whoever writes is the person that `--by` names.
    ///
    /// # Errors
    /// When it is somebody else, or when nothing shows it.
    pub(super) fn shown(&self, granted: &Granted, plan: &Plan, undo: bool) -> Result<(), Failure> {
        let Some(by) = self.applied_by.as_deref().filter(|_| !self.signed) else {
            return Ok(());
        };
        let message = message(plan, undo);
        let sign = format!(
            "let {by} sign, too, and give both signatures: printf %s '{message}' | ssh-keygen -Y sign -n {NAMESPACE} \
             -f <their key> > applies.sig; --approval plan.sig --approval applies.sig"
        );
        let Some(person) = &granted.person else {
            return Err(Failure::usage(format!(
                "nothing shows that it is {by} who applies this plan: an application writes"
            ))
            .help(sign));
        };
        match (&self.object, &granted.object) {
            (Some(own), Some(object)) if own.is(object) => Ok(()),
            (Some(_), _) => Err(Failure::usage(format!(
                "{person} is signed in, and that is not {by} by the register"
            ))
            .help("sign in as the person that --by names, or name the one who is signed in")),
            (None, _) => Err(Failure::usage(format!(
                "nothing shows that {person}, who is signed in, is {by}: the register has no `object_id` of {by}"
            ))
            .help(format!("write it into the register, or {sign}"))),
        }
    }
}

/// Who agreed.
///
/// # Errors
/// When a second person is needed and none has signed.
pub(super) fn consent(
    args: &ApplyArgs,
    plan: &Plan,
    settings: &Settings,
) -> Result<Consent, Failure> {
    if args.alone {
        crate::output::tell!(
            "warning: no second person approves this plan (--alone); every report says so"
        );
        return Ok(Consent {
            alone: true,
            applied_by: None,
            approved_by: None,
            signed: false,
            object: None,
        });
    }
    let message = message(plan, args.undo);
    let (false, Some(by)) = (args.approvals.is_empty(), &args.by) else {
        return Err(Failure::usage(format!(
            "a second person has to approve {}, digest {}",
            if args.undo {
                "that this plan is taken back"
            } else {
                "this plan"
            },
            plan.digest
        ))
        .help(format!(
            "they read it, then run: printf %s '{message}' | ssh-keygen -Y sign -n {NAMESPACE} -f <their key> > plan.sig; \
             apply it with --by <you> --approval plan.sig; where an application writes, you sign, too, and give --approval twice; \
             where there is no second person: --alone"
        )));
    };
    let register = settings.register_or(args.register.as_deref(), None, None)?;
    let register = register.ok_or_else(|| {
        Failure::usage("the register is needed: it says whose signature counts")
            .help("name it with --register, or in the configuration")
    })?;
    let today = TimeZone::UTC.to_datetime(SystemClock.now()).date();
    let applier = authorised(&register, by, today)?;
    let mut signers = BTreeMap::new();
    for file in &args.approvals {
        let text = input::text_file("the approval", file).map_err(Failure::usage_code)?;
        let signer = signer(&register, &text, &message)?;
        let signer = authorised(&register, signer, today)?;
        signers.insert(signer.id.as_str(), signer);
    }
    let is_applier = |person: &Person| {
        person.id == applier.id
            || person.object_id.is_some() && person.object_id == applier.object_id
    };
    let approver = signers.values().find(|person| !is_applier(person));
    let approver = approver.ok_or_else(|| {
        Failure::usage(format!(
            "{by} cannot approve what {by} applies: two people are needed"
        ))
        .help("let somebody else sign the digest, or somebody else apply it")
    })?;
    Ok(Consent {
        alone: false,
        applied_by: Some(applier.id.clone()),
        approved_by: Some(approver.id.clone()),
        signed: signers.values().any(|person| is_applier(person)),
        object: applier.object_id.clone(),
    })
}

fn authorised<'a>(
    register: &'a Register,
    id: &str,
    today: jiff::civil::Date,
) -> Result<&'a Person, Failure> {
    let person = register
        .people
        .iter()
        .find(|person| person.id.eq_ignore_ascii_case(id))
        .ok_or_else(|| {
            Failure::usage(format!("the register has no person `{id}`"))
                .help("give the `id` of a [[person]]")
        })?;
    if person.authorised_on(today) {
        Ok(person)
    } else {
        Err(Failure::usage(format!(
            "{} is not authorised today, by the register",
            person.id
        ))
        .help("another authorised person has to do it"))
    }
}

/// The person whose key signed the digest.
fn signer<'a>(register: &'a Register, text: &str, message: &str) -> Result<&'a str, Failure> {
    let signature = SshSig::from_pem(text.trim()).map_err(|error| {
        Failure::usage(format!("the approval is no SSH signature: {error}")).help(
            "`ssh-keygen -Y sign` writes one, between `-----BEGIN SSH SIGNATURE-----` and its end",
        )
    })?;
    let mut somebody_has_a_key = false;
    for person in &register.people {
        let Some(key) = &person.signing_key else {
            continue;
        };
        somebody_has_a_key = true;
        let Ok(key) = PublicKey::from_openssh(key) else {
            continue;
        };
        if key.key_data() != signature.public_key() {
            continue;
        }
        // With and without the line end that `echo` adds.
        let signed = [message.to_owned(), format!("{message}\n")]
            .iter()
            .any(|message| {
                key.verify(NAMESPACE, message.as_bytes(), &signature)
                    .is_ok()
            });
        return if signed {
            Ok(&person.id)
        } else {
            Err(Failure::usage(format!(
                "the signature of {} is over something else than the digest of this plan",
                person.id
            ))
            .help(format!(
                "sign `{message}`, with `-n {NAMESPACE}`, after reading this very plan"
            )))
        };
    }
    Err(Failure::usage(if somebody_has_a_key {
        "the approval is signed by a key that the register does not know"
    } else {
        "the register names no signing key"
    })
    .help("write the public key into the register: `signing_key = \"ssh-ed25519 …\"` of the [[person]]"))
}
