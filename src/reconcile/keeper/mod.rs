//! The one owner of the data plane while a daemon runs: a thread that makes the kernel hold what
//! is wished for, and sees that it stays so.
//!
//! Orders go in ([`Order`]), what happens comes out ([`Said`]). The newest wish wins; one that
//! waits while a newer one comes is dropped. It is level-triggered: every wish is compared with
//! what the kernel holds as it was last seen, never with the wish before. What a file no longer
//! has drains before it goes, which holds nothing else up. It never reads a file but those of the
//! state directory, asks no server anything, and prints nothing. Started by `daemon`.

mod backoff;
mod drains;
mod hands;
mod mirror;
mod order;
mod quarrel;
mod reader;
mod said;
mod steward;
mod terms;
mod thread;
mod trouble;
mod waiting;

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

pub use super::FileNews;
pub use crate::spec::DriftPolicy;
pub use order::{Options, Order, Wish};
pub use said::{Answer, Converged, DrainEnd, Draining, Reason, Said, Way};

use super::Error;
use thread::{Driver, Input};

/// A running keeper. When it is dropped its thread is told to stop, and ended.
#[derive(Debug)]
pub struct Keeper {
    inputs: Sender<Input>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Takes the right to write to this thread's network namespace, opens the data plane, and
    /// starts. `say` is called on the keeper's thread and must not wait.
    ///
    /// [`Error::Busy`] where another farmctl writes here.
    pub fn start(options: Options, say: impl Fn(Said) + Send + 'static) -> Result<Self, Error> {
        let (inputs, orders) = channel();
        let (opened, open) = channel();
        let own = inputs.clone();
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(
                move || match Driver::open(options, Some(own), Box::new(say)) {
                    Ok(driver) => {
                        let _waits = opened.send(Ok(()));
                        driver.run(&orders);
                    }
                    Err(error) => {
                        let _waits = opened.send(Err(error));
                    }
                },
            )
            .map_err(Error::Thread)?;
        let died = || Error::Thread(std::io::Error::other("it ended at once"));
        open.recv().map_err(|_| died())??;
        Ok(Self {
            inputs,
            thread: Some(thread),
        })
    }

    /// Tells it something. It is done as soon as what is being done is finished; after
    /// [`Said::Stopped`] nothing is done any more.
    pub fn send(&self, order: Order) {
        // A keeper that has ended said so.
        let _ended = self.inputs.send(Input::Order(order));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
