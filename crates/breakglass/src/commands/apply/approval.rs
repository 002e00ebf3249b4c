//! The second person: a signature over the plan's digest by the SSH key that the register names for them.
//!
//! The format is OpenSSH's own (`PROTOCOL.sshsig`), so that signing needs nothing of ours, and works with a key that lies
//! on a security key. Who approves is not who applies.

use breakglass_model::{Register, plan::Plan, register::Person};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use ssh_key::{PublicKey, SshSig};

use crate::{cli::ApplyArgs, clock, failure::Failure, input, settings::Settings};

/// The namespace of the signature: one for another purpose does not count.
const NAMESPACE: &str = "breakglass-plan";

/// Who agreed to a plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Consent {
    /// Nobody but whoever ran it.
    pub alone: bool,
    /// Person who applies it.
    pub applied_by: Option<String>,
    /// Person who approved it.
    pub approved_by: Option<String>,
}

impl Consent {
    /// In words.
    pub(super) fn sentence(&self) -> String {
        match (&self.approved_by, &self.applied_by) {
            (Some(approver), Some(applier)) => format!("{approver}; applied by {applier}"),
            _ => "nobody else (--alone)".to_owned(),
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
        });
    }
    let (Some(file), Some(by)) = (&args.approval, &args.by) else {
        return Err(Failure::usage(format!(
            "a second person has to approve this plan, digest {}",
            plan.digest
        ))
        .help(format!(
            "they read it, then run: printf %s {} | ssh-keygen -Y sign -n {NAMESPACE} -f <their key> > plan.sig; \
             apply it with --by <you> --approval plan.sig; where there is no second person: --alone",
            plan.digest
        )));
    };
    let register = settings.register_or(args.register.as_deref(), None, None)?;
    let register = register.ok_or_else(|| {
        Failure::usage("the register is needed: it says whose signature counts")
            .help("name it with --register, or in the configuration")
    })?;
    let text = input::text_file("the approval", file).map_err(Failure::usage_code)?;
    let today = TimeZone::UTC
        .to_datetime(clock::clock(args.common.at).now())
        .date();
    let applier = authorised(&register, by, today)?;
    let approver = approver(&register, &text, &plan.digest)?;
    let approver = authorised(&register, approver, today)?;
    if approver.id == applier.id
        || approver.object_id.is_some() && approver.object_id == applier.object_id
    {
        return Err(Failure::usage(format!(
            "{by} cannot approve what {by} applies: two people are needed"
        ))
        .help("let somebody else sign the digest, or somebody else apply it"));
    }
    Ok(Consent {
        alone: false,
        applied_by: Some(applier.id.clone()),
        approved_by: Some(approver.id.clone()),
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
fn approver<'a>(register: &'a Register, text: &str, digest: &str) -> Result<&'a str, Failure> {
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
        let signed = [digest.to_owned(), format!("{digest}\n")]
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
                "sign the digest {digest}, with `-n {NAMESPACE}`, after reading this very plan"
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
