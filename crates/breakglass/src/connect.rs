//! From configuration and command line to a connected tenant.

use std::{io::IsTerminal, sync::Arc};

use breakglass_entra::{Ask, Cloud, Credential, Entra, Error, Https, Prompt, Service, Trust, Wait};
use breakglass_model::TenantId;
use url::Url;

use crate::{
    cli::{CloudName, ConnectArgs, Login},
    clock::SystemClock,
    config::{self, Identity, Proof, Secret},
    failure::Failure,
    input, output,
    settings::Settings,
};

/// Connects with the identity that reads the configuration of the tenant, or as the person that `--login` lets in.
///
/// # Errors
/// When nobody is configured or named, or a certificate cannot be read. Nothing is sent yet.
pub fn posture(settings: &Settings, args: &ConnectArgs) -> Result<Entra, Failure> {
    connected(settings, args, credential(settings, args)?)
}

/// Connects with an identity of the configuration; `None`: it names none of that purpose.
///
/// # Errors
/// When a certificate or secret cannot be read. Nothing is sent yet.
pub fn configured(settings: &Settings, purpose: &str) -> Result<Option<Entra>, Failure> {
    let Some(identity) = settings.identity(purpose)? else {
        return Ok(None);
    };
    let args = ConnectArgs::default();
    let credential = from_identity(identity, named_tenant(settings, &args), purpose == "apply")?;
    connected(settings, &args, credential).map(Some)
}

/// Connects with the identity that writes, from its own file.
///
/// # Errors
/// When it is not configured there, or a certificate cannot be read. Nothing is sent yet.
pub fn apply(settings: &Settings) -> Result<Entra, Failure> {
    configured(settings, "apply")?.ok_or_else(|| {
        Failure::usage("no identity is named that may write").help(
            "configure `[identity.apply]` in a file of its own and name it with --identity (docs/plan.md)",
        )
    })
}

/// Connects as the person that `--login` lets in, with what writing needs.
///
/// # Errors
/// When no way is named, or a certificate cannot be read. Nothing is sent yet.
pub fn enroll(settings: &Settings, args: &ConnectArgs) -> Result<Entra, Failure> {
    let tenant = named_tenant(settings, args);
    let Some(login) = args.login else {
        return Err(Failure::usage("nobody is named who may register a key").help(
            "sign in as a person: --login browser (or device-code, azure-cli), or name a file with `[identity.apply]` by \
             --identity (docs/keys.md)",
        ));
    };
    connected(settings, args, by_person(login, tenant, true))
}

fn connected(
    settings: &Settings,
    args: &ConnectArgs,
    credential: Credential,
) -> Result<Entra, Failure> {
    let (cloud, trust) = cloud(settings, args)?;
    let transport =
        Arc::new(Https::new(&trust).map_err(|error| Failure::usage(error.to_string()))?);
    let clock = Arc::new(SystemClock);
    let tokens = credential
        .tokens(&cloud, transport.clone(), clock.clone(), prompt())
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Entra::new(
        cloud,
        tokens,
        transport,
        clock,
        Arc::new(waiting),
    ))
}

/// That the tenant that answers is the one that was read.
///
/// # Errors
/// When it is another one, or when no token was given.
pub async fn same_tenant(entra: &Entra, read: Option<&TenantId>) -> Result<(), Failure> {
    let granted = entra.granted(Service::Graph).await.map_err(failed)?;
    match (&granted.tenant, read) {
        (Some(connected), Some(read)) if !read.to_string().eq_ignore_ascii_case(connected) => {
            Err(Failure::usage(format!(
                "the snapshot is of the tenant {read}, and the configuration connects to {connected}"
            ))
            .help("collect a snapshot of that tenant, or name another configuration with --config"))
        }
        _ => Ok(()),
    }
}

/// The failure for a call that was not answered: exit 2 when the identity or the address is wrong, else 4.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub fn failed(error: Error) -> Failure {
    let text = error.to_string();
    match error {
        Error::SignIn(_) if !error.is_transient() => Failure::usage(text),
        _ => Failure::broke(text),
    }
}

fn cloud(settings: &Settings, args: &ConnectArgs) -> Result<(Cloud, Trust), Failure> {
    let mut trust = Trust::default();
    let named = |name: &str| {
        Cloud::named(name).ok_or_else(|| Failure::usage(format!("there is no cloud `{name}`")))
    };
    let name = match (args.cloud, &settings.config.cloud) {
        (Some(CloudName::Public), _) | (None, config::Cloud::Public) => "public",
        (Some(CloudName::Usgov), _) | (None, config::Cloud::UsGov) => "usgov",
        (Some(CloudName::UsgovDod), _) | (None, config::Cloud::UsGovDod) => "usgov-dod",
        (Some(CloudName::China), _) | (None, config::Cloud::China) => "china",
        (
            None,
            config::Cloud::Custom {
                login,
                graph,
                arm,
                logs,
                ca_file,
            },
        ) => {
            if let Some(file) = ca_file {
                trust
                    .extra_roots
                    .push(input::bytes("the certificate file", file).map_err(Failure::usage_code)?);
            }
            let address = |text: &str| {
                Url::parse(text).map_err(|error| {
                    Failure::usage(format!("`{text}` in `cloud` is no address: {error}"))
                })
            };
            let cloud = Cloud::custom(
                address(login)?,
                address(graph)?,
                address(arm)?,
                address(logs)?,
            );
            return Ok((cloud, trust));
        }
    };
    Ok((named(name)?, trust))
}

fn credential(settings: &Settings, args: &ConnectArgs) -> Result<Credential, Failure> {
    let tenant = named_tenant(settings, args);
    if let Some(login) = args.login {
        return Ok(by_person(login, tenant, false));
    }
    let Some(identity) = settings.identity("posture")? else {
        return Err(Failure::usage("nobody is named who may read the tenant").help(
            "sign in as a person: --login browser (or device-code, azure-cli), or configure `[identity.posture]`: \
             breakglass init",
        ));
    };
    from_identity(identity, tenant, false)
}

fn named_tenant(settings: &Settings, args: &ConnectArgs) -> Option<String> {
    let configured = settings.config.tenant_id.as_ref().map(ToString::to_string);
    args.tenant_id.clone().or(configured)
}

fn by_person(login: Login, tenant: Option<String>, writes: bool) -> Credential {
    match login {
        Login::Browser => Credential::Browser {
            tenant,
            client: None,
            writes,
        },
        Login::DeviceCode => Credential::DeviceCode {
            tenant,
            client: None,
            writes,
        },
        Login::AzureCli => Credential::AzureCli { tenant },
    }
}

fn from_identity(
    identity: Identity<Secret>,
    tenant: Option<String>,
    writes: bool,
) -> Result<Credential, Failure> {
    let client = identity.client_id;
    let needed = || {
        let client = client.clone().unwrap_or_default();
        let tenant = tenant.clone().ok_or_else(|| {
            Failure::usage("the tenant is not named")
                .help("write `id` in `[tenant]`, or give --tenant-id")
        });
        tenant.map(|tenant| (tenant, client))
    };
    Ok(match identity.proof {
        Proof::Certificate {
            certificate_file,
            key_file,
        } => {
            let mut pem =
                input::bytes("the certificate", &certificate_file).map_err(Failure::usage_code)?;
            if let Some(key) = key_file {
                pem.push(b'\n');
                pem.extend(input::bytes("the private key", &key).map_err(Failure::usage_code)?);
            }
            let (tenant, client) = needed()?;
            Credential::Certificate {
                tenant,
                client,
                pem,
            }
        }
        Proof::Secret(secret) => {
            let (tenant, client) = needed()?;
            Credential::Secret {
                tenant,
                client,
                secret: secret.reveal().to_owned(),
            }
        }
        Proof::FederatedToken(token_file) => {
            let (tenant, client) = needed()?;
            Credential::Federated {
                tenant,
                client,
                token_file,
            }
        }
        Proof::ManagedIdentity => Credential::ManagedIdentity { client },
        Proof::AzureCli => Credential::AzureCli { tenant },
        Proof::DeviceCode => Credential::DeviceCode {
            tenant,
            client,
            writes,
        },
        Proof::Browser => Credential::Browser {
            tenant,
            client,
            writes,
        },
    })
}

/// Shows a person what to do, on standard error; opens the browser where there is a desktop.
fn prompt() -> Prompt {
    Arc::new(|ask| match ask {
        Ask::EnterCode(sentence) => output::tell!("{sentence}"),
        Ask::OpenBrowser(address) => {
            output::tell!(
                "Sign in in the browser. If none opens, open this address on this machine:\n  {address}"
            );
            open(address);
        }
    })
}

/// Hands an address to the desktop. Where there is none the printed address is enough.
fn open(address: &Url) {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        if !has_desktop {
            return;
        }
        ("xdg-open", &[])
    };
    let _started = std::process::Command::new(program)
        .args(arguments)
        .arg(address.as_str())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// Says what is waited for, when that takes long enough to wonder; in a log only when it takes long.
fn waiting(wait: &Wait) {
    let enough = if std::io::stderr().is_terminal() {
        2
    } else {
        10
    };
    if wait.time.as_secs() >= enough {
        output::tell!("  waiting {} s: {}", wait.time.as_secs(), wait.why);
    }
}
