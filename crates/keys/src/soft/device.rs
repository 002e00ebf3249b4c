//! The USB side: reports in, reports out (CTAP 2.1, section 11.2).

use std::{collections::VecDeque, time::Duration};

use super::{State, authenticator::Authenticator};
use crate::{
    Ctap, KeyError,
    transport::{
        BROADCAST, CBOR, ERROR, FIRST, Framed, INIT, KEEPALIVE, LONGEST, REPORT, Report, Reports,
        TOUCH, frames, number,
    },
};

/// The channel that is handed out.
const CHANNEL: u32 = 0x0000_0b61;

/// A security key in software.
pub struct SoftKey {
    authenticator: Authenticator,
    out: VecDeque<Report>,
    /// A message that is coming in: command, whole length, bytes so far.
    coming: Option<(u8, usize, Vec<u8>)>,
}

impl SoftKey {
    /// A key with this state, plugged in now.
    pub fn new(state: State) -> Self {
        Self {
            authenticator: Authenticator::new(state),
            out: VecDeque::new(),
            coming: None,
        }
    }

    /// Plugged in and greeted.
    ///
    /// # Errors
    /// None that a working key gives.
    pub fn open(state: State) -> Result<Ctap<Framed<Self>>, KeyError> {
        Ok(Ctap::new(Framed::open(Self::new(state))?))
    }

    /// Its state, to be kept until it is plugged in again.
    pub fn state(&self) -> &State {
        self.authenticator.state()
    }

    /// Unplugs it and plugs it in again.
    pub fn replug(&mut self) {
        let state = self.authenticator.state().clone();
        self.authenticator = Authenticator::new(state);
    }

    fn answer(&mut self, channel: u32, command: u8, message: &[u8]) {
        self.out
            .extend(frames(channel, command, message).unwrap_or_default());
    }

    fn done(&mut self, channel: u32, command: u8, message: &[u8]) {
        match command {
            INIT => {
                let mut greeting = message.get(..8).unwrap_or_default().to_vec();
                greeting.extend(CHANNEL.to_be_bytes());
                // Version of CTAPHID, of the device, and what it can: CBOR, and no U2F.
                greeting.extend([2, 1, 0, 0, 0x0c]);
                self.answer(channel, INIT, &greeting);
            }
            CBOR => {
                if Authenticator::asks_for_touch(message) {
                    self.answer(channel, KEEPALIVE, &[TOUCH]);
                }
                let answer = self.authenticator.run(message);
                self.answer(channel, CBOR, &answer);
            }
            _ => self.answer(channel, ERROR, &[0x01]),
        }
    }
}

impl Reports for SoftKey {
    fn write(&mut self, report: &Report) -> Result<(), KeyError> {
        let channel = number(&report[..4]);
        if report[4] & 0x80 != 0 {
            let command = report[4] & 0x7f;
            let length = usize::from(report[5]) << 8 | usize::from(report[6]);
            if channel != CHANNEL && !(channel == BROADCAST && command == INIT) {
                self.answer(channel, ERROR, &[0x0b]);
                return Ok(());
            }
            if length > LONGEST {
                self.answer(channel, ERROR, &[0x03]);
                return Ok(());
            }
            self.coming = Some((command, length, report[7..7 + FIRST].to_vec()));
        } else if let Some((_, _, bytes)) = &mut self.coming {
            bytes.extend_from_slice(&report[5..REPORT]);
        }
        if let Some((command, length, mut bytes)) = self
            .coming
            .take_if(|(_, length, bytes)| bytes.len() >= *length)
        {
            bytes.truncate(length);
            self.done(channel, command, &bytes);
        }
        Ok(())
    }

    fn read(&mut self, _: Duration) -> Result<Option<Report>, KeyError> {
        Ok(self.out.pop_front())
    }
}
