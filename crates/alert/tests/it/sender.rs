//! The loop, over the real store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breakglass_alert::{
    Channel, Drained, Jitter, SendError, Sender, SenderEvent, Timing, channels::Console,
    test_alert, test_channels,
};
use breakglass_model::{FixedClock, SignalKind, signal::Detected};
use breakglass_store::{ConcernedAccount, Observation, Store};
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::support::{Scripted, clock, settings, signal, taken};

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

#[tokio::test(flavor = "multi_thread")]
async fn g3_a_clock_that_stands_still_delays_no_retry_and_ends_the_drain() {
    let bench = Bench::new().await;
    let still = FixedClock("2026-11-24T21:18:04Z".parse().unwrap());
    let flaky = Scripted::new("mail", |n| match n {
        1 => Some(Err(SendError::soon("x"))),
        _ => taken(),
    });
    let broken = Scripted::new("broken", |_| Some(Err(SendError::broken("404"))));
    for name in ["mail", "broken"] {
        bench.store.enqueue_test(name, still.0).await.unwrap();
    }
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::clone(&flaky) as _, broken];
    let sender = Sender::new(
        bench.store.clone(),
        "t",
        channels,
        settings(),
        Arc::new(still),
        Jitter::seeded(1),
    );
    let drained = sender.drain(still.0 + SignedDuration::from_secs(3));
    let left = tokio::time::timeout(Duration::from_secs(10), drained)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(flaky.seen().len(), 2);
    assert_eq!(left.open.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_sends_what_comes_until_it_is_told_to_stop() {
    let bench = Bench::new().await;
    let good = Scripted::new("mail", |_| taken());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sender = Sender::new(
        bench.store.clone(),
        "t",
        vec![Arc::clone(&good) as _],
        settings(),
        clock(),
        Jitter::seeded(1),
    );
    let running = tokio::spawn(async move {
        sender
            .run(async {
                let _ = stopped.await;
            })
            .await
    });
    bench
        .store
        .enqueue_test("mail", clock().now())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), running).await;
    ended.unwrap().unwrap().unwrap();
    assert_eq!(good.seen().len(), 1);
    assert!(bench.store.outbox(true).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn w6_a_test_tells_of_each_channel_in_order() {
    let alert = test_alert(uuid::Uuid::nil(), clock().now());
    let channels: Vec<Arc<dyn Channel>> = vec![
        Scripted::new("hangs", |_| None),
        Scripted::new("broken", |_| Some(Err(SendError::broken("404")))),
        Arc::new(Console::new("console", Vec::new())),
    ];
    let deadline = Duration::from_millis(200);
    let results = test_channels(&channels, &alert, &settings(), deadline, &clock()).await;
    let told: Vec<_> = results
        .iter()
        .map(|result| (result.channel.as_str(), result.outcome.is_ok()))
        .collect();
    assert_eq!(
        told,
        [("hangs", false), ("broken", false), ("console", true)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_outlived_its_lease_says_so() {
    let bench = Bench::new().await;
    let now = clock().now();
    bench.store.enqueue_test("mail", now).await.unwrap();
    let hangs = Scripted::new("mail", |_| None);
    let names = ["mail".to_owned()];
    let thief = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let lease = SignedDuration::from_mins(1);
        // The sender may be quicker to take the released row again; it has only so many hands.
        for _ in 0..50 {
            bench.store.release("t/mail", clock().now()).await.unwrap();
            let now = clock().now();
            let taken = bench.store.claim("thief", &names, 1, lease, now).await;
            if taken.unwrap().len() == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the row could not be taken away");
    };
    let channels = [&hangs];
    tokio::join!(bench.drain(&channels, 2), thief);
    let events = bench.events.lock().unwrap();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, SenderEvent::LeaseLost { .. })),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn w6_a_success_passes_a_flood_of_failures() {
    let bench = Bench::new().await;
    let accounts = [ConcernedAccount {
        key: "11111111-1111-4111-8111-111111111111".to_owned(),
        display: "bg1".to_owned(),
    }];
    for number in 0..=5_000_u32 {
        let kind = if number == 5_000 {
            SignalKind::Use
        } else {
            SignalKind::Attempt
        };
        let mut signal = signal(kind);
        signal.id = format!("22222222-2222-5222-8222-{number:012}");
        let detected = Detected {
            signal,
            raw: number.to_string().into_bytes(),
            concerns: vec![accounts[0].key.clone()],
            location: None,
        };
        let observation = Observation {
            detected: &detected,
            accounts: &accounts,
            stream: "signin",
            source_copy: "test",
        };
        let names = ["mail".to_owned()];
        bench
            .store
            .record(&observation, &names, clock().now())
            .await
            .unwrap();
    }
    let good = Scripted::new("mail", |_| taken());
    bench.drain(&[&good], 1).await;
    let seen = good.seen();
    let place = seen
        .iter()
        .position(|alert| alert.signal.as_ref().unwrap().kind == SignalKind::Use);
    assert!(place.is_some_and(|place| place < 4), "{place:?}");
}
