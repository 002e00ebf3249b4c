//! The Azure CLI with a custom cloud.

use std::{ffi::OsString, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    ABLE, BREAK_GLASS_GROUP, Outside, SECRET, column, command, installed, list, sorted, twin, users,
};

/// The Azure CLI with a home of its own, to which the twin's cloud is made known.
pub(super) struct Cli<'a> {
    twin: &'a Outside,
    program: OsString,
    home: TempDir,
}

impl<'a> Cli<'a> {
    pub(super) async fn start(twin: &'a Outside) -> Option<Self> {
        let program = installed("BREAKGLASS_TEST_AZ")?;
        let cli = Self {
            twin,
            program,
            home: TempDir::new().unwrap(),
        };
        let places = twin.addresses();
        // The audience of Azure keeps its real name, with the slash that the CLI's own clouds have: it asks for
        // `https://management.azure.com//.default`.
        let endpoints = [
            ("--endpoint-resource-manager", places.arm.as_str()),
            ("--endpoint-management", "https://management.azure.com/"),
            ("--endpoint-active-directory", &places.login),
            (
                "--endpoint-active-directory-resource-id",
                "https://management.azure.com/",
            ),
            (
                "--endpoint-active-directory-graph-resource-id",
                "https://graph.windows.net/",
            ),
            ("--endpoint-microsoft-graph-resource-id", &places.graph),
            (
                "--endpoint-active-directory-data-lake-resource-id",
                "https://datalake.azure.net/",
            ),
        ];
        let mut register = vec![
            "cloud",
            "register",
            "--name",
            "twin",
            "--skip-endpoint-discovery",
        ];
        register.extend(endpoints.iter().flat_map(|(name, value)| [*name, *value]));
        cli.say(&register).await;
        cli.say(&["cloud", "set", "--name", "twin"]).await;
        cli.say(&[
            "config",
            "set",
            "core.instance_discovery=false",
            "extension.use_dynamic_install=no",
        ])
        .await;
        Some(cli)
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.program.clone(), self.twin, ABLE);
        command
            .args(arguments)
            .env("AZURE_CONFIG_DIR", self.home.path())
            .env("AZURE_CORE_COLLECT_TELEMETRY", "no")
            .env("AZURE_CORE_ONLY_SHOW_ERRORS", "yes")
            .env("AZURE_CORE_OUTPUT", "json")
            .env("REQUESTS_CA_BUNDLE", self.twin.authority());
        command
    }

    /// A command without an answer.
    async fn say(&self, arguments: &[&str]) -> String {
        let (success, text, problem) = self.try_to(arguments).await;
        assert!(success, "az {}: {problem}", arguments.join(" "));
        text
    }

    async fn try_to(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = self.command(arguments);
        let done = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            done.status.success(),
            text(&done.stdout),
            text(&done.stderr),
        )
    }

    pub(super) async fn ask(&self, arguments: &[&str]) -> Value {
        let text = self.say(arguments).await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("az {}: {text}", arguments.join(" ")))
    }

    async fn login(&self, secret: &str) -> (bool, String, String) {
        let tenant = self.twin.tenant();
        self.try_to(&[
            "login",
            "--service-principal",
            "--username",
            ABLE,
            "--password",
            secret,
            "--tenant",
            tenant,
        ])
        .await
    }
}

/// What a custom cloud can't do: commands that are extensions of the CLI (`az monitor scheduled-query`, `az sentinel`,
/// `az monitor log-analytics query`, `az alerts-management`) are fetched from an index on the internet when they are first used. What they
/// read is read with `az rest` here.
#[tokio::test(flavor = "multi_thread")]
async fn the_azure_cli_logs_in_and_reads_azure() {
    let twin = twin().await;
    let Some(cli) = Cli::start(&twin).await else {
        return;
    };
    let (success, _, problem) = cli.login("not the secret").await;
    assert!(!success && problem.contains("AADSTS7000215"), "{problem}");
    let (success, text, problem) = cli.login(SECRET).await;
    assert!(success, "{problem}");
    let logged_in: Value = serde_json::from_str(&text).unwrap();
    let accounts = cli.ask(&["account", "list"]).await;
    assert_eq!(accounts, logged_in);
    let subscription = accounts[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(accounts[0]["tenantId"], twin.tenant());
    assert_eq!(accounts[0]["user"]["type"], "servicePrincipal");

    let given = &twin.snapshot["collections"];
    let settings = cli
        .ask(&[
            "rest",
            "--url",
            "/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01",
        ])
        .await;
    assert_eq!(settings["value"], given["diagnosticSettings"]);
    let url = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Insights/scheduledQueryRules?api-version=2023-12-01"
    );
    let rules = cli.ask(&["rest", "--url", &url]).await;
    assert_eq!(rules["value"], given["scheduledQueryRules"]);

    let groups = cli.ask(&["monitor", "action-group", "list"]).await;
    let group = &given["actionGroups"][0];
    assert_eq!(groups[0]["name"], group["name"]);
    // The CLI flattens `properties`.
    assert_eq!(
        groups[0]["emailReceivers"],
        group["properties"]["emailReceivers"]
    );
    assert_eq!(groups[0]["smsReceivers"][0]["status"], "Enabled");
    let id = group["id"].as_str().unwrap();
    let shown = cli
        .ask(&["monitor", "action-group", "show", "--ids", id])
        .await;
    assert_eq!(
        shown["groupShortName"],
        group["properties"]["groupShortName"]
    );

    let spaces = cli
        .ask(&["monitor", "log-analytics", "workspace", "list"])
        .await;
    let space = &spaces[0];
    assert!(space["customerId"].is_string(), "{space}");
    let shown = cli
        .ask(&[
            "monitor",
            "log-analytics",
            "workspace",
            "show",
            "--ids",
            space["id"].as_str().unwrap(),
        ])
        .await;
    assert_eq!(shown["customerId"], space["customerId"]);
    assert!(
        cli.ask(&["monitor", "activity-log", "alert", "list"])
            .await
            .is_array()
    );
    let assignments = cli.ask(&["role", "assignment", "list", "--all"]).await;
    assert_eq!(
        list(&assignments).len(),
        list(&given["azureRoleAssignments"]).len()
    );

    let people = cli.ask(&["ad", "user", "list"]).await;
    assert_eq!(sorted(column(&list(&people), "id")), users(&twin));
    let members = cli
        .ask(&[
            "ad",
            "group",
            "member",
            "list",
            "--group",
            BREAK_GLASS_GROUP,
        ])
        .await;
    assert_eq!(list(&members).len(), 2);

    let query = format!(
        "{}/v1/workspaces/{}/query",
        twin.addresses().logs,
        space["customerId"].as_str().unwrap()
    );
    let answer = cli
        .ask(&["rest", "--method", "post", "--url", &query, "--resource", "https://api.loganalytics.io",
            "--body", r#"{"query": "SigninLogs | where TimeGenerated > ago(1h) | take 10", "timespan": "PT1H"}"#])
        .await;
    assert_eq!(answer["tables"][0]["name"], "PrimaryResult");
    assert!(
        cli.home.path().join("clouds.config").is_file(),
        "everything is in the home of its own"
    );
}
