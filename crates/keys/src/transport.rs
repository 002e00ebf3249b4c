//! Messages in reports of 64 bytes (CTAPHID; *Client to Authenticator Protocol 2.1*, section 11.2).
//!
//! Everything that a key sends is bounded: how long a message is, how many reports are read for it, how long it may ask
//! for patience. A key that never ends is *timed out*.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::KeyError;

/// A report.
pub type Report = [u8; REPORT];

/// Size of a report.
pub const REPORT: usize = 64;
/// Longest message: one first report and 128 that continue it.
pub const LONGEST: usize = FIRST + 128 * REST;
pub(crate) const FIRST: usize = REPORT - 7;
pub(crate) const REST: usize = REPORT - 5;
pub(crate) const BROADCAST: u32 = 0xffff_ffff;
pub(crate) const INIT: u8 = 0x06;
pub(crate) const CBOR: u8 = 0x10;
pub(crate) const CANCEL: u8 = 0x11;
pub(crate) const KEEPALIVE: u8 = 0x3b;
pub(crate) const ERROR: u8 = 0x3f;
/// Keepalive: waiting for a touch.
pub(crate) const TOUCH: u8 = 2;

/// How long one read waits.
const WAIT: Duration = Duration::from_millis(250);
/// Reads without any report of ours, one after the other, before the key counts as gone: five seconds, or as many
/// reports to others.
const SILENT: usize = 20;
/// Keepalives of one answer; keys send about ten a second, and give up by themselves after half a minute.
const PATIENCE: usize = 1_200;

/// What carries reports.
pub trait Reports {
    /// Sends one.
    ///
    /// # Errors
    /// When the key cannot be reached.
    fn write(&mut self, report: &Report) -> Result<(), KeyError>;

    /// Waits for one. `None`: none came in that time.
    ///
    /// # Errors
    /// When the key cannot be reached.
    fn read(&mut self, wait: Duration) -> Result<Option<Report>, KeyError>;
}

/// What carries messages of CTAP2.
pub trait Transport {
    /// Sends a command and gives its answer, status byte first. `touch` is called once, when the key waits for somebody.
    ///
    /// # Errors
    /// When no whole answer came.
    fn exchange(&mut self, command: &[u8], touch: &mut dyn FnMut()) -> Result<Vec<u8>, KeyError>;
}

/// Messages over reports.
pub struct Framed<R> {
    reports: R,
    channel: u32,
}

impl<R: Reports> Framed<R> {
    /// Asks for a channel.
    ///
    /// # Errors
    /// When the key does not answer, or does not speak CTAP2.
    pub fn open(reports: R) -> Result<Self, KeyError> {
        let mut framed = Self {
            reports,
            channel: BROADCAST,
        };
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce).map_err(|_| {
            KeyError::Unreachable("this machine gives no random numbers".to_owned())
        })?;
        framed.send(INIT, &nonce)?;
        for _ in 0..SILENT {
            let answer = framed.receive(INIT, &mut || {})?;
            // Another program may ask for a channel at the same time; its answer goes to all.
            if answer.get(..8) != Some(&nonce[..]) {
                continue;
            }
            let (Some(channel), Some(capabilities)) = (answer.get(8..12), answer.get(16)) else {
                return Err(KeyError::Protocol("its greeting is too short"));
            };
            if capabilities & 0x04 == 0 {
                return Err(KeyError::Unsupported(
                    "it is an old U2F key, which holds no passkeys",
                ));
            }
            framed.channel = number(channel);
            return Ok(framed);
        }
        Err(KeyError::TimedOut)
    }

    /// What carries the reports.
    pub fn reports(&self) -> &R {
        &self.reports
    }

    /// What carries the reports.
    pub fn reports_mut(&mut self) -> &mut R {
        &mut self.reports
    }

    fn send(&mut self, command: u8, message: &[u8]) -> Result<(), KeyError> {
        for report in frames(self.channel, command, message).ok_or(KeyError::Unsupported(
            "the request is longer than keys take",
        ))? {
            self.reports.write(&report)?;
        }
        Ok(())
    }

    /// The next report to our channel.
    fn next(&mut self) -> Result<Report, KeyError> {
        for _ in 0..SILENT {
            if let Some(report) = self.reports.read(WAIT)?
                && number(&report[..4]) == self.channel
            {
                return Ok(report);
            }
        }
        Err(KeyError::TimedOut)
    }

    fn receive(&mut self, command: u8, touch: &mut dyn FnMut()) -> Result<Vec<u8>, KeyError> {
        let mut asked = false;
        for _ in 0..PATIENCE {
            let first = self.next()?;
            let kind = first[4];
            if kind & 0x80 == 0 {
                // The rest of an answer that nobody waits for any more.
                continue;
            }
            match kind & 0x7f {
                KEEPALIVE => {
                    if first[7] == TOUCH && !std::mem::replace(&mut asked, true) {
                        touch();
                    }
                }
                ERROR => {
                    return Err(match first[7] {
                        0x05 => KeyError::TimedOut,
                        0x06 => KeyError::Busy,
                        _ => KeyError::Protocol("it did not take the message"),
                    });
                }
                own if own == command => return self.rest(&first),
                _ => return Err(KeyError::Protocol("it answers something else")),
            }
        }
        // Best effort: the key gives up by itself, too.
        let _told = self.send(CANCEL, &[]);
        Err(KeyError::TimedOut)
    }

    fn rest(&mut self, first: &Report) -> Result<Vec<u8>, KeyError> {
        let length = usize::from(first[5]) << 8 | usize::from(first[6]);
        if length > LONGEST {
            return Err(KeyError::Protocol("its answer is too long"));
        }
        let mut message = first[7..].to_vec();
        let mut sequence = 0;
        while message.len() < length {
            let next = self.next()?;
            if next[4] != sequence {
                return Err(KeyError::Protocol("a part of its answer is missing"));
            }
            message.extend_from_slice(&next[5..]);
            sequence += 1;
        }
        message.truncate(length);
        Ok(message)
    }
}

impl<R: Reports> Transport for Framed<R> {
    fn exchange(&mut self, command: &[u8], touch: &mut dyn FnMut()) -> Result<Vec<u8>, KeyError> {
        self.send(CBOR, command)?;
        self.receive(CBOR, touch)
    }
}

/// The number of a channel.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// A message as reports; `None`: it is too long.
pub(crate) fn frames(channel: u32, command: u8, message: &[u8]) -> Option<Vec<Report>> {
    if message.len() > LONGEST {
        return None;
    }
    let length = u16::try_from(message.len()).ok()?.to_be_bytes();
    let (front, back) = message.split_at(message.len().min(FIRST));
    let mut first = [0; REPORT];
    first[..4].copy_from_slice(&channel.to_be_bytes());
    first[4] = command | 0x80;
    first[5..7].copy_from_slice(&length);
    first[7..7 + front.len()].copy_from_slice(front);
    let mut reports = vec![first];
    for (sequence, part) in (0_u8..).zip(back.chunks(REST)) {
        let mut report = [0; REPORT];
        report[..4].copy_from_slice(&channel.to_be_bytes());
        report[4] = sequence;
        report[5..5 + part.len()].copy_from_slice(part);
        reports.push(report);
    }
    Some(reports)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Answers whatever was put into it.
    struct Script(VecDeque<Report>);

    impl Reports for Script {
        fn write(&mut self, _: &Report) -> Result<(), KeyError> {
            Ok(())
        }
        fn read(&mut self, _: Duration) -> Result<Option<Report>, KeyError> {
            Ok(self.0.pop_front())
        }
    }

    fn framed(reports: Vec<Report>) -> Framed<Script> {
        Framed {
            reports: Script(reports.into()),
            channel: 7,
        }
    }

    #[test]
    fn reports_of_others_are_passed_over_and_a_gap_is_an_error() {
        let message: Vec<u8> = (0..=255).cycle().take(300).collect();
        let mut reports = frames(7, CBOR, &message).unwrap();
        let mut touched = 0;
        let mut patience = [0; REPORT];
        patience[..4].copy_from_slice(&7_u32.to_be_bytes());
        patience[4] = KEEPALIVE | 0x80;
        patience[7] = TOUCH;
        reports.insert(0, patience);
        reports.insert(0, patience);
        reports.insert(1, frames(8, CBOR, &[1]).unwrap()[0]);
        let got = framed(reports.clone())
            .exchange(&[4], &mut || touched += 1)
            .unwrap();
        assert_eq!((got, touched), (message, 1));
        reports.remove(5);
        assert_eq!(
            framed(reports).exchange(&[4], &mut || {}),
            Err(KeyError::Protocol("a part of its answer is missing"))
        );
        assert_eq!(
            framed(vec![patience; 5_000]).exchange(&[4], &mut || {}),
            Err(KeyError::TimedOut)
        );
    }

    proptest! {
        #[test]
        fn every_message_comes_through(message in proptest::collection::vec(any::<u8>(), 0..LONGEST + 2)) {
            match frames(7, CBOR, &message) {
                Some(reports) => prop_assert_eq!(framed(reports).exchange(&[], &mut || {}), Ok(message)),
                None => prop_assert!(message.len() > LONGEST),
            }
        }

        #[test]
        fn no_reports_make_it_panic_or_wait_for_ever(
            reports in proptest::collection::vec(proptest::collection::vec(any::<u8>(), REPORT - 5), 0..20),
            commands in proptest::collection::vec(any::<u8>(), 20),
        ) {
            let reports = reports.iter().zip(commands).map(|(body, command)| {
                let mut report = [0; REPORT];
                report[3] = 7;
                report[4] = command;
                report[5..].copy_from_slice(body);
                report
            }).collect();
            let _ = framed(reports).exchange(&[4], &mut || {});
        }
    }
}
