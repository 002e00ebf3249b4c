//! `key enroll`: a passkey is made on a key, verified, registered on an account's behalf, and written into the register.
//!
//! Order: whatever can be refused is refused before the key makes anything; the tenant is told only what was verified
//! here; the register is written last. A passkey that was made and not registered opens nothing, and the next run puts
//! another in its place, so that a re-run is always safe.

mod report;

use breakglass_entra::{
    Entra, Error,
    passkeys::{self, CreationOptions, Holder, LONGEST_NAME, NewPasskey, Registered},
};
use breakglass_keys::{
    ClientData, Info, KeyError, NewCredential,
    attestation::{self, Expected, Trust, Verified},
};
use jiff::Timestamp;

use super::{
    key_failed,
    pins::Typist,
    plugged::{self, Plugged},
    register::{Entry, RegisterFile, by_hand},
    tables::{Identity, Tables},
};
use report::{notes, text_of};

pub use report::EnrolmentDocument;

use crate::{
    cli::{KeyEnrollArgs, PlainFormat},
    clock, connect,
    failure::{Failure, exit},
    head::Head,
    output, runtime, settings,
};

/// Runs `key enroll`.
pub fn enroll(args: &KeyEnrollArgs) -> Result<u8, Failure> {
    let now = clock::clock(args.common.at).now();
    let settings = settings::load(args.common.config.as_deref())?;
    let writer = match &args.identity {
        Some(path) => Some(settings::load(Some(path))?),
        None => None,
    };
    let tenant = writer.as_ref().unwrap_or(&settings);
    plugged::only_at_a_twin(&args.plugged, &args.connect, tenant)?;
    words(args)?;
    let tables = Tables::load(&args.tables, &settings, now)?;
    let register = RegisterFile::find(args.register.as_deref(), &settings)?;
    let typist = Typist::new(&args.pin)?;
    let entra = match &writer {
        Some(writer) => connect::apply(writer)?,
        None => connect::enroll(&settings, &args.connect)?,
    };
    let runtime = runtime()?;

    let holder = runtime
        .block_on(passkeys::holder(&entra, args.account.trim()))
        .map_err(|error| {
            if error.is_not_found() {
                Failure::usage(format!(
                    "the tenant has no account `{}`",
                    output::one_line(&args.account)
                ))
            } else {
                connect::failed(error)
            }
        })?;
    let mut key = plugged::open(&args.plugged)?;
    let info = key.key.info().map_err(key_failed)?;
    let vendor = tables.vendor(&info.aaguid);
    let identity = tables.identity(
        &info.aaguid,
        info.firmware_text(vendor.as_deref()).as_deref(),
    );
    introduce(&key, &identity, &holder);
    let key_entry = Entry {
        label: &args.label,
        serial: &args.serial,
        envelope: &args.envelope,
        place: args.place.as_deref(),
        vendor: vendor.as_deref(),
        aaguid: &info.aaguid,
    };
    let account = (holder.id.as_str(), holder.upn.as_str());
    let text = register
        .as_ref()
        .map(|own| own.with(account, &key_entry))
        .transpose()?;

    let done = runtime.block_on(run(
        args, &entra, &typist, &mut key, &info, &holder, &tables, now,
    ))?;
    if let (Some(own), Some(text)) = (&register, &text) {
        own.write(text).map_err(|failure| Failure {
            code: exit::BROKE,
            help: Some(format!(
                "the key is registered in the tenant; run the command again to write the register, or add by hand to the account:\n\n{}",
                by_hand(&key_entry)
            )),
            ..failure
        })?;
    }
    let notes = notes(&identity, &done, register.as_ref(), &holder, &tables);
    let code = if identity.is_affected() {
        exit::FOUND
    } else {
        exit::CLEAN
    };
    let document = EnrolmentDocument {
        head: Head::new("key-enrolment", clock::to_the_second(now), &settings),
        account: holder.id.clone(),
        upn: holder.upn.clone(),
        label: args.label.clone(),
        serial: args.serial.clone(),
        envelope: args.envelope.clone(),
        identity,
        attestation: done.verified.as_ref().map(|own| own.trust.word()),
        proven: done.verified.as_ref().map_or_else(
            || "It was registered before; what it attested then is not judged again.".to_owned(),
            |own| own.trust.sentence(),
        ),
        method: done.registered.id.clone(),
        new: done.verified.is_some(),
        register: register.map(|own| own.name()),
        notes,
    };
    let text = match args.format {
        PlainFormat::Text => text_of(&document),
        PlainFormat::Json => output::json(&document)?,
    };
    let there = if document.register.is_some() {
        "and stands in the register"
    } else {
        "and stands in no register"
    };
    output::print_done(
        &text,
        &format!(
            "the key is registered in the tenant as {} {there}; running the command again changes nothing",
            output::one_line(&args.label)
        ),
    )?;
    Ok(code)
}

fn words(args: &KeyEnrollArgs) -> Result<(), Failure> {
    for (name, value) in [
        ("--account", &args.account),
        ("--label", &args.label),
        ("--serial", &args.serial),
        ("--envelope", &args.envelope),
    ] {
        if value.trim().is_empty() {
            return Err(Failure::usage(format!("{name} is empty")));
        }
    }
    if args.label.chars().count() > LONGEST_NAME {
        return Err(Failure::usage(
            "the label is longer than 30 characters, more than Microsoft Entra takes",
        ));
    }
    Ok(())
}

fn introduce(key: &Plugged, identity: &Identity, holder: &Holder) {
    output::tell!(
        "Account  {} ({})",
        output::one_line(&holder.upn),
        output::one_line(&holder.name)
    );
    output::tell!("Key      {}: {}", key.name, identity.line());
    if let Some(serial) = &key.serial {
        output::tell!(
            "         serial number over USB: {}",
            output::one_line(serial)
        );
    }
    for known in &identity.advisories {
        output::tell!("warning: {}", known.line());
    }
}

struct Outcome {
    registered: Registered,
    /// `None`: it was there before.
    verified: Option<Verified>,
}

#[allow(
    clippy::too_many_arguments,
    reason = "everything that one registration is about"
)]
async fn run(
    args: &KeyEnrollArgs,
    entra: &Entra,
    typist: &Typist,
    plugged: &mut Plugged,
    info: &Info,
    holder: &Holder,
    tables: &Tables,
    now: Timestamp,
) -> Result<Outcome, Failure> {
    let key = &mut *plugged.key;
    // The policy is asked before somebody types a PIN, and again afterwards: a challenge holds for five minutes.
    passkeys::creation_options(entra, &holder.id)
        .await
        .map_err(not_allowed)?;
    let pin = typist.usable(key, info)?;
    let options = passkeys::creation_options(entra, &holder.id)
        .await
        .map_err(not_allowed)?;
    let client_data = ClientData::create(&options.challenge, &options.origin());
    let made = match key.make_credential(&pin, &wanted(&options, &client_data)) {
        Ok(made) => made,
        Err(KeyError::Excluded) => return before(args, entra, holder, info).await,
        Err(error) => return Err(key_failed(error)),
    };
    drop(pin);
    let origin = options.origin();
    let expected = Expected {
        rp_id: &options.rp_id,
        origin: &origin,
        challenge: &options.challenge,
        client_data: &client_data,
        algorithms: &options.algorithms,
    };
    let verified = attestation::verify(
        &made.attestation_object,
        &expected,
        tables.metadata.as_ref(),
        now,
    )
    .map_err(|error| {
        unregistered(
            &error.to_string(),
            "do not use this key for an emergency access account",
        )
    })?;
    acceptable(args, &verified, info)?;
    output::tell!("{}", verified.trust.sentence());
    let passkey = NewPasskey {
        display_name: &args.label,
        credential_id: &verified.credential_id,
        client_data: client_data.bytes(),
        attestation_object: &made.attestation_object,
    };
    let registered = passkeys::register(entra, &holder.id, &options, &passkey).await.map_err(|error| {
        let failure = connect::failed(error);
        let help = match failure.code {
            exit::USAGE => "",
            _ => "; it may have been registered all the same, `breakglass collect` and `breakglass key list` tell",
        };
        Failure {
            message: format!("the key made a passkey, which was not registered: {}", failure.message),
            help: Some(format!(
                "see whether the policy for passkeys allows this key (attestation, AAGUID); an unregistered passkey opens \
                 nothing, and the next run replaces it{help}"
            )),
            code: exit::BROKE,
        }
    })?;
    Ok(Outcome {
        registered,
        verified: Some(verified),
    })
}

fn wanted(options: &CreationOptions, client_data: &ClientData) -> NewCredential {
    NewCredential {
        client_data_hash: client_data.hash(),
        rp_id: options.rp_id.clone(),
        rp_name: options.rp_name.clone(),
        user_id: options.user_id.clone(),
        user_name: options.user_name.clone(),
        user_display_name: options.user_display_name.clone(),
        algorithms: options.algorithms.clone(),
        exclude: options.exclude.clone(),
        hmac_secret: options.hmac_secret,
        cred_protect: options.cred_protect,
    }
}

/// The key says that the account has a passkey on it: an earlier run registered it, or somebody did elsewhere.
async fn before(
    args: &KeyEnrollArgs,
    entra: &Entra,
    holder: &Holder,
    info: &Info,
) -> Result<Outcome, Failure> {
    let known = passkeys::list(entra, &holder.id)
        .await
        .map_err(connect::failed)?;
    let same_model = |own: &&Registered| {
        own.aa_guid
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(&info.aaguid))
    };
    let has_label = |own: &&Registered| own.display_name.as_deref() == Some(args.label.as_str());
    if let Some(registered) = known.iter().filter(same_model).find(has_label) {
        return Ok(Outcome {
            registered: registered.clone(),
            verified: None,
        });
    }
    let names: Vec<String> = known
        .iter()
        .filter(same_model)
        .map(|own| {
            format!(
                "`{}`",
                output::one_line(own.display_name.as_deref().unwrap_or("(no name)"))
            )
        })
        .collect();
    let names = if names.is_empty() {
        "under a name that is not told".to_owned()
    } else {
        format!("as one of {}", names.join(", "))
    };
    Err(Failure::usage(format!(
        "this key is registered for the account already, {names}"
    ))
    .help(
        "give that name as --label to write it into the register, or plug in the key that is meant",
    ))
}

fn not_allowed(error: Error) -> Failure {
    if error.is_forbidden() {
        return Failure::usage(format!("the tenant does not allow the registration: {error}")).help(
            "it takes the permission UserAuthMethod-Passkey.ReadWrite.All (for an account in a restricted unit also a role \
             in that unit), and a policy for passkeys (FIDO2) that is on for the account and allows self-service set-up",
        );
    }
    connect::failed(error)
}

/// Nothing was registered, although the key made a passkey.
fn unregistered(why: &str, help: &str) -> Failure {
    Failure::usage(format!("nothing was registered: {why}"))
        .help(format!("{help}; the passkey that it made opens nothing"))
}

fn acceptable(args: &KeyEnrollArgs, verified: &Verified, info: &Info) -> Result<(), Failure> {
    if verified.aaguid != info.aaguid {
        return Err(unregistered(
            &format!(
                "the key says that its AAGUID is {}, and attests {}",
                info.aaguid, verified.aaguid
            ),
            "do not use this key for an emergency access account",
        ));
    }
    if verified.syncable {
        return Err(unregistered(
            "the passkey may be copied to other devices, which an emergency access account must not depend on (K1)",
            "take a hardware key",
        ));
    }
    if matches!(verified.trust, Trust::NotAttested | Trust::Itself) && !args.allow_unattested {
        return Err(unregistered(
            "the key does not prove which model it is (K1)",
            "take a key that attests, or accept it with --allow-unattested",
        ));
    }
    Ok(())
}
