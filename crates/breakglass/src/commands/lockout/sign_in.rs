//! The sign-in of `whatif`: a JSON object, with the options put over it.

use std::{io::Read, path::Path};

use breakglass_conditional_access::{
    SignIn,
    device_filter::Device,
    environment::{REGISTER_DEVICE, REGISTER_SECURITY_INFO},
    sign_in::Given,
    strength::{Combination, METHODS, UsableMethod},
    tenant::Tenant,
};
use serde_json::Value;

use super::scene::{self, near};
use crate::{cli::WhatIfArgs, failure::Failure, input, output::json_error};

/// The most bytes of a sign-in.
const LIMIT: u64 = 1 << 20;

/// What `--sign-in` says; nothing when it is not given.
pub(super) fn read(args: &WhatIfArgs) -> Result<SignIn, Failure> {
    let Some(given) = &args.sign_in else {
        return Ok(SignIn::default());
    };
    let (what, text) = if given.trim_start().starts_with('{') {
        ("--sign-in".to_owned(), given.clone())
    } else if given == "-" {
        if args.set.tenant.as_deref() == Some("-") {
            return Err(
                Failure::usage("--tenant and --sign-in both read standard input")
                    .help("give one of them as a file"),
            );
        }
        let mut text = String::new();
        std::io::stdin()
            .take(LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| {
                Failure::usage(format!("standard input is not readable text: {error}"))
            })?;
        ("standard input".to_owned(), text)
    } else {
        let path = Path::new(given);
        (
            format!("`{}`", path.display()),
            input::text_file("the sign-in", path).map_err(Failure::usage_code)?,
        )
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("the sign-in of {what} is not usable: {}", json_error(&error))).help(
            "give one object, such as a `witness` of `lockout prove --format json`: {\"audiences\": [\"<app id>\"], \
             \"clientApp\": \"browser\", \"platform\": \"windows\"}",
        )
    })
}

/// The sign-in with the options put over it.
pub(super) fn assemble(
    mut sign_in: SignIn,
    args: &WhatIfArgs,
    tenant: &Tenant,
) -> Result<SignIn, Failure> {
    if !args.apps.is_empty() {
        sign_in.audiences = args
            .apps
            .iter()
            .map(|text| scene::app(text, &tenant.environment, &tenant.policies))
            .collect::<Result<_, _>>()?;
    }
    if let Some(action) = &args.action {
        sign_in.user_action = Some(user_action(action)?);
    }
    if !args.contexts.is_empty() {
        sign_in.auth_contexts = args.contexts.iter().cloned().collect();
    }
    sign_in.ip = args.ip.or(sign_in.ip);
    if let Some(code) = &args.country {
        sign_in.country = some_code(code).into();
    }
    if let Some(code) = &args.gps_country {
        sign_in.gps_country = some_code(code);
    }
    sign_in.compliant_network = args.compliant_network.or(sign_in.compliant_network);
    sign_in.platform = args.platform.or(sign_in.platform);
    sign_in.client_app = args.client.or(sign_in.client_app);
    sign_in.sign_in_risk = args.risk.or(sign_in.sign_in_risk);
    sign_in.user_risk = args.user_risk.or(sign_in.user_risk);
    sign_in.insider_risk = args.insider_risk.or(sign_in.insider_risk);
    sign_in.flow = args.flow.or(sign_in.flow);
    if let Some(text) = &args.device {
        sign_in.device = device(text)?;
    }
    if sign_in.audiences.is_empty() && sign_in.user_action.is_none() {
        return Err(Failure::usage("nothing is signed in to")
            .help("name a resource: --app 'Exchange Online'"));
    }
    Ok(sign_in)
}

fn some_code(code: &str) -> Option<String> {
    (code != "none").then(|| code.to_owned())
}

fn user_action(text: &str) -> Result<String, Failure> {
    let word = text.trim().to_ascii_lowercase();
    [REGISTER_SECURITY_INFO, REGISTER_DEVICE]
        .into_iter()
        .find(|urn| *urn == word || urn.rsplit(':').next() == Some(&*word))
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::usage(format!("there is no user action `{text}`"))
                .help("the user actions are: registersecurityinfo, registerdevice")
        })
}

/// A device as JSON. A misspelt attribute would be judged as null, so it is refused.
fn device(text: &str) -> Result<Given<Device>, Failure> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(Given::Nothing);
    }
    let unusable = |why: String| {
        Failure::usage(format!("the device is not usable: {why}"))
            .help("give one JSON object, such as {\"isCompliant\": true, \"trustType\": \"AzureAD\"}, or `none`")
    };
    let value: Value = serde_json::from_str(text).map_err(|error| unusable(json_error(&error)))?;
    if value.is_null() {
        return Ok(Given::Nothing);
    }
    let schema = schemars::schema_for!(Device).to_value();
    let known: Vec<&str> = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    let misspelt = value
        .as_object()
        .and_then(|object| object.keys().find(|key| !known.contains(&key.as_str())));
    if let Some(key) = misspelt {
        let names = match near(key, known.iter().copied()) {
            some if some.is_empty() => known.join(", "),
            some => some.join(", "),
        };
        return Err(Failure::usage(format!("a device has no attribute `{key}`"))
            .help(format!("the attributes are: {names}")));
    }
    serde_json::from_value(value)
        .map(Given::Value)
        .map_err(|error| unusable(json_error(&error)))
}

/// The methods that `--method` assumes; `None`: those that were read.
pub(super) fn methods(given: &[String]) -> Result<Option<Vec<UsableMethod>>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut methods = Vec::new();
    for text in given {
        if text.trim().eq_ignore_ascii_case("none") {
            continue;
        }
        let (combination, model) = match text.split_once('=') {
            Some((combination, model)) => (combination, Some(model.trim())),
            None => (text.as_str(), None),
        };
        let combination = Combination::new(combination);
        let strange = combination.unknown();
        if strange.is_some() || combination.methods().next().is_none() {
            return Err(Failure::usage(format!(
                "there is no authentication method `{}`",
                strange.unwrap_or(text)
            ))
            .help(format!(
                "join with commas what is used together; the methods are: {}",
                METHODS.join(", ")
            )));
        }
        let mut method = UsableMethod::new(&combination.to_string());
        method.device_bound = combination.uses("windowsHelloForBusiness");
        if let Some(model) = model {
            if uuid::Uuid::parse_str(model).is_err() {
                return Err(Failure::usage(format!("`{model}` is no AAGUID"))
                    .help("write it like fido2=cb69481e-8ff7-4039-93ec-0a2729a154a8"));
            }
            method = method.model(model);
        }
        methods.push(method);
    }
    Ok(Some(methods))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_attribute_of_a_device_is_refused() {
        let failure = device(r#"{"isCompliance": true}"#).unwrap_err();
        assert!(failure.help.unwrap().contains("isCompliant"));
        assert!(matches!(device("none"), Ok(Given::Nothing)));
        assert!(matches!(
            device(r#"{"isCompliant": true, "extensionAttribute3": "x"}"#),
            Ok(Given::Value(_))
        ));
        assert!(device("[]").is_err() && device("{").is_err());
    }

    #[test]
    fn methods_are_words_of_graph() {
        let methods = methods(&["FIDO2=CB69481E-8FF7-4039-93EC-0A2729A154A8".into()]);
        let methods = methods.unwrap().unwrap();
        assert_eq!(
            methods[0].aaguid.as_deref(),
            Some("cb69481e-8ff7-4039-93ec-0a2729a154a8")
        );
        assert!(super::methods(&["phone".into()]).is_err());
        assert!(super::methods(&[",".into()]).is_err());
        assert_eq!(super::methods(&["none".into()]).unwrap(), Some(Vec::new()));
        assert_eq!(super::methods(&[]).unwrap(), None);
    }

    #[test]
    fn an_action_is_found_by_its_last_word() {
        assert_eq!(user_action("RegisterDevice").unwrap(), REGISTER_DEVICE);
        assert_eq!(
            user_action(REGISTER_SECURITY_INFO).unwrap(),
            REGISTER_SECURITY_INFO
        );
        assert!(user_action("dance").is_err());
    }
}
