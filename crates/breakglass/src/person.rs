//! `--account @person.json`: an account described by hand, for tenants whose export holds no users.
//!
//! The file has the shape of the `users` of the Conditional Access vectors:
//! `{id, upn, groups[], roles[], methods[{combination, aaguid}]}`, and may tell
//! `devices[{isCompliant, trustType, operatingSystem, …}]`, `userType` and `accountEnabled`.

use std::path::Path;

use breakglass_conditional_access::strength::{Combination, METHODS};
use breakglass_model::{
    ObjectId, Reading, TenantSnapshot, Upn,
    tenant::{AssignmentKind, Device, Method, MethodKind, RoleAssignment, User},
};
use serde::Deserialize;

use crate::{failure::Failure, input, output};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Person {
    id: ObjectId,
    upn: Option<Upn>,
    #[serde(default)]
    groups: Option<Vec<ObjectId>>,
    #[serde(default)]
    roles: Option<Vec<ObjectId>>,
    #[serde(default)]
    methods: Option<Vec<PersonMethod>>,
    devices: Option<Vec<Device>>,
    user_type: Option<String>,
    account_enabled: Option<bool>,
}

#[derive(Deserialize)]
struct PersonMethod {
    combination: String,
    aaguid: Option<String>,
}

impl PersonMethod {
    /// The kind that decides: of a comma list the factor beside the password. The combination itself stays.
    fn method(self) -> Method {
        let written = self.combination.to_ascii_lowercase();
        let factor = written
            .split(',')
            .map(str::trim)
            .find(|part| !matches!(*part, "" | "password" | "federatedsinglefactor"))
            .unwrap_or(written.trim());
        let kind = match factor {
            "fido2" => MethodKind::Fido2,
            "windowshelloforbusiness" => MethodKind::WindowsHello,
            "password" => MethodKind::Password,
            "microsoftauthenticatorpush"
            | "devicebasedpush"
            | "deviceboundmicrosoftauthenticator" => MethodKind::MicrosoftAuthenticator,
            "sms" | "voice" => MethodKind::Phone,
            "softwareoath" => MethodKind::SoftwareOath,
            "hardwareoath" => MethodKind::HardwareOath,
            "temporaryaccesspassonetime" | "temporaryaccesspassmultiuse" => {
                MethodKind::TemporaryAccessPass
            }
            "x509certificatesinglefactor" | "x509certificatemultifactor" => MethodKind::Certificate,
            "externalmfa" => MethodKind::External,
            _ => MethodKind::Other(self.combination.clone()),
        };
        Method {
            kind,
            aaguid: self.aaguid.map(|a| a.to_ascii_lowercase()),
            combination: Some(self.combination),
            ..Method::default()
        }
    }
}

fn listed<T>(list: Option<Vec<T>>, what: &str, name: &str) -> Reading<Vec<T>> {
    list.map_or_else(
        || Reading::NotRead(format!("{name} does not tell the {what}")),
        Reading::Read,
    )
}

fn read(path: &Path) -> Result<Person, Failure> {
    let text = input::text_file("the account file", path)?;
    let person: Person = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("the account file `{}` is not usable: {}", path.display(), output::json_error(&error)))
            .help("it holds one object: {\"id\", \"upn\", \"groups\": [], \"roles\": [], \"methods\": [{\"combination\", \"aaguid\"}]}")
    })?;
    for method in person.methods.iter().flatten() {
        if let Some(odd) = Combination::new(&method.combination).unknown() {
            return Err(Failure::usage(format!(
                "the account file `{}` names the method `{odd}`, which there is not",
                path.display()
            ))
            .help(format!("methods are: {}", METHODS.join(", "))));
        }
    }
    for role in person.roles.iter().flatten() {
        // A name would be compared with template ids and match none of them.
        if role.as_str().contains(' ') {
            return Err(Failure::usage(format!(
                "the account file `{}` names the role `{role}`",
                path.display()
            ))
            .help("give the template id of the role, such as 62e90394-69f5-4237-9190-012177145e10 for Global Administrator"));
        }
    }
    Ok(person)
}

/// Object id and name of the person, for watching.
pub fn names(path: &Path) -> Result<(ObjectId, Option<Upn>), Failure> {
    read(path).map(|person| (person.id, person.upn))
}

/// Adds the person to the snapshot and gives the object id by which it is then found.
pub fn add(path: &Path, snapshot: &mut TenantSnapshot) -> Result<String, Failure> {
    let person = read(path)?;
    let id = person.id;
    let name = input::file_name(path);
    let user = User {
        id: Some(id.clone()),
        upn: person.upn,
        user_type: person.user_type,
        methods: listed(
            person
                .methods
                .map(|list| list.into_iter().map(PersonMethod::method).collect()),
            "methods",
            &name,
        ),
        transitive_member_of: listed(person.groups, "groups", &name),
        roles: listed(person.roles.clone(), "roles", &name),
        devices: listed(person.devices, "devices", &name),
        account_enabled: person.account_enabled.map_or_else(
            || {
                Reading::NotRead(format!(
                    "{name} does not tell whether the account is enabled"
                ))
            },
            Reading::Read,
        ),
        described_in: Some(name.clone()),
        ..User::default()
    };
    // The file describes the account as it is, so the tenant's own assignments do not count beside it.
    if person.roles.is_some() {
        snapshot
            .active_assignments
            .items
            .retain(|known| known.principal != id);
    }
    for role in person.roles.unwrap_or_default() {
        snapshot.active_assignments.items.push(RoleAssignment {
            id: None,
            principal: id.clone(),
            role,
            kind: AssignmentKind::Active,
            scope: Reading::Read("/".to_owned()),
            end: Reading::NotRead(format!(
                "{name} does not tell how long the assignment lasts"
            )),
            activated: Reading::NotRead(format!("{name} does not tell whether it was activated")),
        });
    }
    snapshot
        .users
        .items
        .retain(|known| known.id.as_ref() != Some(&id));
    snapshot.users.items.push(user);
    snapshot
        .assumptions
        .push(format!("account {id} is as {name} describes it"));
    Ok(id.to_string())
}
