//! Comparing the parts of a register with one another.

use std::{collections::HashMap, ops::Range};

use super::{
    Account, DeclaredDrill, DrillPolicy, Envelope, Key, Person, Place, Protection, Register,
    SealCheck, Sealed, Workstation, written,
};
use crate::source_text::{Document, Found, closest, quoted};

/// The most standing Global Administrators when the register does not say (A6).
const MAX_GLOBAL_ADMINISTRATORS: u32 = 4;

/// What refers to each other in the register, with the first place of each.
struct Names<'d, 't> {
    document: &'d Document<'t>,
    what: &'static str,
    first: HashMap<String, Range<usize>>,
}

impl<'d, 't> Names<'d, 't> {
    /// Takes the names in; one that is there already is reported with both places.
    fn collect<'a>(
        document: &'d Document<'t>,
        what: &'static str,
        names: impl Iterator<Item = (Range<usize>, &'a str)>,
    ) -> Self {
        let mut first: HashMap<String, Range<usize>> = HashMap::new();
        for (span, name) in names {
            if let Some(there) = first.get(&name.to_lowercase()) {
                let there = document.at(there, "").place();
                document.report(document.at(
                    &span,
                    format!("{what} {} is given twice, first at {there}", quoted(name)),
                ));
            } else {
                first.insert(name.to_lowercase(), span);
            }
        }
        Self {
            document,
            what,
            first,
        }
    }

    fn of(document: &'d Document<'t>, what: &'static str, ids: &[&Option<Found<String>>]) -> Self {
        let ids = ids.iter().filter_map(|id| id.as_ref());
        let names = ids.map(|id| (id.span(), id.get_ref().as_str()));
        Self::collect(document, what, names)
    }

    fn knows(&self, name: &str) -> bool {
        self.first.contains_key(&name.to_lowercase())
    }

    /// Reports names that nothing has. `document` is the one in which they stand.
    fn check<'a>(
        &self,
        document: &Document<'_>,
        names: impl IntoIterator<Item = &'a Found<String>>,
    ) {
        for name in names {
            if self.knows(name.get_ref()) {
                continue;
            }
            let mut known: Vec<&str> = self.first.keys().map(String::as_str).collect();
            known.sort_unstable();
            let problem = document.at(
                &name.span(),
                format!("there is no {} {}", self.what, quoted(name.get_ref())),
            );
            document.report(match closest(name.get_ref(), &known) {
                // The name as it was written, which may differ in case from how it is compared.
                Some(near) => {
                    let written = self
                        .document
                        .text(&self.first[near])
                        .trim_matches(['"', '\'']);
                    problem.with_help(format!("did you mean {}?", quoted(written)))
                }
                None => problem,
            });
        }
    }
}

/// Makes the register, and reports into both documents what does not fit together. What is returned
/// counts only if nothing was reported.
pub(super) fn register(
    main: &Document<'_>,
    written: written::Written,
    sealed: Option<(&Document<'_>, written::Sealed)>,
) -> Register {
    let people = Names::of(
        main,
        "person",
        &written.people.iter().map(|p| &p.id).collect::<Vec<_>>(),
    );
    accounts(main, &written.accounts);
    let keys = || written.accounts.iter().flat_map(|account| &account.keys);
    let labels = Names::of(
        main,
        "key",
        &keys().map(|key| &key.label).collect::<Vec<_>>(),
    );
    for person in &written.people {
        dates(main, person);
        people.check(main, &person.deputy_for);
    }
    drills(main, &written, &people);
    workstations(main, &written.workstations);

    if let Some((document, sealed)) = &sealed {
        let places = Names::of(
            document,
            "place",
            &sealed.places.iter().map(|p| &p.id).collect::<Vec<_>>(),
        );
        let envelopes = Names::of(
            document,
            "envelope",
            &sealed.envelopes.iter().map(|e| &e.id).collect::<Vec<_>>(),
        );
        places.check(main, keys().filter_map(|key| key.place.as_ref()));
        envelopes.check(main, keys().filter_map(|key| key.envelope.as_ref()));
        for place in &sealed.places {
            people.check(document, &place.opens);
        }
        for envelope in &sealed.envelopes {
            places.check(document, &envelope.place);
            people.check(
                document,
                envelope.checked.iter().filter_map(|c| c.by.as_ref()),
            );
            holds(document, envelope, &labels);
        }
        for key in keys() {
            same_place(main, key, &sealed.envelopes);
        }
    }
    let protection = sealed.as_ref().map(|(document, _)| {
        if std::ptr::eq(*document, main) {
            Protection::SameFile
        } else {
            Protection::OwnFile
        }
    });
    let sealed = sealed.map(|(_, sealed)| valid_sealed(sealed));
    Register {
        protection,
        ..valid(written, sealed)
    }
}

fn accounts(main: &Document<'_>, accounts: &[written::Account]) {
    if accounts.is_empty() {
        main.warn(
            main.at(&(0..0), "no emergency access account is registered")
                .with_help("add an `[[account]]` for each; nothing is guarded without"),
        );
    }
    let ids = accounts.iter().filter_map(|account| account.id.as_ref());
    Names::collect(
        main,
        "account",
        ids.map(|id| (id.span(), id.get_ref().as_str())),
    );
    let upns = accounts.iter().filter_map(|account| account.upn.as_ref());
    Names::collect(
        main,
        "account",
        upns.map(|upn| (upn.span(), upn.get_ref().as_str())),
    );
    for account in accounts {
        if let (None, Some(upn)) = (&account.id, &account.upn) {
            main.warn(
                main.at(
                    &account.span,
                    format!(
                        "account {} is known by name only",
                        quoted(upn.get_ref().as_str())
                    ),
                )
                .with_help(
                    "add its object id as `id`: a renamed account is not recognised without",
                ),
            );
        }
    }
}

fn dates(main: &Document<'_>, person: &written::Person) {
    if let (Some(since), Some(until)) = (&person.since, &person.until)
        && until.get_ref() < since.get_ref()
    {
        main.report(main.at(
            &until.span(),
            format!(
                "`authorised_until` lies before `authorised_since`, which is {}",
                since.get_ref()
            ),
        ));
    }
}

fn drills(main: &Document<'_>, written: &written::Written, people: &Names<'_, '_>) {
    for drill in &written.drills {
        people.check(main, &drill.by);
        let Some(account) = &drill.account else {
            continue;
        };
        let is_it = |known: &written::Account| {
            let text = account.get_ref();
            known.id.as_ref().is_some_and(|id| id.get_ref().is(text))
                || known.upn.as_ref().is_some_and(|upn| upn.get_ref().is(text))
        };
        if !written.accounts.iter().any(is_it) {
            // Not an error: the drill may be of an account that was replaced since.
            main.warn(main.at(
                &account.span(),
                format!(
                    "this drill is of {}, which is no registered account, and counts for none",
                    quoted(account.get_ref())
                ),
            ));
        }
    }
}

fn workstations(main: &Document<'_>, workstations: &[written::Workstation]) {
    let ids: Vec<_> = workstations.iter().map(|w| &w.device_id).collect();
    Names::of(main, "workstation", &ids);
}

/// `key:` and `pin:` name a key's label.
fn holds(document: &Document<'_>, envelope: &written::Envelope, labels: &Names<'_, '_>) {
    for item in &envelope.holds {
        let label = match item.get_ref().split_once(':') {
            Some(("key" | "pin", label)) => label.trim(),
            _ => continue,
        };
        if !labels.knows(label) {
            document.warn(document.at(
                &item.span(),
                format!("no key has the label {}", quoted(label)),
            ));
        }
    }
}

/// A key and its envelope must not lie in two places.
fn same_place(main: &Document<'_>, key: &written::Key, envelopes: &[written::Envelope]) {
    let (Some(place), Some(envelope)) = (&key.place, &key.envelope) else {
        return;
    };
    let is_it = |other: &&written::Envelope| {
        let id = other.id.as_ref();
        id.is_some_and(|id| same(id.get_ref(), envelope.get_ref()))
    };
    let elsewhere = envelopes.iter().find(is_it).and_then(|e| e.place.as_ref());
    if let Some(elsewhere) = elsewhere
        && !same(elsewhere.get_ref(), place.get_ref())
    {
        // Not an error: a wrong note about a safe must not stop the guarding of the accounts.
        main.warn(
            main.at(
                &place.span(),
                format!(
                    "the key lies in {}, but its envelope {} in {}",
                    quoted(place.get_ref()),
                    quoted(envelope.get_ref()),
                    quoted(elsewhere.get_ref())
                ),
            )
            .with_help("look where it is, and correct the other"),
        );
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn plain<T>(found: Option<Found<T>>) -> Option<T> {
    found.map(Found::into_inner)
}

fn all<T>(found: Vec<Found<T>>) -> Vec<T> {
    found.into_iter().map(Found::into_inner).collect()
}

fn valid(written: written::Written, sealed: Option<Sealed>) -> Register {
    let policy = DrillPolicy::default();
    let max = plain(written.tenant.max_global_administrators).unwrap_or(MAX_GLOBAL_ADMINISTRATORS);
    Register {
        tenant_id: plain(written.tenant.id),
        tenant_name: plain(written.tenant.name),
        initial_domain: plain(written.tenant.initial_domain),
        accounts: written.accounts.into_iter().map(account).collect(),
        people: written.people.into_iter().filter_map(person).collect(),
        drills: DrillPolicy {
            every_days: plain(written.every_days).unwrap_or(policy.every_days),
            warn_days: written.warn_days.map_or(policy.warn_days, all),
        },
        declared_drills: written.drills.into_iter().filter_map(drill).collect(),
        workstations: written
            .workstations
            .into_iter()
            .filter_map(|workstation| {
                Some(Workstation {
                    device_id: plain(workstation.device_id)?,
                    name: plain(workstation.name),
                })
            })
            .collect(),
        max_global_administrators: usize::try_from(max).unwrap_or(usize::MAX),
        sealed,
        protection: None,
    }
}

fn account(account: written::Account) -> Account {
    let keys = account.keys.into_iter().filter_map(|key| {
        Some(Key {
            label: plain(key.label)?,
            aaguid: key.aaguid,
            serial: plain(key.serial),
            vendor: plain(key.vendor),
            place: plain(key.place),
            envelope: plain(key.envelope),
        })
    });
    Account {
        id: plain(account.id),
        upn: plain(account.upn),
        group: plain(account.group),
        unit: plain(account.unit),
        intended_policies: all(account.intended_policies),
        keys: keys.collect(),
    }
}

fn person(person: written::Person) -> Option<Person> {
    Some(Person {
        id: plain(person.id)?,
        name: plain(person.name)?,
        object_id: plain(person.object_id),
        roles: all(person.roles),
        authorised_since: plain(person.since),
        authorised_until: plain(person.until),
        deputy_for: all(person.deputy_for),
        signing_key: plain(person.signing_key),
        recipient: plain(person.recipient),
        training: person.training,
    })
}

fn drill(drill: written::Drill) -> Option<DeclaredDrill> {
    Some(DeclaredDrill {
        account: plain(drill.account)?,
        on: plain(drill.on)?,
        by: plain(drill.by),
        note: plain(drill.note),
    })
}

fn valid_sealed(sealed: written::Sealed) -> Sealed {
    let places = sealed.places.into_iter().filter_map(|place| {
        Some(Place {
            id: plain(place.id)?,
            opens: all(place.opens),
            ..place.rest
        })
    });
    let envelopes = sealed.envelopes.into_iter().filter_map(|envelope| {
        let checked = envelope.checked.into_iter().filter_map(|check| {
            Some(SealCheck {
                on: plain(check.on)?,
                by: plain(check.by),
                seal_ok: plain(check.seal_ok)?,
            })
        });
        Some(Envelope {
            id: plain(envelope.id)?,
            place: plain(envelope.place),
            holds: all(envelope.holds),
            seal: plain(envelope.seal),
            checked: checked.collect(),
        })
    });
    Sealed {
        places: places.collect(),
        envelopes: envelopes.collect(),
    }
}
