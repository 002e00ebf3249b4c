//! `[[source]]`: where log records come from.

use std::path::{Path, PathBuf};

use breakglass_model::source_text::{Section, quoted, suggest};

use super::{secrets::one_of, values};

/// A source of log records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceConfig {
    /// Files.
    Files {
        /// The files, at least one.
        paths: Vec<PathBuf>,
        /// Whether to wait for more when the end is reached.
        follow: bool,
    },
    /// Standard input.
    Stdin,
}

/// Kinds that the design knows and this build does not have.
const LATER: &[&str] = &["graph", "log-analytics", "kafka", "push", "o365-management"];

pub(super) fn read(root: &Section<'_, '_>, base: &Path) -> Vec<SourceConfig> {
    let document = root.document();
    let mut sources = Vec::new();
    let mut stdin: Option<usize> = None;
    for section in root.sections_of_kinds("source", "`[[source]]`") {
        let Some(kind) = section.need("kind", section.text("kind")) else {
            continue;
        };
        match kind.get_ref().as_str() {
            "files" => sources.extend(files(&section, base)),
            "stdin" => {
                section.know(&["kind"]);
                let line = document.at(section.span(), "").line;
                if let Some(first) = stdin.replace(line) {
                    document.report(document.at(
                        section.span(),
                        format!("standard input is given twice, first in line {first}"),
                    ));
                }
                sources.push(SourceConfig::Stdin);
            }
            // Commands that read no source need not care; `watch` says it when nothing is left to read.
            later if LATER.contains(&later) => document.warn(
                document
                    .at(
                        &kind.span(),
                        format!("this build reads files and standard input; `{later}` is not built in yet"),
                    )
                    .with_help("export the logs to a file and use `kind = \"files\"`"),
            ),
            other => {
                let problem = document.at(
                    &kind.span(),
                    format!("there is no source of the kind {}", quoted(other)),
                );
                document.report(suggest(problem, other, &["files", "stdin"]));
            }
        }
    }
    sources
}

fn files(section: &Section<'_, '_>, base: &Path) -> Option<SourceConfig> {
    section.know(&["kind", "path", "paths", "follow"]);
    one_of(section, &["path", "paths"]);
    let follow = section.flag("follow").is_some_and(|flag| *flag.get_ref());
    let one = values::path(section, "path", base);
    let several = section.texts("paths");
    let paths: Vec<PathBuf> = several
        .iter()
        .map(|path| base.join(path.get_ref()))
        .chain(one)
        .collect();
    if paths.is_empty() && !section.has("path") {
        let document = section.document();
        document.report(
            document
                .at(section.span(), "`[[source]]` names no file")
                .with_help(
                    "write `path = \"signins.ndjson\"` or `paths = [\"a.json\", \"b.json\"]`",
                ),
        );
    }
    (!paths.is_empty()).then_some(SourceConfig::Files { paths, follow })
}
