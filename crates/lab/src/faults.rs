//! Failures that can be switched on and off while the twin runs.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! faults {
    ($($name:ident $word:literal $default:literal $about:literal;)*) => {
        /// A documented failure of Microsoft's cloud. [`Fault::word`] is its name on the command line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $(#[doc = $about] $name,)* }
        impl Fault {
            /// All of them, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// Name on the command line.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word,)* } }
            /// What it does, in a sentence.
            pub const fn about(self) -> &'static str { match self { $(Self::$name => $about,)* } }
            /// Whether it is on when the twin starts.
            pub const fn default(self) -> bool { match self { $(Self::$name => $default,)* } }
        }
    };
}

faults! {
    Throttling "throttling" true "The documented limits hold: 1 Conditional Access request a second and 5 report requests in 10 seconds (429 without Retry-After), unit budgets of the directory, 250 reads of Azure and 25 more each second, 200 log queries in 30 seconds (429 with Retry-After).";
    ThrottleStorm "throttle-storm" false "Every second request is refused with 429, with and without Retry-After, some with a fraction of a second.";
    GraphOutage "graph-outage" false "Microsoft Graph answers 503 to everything.";
    GraphHiccups "graph-hiccups" false "Every tenth Graph request fails with 502, 503 or 504; a repeat succeeds.";
    ArmOutage "arm-outage" false "Azure Resource Manager answers 503 to everything.";
    LoginOutage "login-outage" false "The token endpoint answers temporarily_unavailable (AADSTS90033).";
    FederationOutage "federation-outage" false "The identity provider of federated domains cannot be reached: nobody of those domains signs in.";
    MfaOutage "mfa-outage" false "No notification, text message or call arrives, and the one-time passwords of the MFA service are refused; passkeys, Windows Hello and certificates work.";
    ExpiredTokens "expired-tokens" false "Access tokens are refused as expired (401 InvalidAuthenticationToken), whatever their age.";
    ExpiredSecret "expired-secret" false "Client secrets have expired (AADSTS7000222).";
    WrongCloud "wrong-cloud" false "The tenant lives in another cloud (AADSTS90038).";
    ClockSkew "clock-skew" false "The clock of the service is ten minutes ahead: Date headers and the nbf of new tokens.";
    StaleReads "stale-reads" false "Directory reads are eventually consistent: what was written shows after 5 seconds, a unit's flag on its members after 5 minutes.";
    TinyPages "tiny-pages" false "Pages hold two objects, some hold none and still have a next link, whatever $top says.";
    ForeignNextLink "foreign-next-link" false "Lists go on after one object, at a next link that points to another host.";
    NoPremium "no-premium" false "The tenant has no Entra ID P1 or P2: no sign-in logs, no PIM, no Conditional Access reads of reports.";
    PimNotOnboarded "pim-not-onboarded" false "Privileged Identity Management was never set up: MissingProvider in place of the usual error.";
    LogDelay "log-delay" false "Sign-in records become readable 28 seconds to 18 minutes after the sign-in, most after about 4 minutes.";
    LogLoss "log-loss" false "Every third sign-in record is never written.";
    LogDuplicates "log-duplicates" false "Exported records arrive twice, with another envelope time.";
    LogsPartial "logs-partial" false "Log Analytics answers 200 with tables and a PartialError.";
    LogsEmpty "logs-empty" false "Log Analytics answers 204: the workspace never received data.";
    DiagnosticLag "diagnostic-lag" false "A diagnostic setting that was just written is not found for three reads, one that was deleted is still shown.";
}

impl Fault {
    /// The fault of this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|fault| fault.word().eq_ignore_ascii_case(word))
    }

    const fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

/// Which faults are on.
#[derive(Debug)]
pub struct Faults(AtomicU64);

impl Default for Faults {
    fn default() -> Self {
        let on = Fault::ALL
            .iter()
            .filter(|fault| fault.default())
            .fold(0, |bits, fault| bits | fault.bit());
        Self(AtomicU64::new(on))
    }
}

impl Faults {
    /// Whether a fault is on.
    pub fn on(&self, fault: Fault) -> bool {
        self.0.load(Ordering::SeqCst) & fault.bit() != 0
    }

    /// Switches a fault.
    pub fn switch(&self, fault: Fault, on: bool) {
        if on {
            self.0.fetch_or(fault.bit(), Ordering::SeqCst);
        } else {
            self.0.fetch_and(!fault.bit(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_own_name_and_switch() {
        let faults = Faults::default();
        for fault in Fault::ALL {
            assert_eq!(Fault::from_word(fault.word()), Some(*fault));
            assert_eq!(faults.on(*fault), fault.default());
            faults.switch(*fault, true);
            assert!(faults.on(*fault));
            faults.switch(*fault, false);
            assert!(!faults.on(*fault));
        }
    }
}
