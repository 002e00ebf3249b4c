//! `doctor`: can this installation do its job? Permissions, clock, disk, channels, independence from what it guards.

mod azure;
mod channels;
mod gather;
mod independence;
mod judge;
mod names;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{DoctorArgs, PlainFormat},
    clock,
    failure::{Failure, exit},
    head::Head,
    output, settings,
};

use judge::{Finding, Verdict};

/// `doctor --format json`, schema `breakglass/doctor/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorDocument {
    /// What every document begins with.
    #[serde(flatten)]
    head: Head,
    /// What was looked at.
    findings: Vec<Finding>,
}

/// `doctor`
pub fn run(args: &DoctorArgs) -> Result<u8, Failure> {
    let settings = settings::load(args.common.config.as_deref())?;
    let findings = gather::findings(args, &settings)?;
    let code = findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .map_or(exit::CLEAN, |worst| match worst {
            Verdict::Good | Verdict::Doubtful => exit::CLEAN,
            Verdict::CannotTell => exit::CANNOT_TELL,
            Verdict::Bad => exit::FOUND,
        });
    let text = match args.format {
        PlainFormat::Text => text(&findings, code),
        PlainFormat::Json => {
            let now = clock::to_the_second(clock::clock(args.common.at).now());
            output::json(&DoctorDocument {
                head: Head::new("doctor", now, &settings),
                findings,
            })?
        }
    };
    output::print(&text)?;
    Ok(code)
}

fn text(findings: &[Finding], code: u8) -> String {
    let color = output::color();
    let mut text = String::new();
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            text.push_str(&format!(
                "{}{area}\n",
                if text.is_empty() { "" } else { "\n" }
            ));
        }
        let (symbol, paint) = match finding.verdict {
            Verdict::Good => ("✔", "32"),
            Verdict::Doubtful => ("!", "33"),
            Verdict::CannotTell => ("?", "33"),
            Verdict::Bad => ("✘", "31"),
        };
        let symbol = if color {
            format!("\u{1b}[{paint}m{symbol}\u{1b}[0m")
        } else {
            symbol.to_owned()
        };
        let said = output::wrapped(&format!("{}: {}", finding.subject, finding.because), 4);
        text.push_str(&format!("  {symbol} {said}\n"));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("    → {}\n", output::wrapped(fix, 6)));
        }
    }
    text.push_str(match code {
        exit::FOUND => "\nExit 1: this installation cannot do all of its job.\n",
        exit::CANNOT_TELL => "\nExit 3: something could not be found out.\n",
        _ => "\nExit 0: nothing stands in the way.\n",
    });
    text
}
