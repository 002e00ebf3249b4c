//! `--confirm`: sign-ins put to Microsoft's own What If on the connected tenant, policy by policy.
//!
//! Every sign-in that is asked is compared for every policy: where the proof says *never* that is a sample of it,
//! where it says *can* the witness. Only what is certain on our side can differ. What If says which policies apply
//! and not whether their controls can be met, so that is all that is compared.

mod request;
pub(super) mod samples;

use std::collections::HashSet;

use breakglass_conditional_access::{
    Enforce, Engine, Evaluation, Identity, Policy, SignIn, Truth,
    policy::{self, Session, State},
    tenant::Tenant,
    words,
};
use breakglass_entra::{Entra, Error, Request, Version};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{page::count, scene::Scene};
use crate::{
    cli::ConnectArgs,
    connect,
    failure::{Failure, exit},
};

/// The most sign-ins that are asked: What If shares the limit of one request a second with everything else that
/// reads Conditional Access in the tenant (Microsoft Graph, *Throttling limits*).
const MOST: usize = 60;

/// What Microsoft's own What If said.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Confirmation {
    /// How many sign-ins were asked.
    pub asked: usize,
    /// How many answers on one policy agreed with ours.
    pub agreed: usize,
    /// Where the answers differ.
    pub differences: Vec<Difference>,
    /// What What If has no words for, and why: it can never confirm that.
    pub not_asked: Vec<String>,
    /// What it could have confirmed and did not, and why: a proof that was to be confirmed is not certain then.
    pub unanswered: Vec<String>,
}

/// One policy on which the two do not agree.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// Object id of the policy.
    pub policy: String,
    /// Display name.
    pub name: String,
    /// The sign-in.
    pub sign_in: SignIn,
    /// The same as a sentence.
    pub sentence: String,
    /// Whose mistake it is, as far as can be told: `changed` (the policy in the tenant is not the one in the
    /// snapshot), `theirs` (a known limit of What If), `ours` (What If names the condition that decided), `open`.
    pub whose: Whose,
    /// Why it is called so, as a clause.
    pub because: String,
    /// Whether the policy applies, in our judgement.
    pub ours: bool,
    /// Our trace: every condition with the object that decided.
    pub our_trace: Vec<String>,
    /// Whether the policy applies, as What If says.
    pub microsofts: bool,
    /// Microsoft's trace: `analysisReasons`.
    pub microsofts_trace: String,
}

/// Whose mistake a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The tenant changed after the snapshot was collected.
    Changed,
    /// A known limit of What If.
    Theirs,
    /// Ours: the policy is the same, and What If names the condition that decided.
    Ours,
    /// It cannot be told; take it as ours until it is explained.
    Open,
}

impl Whose {
    /// In a list.
    fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed in the tenant",
            Self::Theirs => "a limit of Microsoft's What If",
            Self::Ours => "a mistake of ours",
            Self::Open => "open whose mistake it is; take it as ours",
        }
    }
}

impl Confirmation {
    /// Whether What If stands behind the proof: it agreed on something, left nothing open, and differs at most where
    /// its own limits explain it.
    pub(super) fn settled(&self) -> bool {
        self.agreed > 0
            && self.unanswered.is_empty()
            && self
                .differences
                .iter()
                .all(|difference| difference.whose == Whose::Theirs)
    }

    /// The same for people, one line an item.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} put to What If; {} on a policy agree, {} differ",
            count(self.asked, "sign-in was", "sign-ins were"),
            count(self.agreed, "answer", "answers"),
            self.differences.len()
        )];
        lines.extend(self.differences.iter().map(|difference| {
            let verb = |applies| if applies { "applies" } else { "does not apply" };
            format!(
                "{} ({}): we say that it {} and Microsoft that it {} ({}): {}. Our trace: {}. Microsoft's: {}.",
                difference.name,
                difference.whose.word(),
                verb(difference.ours),
                verb(difference.microsofts),
                difference.because,
                difference.sentence,
                difference.our_trace.join("; "),
                difference.microsofts_trace
            )
        }));
        lines.extend(
            self.not_asked
                .iter()
                .chain(&self.unanswered)
                .map(|own| format!("not confirmed: {own}")),
        );
        if !self.settled() {
            lines.push("so What If does not stand behind the whole proof".to_owned());
        }
        lines
    }
}

/// The exit code, when What If does not agree, or does not say: nothing is certain then that looked clean.
pub(super) fn code(code: u8, confirmation: Option<&Confirmation>) -> u8 {
    if code == exit::CLEAN && confirmation.is_some_and(|own| !own.settled()) {
        exit::CANNOT_TELL
    } else {
        code
    }
}

/// Asks What If about the sign-ins of each person. Ours is judged with report-only policies counted, as What If counts
/// them.
pub(super) fn confirm(
    scene: &Scene,
    tenant: &Tenant,
    people: &[(Identity, Vec<SignIn>)],
) -> Result<Confirmation, Failure> {
    // There is no --login here: that advice of `posture` would name an option that the command does not have.
    if !scene.settings.config.identities.contains_key("posture") {
        return Err(Failure::usage(
            "--confirm asks Microsoft's What If, and nobody is named who may read the tenant",
        )
        .help(
            "name a configuration with `[identity.posture]` by --config (`breakglass init` writes one), or leave out --confirm",
        ));
    }
    let engines = Engines::new(tenant);
    crate::runtime()?.block_on(async {
        let entra = connect::posture(&scene.settings, &ConnectArgs::default())?;
        connect::same_tenant(&entra, scene.snapshot.id.as_ref()).await?;
        ask(&entra, &engines, people).await
    })
}

/// The policy set as it is, and as What If reads it.
struct Engines {
    ours: Engine,
    theirs: Engine,
}

impl Engines {
    fn new(tenant: &Tenant) -> Self {
        let environment = samples::with_groups(&tenant.environment);
        Self {
            ours: Engine::new(&tenant.policies, &environment, Enforce::ReportOnlyToo),
            theirs: samples::as_what_if(&tenant.policies, &tenant.environment),
        }
    }

    /// Judges one sign-in of a person by both.
    fn judge<T>(
        &self,
        identity: &Identity,
        sign_in: &SignIn,
        read: impl FnOnce(&Judged<'_>) -> T,
    ) -> T {
        let subjects = [self.ours.subject(identity), self.theirs.subject(identity)];
        read(&Judged {
            engine: &self.ours,
            ours: self.ours.evaluate(&subjects[0], sign_in),
            theirs: self.theirs.evaluate(&subjects[1], sign_in),
        })
    }
}

/// A sign-in as we judge it, and as What If does by its documented limits.
struct Judged<'e> {
    engine: &'e Engine,
    ours: Evaluation<'e>,
    theirs: Evaluation<'e>,
}

async fn ask(
    entra: &Entra,
    engines: &Engines,
    people: &[(Identity, Vec<SignIn>)],
) -> Result<Confirmation, Failure> {
    let mut result = Confirmation::default();
    for (identity, sign_ins) in people {
        let mut seen = HashSet::new();
        for sign_in in sign_ins.iter().filter(|sign_in| seen.insert(*sign_in)) {
            let sentence = words::sentence(sign_in, engines.ours.environment());
            let body = match request::body(sign_in, &identity.id) {
                Ok(body) => body,
                Err(why) => {
                    result.not_asked.push(format!("{sentence}: {why}"));
                    continue;
                }
            };
            if result.asked == MOST {
                result
                    .unanswered
                    .push(format!("{sentence}: {MOST} sign-ins were asked already"));
                continue;
            }
            result.asked += 1;
            let answer = entra
                .get(
                    Request::graph(Version::Beta, "/identity/conditionalAccess/evaluate")
                        .post(body),
                )
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                // Each further question would be answered so too.
                Err(error)
                    if error.is_transient()
                        || error.is_forbidden()
                        || error.is_token_refused()
                        || matches!(error, Error::SignIn(_)) =>
                {
                    return Err(unanswered(error));
                }
                Err(error) => {
                    result.unanswered.push(format!("{sentence}: {error}"));
                    continue;
                }
            };
            let asked = request::as_asked(sign_in);
            engines.judge(identity, &asked, |judged| {
                compare(&mut result, judged, sign_in, &sentence, &answer);
            });
        }
    }
    // What is said of a policy is true of it for every sign-in.
    for list in [&mut result.not_asked, &mut result.unanswered] {
        let mut said = HashSet::new();
        list.retain(|line| said.insert(line.clone()));
    }
    Ok(result)
}

fn unanswered(error: Error) -> Failure {
    if matches!(error, Error::SignIn(_)) {
        return connect::failed(error);
    }
    let failure = Failure::broke(format!("Microsoft's What If did not answer: {error}"));
    if error.is_forbidden() {
        Failure {
            code: exit::CANNOT_TELL,
            ..failure
        }
        .help("grant Policy.Read.ConditionalAccess (docs/permissions.md), or leave out --confirm")
    } else if error.is_token_refused() {
        failure.help(
            "sign in anew or look at this machine's clock and run it again, or leave out --confirm",
        )
    } else {
        failure.help("run it again later, or leave out --confirm")
    }
}

fn compare(
    result: &mut Confirmation,
    judged: &Judged<'_>,
    sign_in: &SignIn,
    sentence: &str,
    answer: &Value,
) {
    let empty = Vec::new();
    let theirs = answer
        .get("value")
        .and_then(Value::as_array)
        .unwrap_or(&empty);
    for (place, policy) in judged.engine.policies().enumerate() {
        if matches!(policy.state, State::Disabled | State::Unknown(_)) {
            continue;
        }
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(found) = theirs
            .iter()
            .find(|row| text(row, "id").is_some_and(|id| id.eq_ignore_ascii_case(&policy.id)))
        else {
            result.unanswered.push(format!(
                "{}: What If does not list it; it may have been made, deleted or switched off since the snapshot was collected",
                policy.name
            ));
            continue;
        };
        let Some(applies) = found.get("policyApplies").and_then(Value::as_bool) else {
            result
                .unanswered
                .push(format!("{}: What If gave no verdict", policy.name));
            continue;
        };
        let ours = match judged.ours.applies(place) {
            Truth::Yes => true,
            Truth::No => false,
            Truth::Unknown => continue,
        };
        if ours == applies {
            result.agreed += 1;
            continue;
        }
        let reasons = text(found, "analysisReasons").unwrap_or_default();
        let is_limit = judged.theirs.applies(place) == Truth::from(applies);
        let (whose, because) = whose(policy, found, &reasons, is_limit);
        // That What If does not know the members of a group is said once of a policy.
        if because == UNKNOWN_GROUP
            && result
                .differences
                .iter()
                .any(|own| own.policy == policy.id && own.because == because)
        {
            continue;
        }
        result.differences.push(Difference {
            policy: policy.id.clone(),
            name: policy.name.clone(),
            sign_in: sign_in.clone(),
            sentence: sentence.to_owned(),
            whose,
            because: because.to_owned(),
            ours,
            our_trace: judged
                .ours
                .conditions(place)
                .into_iter()
                .map(|view| format!("{}: {}", view.name, view.because))
                .collect(),
            microsofts: applies,
            microsofts_trace: reasons,
        });
    }
}

/// Why What If does not show a policy on a group of applications.
const UNKNOWN_GROUP: &str = "asked about an application, What If does not show the policies that name a group of \
                             applications which it belongs to (Microsoft Graph, conditionalAccessRoot: evaluate)";

/// Whose mistake it is; `is_limit`: What If answers as its documented limits make it. The tenant may have moved on; What If has limits that Microsoft documents; anything else is
/// open, and nobody should rely on the proof until it is explained.
fn whose(policy: &Policy, found: &Value, reasons: &str, is_limit: bool) -> (Whose, &'static str) {
    if !same_conditions(&policy::read(found), policy) {
        return (
            Whose::Changed,
            "the policy in the tenant has other conditions than the one in the snapshot: collect again",
        );
    }
    if is_limit {
        return (Whose::Theirs, UNKNOWN_GROUP);
    }
    let reasons = reasons.to_ascii_lowercase();
    if reasons.contains("notenoughinformation") {
        return (
            Whose::Theirs,
            "What If says that it was not given enough to decide",
        );
    }
    if !matches!(reasons.as_str(), "" | "notset") {
        return (
            Whose::Ours,
            "the policy is the same and What If names the condition that decided: the mistake is ours",
        );
    }
    (
        Whose::Open,
        "neither a change in the tenant nor a known limit of What If explains it: take it as ours",
    )
}

/// Whether two readings of a policy ask the same of a sign-in; grants and sessions are not What If's subject.
fn same_conditions(one: &Policy, other: &Policy) -> bool {
    let conditions = |policy: &Policy| Policy {
        id: String::new(),
        name: String::new(),
        grant: None,
        session: Session::default(),
        left_out: Vec::new(),
        microsoft_managed: false,
        ..policy.clone()
    };
    conditions(one) == conditions(other)
}

#[cfg(test)]
mod tests {
    use breakglass_conditional_access::{sign_in::Who, tenant::People};
    use breakglass_model::{ObjectId, example};
    use serde_json::json;

    use super::*;

    /// What If as it answers when it agrees with us, for one sign-in of the first account of `contoso`, and what
    /// comes of it when one policy in the answer is altered.
    fn compared(alter: impl Fn(&mut Value)) -> Confirmation {
        let account = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
        compared_at(
            account,
            "00000003-0000-0000-c000-000000000000",
            "CA003",
            alter,
        )
    }

    fn compared_at(
        person: &str,
        asked: &str,
        policy: &str,
        alter: impl Fn(&mut Value),
    ) -> Confirmation {
        let example = example::tenant("contoso", "2026-11-24T12:00:00Z".parse().unwrap()).unwrap();
        let tenant = Tenant::read(&example.snapshot);
        let engines = Engines::new(&tenant);
        let people = People::new(&example.snapshot, &[&tenant]);
        let id = ObjectId::parse(person).unwrap();
        let identity = people.identity(&id);
        let sign_in: SignIn = serde_json::from_value(json!({
            "audiences": [asked], "platform": "windows", "clientApp": "browser",
            "ip": "203.0.113.10", "country": "CH", "device": null, "signInRisk": "none", "userRisk": "none",
            "insiderRisk": "none",
        }))
        .unwrap();
        let sign_in = SignIn {
            user: Some(Who::Name(id.to_string())),
            ..sign_in
        };
        let mut result = Confirmation::default();
        engines.judge(&identity, &sign_in, |judged| {
            let mut rows: Vec<Value> = example
                .snapshot
                .policies
                .iter()
                .enumerate()
                .map(|(place, policy)| {
                    let mut row = policy.raw.clone();
                    row["policyApplies"] = (judged.ours.applies(place) == Truth::Yes).into();
                    row["analysisReasons"] = "notSet".into();
                    row
                })
                .collect();
            let changed = rows
                .iter_mut()
                .find(|row| row["displayName"].as_str().unwrap().starts_with(policy))
                .unwrap();
            alter(changed);
            let answer = json!({"value": rows});
            compare(&mut result, judged, &sign_in, "a sign-in", &answer);
        });
        result
    }

    #[test]
    fn x1_agreement_is_counted_and_a_difference_is_told_with_both_traces() {
        let all = compared(|_| {});
        assert!(all.differences.is_empty() && all.agreed >= 7, "{all:?}");
        let one = compared(|row| {
            row["policyApplies"] = false.into();
            row["analysisReasons"] = "users".into();
        });
        assert_eq!(one.agreed + 1, all.agreed);
        let [difference] = &one.differences[..] else {
            panic!("{one:?}")
        };
        assert_eq!(difference.whose, Whose::Ours);
        assert!(difference.ours && !difference.microsofts);
        assert_eq!(difference.microsofts_trace, "users");
        assert!(!difference.our_trace.is_empty());
    }

    /// X1: What If does not know who belongs to a group of applications; asked about the group itself it does.
    #[test]
    fn x1_a_group_of_applications_is_a_known_limit_of_what_if() {
        let hidden = |row: &mut Value| {
            row["policyApplies"] = false.into();
            row["analysisReasons"] = "application".into();
        };
        // CA006 is for everybody but Global Administrators.
        let person = "7b3e1ade-41c2-4d8a-b6f0-9c5d1e2a44f2";
        let member = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
        let of_member = compared_at(person, member, "CA006", hidden);
        let [difference] = &of_member.differences[..] else {
            panic!("{of_member:?}")
        };
        assert_eq!(difference.whose, Whose::Theirs);
        assert!(difference.because.contains("group of applications"));
        assert!(of_member.settled());
        let of_group = compared_at(person, "microsoftadminportals", "CA006", hidden);
        assert_eq!(of_group.differences[0].whose, Whose::Ours);
        assert!(compared_at(person, "microsoftadminportals", "CA006", |_| {}).settled());
    }

    #[test]
    fn x1_a_difference_that_nothing_explains_stays_open() {
        let one = compared(|row| row["policyApplies"] = false.into());
        assert_eq!(one.differences[0].whose, Whose::Open);
        assert!(!one.settled());
    }

    #[test]
    fn x1_a_proof_of_which_nothing_was_confirmed_is_not_certain() {
        assert_eq!(
            code(exit::CLEAN, Some(&Confirmation::default())),
            exit::CANNOT_TELL
        );
        assert_eq!(code(exit::CLEAN, None), exit::CLEAN);
        assert_eq!(code(exit::CLEAN, Some(&compared(|_| {}))), exit::CLEAN);
    }

    #[test]
    fn x1_a_policy_that_changed_in_the_tenant_is_not_called_a_mistake() {
        let one = compared(|row| {
            row["policyApplies"] = false.into();
            row["conditions"]["users"]["includeUsers"] = json!([]);
        });
        assert_eq!(one.differences[0].whose, Whose::Changed);
        let gone = compared(|row| row["id"] = "other".into());
        assert!(gone.differences.is_empty());
        assert!(gone.unanswered[0].contains("does not list it"));
        assert!(!gone.settled());
        assert_eq!(code(exit::CLEAN, Some(&gone)), exit::CANNOT_TELL);
        assert_eq!(code(exit::FOUND, Some(&gone)), exit::FOUND);
        let mute = compared(|row| row["policyApplies"] = Value::Null);
        assert!(mute.unanswered[0].contains("no verdict") && !mute.settled());
    }
}
