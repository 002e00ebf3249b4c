//! A plan for people who keep their tenant as code. Each form says what it cannot express: nothing is left out in silence.
//!
//! Steps name what earlier steps make. Where the form makes it, too, its own reference stands there; where it does not, a
//! variable, with a description that says what to give. So every name that is used is declared in the same text.

mod bicep;
mod script;
mod terraform;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write as _};

use breakglass_model::plan::{Api, NEW, Plan, PlanStep, Verb};

use super::text::request;
use crate::output;

pub(super) use bicep::bicep;
pub(super) use script::graph_script;
pub(super) use terraform::terraform;

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
    let request = output::one_line(&request(step.write.api, &step.write.send));
    let request = replaced(&request, |step, field| {
        format!("{{{}}}", variable(step, field))
    });
    let _ = writeln!(
        out,
        "{comment} not expressed: {} ({why})\n{comment}   {request}",
        output::one_line(&step.title),
    );
}

/// A name that every language takes.
fn name(step: &str) -> String {
    step.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Replaces every `new:<step>` and `new:<step>#<path>` by what a language calls it.
fn replaced(text: &str, mut as_written: impl FnMut(&str, Option<&str>) -> String) -> String {
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

/// What a form names and does not make: variables and what to give for them.
#[derive(Default)]
struct Wanted(BTreeMap<String, String>);

impl Wanted {
    /// The variable for what a step gives.
    fn name(&mut self, plan: &Plan, step: &str, field: Option<&str>) -> String {
        let variable = variable(step, field);
        let made = plan.steps.iter().find(|own| own.id == step);
        let what = match field {
            Some(field) => format!("The field {field}"),
            None => "The id".to_owned(),
        };
        let text = match made {
            Some(made) => format!(
                "{what} of what this step makes, which is not expressed here: {}. Take the step first.",
                output::one_line(&made.title)
            ),
            None => format!("{what} of {step}, which is looked up when the plan is applied."),
        };
        self.0.insert(variable.clone(), text);
        variable
    }
}

/// A resource of Azure, by its address.
struct Azure {
    /// `Microsoft.Insights/scheduledQueryRules`.
    kind: String,
    version: String,
    name: String,
    /// What it lies in: a resource group, another resource, or the tenant (empty).
    parent: String,
}

impl Azure {
    fn of(path: &str) -> Option<Self> {
        let (path, query) = path.split_once('?')?;
        let version = query.strip_prefix("api-version=")?;
        let mut azure = Self::at(path)?;
        version.clone_into(&mut azure.version);
        Some(azure)
    }

    /// Without a version.
    fn at(path: &str) -> Option<Self> {
        let (scope, own) = path.rsplit_once("/providers/")?;
        let mut parts = own.split('/');
        let mut kind = parts.next()?.to_owned();
        let rest: Vec<&str> = parts.collect();
        if rest.is_empty() || !rest.len().is_multiple_of(2) {
            return None;
        }
        for part in rest.iter().step_by(2) {
            kind.push('/');
            kind.push_str(part);
        }
        let name = (*rest.last()?).to_owned();
        // A resource below another lies in that; one of its own in what stands before `providers`.
        let parent = if rest.len() > 2 {
            let (above, _) = path.rsplit_once('/')?;
            above.rsplit_once('/')?.0.to_owned()
        } else {
            scope.to_owned()
        };
        Some(Self {
            kind,
            version: String::new(),
            name,
            parent,
        })
    }
}

/// Steps that make a resource of Azure which the body of another names by its address: they come first.
fn named_in<'a>(plan: &'a Plan, step: &PlanStep) -> impl Iterator<Item = &'a str> {
    let body = step.write.send.body.to_string().to_lowercase();
    let own = step.id.clone();
    let makes =
        |other: &&PlanStep| other.write.api == Api::Arm && other.write.send.verb == Verb::Put;
    plan.steps
        .iter()
        .filter(makes)
        .filter(move |other| {
            let path = other.write.send.path.split('?').next().unwrap_or_default();
            other.id != own && body.contains(&format!("\"{}\"", path.to_lowercase()))
        })
        .map(|other| other.id.as_str())
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
