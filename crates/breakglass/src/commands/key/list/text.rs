//! `key list` for a person.

use super::{KeysDocument, Row};
use crate::output;

pub(super) fn text(document: &KeysDocument) -> String {
    let mut text = format!(
        "Keys of {}\n{}\n",
        output::one_line(&document.head.tenant_name()),
        document.head.when()
    );
    for account in &document.accounts {
        let name = account.upn.as_ref().unwrap_or(&account.account);
        text.push_str(&format!("\n{}\n", output::one_line(name)));
        if let Some(why) = &account.not_read {
            text.push_str(&format!(
                "  cannot tell what is registered: {}\n",
                output::one_line(why)
            ));
        }
        if account.keys.is_empty() {
            text.push_str("  no key\n");
        }
        for row in &account.keys {
            row_text(&mut text, row);
        }
    }
    text
}

fn row_text(text: &mut String, row: &Row) {
    let label = row.register.as_ref().map(|own| own.label.as_str());
    let label = label
        .or_else(|| row.tenant.as_ref()?.name.as_deref())
        .unwrap_or("(no name)");
    text.push_str(&format!("  {}\n", output::one_line(label)));
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("    {name:<10}{}\n", output::wrapped(value, 14)));
    };
    if let Some(identity) = &row.identity {
        line("model", &identity.line());
        line("AAGUID", &identity.aaguid);
    }
    if let Some(own) = &row.register {
        let known = [
            ("serial", &own.serial),
            ("place", &own.place),
            ("envelope", &own.envelope),
        ];
        let parts: Vec<String> = known
            .iter()
            .filter_map(|(name, value)| {
                value
                    .as_ref()
                    .map(|value| format!("{name} {}", output::one_line(value)))
            })
            .collect();
        line(
            "register",
            &if parts.is_empty() {
                "label only".to_owned()
            } else {
                parts.join(", ")
            },
        );
    }
    if let Some(own) = &row.tenant {
        let parts: Vec<String> = [&own.attestation, &own.passkey_type]
            .into_iter()
            .flatten()
            .map(|word| output::one_line(word))
            .chain(
                own.created
                    .iter()
                    .map(|when| format!("since {}", output::one_line(when))),
            )
            .collect();
        line(
            "tenant",
            &if parts.is_empty() {
                "registered".to_owned()
            } else {
                parts.join(", ")
            },
        );
    }
    for problem in &row.problems {
        line("!", problem);
    }
}
