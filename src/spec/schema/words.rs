//! A schema in the words of a person: `whole number from 0 to 255`, `list of texts`.

use serde_json::Value;

/// The schemas that stand behind one: through `$ref`, `allOf`, `anyOf` and `oneOf`.
pub(super) fn behind<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut found = vec![schema];
    if let Some(target) = referred(root, schema) {
        found.extend(behind(root, target));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let parts = schema
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        parts.for_each(|part| found.extend(behind(root, part)));
    }
    found
}

/// What a `$ref` refers to.
pub(super) fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    let name = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    root.pointer(name)
}

/// The first value of a keyword behind a schema.
pub(super) fn first<'s>(root: &'s Value, schema: &'s Value, key: &str) -> Option<&'s Value> {
    behind(root, schema)
        .into_iter()
        .find_map(|schema| schema.get(key))
}

/// The schema of the values of a map by name.
pub(super) fn values(schema: &Value) -> Option<&Value> {
    let patterns = schema.get("patternProperties")?.as_object()?;
    patterns
        .iter()
        .find(|(pattern, _)| *pattern != "^x-")
        .map(|(_, value)| value)
}

/// The type of a schema.
pub(super) fn type_of(root: &Value, schema: &Value) -> String {
    let parts = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| first(root, schema, key)?.as_array());
    if let Some(parts) = parts {
        return choice(root, parts);
    }
    let named = first(root, schema, "type")
        .and_then(Value::as_str)
        .unwrap_or("text");
    match named {
        "integer" => number(root, schema),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => match first(root, schema, "items") {
            Some(items) => format!("list; each item: {}", type_of(root, items)),
            None => "list".to_owned(),
        },
        "object" => match behind(root, schema).into_iter().find_map(values) {
            Some(_) => "map by name".to_owned(),
            None => "map".to_owned(),
        },
        _ => text(root, schema),
    }
}

fn number(root: &Value, schema: &Value) -> String {
    if let Some(only) = first(root, schema, "const") {
        return format!("`{only}`");
    }
    let bound = |key| first(root, schema, key).and_then(Value::as_u64);
    match (bound("minimum"), bound("maximum")) {
        (Some(lowest), Some(highest)) => format!("whole number from {lowest} to {highest}"),
        (Some(lowest), None) => format!("whole number from {lowest}"),
        (None, _) => "whole number".to_owned(),
    }
}

/// The pattern's own description says what a text is.
fn text(root: &Value, schema: &Value) -> String {
    let name = schema_name(schema).or_else(|| schema.get("allOf")?.get(0).and_then(schema_name));
    match name {
        Some("Name") => "name".to_owned(),
        Some("InterfaceName") => "name of an interface".to_owned(),
        Some("AddressWithPrefix") => "address, with or without a prefix length".to_owned(),
        Some("Duration") => "length of time with a unit".to_owned(),
        _ if first(root, schema, "format").is_some() => "address".to_owned(),
        _ => "text".to_owned(),
    }
}

fn schema_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn choice(root: &Value, parts: &[Value]) -> String {
    let words: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.get("const")?.as_str())
        .collect();
    if parts.iter().all(|part| part.get("format").is_some()) {
        return "IPv4 or IPv6 address".to_owned();
    }
    let mut types: Vec<String> = Vec::new();
    if !words.is_empty() {
        types.push(alternatives(&words));
    }
    for part in parts.iter().filter(|part| part.get("const").is_none()) {
        types.push(match one_key(part) {
            Some(key) => format!("`{{ {key}: … }}`"),
            None => type_of(root, part),
        });
    }
    types.join("; or ")
}

fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The key of a map with exactly one.
fn one_key(schema: &Value) -> Option<&str> {
    let properties = schema.get("properties")?.as_object()?;
    let mut keys = properties.keys();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Some(key),
        _ => None,
    }
}
