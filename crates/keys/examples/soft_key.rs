//! The software authenticator over standard input and output: one report of 64 bytes a line, in hexadecimal, as over USB.
//! An empty line asks for the reports that wait; they end with an empty line. For tests with clients of others.
#![allow(clippy::expect_used, reason = "a tool of tests may end with a message")]

use std::{
    io::{BufRead as _, Write as _},
    time::Duration,
};

use breakglass_keys::{
    soft::{Model, SoftKey},
    transport::{Report, Reports as _},
};
use data_encoding::HEXLOWER;

fn main() {
    let (state, root) = Model::of("b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a")
        .make()
        .expect("a key");
    let mut key = SoftKey::new(state);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", HEXLOWER.encode(&root)).expect("standard output");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        if line == "replug" {
            key.replug();
        } else if line.is_empty() {
            while let Some(report) = key.read(Duration::ZERO).expect("a report") {
                writeln!(out, "{}", HEXLOWER.encode(&report)).expect("standard output");
            }
            writeln!(out).expect("standard output");
            out.flush().expect("standard output");
        } else {
            let bytes = HEXLOWER.decode(line.as_bytes()).expect("hexadecimal");
            let report = Report::try_from(&bytes[..]).expect("64 bytes");
            key.write(&report).expect("a report");
        }
    }
}
