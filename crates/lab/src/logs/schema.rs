//! Columns of the tables that Entra writes to (Azure Monitor, *Tables reference*), in their order.

use super::value::{Column, Kind};
use crate::LogKind;

/// A table: its name, the category that fills it, the kind of record, and its columns.
pub(super) struct Schema {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    pub(super) kind: LogKind,
    columns: &'static str,
}

/// Columns: `name` is a text, `name:d` dynamic, `name:t` a time, `name:b` a flag, `name:l` a whole number, `name:r` real.
const INTERACTIVE: &str = "TenantId SourceSystem TimeGenerated:t ResourceId OperationName OperationVersion Category \
    ResultType ResultSignature ResultDescription DurationMs:l CorrelationId Resource ResourceGroup ResourceProvider \
    Identity Level Location AlternateSignInName AppDisplayName AppId AuthenticationContextClassReferences \
    AuthenticationDetails AppliedEventListeners:d AuthenticationMethodsUsed AuthenticationProcessingDetails \
    AuthenticationRequirement AuthenticationRequirementPolicies ClientAppUsed ConditionalAccessPolicies:d \
    ConditionalAccessStatus CreatedDateTime:t DeviceDetail:d IsInteractive:b Id IPAddress IsRisky:b LocationDetails:d \
    MfaDetail:d NetworkLocationDetails OriginalRequestId ProcessingTimeInMilliseconds RiskDetail RiskEventTypes \
    RiskEventTypes_V2 RiskLevelAggregated RiskLevelDuringSignIn RiskState ResourceDisplayName ResourceIdentity \
    ResourceServicePrincipalId ServicePrincipalId ServicePrincipalName Status:d TokenIssuerName TokenIssuerType \
    UserAgent UserDisplayName UserId UserPrincipalName AADTenantId UserType FlaggedForReview:b \
    IPAddressFromResourceProvider SignInIdentifier SignInIdentifierType ResourceTenantId HomeTenantId \
    UniqueTokenIdentifier SessionId SessionLifetimePolicies AutonomousSystemNumber AuthenticationProtocol \
    CrossTenantAccessType AuthenticationAppDeviceDetails AuthenticationAppPolicyEvaluationDetails \
    ClientCredentialType FederatedCredentialId GlobalSecureAccessIpAddress HomeTenantName IncomingTokenType \
    IsTenantRestricted:b IsThroughGlobalSecureAccess:b OriginalTransferMethod TokenProtectionStatusDetails:d \
    AppOwnerTenantId ResourceOwnerTenantId Agent:d SourceAppClientId ConditionalAccessAudiences \
    AuthenticatorAppLocation ClientSessionId RootActorID AppliedConditionalAccessPolicies RiskLevel Type _ResourceId \
    _BilledSize:r _IsBillable";

const NON_INTERACTIVE: &str = "TenantId SourceSystem TimeGenerated:t OperationName OperationVersion Category ResultType \
    ResultSignature ResultDescription DurationMs:l CorrelationId ResourceGroup Identity Level Location AADTenantId \
    Agent AlternateSignInName AppDisplayName AppId AppliedEventListeners:d AppOwnerTenantId \
    AuthenticationContextClassReferences AuthenticationDetails AuthenticationMethodsUsed \
    AuthenticationProcessingDetails AuthenticationProtocol AuthenticationRequirement \
    AuthenticationRequirementPolicies AuthenticatorAppLocation AutonomousSystemNumber ClientAppUsed \
    ClientCredentialType ClientSessionId ConditionalAccessAudiences ConditionalAccessPolicies \
    ConditionalAccessPoliciesV2:d ConditionalAccessStatus CreatedDateTime:t CrossTenantAccessType DeviceDetail \
    FederatedCredentialId GlobalSecureAccessIpAddress HomeTenantId HomeTenantName Id IncomingTokenType IPAddress \
    IsInteractive:b IsRisky:b IsTenantRestricted:b IsThroughGlobalSecureAccess:b LocationDetails MfaDetail \
    NetworkLocationDetails OriginalRequestId OriginalTransferMethod ProcessingTimeInMs ResourceDisplayName \
    ResourceIdentity ResourceOwnerTenantId ResourceServicePrincipalId ResourceTenantId RootActorID RiskDetail \
    RiskEventTypes RiskEventTypes_V2 RiskLevelAggregated RiskLevelDuringSignIn RiskState ServicePrincipalId \
    SessionId SessionLifetimePolicies SignInEventTypes SignInIdentifierType TokenProtectionStatusDetails Status \
    TokenIssuerName TokenIssuerType UniqueTokenIdentifier UserAgent UserDisplayName UserId UserPrincipalName \
    UserType Type _ResourceId _BilledSize:r _IsBillable";

const SERVICE_PRINCIPAL: &str = "TenantId SourceSystem TimeGenerated:t OperationName OperationVersion Category \
    ResultType ResultSignature ResultDescription DurationMs:l CorrelationId ResourceGroup Identity Level Location AppId \
    AppOwnerTenantId AuthenticationContextClassReferences AutonomousSystemNumber AuthenticationProcessingDetails \
    ClientCredentialType ConditionalAccessAudiences ConditionalAccessPolicies ConditionalAccessPoliciesV2:d \
    ConditionalAccessStatus CreatedDateTime:t FederatedCredentialId Id IPAddress LocationDetails \
    NetworkLocationDetails ResourceDisplayName ResourceIdentity ResourceOwnerTenantId ResourceServicePrincipalId \
    ServicePrincipalCredentialKeyId ServicePrincipalCredentialThumbprint ServicePrincipalId ServicePrincipalName \
    SessionId UniqueTokenIdentifier Agent UserAgent AADTenantId Type _ResourceId _BilledSize:r _IsBillable";

const AUDIT: &str = "AADOperationType AADTenantId ActivityDateTime:t ActivityDisplayName AdditionalDetails:d Category \
    CorrelationId DurationMs:l Id Identity InitiatedBy:d Level Location LoggedByService OperationName OperationVersion \
    Resource ResourceGroup ResourceId ResourceProvider Result ResultDescription ResultReason ResultSignature ResultType \
    SourceSystem TargetResources:d TenantId TimeGenerated:t Type _BilledSize:r _IsBillable";

const SCHEMAS: &[Schema] = &[
    Schema {
        name: "SigninLogs",
        category: "SignInLogs",
        kind: LogKind::Interactive,
        columns: INTERACTIVE,
    },
    Schema {
        name: "AADNonInteractiveUserSignInLogs",
        category: "NonInteractiveUserSignInLogs",
        kind: LogKind::NonInteractive,
        columns: NON_INTERACTIVE,
    },
    Schema {
        name: "AADServicePrincipalSignInLogs",
        category: "ServicePrincipalSignInLogs",
        kind: LogKind::ServicePrincipal,
        columns: SERVICE_PRINCIPAL,
    },
    Schema {
        name: "AADManagedIdentitySignInLogs",
        category: "ManagedIdentitySignInLogs",
        kind: LogKind::ManagedIdentity,
        columns: SERVICE_PRINCIPAL,
    },
    Schema {
        name: "AuditLogs",
        category: "AuditLogs",
        kind: LogKind::Audit,
        columns: AUDIT,
    },
];

impl Schema {
    /// The table of this name; names of tables are told by letter case.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        SCHEMAS.iter().find(|schema| schema.name == name)
    }

    pub(super) fn columns(&self) -> Vec<Column> {
        self.columns
            .split_whitespace()
            .map(|text| {
                let (name, kind) = text.split_once(':').unwrap_or((text, ""));
                let kind = match kind {
                    "d" => Kind::Dynamic,
                    "t" => Kind::DateTime,
                    "b" => Kind::Bool,
                    "l" => Kind::Long,
                    "r" => Kind::Real,
                    _ => Kind::Text,
                };
                Column {
                    name: name.to_owned(),
                    kind,
                }
            })
            .collect()
    }
}
