//! The only place that prints: results to standard output, everything else to standard error.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};

use super::args::ColorChoice;

/// Where results and messages go.
#[derive(Debug)]
pub(super) struct Output {
    /// How results are painted.
    pub paint: Paint,
    /// How messages are painted.
    pub message_paint: Paint,
    verbose: bool,
    /// Whether results go to a terminal, where a page can take the place of the one before.
    terminal: bool,
    /// Whether whoever read the results went away.
    left: Cell<bool>,
    /// Why results did not get to where they were to go.
    lost: RefCell<Option<io::Error>>,
}

impl Output {
    /// Decides on colours by the choice, the environment and what the streams are.
    pub(super) fn new(choice: ColorChoice, verbosity: Verbosity) -> Self {
        Self {
            paint: Paint::choose(choice, io::stdout().is_terminal()),
            message_paint: Paint::choose(choice, io::stderr().is_terminal()),
            verbose: verbosity == Verbosity::Verbose,
            terminal: io::stdout().is_terminal(),
            left: Cell::new(false),
            lost: RefCell::default(),
        }
    }

    /// Prints a result. A closed pipe ends the output, not the program.
    pub(super) fn result(&self, text: &str) {
        match write_all(io::stdout().lock(), text) {
            Ok(Heard::Yes) => {}
            Ok(Heard::No) => self.left.set(true),
            Err(error) => {
                self.lost.replace(Some(error));
            }
        }
    }

    /// Prints a result in the place of the one before, where that can be done.
    pub(super) fn page(&self, text: &str) {
        // CSI H and CSI J of ECMA-48: to the upper left corner, and clear what follows.
        let clear = if self.terminal {
            "\u{1b}[H\u{1b}[2J"
        } else {
            ""
        };
        self.result(&format!("{clear}{text}"));
    }

    /// Whether results still get to whoever reads them.
    pub(super) fn is_heard(&self) -> bool {
        !self.left.get() && self.lost.borrow().is_none()
    }

    /// Why a result was not written, such as a full disk. Asking takes the answer.
    pub(super) fn lost(&self) -> Option<io::Error> {
        self.lost.take()
    }

    /// Prints a message for people. Where nobody can hear it, nobody can be told.
    #[expect(clippy::unused_self, reason = "only who is given an Output prints")]
    pub(super) fn message(&self, text: &str) {
        let _nobody_hears = write_all(io::stderr().lock(), text);
    }

    /// Prints a part of a line for people, such as one that is written over.
    #[expect(clippy::unused_self, reason = "only who is given an Output prints")]
    pub(super) fn status(&self, text: &str) {
        let mut stream = io::stderr().lock();
        let _nobody_hears = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
    }

    /// Prints a message for people who asked for more.
    pub(super) fn detail(&self, text: &str) {
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

/// Whether a reader is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Yes,
    No,
}

/// Writes text and ends the line. A reader that went away (`farmctl diff | head`) is no error.
fn write_all(mut stream: impl Write, text: &str) -> io::Result<Heard> {
    let end = if text.ends_with('\n') || text.is_empty() {
        ""
    } else {
        "\n"
    };
    let written = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(end.as_bytes()))
        .and_then(|()| stream.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Heard::No),
        written => written.map(|()| Heard::Yes),
    }
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
