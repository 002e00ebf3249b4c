//! `--account @person.json`: an account described by hand, for tenants whose export holds no users.
//!
//! The file has the shape of the `users` of the Conditional Access vectors:
//! `{id, upn, groups[], roles[], methods[{combination, aaguid}]}`.

use std::path::Path;

use breakglass_model::{
    ObjectId, Reading, TenantSnapshot, Upn,
    tenant::{AssignmentKind, Method, MethodKind, RoleAssignment, User},
};
use serde::Deserialize;

use crate::{failure::Failure, input};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    id: ObjectId,
    upn: Option<Upn>,
    #[serde(default)]
    groups: Option<Vec<ObjectId>>,
    #[serde(default)]
    roles: Option<Vec<ObjectId>>,
    #[serde(default)]
    methods: Option<Vec<PersonMethod>>,
    #[serde(rename = "userType")]
    user_type: Option<String>,
}

#[derive(Deserialize)]
struct PersonMethod {
    combination: String,
    aaguid: Option<String>,
}

impl PersonMethod {
    fn method(self) -> Method {
        let kind = match self.combination.to_ascii_lowercase().as_str() {
            "fido2" => MethodKind::Fido2,
            "windowshelloforbusiness" => MethodKind::WindowsHello,
            "password" => MethodKind::Password,
            "microsoftauthenticatorpush" | "deviceboundmicrosoftauthenticator" => {
                MethodKind::MicrosoftAuthenticator
            }
            "sms" | "voice" => MethodKind::Phone,
            "softwareoath" => MethodKind::SoftwareOath,
            "hardwareoath" => MethodKind::HardwareOath,
            "temporaryaccesspassonetime" | "temporaryaccesspassmultiuse" => {
                MethodKind::TemporaryAccessPass
            }
            "x509certificatesinglefactor" | "x509certificatemultifactor" => MethodKind::Certificate,
            _ => MethodKind::Other(self.combination),
        };
        Method {
            kind,
            aaguid: self.aaguid.map(|a| a.to_ascii_lowercase()),
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
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("the account file `{}` is not usable: {error}", path.display()))
            .help("it holds one object: {\"id\", \"upn\", \"groups\": [], \"roles\": [], \"methods\": [{\"combination\", \"aaguid\"}]}")
    })
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
        ..User::default()
    };
    for role in person.roles.unwrap_or_default() {
        snapshot.active_assignments.items.push(RoleAssignment {
            id: None,
            principal: id.clone(),
            role,
            kind: AssignmentKind::Active,
            scope: Reading::NotRead(format!("{name} does not tell the scope")),
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
