//! The scripts that create app registrations, against the table that they grant from and a stand-in for the Azure CLI.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use breakglass_entra::{
    Service,
    permissions::{MICROSOFT_GRAPH, app, for_command, graph_permissions},
};

use crate::support::{code, err, out};

/// Registrations, and the commands that each is for.
const PURPOSES: [(&str, &[&str]); 3] = [
    ("watch", &["watch"]),
    ("posture", &["collect", "check", "lockout"]),
    ("apply", &["apply", "key enroll"]),
];

const SUBSCRIPTION: &str = "5c1e0d7a-0000-4000-8000-00000000abcd";
const GROUP: &str = "/subscriptions/5c1e0d7a-0000-4000-8000-00000000abcd/resourceGroups/alerts";
const WORKSPACE: &str = "/subscriptions/5c1e0d7a-0000-4000-8000-00000000abcd/resourceGroups/alerts/providers/\
                         Microsoft.OperationalInsights/workspaces/logs";
const EVENT_HUB_RULE: &str = "/subscriptions/5c1e0d7a-0000-4000-8000-00000000abcd/resourceGroups/alerts/providers/\
                              Microsoft.EventHub/namespaces/out/authorizationRules/send";
const DIRECTORY: &str = "/providers/Microsoft.aadiam";
/// What `create apply` and `remove apply` are told of Azure.
const IN_AZURE: [&str; 6] = [
    "apply",
    "--workspace",
    WORKSPACE,
    "--event-hub-rule",
    EVENT_HUB_RULE,
    "--diagnostic-settings",
];

/// Answers like the Azure CLI of a tenant in which only what the folder `$STATE` remembers exists. Each call is a line
/// of `$STATE/calls`.
const AZ: &str = r#"#!/usr/bin/env bash
set -euo pipefail
printf '%s\n' "$*" >>"$STATE/calls"
# Like the real one, which may read what stands on standard input.
cat >/dev/null
all="$*"
case "$all" in
  'account show --output none') ;;
  'account show'*) echo 3f2a0c7e-58b1-4a9d-9d0e-6d7f0f6c9a11 ;;
  'cloud show'*) echo https://graph.example/ ;;
  'ad app list'*) cat "$STATE/app" 2>/dev/null || true ;;
  'ad app create'*) echo a0000000-0000-4000-8000-000000000001 | tee "$STATE/app" ;;
  'ad app credential list'*) cat "$STATE/thumbprints" 2>/dev/null || true ;;
  'ad app credential reset'*)
    file=${all##*--cert @}; file=${file%% *}
    ! grep -q PRIVATE "$file"
    openssl x509 -in "$file" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' >>"$STATE/thumbprints" ;;
  'ad app delete'*) rm "$STATE/app" ;;
  "ad sp list --filter appId eq '00000003-"*) echo graph-principal ;;
  "ad sp list --filter appId eq 'ca7f3f0b-"*) cat "$STATE/logs-principal" 2>/dev/null || true ;;
  'ad sp create --id ca7f3f0b-'*) echo logs-principal | tee "$STATE/logs-principal" ;;
  'ad sp list'*) cat "$STATE/principal" 2>/dev/null || true ;;
  'ad sp create'*) echo own-principal | tee "$STATE/principal" ;;
  'rest --method GET --url https://graph.example/v1.0/servicePrincipals/own-principal/appRoleAssignments'*)
    cat "$STATE/held" 2>/dev/null || true ;;
  'rest --method POST --url https://graph.example/v1.0/servicePrincipals/own-principal/appRoleAssignments'*)
    if [ -e "$STATE/forbid" ]; then echo 'Forbidden(Authorization_RequestDenied)' >&2; exit 1; fi
    role=${all##*\"appRoleId\":\"}; echo "${role%%\"*}" >>"$STATE/held" ;;
  'rest --method GET --url https://graph.example/v1.0/roleManagement/'*) cat "$STATE/entra" 2>/dev/null || true ;;
  'rest --method POST --url https://graph.example/v1.0/roleManagement/'*) echo one >>"$STATE/entra" ;;
  'role assignment '*)
    id=${all##*--role }; scope=${all##*--scope }; one="${id%% *} ${scope%% *}"
    case $3 in
      list) grep -xF "$one" "$STATE/azure" 2>/dev/null || true ;;
      create) echo "$one" >>"$STATE/azure" ;;
      delete) left=$(grep -vxF "$one" "$STATE/azure" || true); printf '%s' "${left:+$left
}" >"$STATE/azure" ;;
    esac ;;
  *) echo "unexpected: $*" >&2; exit 64 ;;
esac
"#;

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/app-registrations")
}

/// Runs a script in a folder whose `bin/az` is the stand-in.
fn script(place: &Path, name: &str, arguments: &[&str]) -> Output {
    let bin = place.join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        let az = bin.join("az");
        fs::write(&az, AZ).unwrap();
        fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    Command::new(scripts().join(name))
        .args(arguments)
        .current_dir(place)
        .env("PATH", path)
        .env("STATE", place)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn lines(place: &Path, file: &str) -> Vec<String> {
    fs::read_to_string(place.join(file))
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// App roles that the table asks for, those of Microsoft Graph only.
fn table(commands: &[&str]) -> BTreeSet<String> {
    commands
        .iter()
        .flat_map(|command| graph_permissions(command))
        .map(|name| app(name).unwrap().role.to_owned())
        .collect()
}

/// App roles of Microsoft Graph in the list of a registration.
fn listed(purpose: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(scripts().join(format!("{purpose}.permissions"))).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#') && line.ends_with(MICROSOFT_GRAPH))
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn a_dry_run_grants_exactly_what_the_table_says_and_calls_nothing() {
    for (purpose, commands) in PURPOSES {
        let place = tempfile::tempdir().unwrap();
        let output = script(place.path(), "create", &[purpose, "--dry-run"]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        let text = out(&output);
        let asked: BTreeSet<String> = text
            .lines()
            .filter(|line| line.contains("--method POST") && line.contains(MICROSOFT_GRAPH))
            .map(|line| {
                let rest = line.split_once("\"appRoleId\":\"").unwrap().1;
                rest.split_once('"').unwrap().0.to_owned()
            })
            .collect();
        assert_eq!(asked, table(commands), "{purpose}");
        assert_eq!(asked, listed(purpose), "{purpose}");
        assert_eq!(lines(place.path(), "calls"), Vec::<String>::new());
        assert!(!place.path().join(format!("{purpose}.pem")).exists());
        // What it prints can be read by a shell.
        let parsed = Command::new("bash")
            .args(["-n", "-c", &text])
            .output()
            .unwrap();
        assert!(parsed.status.success(), "{}", err(&parsed));
    }
}

#[test]
fn a_registration_is_made_and_a_second_run_changes_nothing() {
    for (purpose, commands) in PURPOSES {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        let mut arguments = vec![purpose];
        let mut azure = 0;
        if purpose == "posture" {
            arguments.extend(["--subscription", SUBSCRIPTION, "--diagnostic-settings"]);
            azure = 1;
        }
        if purpose == "apply" {
            arguments = IN_AZURE.to_vec();
            azure = 5;
        }
        let output = script(place, "create", &arguments);
        assert_eq!(code(&output), 0, "{}", err(&output));

        let file = place.join(format!("{purpose}.pem"));
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let pem = fs::read_to_string(&file).unwrap();
        assert!(pem.contains("BEGIN CERTIFICATE") && pem.contains("BEGIN PRIVATE KEY"));

        let held: BTreeSet<String> = lines(place, "held").into_iter().collect();
        assert!(held.is_superset(&table(commands)), "{purpose}: {held:?}");
        let posture = usize::from(purpose == "posture");
        assert_eq!(held.len(), table(commands).len() + posture, "{purpose}");
        assert_eq!(lines(place, "azure").len(), azure);
        assert_eq!(lines(place, "entra").len(), posture);
        let told = out(&output);
        assert!(
            told.contains("a0000000-0000-4000-8000-000000000001"),
            "{told}"
        );

        let before = lines(place, "calls").len();
        let again = script(place, "create", &arguments);
        assert_eq!(code(&again), 0, "{}", err(&again));
        for call in &lines(place, "calls")[before..] {
            let reads = ["show", " list ", "--method GET"];
            assert!(reads.iter().any(|word| call.contains(word)), "{call}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), pem);
        assert_eq!(out(&again), told);
    }
}

/// Azure roles of the steps of a plan, each where the step needs it and nowhere wider.
#[test]
fn apply_gets_the_azure_roles_that_its_steps_need_and_loses_them_again() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let output = script(place, "create", &IN_AZURE);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let given: BTreeSet<(String, String)> = lines(place, "azure")
        .iter()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(role, scope)| (role.to_owned(), scope.to_owned()))
        .collect();
    let wanted: BTreeSet<(String, String)> = [
        ("92aaf0da-9dab-42b6-94a3-d43ce8d16293", WORKSPACE),
        ("749f88d5-cbae-40b8-bcfc-e573ddc772fa", GROUP),
        ("f58310d9-a9f6-439a-9e8d-f62e7b41a168", GROUP),
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", EVENT_HUB_RULE),
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", DIRECTORY),
    ]
    .map(|(role, scope)| (role.to_owned(), scope.to_owned()))
    .into();
    assert_eq!(given, wanted);

    // Each role of the table is given, and the page has a line for each.
    let page = fs::read_to_string(scripts().join("../../docs/permissions.md")).unwrap();
    for need in for_command("apply")
        .iter()
        .filter(|need| need.service != Service::Graph)
    {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| {} | `", need.role)));
        let id = row.unwrap().split('`').nth(1).unwrap();
        assert!(given.iter().any(|(role, _)| role == id), "{}", need.role);
    }

    // Who may give roles may give the two that only read, and only to applications and machines.
    let calls = lines(place, "calls");
    let condition = calls
        .iter()
        .find(|call| call.contains("create") && call.contains("--role f58310d9-"))
        .unwrap();
    for words in [
        "!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})",
        "!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})",
        "{acdd72a7-3385-48ef-bd42-f606fba81ae7, 73c42c96-874c-492b-b04d-ab87d138a893}",
        "StringEqualsIgnoreCase {'ServicePrincipal'}",
    ] {
        assert!(condition.contains(words), "{words}: {condition}");
    }
    assert_eq!(condition.matches("--condition ").count(), 1);

    let output = script(place, "remove", &IN_AZURE);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(lines(place, "azure"), Vec::<String>::new());
    assert!(!place.join("app").exists());
}

/// The page speaks of each permission and role that a step of a plan names.
#[test]
fn the_page_has_what_the_steps_of_a_plan_need() {
    let page = fs::read_to_string(scripts().join("../../docs/permissions.md")).unwrap();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../posture/src/plan");
    let mut named = BTreeSet::new();
    for file in crate::support::files(&plan) {
        let text = fs::read_to_string(file).unwrap();
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("permission: \""))
        {
            let told = line.split('"').nth(1).unwrap();
            let words = told.split([' ', ',', ';']);
            named.extend(
                words
                    .filter(|word| word.contains(".Read"))
                    .map(str::to_owned),
            );
            named.extend(told.split_once(" on ").map(|(role, _)| role.to_owned()));
        }
    }
    assert!(named.len() > 9, "{named:?}");
    for name in named {
        assert!(page.contains(&name), "{name}");
    }
}

/// `apply` writes with more than one command, and each says what it needs.
#[test]
fn every_command_that_connects_has_its_part_of_the_page() {
    let page = fs::read_to_string(scripts().join("../../docs/permissions.md")).unwrap();
    for (command, words) in [
        ("collect", &["Monitoring Reader"][..]),
        ("lockout --confirm", &["Policy.Read.ConditionalAccess"]),
        ("doctor", &["--identity"]),
        ("watch", &["AuditLog.Read.All"]),
        ("apply", &["GroupMember.ReadWrite.All", "Contributor"]),
        (
            "key enroll",
            &["UserAuthMethod-Passkey.ReadWrite.All", "User.ReadBasic.All"],
        ),
    ] {
        let (_, part) = page.split_once(&format!("\n### `{command}`\n")).unwrap();
        let part = part.split("\n## ").next().unwrap();
        let part = part.split("\n### ").next().unwrap();
        for word in words {
            assert!(part.contains(word), "{command}: {word}");
        }
    }
    for need in for_command("collect")
        .iter()
        .filter(|need| need.service != Service::Graph)
    {
        assert!(page.contains(need.why), "{}", need.collection);
    }
}

/// What is written of `apply` holds for this version.
#[test]
fn the_lines_for_apply_are_a_file_of_its_own_that_the_commands_take() {
    let place = tempfile::tempdir().unwrap();
    let output = script(place.path(), "create", &["apply"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("--identity"), "{}", err(&output));
    assert!(err(&output).contains("--workspace"), "{}", err(&output));
    fs::write(place.path().join("apply.toml"), out(&output)).unwrap();
    let output = crate::support::program()
        .args(["doctor", "--offline", "--config", "apply.toml"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(
        out(&output).contains("apply.toml: it is valid"),
        "{}{}",
        out(&output),
        err(&output)
    );
}

#[test]
fn the_printed_lines_are_a_valid_configuration() {
    let place = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for purpose in ["posture", "watch"] {
        let output = script(place.path(), "create", &[purpose]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        // Both registrations have their own lines; the tenant is told once.
        let told = out(&output);
        text.push_str(if text.is_empty() {
            &told
        } else {
            told.split_once("\n\n").unwrap().1
        });
        fs::remove_file(place.path().join("app")).unwrap();
    }
    fs::write(place.path().join("breakglass.toml"), text).unwrap();
    let output = crate::support::program()
        .args(["doctor", "--offline", "--format", "json"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(
        out(&output).contains("it is valid"),
        "{}{}",
        out(&output),
        err(&output)
    );
}

#[test]
fn an_app_role_beyond_the_list_is_pointed_out_and_kept() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let extra = app("Directory.Read.All").unwrap().role;
    fs::write(place.join("held"), format!("{extra}\n")).unwrap();
    let output = script(place, "create", &["watch"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains(extra), "{}", err(&output));
    assert!(lines(place, "held").contains(&extra.to_owned()));
}

#[test]
fn a_refused_grant_ends_the_script_with_the_reason() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("forbid"), "").unwrap();
    let output = script(place.path(), "create", &["watch"]);
    assert_eq!(code(&output), 1);
    assert!(
        err(&output).contains("Authorization_RequestDenied"),
        "{}",
        err(&output)
    );
    assert_eq!(out(&output), "");
}

#[test]
fn a_wrong_call_says_what_is_wrong_and_touches_nothing() {
    for (arguments, why) in [
        (&[][..], "watch, posture or apply"),
        (&["watch", "posture"], "one purpose"),
        (&["watch", "--subscription", SUBSCRIPTION], "for posture"),
        (&["apply", "--subscription", SUBSCRIPTION], "--workspace"),
        (&["watch", "--diagnostic-settings"], "for posture and apply"),
        (&["posture", "--workspace", WORKSPACE], "for apply"),
        (
            &["posture", "--event-hub-rule", EVENT_HUB_RULE],
            "for apply",
        ),
        (&["apply", "--workspace", GROUP], "Log Analytics workspace"),
        (
            &["apply", "--event-hub-rule", WORKSPACE],
            "authorization rule",
        ),
        (&["posture", "--subscription", "mine"], "is not an id"),
        (&["posture", "--certificate-days", "0"], "number of days"),
        (&["posture", "--name", "a'b"], "--name"),
        (&["posture", "--name"], "needs a value"),
        (&["posture", "--what"], "not known"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let output = script(place.path(), "create", arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            err(&output).contains(why),
            "{arguments:?}: {}",
            err(&output)
        );
        assert_eq!(lines(place.path(), "calls"), Vec::<String>::new());
    }
}

#[test]
fn a_registration_is_removed_with_its_azure_role() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = ["posture", "--subscription", SUBSCRIPTION];
    assert_eq!(code(&script(place, "create", &arguments)), 0);

    let before = lines(place, "calls").len();
    let dry = script(
        place,
        "remove",
        &["posture", "--subscription", SUBSCRIPTION, "--dry-run"],
    );
    assert_eq!(code(&dry), 0, "{}", err(&dry));
    assert!(out(&dry).contains("az ad app delete"), "{}", out(&dry));
    assert_eq!(lines(place, "calls").len(), before);

    let output = script(place, "remove", &arguments);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(!place.join("app").exists());
    assert_eq!(lines(place, "azure"), Vec::<String>::new());
    let again = script(place, "remove", &arguments);
    assert_eq!(code(&again), 0, "{}", err(&again));
    assert!(
        err(&again).contains("there is no application"),
        "{}",
        err(&again)
    );
}
