//! How a line looks: it depends on who reads standard error.

use std::io::IsTerminal;

use nix::sys::stat::fstat;
use tracing::Level;

/// Who reads the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// journald: a priority prefix (sd-daemon(3)) and no time, because the journal has its own.
    Journal,
    /// A person at a terminal: the time and colours.
    Terminal,
    /// A file or a pipe: the time.
    Plain,
}

impl Shape {
    /// What standard error of this process is. `NO_COLOR` (no-color.org) makes a terminal plain.
    pub fn of_standard_error() -> Self {
        let stderr = std::io::stderr();
        let identity = fstat(&stderr).ok().map(|stat| (stat.st_dev, stat.st_ino));
        let journal = std::env::var("JOURNAL_STREAM").ok();
        if identity.is_some_and(|identity| is_journal(journal.as_deref(), identity)) {
            Self::Journal
        } else if stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        {
            Self::Terminal
        } else {
            Self::Plain
        }
    }

    /// What stands before the line: `<3>` and so on for journald (the levels of syslog(3)).
    pub(super) fn prefix(self, level: Level) -> &'static str {
        match (self, level) {
            (Self::Terminal | Self::Plain, _) => "",
            (Self::Journal, Level::ERROR) => "<3>",
            (Self::Journal, Level::WARN) => "<4>",
            (Self::Journal, Level::INFO) => "<6>",
            (Self::Journal, Level::DEBUG | Level::TRACE) => "<7>",
        }
    }

    /// The level's word, coloured at a terminal.
    pub(super) fn level(self, level: Level) -> &'static str {
        match (self, level) {
            (Self::Terminal, Level::ERROR) => "\x1b[1;31merror\x1b[0m",
            (Self::Terminal, Level::WARN) => "\x1b[33mwarn\x1b[0m",
            (Self::Terminal, Level::INFO) => "\x1b[32minfo\x1b[0m",
            (Self::Journal | Self::Plain, Level::ERROR) => "error",
            (Self::Journal | Self::Plain, Level::WARN) => "warn",
            (Self::Journal | Self::Plain, Level::INFO) => "info",
            (_, Level::DEBUG) => "debug",
            (_, Level::TRACE) => "trace",
        }
    }
}

/// Whether `JOURNAL_STREAM` (systemd.exec(5): device and inode in decimal) names this file.
fn is_journal(variable: Option<&str>, (device, inode): (u64, u64)) -> bool {
    variable.is_some_and(|value| value == format!("{device}:{inode}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_device_and_inode() {
        assert!(is_journal(Some("8:1234"), (8, 1234)));
        assert!(!is_journal(Some("8:1235"), (8, 1234)));
        assert!(!is_journal(Some(""), (8, 1234)));
        assert!(!is_journal(None, (8, 1234)));
    }

    #[test]
    fn only_a_terminal_gets_colours_and_only_the_journal_priorities() {
        for level in [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ] {
            assert!(!Shape::Plain.level(level).contains('\x1b'));
            assert!(!Shape::Journal.level(level).contains('\x1b'));
            assert!(
                Shape::Terminal
                    .level(level)
                    .contains(Shape::Plain.level(level))
            );
            assert_eq!(Shape::Plain.prefix(level), "");
            assert!(Shape::Journal.prefix(level).starts_with('<'));
        }
    }
}
