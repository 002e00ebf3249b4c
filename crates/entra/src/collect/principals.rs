//! Applications: those that hold roles or that policies name, and those whose permissions of Microsoft Graph let them
//! change accounts, groups, roles, methods or policies.

use std::collections::BTreeSet;

use breakglass_model::tenant::POWERS;
use serde_json::Value;

use super::{
    CollectError, keep,
    keep::text,
    session::{Session, Stop, Why, ends_the_run},
};
use crate::{Request, Version, permissions::MICROSOFT_GRAPH};

impl Session<'_> {
    pub(super) async fn service_principals(&self) -> Result<(), CollectError> {
        let name = "servicePrincipals";
        self.step(name, name, async |part, found| {
            let sources = &[
                "conditionalAccessPolicies",
                "roleAssignmentScheduleInstances|roleAssignments",
            ];
            if let Some(why) = self.not_led_to(sources) {
                found.not_read.push(self.missing(name, why));
            }
            let (mut ids, by_attribute) = self.applications_of_policies()?;
            if by_attribute {
                let select = keep::PRINCIPAL.join(",");
                let path = format!("/{name}?$select={select},customSecurityAttributes&$top=999");
                let mut pages = self.entra.pages(Request::graph(Version::V1, path));
                let mut first = true;
                loop {
                    match pages.next().await {
                        Ok(Some(page)) => {
                            first = false;
                            for row in page {
                                part.push(&keep::plain(row))?;
                            }
                        }
                        Ok(None) => return Ok(()),
                        // Without the permission for attributes, what is known by id is still of use.
                        Err(error) if first && !ends_the_run(&error) => {
                            let all = "servicePrincipals/customSecurityAttributes";
                            found.not_read.push(self.missing(all, Why::of(&error)));
                            break;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            let known = self.known_objects()?;
            ids.extend(self.holders()?.into_keys());
            ids.retain(|id| !known.contains(id) && uuid::Uuid::try_parse(id).is_ok());
            let ids: Vec<String> = ids.into_iter().collect();
            for row in self.by_id(name, &ids, keep::PRINCIPAL).await? {
                part.push(&row)?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Ids of service principals that policies name, and whether a policy picks applications by attribute.
    fn applications_of_policies(&self) -> Result<(BTreeSet<String>, bool), CollectError> {
        let (mut ids, mut by_attribute) = (BTreeSet::new(), false);
        self.each("conditionalAccessPolicies", |policy| {
            by_attribute |= policy
                .pointer("/conditions/applications/applicationFilter")
                .is_some_and(|filter| !filter.is_null());
            for key in ["includeServicePrincipals", "excludeServicePrincipals"] {
                let list = policy.pointer(&format!("/conditions/clientApplications/{key}"));
                let list = list.and_then(Value::as_array);
                ids.extend(
                    list.into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .map(str::to_lowercase),
                );
            }
        })?;
        Ok((ids, by_attribute))
    }

    pub(super) async fn app_roles(&self) -> Result<(), CollectError> {
        let name = "appRoleAssignments";
        self.step(name, name, async |part, _| {
            let path =
                format!("/servicePrincipals?$filter=appId eq '{MICROSOFT_GRAPH}'&$select=id");
            let rows = self.entra.all(Request::graph(Version::V1, path)).await?;
            let graph = rows.first().map(|row| text(row, "id")).ok_or_else(|| {
                Stop::Cannot(Why::plain(
                    "the service principal of Microsoft Graph is not in the list",
                ))
            })?;
            let dangerous: BTreeSet<&str> = POWERS.iter().map(|power| power.role).collect();
            let path = format!("/servicePrincipals/{graph}/appRoleAssignedTo?$top=999");
            self.list(name, Request::graph(Version::V1, path), part, |row| {
                let is = dangerous.contains(text(&row, "appRoleId").to_lowercase().as_str());
                is.then(|| {
                    let application = text(&row, "principalType") == "ServicePrincipal";
                    let names: &[&str] = &[
                        "id",
                        "appRoleId",
                        "createdDateTime",
                        "principalId",
                        "principalType",
                        "resourceId",
                        "principalDisplayName",
                    ];
                    let last = names.len() - usize::from(!application);
                    keep::only(&row, &names[..last])
                })
            })
            .await
        })
        .await?;
        Ok(())
    }
}
