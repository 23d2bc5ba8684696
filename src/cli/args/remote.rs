//! What can be written after the commands that read from a daemon.

use std::path::PathBuf;

use clap::Args;

use super::switch;

/// Which daemon is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct RemoteArgs {
    /// Ask the daemon at this address, such as http://192.0.2.11:9440, instead of this machine's
    #[arg(long, value_name = "URL", env = "FARMCTL_SERVER")]
    pub server: Option<String>,
    /// The file with the token that the daemon asks for
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        env = "FARMCTL_TOKEN_FILE"
    )]
    pub token_file: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The farm's file, for a machine without a daemon; `-` is standard input [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// One line and the exit code of a monitoring plugin: 0 full, 1 degraded, 2 down, 3 unknown
    #[arg(long, env = "FARMCTL_CHECK", value_parser = switch())]
    pub check: bool,
    /// Show it again each second
    #[arg(long, env = "FARMCTL_WATCH", value_parser = switch(), conflicts_with = "check")]
    pub watch: bool,
    /// All about one real server: what it is asked, what it said, each step to its weight
    #[arg(long, value_name = "SERVER", env = "FARMCTL_WHY", conflicts_with_all = ["check", "watch"])]
    pub why: Option<String>,
    /// Whose status.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Go on with what comes
    #[arg(long, env = "FARMCTL_FOLLOW", value_parser = switch())]
    pub follow: bool,
    /// Only what happened after the event of this sequence
    #[arg(long, value_name = "SEQUENCE", env = "FARMCTL_SINCE")]
    pub since: Option<u64>,
    /// Whose events.
    #[command(flatten)]
    pub remote: RemoteArgs,
}
