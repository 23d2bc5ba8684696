//! The command line: what can be written, with the help that a user reads.

mod apply;
mod daemon;
mod orders;
mod remote;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::rehearsal::backstage;
use crate::rehearsal::isolation::Privilege;
use crate::spec::DataplaneKind;
pub use apply::ApplyArgs;
pub use daemon::DaemonArgs;
pub use orders::{
    ApproveArgs, DrainArgs, LogArgs, MaintenanceArgs, UndrainArgs, WantedWeight, WeightArgs,
};
pub use remote::{EventsArgs, RemoteArgs, StatusArgs};

/// One file describes the farm; one binary makes it so.
#[derive(Debug, Parser)]
#[command(name = "farmctl", version, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The farm's file; `-` is standard input [default: farm.yaml]
    #[arg(short, long, global = true, value_name = "FILE", env = "FARMCTL_FILE")]
    pub file: Option<PathBuf>,
    /// How results are printed
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        env = "FARMCTL_OUTPUT",
        default_value = "text"
    )]
    pub output: OutputFormat,
    /// When results are coloured; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(
        long,
        global = true,
        value_enum,
        env = "FARMCTL_COLOR",
        default_value = "auto"
    )]
    pub color: ColorChoice,
    /// Say more about what is done
    #[arg(short, long, global = true, env = "FARMCTL_VERBOSE", value_parser = switch())]
    pub verbose: bool,
    /// Never ask; farmctl asks nothing today
    #[arg(long, global = true, env = "FARMCTL_NO_INPUT", value_parser = switch())]
    pub no_input: bool,
    /// Which node of the file this machine is [default: found by address, then by host name]
    #[arg(long, global = true, value_name = "NAME", env = "FARMCTL_NODE")]
    pub node: Option<String>,
    /// Where farmctl keeps what it knows of its own objects
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "FARMCTL_STATE_DIR",
        default_value = STATE_DIR
    )]
    pub state_dir: PathBuf,
    /// Where the daemon answers [default: /run/farmctl/api.sock; with --state-dir, in there]
    #[arg(long, global = true, value_name = "PATH", env = "FARMCTL_SOCKET")]
    pub socket: Option<PathBuf>,
}

/// Where state is kept unless `--state-dir` says otherwise.
const STATE_DIR: &str = "/var/lib/farmctl";
/// Where the daemon of a machine answers.
const SOCKET: &str = "/run/farmctl/api.sock";

impl Global {
    /// Where the daemon answers: `--socket`; else, with a state directory of its own, in there.
    pub(super) fn socket(&self) -> PathBuf {
        let beside_state = || {
            if self.state_dir == Path::new(STATE_DIR) {
                PathBuf::from(SOCKET)
            } else {
                self.state_dir.join("api.sock")
            }
        };
        self.socket.clone().unwrap_or_else(beside_state)
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// For programs; covered by a schema.
    Json,
    /// The same as YAML.
    Yaml,
    /// One line for each step (`diff` and `apply --dry-run`).
    Ops,
}

/// When results are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report every mistake in the file at once
    Validate(ValidateArgs),
    /// Show what `apply` would change
    Diff(DiffArgs),
    /// Make this machine what the file says
    Apply(ApplyArgs),
    /// Keep this machine what the file says: watch it, check real servers, drain, tell
    Daemon(DaemonArgs),
    /// Play the farm on this machine: namespaces, load, faults, and a report
    Rehearse(RehearseArgs),
    /// Keep what an `apply --confirm-timeout` did
    Confirm,
    /// Show what is so now, and why
    Status(StatusArgs),
    /// Print what happened, one JSON object a line
    Events(EventsArgs),
    /// Give a real server no new connections and let those that it has end
    Drain(DrainArgs),
    /// Serve a drained real server again
    Undrain(UndrainArgs),
    /// Take a node out of everything that it serves, or give it back
    Maintenance(MaintenanceArgs),
    /// Give a real server another weight than the file says
    Weight(WeightArgs),
    /// Use a file that waits for an operator
    Approve(ApproveArgs),
    /// Have the daemon read its file again now
    Reload,
    /// Change what the daemon logs, such as `debug`
    Log(LogArgs),
    /// Print the live state as JSON, for `diff --snapshot`
    Snapshot,
    /// Print the JSON Schema of farm.yaml
    Schema(SchemaArgs),
    /// Explain a part of farm.yaml, such as `services.persistence`
    Explain(ExplainArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print a manual page: farmctl's own, or a command's
    Man(ManArgs),
    /// Undo an apply that nobody confirms; started by `apply --confirm-timeout`
    #[command(hide = true)]
    Guard,
    /// Makes the namespaces of a rehearsal; started by `rehearse`
    #[command(hide = true, name = backstage::GATE)]
    RehearsalGate(GateArgs),
    /// Plays a rehearsal inside its namespaces; started by the gate
    #[command(hide = true, name = backstage::STAGE)]
    RehearsalStage(StageArgs),
}

impl Command {
    /// The data plane that is used instead of the one that the file asks for.
    pub(super) fn dataplane(&self) -> Option<DataplaneKind> {
        match self {
            Self::Apply(args) => args.dataplane,
            Self::Daemon(args) => args.dataplane,
            Self::Rehearse(args) => args.dataplane,
            Self::Validate(_)
            | Self::Diff(_)
            | Self::Confirm
            | Self::Status(_)
            | Self::Events(_)
            | Self::Drain(_)
            | Self::Undrain(_)
            | Self::Maintenance(_)
            | Self::Weight(_)
            | Self::Approve(_)
            | Self::Reload
            | Self::Log(_)
            | Self::Snapshot
            | Self::Schema(_)
            | Self::Explain(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Guard
            | Self::RehearsalGate(_)
            | Self::RehearsalStage(_) => None,
        }
    }
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// The farm's file; `-` is standard input [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// What clients do, what happens, and what is expected [default: 10 s of load, nothing lost]
    #[arg(long, value_name = "FILE", env = "FARMCTL_SCENARIO")]
    pub scenario: Option<PathBuf>,
    /// The data plane, whatever the file says; ipvs needs root
    #[arg(long, value_name = "KIND", value_parser = dataplane(), env = "FARMCTL_DATAPLANE")]
    pub dataplane: Option<DataplaneKind>,
    /// Also write the report, with a picture of the run, as a page for a browser
    #[arg(long, value_name = "FILE", env = "FARMCTL_REPORT")]
    pub report: Option<PathBuf>,
}

/// Arguments of the gate.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// What the stage needs of the kernel
    #[arg(value_parser = privilege())]
    pub privilege: Privilege,
    /// The process that started it
    pub parent: i32,
    /// The directory of farmctl's state
    pub state: PathBuf,
}

/// Arguments of the stage.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// What the stage has of the kernel
    #[arg(value_parser = privilege())]
    pub privilege: Privilege,
    /// The directory of farmctl's state
    pub state: PathBuf,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The files; `-` is standard input [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The farm's file; `-` is standard input [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Compare with another version of the file instead of the kernel: a git revision or a file
    #[arg(
        long,
        value_name = "REV_OR_FILE",
        conflicts_with_all = ["snapshot", "server"],
        env = "FARMCTL_BASE"
    )]
    pub base: Option<String>,
    /// Compare with a saved live state (`farmctl snapshot`) instead of the kernel
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "server",
        env = "FARMCTL_SNAPSHOT"
    )]
    pub snapshot: Option<PathBuf>,
    /// Leave out what bends the file beside it: health, drains, overrides
    #[arg(long, env = "FARMCTL_RAW", value_parser = switch())]
    pub raw: bool,
    /// Compare with what a daemon elsewhere sees.
    #[command(flatten)]
    pub remote: RemoteArgs,
    /// What becomes of objects that farmctl made and the file no longer has
    #[arg(long, value_enum, default_value = "owned", env = "FARMCTL_PRUNE")]
    pub prune: Prune,
    /// Take over objects that the file names and somebody else made
    #[arg(long, env = "FARMCTL_ADOPT", value_parser = switch())]
    pub adopt: bool,
}

/// What becomes of objects that the file no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prune {
    /// Those that farmctl made go.
    Owned,
    /// All stay, real servers of a service too.
    None,
}

impl From<Prune> for crate::reconcile::Prune {
    fn from(prune: Prune) -> Self {
        match prune {
            Prune::Owned => Self::Owned,
            Prune::None => Self::None,
        }
    }
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Whose schema
    #[arg(value_enum, default_value = "farm")]
    pub of: SchemaOf,
}

/// Whose schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The file farm.yaml.
    Farm,
    /// What `diff -o json` prints.
    Diff,
    /// What `apply -o json` prints.
    Apply,
    /// What `confirm -o json` prints.
    Confirm,
    /// What `validate -o json` prints.
    Validate,
    /// What `status -o json` prints.
    Status,
    /// A line of what `events` prints.
    Event,
    /// What `drain`, `undrain`, `maintenance`, `weight`, `approve`, `reload` and `log` print.
    Order,
    /// What `snapshot` prints.
    Snapshot,
    /// The file that `rehearse --scenario` reads.
    Scenario,
    /// What `rehearse -o json` prints.
    Rehearsal,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A path in farm.yaml without names, such as `services.persistence`; left out, the whole file
    #[arg(value_name = "PATH", default_value = "")]
    pub path: String,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command, such as `apply`; left out, farmctl itself
    #[arg(value_name = "COMMAND", env = "FARMCTL_MAN_COMMAND")]
    pub command: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// A data plane by its word in the file.
fn dataplane() -> impl TypedValueParser<Value = DataplaneKind> {
    PossibleValuesParser::new(["ipvs", "nftables"]).map(|word| match word.as_str() {
        "ipvs" => DataplaneKind::Ipvs,
        _ => DataplaneKind::Nftables,
    })
}

/// What a rehearsal needs of the kernel, by its word.
fn privilege() -> impl TypedValueParser<Value = Privilege> {
    PossibleValuesParser::new(["namespaced", "root"]).map(|word| match word.as_str() {
        "root" => Privilege::Root,
        _ => Privilege::Namespaced,
    })
}

/// A flag whose variable is off where it is empty, `0`, `no`, `off` or `false`, and else on.
fn switch() -> FalseyValueParser {
    FalseyValueParser::new()
}

/// A duration with a unit, in farm.yaml's own words.
fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<crate::spec::Duration>()
        .map(|duration| duration.0)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Every option of a command and of its subcommands, but for help and version.
    fn options(command: &clap::Command) -> Vec<clap::Arg> {
        let all = command.get_opts().cloned();
        let flags = all.filter(|option| !["help", "version"].contains(&option.get_id().as_str()));
        let below = command.get_subcommands().flat_map(options);
        flags.chain(below).collect()
    }

    #[test]
    fn each_option_has_a_variable_of_its_own_name() {
        for option in options(&Cli::command()) {
            let name = option.get_long().unwrap().replace('-', "_").to_uppercase();
            let variable = option.get_env().map(|name| name.to_string_lossy());
            assert_eq!(variable.as_deref(), Some(&*format!("FARMCTL_{name}")));
        }
    }
}
