//! `farmctl daemon --release`: the daemon that runs is stopped, and everything that farmctl made
//! here is removed.

use std::sync::mpsc::channel;
use std::time::Duration;

use tracing::info;

use super::takeover::ask_to_let_go;
use crate::daemon::{Error, Options};
use crate::reconcile::Store;
use crate::reconcile::keeper::{Keeper, Options as KeeperOptions, Order, Said};

/// Removing takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Removes everything.
pub(super) fn release(options: &Options) -> Result<(), Error> {
    Store::at(&options.state_dir).prepare()?;
    ask_to_let_go(&options.socket)?;
    let (inbox, said) = channel();
    let keeper = KeeperOptions {
        state_dir: options.state_dir.clone(),
        dataplane: options.dataplane,
        farm: None,
        seed: 0,
    };
    let keeper = Keeper::start(keeper, move |said| {
        // Nobody waits any more.
        let _ended = inbox.send(said);
    })?;
    keeper.send(Order::Release);
    loop {
        match said.recv_timeout(PATIENCE) {
            Ok(Said::Released(Ok(report))) => {
                let count = report.plan.changes.len();
                info!("Everything that farmctl made was removed: {count} changes.");
                return Ok(());
            }
            Ok(Said::Released(Err(left))) => return Err(Error::Release(left)),
            Ok(Said::Stopped) => return Err(Error::KeeperGone),
            Ok(_) => {}
            Err(_) => {
                let left = "the kernel did not answer in time".to_owned();
                return Err(Error::Release(left));
            }
        }
    }
}
