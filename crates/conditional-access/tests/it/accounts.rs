//! Random accounts and devices, with every kind of datum that may be missing.

use breakglass_conditional_access::{
    Identity,
    device_filter::Device,
    identity::{Fact, GuestKind, IdentityKind, Memberships, Path},
    strength::UsableMethod,
};
use serde_json::{Value, json};

use crate::{
    generator::{GROUPS, GUESTS, KEY, ME, ROLES},
    numbers::Numbers,
};

/// The account that everything is asked about.
pub(crate) fn account(n: &mut Numbers) -> Identity {
    let unread = || "it was not read".to_owned();
    let guest = match n.below(20) {
        0..=2 => Fact::Known(GuestKind::Guest(n.pick(&GUESTS).to_owned())),
        3 => Fact::Unknown(unread()),
        _ => Fact::Known(GuestKind::Member),
    };
    Identity {
        id: ME.to_owned(),
        name: ME.to_owned(),
        kind: if n.chance(4) {
            IdentityKind::AgentUser
        } else {
            IdentityKind::User
        },
        guest,
        home_tenant: n
            .chance(70)
            .then(|| n.pick(&["t-a", "t-b", "t-c"]).to_owned()),
        groups: memberships(n, &GROUPS),
        roles: if n.chance(8) {
            Memberships::known([ROLES[2]])
        } else {
            memberships(n, &ROLES[..2])
        },
        eligible_roles: Vec::new(),
        methods: if n.chance(8) {
            Fact::Unknown(unread())
        } else {
            Fact::Known(methods(n))
        },
        devices: match n.below(10) {
            0..=5 => Fact::Known(Vec::new()),
            6 => Fact::Unknown(unread()),
            _ => Fact::Known((0..=n.below(2)).map(|_| device(n)).collect()),
        },
        enabled: match n.below(25) {
            0 => Fact::Known(false),
            1 => Fact::Unknown(unread()),
            _ => Fact::Known(true),
        },
        federated: Fact::Known(n.chance(10)),
        per_user_mfa: n.chance(5),
    }
}

fn memberships(n: &mut Numbers, ids: &[&str]) -> Memberships {
    if n.chance(7) {
        return Memberships::unread("it was not read");
    }
    let mut memberships = Memberships::default();
    for id in ids {
        match n.below(10) {
            0..=2 => drop(memberships.held.insert((*id).to_owned(), Path::default())),
            3 if n.chance(50) => {
                let path = Path {
                    through: vec!["g-nested".to_owned()],
                    include_only: true,
                };
                memberships.held.insert((*id).to_owned(), path);
            }
            4 if n.chance(40) => {
                let why = "a rule that was not evaluated".to_owned();
                memberships.unknown.insert((*id).to_owned(), why);
            }
            _ => {}
        }
    }
    memberships
}

fn methods(n: &mut Numbers) -> Vec<UsableMethod> {
    let mut hello = UsableMethod::new("windowsHelloForBusiness");
    hello.device_bound = true;
    let mut certificate = UsableMethod::new("x509CertificateMultiFactor");
    certificate.certain = false;
    let all = [
        UsableMethod::new("fido2").model(KEY),
        UsableMethod::new("fido2").model("bbbbbbbb-1111-2222-3333-444444444444"),
        UsableMethod::new("fido2"),
        UsableMethod::new("password"),
        UsableMethod::new("password,microsoftAuthenticatorPush"),
        UsableMethod::new("password,sms"),
        UsableMethod::new("temporaryAccessPassOneTime"),
        UsableMethod::new("externalMfa"),
        hello,
        certificate,
    ];
    if n.chance(5) {
        return Vec::new();
    }
    n.some(&all, 3)
}

/// A device of the words that the rules use.
pub(crate) fn device(n: &mut Numbers) -> Device {
    let mut device = json!({});
    let mut set = |key: &str, values: &[Value]| {
        if n.chance(65) {
            device[key] = n.pick(values);
        }
    };
    set(
        "trustType",
        &["AzureAD", "ServerAD", "Workplace"].map(Value::from),
    );
    set("isCompliant", &[true, false].map(Value::from));
    set("managed", &[true, false].map(Value::from));
    set("extensionAttribute1", &["SAW", "other"].map(Value::from));
    set("displayName", &["PC-7", "PC-1", "17", "x"].map(Value::from));
    set("operatingSystem", &["Windows", "iOS"].map(Value::from));
    set("model", &["Tab", "Brick"].map(Value::from));
    set("deviceOwnership", &["Company", "Personal"].map(Value::from));
    serde_json::from_value(device).unwrap()
}
