//! A program of the operator's, with the message as JSON on its standard input.
//!
//! The rules are those of checks by a program ([`crate::probe::exec`]): only what root alone can
//! write, under `daemon.exec_dirs`; a process group of its own that is killed at the time-out.
//! Exit code 0 means delivered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::notification::engine::Failure;
use crate::notification::message::Message;
use crate::probe::exec::run::{Ended, Order, run};
use crate::spec::ExecNotification;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs the program.
pub(super) async fn deliver(
    to: &ExecNotification,
    directories: Vec<PathBuf>,
    message: &Message,
) -> Result<(), Failure> {
    let order = order(to, directories, message)?;
    let ended = run(order, ()).await;
    judge(&ended.map_err(|error| Failure::Unreachable(error.to_string()))?)
}

fn order(
    to: &ExecNotification,
    directories: Vec<PathBuf>,
    message: &Message,
) -> Result<Order, Failure> {
    let unusable = |why: &str| Failure::Unreachable(why.to_owned());
    let (program, arguments) = to
        .command
        .split_first()
        .ok_or_else(|| unusable("its command is empty"))?;
    let input = serde_json::to_vec(message).map_err(|error| unusable(&error.to_string()))?;
    let environment = environment(to, message);
    Ok(Order {
        program: PathBuf::from(program),
        directories,
        arguments: arguments.to_vec(),
        environment: environment
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        namespace: None,
        input,
    })
}

/// Nothing of the daemon's own environment; farmctl's words win over the file's.
fn environment(to: &ExecNotification, message: &Message) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = [("PATH", PATH), ("LC_ALL", "C")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    variables.extend(to.environment.clone());
    let ours = [
        ("FARMCTL_FARM", message.farm.clone()),
        ("FARMCTL_NODE", message.node.clone()),
        ("FARMCTL_SEVERITY", message.severity.word().to_owned()),
        ("FARMCTL_TITLE", message.title().replace('\0', " ")),
    ];
    variables.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    variables
}

fn judge(ended: &Ended) -> Result<(), Failure> {
    if ended.status.success() {
        return Ok(());
    }
    let words = if ended.complaint.is_empty() {
        &ended.output
    } else {
        &ended.complaint
    };
    let words = String::from_utf8_lossy(words).into_owned();
    let line: String = words
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    Err(Failure::Unreachable(format!(
        "the program ended with {}: {line}",
        ended.status
    )))
}
