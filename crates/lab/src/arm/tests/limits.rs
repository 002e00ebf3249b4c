//! How much may be asked at once.

use super::*;

#[test]
fn the_bucket_of_a_subscription_counts_down_and_refuses_when_it_is_empty() {
    let lab = lab("contoso-modern");
    let caller = app(EVERYTHING);
    let read = |caller: &Caller, method: &str, path: &str| {
        let answer = answer(&lab, caller, method, path, "api-version=2022-12-01", None);
        let left = answer
            .headers
            .iter()
            .find(|(name, _)| name.starts_with("x-ms-ratelimit-remaining"))
            .map(|(name, left)| format!("{name}: {left}"))
            .unwrap();
        (answer, left)
    };
    let name = "x-ms-ratelimit-remaining-subscription-reads";
    for left in (0..250).rev() {
        let (answer, said) = read(&caller, "GET", SUBSCRIPTION);
        assert_eq!((answer.status, said), (200, format!("{name}: {left}")));
    }
    let (refused, said) = read(&caller, "GET", SUBSCRIPTION);
    assert_eq!((refused.status, said), (429, format!("{name}: 0")));
    assert!(refused.headers.contains(&("Retry-After", "1".to_owned())));
    assert_eq!(
        json_of(&refused)["error"]["code"],
        "SubscriptionRequestsThrottled"
    );
    // Another principal, the tenant, and writes have buckets of their own.
    let (other, _) = read(&app("breakglass posture"), "GET", SUBSCRIPTION);
    assert_eq!(other.status, 200);
    let (tenant, said) = read(&caller, "GET", "/subscriptions");
    assert_eq!(tenant.status, 200);
    assert_eq!(said, "x-ms-ratelimit-remaining-tenant-reads: 249");
    let (_, said) = read(&caller, "PUT", SUBSCRIPTION);
    assert_eq!(said, "x-ms-ratelimit-remaining-subscription-writes: 199");
    lab.faults.switch(Fault::Throttling, false);
    let (free, said) = read(&caller, "GET", SUBSCRIPTION);
    assert_eq!((free.status, said), (200, format!("{name}: 249")));
}

#[test]
fn the_activity_log_and_the_list_of_alerts_have_limits_of_their_own() {
    for (path, most) in [
        ("Microsoft.Insights/eventtypes/management/values", 50),
        ("Microsoft.AlertsManagement/alerts", 100),
    ] {
        let lab = lab("contoso-modern");
        let path = format!("{SUBSCRIPTION}/providers/{path}");
        let ask = || {
            let answer = answer(&lab, &app(EVERYTHING), "GET", &path, "api-version=x", None);
            answer.status
        };
        for _ in 0..most {
            assert_ne!(ask(), 429, "{path}");
        }
        assert_eq!(ask(), 429, "{path}");
    }
}
