//! The only place that prints: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use super::args::ColorChoice;

/// Where results and messages go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// How results are painted.
    pub paint: Paint,
    /// How messages are painted.
    pub message_paint: Paint,
    verbose: bool,
}

#[expect(clippy::unused_self, reason = "only who is given an Output prints")]
impl Output {
    /// Decides on colours by the choice, the environment and what the streams are.
    pub(super) fn new(choice: ColorChoice, verbosity: Verbosity) -> Self {
        Self {
            paint: Paint::choose(choice, io::stdout().is_terminal()),
            message_paint: Paint::choose(choice, io::stderr().is_terminal()),
            verbose: verbosity == Verbosity::Verbose,
        }
    }

    /// Prints a result. A closed pipe ends the output, not the program.
    pub(super) fn result(self, text: &str) {
        write_all(io::stdout().lock(), text);
    }

    /// Prints a message for people.
    pub(super) fn message(self, text: &str) {
        write_all(io::stderr().lock(), text);
    }

    /// Prints a message for people who asked for more.
    pub(super) fn detail(self, text: &str) {
        if self.verbose {
            self.message(text);
        }
    }
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// What matters.
    Normal,
    /// Also what is done on the way.
    Verbose,
}

/// Writes text and ends the line. A reader that went away (`farmctl diff | head`) is no error.
fn write_all(mut stream: impl Write, text: &str) {
    let end = if text.ends_with('\n') || text.is_empty() {
        ""
    } else {
        "\n"
    };
    let _closed_pipe = stream.write_all(text.as_bytes());
    let _closed_pipe = stream.write_all(end.as_bytes());
    let _closed_pipe = stream.flush();
}

/// Whether and how text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// Plain text.
    Plain,
    /// With ANSI colours.
    Colored,
}

impl Paint {
    fn choose(choice: ColorChoice, terminal: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced =
            set("CLICOLOR_FORCE") && std::env::var_os("CLICOLOR_FORCE") != Some("0".into());
        let colored = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !set("NO_COLOR") && (forced || terminal),
        };
        if colored { Self::Colored } else { Self::Plain }
    }

    /// What goes.
    pub(super) fn removed(self, text: &str) -> String {
        self.with("31", text)
    }

    /// What comes.
    pub(super) fn added(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What something is about.
    pub(super) fn heading(self, text: &str) -> String {
        self.with("36", text)
    }

    /// What must be seen.
    pub(super) fn alert(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// What went well.
    pub(super) fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
