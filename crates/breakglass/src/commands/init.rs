//! `init`: a commented configuration, from answers or from a snapshot.
//!
//! Nothing is asked where nobody can answer, and an existing file is never overwritten.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

use breakglass_model::{ObjectId, TenantSnapshot, Upn};
use breakglass_posture::candidates;

use crate::{
    cli::InitArgs,
    clock,
    config::ValidConfig,
    failure::{Failure, exit},
    input, output,
};

/// What goes into the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    tenant: Option<String>,
    tenant_name: Option<String>,
    cloud: String,
    sign_in: String,
    /// UPN or object id, and why it is proposed.
    accounts: Vec<(String, Vec<String>)>,
    mail_server: Option<String>,
    mail_to: Option<String>,
}

/// `init`
pub fn run(args: &InitArgs) -> Result<u8, Failure> {
    let to_standard_output = args.out == Path::new("-");
    if !to_standard_output && args.out.exists() {
        return Err(
            Failure::usage(format!("`{}` exists already", args.out.display())).help(
                "name another file with --out, or `-` for standard output; nothing was changed",
            ),
        );
    }
    let now = clock::to_the_second(clock::clock(None).now());
    let mut answers = Answers {
        cloud: "public".to_owned(),
        sign_in: "browser".to_owned(),
        ..Answers::default()
    };
    if let Some(from) = &args.from {
        tell_from(&mut answers, &input::tenant(from, now)?.needed()?.snapshot);
    }
    if !args.yes {
        if !io::stdin().is_terminal() {
            return Err(Failure::usage("nobody can be asked: standard input is no terminal")
                .help("give --yes to take the defaults, and --from <snapshot> to fill in what it tells"));
        }
        ask(&mut answers)?;
    }
    let text = written(&answers);
    let name = args.out.display().to_string();
    ValidConfig::from_toml(&name, &text)
        .map_err(|problems| crate::settings::refused("what would be written", &problems))?;
    if to_standard_output {
        output::print(&text)?;
        return Ok(exit::CLEAN);
    }
    create(&args.out, &text)?;
    let told = format!(
        "{name} is written{}. Next:\n  breakglass collect --config {name}\n  breakglass check --config {name} --tenant snapshot.json.gz\n",
        match answers.accounts.len() {
            0 => ", without accounts: name them in it".to_owned(),
            1 => ", with 1 account: look at it".to_owned(),
            many => format!(", with {many} accounts: look at them"),
        }
    );
    output::print_done(&told, &format!("`{name}` is written"))?;
    Ok(exit::CLEAN)
}

/// Creates the file, never in place of another.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let written = fs::File::create_new(path).and_then(|mut file| {
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("`{}` exists already", path.display()))
        }
        _ => Failure::broke(format!(
            "`{}` could not be written: {}",
            path.display(),
            input::plain(&error)
        )),
    })
}

fn tell_from(answers: &mut Answers, snapshot: &TenantSnapshot) {
    answers.tenant = snapshot.id.as_ref().map(ToString::to_string);
    answers.tenant_name.clone_from(&snapshot.name);
    answers.accounts = candidates(snapshot)
        .into_iter()
        .filter_map(|account| {
            let name = account
                .upn
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| account.id.as_ref().map(ToString::to_string))?;
            Some((name, account.reasons))
        })
        .collect();
}

/// One question on standard error; an empty answer takes what is proposed.
fn question(text: &str, proposed: &str) -> Result<String, Failure> {
    let mut err = io::stderr().lock();
    let shown = if proposed.is_empty() {
        String::new()
    } else {
        format!(" [{proposed}]")
    };
    let failed =
        |error: io::Error| Failure::broke(format!("the terminal could not be used: {error}"));
    write!(err, "{text}{shown}: ")
        .and_then(|()| err.flush())
        .map_err(failed)?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).map_err(failed)?;
    if read == 0 {
        return Err(Failure::usage(
            "the questions were not answered; nothing was written",
        ));
    }
    let answer = line.trim();
    Ok(if answer.is_empty() { proposed } else { answer }.to_owned())
}

fn choice(text: &str, words: &[&str], proposed: &str) -> Result<String, Failure> {
    loop {
        let answer = question(&format!("{text} ({})", words.join(", ")), proposed)?;
        if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(&answer)) {
            return Ok((*word).to_owned());
        }
        output::tell!("  please answer with one of: {}", words.join(", "));
    }
}

fn ask(answers: &mut Answers) -> Result<(), Failure> {
    output::tell!(
        "A few questions; Enter takes what stands in brackets, and everything can be changed in the file.\n"
    );
    let tenant = question(
        "Tenant id (empty: of whoever signs in)",
        answers.tenant.as_deref().unwrap_or_default(),
    )?;
    answers.tenant = (!tenant.is_empty()).then_some(tenant);
    answers.cloud = choice(
        "Cloud",
        &["public", "usgov", "usgov-dod", "china"],
        &answers.cloud,
    )?;
    answers.sign_in = choice(
        "How to sign in for a first look",
        &["browser", "device-code", "azure-cli"],
        &answers.sign_in,
    )?;
    let proposed: Vec<String> = answers
        .accounts
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    for (name, reasons) in &answers.accounts {
        output::tell!("  {}: {}", output::one_line(name), reasons.join("; "));
    }
    loop {
        let answer = question(
            "Emergency access accounts, by UPN or object id, separated by blanks",
            &proposed.join(" "),
        )?;
        let list: Vec<&str> = answer
            .split([' ', ','])
            .filter(|name| !name.is_empty())
            .collect();
        let wrong = list
            .iter()
            .find(|name| Upn::parse(name).is_err() && !is_object_id(name));
        if let Some(wrong) = wrong {
            output::tell!(
                "  `{}` is neither a user principal name nor an object id",
                output::one_line(wrong)
            );
            continue;
        }
        let known = std::mem::take(&mut answers.accounts);
        answers.accounts = list
            .iter()
            .map(|name| {
                let reasons = known.iter().find(|(known, _)| known == name);
                (
                    (*name).to_owned(),
                    reasons
                        .map(|(_, reasons)| reasons.clone())
                        .unwrap_or_default(),
                )
            })
            .collect();
        break;
    }
    let server = question(
        "Mail server for alerts, outside the tenant (empty: later)",
        "",
    )?;
    if !server.is_empty() {
        answers.mail_to =
            Some(question("Who gets the alerts by mail", "")?).filter(|to| !to.is_empty());
        answers.mail_server = Some(server);
    }
    Ok(())
}

fn is_object_id(name: &str) -> bool {
    uuid::Uuid::parse_str(name).is_ok() && ObjectId::parse(name).is_ok()
}

/// A TOML string on one line.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn written(answers: &Answers) -> String {
    let mut text = String::from(
        "# Configuration of breakglass. Paths are relative to this file. No secret stands here: each has a\n\
         # `…_file` form (a path) and an `…_env` form (a variable's name). Everything that can be set:\n\
         # docs/breakglass.example.toml\n\n[tenant]\n",
    );
    if let Some(name) = &answers.tenant_name {
        text.push_str(&format!("# {}\n", output::one_line(name)));
    }
    match &answers.tenant {
        Some(id) => text.push_str(&format!("id = {}\n", quoted(id))),
        None => text.push_str("# id = \"the tenant's id\"\n"),
    }
    text.push_str(&format!("cloud = {}\n\n", quoted(&answers.cloud)));
    text.push_str(&format!(
        "# Who reads the tenant: a person, for a first look. For every day give it an app registration of its own\n\
         # (docs/permissions.md has what to grant, and the script): client_id and certificate_file in place of sign_in.\n\
         [identity.posture]\nsign_in = {}\n\n",
        quoted(&answers.sign_in)
    ));
    text.push_str("# Signals, incidents, alerts that wait, and evidence.\n[store]\nurl = \"sqlite:breakglass.db\"\n\n");
    text.push_str("# The register says where the keys lie and who is authorised.\n# [register]\n# file = \"register.toml\"\n\n");
    if answers.accounts.is_empty() {
        text.push_str("# [[account]]\n# upn = \"BreakGlass01@contoso.onmicrosoft.com\"\n\n");
    }
    for (name, reasons) in &answers.accounts {
        if !reasons.is_empty() {
            text.push_str(&format!(
                "# proposed because {}\n",
                output::one_line(&reasons.join("; "))
            ));
        }
        let field = if Upn::parse(name).is_ok() {
            "upn"
        } else {
            "id"
        };
        text.push_str(&format!("[[account]]\n{field} = {}\n\n", quoted(name)));
    }
    text.push_str(
        "# Alerts: at least two channels that do not fail together, and none that needs this tenant.\n",
    );
    match (&answers.mail_server, &answers.mail_to) {
        (Some(server), Some(to)) => text.push_str(&format!(
            "[[channel]]\nkind = \"smtp\"\nname = \"mail\"\nserver = {}\nto = [{}]\nfrom = {}\n\
             # user = \"breakglass\"\n# password_file = \"smtp-password\"\ndepends_on = [\"provider:mail\"]\n",
            quoted(server),
            quoted(to),
            quoted(to)
        )),
        _ => text.push_str(
            "# [[channel]]\n# kind = \"smtp\"\n# server = \"mail.other.example:587\"\n# to = [\"soc@other.example\"]\n\
             # from = \"breakglass@other.example\"\n",
        ),
    }
    text
}

#[cfg(test)]
mod tests {
    use breakglass_model::example;

    use super::*;

    #[test]
    fn what_is_written_is_valid_whatever_the_tenant_calls_itself() {
        let answers = Answers {
            tenant: Some("6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61".to_owned()),
            tenant_name: Some("A\"\n[[channel]] \u{202e}x".to_owned()),
            cloud: "usgov".to_owned(),
            sign_in: "device-code".to_owned(),
            accounts: vec![
                (
                    "bg1@contoso.onmicrosoft.com".to_owned(),
                    vec!["its name\nsays so".to_owned()],
                ),
                (
                    "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000".to_owned(),
                    Vec::new(),
                ),
            ],
            mail_server: Some("mail.other.example:587".to_owned()),
            mail_to: Some("soc@other.example".to_owned()),
        };
        let config = ValidConfig::from_toml("x.toml", &written(&answers)).unwrap();
        assert_eq!(config.accounts.len(), 2);
        assert_eq!(config.channels.len(), 1);
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn a_snapshot_proposes_tenant_and_accounts() {
        let example = example::tenant("contoso", "2026-11-24T12:00:00Z".parse().unwrap()).unwrap();
        let mut answers = Answers::default();
        tell_from(&mut answers, &example.snapshot);
        assert_eq!(answers.accounts.len(), 2);
        assert!(
            answers
                .accounts
                .iter()
                .all(|(name, reasons)| name.starts_with("BreakGlass") && !reasons.is_empty())
        );
        assert_eq!(answers.tenant_name.as_deref(), Some("Contoso"));
    }
}
