use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use breakglass_model::FixedClock;
use breakglass_watch::{Event, Options, Scan, Source, WatchError, sources::Follow};

use crate::{ID, UPN, list, other, scan_with, sign_in};

#[test]
fn w2_a_growing_file_is_followed_over_truncation_and_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.ndjson");
    std::fs::write(
        &path,
        format!("{}\n{}\n", other(0), sign_in("one", ID, UPN)),
    )
    .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let list = list();
    let clock = FixedClock(jiff::Timestamp::UNIX_EPOCH);
    let mut scan = Scan::new(&list, &clock, Options::default());
    let source = Source::File {
        path: path.clone(),
        start: 0,
        follow: Some(Follow {
            every: Duration::from_millis(5),
            stop: Arc::clone(&stop),
        }),
    };
    let mut seen = 0;
    let later = path.clone();
    scan.run(source, &mut |event| {
        if let Event::Signal(_) = event {
            seen += 1;
            let path = later.clone();
            match seen {
                // A line in two writes.
                1 => drop(std::thread::spawn(move || {
                    let line = format!("{}\n", sign_in("two", ID, UPN));
                    let mut file = std::fs::OpenOptions::new()
                        .append(true)
                        .open(&path)
                        .unwrap();
                    file.write_all(&line.as_bytes()[..500]).unwrap();
                    std::thread::sleep(Duration::from_millis(40));
                    file.write_all(&line.as_bytes()[500..]).unwrap();
                })),
                2 => drop(std::thread::spawn(move || {
                    std::fs::write(&path, format!("{}\n", sign_in("three", ID, UPN))).unwrap();
                })),
                3 => drop(std::thread::spawn(move || {
                    let new = path.with_extension("new");
                    std::fs::write(
                        &new,
                        format!("{}\n{}\n", sign_in("four", ID, UPN), "x".repeat(5000)),
                    )
                    .unwrap();
                    std::fs::rename(new, path).unwrap();
                })),
                _ => stop.store(true, Ordering::Relaxed),
            }
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 4);
    assert_eq!(scan.counts().unreadable, 0);
}

#[test]
fn w2_a_source_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in [
        (folder.path().to_owned(), "directory"),
        (folder.path().join("none"), "Check the path"),
    ] {
        let got = scan_with(&list(), Options::default(), Source::file(path.clone()));
        let text = got.error.unwrap().to_string();
        assert!(
            text.contains(words) && text.contains(&path.display().to_string()),
            "{text}"
        );
    }
}

#[test]
fn w2_reading_resumes_where_it_ended_and_a_refusing_receiver_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let first = format!("{}\n{}\n", other(0), sign_in("one", ID, UPN));
    std::fs::write(&path, format!("{first}{{\"half")).unwrap();
    let list = list();
    let clock = FixedClock(jiff::Timestamp::UNIX_EPOCH);
    let mut scan = Scan::new(&list, &clock, Options::default());
    scan.run(Source::file(&path), &mut |_| Ok(())).unwrap();
    assert_eq!(scan.position(), first.len() as u64);
    let error = Scan::new(&list, &clock, Options::default())
        .run(Source::file(&path), &mut |_| Err("disk full".into()));
    assert!(matches!(error, Err(WatchError::Stopped(_))));
    let rest = Source::File {
        path,
        start: first.len() as u64,
        follow: None,
    };
    let got = scan_with(&list, Options::default(), rest);
    assert_eq!((got.counts.rows, got.signals.len()), (1, 0));
}
