//! The JSON Schema of farm.yaml, and what it says about each key.
//!
//! Made from the types themselves, so that it says what the reader does; beside them stand only
//! values for what is left out and examples (`examples.rs`). Draft-07, which editors read best.
//! Pure; called by `cli` (`farmctl schema`, `farmctl explain`) and by the tests that keep
//! `schemas/farm.schema.json` and `docs/farm-yaml.md` fresh.

mod examples;
mod examples_of_checks;
mod examples_of_daemon;
mod explain;
mod markdown;
mod words;

pub use explain::{Child, Explanation, explain};
pub use markdown::reference_markdown;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Farm;

/// What the schema is known by; no server answers to it.
const ID: &str = "urn:farmctl:schema:farm:1";

/// The schema of a farm.yaml: draft-07, without null (a key that is left out is left out).
pub fn farm_schema() -> Value {
    document_schema::<Farm>(ID, "farm.yaml", examples::add)
}

/// The schema of a kind of file, in the same style; `improve` adds what its types do not say.
pub(crate) fn document_schema<T: JsonSchema>(
    id: &str,
    title: &str,
    improve: fn(&mut Value),
) -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut body = generator.into_root_schema_for::<T>().to_value();
    tidy(&mut body);
    improve(&mut body);
    let definitions = body.get_mut("definitions").and_then(Value::as_object_mut);
    definitions
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(speak_of_the_key);
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    schema.insert("$id".to_owned(), json!(id));
    schema.insert("title".to_owned(), json!(title));
    if let Value::Object(body) = body {
        let rest = body
            .into_iter()
            .filter(|(key, _)| key != "$schema" && key != "title");
        schema.extend(rest);
    }
    schema.insert(
        "patternProperties".to_owned(),
        json!({ "^x-": {
        "description": "Ignored: a place for YAML anchors.",
    } }),
    );
    Value::Object(schema)
}

/// Editors show the description of the type in place of the key's own: a small value has none, and
/// says what it looks like only where a text does not (a keyword of the editors' language server).
fn speak_of_the_key(definition: &mut Value) {
    let Some(definition) = definition.as_object_mut() else {
        return;
    };
    let choices = definition
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let has_words = choices
        .into_iter()
        .any(|choice| choice.get("const").is_some());
    if has_words || definition.contains_key("properties") {
        return;
    }
    let description = definition.shift_remove("description");
    if let (Some(description), true) = (description, definition.contains_key("pattern")) {
        definition.insert("patternErrorMessage".to_owned(), description);
    }
}

/// Every schema in the value, innermost first: no null, no formats that only Rust knows, one-line
/// descriptions.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(schema) => {
            schema.values_mut().for_each(tidy);
            without_null(schema);
            known_format(schema);
            one_line(schema);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if choices.len() == 1 {
        let only = schema.remove("anyOf").unwrap_or_default();
        schema.insert("allOf".to_owned(), only);
    }
}

fn known_format(schema: &mut Map<String, Value>) {
    let Some(Value::String(format)) = schema.get("format").cloned() else {
        return;
    };
    if format == "ip" {
        schema.insert(
            "anyOf".to_owned(),
            json!([{ "format": "ipv4" }, { "format": "ipv6" }]),
        );
        schema.insert("examples".to_owned(), json!(["10.0.0.21", "2001:db8::21"]));
    }
    if format == "ip" || format.starts_with("uint") || format.starts_with("int") {
        schema.shift_remove("format");
    }
}

fn one_line(schema: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

#[cfg(test)]
mod tests;
