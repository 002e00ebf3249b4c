//! Getting tokens, and what comes of those that are no good.

use crate::support::{Twin, example};

#[tokio::test]
async fn without_a_token_nothing_is_read() {
    let twin = Twin::of(example("contoso")).await;
    let answer = twin.raw("", "/v1.0/organization", &[]).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert!(answer.headers().contains_key("request-id"));
}
