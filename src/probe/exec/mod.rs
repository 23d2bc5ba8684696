//! A program on the director says how a real server is: it ends with 0 where it is well.
//!
//! What runs is only what root has written, under `daemon.exec_dirs` ([`program`]); it always ends
//! ([`run`]), and there is never more than one for a question ([`outstanding`]). With `reads_agent`
//! its first line of output is read as an agent's answer. Called by [`super::ask`].
//!
//! The program gets nothing of the daemon's environment, but:
//!
//! | variable | value |
//! |---|---|
//! | `PATH`, `LC_ALL` | `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, `C` |
//! | `FARMCTL_SERVER` | the real server's name |
//! | `FARMCTL_ADDRESS`, `FARMCTL_PORT` | where it serves |
//! | `FARMCTL_VIP` | where clients speak to, if the question is about that |
//! | `FARMCTL_TIMEOUT` | seconds until it is killed, as `0.5` |
//! | `FARMCTL_PROGRAM` | the program's path: `$0` of a script is the open file, `/proc/…/fd/…` |
//!
//! and what `environment` of the check adds. A service's name is not among them: services that ask
//! the same share the answer.

pub mod outstanding;
pub mod program;
pub mod run;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use self::run::{Ended, Order};
use super::agent::AgentLine;
use super::conversation::beginning;
use super::{Failure, Report, Target, Tools};
use crate::health::Fault;
use crate::spec::ExecCheck;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Asks one.
pub(super) async fn ask(
    check: &ExecCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let order = order(check, target, tools)?;
    let place = tools.outstanding().enter(target).await?;
    target.waits_for("the program to end");
    let ended = run::run(order, place).await?;
    judge(check, &ended)
}

fn order(check: &ExecCheck, target: &Target<'_>, tools: &Tools) -> Result<Order, Failure> {
    let Some((program, arguments)) = check.command.split_first() else {
        return Err(Failure::here("`command` is empty: name a program"));
    };
    Ok(Order {
        program: PathBuf::from(program),
        directories: tools.exec_dirs().to_vec(),
        arguments: arguments.to_vec(),
        environment: environment(check, target, program),
        namespace: target.vantage().namespace.clone(),
    })
}

/// Later variables win: the check's own cannot say that another server is asked.
fn environment(check: &ExecCheck, target: &Target<'_>, program: &str) -> Vec<(OsString, OsString)> {
    let question = target.question();
    let mut variables = vec![
        ("PATH".to_owned(), PATH.to_owned()),
        ("LC_ALL".to_owned(), "C".to_owned()),
    ];
    variables.extend(check.environment.clone());
    let timeout = question.timeout().as_secs_f64().to_string();
    let ours = [
        ("SERVER", question.name.clone()),
        ("ADDRESS", question.address.to_string()),
        ("PORT", question.port.to_string()),
        ("TIMEOUT", timeout),
        ("PROGRAM", program.to_owned()),
    ];
    let vip = question.vip.map(|vip| ("VIP", vip.to_string()));
    let ours = ours.into_iter().chain(vip);
    variables.extend(ours.map(|(name, value)| (format!("FARMCTL_{name}"), value)));
    variables
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn judge(check: &ExecCheck, ended: &Ended) -> Result<Report, Failure> {
    if !ended.status.success() {
        return Err(failed(ended));
    }
    if check.reads_agent != Some(true) {
        return Ok(Report::pass(said("exit code 0", &ended.output)));
    }
    let line = AgentLine::read(&ended.output);
    if line.says_nothing() {
        let text = said("exit code 0, and no word that an agent says", &ended.output);
        return Ok(Report::pass(text));
    }
    Ok(Report::from(line.verdict()).with_advice(line.advice()))
}

/// An exit code is the program's answer; a signal is its own death.
fn failed(ended: &Ended) -> Failure {
    let words = if ended.output.is_empty() {
        &ended.complaint
    } else {
        &ended.output
    };
    match ended.status.code() {
        Some(code) => Failure::server(Fault::SaysDown, said(&format!("exit code {code}"), words)),
        None => Failure::broken(said(&died(ended.status), words)),
    }
}

fn died(status: ExitStatus) -> String {
    let signal = status
        .signal()
        .and_then(|number| Signal::try_from(number).ok());
    match signal {
        Some(signal) => format!("the program was killed by {signal}"),
        None => "the program was killed".to_owned(),
    }
}

/// With the first line of what the program wrote.
fn said(what: &str, words: &[u8]) -> String {
    let line = words
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if line.is_empty() {
        return what.to_owned();
    }
    format!("{what}: {}", beginning(line))
}
