//! How a run ended. Each way has its exit code and its words.

use std::fmt;

use crate::state::{DestinationKey, Plan, ServiceKey};

use super::{Key, Refusal};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A dry run: this is what would be done.
    Planned(Report),
    /// The kernel holds what the file asks for.
    Converged(Report),
    /// The trial said that the kernel would refuse the plan. Nothing was changed.
    PreflightFailed(Vec<String>),
    /// A step failed; everything is as it was before.
    RolledBack {
        /// What failed, in full sentences.
        cause: String,
        /// The steps that undid it, a line each.
        undone: Vec<String>,
    },
    /// Every step was taken, and yet it is not as wanted. Nothing was undone.
    NotConverged {
        /// Why, in a full sentence.
        cause: String,
        /// What still differs.
        remaining: Plan,
    },
    /// The file names what farmctl did not make. Nothing was changed.
    Conflict(Vec<Key>),
    /// A guard refused the file. Nothing was changed.
    Refused(Vec<Refusal>),
    /// A step failed, and not everything could be undone.
    RolledBackInPart {
        /// What failed, in full sentences.
        cause: String,
        /// What is not as it was before, a line each.
        left: Vec<String>,
    },
}

/// What was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The steps.
    pub plan: Plan,
    /// How many writing messages went to the kernel.
    pub writes: u64,
    /// Connections that removed destinations have, and what becomes of them.
    pub cut: Vec<Cut>,
    /// What a run that died may have made and the file does not name: left alone.
    pub unfinished: Vec<Key>,
    /// What the operator should know, a full sentence each.
    pub notes: Vec<String>,
}

/// Connections that a destination has when it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The service.
    pub service: ServiceKey,
    /// The destination that goes.
    pub destination: DestinationKey,
    /// How many connections it has.
    pub live: u64,
    /// What becomes of them.
    pub fate: Fate,
}

/// What becomes of connections when their destination is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They lead nowhere any more.
    Cut,
    /// They go on until they end.
    Finish,
    /// They are UDP flows, and get another destination.
    Move,
    /// They are reset.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            destination,
            live,
            fate,
        } = self;
        write!(f, "Removing {destination} from {service} ")?;
        match fate {
            Fate::Cut => write!(
                f,
                "cuts {live} live connections; --drain-timeout lets them finish first."
            ),
            Fate::Finish => write!(
                f,
                "leaves {live} live connections, which go on until they end; --reset-remaining \
                 ends them."
            ),
            Fate::Move => write!(f, "gives {live} flows another real server."),
            Fate::Reset => write!(
                f,
                "resets {live} live connections, each as soon as its client sends something."
            ),
        }
    }
}

/// Of how many undone steps each is told.
const MANY: usize = 20;

impl Outcome {
    /// The exit code of `farmctl apply`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Planned(_) | Self::Converged(_) => 0,
            Self::PreflightFailed(_) | Self::RolledBack { .. } => 1,
            Self::NotConverged { .. } => 3,
            Self::Conflict(_) => 4,
            Self::Refused(_) => 5,
            Self::RolledBackInPart { .. } => 6,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(report) => fmt_report(report, "would be made", f),
            Self::Converged(report) => fmt_report(report, "made and read back", f),
            Self::PreflightFailed(failures) => {
                f.write_str("Nothing was changed: the trial of the plan failed.")?;
                lines(failures, f)
            }
            Self::RolledBack { cause, undone } => fmt_rolled_back(cause, undone, f),
            Self::NotConverged { cause, remaining } => {
                write!(f, "Not converged: {cause}")?;
                lines(&remaining.changes, f)
            }
            Self::Conflict(keys) => fmt_conflict(keys, f),
            Self::Refused(refusals) => {
                f.write_str("Refused, nothing was done:")?;
                lines(refusals, f)
            }
            Self::RolledBackInPart { cause, left } => {
                write!(f, "{cause}\nRolled back only in part. What is left:")?;
                lines(left, f)
            }
        }
    }
}

fn fmt_report(report: &Report, done: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if report.plan.is_empty() {
        f.write_str("Nothing to do: the kernel holds what the file asks for.")?;
    } else {
        let count = report.plan.changes.len();
        write!(f, "{} {done}.", counted(count, "change"))?;
    }
    lines(&report.cut, f)?;
    fmt_unfinished(&report.unfinished, f)?;
    lines(&report.notes, f)
}

fn fmt_unfinished(keys: &[Key], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if keys.is_empty() {
        return Ok(());
    }
    f.write_str(
        "\nLeft alone: an interrupted run may have made these, and the file does not name them. \
         If they are farmctl's, `farmctl apply --adopt` removes them:",
    )?;
    lines(keys, f)
}

fn fmt_rolled_back(cause: &str, undone: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{cause}\nEverything is as it was before: ")?;
    if undone.is_empty() {
        return f.write_str("nothing had been changed yet.");
    }
    write!(f, "{} undone:", counted(undone.len(), "step"))?;
    let told = undone.get(..MANY).unwrap_or(undone);
    lines(told, f)?;
    match undone.len() - told.len() {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}

fn fmt_conflict(keys: &[Key], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(
        "Nothing was done: the file names what is there already and was not made by farmctl:",
    )?;
    lines(keys, f)?;
    f.write_str(
        "\nFind out who made it. If farmctl is to take it over as it is named in the file, \
         add --adopt; else name something else in the file.",
    )
}

fn lines<T: fmt::Display>(items: &[T], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    items.iter().try_for_each(|item| write!(f, "\n  {item}"))
}

fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
