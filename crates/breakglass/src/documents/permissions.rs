//! `docs/permissions.md`, and the lists from which `scripts/app-registrations/create` grants.
//!
//! Invariants:
//! - page and lists come from one table (`breakglass_entra::permissions`), so that the page, the scripts and what the
//!   program asks for cannot drift apart;
//! - a list holds what its commands need and nothing else.

use std::fmt::Write as _;

use breakglass_entra::{
    Service,
    permissions::{self, MICROSOFT_GRAPH, Need},
};

/// A purpose that has an app registration of its own, and the commands that use it.
struct Registration {
    purpose: &'static str,
    commands: &'static [&'static str],
    /// Limits are counted for each application (Microsoft Graph, *Microsoft Graph throttling limits*).
    why: &'static str,
}

const REGISTRATIONS: &[Registration] = &[
    Registration {
        purpose: "watch",
        commands: &["watch"],
        why: "reads logs, the accounts and the policies, all day; its limits are its own, so that a long `collect` does not make it late",
    },
    Registration {
        purpose: "posture",
        commands: &["collect", "check", "lockout"],
        why: "reads the configuration; changes nothing",
    },
    Registration {
        purpose: "apply",
        commands: &["apply", "key enroll"],
        why: "changes the tenant; made when it is needed, kept on another machine, removed afterwards",
    },
];

/// A command in the page.
struct Command {
    title: &'static str,
    /// Its name in the table.
    name: &'static str,
    note: &'static str,
}

const COMMANDS: &[Command] = &[
    Command {
        title: "collect",
        name: "collect",
        note: "Reads one snapshot. Whatever is not granted is listed in the snapshot with the permission that would allow it; the rest is read all the same.",
    },
    Command {
        title: "check",
        name: "check",
        note: "Judges a snapshot, and then needs no permission at all. These are the ones that the snapshot has to be collected with, so that no check ends as *cannot tell*.",
    },
    Command {
        title: "lockout --confirm",
        name: "lockout",
        note: "`lockout` judges a snapshot without any permission; `--confirm` calls `POST /identity/conditionalAccess/evaluate`, which needs **Policy.Read.ConditionalAccess** alone. The other permissions are the ones that its snapshot has to be collected with.",
    },
    Command {
        title: "watch",
        name: "watch",
        note: "For a later version, which reads the tenant's logs itself. `watch` of this version follows files and needs nothing.",
    },
    Command {
        title: "apply",
        name: "apply",
        note: "Takes the steps of an approved plan; each step of a plan names what it needs, so grant only that. Where a plan only adds members to a group that is there, **GroupMember.ReadWrite.All** does in place of Group.ReadWrite.All. The tenant is read with the posture identity; without one in `--config` this identity reads it, and then needs what `collect` needs too. Four kinds of step are taken from signed-in people only: the settings of roles (`RoleManagementPolicy.ReadWrite.Directory`, Privileged Role Administrator), the methods policy (`Policy.ReadWrite.AuthenticationMethod`, Authentication Policy Administrator), what users may do (`Policy.ReadWrite.Authorization`, Privileged Role Administrator), and security defaults (`Policy.ReadWrite.SecurityDefaults`, Conditional Access Administrator). Whoever holds `RoleManagement.ReadWrite.Directory` can make anybody a Global Administrator, so guard this registration like an emergency access account.",
    },
    Command {
        title: "key enroll",
        name: "key enroll",
        note: "Registers a key that it verified, as a person (`--login`) or with the file that `apply` takes (`--identity`). To find the account it needs **User.ReadBasic.All** besides (app role `97235f07-e226-4f63-ace3-39588e11d3a1`), which `User.ReadWrite.All` of `apply` covers. For an account in a restricted management administrative unit it takes a role that is assigned in that unit as well; a person needs Privileged Authentication Administrator.",
    },
];

/// The API behind a workspace's logs, and the one permission that it has (Azure Monitor, *Access the API*). The Azure
/// role at the workspace decides what may be read; the permission only lets an application get a token.
const LOG_ANALYTICS: &str = "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5";
const DATA_READ: (&str, &str) = ("Data.Read", "e8f6e161-84d0-4cd7-9441-2d46ec9ec3d5");

/// Azure's built-in roles by id (Azure, *built-in roles*).
const AZURE_ROLES: &[(&str, &str)] = &[
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    (
        "Log Analytics Reader",
        "73c42c96-874c-492b-b04d-ab87d138a893",
    ),
    ("Monitoring Reader", "43d0d8ad-25c7-4714-9337-8ba259a9fe05"),
    (
        "Microsoft Sentinel Reader",
        "8d289c81-5878-46d4-8554-54e1e3d8b5cb",
    ),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    (
        "Log Analytics Contributor",
        "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
    ),
    (
        "Monitoring Contributor",
        "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
    ),
    (
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    ),
];

/// What nobody is asked for, although it would be convenient or is often granted, and what is used in its place.
const NOT_ASKED_FOR: &[(&str, &str)] = &[
    (
        "Directory.Read.All",
        "reads nearly every object of the directory; single permissions for accounts, groups, domains, units and applications do",
    ),
    (
        "Directory.ReadWrite.All",
        "writes nearly every object of the directory; nothing needs it",
    ),
    (
        "Application.ReadWrite.All",
        "could add a key to any application and act as it",
    ),
    (
        "AppRoleAssignment.ReadWrite.All",
        "could give itself any permission",
    ),
    (
        "UserAuthMethod-TAP.ReadWrite.All",
        "could make a temporary pass for anybody, and so sign in as anybody",
    ),
    (
        "Policy.ReadWrite.AuthenticationMethod",
        "switches methods on and off for the whole tenant; no application gets it, a person signs in for that step",
    ),
    (
        "Policy.ReadWrite.SecurityDefaults",
        "switches security defaults on and off; no application gets it, a person signs in for that step",
    ),
    (
        "Policy.ReadWrite.Authorization",
        "decides what every user and guest may do; no application gets it, a person signs in for that step",
    ),
    (
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "a permanent role needs no schedule",
    ),
    ("User.DeleteRestore.All", "nothing deletes an account"),
    (
        "Mail.Send",
        "alerts do not go through the tenant that they report on",
    ),
    (
        "Mail.Read",
        "no content of the tenant's users is read: no mail, no files, no chats",
    ),
];

/// Path and text of the page and of every list.
pub(super) fn all() -> Vec<(String, String)> {
    let mut documents = vec![("docs/permissions.md".to_owned(), page())];
    for registration in REGISTRATIONS {
        documents.push((
            format!(
                "scripts/app-registrations/{}.permissions",
                registration.purpose
            ),
            list(registration),
        ));
    }
    documents
}

/// A permission of an application: its name, its app role and the application that it is a permission of.
struct Grant {
    name: &'static str,
    role: &'static str,
    api: &'static str,
}

fn grants(commands: &[&str]) -> Vec<Grant> {
    let mut names: Vec<&'static str> = commands
        .iter()
        .flat_map(|command| permissions::graph_permissions(command))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut grants: Vec<Grant> = names
        .into_iter()
        .filter_map(permissions::app)
        .map(|app| Grant {
            name: app.name,
            role: app.role,
            api: MICROSOFT_GRAPH,
        })
        .collect();
    let reads_logs = commands
        .iter()
        .flat_map(|command| permissions::for_command(command))
        .any(|need| need.service == Service::Logs);
    if reads_logs {
        grants.push(Grant {
            name: DATA_READ.0,
            role: DATA_READ.1,
            api: LOG_ANALYTICS,
        });
    }
    grants
}

fn list(registration: &Registration) -> String {
    let mut text = format!(
        "# App roles of the app registration `{}`: permission, app role id, application id of the API.\n\
         # Written by `cargo xtask generate`; docs/permissions.md says what each is for.\n",
        registration.purpose
    );
    for grant in grants(registration.commands) {
        let _infallible = writeln!(text, "{} {} {}", grant.name, grant.role, grant.api);
    }
    text
}

fn page() -> String {
    let mut text = String::from(
        "# Permissions\n\nWritten by `cargo xtask generate` from the table in `crates/entra/src/permissions/`, from which \
         `collect` and `doctor` take their advice too.\n\n\
         The least that each command needs. Every part of the program that only judges what it is given (`check`, `lockout`, \
         `plan`, `key list`, `demo`, `lab`) needs nothing.\n",
    );
    person(&mut text);
    text.push_str("\n## Each command, with an app registration\n");
    for command in COMMANDS {
        of_command(&mut text, command);
        if command.name == "lockout" {
            text.push_str(
                "\n### `doctor`\n\nNeeds nothing of its own: it signs in with every identity of the configuration (and with the one that \
                 writes, by `--identity`) and compares what each holds with what its commands need: what is missing, and what \
                 is too much. As `[identity.posture]` it reads `/organization` (Organization.Read.All), `/domains` (Domain.Read.All), \
                 the subscriptions (Reader) and the diagnostic settings of the directory (Security Reader), and gets a \
                 token for the Log Analytics API (Data.Read). Other roles in Azure it does not compare.\n",
            );
        }
    }
    azure(&mut text);
    text.push_str("\n## What is not asked for\n\n| permission | why not |\n|---|---|\n");
    for (name, why) in NOT_ASKED_FOR {
        let _infallible = writeln!(text, "| {name} | {why} |");
    }
    text.push_str(
        "\nNo reading command asks for a permission that writes, and no application needs the Entra role Global Reader.\n",
    );
    registrations(&mut text);
    text
}

/// The roles of a person, from the column of the table that an application does not need.
fn person(text: &mut String) {
    text.push_str(
        "\n## A person, for a first look\n\nNo app registration is needed (`collect --login browser`, `device-code` or `azure-cli`). \
         What a person sees depends on their roles and on what the client that they sign in with was consented to. \
         **Global Reader** in Entra does for everything in Microsoft Graph but custom security attributes; **Reader** in the \
         Azure subscription with the alert rules does for everything in Azure.\n\n\
         | least role | what it reads |\n|---|---|\n",
    );
    let needs = permissions::for_command("collect");
    let mut roles: Vec<&str> = needs.iter().map(|need| need.role).collect();
    roles.sort_unstable();
    roles.dedup();
    for role in roles {
        let title = if role.is_empty() {
            "none (every member may)"
        } else {
            role
        };
        let what: Vec<&str> = needs
            .iter()
            .filter(|need| need.role == role)
            .map(|need| need.collection)
            .collect();
        let _infallible = writeln!(text, "| {title} | {} |", what.join(", "));
    }
}

fn of_command(text: &mut String, command: &Command) {
    let needs = permissions::for_command(command.name);
    let _infallible = write!(
        text,
        "\n### `{}`\n\n{}\n\n| permission | app role id | {} |\n|---|---|---|\n",
        command.title,
        command.note,
        if matches!(command.name, "apply" | "key enroll") {
            "what it is for"
        } else {
            "what it is read for"
        },
    );
    for grant in grants(&[command.name]) {
        let what = if grant.api == LOG_ANALYTICS {
            format!(
                "a token for the Log Analytics API (`{LOG_ANALYTICS}`); the Azure role at the workspace decides what it reads"
            )
        } else {
            reasons(&needs, |need| {
                need.service == Service::Graph && need.application.contains(&grant.name)
            })
        };
        let _infallible = writeln!(text, "| {} | `{}` | {what} |", grant.name, grant.role);
    }
    let mut roles: Vec<&str> = needs
        .iter()
        .filter(|need| need.service != Service::Graph)
        .flat_map(|need| need.application)
        .copied()
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return;
    }
    text.push_str("\nAnd in Azure:\n\n| role | what it is read for |\n|---|---|\n");
    for role in roles {
        let what = reasons(&needs, |need| {
            need.service != Service::Graph && need.application.contains(&role)
        });
        let _infallible = writeln!(text, "| {role} | {what} |");
    }
}

/// The reasons of some rows, each once, in the order of the table.
fn reasons(needs: &[&'static Need], of: impl Fn(&Need) -> bool) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for need in needs.iter().filter(|need| of(need)) {
        if !reasons.contains(&need.why) {
            reasons.push(need.why);
        }
    }
    reasons.join("; ")
}

fn azure(text: &mut String) {
    text.push_str(
        "\n## Roles in Azure\n\n\
         **Reader** in the subscription that holds workspace and alert rules is all that `collect` asks for there, and is what \
         `create posture --subscription` gives. Rules, receivers, workspaces, locks, alerts that fired and the activity log are \
         listed for a whole subscription, so a role in a resource group does not do. Log Analytics Reader and Monitoring \
         Reader read as much as Reader, so each of them does in its place; Microsoft Sentinel Reader reads less, and is \
         enough for what is said of it above. An event hub or storage account that a diagnostic setting names may \
         be in another subscription: give Reader at it, else `collect` says that it could not be read.\n\n\
         ```sh\n\
         az role assignment create --assignee-object-id <principal> --assignee-principal-type ServicePrincipal \\\n  \
         --role acdd72a7-3385-48ef-bd42-f606fba81ae7 --scope <resource id of the namespace or storage account>\n\
         ```\n\n\
         What `apply` writes in Azure needs a role for each kind of step, and `create apply` gives them only where these \
         options say so:\n\n\
         | option | role | where | steps |\n|---|---|---|---|\n\
         | `--workspace` | Log Analytics Contributor | the workspace | daily cap, retention |\n\
         | `--workspace` | Monitoring Contributor | its resource group | alert rules, action groups, activity log alerts |\n\
         | `--workspace` | Role Based Access Control Administrator | its resource group | the roles of a rule's identity |\n\
         | `--event-hub-rule` | Contributor | the authorization rule | its keys, for a setting that sends to the event hub |\n\
         | `--diagnostic-settings` | Contributor | `/providers/Microsoft.aadiam` | the diagnostic settings of the directory |\n\n\
         Role Based Access Control Administrator is given under the condition that it may give and take Reader and Log \
         Analytics Reader only, and only to service principals (managed identities are such): without it, who holds it could make anybody \
         Owner of the resource group. Monitoring Contributor may also read the keys of the workspace. The role at `/providers/Microsoft.aadiam` is given by \
         somebody who has User Access Administrator at the root (`/`), which a Global Administrator takes for as long as it is \
         needed. Where the action group is in another resource group than the workspace, give Monitoring Contributor and \
         Role Based Access Control Administrator there by hand. A person needs the same roles, or in place of the last \
         Security Administrator in Entra.\n\n| role | id |\n|---|---|\n",
    );
    for (name, id) in AZURE_ROLES {
        let _infallible = writeln!(text, "| {name} | `{id}` |");
    }
    text.push_str(
        "\nThe diagnostic settings of the directory itself (`/providers/microsoft.aadiam/diagnosticSettings`) belong to no \
         subscription, so no role in one reads them. The Entra role **Security Reader** does, for a person and for a service \
         principal; `create posture --diagnostic-settings` gives it. Without it `collect` says that they could not be \
         read, and the checks on them end as *cannot tell*. Security Reader also reads much of what the permissions above \
         read, security alerts too: leave it out if that is more than you want to give, and read these settings now and \
         then with `collect --login browser`.\n",
    );
}

fn registrations(text: &mut String) {
    text.push_str(
        "\n## The app registrations\n\n| registration | commands | what it does |\n|---|---|---|\n",
    );
    for registration in REGISTRATIONS {
        let commands: Vec<String> = registration
            .commands
            .iter()
            .map(|command| format!("`{command}`"))
            .collect();
        let _infallible = writeln!(
            text,
            "| `{}` | {} | {} |",
            registration.purpose,
            commands.join(", "),
            registration.why
        );
    }
    text.push_str(
        "\n`scripts/app-registrations/create` makes one. It needs the Azure CLI, signed in as somebody who may create \
         applications and give them app roles of Microsoft Graph (Privileged Role Administrator), and `openssl`:\n\n\
         ```sh\n\
         az login --allow-no-subscriptions\n\
         scripts/app-registrations/create posture --dry-run     # prints every command, runs none\n\
         scripts/app-registrations/create posture --subscription <id> --diagnostic-settings\n\
         scripts/app-registrations/create watch\n\
         scripts/app-registrations/create apply --workspace <resource id> --diagnostic-settings >apply.toml\n\
         ```\n\n\
         It makes a key and a certificate (`posture.pem`, mode 0600; `--certificate-days`, 180 unless told, 7 for `apply`), \
         creates the application `breakglass-posture` and its service principal, uploads the certificate without the key, \
         gives each app role in `posture.permissions`, and prints the lines for `breakglass.toml`. It can be run again: \
         what is there is left, what is missing is added, and an app role beyond the list is pointed out but not taken \
         away. Run it again with another `--certificate` before the old one ends. App roles are given directly, which is \
         administrator consent; the portal shows them as *other permissions granted*.\n\n\
         `scripts/app-registrations/remove posture` removes the application with its service principal, certificates and \
         app roles. Its Azure roles go first, where the options name them that gave them (`--subscription`; for `apply` \
         `--workspace`, `--event-hub-rule`, `--diagnostic-settings`). The PEM file is yours to delete.\n\n\
         The ids of app roles are those of the public cloud; the addresses are those of the cloud that `az cloud set` \
         chose.\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(purpose: &str) -> Vec<&'static str> {
        REGISTRATIONS
            .iter()
            .filter(|registration| registration.purpose == purpose)
            .flat_map(|registration| grants(registration.commands))
            .map(|grant| grant.name)
            .collect()
    }

    #[test]
    fn every_permission_of_a_command_is_in_the_list_of_its_registration() {
        for registration in REGISTRATIONS {
            let listed = names(registration.purpose);
            for command in registration.commands {
                for permission in permissions::graph_permissions(command) {
                    assert!(
                        listed.contains(&permission),
                        "{command} needs {permission}, which {} does not get",
                        registration.purpose
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_asked_for_is_in_no_list() {
        for registration in REGISTRATIONS {
            for name in names(registration.purpose) {
                assert!(
                    NOT_ASKED_FOR.iter().all(|(unwanted, _)| *unwanted != name),
                    "{} gets {name}",
                    registration.purpose
                );
            }
        }
    }

    #[test]
    fn only_the_registration_that_applies_can_write() {
        for purpose in ["watch", "posture"] {
            for name in names(purpose) {
                assert!(!name.contains("Write"), "{purpose} gets {name}");
            }
        }
        assert!(names("apply").iter().any(|name| name.contains("Write")));
    }

    #[test]
    fn every_azure_role_in_the_table_has_its_id_in_the_page() {
        for need in permissions::all()
            .iter()
            .filter(|need| need.service != Service::Graph)
        {
            let is_known = AZURE_ROLES.iter().any(|(name, _)| *name == need.role)
                || need.role == "Security Reader (Entra)";
            assert!(is_known, "{} of {}", need.role, need.collection);
        }
    }

    #[test]
    fn every_command_of_the_table_has_a_section() {
        let page = page();
        for need in permissions::all() {
            for command in need.used_by {
                assert!(
                    page.contains(&format!("\n### `{command}")),
                    "{command} has no section"
                );
            }
        }
    }
}
