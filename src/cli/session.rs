//! What every command begins with: the file read and judged, the output chosen.

use std::path::Path;

use super::args::{Global, OutputFormat};
use super::failure::Failure;
use super::files::{self, Text};
use super::output::{Output, Paint, Verbosity};
use crate::spec::report::{self, Colour, Style};
use crate::spec::{self, DataplaneKind, Farm, Problem, Reading, Severity};

/// One run of a command.
pub(super) struct Session<'a> {
    /// The options of every command.
    pub global: &'a Global,
    /// Where text goes.
    pub out: Output,
    /// The data plane that is used instead of the one that the file asks for.
    pub dataplane: Option<DataplaneKind>,
}

/// A file that can be used.
pub(super) struct Loaded {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What it says.
    pub farm: Farm,
}

impl<'a> Session<'a> {
    /// Decides on colours and the like.
    pub(super) fn new(global: &'a Global, dataplane: Option<DataplaneKind>) -> Self {
        let verbosity = if global.verbose {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        };
        Self {
            global,
            out: Output::new(global.color, verbosity),
            dataplane,
        }
    }

    /// Reads the farm's file. Problems are told; a file with an error ends the command.
    pub(super) fn load(&self, path: Option<&Path>) -> Result<Loaded, Failure> {
        self.judge(files::read(&files::chosen(
            path,
            self.global.file.as_deref(),
        ))?)
    }

    /// Judges a text that was read.
    pub(super) fn judge(&self, text: Text) -> Result<Loaded, Failure> {
        let Text { name, bytes } = text;
        let reading = read_for(&name, &bytes, self.dataplane);
        drop(bytes);
        if !reading.problems.is_empty() {
            let style = style(self.out.message_paint);
            self.out
                .message(&report::render(&reading.problems, &reading.source, style));
        }
        let failed = has_error(&reading.problems);
        match reading.value {
            Some(farm) if !failed => Ok(Loaded {
                name,
                text: reading.source.into_text(),
                farm,
            }),
            _ => Err(Failure::silent(super::failure::code::ERROR)),
        }
    }

    /// Prints a value as JSON or YAML, by what was asked for.
    pub(super) fn value(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = match self.global.output {
            OutputFormat::Yaml => serde_yaml::to_string(value).map_err(|e| e.to_string()),
            OutputFormat::Json | OutputFormat::Text | OutputFormat::Ops => {
                serde_json::to_string_pretty(value).map_err(|e| e.to_string())
            }
        };
        let text = text.map_err(|error| Failure::error(format!("output failed: {error}")))?;
        self.out.result(&text);
        Ok(())
    }

    /// Whether a program reads the result.
    pub(super) fn wants_values(&self) -> bool {
        matches!(self.global.output, OutputFormat::Json | OutputFormat::Yaml)
    }
}

/// Reads and judges: syntax, types and meaning in one go.
pub(super) fn read(name: &str, bytes: &[u8]) -> Reading {
    read_for(name, bytes, None)
}

/// The same for a data plane that is used whatever the file says.
fn read_for(name: &str, bytes: &[u8], dataplane: Option<DataplaneKind>) -> Reading {
    let mut reading = spec::read(name, bytes);
    let directors = reading
        .value
        .as_mut()
        .and_then(|farm| farm.directors.as_mut());
    if let (Some(directors), Some(kind)) = (directors, dataplane) {
        directors.dataplane = kind.into();
    }
    let found = reading
        .value
        .as_ref()
        .map(|farm| spec::validate(farm, &reading.pruned));
    match found {
        Some(found) => reading.with(found),
        None => reading,
    }
}

/// Whether the file can't be used.
pub(super) fn has_error(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}

/// The style of messages.
pub(super) fn style(paint: Paint) -> Style {
    let colour = match paint {
        Paint::Plain => Colour::None,
        Paint::Colored => Colour::Ansi,
    };
    Style {
        colour,
        ..Style::default()
    }
}
