//! The addresses that the API is served at.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::api::{BindError, Command, Listener, Page, Sources, bind_unix, serve};

/// So many orders may wait.
const QUEUE: usize = 64;

/// The open doors.
pub(super) struct Doors {
    socket: PathBuf,
    task: JoinHandle<()>,
}

impl Doors {
    /// Serves the unix socket. `sources` gets the way of orders.
    pub(super) fn open(
        socket: &Path,
        sources: impl FnOnce(mpsc::Sender<Command>) -> Sources,
    ) -> Result<(Self, mpsc::Receiver<Command>), BindError> {
        let listener = bind_unix(socket)?;
        let (sender, commands) = mpsc::channel(QUEUE);
        let sources = sources(sender);
        let task = tokio::spawn(serve(Listener::Unix(listener), sources));
        let doors = Self {
            socket: socket.to_owned(),
            task,
        };
        Ok((doors, commands))
    }

    /// Takes nobody in any more; connections that are open may still be answered.
    pub(super) fn close(self) {
        self.task.abort();
        // Gone already, or in the way of nobody: the next daemon takes a dead socket away.
        let _gone = std::fs::remove_file(&self.socket);
    }
}

/// What the metrics page has.
pub(super) const PAGE: Page = Page::Own;
