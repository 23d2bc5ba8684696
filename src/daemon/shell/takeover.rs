//! One daemon after another: the new one asks the running one to let go.

use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::api::{Done, Refusal, Reply};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::{Error, request};
use crate::reconcile::WriterLock;

/// So long the running daemon may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The answer is on its way to the other process for so long at most.
const FLUSH: Duration = Duration::from_millis(50);

/// Says that everything was let go: the right to write is free.
pub(super) async fn let_go(reply: oneshot::Sender<Result<Reply, Refusal>>) {
    let message = "The daemon has let go.".to_owned();
    let done = Reply::Done(Done {
        message,
        overrides: Vec::new(),
    });
    if reply.send(Ok(done)).is_ok() {
        tokio::time::sleep(FLUSH).await;
    }
}

/// Has the daemon that answers at a socket let go, if one does. It has ended its work when this
/// returns, and what it knew is in the state directory.
pub(in crate::daemon) fn ask_to_let_go(socket: &Path) -> Result<(), Error> {
    let Ok((status, said)) = request(socket, "/v1/hand-over", "{}") else {
        return free_in_time();
    };
    if (200..300).contains(&status) {
        return free_in_time();
    }
    Err(Error::NotLetGo(said))
}

/// Waits for the right to write: a daemon that was asked to end gives it up within a moment.
fn free_in_time() -> Result<(), Error> {
    let until = SystemClock.since_boot() + PATIENCE;
    loop {
        match WriterLock::take() {
            Ok(_) => return Ok(()),
            Err(busy) if SystemClock.since_boot() >= until => return Err(busy.into()),
            Err(_) => SystemClock.sleep(Duration::from_millis(20)),
        }
    }
}
