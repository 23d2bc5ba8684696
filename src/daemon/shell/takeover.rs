//! One daemon after another: the new one asks the running one to let go.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::api::{Done, Refusal, Reply};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::Error;
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
    let Ok(stream) = UnixStream::connect(socket) else {
        return free_in_time();
    };
    let failed = |source| super::system("ask the running daemon to let go", source);
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut stream = stream;
    let request = "POST /v1/hand-over HTTP/1.1\r\nHost: farmctl\r\nConnection: close\r\n\
                   Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    if answer.starts_with("HTTP/1.1 2") {
        return free_in_time();
    }
    let said = answer.lines().last().unwrap_or_default().to_owned();
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
