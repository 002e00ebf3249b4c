//! The resource types that the twin knows: where they lie, and in which versions of the API.

/// A resource type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// As answers spell it.
    pub(super) name: &'static str,
    /// The collection of the state.
    pub(super) table: &'static str,
    pub(super) versions: &'static [&'static str],
    pub(super) place: Place,
}

/// Below what a resource lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The tenant.
    Tenant,
    /// A resource group.
    Group,
    /// Another resource, of any or of a certain type.
    Extension,
    /// Wherever the tenant has it: the twin shows such objects and changes none.
    Observed,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "microsoft.aadiam/diagnosticSettings",
        table: "diagnosticSettings",
        versions: &["2017-04-01", "2017-04-01-preview"],
        place: Place::Tenant,
    },
    Kind {
        name: "Microsoft.OperationalInsights/workspaces",
        table: "workspaces",
        versions: &[
            "2020-08-01",
            "2021-06-01",
            "2021-12-01-preview",
            "2022-10-01",
            "2023-09-01",
            "2025-02-01",
            "2025-07-01",
            "2026-03-01",
        ],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.OperationalInsights/workspaces/tables",
        table: "workspaceTables",
        versions: &[
            "2021-12-01-preview",
            "2022-10-01",
            "2023-09-01",
            "2025-02-01",
            "2025-07-01",
            "2026-03-01",
        ],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.Insights/scheduledQueryRules",
        table: "scheduledQueryRules",
        versions: &[
            "2021-08-01",
            "2022-06-15",
            "2022-08-01-preview",
            "2023-03-15-preview",
            "2023-12-01",
            "2024-01-01-preview",
            "2025-01-01-preview",
            "2026-03-01",
        ],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.Insights/actionGroups",
        table: "actionGroups",
        versions: &[
            "2019-06-01",
            "2021-09-01",
            "2022-06-01",
            "2023-01-01",
            "2024-10-01-preview",
        ],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.Insights/activityLogAlerts",
        table: "activityLogAlerts",
        versions: &["2020-10-01", "2023-01-01-preview", "2026-01-01"],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.AlertsManagement/actionRules",
        table: "actionRules",
        versions: &["2021-08-08", "2021-08-08-preview", "2023-05-01-preview"],
        place: Place::Group,
    },
    Kind {
        name: "Microsoft.AlertsManagement/alerts",
        table: "alerts",
        versions: &["2018-05-05", "2019-03-01"],
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.EventHub/namespaces",
        table: "logDestinations",
        versions: EVENT_HUBS,
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.EventHub/namespaces/authorizationRules",
        table: "logDestinations",
        versions: EVENT_HUBS,
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.EventHub/namespaces/eventhubs",
        table: "logDestinations",
        versions: EVENT_HUBS,
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.Storage/storageAccounts",
        table: "logDestinations",
        versions: &["2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01"],
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.SecurityInsights/watchlists/watchlistItems",
        table: "watchlistItems",
        versions: SENTINEL,
        place: Place::Observed,
    },
    Kind {
        name: "Microsoft.SecurityInsights/onboardingStates",
        table: "onboardingStates",
        versions: SENTINEL,
        place: Place::Extension,
    },
    Kind {
        name: "Microsoft.SecurityInsights/alertRules",
        table: "alertRules",
        versions: SENTINEL,
        place: Place::Extension,
    },
    Kind {
        name: "Microsoft.SecurityInsights/automationRules",
        table: "automationRules",
        versions: SENTINEL,
        place: Place::Extension,
    },
    Kind {
        name: "Microsoft.SecurityInsights/watchlists",
        table: "watchlists",
        versions: SENTINEL,
        place: Place::Extension,
    },
    Kind {
        name: "Microsoft.Authorization/roleAssignments",
        table: "azureRoleAssignments",
        versions: &[
            "2015-07-01",
            "2018-09-01-preview",
            "2020-04-01-preview",
            "2020-10-01-preview",
            "2022-04-01",
        ],
        place: Place::Extension,
    },
    Kind {
        name: "Microsoft.Authorization/locks",
        table: "locks",
        versions: &["2016-09-01", "2020-05-01"],
        place: Place::Extension,
    },
];

const EVENT_HUBS: &[&str] = &["2021-11-01", "2024-01-01"];

const SENTINEL: &[&str] = &[
    "2022-11-01",
    "2023-02-01",
    "2023-11-01",
    "2024-01-01-preview",
    "2024-03-01",
    "2024-09-01",
    "2025-03-01",
    "2025-06-01",
    "2025-07-01-preview",
    "2025-09-01",
    "2025-10-01-preview",
];

impl Kind {
    /// The type of this name, in any letter case.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|kind| kind.name.eq_ignore_ascii_case(name))
    }

    /// Every type.
    pub(super) const fn all() -> &'static [Self] {
        KINDS
    }
}
