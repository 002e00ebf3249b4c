//! The channels, one file each.

pub mod console;
mod http;
pub mod pagerduty;
pub mod smtp;
pub mod webhook;

pub use console::Console;
pub use pagerduty::{PagerDuty, PagerDutyConfig};
pub use smtp::{MailTls, Smtp, SmtpConfig};
pub use webhook::{Webhook, WebhookConfig};
