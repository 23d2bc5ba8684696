//! The page about farm.yaml: chapters that are written by hand (`guide.md`), and the reference, made
//! from the schema.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::farm_schema;
use super::words::{behind, first, referred, type_of, values};

/// The chapters, which are written by hand.
const GUIDE: &str = include_str!("guide.md");

const HEAD: &str = "\
## Key by key

`<name>` is a name of your own, `[]` an item of a list. `farmctl explain PATH` says the same in a
terminal, and editors show it from `schemas/farm.schema.json`. Top-level keys that begin with `x-` are
ignored: a place for YAML anchors. The merge key `<<` is refused.
";

/// The page.
pub fn reference_markdown() -> String {
    let root = farm_schema();
    let mut page = Page {
        root: &root,
        text: format!("{GUIDE}{HEAD}"),
        seen: BTreeSet::new(),
    };
    page.section("", &root);
    page.text
}

struct Page<'s> {
    root: &'s Value,
    text: String,
    seen: BTreeSet<String>,
}

impl<'s> Page<'s> {
    /// A map: its keys in a table, then each of them that is a map itself.
    fn section(&mut self, path: &str, schema: &'s Value) {
        let Some(properties) = keys(schema) else {
            return;
        };
        let title = if path.is_empty() { "The file" } else { path };
        let ticked = if path.is_empty() {
            title.to_owned()
        } else {
            format!("`{title}`")
        };
        self.line(&format!("\n### {ticked}\n"));
        if let Some(description) = own_description(self.root, schema) {
            self.line(&format!("{description}\n"));
        }
        self.line("| key | what it is | left out |\n|---|---|---|");
        for (key, property) in properties {
            self.row(key, property, schema);
        }
        for (key, property) in properties {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            self.deeper(&path, property);
        }
    }

    fn row(&mut self, key: &str, property: &Value, schema: &Value) {
        let description = first(self.root, property, "description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = type_of(self.root, property);
        let default = match property.get("default") {
            Some(default) => format!("`{default}`"),
            None if is_required(self.root, schema, key) => "must be there".to_owned(),
            None => String::new(),
        };
        let row = format!("| `{key}` | {description}<br>{kind} | {default} |");
        self.line(&row);
    }

    /// The maps behind a key, each once.
    fn deeper(&mut self, path: &str, schema: &'s Value) {
        for part in behind(self.root, schema) {
            if let Some(element) = values(part) {
                self.deeper(&format!("{path}.<name>"), element);
            }
            if let Some(items) = part.get("items") {
                self.deeper(&format!("{path}[]"), items);
            }
            for (key, options) in inline_options(part) {
                self.deeper(&format!("{path}.{key}"), options);
            }
            let Some(name) = part.get("$ref").and_then(Value::as_str) else {
                continue;
            };
            let Some(target) = referred(self.root, part) else {
                continue;
            };
            if is_of_interest(target) && self.seen.insert(name.to_owned()) {
                self.section(path, target);
                self.words(path, target);
            }
        }
    }

    /// The words of a choice, each with what it means.
    fn words(&mut self, path: &str, schema: &'s Value) {
        if described_words(schema).next().is_none() {
            return;
        }
        self.line(&format!("\n### `{path}`\n"));
        if let Some(description) = own_description(self.root, schema) {
            self.line(&format!("{description}\n"));
        }
        self.line("| word | what it means |\n|---|---|");
        for (word, description) in described_words(schema) {
            self.line(&format!("| `{word}` | {description} |"));
        }
    }

    fn line(&mut self, line: &str) {
        let _infallible = writeln!(self.text, "{line}");
    }
}

fn keys(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    schema
        .get("properties")?
        .as_object()
        .filter(|map| !map.is_empty())
}

fn own_description<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s str> {
    first(root, schema, "description")?.as_str()
}

fn is_required(root: &Value, schema: &Value, key: &str) -> bool {
    let required = first(root, schema, "required").and_then(Value::as_array);
    required.is_some_and(|keys| keys.iter().any(|required| required == key))
}

/// The options of a choice's words, by word.
fn inline_options(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let choices = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    choices
        .filter_map(|choice| choice.get("properties")?.as_object())
        .flatten()
}

fn is_of_interest(target: &Value) -> bool {
    target.get("properties").is_some() || described_words(target).next().is_some()
}

fn described_words(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let choices = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    choices.filter_map(|choice| {
        Some((
            choice.get("const")?.as_str()?,
            choice.get("description")?.as_str()?,
        ))
    })
}
