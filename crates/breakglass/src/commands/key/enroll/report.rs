//! What `key enroll` tells at its end.

use breakglass_entra::passkeys::Holder;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    super::{
        register::RegisterFile,
        tables::{Identity, Known, Tables},
    },
    Outcome,
};
use crate::{head::Head, output};

/// `key enroll --format json`, schema `breakglass/key-enrolment/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EnrolmentDocument {
    /// What every document begins with.
    #[serde(flatten)]
    pub(super) head: Head,
    /// Object id of the account.
    pub(super) account: String,
    /// Its user principal name.
    pub(super) upn: String,
    /// Label of the key, and its name in the tenant.
    pub(super) label: String,
    /// Serial number, as it was given.
    pub(super) serial: String,
    /// Envelope.
    pub(super) envelope: String,
    /// What its AAGUID stands for.
    pub(super) identity: Identity,
    /// `vendor`: proven up to the vendor's root; `certificate`: by the certificate that came with it; `self`, `none`: not
    /// proven. `null`: it was registered before.
    pub(super) attestation: Option<&'static str>,
    /// The same as a sentence.
    pub(super) proven: String,
    /// Id of the method in the tenant.
    pub(super) method: String,
    /// Whether this run registered it; otherwise it was there.
    pub(super) new: bool,
    /// The register that was written; `null`: none was named.
    pub(super) register: Option<String>,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
}

/// What is worth knowing beyond success.
pub(super) fn notes(
    identity: &Identity,
    done: &Outcome,
    register: Option<&RegisterFile>,
    holder: &Holder,
    tables: &Tables,
) -> Vec<String> {
    let mut notes: Vec<String> = identity.advisories.iter().map(Known::line).collect();
    if !identity.known {
        notes.push("Its AAGUID is in no list: the vendor is unknown, so whether the accounts have keys of different vendors (K3) cannot be told.".to_owned());
    }
    if identity.eligible == Some(false) {
        notes.push(
            "Microsoft does not list it as eligible for registration with attestation.".to_owned(),
        );
    }
    if let Some(verified) = &done.verified {
        notes.extend(
            verified
                .warnings
                .iter()
                .map(|word| format!("The FIDO metadata warns: {word}.")),
        );
    }
    let Some(register) = register else {
        notes.push(
            "No register was named, so label, serial number and envelope are written nowhere."
                .to_owned(),
        );
        return notes;
    };
    for other in &register.register.accounts {
        let is =
            |own: Option<String>, name: &str| own.is_some_and(|own| own.eq_ignore_ascii_case(name));
        if is(other.id.as_ref().map(ToString::to_string), &holder.id)
            || is(other.upn.as_ref().map(ToString::to_string), &holder.upn)
        {
            continue;
        }
        let same = other.keys.iter().any(|key| {
            let vendor = key.aaguid.as_ref().and_then(|own| tables.vendor(own)).or_else(|| key.vendor.clone());
            matches!((vendor, &identity.vendor), (Some(one), Some(own)) if one.eq_ignore_ascii_case(own))
        });
        if same {
            let name = other
                .upn
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| other.id.as_ref().map(ToString::to_string));
            notes.push(format!(
                "{} has a key of the same vendor: one fault of its maker could take both accounts (K3).",
                output::one_line(&name.unwrap_or_default())
            ));
        }
    }
    notes
}

/// For a person.
pub(super) fn text_of(document: &EnrolmentDocument) -> String {
    let what = if document.new {
        "is registered for"
    } else {
        "was registered already for"
    };
    let mut text = format!(
        "{} {what} {}\n",
        output::one_line(&document.label),
        output::one_line(&document.upn)
    );
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("  {name:<12}{}\n", output::wrapped(value, 14)));
    };
    line("model", &document.identity.line());
    line("AAGUID", &document.identity.aaguid);
    line("proven", &document.proven);
    if let Some(register) = &document.register {
        line(
            "register",
            &format!(
                "{register}: serial {}, envelope {}",
                document.serial, document.envelope
            ),
        );
    }
    for note in &document.notes {
        line("note", note);
    }
    text.push_str(
        "\nNext: sign in with it once from another machine (new keys may need a few minutes), then seal key and PIN into the \
         envelope.\n",
    );
    text
}
