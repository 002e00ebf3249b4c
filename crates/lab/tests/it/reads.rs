//! Reading from Graph.

use crate::support::{Twin, example};

#[tokio::test]
async fn the_organisation_is_read_over_tls() {
    let twin = Twin::of(example("contoso")).await;
    let (status, body) = twin.get("/v1.0/organization").await;
    assert_eq!(status, 200);
    assert_eq!(body["value"][0]["displayName"], "Contoso");
}
