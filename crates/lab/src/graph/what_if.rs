//! What If: which policies a described sign-in would meet (Microsoft Graph, *conditionalAccessRoot: evaluate*).
//!
//! It says which policies apply, not what comes of them. Of a group of applications it does not know the members. Report-only policies count like enabled ones; disabled ones are
//! not listed.

use crate::state::text;
use breakglass_conditional_access::{
    Evaluation, Identity, SignIn, Truth,
    device_filter::Device,
    identity::{Fact, GuestKind},
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk},
};
use serde_json::{Map, Value, json};

use super::{
    Version,
    what_if_set::{PolicySet, as_what_if},
    write::uses_preview,
};
use crate::{
    Lab, State,
    lab::{Answer, ApiError},
};

/// Answers a question.
pub(crate) fn answer(
    lab: &Lab,
    version: Version,
    body: &Map<String, Value>,
) -> Result<Answer, ApiError> {
    let question = Question::read(body)?;
    let (set, policies) = {
        let state = lab.state();
        question.check(&state)?;
        let policies: Vec<Value> = state
            .table("conditionalAccessPolicies")
            .all()
            .cloned()
            .collect();
        (lab.policy_set(&state), policies)
    };
    let reasons = match &question.who {
        Who::User { id, .. } => judge_user(&set, &question, id)?,
        Who::Principal(id) => policies
            .iter()
            .map(|policy| {
                (
                    text(policy, "id").to_lowercase(),
                    judge_principal(&set, policy, id, &question),
                )
            })
            .collect(),
    };
    let mut results = Vec::new();
    for mut policy in policies {
        let off = !matches!(
            text(&policy, "state"),
            "enabled" | "enabledForReportingButNotEnforced"
        );
        if off || (version == Version::V1 && uses_preview(&policy)) {
            continue;
        }
        let id = text(&policy, "id").to_lowercase();
        let reason = reasons
            .iter()
            .find(|(own, _)| *own == id)
            .map_or("invalidPolicy", |(_, reason)| *reason);
        let applies = reason == APPLIES;
        if question.applied_only && !applies {
            continue;
        }
        if let Some(policy) = policy.as_object_mut() {
            policy.insert("policyApplies".to_owned(), json!(applies));
            policy.insert("analysisReasons".to_owned(), json!(reason));
        }
        results.push(policy);
    }
    let context = format!(
        "{}/{}/$metadata#Collection(microsoft.graph.whatIfAnalysisResult)",
        lab.addresses.graph,
        version.segment()
    );
    Ok(Answer::json(
        200,
        json!({"@odata.context": context, "value": results}),
    ))
}

/// The reason of a policy that applies.
const APPLIES: &str = "notSet";

enum Who {
    User {
        id: String,
        /// Kind of guest and home tenant, where the question makes the user one.
        external: Option<(String, Option<String>)>,
    },
    Principal(String),
}

struct Question {
    who: Who,
    sign_in: SignIn,
    /// Platform and client were left open, which stands for any.
    any_platform: bool,
    any_client: bool,
    applied_only: bool,
}

impl Question {
    fn read(body: &Map<String, Value>) -> Result<Self, ApiError> {
        const PARTS: [&str; 4] = [
            "signInIdentity",
            "signInContext",
            "signInConditions",
            "appliedPoliciesOnly",
        ];
        if let Some(name) = body
            .keys()
            .find(|name| !PARTS.contains(&name.as_str()) && !name.contains('@'))
        {
            return Err(bad(format!(
                "The parameter '{name}' in the request payload is not a valid parameter for \
                                    the operation 'evaluate'."
            )));
        }
        let part = |name: &str| {
            body.get(name)
                .filter(|value| value.is_object())
                .ok_or_else(|| bad(format!("The parameter '{name}' is required.")))
        };
        let who = identity(part("signInIdentity")?)?;
        let mut sign_in = SignIn {
            compliant_network: Some(false),
            device: Given::Nothing,
            ..SignIn::default()
        };
        context(part("signInContext")?, &mut sign_in)?;
        let (any_platform, any_client) = conditions(part("signInConditions")?, &mut sign_in)?;
        Ok(Self {
            who,
            sign_in,
            any_platform,
            any_client,
            applied_only: body.get("appliedPoliciesOnly").and_then(Value::as_bool) == Some(true),
        })
    }

    fn check(&self, state: &State) -> Result<(), ApiError> {
        let (table, id) = match &self.who {
            Who::User { id, .. } => ("users", id),
            Who::Principal(id) => ("servicePrincipals", id),
        };
        match state.table(table).get(id) {
            Some(_) => Ok(()),
            None => Err(ApiError::not_found(id)),
        }
    }
}

fn kind(value: &Value) -> &str {
    let kind = text(value, "@odata.type");
    kind.strip_prefix('#').unwrap_or(kind)
}

fn identity(value: &Value) -> Result<Who, ApiError> {
    let required = |name: &str| match text(value, name) {
        "" => Err(bad(format!(
            "The property '{name}' of signInIdentity is required."
        ))),
        id => Ok(id.to_owned()),
    };
    match kind(value) {
        "microsoft.graph.userSignIn" => {
            let tenant = text(value, "externalTenantId");
            let external = match text(value, "externalUserType") {
                "" | "none" => None,
                kind => Some((
                    kind.to_owned(),
                    (!tenant.is_empty()).then(|| tenant.to_owned()),
                )),
            };
            Ok(Who::User {
                id: required("userId")?,
                external,
            })
        }
        "microsoft.graph.servicePrincipalSignIn" => {
            Ok(Who::Principal(required("servicePrincipalId")?))
        }
        other => Err(wrong_type("signInIdentity", other)),
    }
}

fn context(value: &Value, sign_in: &mut SignIn) -> Result<(), ApiError> {
    match kind(value) {
        "microsoft.graph.applicationContext" => {
            sign_in.audiences = value
                .get("includeApplications")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            if sign_in.audiences.is_empty() {
                return Err(bad("The property 'includeApplications' must not be empty."));
            }
        }
        "microsoft.graph.authContext" => {
            let context = text(value, "authenticationContextValue");
            if context.is_empty() {
                return Err(bad(
                    "The property 'authenticationContextValue' is required.",
                ));
            }
            sign_in.auth_contexts = [context.to_owned()].into();
        }
        "microsoft.graph.userActionContext" => {
            let action = match text(value, "userAction") {
                "registerSecurityInformation" => "urn:user:registersecurityinfo",
                "registerOrJoinDevices" => "urn:user:registerdevice",
                other => return Err(bad(format!("'{other}' is no user action."))),
            };
            sign_in.user_action = Some(action.to_owned());
        }
        other => return Err(wrong_type("signInContext", other)),
    }
    Ok(())
}

/// Fills in the conditions; what is left out has the default that Microsoft documents: no risk, any platform, any
/// client.
fn conditions(value: &Value, sign_in: &mut SignIn) -> Result<(bool, bool), ApiError> {
    let word = |name: &str| {
        let given = text(value, name);
        (!given.is_empty()).then(|| given.to_owned())
    };
    let unknown = |name: &str, given: &str| bad(format!("'{given}' is no value of '{name}'."));
    let platform = word("devicePlatform").filter(|given| given != "all");
    let client = word("clientAppType").filter(|given| given != "all");
    if let Some(given) = &platform {
        let platform =
            Platform::from_word(given).ok_or_else(|| unknown("devicePlatform", given))?;
        sign_in.platform = Some(platform);
    }
    if let Some(given) = &client {
        let own = if given == "easSupported" {
            "exchangeActiveSync"
        } else {
            given
        };
        sign_in.client_app =
            Some(ClientApp::from_word(own).ok_or_else(|| unknown("clientAppType", given))?);
    }
    for (name, risk) in [
        ("signInRiskLevel", &mut sign_in.sign_in_risk),
        ("userRiskLevel", &mut sign_in.user_risk),
    ] {
        *risk = Some(match word(name) {
            None => Risk::None,
            Some(given) => Risk::from_word(&given).ok_or_else(|| unknown(name, &given))?,
        });
    }
    sign_in.insider_risk = Some(match word("insiderRiskLevel") {
        None => InsiderRisk::None,
        Some(given) => {
            InsiderRisk::from_word(&given).ok_or_else(|| unknown("insiderRiskLevel", &given))?
        }
    });
    if let Some(country) = word("country") {
        sign_in.country = Given::Value(country.to_uppercase());
    }
    if let Some(given) = word("ipAddress") {
        sign_in.ip = Some(given.parse().map_err(|_| unknown("ipAddress", &given))?);
    }
    if let Some(flow) = value
        .get("authenticationFlow")
        .filter(|flow| flow.is_object())
    {
        let given = text(flow, "transferMethod");
        sign_in.flow =
            Some(Flow::from_word(given).ok_or_else(|| unknown("transferMethod", given))?);
    }
    if let Some(info) = value.get("deviceInfo").filter(|info| info.is_object()) {
        let mut info = info.clone();
        if let Some(info) = info.as_object_mut() {
            info.retain(|name, value| !name.contains('@') && !value.is_null());
            if let Some(ownership) = info.remove("ownership") {
                info.insert("deviceOwnership".to_owned(), ownership);
            }
        }
        let device: Device = serde_json::from_value(info)
            .map_err(|_| bad("The property 'deviceInfo' does not describe a device."))?;
        sign_in.device = Given::Value(device);
    }
    Ok((platform.is_none(), client.is_none()))
}

/// The reason of every policy, by folded id, in the order of the set.
fn judge_user(
    set: &PolicySet,
    question: &Question,
    id: &str,
) -> Result<Vec<(String, &'static str)>, ApiError> {
    let known = set
        .identity(id)
        .ok_or_else(|| bad(format!("'{id}' is no object id.")))?;
    let mut identity = (*known).clone();
    if let Who::User {
        external: Some((kind, tenant)),
        ..
    } = &question.who
    {
        identity.guest = Fact::Known(GuestKind::Guest(kind.clone()));
        identity.home_tenant.clone_from(tenant);
    }
    let judge = |evaluation: &Evaluation<'_>| {
        let policies = set.tenant().policies.iter().enumerate();
        policies
            .map(|(place, policy)| {
                (
                    policy.id.to_lowercase(),
                    reason(evaluation, place, question),
                )
            })
            .collect()
    };
    Ok(set.evaluate(&identity, &question.sign_in, judge))
}

/// The first condition that does not match, as What If names it.
fn reason(evaluation: &Evaluation<'_>, place: usize, question: &Question) -> &'static str {
    let conditions = evaluation.conditions(place);
    for condition in &conditions {
        if condition.matches == Truth::No {
            return named(condition.name);
        }
    }
    for condition in &conditions {
        let open = match condition.name {
            "devicePlatform" => question.any_platform,
            "clientApps" => question.any_client,
            _ => false,
        };
        if condition.matches == Truth::Unknown && !open {
            return "notEnoughInformation";
        }
    }
    APPLIES
}

/// The evaluator's names are those of What If, but for two.
fn named(condition: &'static str) -> &'static str {
    match condition {
        "state" => "policyNotEnabled",
        "otherConditions" => "notEnoughInformation",
        other => other,
    }
}

/// Workload identities: the tenant's own service principals, by name or all. Only policies for them can apply; the
/// evaluator knows people only, so such a policy is put to it as one for everybody.
fn judge_principal(set: &PolicySet, policy: &Value, id: &str, question: &Question) -> &'static str {
    let clients = policy
        .pointer("/conditions/clientApplications")
        .unwrap_or(&Value::Null);
    let lists = |list: &str, wanted: &[&str]| {
        let items = clients.get(list).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|own| wanted.iter().any(|wanted| own.eq_ignore_ascii_case(wanted)))
    };
    if !lists(
        "includeServicePrincipals",
        &[id, "ServicePrincipalsInMyTenant"],
    ) || lists("excludeServicePrincipals", &[id])
    {
        return "workloadIdentities";
    }
    let mut plain = policy.clone();
    if let Some(conditions) = plain.get_mut("conditions").and_then(Value::as_object_mut) {
        conditions.insert("clientApplications".to_owned(), Value::Null);
        conditions.insert("users".to_owned(), json!({"includeUsers": ["All"]}));
        conditions.insert("clientAppTypes".to_owned(), json!(["all"]));
    }
    let read = breakglass_conditional_access::policy::read(&plain);
    let engine = as_what_if(&[read], &set.tenant().environment);
    let subject = engine.subject(&Identity::default());
    reason(&engine.evaluate(&subject, &question.sign_in), 0, question)
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

fn wrong_type(part: &str, kind: &str) -> ApiError {
    bad(format!(
        "The '@odata.type' of {part} is '{kind}', which is not a type that evaluate accepts."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ADELE, ANNA, BREAK_GLASS, app, json_of, lab, person, write};

    const PATH: &str = "identity/conditionalAccess/evaluate";
    const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";

    fn question(user: &str) -> Value {
        json!({
            "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": user},
            "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [PORTAL]},
            "signInConditions": {"devicePlatform": "windows", "clientAppType": "browser", "country": "CH",
                "ipAddress": "198.51.100.7"},
        })
    }

    fn ask(lab: &Lab, body: Value) -> Vec<(String, bool, String)> {
        let answer = json_of(write(lab, &app("breakglass posture"), "POST", PATH, body).unwrap());
        answer["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| {
                (
                    policy["displayName"].as_str().unwrap()[..5].to_owned(),
                    policy["policyApplies"].as_bool().unwrap(),
                    policy["analysisReasons"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn x1_policies_that_apply_to_an_account_are_told_from_those_that_exclude_it() {
        let lab = lab("contoso-modern");
        let account = ask(&lab, question(BREAK_GLASS));
        let mfa = account.iter().find(|(name, ..)| name == "CA001").unwrap();
        assert_eq!((mfa.1, mfa.2.as_str()), (false, "users"));
        let own = account.iter().find(|(name, ..)| name == "CA004").unwrap();
        assert_eq!((own.1, own.2.as_str()), (true, "notSet"));
        let everybody = ask(&lab, question(ANNA));
        let mfa = everybody.iter().find(|(name, ..)| name == "CA001").unwrap();
        assert_eq!((mfa.1, mfa.2.as_str()), (true, "notSet"));
        let mut applied = question(ANNA);
        applied["appliedPoliciesOnly"] = json!(true);
        assert!(ask(&lab, applied).iter().all(|(_, applies, _)| *applies));
    }

    /// X1: a question about an application does not show the policies on its group; the group itself must be asked.
    #[test]
    fn x1_a_member_of_a_group_of_applications_does_not_show_its_policies() {
        const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
        const OFFICE: &str = "67ad5377-2d78-4ac2-a867-6300cda00e85";
        let lab = lab("contoso-modern");
        let put = |name: &str, applications: Value| {
            let body = json!({"displayName": name, "state": "enabled", "conditions": {"users": {"includeUsers": ["All"]},
                "clientAppTypes": ["all"], "applications": applications},
                "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}});
            let path = "identity/conditionalAccess/policies";
            write(&lab, &person(ADELE), "POST", path, body).unwrap();
        };
        put("IN365", json!({"includeApplications": ["Office365"]}));
        put(
            "EX365",
            json!({"includeApplications": ["All"], "excludeApplications": ["Office365"]}),
        );
        let applies = |policy: &str, application: &str| {
            let mut body = question(ANNA);
            body["signInContext"]["includeApplications"] = json!([application]);
            let found = ask(&lab, body);
            let found = found.into_iter().find(|(name, ..)| name == policy).unwrap();
            assert_eq!(found.1, found.2 == "notSet");
            assert!(found.1 || found.2 == "application", "{found:?}");
            found.1
        };
        assert!(!applies("IN365", EXCHANGE));
        assert!(applies("IN365", OFFICE) && applies("IN365", "Office365"));
        assert!(!applies("EX365", EXCHANGE) && !applies("EX365", OFFICE));
        assert!(applies("EX365", PORTAL));
        assert!(!applies("CA006", PORTAL) && applies("CA006", "MicrosoftAdminPortals"));
    }

    #[test]
    fn a_change_of_a_policy_is_seen_at_once() {
        let lab = lab("contoso-modern");
        let id = lab
            .state()
            .table("conditionalAccessPolicies")
            .all()
            .find(|policy| policy["displayName"].as_str().unwrap().starts_with("CA001"))
            .unwrap()["id"]
            .clone();
        assert!(
            !ask(&lab, question(BREAK_GLASS))
                .iter()
                .any(|(name, applies, _)| name == "CA001" && *applies)
        );
        let path = format!(
            "identity/conditionalAccess/policies/{}",
            id.as_str().unwrap()
        );
        let change = json!({"conditions": {"users": {"excludeGroups": []}}});
        write(&lab, &person(ADELE), "PATCH", &path, change).unwrap();
        assert!(
            ask(&lab, question(BREAK_GLASS))
                .iter()
                .any(|(name, applies, _)| name == "CA001" && *applies)
        );
    }

    #[test]
    fn what_is_missing_or_of_an_old_type_is_refused() {
        let lab = lab("contoso-modern");
        let with = |pointer: &str, value: Value| {
            let mut body = question(ANNA);
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        let mut without = question(ANNA);
        without.as_object_mut().unwrap().remove("signInConditions");
        for body in [
            without,
            json!({"conditionalAccessWhatIfSubject": {}}),
            with(
                "/signInIdentity/@odata.type",
                json!("#microsoft.graph.userSubject"),
            ),
            with(
                "/signInContext/@odata.type",
                json!("#microsoft.graph.whatIfApplicationContext"),
            ),
            with("/signInContext/includeApplications", json!([])),
            with("/signInConditions/devicePlatform", json!("amiga")),
            with("/signInConditions/ipAddress", json!("nowhere")),
        ] {
            let error = write(&lab, &app("breakglass posture"), "POST", PATH, body).unwrap_err();
            assert_eq!(
                (error.status, error.code.as_str()),
                (400, "BadRequest"),
                "{}",
                error.message
            );
        }
        let nobody = with(
            "/signInIdentity/userId",
            json!("00000000-0000-4000-8000-000000000009"),
        );
        let error = write(&lab, &app("breakglass posture"), "POST", PATH, nobody).unwrap_err();
        assert_eq!(error.status, 404);
        assert_eq!(
            write(&lab, &person(ANNA), "POST", PATH, question(ANNA))
                .unwrap_err()
                .status,
            403
        );
    }

    #[test]
    fn a_workload_meets_policies_for_workloads_only() {
        let lab = lab("contoso-modern");
        let mut body = question(ANNA);
        body["signInIdentity"] = json!({"@odata.type": "#microsoft.graph.servicePrincipalSignIn",
            "servicePrincipalId": "7b3e1e7b-41c2-4d8a-b6f0-9c5d1e2a598d"});
        let mut found = std::collections::BTreeMap::new();
        for (_, applies, reason) in ask(&lab, body.clone()) {
            *found.entry((applies, reason)).or_insert(0) += 1;
        }
        // One policy of the tenant is for this workload, outside of the offices.
        assert_eq!(
            found.remove(&(true, "notSet".to_owned())),
            Some(1),
            "{found:?}"
        );
        assert_eq!(
            found.into_keys().collect::<Vec<_>>(),
            [(false, "workloadIdentities".to_owned())]
        );
    }
}
