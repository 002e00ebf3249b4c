//! Terraform: Microsoft's Graph provider and azapi, which take the bodies as they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use breakglass_model::plan::{Api, GRAPH, Look, Need, PASSWORD, Plan, PlanStep, Verb};
use serde_json::Value;

use super::{Azure, Wanted, fields_of, head, left_out, name, named_in, replaced};
use crate::output;

/// How a step is expressed.
#[derive(Clone, Copy)]
enum Block {
    Graph,
    GraphUpdate,
    Azure,
    AzureUpdate,
}

impl Block {
    fn of(step: &PlanStep) -> Result<Self, &'static str> {
        let send = &step.write.send;
        let text = send.body.to_string();
        if text.contains(PASSWORD) {
            return Err("its password would lie in Terraform's state");
        }
        if send.verb == Verb::Delete || text.contains("\"adminRemove\"") {
            return Err("Terraform removes only what it made");
        }
        match (step.write.api, send.verb) {
            (Api::Arm, _) if Azure::of(&send.path).is_none() => Err("its address has no type"),
            (Api::Arm, _) if step.write.before.is_null() => Ok(Self::Azure),
            (Api::Arm, _) => Ok(Self::AzureUpdate),
            (_, Verb::Patch) => Ok(Self::GraphUpdate),
            _ => Ok(Self::Graph),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Graph => "msgraph_resource",
            Self::GraphUpdate => "msgraph_update_resource",
            Self::Azure => "azapi_resource",
            Self::AzureUpdate => "azapi_update_resource",
        }
    }
}

struct Text<'a> {
    plan: &'a Plan,
    blocks: BTreeMap<&'a str, Block>,
    /// Objects that are looked up.
    data: BTreeSet<&'a str>,
    wanted: Wanted,
    /// Steps and needs as JSON, to see which fields others name.
    whole: String,
}

/// The plan as Terraform.
pub(in crate::commands::plan) fn terraform(plan: &Plan) -> String {
    let mut out = head(
        plan,
        "#",
        &[
            "Providers: microsoft/msgraph and azure/azapi. azuread cannot set the restricted flag of a unit, and has neither",
            "FIDO2 keys nor the methods policy; that is why Graph's own bodies are used. What is there already and is only",
            "changed is a `msgraph_update_resource` or `azapi_update_resource`: destroying it changes nothing back.",
            "Terraform does not prove the order: apply the stages one by one. Its syntax was checked and that every name is",
            "declared; with the providers it was not tried by this program.",
        ],
    );
    out.push_str(
        "\nterraform {\n  required_providers {\n    msgraph = { source = \"microsoft/msgraph\" }\n    azapi   = { source = \"azure/azapi\" }\n  }\n}\n",
    );
    let mut text = Text {
        plan,
        blocks: BTreeMap::new(),
        data: BTreeSet::new(),
        wanted: Wanted::default(),
        whole: serde_json::to_string(&plan.steps).unwrap_or_default(),
    };
    for step in &plan.steps {
        if let Ok(block) = Block::of(step) {
            text.blocks.insert(&step.id, block);
        }
    }
    for step in &plan.steps {
        match Block::of(step) {
            Ok(block) => {
                for need in &step.write.needs {
                    text.look_up(&mut out, need);
                }
                text.step(&mut out, step, block);
            }
            Err(why) => left_out(&mut out, "#", step, why),
        }
    }
    for (variable, about) in &text.wanted.0 {
        let _ = writeln!(
            out,
            "\nvariable \"{variable}\" {{\n  type        = string\n  description = \"{}\"\n}}",
            escaped(about)
        );
    }
    out
}

impl<'a> Text<'a> {
    /// An object that nobody's step makes is looked up.
    fn look_up(&mut self, out: &mut String, need: &'a Need) {
        let Look::Among { path, .. } = &need.look else {
            return;
        };
        if !self.data.insert(&need.name) {
            return;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let url = self.string(path.trim_start_matches('/'));
        let _ = writeln!(
            out,
            "\ndata \"msgraph_resource\" \"{}\" {{\n  url = {url}",
            name(&need.name)
        );
        if !query.is_empty() {
            out.push_str("  query_parameters = {\n");
            for (key, value) in query.split('&').filter_map(|one| one.split_once('=')) {
                let value = self.string(value);
                let _ = writeln!(out, "    \"{}\" = [{value}]", escaped(key));
            }
            out.push_str("  }\n");
        }
        self.exports(out, &need.name, "value[0].");
        out.push_str("}\n");
    }

    /// The fields of an answer that others name.
    fn exports(&self, out: &mut String, step: &str, below: &str) {
        let fields = fields_of(&self.whole, step);
        if fields.is_empty() {
            return;
        }
        out.push_str("  response_export_values = {\n");
        for field in fields {
            let _ = writeln!(out, "    {} = \"{below}{field}\"", name(&field));
        }
        out.push_str("  }\n");
    }

    fn step(&mut self, out: &mut String, step: &PlanStep, block: Block) {
        let send = &step.write.send;
        let _ = writeln!(
            out,
            "\n# {}\nresource \"{}\" \"{}\" {{",
            output::one_line(&step.title),
            block.kind(),
            name(&step.id)
        );
        if let Block::Azure | Block::AzureUpdate = block {
            self.azure(out, step, matches!(block, Block::Azure));
        } else {
            if step.write.api == Api::GraphBeta {
                out.push_str("  api_version = \"beta\"\n");
            }
            let url = self.string(send.path.trim_start_matches('/'));
            let body = self.value(&send.body, 1);
            let _ = writeln!(out, "  url  = {url}\n  body = {body}");
        }
        self.exports(out, &step.id, "");
        let before: Vec<String> = named_in(self.plan, step)
            .filter_map(|id| Some(format!("{}.{}", self.blocks.get(id)?.kind(), name(id))))
            .collect();
        if !before.is_empty() {
            let _ = writeln!(out, "  depends_on = [{}]", before.join(", "));
        }
        out.push_str("}\n");
    }

    fn azure(&mut self, out: &mut String, step: &PlanStep, made: bool) {
        let Some(azure) = Azure::of(&step.write.send.path) else {
            return;
        };
        let parent = if azure.parent.is_empty() {
            "/"
        } else {
            &azure.parent
        };
        let _ = writeln!(
            out,
            "  type      = {}\n  name      = {}\n  parent_id = {}",
            self.string(&format!("{}@{}", azure.kind, azure.version)),
            self.string(&azure.name),
            self.string(parent)
        );
        let mut body = step.write.send.body.clone();
        if let Some(fields) = body.as_object_mut() {
            // azapi has these beside the body; where it only updates, the place stays and the identity is in the body.
            let location = fields.remove("location");
            if made {
                if let Some(Value::String(location)) = location {
                    let _ = writeln!(out, "  location  = {}", self.string(&location));
                }
                if let Some(identity) = fields.remove("identity") {
                    let kind = self.value(&identity["type"], 2);
                    let _ = writeln!(out, "  identity {{\n    type = {kind}\n  }}");
                }
            }
        }
        let body = self.value(&body, 1);
        let _ = writeln!(out, "  body      = {body}");
    }

    /// A text, in which what others make is named as Terraform names it.
    fn string(&mut self, text: &str) -> String {
        let text = escaped(text).replace(GRAPH, "https://graph.microsoft.com/v1.0");
        let Self {
            plan,
            blocks,
            data,
            wanted,
            ..
        } = self;
        let written = replaced(&text, |step, field| {
            let output = |field: &str| format!("output.{}", name(field));
            let reference = match (blocks.get(step), field) {
                (Some(block), None) => format!("{}.{}.id", block.kind(), name(step)),
                (Some(block), Some(field)) => {
                    format!("{}.{}.{}", block.kind(), name(step), output(field))
                }
                (None, Some(field)) if data.contains(step) => {
                    format!("data.msgraph_resource.{}.{}", name(step), output(field))
                }
                (None, field) => format!("var.{}", wanted.name(plan, step, field)),
            };
            format!("${{{reference}}}")
        });
        format!("\"{written}\"")
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
                    let _ = writeln!(list, "{inner}{item},");
                }
                format!("[\n{list}{outer}]")
            }
            Value::Object(fields) => {
                let mut list = String::new();
                for (field, value) in fields {
                    let value = self.value(value, depth + 1);
                    let _ = writeln!(list, "{inner}\"{}\" = {value}", escaped(field));
                }
                format!("{{\n{list}{outer}}}")
            }
            other => other.to_string(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}
