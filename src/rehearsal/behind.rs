//! The two processes behind the command: the gate, which unshares, and the stage, which plays.
//!
//! Called by the hidden commands of `cli`, and by nothing else.

use std::io::{self, BufRead, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use nix::sys::signal::SigSet;

use super::backstage::STAGE;
use super::isolation::{self, Privilege};
use super::stage::{Interrupt, Message, Script, perform};

/// The gate: new namespaces, the stage in them, and a wait for its end. Returns its exit code.
///
/// `parent` is the number of the process that started this one; it dies with it.
pub fn gate(privilege: Privilege, parent: i32, state: &Path, tell: &mut dyn FnMut(Message)) -> u8 {
    let _nothing_was_blocked = SigSet::all().thread_unblock();
    let entered = isolation::die_with(Some(parent))
        .and_then(|()| isolation::unshare(privilege))
        .and_then(|privilege| isolation::die_with(Some(parent)).map(|()| privilege));
    let privilege = match entered {
        Ok(privilege) => privilege,
        Err(error) => {
            tell(Message::Failed(error.to_string()));
            return 2;
        }
    };
    match stage(privilege, state) {
        Ok(code) => code,
        Err(error) => {
            tell(Message::Failed(format!(
                "the rehearsal can't be started: {error}"
            )));
            2
        }
    }
}

/// The first process of the new pid namespace.
#[expect(
    clippy::disallowed_methods,
    reason = "the stage is this program in namespaces"
)]
fn stage(privilege: Privilege, state: &Path) -> io::Result<u8> {
    let mut command = Command::new("/proc/self/exe");
    command
        .args([STAGE, privilege.word()])
        .arg(state)
        .stdin(Stdio::inherit());
    let status = command.spawn()?.wait()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(2))
}

/// The stage: shuts itself off, reads the script from its input, and plays it. The end of the input
/// ends the performance.
pub fn play(privilege: Privilege, state: &Path, tell: &mut dyn FnMut(Message)) {
    let interrupt = Arc::new(Interrupt::default());
    let script = isolation::die_with(None)
        .and_then(|()| isolation::close(state))
        .and_then(|()| isolation::seal(privilege))
        .map_err(|error| error.to_string())
        .and_then(|()| listen(Arc::clone(&interrupt)));
    match script {
        Ok(script) => perform(&script, &interrupt, tell),
        Err(message) => tell(Message::Failed(message)),
    }
}

/// Reads the script, and goes on listening for the end.
fn listen(interrupt: Arc<Interrupt>) -> Result<Script, String> {
    let wrong =
        |error: &dyn std::fmt::Display| format!("the rehearsal's script can't be read: {error}");
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| wrong(&error))?;
    let script = serde_json::from_str(&line).map_err(|error| wrong(&error))?;
    let wait = move || {
        let _read = io::stdin().lock().read_to_end(&mut Vec::new());
        interrupt.end();
    };
    thread::Builder::new()
        .spawn(wait)
        .map_err(|error| wrong(&error))?;
    Ok(script)
}
