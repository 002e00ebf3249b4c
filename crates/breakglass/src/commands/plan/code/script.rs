//! A script for the Azure CLI: the same requests, in the same order, to be read and run by hand.

use std::fmt::Write as _;

use breakglass_model::plan::{Api, GRAPH, Look, NEW, PASSWORD, Plan, Verb};

use super::{fields_of, head, replaced, variable};
use crate::{commands::plan::text::verb, output};

/// A script for the Azure CLI: the same requests, in the same order, to be read and run by hand.
pub(in crate::commands::plan) fn graph_script(plan: &Plan) -> String {
    let mut out = String::from("#!/usr/bin/env bash\n");
    out.push_str(&head(
        plan,
        "#",
        &[
            "Needs the Azure CLI, signed in as somebody who may (`az login`). Each step stops the script when it fails.",
            "It proves nothing between the steps and cannot go on where it stopped: `breakglass apply` does both.",
        ],
    ));
    out.push_str(
        "set -euo pipefail\ngraph=https://graph.microsoft.com\narm=https://management.azure.com\n",
    );
    let whole = serde_json::to_string(&plan.steps).unwrap_or_default();
    for (place, step) in plan.steps.iter().enumerate() {
        let send = &step.write.send;
        let (base, resource) = match step.write.api {
            Api::Graph => ("${graph}/v1.0", "https://graph.microsoft.com"),
            Api::GraphBeta => ("${graph}/beta", "https://graph.microsoft.com"),
            Api::Arm => ("${arm}", "https://management.azure.com"),
        };
        let _ = writeln!(
            out,
            "\n# {}. {}\n# {}",
            place + 1,
            output::one_line(&step.title),
            output::one_line(&step.risk)
        );
        for need in &step.write.needs {
            let Look::Among { path, .. } = &need.look else {
                continue;
            };
            for field in fields_of(&whole, &need.name) {
                let _ = writeln!(
                    out,
                    "{}=$(az rest --method get --resource {resource} --url \"{base}{}\" --query 'value[0].{field}' --output tsv)",
                    variable(&need.name, Some(&field)),
                    shell(path)
                );
            }
        }
        let url = format!("\"{base}{}\"", shell(&send.path));
        let method = verb(send.verb).to_lowercase();
        let keeps = send.verb == Verb::Post && whole.contains(&format!("{NEW}{}", step.id));
        let mut line = String::new();
        if keeps {
            let _ = write!(line, "{}=$(", variable(&step.id, None));
        }
        let _ = write!(
            line,
            "az rest --method {method} --resource {resource} --url {url}"
        );
        if !send.body.is_null() {
            line.push_str(" --headers Content-Type=application/json --body \"$(cat)\"");
        }
        line.push_str(if keeps {
            " --query id --output tsv"
        } else {
            " --output none"
        });
        if send.body.is_null() {
            let _ = writeln!(out, "{line}");
        } else {
            let body = serde_json::to_string_pretty(&send.body).unwrap_or_default();
            let end = if keeps { "\n)" } else { "" };
            let _ = writeln!(out, "{line} <<JSON\n{}\nJSON{end}", here(&body));
        }
        for field in fields_of(&whole, &step.id) {
            let _ = writeln!(
                out,
                "{}=$(az rest --method get --resource {resource} --url {url} --query '{field}' --output tsv)",
                variable(&step.id, Some(&field))
            );
        }
    }
    out
}

/// A text between double quotes, in which only our variables count.
fn shell(text: &str) -> String {
    here(text).replace('"', "\\\"").replace(' ', "%20")
}

/// A text in a here-document, in which only our variables count.
fn here(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('$', "\\$")
        .replace('`', "\\`")
        .replace(PASSWORD, "$(openssl rand -base64 48)")
        .replace(GRAPH, "${graph}/v1.0");
    replaced(&escaped, |step, field| {
        format!("${{{}}}", variable(step, field))
    })
}
