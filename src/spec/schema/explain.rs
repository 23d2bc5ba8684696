//! What the schema says about the key at a path.

use serde::Serialize;
use serde_json::Value;

use super::farm_schema;
use super::words::{behind, first, type_of, values};

/// What a key is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The path as it was asked for.
    pub path: String,
    /// The type in words: `whole number from 0 to 65535`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    pub description: String,
    /// What holds where it is left out, if anything.
    pub default: Option<Value>,
    /// Values that can be written.
    pub examples: Vec<Value>,
    /// The words of a choice and the keys of a map.
    pub children: Vec<Child>,
}

/// A key of a map, or a word of a choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Child {
    /// The key or word.
    pub name: String,
    /// The type of the key's value; empty for a word.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    pub description: String,
}

/// Explains a path such as `services.persistence`; none where the format has no such key.
///
/// Names of the user's own and places in lists may be written or left out:
/// `services.http.real_servers[0].weight` is `services.real_servers.weight`. The empty path is the
/// whole file.
pub fn explain(path: &str) -> Option<Explanation> {
    let root = farm_schema();
    let schema = steps(path).try_fold(&root, |schema, step| descend(&root, schema, step))?;
    let text = |key| {
        first(&root, schema, key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let examples = first(&root, schema, "examples").and_then(Value::as_array);
    Some(Explanation {
        path: path.to_owned(),
        kind: type_of(&root, schema),
        description: text("description").to_owned(),
        default: first(&root, schema, "default").cloned(),
        examples: examples.cloned().unwrap_or_default(),
        children: children(&root, schema),
    })
}

/// The steps of a path; `[0]` is none.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('.')
        .filter_map(|step| step.split('[').next())
        .filter(|step| !step.is_empty())
}

fn descend<'s>(root: &'s Value, schema: &'s Value, step: &str) -> Option<&'s Value> {
    if let Some(property) = property(root, schema, step) {
        return Some(property);
    }
    let inner = element(root, schema)?;
    // A key of the elements, with the name left out; or a name, which is the element itself.
    let deeper = property(root, inner, step)
        .or_else(|| element(root, inner).and_then(|inner| property(root, inner, step)));
    let is_by_name = behind(root, schema)
        .into_iter()
        .any(|schema| values(schema).is_some());
    if is_by_name {
        Some(deeper.unwrap_or(inner))
    } else {
        deeper
    }
}

fn property<'s>(root: &'s Value, schema: &'s Value, step: &str) -> Option<&'s Value> {
    behind(root, schema)
        .into_iter()
        .find_map(|schema| schema.get("properties")?.get(step))
}

/// The schema of the items of a list or the values of a map by name.
fn element<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    behind(root, schema)
        .into_iter()
        .find_map(|schema| values(schema).or_else(|| schema.get("items")))
}

fn children(root: &Value, schema: &Value) -> Vec<Child> {
    let keys = keys(root, schema);
    let mut children = words(root, schema);
    match element(root, schema) {
        Some(element) if keys.is_empty() => {
            children.extend(words(root, element));
            children.extend(self::keys(root, element));
        }
        _ => children.extend(keys),
    }
    children
}

fn keys(root: &Value, schema: &Value) -> Vec<Child> {
    let maps = behind(root, schema)
        .into_iter()
        .filter_map(|schema| schema.get("properties")?.as_object());
    let child = |(name, property): (&String, &Value)| Child {
        name: name.clone(),
        kind: type_of(root, property),
        description: description(root, property),
    };
    maps.flat_map(|map| map.iter().map(child)).collect()
}

fn words(root: &Value, schema: &Value) -> Vec<Child> {
    let word = |choice: &Value| {
        let name = choice.get("const")?.as_str()?.to_owned();
        Some(Child {
            name,
            kind: String::new(),
            description: description(root, choice),
        })
    };
    behind(root, schema).into_iter().filter_map(word).collect()
}

fn description(root: &Value, schema: &Value) -> String {
    first(root, schema, "description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
