//! Starts the stage, relays what it says, and sees to it that it ends.
//!
//! The stage is this program again, behind a gate ([`super::isolation`]). It gets its script by a
//! pipe; the end of that pipe tells it to end. An interrupt (SIGINT, SIGTERM, SIGHUP) ends the
//! performance early and in good order, a second one at once. Called by `cli`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use super::isolation::Privilege;
use super::stage::{Message, Performance, Script};

/// The hidden command that unshares.
pub const GATE: &str = "rehearsal-gate";
/// The hidden command that plays.
pub const STAGE: &str = "rehearsal-stage";

/// How long an interrupted performance may take to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there was no performance.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started again.
    #[error("the rehearsal can't be started: {0}")]
    Start(#[source] io::Error),
    /// The stage said why it can't play. The text is complete.
    #[error("{0}")]
    Failed(String),
    /// The stage is gone without a word.
    #[error("the rehearsal came to an unexpected end ({0}); nothing of it is left")]
    Gone(ExitStatus),
    /// A signal ended it before there was anything to tell.
    #[error("interrupted ({0}); nothing of the rehearsal is left")]
    Interrupted(Signal),
}

/// How a performance ended.
#[derive(Debug)]
pub struct Ended {
    /// What was played.
    pub performance: Performance,
    /// The signal that ended it early.
    pub signal: Option<Signal>,
}

enum Heard {
    Said(Message),
    Signal(Signal),
    Silence,
}

/// Plays a script in namespaces of its own. `state` is a directory to keep out of them. What the
/// stage says on the way is handed to `tell`.
pub fn rehearse(
    script: &Script,
    privilege: Privilege,
    state: &Path,
    tell: &mut dyn FnMut(&Message),
) -> Result<Ended, Error> {
    let signals = signals();
    signals
        .thread_block()
        .map_err(|errno| Error::Start(errno.into()))?;
    let (sender, heard) = mpsc::channel();
    let listening = start(script, privilege, state, &sender);
    let ended = listening.and_then(|(gate, input)| {
        listen_for_signals(signals, sender)?;
        follow(gate, input, &heard, tell)
    });
    let _still_blocked = signals.thread_unblock();
    ended
}

fn signals() -> SigSet {
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])
}

/// Starts the gate and hands the script in.
fn start(
    script: &Script,
    privilege: Privilege,
    state: &Path,
    sender: &Sender<Heard>,
) -> Result<(Child, Option<ChildStdin>), Error> {
    let mut gate = gate(privilege, state).spawn().map_err(Error::Start)?;
    let mut text = serde_json::to_string(script).map_err(|error| Error::Start(error.into()))?;
    text.push('\n');
    if let Some(output) = gate.stdout.take() {
        let sender = sender.clone();
        let listen = move || relay(output, &sender);
        thread::Builder::new().spawn(listen).map_err(Error::Start)?;
    }
    let mut input = gate.stdin.take();
    if let Some(input) = &mut input {
        // A gate that is gone already has said why.
        let _unread = input.write_all(text.as_bytes());
    }
    Ok((gate, input))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stage is this program in namespaces"
)]
fn gate(privilege: Privilege, state: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .args([GATE, privilege.word(), &std::process::id().to_string()])
        .arg(state);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FARMCTL_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // The terminal's interrupt is this process's to hear.
    command.process_group(0);
    command
}

fn relay(output: impl io::Read, sender: &Sender<Heard>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { break };
        // What is no message was printed by something that the stage ran.
        if let Ok(message) = serde_json::from_str(&line)
            && sender.send(Heard::Said(message)).is_err()
        {
            return;
        }
    }
    let _nobody_listens = sender.send(Heard::Silence);
}

fn listen_for_signals(signals: SigSet, sender: Sender<Heard>) -> Result<(), Error> {
    let listen = move || {
        while let Ok(signal) = signals.wait() {
            if sender.send(Heard::Signal(signal)).is_err() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().spawn(listen);
    thread.map(drop).map_err(Error::Start)
}

/// Follows the performance to its end.
fn follow(
    mut gate: Child,
    mut input: Option<ChildStdin>,
    heard: &Receiver<Heard>,
    tell: &mut dyn FnMut(&Message),
) -> Result<Ended, Error> {
    let (mut last, mut signal) = (None, None);
    loop {
        match next(heard, signal.is_some()) {
            Ok(Heard::Said(message @ (Message::Progress(_) | Message::Event(_)))) => tell(&message),
            Ok(Heard::Said(message)) => last = Some(message),
            Ok(Heard::Signal(heard)) if signal.is_none() => {
                signal = Some(heard);
                drop(input.take());
            }
            Ok(Heard::Signal(_)) | Err(()) => {
                // Its end is the end of everything behind it.
                let _gone_already = gate.kill();
                break;
            }
            Ok(Heard::Silence) => break,
        }
    }
    drop(input);
    let status = gate.wait().map_err(Error::Start)?;
    match (last, signal) {
        (Some(Message::Done(performance)), signal) => Ok(Ended {
            performance: *performance,
            signal,
        }),
        (Some(Message::Failed(message)), _) => Err(Error::Failed(message)),
        (_, Some(signal)) => Err(Error::Interrupted(signal)),
        (_, None) => Err(Error::Gone(status)),
    }
}

/// The next thing that is heard; an error where an interrupted performance takes too long.
fn next(heard: &Receiver<Heard>, interrupted: bool) -> Result<Heard, ()> {
    if !interrupted {
        return Ok(heard.recv().unwrap_or(Heard::Silence));
    }
    match heard.recv_timeout(PATIENCE) {
        Ok(heard) => Ok(heard),
        Err(RecvTimeoutError::Disconnected) => Ok(Heard::Silence),
        Err(RecvTimeoutError::Timeout) => Err(()),
    }
}
