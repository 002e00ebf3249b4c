//! One run: its steps, what they share, and how a failure is judged.

use std::{cell::RefCell, fmt};

use breakglass_model::NotRead;
use serde_json::Value;

use super::{
    CollectError, Event, Options, Progress,
    work::{Done, Part, Work},
};
use crate::{Entra, Error, Granted, Request, permissions};

/// Steps in the order in which they are taken. A step has one file.
pub(super) const STEPS: &[&str] = &[
    "organization",
    "emergency accounts",
    "domains",
    "conditionalAccessPolicies",
    "namedLocations",
    "authenticationStrengthPolicies",
    "authenticationContextClassReferences",
    "identitySecurityDefaultsEnforcementPolicy",
    "authenticationMethodsPolicy",
    "authorizationPolicy",
    "roleDefinitions",
    "roleAssignmentScheduleInstances",
    "roleAssignments",
    "roleEligibilityScheduleInstances",
    "roleAssignmentSchedules",
    "roleEligibilitySchedules",
    "roleManagementPolicyAssignments",
    "resourceActions",
    "administrativeUnits",
    "accessReviews",
    "lifecycleWorkflows",
    "riskyUsers",
    "groups",
    "privilegedAccessGroupAssignmentScheduleInstances",
    "privilegedAccessGroupEligibilityScheduleInstances",
    "administrators",
    "users",
    "servicePrincipals",
    "appRoleAssignments",
    "userRegistrationDetails",
    "diagnosticSettings",
    "subscriptions",
    "workspaces",
    "workspaceTables",
    "scheduledQueryRules",
    "actionGroups",
    "actionRules",
    "activityLogAlerts",
    "locks",
    "ruleHealth",
    "alerts",
    "activityLog",
    "logDestinations",
    "azureRoleAssignments",
    "onboardingStates",
    "alertRules",
    "automationRules",
    "watchlists",
    "watchlistItems",
    "workspaceFreshness",
];

/// Why a step ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Microsoft's answer.
    Call(Error),
    /// Ours.
    Own(CollectError),
    /// The step cannot be taken.
    Cannot(Why),
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    /// In a sentence.
    text: String,
    /// Whether a permission would help. None gives a licence, data that never came, or an answer that can be used.
    permission: bool,
}

impl Why {
    /// Microsoft's answer.
    pub(super) fn of(error: &Error) -> Self {
        Self {
            text: reason(error),
            permission: error.is_forbidden() || matches!(error, Error::SignIn(_)),
        }
    }

    /// What no permission mends.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            permission: false,
        }
    }

    /// What a permission mends.
    pub(super) fn unseen(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            permission: true,
        }
    }

    /// The same, with where or how often it happened.
    #[must_use]
    pub(super) fn at(self, place: impl FnOnce(&str) -> String) -> Self {
        Self {
            text: place(&self.text),
            ..self
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<CollectError> for Stop {
    fn from(error: CollectError) -> Self {
        Self::Own(error)
    }
}

/// What a step finds beside objects.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) not_read: Vec<NotRead>,
    pub(super) notes: Vec<String>,
}

/// See the module.
pub(super) struct Session<'a> {
    pub(super) entra: &'a Entra,
    pub(super) options: &'a Options,
    pub(super) granted: Granted,
    pub(super) work: RefCell<Work>,
    progress: RefCell<&'a mut dyn FnMut(Progress)>,
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    pub(super) fn new(
        entra: &'a Entra,
        options: &'a Options,
        granted: Granted,
        work: Work,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        Self {
            entra,
            options,
            granted,
            work: RefCell::new(work),
            progress: RefCell::new(progress),
        }
    }

    /// Gives up what was read so far: it is of no use to another call.
    pub(super) fn abandon(self) -> Result<(), CollectError> {
        self.work.into_inner().remove()
    }

    pub(super) fn tell(&self, step: &'static str, objects: u64, event: Event) {
        let number = STEPS.iter().position(|known| *known == step);
        (self.progress.borrow_mut())(Progress {
            what: step,
            step: number.unwrap_or_default() + 1,
            steps: STEPS.len(),
            objects,
            event,
        });
    }

    /// Takes a step, unless an earlier run has. Says whether it was read.
    pub(super) async fn step<F>(
        &self,
        step: &'static str,
        collection: &str,
        read: F,
    ) -> Result<bool, CollectError>
    where
        F: AsyncFnOnce(&mut Part, &mut Found) -> Result<(), Stop>,
    {
        if let Some(done) = self.done(step) {
            self.tell(step, done.objects, Event::Kept);
            return Ok(done.collection.is_some());
        }
        self.tell(step, 0, Event::Reading);
        let mut part = self.work.borrow().part(step)?;
        let mut found = Found::default();
        let (collection, event) = match read(&mut part, &mut found).await {
            Ok(()) => (Some(collection.to_owned()), Event::Read),
            Err(Stop::Own(error)) => return Err(error),
            Err(Stop::Call(error)) if ends_the_run(&error) => return Err(self.interrupted(error)),
            Err(Stop::Call(error)) => self.unread(collection, Why::of(&error), &mut found),
            Err(Stop::Cannot(why)) => self.unread(collection, why, &mut found),
        };
        let objects = if collection.is_some() {
            part.objects
        } else {
            0
        };
        let done = Done {
            step: step.to_owned(),
            collection,
            objects,
            not_read: found.not_read,
            notes: found.notes,
        };
        let read = done.collection.is_some();
        self.work.borrow_mut().finish(part, done)?;
        self.tell(step, objects, event);
        Ok(read)
    }

    fn unread(&self, collection: &str, why: Why, found: &mut Found) -> (Option<String>, Event) {
        let event = Event::NotRead(why.text.clone());
        found.not_read.push(self.missing(collection, why));
        (None, event)
    }

    fn done(&self, step: &str) -> Option<Done> {
        self.work.borrow().done(step).cloned()
    }

    /// Whether a finished step could be read.
    pub(super) fn was_read(&self, step: &str) -> bool {
        self.done(step)
            .is_some_and(|done| done.collection.is_some())
    }

    /// Why a collection that is found through others is not whole: one of them could not be read. An alternative is
    /// written with a bar.
    pub(super) fn not_led_to(&self, sources: &[&'static str]) -> Option<Why> {
        let unread: Vec<String> = sources
            .iter()
            .filter(|source| !source.split('|').any(|step| self.was_read(step)))
            .map(|source| format!("`{}`", source.replace('|', "` and `")))
            .collect();
        if unread.is_empty() {
            return None;
        }
        Some(Why::plain(format!(
            "{} could not be read, so what is named there is missing here",
            unread.join(", ")
        )))
    }

    /// The error that ends the run.
    pub(super) fn interrupted(&self, error: Error) -> CollectError {
        if matches!(error, Error::SignIn(_)) && !error.is_transient() {
            return CollectError::SignIn(error);
        }
        CollectError::Interrupted {
            error,
            done: self.work.borrow().state.done.len(),
            steps: STEPS.len(),
            dir: super::work::directory(&self.options.out),
        }
    }

    /// Something that could not be read.
    pub(super) fn missing(&self, collection: &str, why: Why) -> NotRead {
        let need = permissions::for_collection(collection).filter(|_| why.permission);
        let permission = need.map(|need| {
            let person = self.granted.person.is_some();
            let has_all = need
                .delegated
                .iter()
                .all(|name| self.granted.permissions.contains(*name));
            if person && has_all && !need.role.is_empty() {
                need.role.to_owned()
            } else {
                need.application.join(" and ")
            }
        });
        NotRead {
            collection: collection.to_owned(),
            reason: why.text,
            permission,
        }
    }

    /// Reads a list into the file of a step, page by page.
    pub(super) async fn list(
        &self,
        step: &'static str,
        request: Request,
        part: &mut Part,
        mut keep: impl FnMut(Value) -> Option<Value>,
    ) -> Result<(), Stop> {
        let mut pages = self.entra.pages(request);
        while let Some(page) = pages.next().await? {
            for object in page {
                if let Some(object) = keep(object) {
                    part.push(&object)?;
                }
            }
            self.tell(step, part.objects, Event::Reading);
        }
        Ok(())
    }

    /// The objects of a finished step, in order.
    pub(super) fn each(&self, step: &str, show: impl FnMut(Value)) -> Result<(), CollectError> {
        self.work.borrow().each(step, show)
    }
}

/// Whether a failure says nothing about the collection: it may pass, or there is no token at all.
pub(super) fn ends_the_run(error: &Error) -> bool {
    match error {
        // An answer of 500 comes again and again from a call that a tenant cannot be asked: it is no reason to stop.
        Error::Refused(_) => {
            error.is_transient() && error.status() != Some(500) || error.is_token_refused()
        }
        Error::SignIn(_) => true,
        _ => error.is_transient(),
    }
}

/// Why something could not be read, in a sentence.
fn reason(error: &Error) -> String {
    if error.is_unlicensed() {
        format!("the tenant has no licence for it, or never set it up: {error}")
    } else if error.is_forbidden() {
        format!("it may not be read: {error}")
    } else {
        error.to_string()
    }
}
