//! The process that undoes an apply which nobody confirms. It outlives the apply and its session.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::cli::failure::{Failure, code};
use crate::cli::session::Session;
use crate::clock::SystemClock;
use crate::dataplane;
use crate::reconcile::{self, GuardEnd, Origin, Pending, Store, WriterLock};

/// What the guard says when it has left its parent's session.
const READY: &str = "ready";

/// Starts the guard and waits until it has left our session, so that neither our death nor that of
/// the terminal takes it along.
#[expect(
    clippy::disallowed_methods,
    reason = "the guard must outlive this process"
)]
pub(super) fn start(store: &Store) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .arg("guard")
        .arg("--state-dir")
        .arg(store.directory())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut said = [0; READY.len()];
    let pipe = child.stdout.as_mut().ok_or("it has no output")?;
    pipe.read_exact(&mut said)
        .map_err(|_| "it ended at once".to_owned())?;
    if said == *READY.as_bytes() {
        Ok(())
    } else {
        Err("it said something unexpected".into())
    }
}

/// `farmctl guard`: waits for the confirmation, and undoes the apply when it does not come.
pub(crate) fn run(session: &Session<'_>) -> Result<u8, Failure> {
    let store = Store::at(std::path::absolute(&session.global.state_dir).map_err(Failure::of)?);
    // Without a session of its own it would get the terminal's hang-up. Where farmctl is already
    // the first process of its session there is nothing to leave.
    let _already_first = nix::unistd::setsid();
    session.out.result(READY);
    let origin = Origin::here().map_err(Failure::of)?;
    // The undoing goes by the data plane of the change, whatever the file says by then.
    let Some(pending) = Pending::load(&store).map_err(Failure::of)? else {
        return Ok(code::OK);
    };
    let mut plane = dataplane::open(pending.dataplane())?;
    let end = reconcile::guard(
        &store,
        &origin,
        &SystemClock,
        &mut *plane,
        &mut WriterLock::take,
    )
    .map_err(Failure::of)?;
    Ok(match end {
        GuardEnd::Disarmed | GuardEnd::Undone { .. } => code::OK,
        GuardEnd::UndoneInPart { .. } => code::DIFFERENT,
    })
}
