//! What can be written after `farmctl apply`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Prune, dataplane, duration, switch};
use crate::spec::DataplaneKind;

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct ApplyArgs {
    /// The farm's file; `-` is standard input [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Show the plan and what its preflight says; change nothing
    #[arg(long, env = "FARMCTL_DRY_RUN", value_parser = switch())]
    pub dry_run: bool,
    /// Go on until the kernel shows the wanted state, at most --timeout
    #[arg(long, env = "FARMCTL_WAIT", value_parser = switch())]
    pub wait: bool,
    /// How long to go on, such as 10s; says --wait [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// What becomes of objects that farmctl made and the file no longer has
    #[arg(long, value_enum, default_value = "owned", env = "FARMCTL_PRUNE")]
    pub prune: Prune,
    /// Take over objects that the file names and somebody else made
    #[arg(long, env = "FARMCTL_ADOPT", value_parser = switch())]
    pub adopt: bool,
    /// Do it although it removes much of the farm; once
    #[arg(long, env = "FARMCTL_ALLOW_SHRINK", value_parser = switch())]
    pub allow_shrink: bool,
    /// Let connections of removed real servers end by themselves for at most this long
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        default_value = "0s",
        env = "FARMCTL_DRAIN_TIMEOUT"
    )]
    pub drain_timeout: Duration,
    /// Reset connections that removed real servers still have then (not with ip_vs)
    #[arg(long, env = "FARMCTL_RESET_REMAINING", value_parser = switch())]
    pub reset_remaining: bool,
    /// Undo everything unless `farmctl confirm` comes within this time
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = some_duration,
        env = "FARMCTL_CONFIRM_TIMEOUT"
    )]
    pub confirm_timeout: Option<Duration>,
    /// The data plane, whatever the file says; for rehearsals
    #[arg(
        long,
        hide = true,
        value_name = "KIND",
        value_parser = dataplane(),
        env = "FARMCTL_DATAPLANE"
    )]
    pub dataplane: Option<DataplaneKind>,
}

impl ApplyArgs {
    /// How long to go on where the kernel does not show at once what is wanted.
    pub(in crate::cli) fn patience(&self) -> Duration {
        match (self.wait, self.timeout) {
            (_, Some(timeout)) => timeout,
            (true, None) => Duration::from_secs(30),
            (false, None) => Duration::ZERO,
        }
    }
}

/// A duration with a unit that is longer than nothing.
fn some_duration(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    if length.is_zero() {
        return Err("it would be undone at once; leave some time, such as 60s".into());
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    fn apply(arguments: &[&str]) -> Result<ApplyArgs, clap::Error> {
        let cli = Cli::try_parse_from(["farmctl", "apply"].iter().chain(arguments))?;
        let Command::Apply(args) = cli.command else {
            panic!("{cli:?}")
        };
        Ok(args)
    }

    #[test]
    fn a_timeout_alone_is_waited_for() {
        let patience = |arguments: &[&str]| apply(arguments).unwrap().patience().as_secs();
        assert_eq!(patience(&[]), 0);
        assert_eq!(patience(&["--wait"]), 30);
        assert_eq!(patience(&["--timeout", "5s"]), 5);
        assert_eq!(patience(&["--wait", "--timeout", "5s"]), 5);
    }

    #[test]
    fn a_change_that_would_be_undone_at_once_is_refused() {
        let error = apply(&["--confirm-timeout", "0s"]).unwrap_err();
        assert!(error.to_string().contains("undone at once"), "{error}");
    }
}
