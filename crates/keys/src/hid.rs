//! Keys over USB HID (CTAP 2.1, section 11.2.8): usage page `0xF1D0`.
//!
//! On Linux `hidapi` talks to the kernel's hidraw devices itself; no C library is linked.

use std::{ffi::CString, time::Duration};

use hidapi::{HidApi, HidDevice};

use crate::{
    Ctap, KeyError,
    transport::{Framed, REPORT, Report, Reports},
};

const FIDO: u16 = 0xf1d0;

/// A key that is plugged in.
#[derive(Clone, Debug)]
pub struct Plugged {
    path: CString,
    /// Maker and product, as the device says.
    pub name: String,
    /// Serial number of the USB device, where it tells one; few keys do, and it need not be the printed one.
    pub serial: Option<String>,
}

/// A key over USB.
pub struct Usb(HidDevice);

fn failed(error: &hidapi::HidError) -> KeyError {
    KeyError::Unreachable(error.to_string())
}

/// The keys that are plugged in.
///
/// # Errors
/// When the system does not list its devices.
pub fn list() -> Result<Vec<Plugged>, KeyError> {
    let api = HidApi::new().map_err(|error| failed(&error))?;
    Ok(api
        .device_list()
        .filter(|device| device.usage_page() == FIDO)
        .map(|device| Plugged {
            path: device.path().to_owned(),
            name: [device.manufacturer_string(), device.product_string()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
            serial: device.serial_number().map(str::to_owned),
        })
        .collect())
}

/// Opens the one key that is plugged in.
///
/// # Errors
/// When there is none or more than one, or it cannot be opened.
pub fn the_only_one() -> Result<(Plugged, Ctap<Framed<Usb>>), KeyError> {
    let mut keys = list()?;
    if keys.len() > 1 {
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        return Err(KeyError::SeveralKeys(names.join(", ")));
    }
    let key = keys.pop().ok_or(KeyError::NoKey)?;
    let api = HidApi::new().map_err(|error| failed(&error))?;
    let device = api.open_path(&key.path).map_err(|error| failed(&error))?;
    Ok((key, Ctap::new(Framed::open(Usb(device))?)))
}

impl Reports for Usb {
    fn write(&mut self, report: &Report) -> Result<(), KeyError> {
        // The first byte is the number of the report, which FIDO keys have none of.
        let mut bytes = [0; REPORT + 1];
        bytes[1..].copy_from_slice(report);
        self.0
            .write(&bytes)
            .map(drop)
            .map_err(|error| failed(&error))
    }

    fn read(&mut self, wait: Duration) -> Result<Option<Report>, KeyError> {
        let mut report = [0; REPORT];
        let milliseconds = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        match self.0.read_timeout(&mut report, milliseconds) {
            Ok(0) => Ok(None),
            Ok(REPORT) => Ok(Some(report)),
            Ok(_) => Err(KeyError::Protocol("a report is too short")),
            Err(error) => Err(failed(&error)),
        }
    }
}
