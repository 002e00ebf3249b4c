//! From the text of `register.toml` to a valid register.
//!
//! Two steps, as in all files that people write: [`written`](super::written) reads what stands there,
//! with places; [`validate`](super::validate) compares the parts with one another. Both report into the
//! same list, so that one run names everything there is to mend.

use toml::{Spanned, de::DeTable};

use super::{Register, validate, written};
use crate::source_text::{Document, Problem, SecretRule, Section, quoted};

/// What the field `schema` says.
pub const SCHEMA: &str = "breakglass/register/v1";

/// A valid register, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The register.
    pub register: Register,
    /// What does not make it invalid, but is probably not meant.
    pub warnings: Vec<Problem>,
}

const FIELDS: &[&str] = &[
    "schema",
    "tenant",
    "account",
    "person",
    "drills",
    "drill",
    "workstation",
    "sealed",
];

/// Fields of a second file.
const SEALED_FIELDS: &[&str] = &["schema", "sealed"];

impl Register {
    /// Reads a register; `sealed` is a second file that holds the sealed part.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the files.
    pub fn from_toml(
        file_name: &str,
        text: &str,
        sealed: Option<(&str, &str)>,
    ) -> Result<Self, Vec<Problem>> {
        Self::parse(file_name, text, sealed).map(|parsed| parsed.register)
    }

    /// [`Self::from_toml`] with what is doubtful.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the files.
    pub fn parse(
        file_name: &str,
        text: &str,
        sealed: Option<(&str, &str)>,
    ) -> Result<Parsed, Vec<Problem>> {
        let main = Document::parse(file_name, text, SecretRule::Refuse);
        let second = sealed.map(|(file, text)| Document::parse(file, text, SecretRule::Refuse));
        let (main, second) = match (main, second) {
            (Ok(main), None) => (main, None),
            (Ok(main), Some(Ok(second))) => (main, Some(second)),
            (main, second) => {
                let of_main =
                    main.map_or_else(|problems| problems, |main| alone(main, FIELDS, read_main));
                let of_second = second.map(|second| {
                    second.map_or_else(
                        |problems| problems,
                        |second| alone(second, SEALED_FIELDS, read_second),
                    )
                });
                return Err(of_main
                    .into_iter()
                    .chain(of_second.unwrap_or_default())
                    .collect());
            }
        };
        let register = read(&main, second.as_ref());
        let (mut problems, mut warnings) = main.0.finish();
        if let Some((second, _)) = second {
            let (more_problems, more_warnings) = second.finish();
            problems.extend(more_problems);
            warnings.extend(more_warnings);
        }
        if problems.is_empty() {
            Ok(Parsed { register, warnings })
        } else {
            Err(problems)
        }
    }
}

type File<'t> = (Document<'t>, Spanned<DeTable<'t>>);

/// What can be said about one file when the other is not even TOML.
fn alone(file: File<'_>, known: &[&str], read: fn(&Section<'_, '_>)) -> Vec<Problem> {
    let (document, table) = file;
    read(&document.section(&table, known));
    document.finish().0
}

fn read_main(root: &Section<'_, '_>) {
    written::read(root);
    sealed_part(root);
    schema(root, true);
}

fn read_second(root: &Section<'_, '_>) {
    sealed_part(root);
    schema(root, false);
}

fn read(main: &File<'_>, second: Option<&File<'_>>) -> Register {
    let root = main.0.section(&main.1, FIELDS);
    schema(&root, true);
    let written = written::read(&root);
    let in_main = sealed_part(&root);
    let Some((document, table)) = second else {
        return validate::register(&main.0, written, in_main.map(|sealed| (&main.0, sealed)));
    };

    let root_of_second = document.section(table, SEALED_FIELDS);
    schema(&root_of_second, false);
    let sealed = root_of_second.need("sealed", sealed_part(&root_of_second));
    if let (Some(here), Some(there)) = (
        root_of_second.field_span("sealed"),
        root.field_span("sealed"),
    ) {
        let first = main.0.at(&there, "").place();
        document.report(
            document
                .at(
                    &here,
                    format!("the sealed part is given twice, first at {first}"),
                )
                .with_help("keep it in the file for people only"),
        );
    }
    validate::register(
        &main.0,
        written,
        Some((document, sealed.unwrap_or_default())),
    )
}

fn sealed_part(root: &Section<'_, '_>) -> Option<written::Sealed> {
    root.section("sealed", "`[sealed]`", &["place", "envelope"])
        .map(|sealed| written::read_sealed(&sealed))
}

fn schema(root: &Section<'_, '_>, required: bool) {
    let document = root.document();
    let help = format!("write `schema = \"{SCHEMA}\"` above everything else");
    match root.text("schema") {
        Some(given) if given.get_ref() == SCHEMA => {}
        Some(given) => document.report(
            document
                .at(
                    &given.span(),
                    format!(
                        "this program does not read the schema {}",
                        quoted(given.get_ref())
                    ),
                )
                .with_help(help),
        ),
        None if required && !root.has("schema") => document.report(
            document
                .at(root.span(), "the register does not say its `schema`")
                .with_help(help),
        ),
        None => {}
    }
}
