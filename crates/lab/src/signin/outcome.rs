//! What comes of a proof: the judgement, the record, and the page after it.

use breakglass_conditional_access::Identity;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Asked, Code, End, Verdict,
    flow::{Attempt, Next, Refusal, Screen, Walk, text},
    goal::Goal,
    memory::secret,
    ways::{self, Way},
};
use crate::{
    Lab, LogKind,
    records::{self, Draft, Person, Step},
};

/// The object id of nobody, in records of names that do not exist.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

impl Walk<'_> {
    pub(super) fn push_step(
        &mut self,
        way: Way,
        detail: Option<String>,
        succeeded: bool,
        result: &str,
    ) {
        let at = self.now();
        let primary = self.attempt.ways.is_empty();
        self.attempt.steps.push(Step {
            at,
            method: way.log().to_owned(),
            detail,
            succeeded,
            result: result.to_owned(),
            primary,
        });
    }

    /// A step failed; the person may go on.
    pub(super) fn fail(&mut self, way: Way, code: Code, why: &str) -> Next {
        self.push_step(way, None, false, why);
        self.record(code, None, false);
        // The next record tells what happens from here on.
        self.attempt.steps.pop();
        self.again(Some(format!("{} (AADSTS{})", code.reason(), code.number())))
    }

    /// A step failed, and with it the sign-in.
    pub(super) fn refuse_step(&mut self, way: Way, code: Code, why: &str) -> Next {
        self.push_step(way, None, false, why);
        self.refuse(code)
    }

    pub(super) fn refuse(&mut self, code: Code) -> Next {
        let request_id = self.record(code, None, false);
        self.refused(code, request_id, Vec::new())
    }

    /// Something was proved: what comes of it?
    pub(super) fn proved(
        &mut self,
        way: Way,
        detail: Option<String>,
        result: &str,
        aaguid: Option<&str>,
    ) -> Next {
        let Some(identity) = self.identity() else {
            return self.gone();
        };
        self.push_step(way, detail, true, result);
        let combinations = ways::combinations(way, self.attempt.first(), &identity, aaguid);
        self.attempt.used.extend(combinations);
        self.attempt.ways.push(way);
        self.attempt.expected = None;
        let Some(user) = self.user() else {
            return self.gone();
        };
        if user.get("accountEnabled") == Some(&Value::Bool(false)) {
            return self.refuse(Code::Disabled);
        }
        self.judged(&identity)
    }

    pub(super) fn judged(&mut self, identity: &Identity) -> Next {
        let verdict = verdict(self.lab, self.attempt, identity);
        let refused_by = || {
            let failed = verdict
                .policies
                .iter()
                .filter(|policy| policy.result == "failure");
            failed.map(|policy| policy.name.clone()).collect::<Vec<_>>()
        };
        match verdict.end {
            End::In => {
                if let Goal::Device {
                    confirmed: false, ..
                } = self.attempt.goal
                {
                    self.record(Code::ConfirmApp, Some(&verdict), false);
                    return Next::Show(Screen::ConfirmApp);
                }
                self.record(Code::Success, Some(&verdict), true);
                Next::In
            }
            End::More(code) => {
                let left: Vec<Way> =
                    ways::offered(identity, self.attempt.first(), self.has_device())
                        .into_iter()
                        .filter(|way| !self.attempt.ways.contains(way))
                        .collect();
                if left.is_empty() {
                    let request_id = self.record(Code::MustEnrol, Some(&verdict), false);
                    return self.refused(Code::MustEnrol, request_id, refused_by());
                }
                self.record(code, Some(&verdict), false);
                self.again(None)
            }
            End::Refused(code) => {
                let request_id = self.record(code, Some(&verdict), false);
                self.refused(code, request_id, refused_by())
            }
        }
    }

    pub(super) fn refused(&self, code: Code, request_id: String, policies: Vec<String>) -> Next {
        Next::Show(Screen::Refused(Refusal {
            code,
            request_id,
            at: self.now(),
            policies,
        }))
    }

    pub(super) fn confirmed(&mut self) -> Next {
        if self.attempt.ways.is_empty() {
            return self.again(None);
        }
        if let Goal::Device { confirmed, .. } = &mut self.attempt.goal {
            *confirmed = true;
        }
        match self.identity() {
            Some(identity) => self.judged(&identity),
            None => self.gone(),
        }
    }

    /// Writes the record of this step; its id is the request id of the page.
    pub(super) fn record(
        &self,
        code: Code,
        verdict: Option<&super::Verdict>,
        tokens: bool,
    ) -> String {
        let draft = draft(self.lab, self.attempt, code, verdict, tokens);
        records::write(self.lab, &draft);
        draft.id
    }
}

/// What Conditional Access says of an attempt by now.
pub(crate) fn verdict(lab: &Lab, attempt: &Attempt, identity: &Identity) -> Verdict {
    let sign_in = attempt.circumstances.sign_in(
        std::slice::from_ref(&attempt.target.resource.0),
        attempt.goal.flow(),
        &[],
    );
    lab.judge().verdict(&Asked {
        identity,
        used: &attempt.used,
        sign_in: &sign_in,
    })
}

/// The record of an attempt as it is.
pub(crate) fn draft(
    lab: &Lab,
    attempt: &Attempt,
    code: Code,
    verdict: Option<&Verdict>,
    tokens: bool,
) -> Draft {
    let at = lab.now();
    let (tenant, principal) = {
        let state = lab.state();
        let principal = state
            .table("servicePrincipals")
            .all()
            .find(|own| text(own, "appId").eq_ignore_ascii_case(&attempt.target.resource.0))
            .map(|own| text(own, "id").to_owned());
        (state.tenant.clone(), principal.unwrap_or_default())
    };
    // Since April 2025 a sign-in with a key that obtains a refresh token is logged as non-interactive (Microsoft Entra,
    // *Non-interactive user sign-ins*).
    let silent = tokens && attempt.target.offline && attempt.ways.contains(&Way::Passkey);
    let (resource_id, resource_name) = attempt.target.resource.clone();
    Draft {
        id: Uuid::new_v4().to_string(),
        correlation: attempt.correlation.clone(),
        at,
        kind: if silent {
            LogKind::NonInteractive
        } else {
            LogKind::Interactive
        },
        person: attempt.person.clone().unwrap_or_else(|| Person {
            id: NOBODY.to_owned(),
            upn: attempt.identifier.clone(),
            name: attempt.identifier.clone(),
            guest: false,
        }),
        identifier: attempt.identifier.clone(),
        tenant,
        app: attempt.target.client.clone(),
        resource: (resource_id, resource_name, principal),
        scopes: attempt.target.permissions.clone(),
        circumstances: attempt.circumstances.clone(),
        code,
        additional: match code {
            Code::Success if attempt.ways.contains(&Way::Passkey) => {
                "MFA requirement satisfied by strong authentication".to_owned()
            }
            Code::Success if attempt.ways.len() > 1 => "MFA completed in Azure AD".to_owned(),
            Code::MfaRequired | Code::MfaRequiredByPolicy => "MFA required in Azure AD".to_owned(),
            _ => String::new(),
        },
        steps: attempt.steps.clone(),
        policies: verdict
            .map(|verdict| verdict.policies.clone())
            .unwrap_or_default(),
        ca_status: verdict.map_or("notApplied", |verdict| verdict.ca_status),
        mfa_required: verdict.is_some_and(|verdict| verdict.mfa_required),
        requirements: verdict
            .map(|verdict| verdict.requirements.clone())
            .unwrap_or_default(),
        protocol: attempt.goal.protocol(),
        token: secret(),
        session: attempt.session.clone(),
    }
}
