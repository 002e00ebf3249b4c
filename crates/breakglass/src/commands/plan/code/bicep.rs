//! Azure's part as Bicep, at the scope of the resource group.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use breakglass_model::plan::{Api, NEW, Plan, PlanStep, Verb};
use serde_json::Value;

use super::{Azure, Wanted, head, left_out, name, named_in, replaced};
use crate::output;

/// Kinds of resources that a role is given on, and the version that names them here.
const SCOPES: [(&str, &str); 1] = [("Microsoft.OperationalInsights/workspaces", "2022-10-01")];

struct Text<'a> {
    plan: &'a Plan,
    made: BTreeSet<&'a str>,
    wanted: Wanted,
    /// Resources that are there, and that something is scoped to: their names and declarations.
    existing: BTreeMap<String, String>,
}

/// The plan's part of Azure as Bicep.
pub(in crate::commands::plan) fn bicep(plan: &Plan) -> String {
    let mut out = head(
        plan,
        "//",
        &[
            "Deploy with `az deployment group create -g <resource group of the workspace> -f <this file>`.",
            "Bicep knows neither users, Conditional Access policies, authentication strengths, directory roles nor",
            "restricted units (Microsoft Graph Bicep: groups and applications only): those steps are named below.",
            "That every name is declared was checked; with the Bicep compiler it was not tried by this program.",
        ],
    );
    let group = plan
        .steps
        .iter()
        .filter(|step| step.write.api == Api::Arm)
        .find_map(|step| group_of(&step.write.send.path));
    let mut text = Text {
        plan,
        made: BTreeSet::new(),
        wanted: Wanted::default(),
        existing: BTreeMap::new(),
    };
    for step in &plan.steps {
        if expressed(step, group.as_deref()).is_ok() {
            text.made.insert(&step.id);
        }
    }
    let mut resources = String::new();
    for step in &plan.steps {
        match expressed(step, group.as_deref()) {
            Ok(azure) => text.resource(&mut resources, step, &azure),
            Err(why) => left_out(&mut out, "//", step, why),
        }
    }
    for (param, about) in &text.wanted.0 {
        let _ = writeln!(
            out,
            "\n@description('{}')\nparam {param} string",
            escaped(about)
        );
    }
    for declared in text.existing.values() {
        let _ = write!(out, "\n{declared}");
    }
    out.push_str(&resources);
    out
}

/// The resource that a step makes; `Err`: why it stands in no file of a resource group.
fn expressed(step: &PlanStep, group: Option<&str>) -> Result<Azure, &'static str> {
    let send = &step.write.send;
    if step.write.api != Api::Arm || send.verb != Verb::Put {
        return Err("Bicep has no type for it");
    }
    let azure = Azure::of(&send.path).ok_or("its address has no type")?;
    if azure
        .kind
        .eq_ignore_ascii_case("microsoft.aadiam/diagnosticSettings")
    {
        return Err(
            "it is a resource of the tenant: a file with targetScope = 'tenant' of its own",
        );
    }
    if group_of(&send.path).as_deref() != group {
        return Err("it lies in another resource group: a file and a deployment of its own");
    }
    if azure.parent.contains("/providers/") && scope(&azure).is_none() {
        return Err("Bicep needs a version for what it lies on, which is not known here");
    }
    Ok(azure)
}

/// The resource group of an address, in lower case.
fn group_of(path: &str) -> Option<String> {
    let path = path.to_lowercase();
    let (before, rest) = path.split_once("/resourcegroups/")?;
    let group = rest.split(['/', '?']).next()?;
    Some(format!("{before}/resourcegroups/{group}"))
}

/// The resource that something lies on, with its version.
fn scope(azure: &Azure) -> Option<Azure> {
    let mut on = Azure::at(&azure.parent)?;
    let known = SCOPES
        .iter()
        .find(|(kind, _)| on.kind.eq_ignore_ascii_case(kind))?;
    known.1.clone_into(&mut on.version);
    Some(on)
}

impl Text<'_> {
    fn resource(&mut self, out: &mut String, step: &PlanStep, azure: &Azure) {
        let _ = write!(
            out,
            "\n// {}\nresource {} '{}@{}' = {{\n",
            output::one_line(&step.title),
            name(&step.id),
            azure.kind,
            azure.version
        );
        if let Some(on) = scope(azure) {
            let symbol = format!("on_{}", name(&on.name));
            let _ = writeln!(out, "  scope: {symbol}");
            let declared = format!(
                "resource {symbol} '{}@{}' existing = {{\n  name: '{}'\n}}\n",
                on.kind,
                on.version,
                escaped(&on.name)
            );
            self.existing.insert(symbol, declared);
        }
        let _ = writeln!(out, "  name: {}", self.string(&azure.name));
        for (field, value) in step.write.send.body.as_object().into_iter().flatten() {
            let value = self.value(value, 1);
            let _ = writeln!(out, "  {field}: {value}");
        }
        let before: Vec<String> = named_in(self.plan, step)
            .filter(|id| self.made.contains(id))
            .map(|id| format!("    {}\n", name(id)))
            .collect();
        if !before.is_empty() {
            let _ = writeln!(out, "  dependsOn: [\n{}  ]", before.concat());
        }
        out.push_str("}\n");
    }

    /// What a step gives, as Bicep names it.
    fn reference(&mut self, step: &str, field: Option<&str>) -> String {
        match (self.made.contains(step), field) {
            (true, Some(field)) => format!("{}.{field}", name(step)),
            (true, None) => format!("{}.id", name(step)),
            (false, field) => self.wanted.name(self.plan, step, field),
        }
    }

    fn string(&mut self, text: &str) -> String {
        let mut only = None;
        let written = replaced(&escaped(text), |step, field| {
            let reference = self.reference(step, field);
            only = Some(reference.clone());
            format!("${{{reference}}}")
        });
        match only {
            // Nothing else stands in it.
            Some(reference) if text.starts_with(NEW) && written == format!("${{{reference}}}") => {
                reference
            }
            _ => format!("'{written}'"),
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> String {
        let inner = "  ".repeat(depth + 1);
        let outer = "  ".repeat(depth);
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) if items.is_empty() => "[]".to_owned(),
            Value::Array(items) => {
                let mut list = String::new();
                for item in items {
                    let item = self.value(item, depth + 1);
                    let _ = writeln!(list, "{inner}{item}");
                }
                format!("[\n{list}{outer}]")
            }
            Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
            Value::Object(fields) => {
                let mut list = String::new();
                for (field, value) in fields {
                    let value = self.value(value, depth + 1);
                    let plain = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    let field = if plain {
                        field.clone()
                    } else {
                        format!("'{}'", escaped(field))
                    };
                    let _ = writeln!(list, "{inner}{field}: {value}");
                }
                format!("{{\n{list}{outer}}}")
            }
            other => other.to_string(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace("${", "\\${")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}
