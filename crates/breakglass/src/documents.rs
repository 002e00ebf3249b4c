//! The documents that are generated from the code and checked in.

mod mapping;
mod permissions;

use std::fmt::Write as _;

use clap::CommandFactory;

use crate::{cli::Cli, commands};

/// Path below the repository's root, and text, of every generated document.
pub fn all() -> Vec<(String, String)> {
    let mut documents = vec![
        ("docs/command-line.md".to_owned(), command_line()),
        (
            "docs/breakglass.example.toml".to_owned(),
            crate::config::ValidConfig::example().to_owned(),
        ),
    ];
    let rules = commands::check::rules();
    documents.push(("docs/checks/README.md".to_owned(), index(&rules)));
    for rule in &rules {
        documents.push((format!("docs/checks/{}.md", rule.id), page(rule)));
    }
    for (name, schema) in commands::schema::all() {
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        documents.push((format!("docs/schemas/{name}.v1.json"), format!("{text}\n")));
    }
    documents.extend(permissions::all());
    documents.extend(mapping::all());
    documents
}

fn index(rules: &[breakglass_posture::report::RuleText]) -> String {
    let mut text = String::from(
        "# Checks\n\nWritten by `cargo xtask generate` from the files in `crates/posture/src/checks/`.\n\n\
         | check | requirement | severity | title |\n|---|---|---|---|\n",
    );
    for rule in rules {
        let _infallible = writeln!(
            text,
            "| [{id}]({id}.md) | {} | {} | {} |",
            rule.requirement,
            rule.severity.as_str(),
            rule.title,
            id = rule.id
        );
    }
    text
}

fn page(rule: &breakglass_posture::report::RuleText) -> String {
    let controls = if rule.controls.is_empty() {
        "none".to_owned()
    } else {
        rule.controls.join(", ")
    };
    format!(
        "# {}: {}\n\nRequirement {} · severity {} · name `{}` · controls: {controls}\n\n{}\n",
        rule.id,
        rule.title,
        rule.requirement,
        rule.severity.as_str(),
        rule.name,
        rule.help_markdown.trim()
    )
}

/// The whole command line, as `--help` tells it.
fn command_line() -> String {
    let mut text = String::from(
        "# Command line\n\nWritten by `cargo xtask generate` from the program's own help.\n\n\
         Results go to standard output, everything else to standard error; `-` means standard input where a \
         file is expected. JSON documents carry `\"schema\": \"breakglass/<name>/v1\"`; \
         `breakglass schema <name>` prints the schema.\n",
    );
    let mut command = Cli::command().term_width(100);
    command.build();
    section(&mut text, &mut command, "breakglass");
    text
}

fn section(text: &mut String, command: &mut clap::Command, path: &str) {
    let help = command.render_long_help().to_string();
    let help: String = help
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let _infallible = write!(text, "\n## `{path}`\n\n```text\n{}\n```\n", help.trim_end());
    for sub in command.get_subcommands_mut() {
        if sub.get_name() != "help" {
            let path = format!("{path} {}", sub.get_name());
            section(text, sub, &path);
        }
    }
}
