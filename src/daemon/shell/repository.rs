//! Fetches the farm's file from its repository now and then, and when somebody says so.

use std::path::Path;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::Happened;
use crate::daemon::git::{Fetched, Repository};
use crate::spec::GitSource;

/// The hand on the task that fetches.
#[derive(Debug)]
pub(super) struct Fetching {
    source: GitSource,
    wakes: UnboundedSender<()>,
    task: AbortHandle,
}

impl Fetching {
    /// Begins at once.
    pub(super) fn begin(
        source: GitSource,
        state_dir: &Path,
        inbox: UnboundedSender<Happened>,
    ) -> Self {
        let (wakes, woken) = unbounded_channel();
        let repository = Repository::new(source.clone(), state_dir);
        let task = tokio::spawn(turn(repository, woken, inbox)).abort_handle();
        Self {
            source,
            wakes,
            task,
        }
    }

    /// What is fetched.
    pub(super) fn source(&self) -> &GitSource {
        &self.source
    }

    /// Fetches now.
    pub(super) fn look_now(&self) {
        let _ended = self.wakes.send(());
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn turn(
    repository: Repository,
    mut woken: UnboundedReceiver<()>,
    inbox: UnboundedSender<Happened>,
) {
    let mut known: Option<Result<Fetched, String>> = None;
    loop {
        let fetched = repository.fetch().await.map_err(|error| error.to_string());
        if known.as_ref() != Some(&fetched) {
            known = Some(fetched.clone());
            if inbox.send(Happened::Fetched(fetched)).is_err() {
                return;
            }
        }
        tokio::select! {
            wake = woken.recv() => if wake.is_none() { return },
            () = sleep(repository.source().poll()) => {}
        }
        while woken.try_recv().is_ok() {}
    }
}
