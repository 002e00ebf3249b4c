//! `plan` over more than one round, and its forms as other tools read them.

use crate::{
    apply::{WISHES, call, failing, planned, still_open},
    lab::Twin,
    support::{code, err, out},
};

const THIRD: &str = "BreakGlass03@contoso.onmicrosoft.com";
const PIN: &str = "135791";

/// The order: accounts, keys registered, and only then role and unit. With the account in the unit before its key the
/// enrolment would be refused.
#[test]
fn a1_k1_m1_a_third_account_is_made_gets_its_key_and_then_role_and_unit() {
    let twin = Twin::of("contoso");
    let register = twin.text("lab/register.toml");
    twin.write(
        "lab/register.toml",
        &format!("{register}\n[[account]]\nupn = \"{THIRD}\"\n"),
    );
    twin.write("pin.txt", PIN);
    // A third account counts as a Global Administrator, so that another one has to become eligible.
    let mut wishes: Vec<&str> = WISHES.iter().copied().skip(4).collect();
    wishes.extend(["--make-eligible", "adele.admin@contoso.com"]);
    let plan = planned(&twin, &wishes);
    let digest = plan["digest"].as_str().unwrap();
    let output = twin.run(&call(digest, &[]));
    assert!(
        out(&output).contains(&format!("{THIRD} is locked out")),
        "{}{}",
        out(&output),
        err(&output)
    );

    let told = out(&output);
    let mut lines = told.lines();
    let line = lines.find(|line| line.contains(&format!("account `{THIRD}`: id")));
    let id = line.unwrap().split('"').nth(1).unwrap().to_owned();

    // What is printed can be pasted, with what only its owner knows in place of the capitals.
    let text = out(&twin.run(&[
        "plan",
        "--tenant",
        "now.json.gz",
        "--register",
        "lab/register.toml",
    ]));
    let command = format!(
        "breakglass key enroll --login browser --register register.toml --account {THIRD} --label LABEL --serial SERIAL --envelope ENVELOPE"
    );
    assert!(
        text.lines().any(|line| line.trim_start() == command),
        "{text}"
    );
    let enroll = twin.run(&[
        "key",
        "enroll",
        "--config",
        "lab/breakglass.toml",
        "--identity",
        "lab/apply.toml",
        "--register",
        "lab/register.toml",
        "--account",
        THIRD,
        "--label",
        "BG03-A",
        "--serial",
        "SOFT-3",
        "--envelope",
        "E-0017",
        "--software-key",
        "key.json",
        "--software-aaguid",
        "cb69481e-8ff7-4039-93ec-0a2729a154a8",
        "--pin-file",
        "pin.txt",
    ]);
    // 1: it is registered, and an advisory speaks of its model, the one that the tenant's strength takes.
    assert_eq!(code(&enroll), 1, "{}{}", out(&enroll), err(&enroll));
    assert!(out(&enroll).contains("BG03-A"), "{}", out(&enroll));

    // The next plan goes on where the first one stopped.
    std::fs::remove_file(twin.path("plan.json")).unwrap();
    std::fs::remove_file(twin.path("plan.json.journal")).unwrap();
    let plan = planned(&twin, &wishes);
    // What a person has to do is as it was.
    let ids = |steps: &serde_json::Value| -> Vec<String> {
        let steps = steps.as_array().unwrap().iter();
        steps
            .filter(|step| step["by_person"] == false)
            .map(|step| step["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(&plan["steps"]),
        ["role-breakglass03", "protect-breakglass03"]
    );
    let output = twin.run(&call(plan["digest"].as_str().unwrap(), &[]));
    assert_eq!(code(&output), 1, "{}{}", out(&output), err(&output));
    assert!(out(&output).contains(&format!("{THIRD} gets in")));
    // The id is written into the register, as the first run said.
    let name = format!("upn = \"{THIRD}\"");
    let register = twin.text("lab/register.toml");
    let register = register.replacen(&name, &format!("{name}\nid = \"{id}\""), 1);
    twin.write("lab/register.toml", &register);
    assert_eq!(failing(&twin, &plan), Vec::<String>::new());
    assert_eq!(ids(&still_open(&twin, &wishes)), Vec::<String>::new());
}
