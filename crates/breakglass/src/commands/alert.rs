//! `alert test`: does every channel deliver, and how fast?

use std::{sync::Arc, time::Duration};

use breakglass_alert::{Settings as MessageSettings, test_alert, test_channels};
use breakglass_model::Clock;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    channels,
    cli::{AlertTestArgs, PlainFormat},
    clock::SystemClock,
    failure::{Failure, exit},
    head::Head,
    output, runtime, settings,
};

/// Time for one channel, connection included.
const DEADLINE: Duration = Duration::from_secs(30);

/// `alert test --format json`, schema `breakglass/alert-test/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlertTestReport {
    #[serde(flatten)]
    head: Head,
    /// Id that the test carries on every channel.
    id: String,
    channels: Vec<Line>,
}

/// One channel's result.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    channel: String,
    /// Whether the provider accepted it. Whether a person saw it, only a person can tell.
    delivered: bool,
    /// What the provider gave as proof.
    receipt: Option<String>,
    /// Why it was not accepted.
    error: Option<String>,
    /// How long it took.
    milliseconds: i64,
}

/// Runs the command.
pub fn test(args: &AlertTestArgs) -> Result<u8, Failure> {
    let settings = settings::load(args.common.config.as_deref())?;
    let mut configured = settings
        .config
        .channels
        .iter()
        .map(|channel| channel.name.clone())
        .collect::<Vec<_>>();
    if configured.is_empty() {
        return Err(Failure::usage("no channel is configured")
            .help("add `[[channel]]` to breakglass.toml, or name the file with --config"));
    }
    if let Some(unknown) = args.channels.iter().find(|name| !configured.contains(name)) {
        return Err(Failure::usage(format!("there is no channel `{unknown}`"))
            .help(format!("the channels are: {}", configured.join(", "))));
    }
    configured.retain(|name| args.channels.is_empty() || args.channels.contains(name));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut channels = channels::build(&settings.channels()?, &clock)?;
    channels.retain(|channel| configured.iter().any(|name| name == channel.name()));
    let now = args.common.at.unwrap_or_else(|| clock.now());
    let alert = test_alert(Uuid::new_v4(), now);
    let message = MessageSettings {
        time_zone: settings.time_zone(),
        runbook: None,
    };
    let results = runtime()?.block_on(test_channels(&channels, &alert, &message, DEADLINE, &clock));
    let lines: Vec<Line> = results
        .into_iter()
        .map(|result| {
            let milliseconds = i64::try_from(result.took.as_millis()).unwrap_or(i64::MAX);
            match result.outcome {
                Ok(receipt) => Line {
                    channel: result.channel,
                    delivered: true,
                    receipt: Some(receipt.0),
                    error: None,
                    milliseconds,
                },
                Err(error) => Line {
                    channel: result.channel,
                    delivered: false,
                    receipt: None,
                    error: Some(error.reason),
                    milliseconds,
                },
            }
        })
        .collect();
    let all = lines.iter().all(|line| line.delivered);
    let text = match args.format {
        PlainFormat::Json => output::json(&AlertTestReport {
            head: Head::new("alert-test", now, &settings),
            id: alert.id,
            channels: lines,
        })?,
        PlainFormat::Text => table(&lines),
    };
    output::print_done(&text, "the test was sent")?;
    Ok(if all { exit::CLEAN } else { exit::BROKE })
}

fn table(lines: &[Line]) -> String {
    let width = lines
        .iter()
        .map(|line| line.channel.chars().count())
        .max()
        .unwrap_or(0);
    let mut text: String = lines
        .iter()
        .map(|line| {
            let (how, why) = match (&line.receipt, &line.error) {
                (Some(receipt), _) => ("accepted", receipt.as_str()),
                (None, error) => ("FAILED  ", error.as_deref().unwrap_or_default()),
            };
            format!(
                "{:width$}  {how}  {:>6} ms  {why}\n",
                line.channel, line.milliseconds
            )
        })
        .collect();
    text.push_str(
        "\nAccepted means that the provider took it. Ask the people on call whether they saw it.\n",
    );
    text
}
