//! What is known of an attempt, made into the record of Graph beta.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::seconds;
use crate::{
    LogKind,
    signin::{
        Code,
        circumstances::{self, Circumstances, DeviceChoice},
    },
};
use breakglass_conditional_access::sign_in::{ClientApp, Risk};

/// Who signed in, or who was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// Object id; all zeros for a name that is nobody's.
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) name: String,
    pub(crate) guest: bool,
}

/// One step of proving who one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Timestamp,
    /// `Password`, `Passkey (device-bound)`, ….
    pub(crate) method: String,
    /// The key or phone.
    pub(crate) detail: Option<String>,
    pub(crate) succeeded: bool,
    pub(crate) result: String,
    /// Whether it is the first factor.
    pub(crate) primary: bool,
}

/// What a policy came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) grant: Vec<String>,
    pub(crate) session: Vec<String>,
    /// Id, name and result of an authentication strength.
    pub(crate) strength: Option<(String, String, &'static str)>,
    pub(crate) result: &'static str,
    /// Names of `conditionalAccessConditions`.
    pub(crate) satisfied: Vec<&'static str>,
    pub(crate) not_satisfied: Vec<&'static str>,
}

impl Applied {
    fn value(&self) -> Value {
        let flags = |names: &[&str]| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(",")
            }
        };
        json!({
            "id": self.id, "displayName": self.name, "enforcedGrantControls": self.grant,
            "enforcedSessionControls": self.session, "sessionControlsNotSatisfied": [], "result": self.result,
            "conditionsSatisfied": flags(&self.satisfied), "conditionsNotSatisfied": flags(&self.not_satisfied),
            "includeRulesSatisfied": [], "excludeRulesSatisfied": [],
            "authenticationStrength": self.strength.as_ref().map(|(id, name, result)| json!({
                "authenticationStrengthId": id, "displayName": name, "authenticationStrengthResult": result,
            })),
        })
    }
}

/// How the sign-in came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A browser or an app, by a page.
    #[default]
    Code,
    /// Device code flow.
    DeviceCode,
    /// A refresh token.
    Refresh,
}

/// An attempt of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) correlation: String,
    pub(crate) at: Timestamp,
    pub(crate) kind: LogKind,
    pub(crate) person: Person,
    /// What was typed.
    pub(crate) identifier: String,
    pub(crate) tenant: String,
    /// App id and name.
    pub(crate) app: (String, String),
    /// Resource: app id, name, and id of its service principal where the tenant has one.
    pub(crate) resource: (String, String, String),
    pub(crate) scopes: Vec<String>,
    pub(crate) circumstances: Circumstances,
    pub(crate) code: Code,
    pub(crate) additional: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) policies: Vec<Applied>,
    /// `success`, `failure` or `notApplied`.
    pub(crate) ca_status: &'static str,
    pub(crate) mfa_required: bool,
    /// Who asked for more: (`requirementProvider`, detail).
    pub(crate) requirements: Vec<(&'static str, String)>,
    pub(crate) protocol: Protocol,
    /// Id that the token carries (`uti`).
    pub(crate) token: String,
    pub(crate) session: String,
}

fn hidden_or(risk: Risk) -> &'static str {
    risk.word()
}

impl Draft {
    /// The record of Graph beta.
    pub(crate) fn record(&self) -> Value {
        let own = &self.circumstances;
        let client = match (own.client, self.protocol) {
            (ClientApp::Browser, Protocol::Code) => "Browser",
            (ClientApp::Browser | ClientApp::Modern, _) => "Mobile Apps and Desktop clients",
            (ClientApp::ActiveSync, _) => "Exchange ActiveSync",
            (ClientApp::Other, _) => "Other clients",
        };
        let risk = own.sign_in_risk.max(own.user_risk);
        let (resource_id, resource_name, resource_principal) = &self.resource;
        let mut record = json!({
            "id": self.id,
            "createdDateTime": seconds(self.at),
            "userDisplayName": self.person.name,
            "userPrincipalName": self.person.upn.to_lowercase(),
            "userId": self.person.id,
            "appId": self.app.0,
            "appDisplayName": self.app.1,
            "ipAddress": own.ip.to_string(),
            "ipAddressFromResourceProvider": null,
            "clientAppUsed": client,
            "userAgent": own.user_agent,
            "correlationId": self.correlation,
            "conditionalAccessStatus": self.ca_status,
            "originalRequestId": self.id,
            "isInteractive": self.kind == LogKind::Interactive,
            "tokenIssuerName": "",
            "tokenIssuerType": "AzureAD",
            "clientCredentialType": "none",
            "processingTimeInMilliseconds": 58,
            "riskDetail": "none",
            "riskLevelAggregated": hidden_or(risk),
            "riskLevelDuringSignIn": hidden_or(own.sign_in_risk),
            "riskState": if risk == Risk::None { "none" } else { "atRisk" },
            "riskEventTypes_v2": if risk == Risk::None { json!([]) } else { json!(["unfamiliarFeatures"]) },
            "resourceDisplayName": resource_name,
            "resourceId": resource_id,
            "resourceTenantId": self.tenant,
            "homeTenantId": self.tenant,
            "homeTenantName": "",
        });
        let rest = json!({
            "authenticationMethodsUsed": [],
            "authenticationRequirement": if self.mfa_required { "multiFactorAuthentication" } else { "singleFactorAuthentication" },
            "signInIdentifier": self.identifier,
            "signInIdentifierType": "userPrincipalName",
            "servicePrincipalName": null,
            "signInEventTypes": [if self.kind == LogKind::Interactive { "interactiveUser" } else { "nonInteractiveUser" }],
            "servicePrincipalId": "",
            "federatedCredentialId": null,
            "userType": if self.person.guest { "guest" } else { "member" },
            "flaggedForReview": false,
            "isTenantRestricted": false,
            "autonomousSystemNumber": 64500,
            "crossTenantAccessType": "none",
            "servicePrincipalCredentialKeyId": null,
            "servicePrincipalCredentialThumbprint": "",
            "uniqueTokenIdentifier": self.token,
            "incomingTokenType": if self.protocol == Protocol::Refresh { "refreshToken" } else { "none" },
            "authenticationProtocol": if self.protocol == Protocol::DeviceCode { "deviceCode" } else { "none" },
            "resourceServicePrincipalId": resource_principal,
            "signInTokenProtectionStatus": "none",
            "originalTransferMethod": if self.protocol == Protocol::DeviceCode { "deviceCodeFlow" } else { "none" },
            "isThroughGlobalSecureAccess": false,
            "globalSecureAccessIpAddress": null,
            "sessionId": self.session,
            "appOwnerTenantId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
            "resourceOwnerTenantId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        });
        let nested = json!({
            "status": {
                "errorCode": self.code.number(),
                "failureReason": self.code.reason(),
                "additionalDetails": self.additional,
            },
            "deviceDetail": device(own),
            "location": location(own),
            "appliedConditionalAccessPolicies": self.policies.iter().map(Applied::value).collect::<Vec<_>>(),
            "authenticationContextClassReferences": [],
            "authenticationProcessingDetails": [
                {"key": "Is CAE Token", "value": "False"},
                {"key": "Oauth Scope Info", "value": json!(self.scopes).to_string()},
            ],
            "networkLocationDetails": [],
            "authenticationDetails": self.steps.iter().map(step).collect::<Vec<_>>(),
            "authenticationRequirementPolicies": self.requirements.iter()
                .map(|(provider, detail)| json!({"requirementProvider": provider, "detail": detail})).collect::<Vec<_>>(),
            "sessionLifetimePolicies": [],
            "privateLinkDetails": {"policyId": "", "policyName": "", "resourceId": "", "policyTenantId": ""},
            "appliedEventListeners": [],
            "authenticationAppDeviceDetails": null,
            "authenticationAppPolicyEvaluationDetails": [],
            "tokenProtectionStatusDetails": {"signInSessionStatus": "unbound", "signInSessionStatusCode": 1002},
            "conditionalAccessAudiences": [{"applicationId": resource_id, "audienceReasons": "none"}],
            "mfaDetail": self.mfa_detail(),
        });
        super::extend(&mut record, rest);
        super::extend(&mut record, nested);
        record
    }

    fn mfa_detail(&self) -> Value {
        let second = self
            .steps
            .iter()
            .rfind(|step| step.succeeded && !step.primary);
        second.map_or(
            Value::Null,
            |step| json!({"authMethod": step.method, "authDetail": step.detail}),
        )
    }
}

fn step(step: &Step) -> Value {
    json!({
        "authenticationStepDateTime": seconds(step.at),
        "authenticationMethod": step.method,
        "authenticationMethodDetail": step.detail,
        "succeeded": step.succeeded,
        "authenticationStepResultDetail": step.result,
        "authenticationStepRequirement": if step.primary { "Primary authentication" } else { "Multifactor authentication" },
    })
}

fn device(own: &Circumstances) -> Value {
    let registered = own.device != DeviceChoice::None;
    json!({
        "deviceId": if registered { circumstances::DEVICE_ID } else { "" },
        "displayName": if registered { circumstances::DEVICE_NAME } else { "" },
        "operatingSystem": circumstances::operating_system(own.platform),
        "browser": circumstances::browser(&own.user_agent),
        "isCompliant": own.device == DeviceChoice::Compliant,
        "isManaged": registered,
        "trustType": match own.device {
            DeviceChoice::None => "",
            DeviceChoice::Compliant => "Azure AD joined",
            DeviceChoice::Hybrid => "Hybrid Azure AD joined",
        },
    })
}

fn location(own: &Circumstances) -> Value {
    let place = own.country.as_deref().and_then(circumstances::place);
    json!({
        "city": place.map(|place| place.0),
        "state": place.map(|place| place.1),
        "countryOrRegion": own.country,
        "geoCoordinates": {
            "altitude": null,
            "latitude": place.map(|place| place.2),
            "longitude": place.map(|place| place.3),
        },
    })
}
