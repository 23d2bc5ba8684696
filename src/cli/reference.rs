//! The commands that print what farmctl knows of itself: schemas, explanations, completions, the
//! manual page.

use clap::CommandFactory;
use schemars::generate::SchemaSettings;

use super::args::{Cli, CompletionsArgs, ExplainArgs, ManArgs, SchemaArgs, SchemaOf};
use super::failure::{Failure, code};
use super::session::Session;
use super::status::StatusOutput;
use crate::api::{ApplyReport, DiffReport};
use crate::spec::schema::{self, Explanation};

/// `farmctl schema`.
pub(super) fn schema(session: &Session<'_>, args: &SchemaArgs) -> Result<u8, Failure> {
    session.out.result(&schema_text(args.of)?);
    Ok(code::OK)
}

/// The text of a schema, as it is committed under `schemas/`.
pub(super) fn schema_text(of: SchemaOf) -> Result<String, Failure> {
    let value = match of {
        SchemaOf::Farm => schema::farm_schema(),
        SchemaOf::Diff => of_type::<DiffReport>(),
        SchemaOf::Apply => of_type::<ApplyReport>(),
        SchemaOf::Confirm => of_type::<super::apply::ConfirmReport>(),
        SchemaOf::Validate => of_type::<super::validate::ValidateReport>(),
        SchemaOf::Status => of_type::<StatusOutput>(),
        SchemaOf::Event => of_type::<crate::event::Event>(),
        SchemaOf::Order => of_type::<crate::api::Done>(),
        SchemaOf::Snapshot => of_type::<super::snapshot::SnapshotOutline>(),
        SchemaOf::Scenario => crate::rehearsal::scenario::scenario_schema(),
        SchemaOf::Rehearsal => crate::rehearsal::report::report_schema(),
    };
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::error(format!("the schema can't be printed: {error}")))
}

fn of_type<T: schemars::JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// `farmctl explain`.
pub(super) fn explain(session: &Session<'_>, args: &ExplainArgs) -> Result<u8, Failure> {
    match schema::explain(&args.path) {
        Some(explanation) => {
            session.out.result(&explained(&explanation));
            Ok(code::OK)
        }
        None => Err(Failure::error(format!(
            "farm.yaml has no {}; `farmctl explain` alone shows the top, and `farmctl explain \
             services` what is below a name of `services`",
            args.path
        ))),
    }
}

fn explained(explanation: &Explanation) -> String {
    let path = if explanation.path.is_empty() {
        "farm.yaml"
    } else {
        &explanation.path
    };
    let mut text = format!(
        "{path}: {}\n\n{}\n",
        explanation.kind, explanation.description
    );
    if let Some(default) = &explanation.default {
        text += &format!("\ndefault: {default}\n");
    }
    for example in &explanation.examples {
        text += &format!("example: {example}\n");
    }
    if !explanation.children.is_empty() {
        text.push('\n');
    }
    for child in &explanation.children {
        let kind = if child.kind.is_empty() {
            String::new()
        } else {
            format!(" ({})", child.kind)
        };
        text += &format!("  {}{kind}: {}\n", child.name, child.description);
    }
    text
}

/// `farmctl completions`.
pub(super) fn completions(session: &Session<'_>, args: &CompletionsArgs) -> u8 {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "farmctl", &mut bytes);
    session.out.result(&String::from_utf8_lossy(&bytes));
    code::OK
}

/// `farmctl man`.
pub(super) fn man(session: &Session<'_>, args: &ManArgs) -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(page(args.command.as_deref())?)
        .render(&mut bytes)
        .map_err(|error| Failure::error(format!("the manual page can't be printed: {error}")))?;
    session.out.result(&String::from_utf8_lossy(&bytes));
    Ok(code::OK)
}

/// The command that a page is about, with the options of every command.
fn page(name: Option<&str>) -> Result<clap::Command, Failure> {
    let mut whole = Cli::command();
    whole.build();
    let Some(name) = name else { return Ok(whole) };
    let mut commands = whole
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    match commands.find(|command| command.get_name() == name) {
        Some(command) => Ok(command.clone().display_name(format!("farmctl-{name}"))),
        None => Err(Failure::error(format!(
            "farmctl has no command {name}; `farmctl help` lists them"
        ))),
    }
}
