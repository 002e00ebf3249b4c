//! What libraries ask an authority about itself before they ask for a token.
//!
//! OpenID Connect Discovery, and the instance discovery that Microsoft's libraries do for authorities they do not know.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State as Extract},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    endpoint::{is_ours, unknown_tenant},
    error::TokenError,
};
use crate::{Fault, Lab};

pub(super) async fn configuration(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
) -> Response {
    let any = ["common", "organizations", "consumers"].contains(&tenant.to_lowercase().as_str());
    if lab.faults.on(Fault::LoginOutage) {
        let error = TokenError::new(
            "temporarily_unavailable",
            90_033,
            "A transient error has occurred. Please try again.",
        );
        return error.answer(&lab, None);
    }
    if !any && !is_ours(&lab, &tenant) {
        return unknown_tenant(&tenant).answer(&lab, None);
    }
    let login = &lab.addresses.login;
    // Where the tenant is not named, the issuer has a placeholder: Microsoft identity platform, *OpenID Connect*.
    let issuer = if any {
        "{tenantid}".to_owned()
    } else {
        lab.state().tenant.clone()
    };
    let at = |path: &str| format!("{login}/{tenant}/{path}");
    Json(json!({
        "token_endpoint": at("oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": at("discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{login}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "device_authorization_endpoint": at("oauth2/v2.0/devicecode"),
        "end_session_endpoint": at("oauth2/v2.0/logout"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username",
                             "name", "tid", "ver", "email"],
        "tenant_region_scope": null,
        "cloud_instance_name": "localhost",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": lab.addresses.graph.trim_start_matches("https://"),
    }))
    .into_response()
}

pub(super) async fn keys(Extract(lab): Extract<Arc<Lab>>, Path(_): Path<String>) -> Json<Value> {
    Json(json!({"keys": [lab.keys.jwk()]}))
}

pub(super) async fn instance(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
) -> Json<Value> {
    let login = &lab.addresses.login;
    let host = login.trim_start_matches("https://");
    Json(json!({
        "tenant_discovery_endpoint": format!("{login}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
}
