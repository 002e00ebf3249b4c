//! Secrets: where they lie, and how they are loaded.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use breakglass_model::source_text::{Problem, Section};

use super::{Channel, Identity, Proof, ValidConfig, values};

/// More than any secret; a longer file is not the one that was meant.
const MOST_BYTES: usize = 64 * 1024;

/// A secret. It is shown nowhere: no `Display`, no `Serialize`, and `Debug` without the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The content.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretFrom {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// A secret that is not loaded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    /// Where it lies.
    pub from: SecretFrom,
    /// Whether several may lie there, one in each line (while a receiver exchanges them).
    pub lines: bool,
    /// A problem at its place in the configuration, without a message.
    place: Problem,
}

/// A setting that may or may not be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting<S> {
    /// It stands in the configuration.
    Plain(String),
    /// It lies elsewhere.
    Secret(S),
}

impl Setting<Secret> {
    /// The content.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.reveal(),
        }
    }
}

/// What of the configuration holds secrets, with the secrets.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where the store is.
    pub store: Option<Setting<Secret>>,
    /// Where alerts go, in the order of the configuration.
    pub channels: Vec<Channel<Secret>>,
    /// Who the program is to the tenant, by purpose.
    pub identities: BTreeMap<&'static str, Identity<Secret>>,
}

/// Reads the fields `<field>_file` and `<field>_env`, of which exactly one may be there, and refuses
/// `<field>` itself.
pub(super) fn twins(section: &Section<'_, '_>, field: &str, base: &Path) -> Option<SecretSource> {
    let found = refer(section, field, base);
    refuse_literal(section, field);
    one_of(
        section,
        &[&format!("{field}_file"), &format!("{field}_env")],
    );
    found
}

/// The two fields without any judgement on their number.
pub(super) fn refer(section: &Section<'_, '_>, field: &str, base: &Path) -> Option<SecretSource> {
    let (file, env) = (format!("{field}_file"), format!("{field}_env"));
    let from_file = in_file(section, &file, false, base);
    let from_env = section.text(&env).and_then(|name| {
        let document = section.document();
        let span = section.field_span(&env).unwrap_or_else(|| name.span());
        let is_name = |name: &str| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        if !is_name(name.get_ref()) {
            // The text is not repeated: it may be the secret itself.
            document.report(
                document
                    .at(
                        &span,
                        format!("`{env}` is not the name of an environment variable"),
                    )
                    .with_help(format!(
                        "write the name of the variable that holds it, or its file: `{file}`"
                    )),
            );
            return None;
        }
        Some(SecretSource {
            from: SecretFrom::Env(name.into_inner()),
            lines: false,
            place: document.at(&span, ""),
        })
    });
    from_file.or(from_env)
}

/// A secret, or several, in the file that a field names.
pub(super) fn in_file(
    section: &Section<'_, '_>,
    field: &str,
    lines: bool,
    base: &Path,
) -> Option<SecretSource> {
    let span = section.field_span(field)?;
    Some(SecretSource {
        from: SecretFrom::File(values::path(section, field, base)?),
        lines,
        place: section.document().at(&span, ""),
    })
}

/// Refuses a secret that stands in the configuration.
pub(super) fn refuse_literal(section: &Section<'_, '_>, field: &str) {
    if let Some(span) = section.field_span(field) {
        let document = section.document();
        document.report(
            document
                .at(&span, format!("`{field}` stands here in clear"))
                .with_help(format!(
                    "name the file that holds it with `{field}_file`, or the environment variable with `{field}_env`; treat this one as disclosed"
                )),
        );
    }
}

/// Reports fields that exclude each other, at the place of each.
pub(super) fn one_of(section: &Section<'_, '_>, fields: &[&str]) {
    let given: Vec<_> = fields
        .iter()
        .filter_map(|field| section.field_span(field).map(|span| (*field, span)))
        .collect();
    if given.len() < 2 {
        return;
    }
    let document = section.document();
    for (field, span) in &given {
        let others: Vec<String> = given
            .iter()
            .filter(|(other, _)| other != field)
            .map(|(other, span)| format!("`{other}` in line {}", document.at(span, "").line))
            .collect();
        document.report(
            document
                .at(
                    span,
                    format!("`{field}` is given beside {}", others.join(" and ")),
                )
                .with_help("keep one of them"),
        );
    }
}

impl ValidConfig {
    /// Loads the secrets. The trailing line end of a file does not belong to the secret.
    ///
    /// # Errors
    /// Every secret that could not be loaded, at its place in the configuration.
    pub fn resolve(
        &self,
        read_file: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Resolved, Vec<Problem>> {
        let mut loader = Loader {
            read_file,
            env,
            loaded: BTreeMap::new(),
            problems: Vec::new(),
        };
        let store = match &self.store {
            Some(Setting::Plain(url)) => Some(Setting::Plain(url.clone())),
            Some(Setting::Secret(source)) => loader.one(source).map(Setting::Secret),
            None => None,
        };
        let channels = self
            .channels
            .iter()
            .filter_map(|channel| channel.resolve(&mut loader))
            .collect();
        let identities = self
            .identities
            .iter()
            .filter_map(|(purpose, identity)| Some((*purpose, identity.resolve(&mut loader)?)))
            .collect();
        if loader.problems.is_empty() {
            Ok(Resolved {
                store,
                channels,
                identities,
            })
        } else {
            Err(loader.problems)
        }
    }

    /// The files that hold secrets, each once.
    pub fn secret_files(&self) -> Vec<&Path> {
        let store = self.store.iter().filter_map(|store| match store {
            Setting::Secret(source) => Some(source),
            Setting::Plain(_) => None,
        });
        let channels = self.channels.iter().flat_map(Channel::secrets);
        let secrets = self
            .identities
            .values()
            .filter_map(|identity| match &identity.proof {
                Proof::Secret(source) => Some(source),
                _ => None,
            });
        let keys = self
            .identities
            .values()
            .filter_map(|identity| match &identity.proof {
                Proof::Certificate {
                    certificate_file,
                    key_file,
                } => Some(key_file.as_ref().unwrap_or(certificate_file).as_path()),
                Proof::FederatedToken(file) => Some(file.as_path()),
                _ => None,
            });
        let mut files: Vec<&Path> = store
            .chain(channels)
            .chain(secrets)
            .filter_map(|source| match &source.from {
                SecretFrom::File(path) => Some(path.as_path()),
                SecretFrom::Env(_) => None,
            })
            .chain(keys)
            .collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

/// Loads secrets and remembers what went wrong. Each file is read once, also when it is a pipe.
pub(super) struct Loader<'a> {
    read_file: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    env: &'a dyn Fn(&str) -> Option<String>,
    loaded: BTreeMap<SecretFrom, Result<String, String>>,
    problems: Vec<Problem>,
}

impl Loader<'_> {
    /// The secret that lies there.
    pub(super) fn one(&mut self, source: &SecretSource) -> Option<Secret> {
        let content = self.content(source)?;
        if content.contains('\n') {
            self.fail(source, "holds more than one line, one is expected");
            return None;
        }
        Some(Secret(content))
    }

    /// The secrets that lie there; `None` when there is none.
    pub(super) fn several(&mut self, source: &SecretSource) -> Option<Vec<Secret>> {
        if !source.lines {
            return self.one(source).map(|secret| vec![secret]);
        }
        let content = self.content(source)?;
        let lines = content
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        Some(lines.map(|line| Secret(line.to_owned())).collect())
    }

    fn content(&mut self, source: &SecretSource) -> Option<String> {
        if !self.loaded.contains_key(&source.from) {
            let content = self.load(&source.from);
            self.loaded.insert(source.from.clone(), content);
        }
        match self.loaded.get(&source.from)? {
            Ok(content) => Some(content.clone()),
            Err(reason) => {
                let reason = reason.clone();
                self.fail(source, &reason);
                None
            }
        }
    }

    fn load(&self, from: &SecretFrom) -> Result<String, String> {
        let content = match from {
            SecretFrom::File(path) => {
                let bytes =
                    (self.read_file)(path).map_err(|error| format!("cannot be read: {error}"))?;
                if bytes.len() > MOST_BYTES {
                    return Err(format!(
                        "is longer than {MOST_BYTES} bytes, which is no secret"
                    ));
                }
                // The error of the conversion holds the bytes; it is dropped.
                String::from_utf8(bytes).map_err(|_| "is not text in UTF-8".to_owned())?
            }
            SecretFrom::Env(name) => (self.env)(name).ok_or("is not set")?,
        };
        let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
        let content = content.strip_suffix('\n').unwrap_or(content);
        let content = content.strip_suffix('\r').unwrap_or(content);
        if content.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(content.to_owned())
    }

    fn fail(&mut self, source: &SecretSource, reason: &str) {
        let what = match &source.from {
            SecretFrom::File(path) => format!("the file `{}`", path.display()),
            SecretFrom::Env(name) => format!("the environment variable `{name}`"),
        };
        let mut problem = source.place.clone();
        problem.message = format!("{what} {reason}");
        self.problems.push(problem);
    }
}

/// Whether a file can be read by others than its owner and group, as far as the system tells.
///
/// # Errors
/// When the system cannot say anything about the file.
#[cfg(unix)]
pub fn readable_by_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o004 != 0)
}

/// Whether a file can be read by others than its owner and group, as far as the system tells.
///
/// # Errors
/// When the system cannot say anything about the file.
#[cfg(not(unix))]
pub fn readable_by_others(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}
