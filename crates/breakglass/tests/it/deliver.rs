//! From a record to a mail in somebody's box, over crashes, refusals and a full disk.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::support::{Killed, UPN, code, err, lines, out, program, run, sign_in, wait_until};

/// A Python with a mail server in it; `./test` makes one.
fn python() -> Option<PathBuf> {
    let candidates = std::env::var_os("BREAKGLASS_TEST_PYTHON")
        .map(PathBuf::from)
        .into_iter()
        .chain([PathBuf::from("python3")]);
    let found = candidates.into_iter().find(|python| {
        Command::new(python)
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
            "no Python with aiosmtpd"
        );
        println!("skipped: no Python with aiosmtpd");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

const SINK: &str = r#"
import sys, time, pathlib
from aiosmtpd.controller import Controller
class Keep:
    n = 0
    async def handle_DATA(self, server, session, envelope):
        Keep.n += 1
        target = pathlib.Path(sys.argv[2])
        temporary = target / f".{Keep.n}"
        temporary.write_bytes(envelope.content)
        temporary.rename(target / f"{Keep.n}.eml")
        return "250 kept"
controller = Controller(Keep(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
while True:
    time.sleep(1)
"#;

fn mail_server(python: &Path, port: u16, mails: &Path) -> Killed {
    let child = Command::new(python)
        .args(["-c", SINK, &port.to_string(), mails.to_str().unwrap()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Killed(child);
    wait_until("the mail server", Duration::from_secs(30), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    server
}

fn mails(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

fn configuration(place: &Path, port: u16) -> PathBuf {
    let config = place.join("breakglass.toml");
    fs::write(
        &config,
        format!(
            "[store]\nurl = \"sqlite:{}/breakglass.db\"\n\n[[account]]\nupn = \"{UPN}\"\n\n[[channel]]\nkind = \"smtp\"\nname = \"mail\"\nto = [\"soc@other.example\"]\nfrom = \"breakglass@other.example\"\nserver = \"127.0.0.1:{port}\"\ntls = \"none\"\n",
            place.display()
        ),
    )
    .unwrap();
    config
}

fn watch(config: &Path, log: &Path, drain: &str) -> Command {
    let mut command = program();
    command.args([
        "watch",
        "--config",
        config.to_str().unwrap(),
        "--drain",
        drain,
        "--source",
        &format!("file:{}", log.display()),
    ]);
    command.stdin(Stdio::null());
    command
}

fn incidents(config: &Path) -> Vec<Value> {
    let output = run(&[
        "incident",
        "list",
        "--format",
        "json",
        "--config",
        config.to_str().unwrap(),
    ]);
    let document: Value = serde_json::from_str(&out(&output)).unwrap_or_default();
    document["incidents"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// G3, G11: kill −9 between detection and delivery; after a restart the alert arrives, once.
#[test]
fn g11_an_alert_survives_kill_9_between_detection_and_delivery() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = configuration(place.path(), port);
    let log = place.path().join("log.ndjson");
    fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
    let first: Child = watch(&config, &log, "600")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = Killed(first);
    wait_until("the incident", Duration::from_secs(30), || {
        !incidents(&config).is_empty()
    });
    first.0.kill().unwrap();
    first.0.wait().unwrap();

    let box_ = place.path().join("mails");
    fs::create_dir(&box_).unwrap();
    let _server = mail_server(&python, port, &box_);
    let second = watch(&config, &log, "120").output().unwrap();
    assert_eq!(code(&second), 0, "{}", err(&second));
    assert!(
        lines(&second).is_empty(),
        "the signal was known: {}",
        out(&second)
    );
    let mails = mails(&box_);
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("Subject: [CRITICAL] Emergency Access Activity"),
        "{}",
        mails[0]
    );

    let id = incidents(&config)[0]["id"].as_str().unwrap().to_owned();
    let shown = run(&[
        "incident",
        "show",
        &id,
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(out(&shown).contains("accepted"), "{}", out(&shown));
    let acked = run(&[
        "incident",
        "ack",
        &id,
        "--by",
        "anna",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(
        out(&acked).contains("1 alert acknowledged by anna"),
        "{}",
        out(&acked)
    );
    assert_eq!(incidents(&config)[0]["state"], "acknowledged");

    // A later signal pages again.
    fs::write(&log, format!("{}\n{}\n", sign_in(1, "0"), sign_in(2, "0"))).unwrap();
    let third = watch(&config, &log, "60").output().unwrap();
    assert_eq!(lines(&third).len(), 1);
    assert_eq!(incidents(&config)[0]["state"], "open");
    assert_eq!(self::mails(&box_).len(), 2);
}

/// G4: a mail server that is not there ends nothing; the run says so and exits 4.
#[test]
fn g4_what_could_not_be_delivered_stays_open_and_is_said() {
    let place = tempfile::tempdir().unwrap();
    let config = configuration(place.path(), free_port());
    let log = place.path().join("log.ndjson");
    fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
    let output = watch(&config, &log, "2").output().unwrap();
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert_eq!(lines(&output).len(), 1);
    assert!(
        err(&output).contains("mail") && err(&output).contains("not delivered"),
        "{}",
        err(&output)
    );
}

/// G4: an alert for a channel that is no longer configured is told at every run, never forgotten.
#[test]
fn g4_an_alert_for_a_channel_that_is_gone_is_not_forgotten() {
    let place = tempfile::tempdir().unwrap();
    let config = configuration(place.path(), free_port());
    let log = place.path().join("log.ndjson");
    fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
    assert_eq!(code(&watch(&config, &log, "1").output().unwrap()), 4);
    let renamed = fs::read_to_string(&config).unwrap();
    let cut = renamed.find("[[channel]]").unwrap();
    fs::write(
        &config,
        format!("{}[[channel]]\nkind = \"console\"\n", &renamed[..cut]),
    )
    .unwrap();
    let output = watch(&config, &log, "1").output().unwrap();
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert!(
        err(&output).contains("`mail`") || err(&output).contains("through mail"),
        "{}",
        err(&output)
    );
    assert!(
        err(&output).contains("not in the configuration"),
        "{}",
        err(&output)
    );
}

/// One account has one incident, whether it is watched by name or by id.
#[test]
fn an_account_named_in_two_ways_has_one_incident() {
    let place = tempfile::tempdir().unwrap();
    let config = configuration(place.path(), free_port());
    let log = place.path().join("log.ndjson");
    fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
    watch(&config, &log, "0").output().unwrap();
    let by_id = fs::read_to_string(&config).unwrap().replace(
        &format!("upn = \"{UPN}\""),
        "id = \"b1b1b1b1-0000-4000-8000-0000000000b1\"",
    );
    fs::write(&config, by_id).unwrap();
    fs::write(&log, format!("{}\n", sign_in(2, "0"))).unwrap();
    watch(&config, &log, "0").output().unwrap();
    assert_eq!(incidents(&config).len(), 1);
}

/// `alert test` reports delivery and time, and its failure.
#[test]
fn w6_alert_test_reports_each_channel() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = configuration(place.path(), port);
    let failed = run(&["alert", "test", "--config", config.to_str().unwrap()]);
    assert_eq!(code(&failed), 4, "{}{}", out(&failed), err(&failed));
    let box_ = place.path().join("mails");
    fs::create_dir(&box_).unwrap();
    let _server = mail_server(&python, port, &box_);
    let sent = run(&[
        "alert",
        "test",
        "--format",
        "json",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert_eq!(code(&sent), 0, "{}{}", out(&sent), err(&sent));
    let report: Value = serde_json::from_str(&out(&sent)).unwrap();
    assert_eq!(report["channels"][0]["delivered"], true);
    assert!(mails(&box_)[0].contains("[TEST]"));
    assert_eq!(
        code(&run(&[
            "alert",
            "test",
            "--channel",
            "fax",
            "--config",
            config.to_str().unwrap()
        ])),
        2
    );
}

/// Disk full while the outbox is written: exit 4 with a plain message; after space was freed a re-run
/// records and delivers everything.
#[test]
fn a_full_disk_loses_nothing() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args([
            "-t",
            "tmpfs",
            "-o",
            "size=1500k",
            "tmpfs",
            disk.to_str().unwrap(),
        ])
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("BREAKGLASS_TEST_MOUNT").is_none(),
            "a small disk cannot be mounted"
        );
        println!("skipped: a small disk cannot be mounted here");
        return;
    }
    let _mounted = Unmounted(&disk);
    let port = free_port();
    let config = configuration(&disk, port);
    let log = place.path().join("log.ndjson");
    let text: String = (0..400)
        .map(|number| format!("{}\n", sign_in(number, "0")))
        .collect();
    fs::write(&log, text).unwrap();
    let box_ = place.path().join("mails");
    fs::create_dir(&box_).unwrap();
    let _server = mail_server(&python, port, &box_);
    let full = watch(&config, &log, "1").output().unwrap();
    assert_eq!(code(&full), 4, "{}", err(&full));
    assert!(
        err(&full).to_lowercase().contains("disk") && err(&full).contains("space"),
        "{}",
        err(&full)
    );
    assert!(
        Command::new("mount")
            .args(["-o", "remount,size=60m", disk.to_str().unwrap()])
            .status()
            .unwrap()
            .success()
    );
    let again = watch(&config, &log, "240").output().unwrap();
    assert_eq!(code(&again), 0, "{}", err(&again));
    let incident = &incidents(&config)[0];
    assert_eq!(incident["signals"], 400);
}

struct Unmounted<'a>(&'a Path);
impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        let _done = Command::new("umount")
            .args(["-l", self.0.to_str().unwrap()])
            .status();
    }
}
