//! Reading `register.toml`.
//!
//! The register never holds a secret: a field that is named like one is refused wherever it stands, and so
//! is free text that looks like a PIN. The refused value is never repeated.

use std::collections::BTreeMap;

use crate::{
    ObjectId, Register, TenantId, Upn,
    register::{
        Account, DeclaredDrill, DrillPolicy, Envelope, Key, Person, Place, SealCheck, Sealed,
        Training, Workstation,
    },
    source_text::Problem,
    toml_reader::{Document, Placed, Section, Seen, walk},
};

/// The schema that a register names.
pub const SCHEMA: &str = "breakglass/register/v1";

/// Standing Global Administrators that are accepted when the register says nothing (A6).
const MAX_GLOBAL_ADMINISTRATORS: usize = 4;

impl Register {
    /// Reads a register, and the sealed part when that is a file of its own (name, text).
    ///
    /// # Errors
    /// Every problem of both files, each with its place.
    pub fn from_toml(
        file: &str,
        text: &str,
        sealed: Option<(&str, &str)>,
    ) -> Result<Self, Vec<Problem>> {
        let document = Document::new(file, text);
        let mut register = Self::default();
        let mut references = References::default();
        if let Some(table) = document.parse() {
            refuse_secrets(&document, &table);
            let root = Section::root(&document, &table);
            schema(&root);
            open_part(&root, &mut register, &mut references);
            register.sealed = root
                .section("sealed")
                .map(|section| sealed_part(section, &mut references));
            root.finish();
        }
        let mut problems = Vec::new();
        if let Some((file, text)) = sealed {
            let other = Document::new(file, text);
            if let Some(table) = other.parse() {
                refuse_secrets(&other, &table);
                let root = Section::root(&other, &table);
                schema(&root);
                if register.sealed.is_some() {
                    root.problem(
                        "the register has a `[sealed]` part already",
                        "keep it in one file only",
                    );
                }
                // References from this file are checked against this file's places.
                let mut own = References::default();
                match root.section("sealed") {
                    Some(section) => register.sealed = Some(sealed_part(section, &mut own)),
                    None => root.problem(
                        "this file has no `[sealed]` part",
                        "add `[[sealed.place]]` and `[[sealed.envelope]]`",
                    ),
                }
                root.finish();
                own.check(&other, &register, true);
            }
            problems = other.into_problems();
        }
        references.check(&document, &register, false);
        let mut all = document.into_problems();
        all.append(&mut problems);
        if all.is_empty() {
            Ok(register)
        } else {
            Err(all)
        }
    }
}

/// What names something else, to be looked up when everything is read.
#[derive(Default)]
struct References {
    people: Vec<Placed>,
    places: Vec<Placed>,
    envelopes: Vec<Placed>,
    drilled: Vec<Placed>,
}

impl References {
    fn check(&self, document: &Document<'_>, register: &Register, sealed_file: bool) {
        let unknown = |what: &str, placed: &Placed| {
            document.problem(
                placed.offset,
                format!("there is no {what} `{}`", placed.value),
                format!("add it, or correct the {what} id"),
            );
        };
        for placed in &self.people {
            if !register
                .people
                .iter()
                .any(|person| person.id == placed.value)
            {
                unknown("person", placed);
            }
        }
        if let Some(sealed) = &register.sealed {
            for placed in &self.places {
                if !sealed.places.iter().any(|place| place.id == placed.value) {
                    unknown("place", placed);
                }
            }
            for placed in &self.envelopes {
                if !sealed
                    .envelopes
                    .iter()
                    .any(|envelope| envelope.id == placed.value)
                {
                    unknown("envelope", placed);
                }
            }
        }
        if sealed_file {
            return;
        }
        for placed in &self.drilled {
            let known = register.accounts.iter().any(|account| {
                account.id.as_ref().is_some_and(|id| id.is(&placed.value))
                    || account
                        .upn
                        .as_ref()
                        .is_some_and(|upn| upn.is(&placed.value))
            });
            if !known {
                unknown("account", placed);
            }
        }
    }
}

fn schema(root: &Section<'_, '_>) {
    match root.placed("schema") {
        Some(placed) if placed.value == SCHEMA => {}
        Some(placed) => root.problem(
            format!(
                "this is `{}`, not a register that this version reads",
                placed.value
            ),
            format!("`schema = \"{SCHEMA}\"`"),
        ),
        None if root.has("schema") => {}
        None => root.problem(
            "the file does not say what it is",
            format!("begin it with `schema = \"{SCHEMA}\"`"),
        ),
    }
}

/// Notes an id that stands twice, naming the line of the first.
fn unique(seen: &mut BTreeMap<String, usize>, document: &Section<'_, '_>, what: &str, id: &str) {
    let folded = id.to_lowercase();
    if seen.contains_key(&folded) {
        document.problem(
            format!("the {what} `{id}` is there twice"),
            "keep one of them",
        );
    }
    seen.insert(folded, document.offset());
}

fn open_part(root: &Section<'_, '_>, register: &mut Register, references: &mut References) {
    register.max_global_administrators = MAX_GLOBAL_ADMINISTRATORS;
    if let Some(tenant) = root.section("tenant") {
        register.tenant_id = tenant.parsed("id", TenantId::parse);
        register.tenant_name = tenant.text("name");
        register.initial_domain = tenant.text("initial_domain");
        if let Some(limit) = tenant.integer("max_global_administrators", 1..1000) {
            register.max_global_administrators =
                usize::try_from(limit).unwrap_or(MAX_GLOBAL_ADMINISTRATORS);
        }
        tenant.finish();
    }
    let mut ids = BTreeMap::new();
    let mut labels = BTreeMap::new();
    for section in root.sections("account") {
        let account = account(&section, &mut labels, references);
        match (&account.id, &account.upn) {
            (None, None) if !section.has("id") && !section.has("upn") => {
                section.problem(
                    "the account has neither `id` nor `upn`",
                    "give the object ID, the user principal name, or better both",
                );
            }
            _ => {}
        }
        for id in account
            .id
            .iter()
            .map(ObjectId::as_str)
            .chain(account.upn.iter().map(Upn::as_str))
        {
            unique(&mut ids, &section, "account", id);
        }
        register.accounts.push(account);
        section.finish();
    }
    let mut ids = BTreeMap::new();
    for section in root.sections("person") {
        if let Some(person) = person(&section, references) {
            unique(&mut ids, &section, "person", &person.id);
            register.people.push(person);
        }
        section.finish();
    }
    if let Some(section) = root.section("drills") {
        let default = DrillPolicy::default();
        register.drills = DrillPolicy {
            every_days: section
                .integer("every_days", 1..3651)
                .and_then(|days| u32::try_from(days).ok())
                .unwrap_or(default.every_days),
            warn_days: section.integers("warn_days").unwrap_or(default.warn_days),
        };
        section.finish();
    }
    for section in root.sections("drill") {
        let account = section.required("account");
        if !section.has("on") {
            section.problem("the drill has no day", "add `on = 2026-08-01`");
        }
        if let (Some(account), Some(on)) = (account, section.date("on")) {
            references.drilled.push(account.clone());
            let by = section.placed("by");
            references.people.extend(by.clone());
            register.declared_drills.push(DeclaredDrill {
                account: account.value,
                on,
                by: by.map(|placed| placed.value),
                note: section.text("note"),
            });
        }
        section.accept("by");
        section.accept("note");
        section.finish();
    }
    for section in root.sections("workstation") {
        if let Some(device) = section.required("device_id") {
            register.workstations.push(Workstation {
                device_id: device.value,
                name: section.text("name"),
            });
        }
        section.accept("name");
        section.finish();
    }
}

fn account(
    section: &Section<'_, '_>,
    labels: &mut BTreeMap<String, usize>,
    references: &mut References,
) -> Account {
    let mut keys = Vec::new();
    for key in section.sections("key") {
        let label = key.required("label");
        let place = key.placed("place");
        let envelope = key.placed("envelope");
        references.places.extend(place.clone());
        references.envelopes.extend(envelope.clone());
        let aaguid = key.parsed("aaguid", |text| {
            uuid::Uuid::parse_str(text.trim())
                .map(|id| id.hyphenated().to_string())
                .map_err(|_| "not an AAGUID; it looks like cb69481e-8ff7-4039-93ec-0a2729a154a8")
        });
        let (serial, vendor) = (key.text("serial"), key.text("vendor"));
        if let Some(label) = label {
            unique(labels, &key, "key", &label.value);
            keys.push(Key {
                label: label.value,
                aaguid,
                serial,
                vendor,
                place: place.map(|p| p.value),
                envelope: envelope.map(|p| p.value),
            });
        }
        key.finish();
    }
    Account {
        id: section.parsed("id", ObjectId::parse),
        upn: section.parsed("upn", Upn::parse),
        group: section.parsed("group", ObjectId::parse),
        unit: section.parsed("unit", ObjectId::parse),
        intended_policies: section
            .texts("intended_policies")
            .into_iter()
            .filter_map(|placed| ObjectId::parse(&placed.value).ok())
            .collect(),
        keys,
    }
}

fn person(section: &Section<'_, '_>, references: &mut References) -> Option<Person> {
    let id = section.required("id");
    let name = section.required("name");
    let deputies = section.texts("deputy_for");
    references.people.extend(deputies.clone());
    let mut training = Vec::new();
    for one in section.sections("training") {
        let topic = one.required("topic");
        if !one.has("on") {
            one.problem("the training has no day", "add `on = 2026-02-01`");
        }
        if let (Some(topic), Some(on)) = (topic, one.date("on")) {
            let valid_days = one
                .integer("valid_days", 1..36_500)
                .and_then(|days| u32::try_from(days).ok());
            training.push(Training {
                topic: topic.value,
                on,
                valid_days,
            });
        }
        one.accept("valid_days");
        one.finish();
    }
    let object_id = section.parsed("object_id", ObjectId::parse);
    let roles = section
        .texts("roles")
        .into_iter()
        .map(|placed| placed.value)
        .collect();
    let (since, until) = (
        section.date("authorised_since"),
        section.date("authorised_until"),
    );
    if let (Some(since), Some(until)) = (since, until)
        && until < since
    {
        section.problem(
            "`authorised_until` is before `authorised_since`",
            "correct one of the two days",
        );
    }
    let id = id?;
    Some(Person {
        name: name.map_or_else(|| id.value.clone(), |placed| placed.value),
        id: id.value,
        object_id,
        roles,
        authorised_since: since,
        authorised_until: until,
        deputy_for: deputies.into_iter().map(|placed| placed.value).collect(),
        training,
    })
}

fn sealed_part(section: Section<'_, '_>, references: &mut References) -> Sealed {
    let mut sealed = Sealed::default();
    let mut ids = BTreeMap::new();
    for place in section.sections("place") {
        let id = place.required("id");
        let opens = place.texts("opens");
        references.people.extend(opens.clone());
        let read = Place {
            id: String::new(),
            site: place.text("site"),
            kind: place.text("kind"),
            hours: place.text("hours"),
            opens: opens.into_iter().map(|placed| placed.value).collect(),
            utilities: place
                .texts("utilities")
                .into_iter()
                .map(|placed| placed.value)
                .collect(),
            combination_changed: place.date("combination_changed"),
        };
        if let Some(id) = id {
            unique(&mut ids, &place, "place", &id.value);
            sealed.places.push(Place {
                id: id.value,
                ..read
            });
        }
        place.finish();
    }
    let mut ids = BTreeMap::new();
    for envelope in section.sections("envelope") {
        let id = envelope.required("id");
        let place = envelope.placed("place");
        references.places.extend(place.clone());
        let mut checked = Vec::new();
        for check in envelope.sections("checked") {
            if !check.has("on") || !check.has("seal_ok") {
                check.problem(
                    "the check of the seal lacks `on` or `seal_ok`",
                    "write { on = 2026-09-01, by = \"…\", seal_ok = true }",
                );
            }
            let by = check.placed("by");
            references.people.extend(by.clone());
            if let (Some(on), Some(seal_ok)) = (check.date("on"), check.boolean("seal_ok")) {
                checked.push(SealCheck {
                    on,
                    by: by.map(|placed| placed.value),
                    seal_ok,
                });
            }
            check.finish();
        }
        let read = Envelope {
            id: String::new(),
            place: place.map(|placed| placed.value),
            holds: envelope
                .texts("holds")
                .into_iter()
                .map(|placed| placed.value)
                .collect(),
            seal: envelope.text("seal"),
            checked,
        };
        if let Some(id) = id {
            unique(&mut ids, &envelope, "envelope", &id.value);
            sealed.envelopes.push(Envelope {
                id: id.value,
                ..read
            });
        }
        envelope.finish();
    }
    section.finish();
    sealed
}

fn refuse_secrets(document: &Document<'_>, table: &toml::de::DeTable<'_>) {
    walk(table, &mut |seen| {
        match seen {
        Seen::Key(name, offset) if named_like_a_secret(name) => document.secret_problem(
            offset,
            format!("a field named `{name}` could hold a secret, and the register holds none"),
            "write where the envelope is, never what is in it; remove the line, and change the secret if it was real",
        ),
        Seen::Text(text, offset) if looks_like_a_pin(text) => document.secret_problem(
            offset,
            "this text looks like a PIN, and the register holds none",
            "remove it, and change the PIN if it was real",
        ),
        _ => {}
    }
    });
}

/// Whether a field's name says that it holds a secret. `combination_changed` is a day, not a combination.
fn named_like_a_secret(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "pin",
        "pins",
        "password",
        "passwords",
        "passwd",
        "passcode",
        "passphrase",
        "secret",
        "secrets",
        "code",
        "codes",
    ];
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    lower == "combination"
        || words.any(|word| {
            WORDS.contains(&word) || word.ends_with("password") || word.ends_with("pincode")
        })
}

/// `(?i)\bpin\W*\d{4,}`
fn looks_like_a_pin(text: &str) -> bool {
    let lower: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    (0..lower.len().saturating_sub(3)).any(|at| {
        let bounded = at == 0 || !(lower[at - 1].is_alphanumeric() || lower[at - 1] == '_');
        if !bounded || lower[at..at + 3] != ['p', 'i', 'n'] {
            return false;
        }
        let rest = lower[at + 3..]
            .iter()
            .skip_while(|c| !(c.is_alphanumeric() || **c == '_'));
        rest.take_while(|c| c.is_numeric()).take(4).count() == 4
    })
}

#[cfg(test)]
mod tests;
