//! JSON values in which no name appears twice: a parser would silently keep the last.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The start of the message about a name that appears twice.
const TWICE: &str = "appears twice: ";

/// A value whose objects have each name once.
pub struct Distinct(pub Value);

/// The name that appears twice, if that is the fault.
pub fn twice(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let name = text.strip_prefix(TWICE)?;
    Some(name.strip_suffix(&place).unwrap_or(name).to_owned())
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Build).map(Self)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{TWICE}{name}")));
            }
            let Distinct(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_parser_and_a_name_may_not_appear_twice() {
        let text = r#"{"a": [1, -2, 0.5, 1e300, "x", null, true, {"b": {}}], "b": {"a": []}}"#;
        let Distinct(value) = serde_json::from_str(text).expect("JSON");
        assert_eq!(value, serde_json::from_str::<Value>(text).expect("JSON"));
        for (text, name) in [
            (r#"{"a": 1, "b": 2, "a": 1}"#, Some("a")),
            (r#"{"a": [{"b c": 2, "b c": 3}]}"#, Some("b c")),
            (r#"{"a": 1,, "a": 1}"#, None),
        ] {
            let error = serde_json::from_str::<Distinct>(text).err().expect("a fault");
            assert_eq!(twice(&error).as_deref(), name, "{error}");
        }
    }
}
