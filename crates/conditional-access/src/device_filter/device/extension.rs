//! The fifteen extension attributes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

const COUNT: usize = 15;

/// The texts that an organisation puts on its devices as it likes. In JSON they are the keys
/// `extensionAttribute1` to `extensionAttribute15`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExtensionAttributes([Option<String>; COUNT]);

impl ExtensionAttributes {
    /// The value of `extensionAttribute{number}`.
    pub fn get(&self, number: usize) -> Option<&str> {
        self.0.get(number.checked_sub(1)?)?.as_deref()
    }

    /// Sets `extensionAttribute{number}`; a number that does not exist changes nothing.
    pub fn set(&mut self, number: usize, value: Option<String>) {
        if let Some(slot) = number
            .checked_sub(1)
            .and_then(|index| self.0.get_mut(index))
        {
            *slot = value;
        }
    }
}

fn key(number: usize) -> String {
    format!("extensionAttribute{number}")
}

impl Serialize for ExtensionAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbered = (1..).zip(&self.0);
        serializer.collect_map(
            numbered.filter_map(|(number, value)| Some((key(number), value.as_ref()?))),
        )
    }
}

impl<'de> Deserialize<'de> for ExtensionAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = ExtensionAttributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a device's extension attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = ExtensionAttributes::default();
        while let Some(name) = map.next_key::<String>()? {
            match (1..=COUNT).find(|number| key(*number) == name) {
                Some(number) => read.set(number, map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(read)
    }
}

impl JsonSchema for ExtensionAttributes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ExtensionAttributes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let value = serde_json::json!({ "type": ["string", "null"] });
        let keys = (1..=COUNT).map(|number| (key(number), value.clone()));
        let properties: serde_json::Map<_, _> = keys.collect();
        json_schema!({ "type": "object", "properties": properties })
    }
}
