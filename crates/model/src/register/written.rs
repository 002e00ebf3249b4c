//! The register as it was written: each value with its place, nothing compared with anything yet.

use std::ops::Range;

use jiff::civil::Date;
use uuid::Uuid;

use crate::{
    ObjectId, TenantId, Upn,
    source_text::{Found, Section, quoted},
};

/// The parts of the register that a service may read.
pub(super) struct Written {
    pub(super) tenant: Tenant,
    pub(super) accounts: Vec<Account>,
    pub(super) people: Vec<Person>,
    pub(super) every_days: Option<Found<u32>>,
    pub(super) warn_days: Option<Vec<Found<u32>>>,
    pub(super) drills: Vec<Drill>,
    pub(super) workstations: Vec<Workstation>,
}

#[derive(Default)]
pub(super) struct Tenant {
    pub(super) id: Option<Found<TenantId>>,
    pub(super) name: Option<Found<String>>,
    pub(super) initial_domain: Option<Found<String>>,
    pub(super) max_global_administrators: Option<Found<u32>>,
}

pub(super) struct Account {
    pub(super) span: Range<usize>,
    pub(super) id: Option<Found<ObjectId>>,
    pub(super) upn: Option<Found<Upn>>,
    pub(super) group: Option<Found<ObjectId>>,
    pub(super) unit: Option<Found<ObjectId>>,
    pub(super) intended_policies: Vec<Found<ObjectId>>,
    pub(super) keys: Vec<Key>,
}

pub(super) struct Key {
    pub(super) label: Option<Found<String>>,
    pub(super) aaguid: Option<String>,
    pub(super) serial: Option<Found<String>>,
    pub(super) vendor: Option<Found<String>>,
    pub(super) place: Option<Found<String>>,
    pub(super) envelope: Option<Found<String>>,
}

pub(super) struct Person {
    pub(super) id: Option<Found<String>>,
    pub(super) name: Option<Found<String>>,
    pub(super) object_id: Option<Found<ObjectId>>,
    pub(super) roles: Vec<Found<String>>,
    pub(super) since: Option<Found<Date>>,
    pub(super) until: Option<Found<Date>>,
    pub(super) deputy_for: Vec<Found<String>>,
    pub(super) signing_key: Option<Found<String>>,
    pub(super) recipient: Option<Found<String>>,
    pub(super) training: Vec<super::Training>,
}

pub(super) struct Drill {
    pub(super) account: Option<Found<String>>,
    pub(super) on: Option<Found<Date>>,
    pub(super) by: Option<Found<String>>,
    pub(super) note: Option<Found<String>>,
}

pub(super) struct Workstation {
    pub(super) device_id: Option<Found<String>>,
    pub(super) name: Option<Found<String>>,
}

/// The part for people only.
#[derive(Default)]
pub(super) struct Sealed {
    pub(super) places: Vec<Place>,
    pub(super) envelopes: Vec<Envelope>,
}

pub(super) struct Place {
    pub(super) id: Option<Found<String>>,
    pub(super) opens: Vec<Found<String>>,
    /// The rest refers to nothing; `id` and `opens` are empty here.
    pub(super) rest: super::Place,
}

pub(super) struct Envelope {
    pub(super) id: Option<Found<String>>,
    pub(super) place: Option<Found<String>>,
    pub(super) holds: Vec<Found<String>>,
    pub(super) seal: Option<Found<String>>,
    pub(super) checked: Vec<SealCheck>,
}

pub(super) struct SealCheck {
    pub(super) on: Option<Found<Date>>,
    pub(super) by: Option<Found<String>>,
    pub(super) seal_ok: Option<Found<bool>>,
}

/// Roles that a person can have.
const ROLES: &[&str] = &[
    "custodian",
    "responder",
    "reviewer",
    "owner",
    "viewer",
    "stakeholder",
];

/// Longer than any interval in days that makes sense: a hundred years.
const MOST_DAYS: u32 = 36_525;

pub(super) fn read(root: &Section<'_, '_>) -> Written {
    let drills = root.section("drills", "`[drills]`", &["every_days", "warn_days"]);
    Written {
        tenant: root
            .section(
                "tenant",
                "`[tenant]`",
                &["id", "name", "initial_domain", "max_global_administrators"],
            )
            .map(|tenant| Tenant {
                id: tenant.parsed("id"),
                name: tenant.text("name"),
                initial_domain: tenant.text("initial_domain"),
                max_global_administrators: tenant.number("max_global_administrators", 0..=10_000),
            })
            .unwrap_or_default(),
        accounts: root
            .sections(
                "account",
                "`[[account]]`",
                &["id", "upn", "group", "unit", "intended_policies", "key"],
            )
            .iter()
            .map(account)
            .collect(),
        people: root
            .sections(
                "person",
                "`[[person]]`",
                &[
                    "id",
                    "name",
                    "object_id",
                    "roles",
                    "authorised_since",
                    "authorised_until",
                    "deputy_for",
                    "signing_key",
                    "recipient",
                    "training",
                ],
            )
            .iter()
            .map(person)
            .collect(),
        every_days: drills
            .as_ref()
            .and_then(|drills| drills.number("every_days", 1..=MOST_DAYS)),
        warn_days: drills
            .as_ref()
            .and_then(|drills| drills.numbers("warn_days", &(1..=MOST_DAYS))),
        drills: root
            .sections("drill", "`[[drill]]`", &["account", "on", "by", "note"])
            .iter()
            .map(|drill| Drill {
                account: drill.need("account", drill.text("account")),
                on: drill.need("on", drill.date("on")),
                by: drill.text("by"),
                note: drill.text("note"),
            })
            .collect(),
        workstations: root
            .sections("workstation", "`[[workstation]]`", &["device_id", "name"])
            .iter()
            .map(|workstation| Workstation {
                device_id: workstation.need("device_id", workstation.text("device_id")),
                name: workstation.text("name"),
            })
            .collect(),
    }
}

fn account(account: &Section<'_, '_>) -> Account {
    if !account.has("id") && !account.has("upn") {
        account.document().report(
            account
                .document()
                .at(account.span(), "`[[account]]` has neither `id` nor `upn`")
                .with_help(
                    "give the object id, which no renaming changes, and the user principal name",
                ),
        );
    }
    let keys = account.sections(
        "key",
        "`[[account.key]]`",
        &["label", "aaguid", "serial", "vendor", "place", "envelope"],
    );
    Account {
        span: account.span().clone(),
        id: account.parsed("id"),
        upn: account.parsed("upn"),
        group: account.parsed("group"),
        unit: account.parsed("unit"),
        intended_policies: account.parsed_list("intended_policies"),
        keys: keys.iter().map(key).collect(),
    }
}

fn key(key: &Section<'_, '_>) -> Key {
    let aaguid = key.text("aaguid").and_then(|text| {
        let parsed = Uuid::try_parse(text.get_ref()).ok();
        if parsed.is_none() {
            let document = key.document();
            document.report(
                document
                    .at(
                        &text.span(),
                        format!("not an AAGUID: {}", quoted(text.get_ref())),
                    )
                    .with_help("an AAGUID has the form `ee882879-721c-4913-9775-3dfcce97072a`"),
            );
        }
        parsed.map(|uuid| uuid.hyphenated().to_string())
    });
    Key {
        label: key.need("label", key.text("label")),
        aaguid,
        serial: key.text("serial"),
        vendor: key.text("vendor"),
        place: key.text("place"),
        envelope: key.text("envelope"),
    }
}

fn person(person: &Section<'_, '_>) -> Person {
    let training = person.sections("training", "a training", &["topic", "on", "valid_days"]);
    Person {
        id: person.need("id", person.text("id")),
        name: person.need("name", person.text("name")),
        object_id: person.parsed("object_id"),
        roles: person.words("roles", ROLES),
        since: person.date("authorised_since"),
        until: person.date("authorised_until"),
        deputy_for: person.texts("deputy_for"),
        signing_key: person.text("signing_key"),
        recipient: person.text("recipient"),
        training: training
            .iter()
            .filter_map(|training| {
                let topic = training.need("topic", training.text("topic"));
                let on = training.need("on", training.date("on"));
                let valid_days = training.number("valid_days", 1..=MOST_DAYS);
                Some(super::Training {
                    topic: topic?.into_inner(),
                    on: on?.into_inner(),
                    valid_days: valid_days.map(Found::into_inner),
                })
            })
            .collect(),
    }
}

pub(super) fn read_sealed(sealed: &Section<'_, '_>) -> Sealed {
    Sealed {
        places: sealed
            .sections(
                "place",
                "`[[sealed.place]]`",
                &[
                    "id",
                    "site",
                    "kind",
                    "hours",
                    "opens",
                    "utilities",
                    "combination_changed",
                ],
            )
            .iter()
            .map(place)
            .collect(),
        envelopes: sealed
            .sections(
                "envelope",
                "`[[sealed.envelope]]`",
                &["id", "place", "holds", "seal", "checked"],
            )
            .iter()
            .map(envelope)
            .collect(),
    }
}

fn place(place: &Section<'_, '_>) -> Place {
    let text = |field| place.text(field).map(Found::into_inner);
    let utilities = place.texts("utilities");
    Place {
        id: place.need("id", place.text("id")),
        opens: place.texts("opens"),
        rest: super::Place {
            site: text("site"),
            kind: text("kind"),
            hours: text("hours"),
            utilities: utilities.into_iter().map(Found::into_inner).collect(),
            combination_changed: place.date("combination_changed").map(Found::into_inner),
            ..super::Place::default()
        },
    }
}

fn envelope(envelope: &Section<'_, '_>) -> Envelope {
    let checked = envelope.sections("checked", "a seal check", &["on", "by", "seal_ok"]);
    Envelope {
        id: envelope.need("id", envelope.text("id")),
        place: envelope.text("place"),
        holds: envelope.texts("holds"),
        seal: envelope.text("seal"),
        checked: checked
            .iter()
            .map(|check| SealCheck {
                on: check.need("on", check.date("on")),
                by: check.text("by"),
                seal_ok: check.need("seal_ok", check.flag("seal_ok")),
            })
            .collect(),
    }
}
