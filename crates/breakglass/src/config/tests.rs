use std::{fmt::Write as _, io, path::Path};

use breakglass_model::source_text::render;

use super::*;

fn said(text: &str) -> String {
    match ValidConfig::from_toml("breakglass.toml", text) {
        Ok(config) => format!("valid; warnings:\n{}", render(&config.warnings)),
        Err(problems) => render(&problems),
    }
}

fn table(cases: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        writeln!(out, "## {name}\n{}", said(text)).unwrap();
    }
    out
}

fn valid(text: &str) -> ValidConfig {
    ValidConfig::from_toml("/etc/breakglass/breakglass.toml", text)
        .map_err(|problems| render(&problems))
        .unwrap()
}

const WEBHOOK: &str = "[[channel]]\nkind = \"webhook\"\nurl = \"https://h.example/x\"\n";
const MAIL: &str = "[[channel]]\nkind = \"smtp\"\nto = [\"a@b.example\"]\nfrom = \"c@d.example\"\n";

#[test]
fn r1_the_example_is_valid_in_every_form() {
    let config = valid(ValidConfig::example());
    assert_eq!(render(&config.warnings), "");
    insta::assert_debug_snapshot!(config);
    let windows = format!("\u{feff}{}", ValidConfig::example().replace('\n', "\r\n"));
    assert_eq!(format!("{:?}", valid(&windows)), format!("{config:?}"));
}

#[test]
fn r1_what_the_example_only_mentions_is_valid_too() {
    // Every commented line that is TOML in itself, in the place where it stands.
    let mut mentioned = 0;
    let lines: Vec<&str> = ValidConfig::example().lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Some(setting) = line.strip_prefix("# ") else {
            continue;
        };
        let name = setting.split(" = ").next().unwrap();
        if name == setting || name.contains(' ') || setting.contains('…') {
            continue;
        }
        let mut changed = lines.clone();
        changed[index] = setting;
        // What it stands for instead of.
        let instead = name.strip_suffix("_file").or(name.strip_suffix("_env"));
        changed.retain(|line| {
            !instead.is_some_and(|field| field == "url" && line.starts_with("url = "))
        });
        let rendered = said(&changed.join("\n"));
        let known = !rendered.contains("unknown field");
        assert!(
            known || ["id", "upn", "kind"].contains(&name),
            "{setting}\n{rendered}"
        );
        mentioned += 1;
    }
    assert!(mentioned >= 6, "{mentioned}");
}

#[test]
fn r1_an_empty_file_configures_nothing() {
    for text in ["", "\u{feff}", "# nothing\r\n"] {
        let config = valid(text);
        assert!(config.channels.is_empty() && config.sources.is_empty());
        assert_eq!(config.cloud, Cloud::Public);
        assert!(config.store.is_none() && config.warnings.is_empty());
    }
}

#[test]
fn r1_what_is_wrong_is_said_with_place_and_help() {
    let cases = [
        ("not toml", "[tenant]\nid =\n[[channel]\nkind = 1\n"),
        (
            "unknown sections and fields",
            "[tenat]\nid = \"x\"\n[store]\nuri = \"sqlite:x\"\n[chek]\n[tenant]\nclod = 1\n[check]\nfail_on = \"hihg\"\nmax_global_administrators = -1\n[message]\ntime_zone = \"Europe/Berln\"\n",
        ),
        (
            "for later",
            "[escalation]\nrepeat = \"5m\"\n[[heartbeat]]\nurl = \"https://x.example\"\n[web]\nlisten = \"y\"\n[register]\nfile = \"r.toml\"\nidentity_file = \"z\"\n",
        ),
        (
            "identities",
            "[identity.watch]\nclient_id = \"x\"\n[identity.posture]\nsecret = \"hunter2\"\nsecret_env = \"X\"\nmanaged_identity = true\nkey_file = \"k.pem\"\n[identity.write]\nclient_id = \"y\"\n",
        ),
        (
            "identities: a secret without its application",
            "[identity.posture]\nsecret_env = \"X\"\n[identity.watch]\nsign_in = \"azure-cil\"\n",
        ),
        (
            "wrong types",
            "tenant = 1\nstore = []\nsource = \"files\"\n[[channel]]\nkind = 1\n[[waiver]]\nuntil = \"soon\"\napproved_by = \"anna\"\n[message]\ntime_zone = 2\n",
        ),
        (
            "clouds",
            "[tenant]\nid = \"\"\ncloud = { login = \"https://l\", graph = \"graph\", arm = \"ftp://x\", log = 1 }\n",
        ),
        ("cloud", "[tenant]\ncloud = \"usgv\"\n"),
        ("store: nothing", "[store]\n"),
        (
            "store: both",
            "[store]\nurl = \"sqlite:x\"\nurl_file = \"y\"\nurl_env = \"Z\"\n",
        ),
        ("store: neither kind", "[store]\nurl = \"mysql://x\"\n"),
        (
            "store: password",
            "[store]\nurl = \"postgres://u:hunter2/3@h/d\"\n",
        ),
        (
            "store: password as parameter",
            "[store]\nurl = \"postgres://h/d?user=u&password=hunter2\"\n",
        ),
        ("register", "[register]\nsealed_file = \"s.toml.age\"\n"),
        (
            "accounts",
            "[[account]]\n[[account]]\nid = \"A\"\n[[account]]\nid = \"a\"\nupn = \"nobody\"\n[[account]]\nupn = \"a@b\"\n[[account]]\nid = \"B\"\nupn = \"A@B\"\n",
        ),
        (
            "sources",
            "[[source]]\n[[source]]\nkind = \"kafka\"\nbrokers = \"x\"\n[[source]]\nkind = \"file\"\n[[source]]\nkind = \"files\"\n[[source]]\nkind = \"files\"\npath = \"a\"\npaths = [\"b\"]\nfolow = true\n[[source]]\nkind = \"stdin\"\npath = \"x\"\n[[source]]\nkind = \"stdin\"\n",
        ),
        (
            "waivers",
            "[[waiver]]\n[[waiver]]\ncheck = \"BG001\"\nsubject = \"x\"\nreason = \" \"\nuntil = 2027-02-30T00:00:00Z\napproved_by = []\n",
        ),
        (
            "waiver until a day that does not exist",
            "[[waiver]]\ncheck = \"BG001\"\nsubject = \"x\"\nreason = \"y\"\nuntil = \"2027-02-30\"\napproved_by = [\"a\"]\n",
        ),
    ];
    insta::assert_snapshot!(table(&cases));
}

#[test]
fn r1_what_is_wrong_with_channels_is_said_with_place_and_help() {
    let mail = |rest: &str| format!("{MAIL}{rest}\n");
    let hook = |rest: &str| format!("{WEBHOOK}{rest}\n");
    let cases = [
        ("kinds", "[[channel]]\n[[channel]]\nkind = \"smpt\"\n[[channel]]\nkind = \"console\"\nto = 1\n".to_owned()),
        (
            "names",
            "[[channel]]\nkind = \"console\"\nname = \"A\"\n[[channel]]\nkind = \"console\"\nname = \"a\"\n[[channel]]\nkind = \"console\"\nname = \"console-4\"\n[[channel]]\nkind = \"console\"\n".to_owned(),
        ),
        ("mail: nothing", "[[channel]]\nkind = \"smtp\"\n".to_owned()),
        ("mail: addresses", "[[channel]]\nkind = \"smtp\"\nto = [\"soc\", \"a b@c\"]\nfrom = \"@x\"\nserver = \"https://mail\"\ntls = \"ssl\"\n".to_owned()),
        ("mail: port", mail("server = \"mail.example:70000\"")),
        ("mail: user alone", mail("server = \"m.example\"\nuser = \"u\"")),
        ("mail: password alone", mail("server = \"m.example\"\npassword_file = \"p\"")),
        ("mail: twins", mail("server = \"m.example\"\nuser = \"u\"\npassword_file = \"p\"\npassword_env = \"P\"")),
        ("mail: literal", mail("server = \"m.example\"\nuser = \"u\"\npassword = \"hunter2\"")),
        ("mail: in clear", mail("server = \"m.example\"\nuser = \"u\"\ntls = \"none\"\npassword_env = \"P\"")),
        ("mail: the secret where the variable should stand", mail("server = \"m.example\"\nuser = \"u\"\npassword_env = \"hunter2!\"")),
        ("webhook: nothing", "[[channel]]\nkind = \"webhook\"\n".to_owned()),
        ("webhook: literal", hook("secret = \"hunter2\"")),
        ("webhook: twins", hook("url_env = \"U\"\nsecret_file = \"s\"\nsecret_env = \"S\"\nsecrets_file = \"t\"")),
        ("webhook: an unknown secret", hook("secret_file = \"s\"\napi_token = \"hunter2\"\nheader = \"x\"")),
        ("webhook: in clear", "[[channel]]\nkind = \"webhook\"\nurl = \"http://h.example/hunter2\"\nsecret_file = \"s\"\n".to_owned()),
        ("webhook: no address", "[[channel]]\nkind = \"webhook\"\nurl = \"h.example\"\nsecret_file = \"s\"\nallow_private = \"yes\"\n".to_owned()),
        ("webhook: password", "[[channel]]\nkind = \"webhook\"\nurl = \"https://u:hunter2@h.example\"\nsecret_file = \"s\"\n".to_owned()),
        ("pagerduty: nothing", "[[channel]]\nkind = \"pagerduty\"\nurl = \"http://x.example\"\n".to_owned()),
        ("pagerduty: literal", "[[channel]]\nkind = \"pagerduty\"\nrouting_key = \"hunter2\"\n".to_owned()),
    ];
    let cases: Vec<_> = cases
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let table = table(&cases);
    assert!(!table.contains("hunter2"), "{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn s2_no_secret_appears_however_the_file_is_broken() {
    let secrets = [
        "password = \"hunter2\"",
        "password = hunter2",
        "secret = '''\nhunter2\n'''",
        "routing_key = [\"hunter2\"]",
        "password_env = \"it is hunter2\"",
        "secret_env = [\"hunter2\"]",
        "token = { a = \"hunter2\" }",
        "url = \"https://h.example/hunter2\"",
        "url = \"https://h.example?k=hunter2\"",
        "url = \"postgres://u:hunter2@h/d\"",
        "url = 'postgres://u:x#/hunter2@h/d'",
        "url_env = \"postgres://u:hunter2@h/d\"",
        "pasword = \"x\" # the password is hunter2",
    ];
    let heads = [
        "",
        "[store]\n",
        MAIL,
        WEBHOOK,
        "[[channel]]\nkind = \"pagerduty\"\n",
        "[tenant]\n",
    ];
    for secret in secrets {
        for head in heads {
            // `url` stands in the webhook already, which makes it no TOML: one more way to be broken.
            for tail in ["", "\n[[[", "\nx = ", "\n\"\"\"", "\n[tenat]\nid = 3"] {
                let text = format!("{head}{secret}{tail}\n");
                let rendered = said(&text);
                assert!(!rendered.contains("hunter2"), "{text}\n---\n{rendered}");
            }
        }
    }
}

#[test]
fn r1_no_piece_of_the_example_makes_it_panic() {
    let example = ValidConfig::example();
    let mut wrong = 0;
    for (at, c) in example.char_indices().step_by(5) {
        let (head, tail) = (&example[..at], &example[at + c.len_utf8()..]);
        for text in [
            head.to_owned(),
            format!("{head}{tail}"),
            format!("{head}\"{tail}"),
        ] {
            if let Err(problems) = ValidConfig::from_toml("breakglass.toml", &text) {
                assert!(!problems.is_empty());
                wrong += 1;
            }
        }
    }
    assert!(wrong > 500, "{wrong}");
}

#[test]
fn r1_forms_of_values() {
    for (server, tls, host, port, expected) in [
        ("m.example:25", Some("none"), "m.example", 25, MailTls::None),
        ("m.example", None, "m.example", 587, MailTls::StartTls),
        ("m.example:465", None, "m.example", 465, MailTls::Implicit),
        (
            "m.example",
            Some("implicit"),
            "m.example",
            465,
            MailTls::Implicit,
        ),
        ("m.example", Some("none"), "m.example", 25, MailTls::None),
        (
            "[::1]:2525",
            Some("starttls"),
            "::1",
            2525,
            MailTls::StartTls,
        ),
        ("::1", None, "::1", 587, MailTls::StartTls),
    ] {
        let tls = tls
            .map(|tls| format!("tls = \"{tls}\"\n"))
            .unwrap_or_default();
        let config = valid(&format!("{MAIL}server = \"{server}\"\n{tls}"));
        let ChannelConfig::Smtp(smtp) = &config.channels[0].config else {
            panic!("a mail channel");
        };
        assert_eq!(
            (smtp.host.as_str(), smtp.port, smtp.tls),
            (host, port, expected),
            "{server}"
        );
        assert_eq!(config.channels[0].name, "smtp-1");
    }
    for bad in [
        "",
        "m:0",
        "m:x",
        "m:",
        "[::1]x",
        "[::1",
        "a b",
        "m/x",
        "http://m:25",
        ":25",
    ] {
        let rendered = said(&format!("{MAIL}server = \"{bad}\"\n"));
        assert!(rendered.contains("`server`"), "{bad}: {rendered}");
    }
}

#[test]
fn r1_paths_are_relative_to_the_configuration() {
    let text = "[store]\nurl = \"sqlite:data/b.db\"\n[register]\nfile = \"r.toml\"\nsealed_file = \"/x/s.toml\"\n[[source]]\nkind = \"files\"\npath = \"logs/a\"\n";
    let config = valid(text);
    assert_eq!(
        config.store,
        Some(Setting::Plain("sqlite:/etc/breakglass/data/b.db".into()))
    );
    let register = config.register.unwrap();
    assert_eq!(register.file, Path::new("/etc/breakglass/r.toml"));
    assert_eq!(
        register.sealed_file.as_deref(),
        Some(Path::new("/x/s.toml"))
    );
    let paths = vec![PathBuf::from("/etc/breakglass/logs/a")];
    assert_eq!(
        config.sources,
        [SourceConfig::Files {
            paths,
            follow: false
        }]
    );
    let here = ValidConfig::from_toml("breakglass.toml", text).unwrap();
    assert_eq!(here.store, Some(Setting::Plain("sqlite:data/b.db".into())));
    let memory = valid("[store]\nurl = \"sqlite::memory:\"\n");
    assert_eq!(memory.store, Some(Setting::Plain("sqlite::memory:".into())));
    let postgres = valid("[store]\nurl = \"postgres://u@h:5432/d\"\n");
    assert_eq!(
        postgres.store,
        Some(Setting::Plain("postgres://u@h:5432/d".into()))
    );
}

const WITH_SECRETS: &str = "[store]\nurl_env = \"STORE\"\n\
    [[channel]]\nkind = \"smtp\"\nto = [\"a@b.example\"]\nfrom = \"c@d.example\"\nserver = \"m.example\"\nuser = \"u\"\npassword_file = \"smtp\"\n\
    [[channel]]\nkind = \"webhook\"\nurl_file = \"hook\"\nsecrets_file = \"hooks\"\n\
    [[channel]]\nkind = \"pagerduty\"\nrouting_key_file = \"/run/pd\"\n\
    [[channel]]\nkind = \"console\"\n";

#[test]
fn s2_secrets_are_loaded_from_where_the_configuration_says() {
    let config = valid(WITH_SECRETS);
    let read = |path: &Path| -> io::Result<Vec<u8>> {
        Ok(match path.to_str().unwrap() {
            "/etc/breakglass/smtp" => b" hunter2 \r\n".to_vec(),
            "/etc/breakglass/hook" => "\u{feff}https://h.example/token\n".into(),
            "/etc/breakglass/hooks" => b"whsec_old\n\n whsec_new\n".to_vec(),
            "/run/pd" => b"R0".to_vec(),
            other => panic!("{other} is not configured"),
        })
    };
    let env = |name: &str| (name == "STORE").then(|| "postgres://u:p@h/d".to_owned());
    let resolved = config.resolve(&read, &env).unwrap();
    assert_eq!(
        resolved.store.as_ref().unwrap().reveal(),
        "postgres://u:p@h/d"
    );
    let [mail, hook, pagerduty, console] = &resolved.channels[..] else {
        panic!("four channels");
    };
    let ChannelConfig::Smtp(smtp) = &mail.config else {
        panic!("mail")
    };
    assert_eq!(smtp.login.as_ref().unwrap().1.reveal(), " hunter2 ");
    let ChannelConfig::Webhook(webhook) = &hook.config else {
        panic!("webhook")
    };
    assert_eq!(webhook.url.reveal(), "https://h.example/token");
    let secrets: Vec<_> = webhook.secrets.iter().map(Secret::reveal).collect();
    assert_eq!(secrets, ["whsec_old", "whsec_new"]);
    let ChannelConfig::PagerDuty(pagerduty) = &pagerduty.config else {
        panic!("pagerduty")
    };
    assert_eq!(pagerduty.routing_key.reveal(), "R0");
    assert_eq!(console.config, ChannelConfig::Console);

    let debug = format!("{resolved:?}");
    for secret in ["hunter2", "whsec", "R0", "token", "u:p@h"] {
        assert!(!debug.contains(secret), "{secret}: {debug}");
    }
    let files: Vec<_> = config
        .secret_files()
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    insta::assert_debug_snapshot!(files, @r#"
    [
        "/etc/breakglass/hook",
        "/etc/breakglass/hooks",
        "/etc/breakglass/smtp",
        "/run/pd",
    ]
    "#);
}

#[test]
fn s2_every_secret_that_cannot_be_loaded_is_named() {
    let config = ValidConfig::from_toml("breakglass.toml", WITH_SECRETS).unwrap();
    let read = |path: &Path| match path.to_str().unwrap() {
        "smtp" => Ok(b"hunter2\nhunter3\n".to_vec()),
        "hook" => Ok(b"\r\n".to_vec()),
        "hooks" => Ok(b"\xff\xfehunter2".to_vec()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    };
    let problems = config.resolve(&read, &|_| None).unwrap_err();
    let rendered = render(&problems);
    assert!(!rendered.contains("hunter"), "{rendered}");
    insta::assert_snapshot!(rendered);
    let long = |_: &Path| Ok(vec![b'x'; 100_000]);
    let rendered = render(&config.resolve(&long, &|_| Some(" ".into())).unwrap_err());
    assert!(rendered.contains("longer than"), "{rendered}");
    assert!(rendered.contains("`STORE` is empty"), "{rendered}");
}

#[cfg(unix)]
#[test]
fn s2_a_secret_file_that_others_can_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    for (mode, expected) in [(0o600, false), (0o640, false), (0o644, true)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file.path(), permissions).unwrap();
        assert_eq!(
            readable_by_others(file.path()).unwrap(),
            expected,
            "{mode:o}"
        );
    }
    assert!(readable_by_others(Path::new("/nonexistent/file")).is_err());
}
