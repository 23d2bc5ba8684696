//! The addresses that the API is served at.

use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::{info, warn};

use crate::api::{BindError, Command, Door, Listener, Sources, bind_tcp, bind_unix, serve};
use crate::spec::{ApiOptions, EffectiveDaemon};

/// So many orders may wait.
const QUEUE: usize = 64;

/// The open doors.
pub(super) struct Doors {
    socket: PathBuf,
    listener: UnixListener,
    sources: Sources,
    unix: AbortHandle,
    /// What is served over TCP, and the task that does.
    tcp: Option<(ApiOptions, AbortHandle)>,
}

impl Doors {
    /// Serves the unix socket. `sources` gets the way of orders.
    pub(super) fn open(
        socket: &Path,
        sources: impl FnOnce(mpsc::Sender<Command>) -> Sources,
    ) -> Result<(Self, mpsc::Receiver<Command>), BindError> {
        let failed = |source| BindError::Io {
            place: socket.display().to_string(),
            source,
        };
        let listener = bind_unix(socket)?;
        let (sender, commands) = mpsc::channel(QUEUE);
        let sources = sources(sender);
        let own = listener.try_clone().map_err(failed)?;
        let unix = spawn(Listener::Unix(own), &sources);
        let doors = Self {
            socket: socket.to_owned(),
            listener,
            sources,
            unix,
            tcp: None,
        };
        Ok((doors, commands))
    }

    /// Serves what another file asks for. What can't be served is told, and stops nothing else.
    pub(super) fn follow(&mut self, options: &EffectiveDaemon) {
        let other_page = self.sources.names != options.compatible_metrics;
        self.sources.names.clone_from(&options.compatible_metrics);
        if other_page && let Ok(own) = self.listener.try_clone() {
            self.unix.abort();
            self.unix = spawn(Listener::Unix(own), &self.sources);
        }
        let served = self.tcp.as_ref().map(|(served, _)| served);
        if served == options.api.as_ref() && !other_page {
            return;
        }
        if let Some((_, task)) = self.tcp.take() {
            task.abort();
        }
        let Some(wanted) = &options.api else {
            return;
        };
        match self.serve_tcp(wanted) {
            Ok(task) => self.tcp = Some((wanted.clone(), task)),
            Err(why) => warn!("{why}"),
        }
    }

    fn serve_tcp(&self, wanted: &ApiOptions) -> Result<AbortHandle, String> {
        let address: SocketAddr = wanted.listen.0;
        let token = wanted.token_file.as_ref().map(ToString::to_string);
        let door = Door::of(address, token.as_deref().map(Path::new));
        let door = door.map_err(|error| error.to_string())?;
        let listener = bind_tcp(address).map_err(|error| error.to_string())?;
        info!("The API can be read at {address}.");
        Ok(spawn(Listener::Tcp(listener, door), &self.sources))
    }

    /// Takes nobody in any more; connections that are open may still be answered.
    pub(super) fn close(self) {
        self.unix.abort();
        if let Some((_, task)) = self.tcp {
            task.abort();
        }
        // Gone already, or in the way of nobody: the next daemon takes a dead socket away.
        let _gone = std::fs::remove_file(&self.socket);
    }
}

fn spawn(listener: Listener, sources: &Sources) -> AbortHandle {
    tokio::spawn(serve(listener, sources.clone())).abort_handle()
}
