//! A plan for people who keep their tenant as code. Each form says what it cannot express: nothing is left out in silence.

use std::fmt::Write as _;

use breakglass_model::plan::{Api, GRAPH, Look, NEW, PASSWORD, Plan, PlanStep, Verb};
use serde_json::Value;

use super::text::{request, verb};
use crate::output;

/// Heading of every form, as comments.
fn head(plan: &Plan, comment: &str, about: &[&str]) -> String {
    let name = plan
        .tenant
        .name
        .as_deref()
        .unwrap_or("a tenant without a name");
    let mut out = format!(
        "{comment} Plan for the emergency access of {}, digest {}.\n",
        output::one_line(name),
        plan.digest
    );
    for line in about {
        let _ = writeln!(out, "{comment} {line}");
    }
    out
}

fn left_out(out: &mut String, comment: &str, step: &PlanStep, why: &str) {
    let _ = writeln!(
        out,
        "{comment} not expressed: {} ({why})\n{comment}   {}",
        output::one_line(&step.title),
        output::one_line(&request(step.write.api, &step.write.send))
    );
}

/// A name that every language takes.
fn name(step: &str) -> String {
    step.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Replaces every `new:<step>` and `new:<step>#<path>` by what a language calls it.
fn replaced(text: &str, as_written: impl Fn(&str, Option<&str>) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(NEW) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let from = &from[NEW.len()..];
        let end = from
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '#' | '.' | '_')))
            .unwrap_or(from.len());
        let (whole, after) = from.split_at(end);
        let (step, field) = match whole.split_once('#') {
            Some((step, field)) => (step, Some(field)),
            None => (whole, None),
        };
        out.push_str(&as_written(step, field));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Azure's part as Bicep, at the scope of the resource group.
pub(super) fn bicep(plan: &Plan) -> String {
    let mut out = head(
        plan,
        "//",
        &[
            "Deploy with `az deployment group create -g <resource group of the workspace> -f <this file>`.",
            "Bicep knows neither users, Conditional Access policies, authentication strengths, directory roles nor",
            "restricted units (Microsoft Graph Bicep: groups and applications only): those steps are named below.",
            "Not tried with the Bicep compiler by this program.",
        ],
    );
    for step in &plan.steps {
        if step.write.api != Api::Arm || step.write.send.verb != Verb::Put {
            left_out(&mut out, "//", step, "Bicep has no type for it");
            continue;
        }
        let Some((kind, version, resource, scope)) = azure_type(&step.write.send.path) else {
            left_out(&mut out, "//", step, "its address has no type");
            continue;
        };
        if kind.eq_ignore_ascii_case("microsoft.aadiam/diagnosticSettings") {
            left_out(
                &mut out,
                "//",
                step,
                "it is a resource of the tenant: a file with targetScope = 'tenant' of its own",
            );
            continue;
        }
        let _ = write!(
            out,
            "\n// {}\nresource {} '{kind}@{version}' = {{\n  name: '{}'\n",
            output::one_line(&step.title),
            name(&step.id),
            bicep_text(&resource)
        );
        if kind.eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
            && let Some(scope) = scope.split("/providers/").nth(1)
        {
            // A resource in the same group; the group itself needs no scope.
            let _ = writeln!(out, "  // scope: the existing resource {scope}");
        }
        for (field, value) in step.write.send.body.as_object().into_iter().flatten() {
            let _ = writeln!(out, "  {field}: {}", bicep_value(value, 1));
        }
        out.push_str("}\n");
    }
    out
}

/// Type, version, name and scope of an Azure resource by its address.
fn azure_type(path: &str) -> Option<(String, String, String, String)> {
    let (path, query) = path.split_once('?')?;
    let version = query.strip_prefix("api-version=")?;
    let (scope, own) = path.rsplit_once("/providers/")?;
    let mut parts = own.split('/');
    let (provider, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some((
        format!("{provider}/{kind}"),
        version.to_owned(),
        name.to_owned(),
        scope.to_owned(),
    ))
}

fn bicep_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace("${", "\\${")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn bicep_value(value: &Value, depth: usize) -> String {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::String(text) if text.starts_with(NEW) => replaced(text, |step, field| match field {
            Some(field) => format!("{}.{field}", name(step)),
            None => format!("{}.id", name(step)),
        }),
        Value::String(text) => format!("'{}'", bicep_text(text)),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let items: String = items
                .iter()
                .map(|item| format!("{inner}{}\n", bicep_value(item, depth + 1)))
                .collect();
            format!("[\n{items}{outer}]")
        }
        Value::Object(fields) => {
            let fields: String = fields
                .iter()
                .map(|(field, value)| {
                    let plain = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    let field = if plain {
                        field.clone()
                    } else {
                        format!("'{}'", bicep_text(field))
                    };
                    format!("{inner}{field}: {}\n", bicep_value(value, depth + 1))
                })
                .collect();
            format!("{{\n{fields}{outer}}}")
        }
        other => other.to_string(),
    }
}

/// Terraform: Microsoft's Graph provider and azapi, which take the bodies as they are.
pub(super) fn terraform(plan: &Plan) -> String {
    let mut out = head(
        plan,
        "#",
        &[
            "Providers: microsoft/msgraph and azure/azapi. azuread cannot set the restricted flag of a unit, and has neither",
            "FIDO2 keys nor the methods policy; that is why Graph's own bodies are used. What is there already and is only",
            "changed is a `msgraph_update_resource` or `azapi_update_resource`: destroying it changes nothing back.",
            "Terraform does not prove the order: apply the stages one by one. Not tried with Terraform by this program.",
        ],
    );
    out.push_str(
        "\nterraform {\n  required_providers {\n    msgraph = { source = \"microsoft/msgraph\" }\n    azapi   = { source = \"azure/azapi\" }\n  }\n}\n",
    );
    for step in &plan.steps {
        let send = &step.write.send;
        let text = serde_json::to_string(&send.body).unwrap_or_default();
        if text.contains(PASSWORD) {
            left_out(
                &mut out,
                "#",
                step,
                "its password would lie in Terraform's state",
            );
            continue;
        }
        if send.verb == Verb::Delete || text.contains("\"adminRemove\"") {
            left_out(&mut out, "#", step, "Terraform removes only what it made");
            continue;
        }
        let body = hcl_value(&send.body, 1);
        let title = output::one_line(&step.title);
        let id = name(&step.id);
        let path = hcl_text(send.path.trim_start_matches('/'));
        match (step.write.api, send.verb) {
            (Api::Arm, _) => {
                let Some((kind, version, resource, scope)) = azure_type(&send.path) else {
                    left_out(&mut out, "#", step, "its address has no type");
                    continue;
                };
                let made = step.write.before.is_null();
                let block = if made {
                    "azapi_resource"
                } else {
                    "azapi_update_resource"
                };
                let mut body = send.body.clone();
                let mut extra = String::new();
                if let Some(fields) = body.as_object_mut() {
                    if let Some(Value::String(location)) = fields.remove("location")
                        && made
                    {
                        let _ = writeln!(extra, "  location  = {}", hcl_text(&location));
                    }
                    if let Some(identity) = fields.remove("identity")
                        && made
                    {
                        let _ = writeln!(
                            extra,
                            "  identity {{\n    type = {}\n  }}",
                            hcl_value(&identity["type"], 2)
                        );
                    }
                }
                let scope = if scope.is_empty() {
                    "/".to_owned()
                } else {
                    scope
                };
                let _ = writeln!(
                    out,
                    "\n# {title}\nresource \"{block}\" \"{id}\" {{\n  type      = {}\n  name      = {}\n  parent_id = {}\n{extra}  body      = {}\n}}",
                    hcl_text(&format!("{kind}@{version}")),
                    hcl_text(&resource),
                    hcl_text(&scope),
                    hcl_value(&body, 1)
                );
            }
            (_, Verb::Patch) => {
                let _ = writeln!(
                    out,
                    "\n# {title}\nresource \"msgraph_update_resource\" \"{id}\" {{\n  url  = {path}\n  body = {body}\n}}"
                );
            }
            _ => {
                let _ = writeln!(
                    out,
                    "\n# {title}\nresource \"msgraph_resource\" \"{id}\" {{\n  url  = {path}\n  body = {body}\n}}"
                );
            }
        }
    }
    out
}

fn hcl_text(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace(GRAPH, "https://graph.microsoft.com/v1.0");
    let written = replaced(&escaped, |step, field| {
        let field = field.map_or_else(|| ".id".to_owned(), |field| format!(".output.{field}"));
        format!("${{msgraph_resource.{}{field}}}", name(step))
    });
    format!("\"{written}\"")
}

fn hcl_value(value: &Value, depth: usize) -> String {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::String(text) => hcl_text(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let items: String = items
                .iter()
                .map(|item| format!("{inner}{},\n", hcl_value(item, depth + 1)))
                .collect();
            format!("[\n{items}{outer}]")
        }
        Value::Object(fields) => {
            let fields: String = fields
                .iter()
                .map(|(field, value)| {
                    format!(
                        "{inner}{} = {}\n",
                        hcl_text(field),
                        hcl_value(value, depth + 1)
                    )
                })
                .collect();
            format!("{{\n{fields}{outer}}}")
        }
        other => other.to_string(),
    }
}

/// A script for the Azure CLI: the same requests, in the same order, to be read and run by hand.
pub(super) fn graph_script(plan: &Plan) -> String {
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

/// Fields of an object that later steps name.
fn fields_of(whole: &str, step: &str) -> Vec<String> {
    let mark = format!("{NEW}{step}#");
    let mut fields: Vec<String> = whole
        .match_indices(&mark)
        .map(|(at, _)| {
            whole[at + mark.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '.')
                .collect()
        })
        .collect();
    fields.sort();
    fields.dedup();
    fields
}

fn variable(step: &str, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("new_{}_{}", name(step), name(field)),
        None => format!("new_{}", name(step)),
    }
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
