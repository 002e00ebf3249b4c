//! Scans files for accounts and prints the counts: `scan <file> <id or name>…`. For measuring the crate alone.

use breakglass_model::{FixedClock, ObjectId, Upn};
use breakglass_watch::{Event, Options, Scan, Source, WatchList, WatchedAccount};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: scan <file> <id or name>…")?;
    let accounts = arguments
        .map(|name| WatchedAccount {
            id: ObjectId::parse(&name).ok().filter(|_| !name.contains('@')),
            upn: Upn::parse(&name).ok(),
        })
        .collect();
    let list = WatchList::new(accounts, Vec::new());
    let clock = FixedClock(jiff::Timestamp::UNIX_EPOCH);
    let mut scan = Scan::new(&list, &clock, Options::default());
    scan.run(Source::file(file), &mut |event| {
        match event {
            Event::Signal(detected) => println!("{}", serde_json::to_string(&detected.signal)?),
            Event::SetAside(piece) => {
                eprintln!("{}: {}: {}", piece.file, piece.position, piece.reason);
            }
        }
        Ok(())
    })?;
    eprintln!("{:?}", scan.counts());
    Ok(())
}
