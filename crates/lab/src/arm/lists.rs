//! Tenants, subscriptions and resource groups, and how lists page.

use serde_json::{Value, json};

use super::{
    Request,
    access::{Access, Deed},
    derived,
};
use crate::{
    Fault,
    lab::{Answer, ApiError},
};

/// Resources on a page.
const PAGE: usize = 100;
const RESOURCES: &str = "Microsoft.Resources/subscriptions/resourceGroups";

/// Answers what lies above the providers.
pub(super) fn answer(request: &Request<'_>) -> Result<Answer, ApiError> {
    let low = request.path.to_lowercase();
    let segments: Vec<&str> = low
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    if request.method != "GET" {
        return Err(ApiError::new(
            405,
            "HttpMethodNotAllowed",
            format!(
                "The HTTP method '{}' is not supported at scope '{}'.",
                request.method, request.path
            ),
        ));
    }
    let now = request.lab.now();
    let state = request.lab.state();
    let access = Access::of(request.lab, &state, request.caller, now);
    let subscription = |id: &str| {
        let own = derived::subscriptions(&state, now);
        own.into_iter()
            .find(|own| {
                own["subscriptionId"]
                    .as_str()
                    .is_some_and(|own| own.eq_ignore_ascii_case(id))
            })
            .filter(|_| access.sees(&format!("/subscriptions/{id}")))
            .ok_or_else(|| {
                ApiError::new(
                    404,
                    "SubscriptionNotFound",
                    format!("The subscription '{id}' could not be found."),
                )
            })
    };
    match segments.as_slice() {
        ["tenants"] => {
            let domains: Vec<String> = state
                .table("domains")
                .all_seen(now)
                .filter_map(|domain| domain.get("id")?.as_str().map(str::to_owned))
                .collect();
            let tenant = json!({
                "id": format!("/tenants/{}", state.tenant), "tenantId": state.tenant, "displayName": state.name,
                "countryCode": "", "domains": domains, "tenantCategory": "Home",
            });
            Ok(page(request, vec![tenant]))
        }
        ["subscriptions"] => {
            let mut list = derived::subscriptions(&state, now);
            list.retain(|own| own["id"].as_str().is_some_and(|id| access.sees(id)));
            Ok(page(request, list))
        }
        ["subscriptions", id] => Ok(Answer::json(200, subscription(id)?)),
        ["subscriptions", id, "resourcegroups"] => {
            subscription(id)?;
            let mut list = derived::groups(&state, id, now);
            list.retain(|group| group["id"].as_str().is_some_and(|id| access.sees(id)));
            Ok(page(request, list))
        }
        ["subscriptions", id, "resourcegroups", name] => {
            subscription(id)?;
            let scope = format!("/subscriptions/{id}/resourceGroups/{name}");
            super::authorize(request, &access, RESOURCES, Deed::Read, &scope)?;
            derived::groups(&state, id, now)
                .into_iter()
                .find(|group| {
                    group["name"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(name))
                })
                .map(|group| Answer::json(200, group))
                .ok_or_else(|| {
                    ApiError::new(
                        404,
                        "ResourceGroupNotFound",
                        format!("Resource group '{name}' could not be found."),
                    )
                })
        }
        _ => Err(ApiError::new(
            404,
            "InvalidResourceType",
            format!("The resource '{}' could not be found.", request.path),
        )),
    }
}

/// One page of a list; the next link carries where it goes on.
pub(super) fn page(request: &Request<'_>, list: Vec<Value>) -> Answer {
    let size = match &request.lab.faults {
        // A link to another host shows only where a list goes on.
        faults if faults.on(Fault::ForeignNextLink) => 1,
        faults if faults.on(Fault::TinyPages) => 2,
        _ => PAGE,
    };
    let start: usize = request
        .parameter("$skiptoken")
        .and_then(|token| token.parse().ok())
        .unwrap_or_default();
    let total = list.len();
    let rows: Vec<Value> = list.into_iter().skip(start).take(size).collect();
    let next = start.saturating_add(rows.len());
    let mut answer = json!({"value": rows});
    if next < total {
        let origin = if request.lab.faults.on(Fault::ForeignNextLink) {
            "https://management.example"
        } else {
            &request.lab.addresses.arm
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &request.query {
            if !name.eq_ignore_ascii_case("$skiptoken") {
                query.append_pair(name, value);
            }
        }
        query.append_pair("$skiptoken", &next.to_string());
        answer["nextLink"] = json!(format!("{origin}{}?{}", request.path, query.finish()));
    }
    Answer::json(200, answer)
}
