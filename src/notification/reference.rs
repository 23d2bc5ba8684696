//! `docs/events.md`, made of the types, so that it is never stale (a test compares).

use std::fmt::Write;

use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

use super::message::{Entry, Message, Ongoing};
use crate::event::{Event, Kind, Turn};

const HEAD: &str = "\
# Events

Made from the types by `FARMCTL_BLESS=1 cargo test --test events`; don't edit.

Everything that happens is an event: `farmctl events` shows them, the log has each as a line, and \
receivers of `notifications:` choose by the words of this page. A severity says how much one \
matters: `info` is as it should be, `warning` needs a look (less is spare than should be), `alarm` \
hurts clients, or soon will.

What begins lasts until an event of the same matter about the same thing ends it; receivers are \
told of both, and with `repeat` again meanwhile.

## Kinds
| kind | matter | | what happened | what to do |
|---|---|---|---|---|
";

const MESSAGES: &str = "
## Messages
A webhook gets a message as the body of its POST, a program on its standard input; a mail says the \
same in words. Times are milliseconds since 1970-01-01 00:00 UTC. A receiver that took a message but \
whose answer was lost gets its events again, perhaps folded with later ones: `sequence` tells.
";

/// The page.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for kind in Kind::ALL {
        page += &row(kind);
    }
    page += MESSAGES;
    page += &fields::<Message>("Message", "");
    page += &fields::<Entry>("Entry", "One of `entries`: events about the same thing.");
    page += &fields::<Ongoing>(
        "Ongoing",
        "One of `ongoing`: what was told before and lasts.",
    );
    page += &fields::<Event>("Event", "What `farmctl events -o json` and the API show.");
    page
}

fn row(kind: Kind) -> String {
    let turn = match kind.turn() {
        Turn::Begins => "begins",
        Turn::Ends => "ends",
        Turn::Happens => "",
    };
    let matter = serde_json::to_value(kind.matter()).unwrap_or_default();
    let matter = matter.as_str().unwrap_or_default().to_owned();
    let meaning = meaning(kind);
    let advice = kind.advice();
    format!("| `{kind}` | {matter} | {turn} | {meaning} | {advice} |\n")
}

/// The documentation of a kind.
fn meaning(kind: Kind) -> String {
    let schema = schema_for!(Kind);
    let kinds = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let found = kinds.iter().find(|each| text(each, "const") == kind.word());
    found
        .map(|each| text(each, "description").replace('\n', " "))
        .unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn fields<T: JsonSchema>(name: &str, what: &str) -> String {
    let mut table = format!("\n### {name}\n{what}\n\n| field | |\n|---|---|\n");
    for (field, about) in properties(&schema_for!(T)) {
        // Writing to a String can't fail.
        let _ = writeln!(table, "| `{field}` | {about} |");
    }
    table
}

fn properties(schema: &Schema) -> Vec<(String, String)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let each = properties.into_iter().flatten();
    each.map(|(name, value)| (name.clone(), text(value, "description").replace('\n', " ")))
        .collect()
}
