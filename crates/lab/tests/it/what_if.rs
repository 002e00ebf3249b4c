//! What If over HTTP, on both versions.

use reqwest::Method;
use serde_json::json;

use crate::{
    support::{Twin, example},
    writes::send,
};

#[tokio::test]
async fn what_if_tells_the_account_from_everybody_else() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token("breakglass posture").await;
    let question = |user: &str| {
        json!({
            "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": user},
            "signInContext": {"@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": ["797f4846-ba00-4fd7-ba43-dac1f8f63013"]},
            "signInConditions": {}, "appliedPoliciesOnly": true,
        })
    };
    for version in ["v1.0", "beta"] {
        let url = format!(
            "{}/{version}/identity/conditionalAccess/evaluate",
            twin.running.addresses.graph
        );
        let mut names = Vec::new();
        for user in [
            "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000",
            "7b3e241e-41c2-4d8a-b6f0-9c5d1e2a79b2",
        ] {
            let (status, answer) = send(&twin, &token, Method::POST, &url, question(user)).await;
            assert_eq!(status, 200, "{answer}");
            let applied = answer["value"].as_array().unwrap();
            assert!(
                applied
                    .iter()
                    .all(|policy| policy["analysisReasons"] == "notSet")
            );
            names.push(
                applied
                    .iter()
                    .any(|policy| policy["displayName"] == "CA001 MFA for everyone"),
            );
        }
        assert_eq!(names, [false, true], "{version}");
    }
}
