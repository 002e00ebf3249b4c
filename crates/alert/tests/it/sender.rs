//! The loop, over the real store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breakglass_alert::{Channel, Drained, Jitter, SendError, Sender, SenderEvent, Timing};
use breakglass_store::Store;
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::support::{Scripted, clock, settings, taken};

struct Bench {
    store: Store,
    events: Arc<Mutex<Vec<SenderEvent>>>,
    _place: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let place = TempDir::new().unwrap();
        let url = format!("sqlite://{}", place.path().join("breakglass.db").display());
        let store = Store::open(&url).await.unwrap();
        Self {
            store,
            events: Arc::default(),
            _place: place,
        }
    }

    async fn drain(&self, channels: &[&Arc<Scripted>], seconds: i64) -> Drained {
        let channels: Vec<Arc<dyn Channel>> = channels
            .iter()
            .map(|channel| Arc::clone(channel) as Arc<dyn Channel>)
            .collect();
        let events = Arc::clone(&self.events);
        let timing = Timing {
            deadline: Duration::from_millis(500),
            poll: Duration::from_millis(20),
            parallel: 4,
        };
        let until = clock().now() + SignedDuration::from_secs(seconds);
        Sender::new(
            self.store.clone(),
            "t",
            channels,
            settings(),
            clock(),
            Jitter::seeded(1),
        )
        .with_timing(timing)
        .with_observer(move |event| events.lock().unwrap().push(event.clone()))
        .drain(until)
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_what_fails_is_sent_again_until_accepted() {
    let bench = Bench::new().await;
    let flaky = Scripted::new("mail", |n| {
        if n < 3 {
            Some(Err(SendError::soon("x")))
        } else {
            taken()
        }
    });
    bench
        .store
        .enqueue_test("mail", clock().now())
        .await
        .unwrap();
    assert_eq!(bench.drain(&[&flaky], 20).await.open, []);
    assert_eq!(flaky.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn w6_a_hanging_and_a_broken_channel_delay_no_other() {
    let bench = Bench::new().await;
    let good = Scripted::new("good", |_| taken());
    let hangs = Scripted::new("hangs", |_| None);
    let broken = Scripted::new("broken", |_| Some(Err(SendError::broken("404"))));
    for name in ["good", "hangs", "broken"] {
        bench.store.enqueue_test(name, clock().now()).await.unwrap();
    }
    let left = bench.drain(&[&hangs, &broken, &good], 2).await.open;
    let mut open: Vec<_> = left.iter().map(|row| row.channel.as_str()).collect();
    open.sort_unstable();
    assert_eq!(open, ["broken", "hangs"]);
    assert_eq!((good.seen().len(), broken.seen().len()), (1, 1));
    let events = bench.events.lock().unwrap();
    assert!(events.iter().any(
        |event| matches!(event, SenderEvent::ChannelBroken { channel, .. } if channel == "broken")
    ));
}
