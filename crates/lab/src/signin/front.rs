//! The front page of the twin, and sign-ins to Microsoft's own portals from there.

use std::sync::Arc;

use axum::{
    extract::State as Extract,
    http::{HeaderMap, Uri},
    response::Response,
};
use url::form_urlencoded;

use super::{
    circumstances::Circumstances,
    flow::{Attempt, person_of},
    goal::{Goal, Target, VISITS},
    html::{Page, esc},
    oauth::{agent, begin, broken, fields},
    site::Site,
};
use crate::{Lab, tokens::TokenError};

/// The sign-in to one of Microsoft's portals, which the lab's front page links to.
pub(super) async fn visit(
    Extract(lab): Extract<Arc<Lab>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let query = fields(uri.query().unwrap_or_default().as_bytes());
    let word = query.get("lab_app").map_or("entra", String::as_str);
    let Some(target) = Target::visit(&lab, word) else {
        let error = TokenError::new(
            "invalid_request",
            700_016,
            format!("There is no app `{word}`."),
        );
        return broken(&lab, &error);
    };
    let mut circumstances = Circumstances::of_agent(agent(&headers));
    if let Err(why) = circumstances.set(&query) {
        return broken(&lab, &TokenError::new("invalid_request", 90_014, why));
    }
    let mut attempt = Attempt::new(
        Goal::Visit {
            back: query.get("back").cloned(),
        },
        target,
        circumstances,
    );
    attempt.identifier = query.get("login_hint").cloned().unwrap_or_default();
    let site = Site::of(&uri, &headers);
    begin(&lab, &site, &attempt)
}

/// The front page of the twin: who there is, and what can be signed in to.
pub(super) async fn page(Extract(lab): Extract<Arc<Lab>>) -> Response {
    let (tenant, mut people) = {
        let state = lab.state();
        let people: Vec<_> = state.table("users").all().take(50).map(person_of).collect();
        (state.name.clone(), people)
    };
    people.retain(|person| !person.upn.is_empty());
    let rows: String = people
        .iter()
        .map(|person| {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("login_hint", &person.upn)
                .finish();
            format!(
                "<tr><td>{}</td><td><a href=\"/lab/signin?{}\">{}</a></td></tr>",
                esc(&person.name),
                esc(&query),
                esc(&person.upn)
            )
        })
        .collect();
    let apps: String = VISITS
        .iter()
        .map(|(word, name, ..)| {
            format!(
                "<li><a href=\"/lab/signin?lab_app={word}\">{}</a></li>",
                esc(name)
            )
        })
        .collect();
    Page {
        title: "The twin",
        tenant: &tenant,
        wide: true,
        body: format!(
            "<h1>The twin of {}</h1><p>Sign in to:</p><ul>{apps}</ul>\
             <p><a href=\"/portal\">Portal</a> · <a href=\"/lab/enrol\">Enrol a passkey</a> · \
             <a href=\"/devicelogin\">Enter a device code</a></p>\
             <h2>People</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">User \
             name</th></tr></thead><tbody>{rows}</tbody></table></div>",
            esc(&tenant)
        ),
        status: 200,
        ..Page::default()
    }
    .respond()
}
