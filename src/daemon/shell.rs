//! The shell around [`super::core::Core`]: the runtime, signals, files, the keeper's thread.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::core::{Core, Input};
use super::watch::{Look, Watch};
use super::{Error, Options};
use crate::clock::{Clock as _, Moment, SystemClock};
use crate::reconcile::{Store, WriterLock};

/// Runs until a signal ends it.
pub(super) fn run(options: &Options) -> Result<(), Error> {
    let store = Store::at(&options.state_dir);
    store.prepare()?;
    let _lock = WriterLock::take()?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| system("start its runtime", source))?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<(), Error> {
    let mut end = signal(SignalKind::terminate()).map_err(|it| system("hear signals", it))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|it| system("hear signals", it))?;
    let mut reload = signal(SignalKind::hangup()).map_err(|it| system("hear signals", it))?;
    let mut watch = Watch::default();
    let mut core = Core::new();
    core.handle(now(), Input::File(watch.at_once(look(&options.file))));
    loop {
        tokio::select! {
            _ = end.recv() => break,
            _ = interrupt.recv() => break,
            _ = reload.recv() => {
                core.handle(now(), Input::File(watch.at_once(look(&options.file))));
            }
        }
    }
    info!("The daemon ends; services, connections and addresses stay.");
    Ok(())
}

/// One look at a file.
fn look(path: &Path) -> Look {
    match std::fs::read(path) {
        Ok(bytes) => Look::Content(Arc::from(bytes)),
        Err(error) => Look::Nothing(error.to_string()),
    }
}

fn now() -> Moment {
    Moment::since_boot(SystemClock.since_boot())
}

fn system(what: &'static str, source: std::io::Error) -> Error {
    Error::System { what, source }
}
