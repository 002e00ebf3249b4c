//! The one page of the portal.

use crate::state::text;
use axum::response::Response;
use serde_json::Value;

use crate::{
    Lab, State,
    signin::{
        flow::person_of,
        html::{Page, bare_select, esc, hidden, problem},
        memory::Session,
    },
};

/// How many people the page lists.
const PEOPLE: usize = 60;

/// A form of one action.
fn form(session: &Session, act: &str, id: &str, inner: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/portal/act\">{}{}{}{inner}</form>",
        hidden("csrf", &session.csrf),
        hidden("act", act),
        hidden("id", id)
    )
}

pub(super) fn respond(
    lab: &Lab,
    session: &Session,
    user: &Value,
    said: Option<&Result<String, String>>,
) -> Response {
    let state = lab.state();
    let person = person_of(user);
    let news = match said {
        None => String::new(),
        Some(Ok(done)) => format!("<p class=\"lab\" role=\"status\">{}</p>", esc(done)),
        Some(Err(why)) => problem(Some(why)),
    };
    let sign_out = format!(
        "<form method=\"post\" action=\"/portal/signout\" class=\"inline\">{}<button class=\"plain\">Sign out</button></form>",
        hidden("csrf", &session.csrf)
    );
    let body = format!(
        "<h1>Portal of {}</h1><div class=\"who\"><span>Signed in as {}</span>{sign_out}</div>{news}{}{}",
        esc(&state.name),
        esc(&person.upn),
        policies(&state, session),
        people(&state, session),
    );
    Page {
        title: "Portal",
        tenant: &state.name,
        body,
        wide: true,
        status: if matches!(said, Some(Err(_))) {
            403
        } else {
            200
        },
        ..Page::default()
    }
    .respond()
}

const STATES: [(&str, &str); 3] = [
    ("enabled", "on"),
    ("enabledForReportingButNotEnforced", "report-only"),
    ("disabled", "off"),
];

fn policies(state: &State, session: &Session) -> String {
    let rows: String = state
        .table("conditionalAccessPolicies")
        .all()
        .map(|policy| {
            let id = text(policy, "id");
            let switch = form(
                session,
                "state",
                id,
                &format!(
                    "{}<button>Set</button>",
                    bare_select("value", "State", &STATES, text(policy, "state"))
                ),
            );
            format!(
                "<tr><th scope=\"row\">{}{}</th><td>{switch}</td><td>{}</td></tr>",
                esc(text(policy, "displayName")),
                form(
                    session,
                    "drop",
                    id,
                    "<button class=\"plain\">Delete</button>"
                ),
                exclusions(state, session, policy)
            )
        })
        .collect();
    format!(
        "<h2>Conditional Access policies</h2>{}<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Policy</th>\
         <th scope=\"col\">State</th><th scope=\"col\">Excluded</th></tr></thead><tbody>{rows}</tbody></table></div>",
        form(
            session,
            "compliant",
            "",
            "<button>Require a compliant device of everyone</button>"
        ),
    )
}

fn name_of(state: &State, list: &str, id: &str) -> String {
    let (table, key) = match list {
        "excludeUsers" => ("users", "userPrincipalName"),
        "excludeGroups" => ("groups", "displayName"),
        _ => ("roleDefinitions", "displayName"),
    };
    let name = state
        .table(table)
        .get(id)
        .map(|object| text(object, key).to_owned());
    name.unwrap_or_else(|| id.to_owned())
}

fn exclusions(state: &State, session: &Session, policy: &Value) -> String {
    let id = text(policy, "id");
    let users = &policy["conditions"]["users"];
    let mut html = String::new();
    for list in ["excludeUsers", "excludeGroups", "excludeRoles"] {
        for own in users[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            html.push_str(&form(
                session,
                "include",
                id,
                &format!(
                    "{}{}<span>{}</span> <button class=\"plain\">Remove</button>",
                    hidden("value", own),
                    hidden("list", list),
                    esc(&name_of(state, list, own))
                ),
            ));
        }
    }
    html.push_str(&form(
        session,
        "exclude",
        id,
        "<label><span class=\"seen\">User or group to exclude</span><input name=\"value\" placeholder=\"user or group\" \
         required></label><button class=\"plain\">Exclude</button>",
    ));
    html
}

fn people(state: &State, session: &Session) -> String {
    let roles: Vec<(&str, &str)> = state
        .table("roleDefinitions")
        .all()
        .map(|role| (text(role, "id"), text(role, "displayName")))
        .collect();
    let rows: String = state
        .table("users")
        .all()
        .take(PEOPLE)
        .map(|user| {
            let person = person_of(user);
            let methods = user["authentication"]["methods"].as_array();
            let keys: String = methods
                .into_iter()
                .flatten()
                .filter(|method| text(method, "@odata.type").ends_with("fido2AuthenticationMethod"))
                .map(|key| {
                    let inner = format!(
                        "{}<span>{}</span> <button class=\"plain\">Delete</button>",
                        hidden("value", text(key, "id")),
                        esc(text(key, "displayName"))
                    );
                    form(session, "key", &person.id, &inner)
                })
                .collect();
            let held: String = state
                .table("roleAssignmentScheduleInstances")
                .all()
                .filter(|row| text(row, "principalId").eq_ignore_ascii_case(&person.id))
                .map(|row| {
                    let role = name_of(state, "roles", text(row, "roleDefinitionId"));
                    let inner = format!("<span>{}</span> <button class=\"plain\">Remove</button>", esc(&role));
                    form(session, "withdraw", text(row, "id"), &inner)
                })
                .collect();
            let grant = form(
                session,
                "grant",
                &person.id,
                &format!("{}<button class=\"plain\">Add</button>", bare_select("value", "Role", &roles, "")),
            );
            let password = form(
                session,
                "password",
                &person.id,
                "<label><span class=\"seen\">New password</span><input name=\"value\" placeholder=\"new password\" \
                 autocomplete=\"off\" required></label><button class=\"plain\">Reset</button>",
            );
            format!(
                "<tr><th scope=\"row\">{}<br>{}</th><td>{held}{grant}</td><td>{keys}</td><td>{password}</td></tr>",
                esc(&person.name),
                esc(&person.upn)
            )
        })
        .collect();
    format!(
        "<h2>People</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">User</th><th scope=\"col\">Roles</th>\
         <th scope=\"col\">Keys</th><th scope=\"col\">Password</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}
