//! The log: one line for each thing that is worth one, on standard error.
//!
//! Lines are logfmt (`level=warn target=farmctl::daemon message="…" key=value`), so that a person
//! can read them and a program can take them apart. Under systemd each has the priority prefix of
//! sd-daemon(3); a terminal gets colours. A thread of its own writes: whoever logs never waits for
//! standard error, and what could not be written is counted and told. Started once by `cli` for the
//! daemon; everything else only uses `tracing`.

mod layer;
mod line;
mod queue;
mod shape;

pub use shape::Shape;

use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::event::{Event, Severity};

/// Why the log could not be set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter has a word that means nothing.
    #[error(
        "the log filter {filter:?} can't be used: {reason}. It is a level (error, warn, info, debug, trace), or levels of parts: info,farmctl::health=debug"
    )]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something in this process logs already.
    #[error("the log runs already")]
    Running,
    /// The thread that writes could not be started.
    #[error("the thread that writes the log could not be started: {0}")]
    Thread(std::io::Error),
    /// The log has ended.
    #[error("the log has ended")]
    Ended,
}

/// How long the end of the process waits for lines that are not written yet.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The hand on the log. Dropped, it waits a moment for the last lines.
#[derive(Debug)]
pub struct Handle {
    filter: Filter,
    queue: queue::Queue,
}

/// What changes the levels while the daemon runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Filter(reload::Handle<EnvFilter, Registry>);

impl Filter {
    /// What is logged from now on: a level, or levels of parts (`info,farmctl::health=debug`).
    ///
    /// # Errors
    /// [`Error::Filter`]; the old filter goes on.
    pub fn set(&self, filter: &str) -> Result<(), Error> {
        let parsed = parse(filter)?;
        self.0.reload(parsed).map_err(|_| Error::Ended)
    }

    /// What is logged now.
    pub fn get(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }
}

impl Handle {
    /// See [`Filter::set`].
    ///
    /// # Errors
    /// [`Error::Filter`]; the old filter goes on.
    pub fn set(&self, filter: &str) -> Result<(), Error> {
        self.filter.set(filter)
    }

    /// What changes the levels, for those who don't own the log.
    pub fn filter(&self) -> Filter {
        self.filter.clone()
    }

    /// Lines that were lost because standard error took none.
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.wait(LAST_LINES);
    }
}

/// Starts the log of this process on standard error, as [`Shape::of_standard_error`] sees it.
///
/// # Errors
/// [`Error::Filter`], and [`Error::Running`] if it was started before.
pub fn start(filter: &str) -> Result<Handle, Error> {
    let (subscriber, handle) = subscriber(filter, Shape::of_standard_error(), std::io::stderr())?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Running)?;
    Ok(handle)
}

type Subscriber = tracing_subscriber::layer::Layered<
    layer::Lines,
    tracing_subscriber::layer::Layered<reload::Layer<EnvFilter, Registry>, Registry>,
>;

fn subscriber(
    filter: &str,
    shape: Shape,
    to: impl std::io::Write + Send + 'static,
) -> Result<(Subscriber, Handle), Error> {
    let (levels, reloaded) = reload::Layer::new(parse(filter)?);
    let queue = queue::Queue::start(to, shape).map_err(Error::Thread)?;
    let lines = layer::Lines::new(queue.clone(), shape);
    let handle = Handle {
        filter: Filter(reloaded),
        queue,
    };
    Ok((
        tracing_subscriber::registry().with(levels).with(lines),
        handle,
    ))
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|reason| Error::Filter {
            filter: filter.to_owned(),
            reason: reason.to_string(),
        })
}

/// Logs an event as a line with its fields.
pub fn event(event: &Event) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                target: "farmctl::event",
                $level,
                kind = %event.kind,
                service = event.subject.service,
                server = event.subject.server,
                address = event.subject.address.map(tracing::field::display),
                vip = event.subject.vip,
                node = event.subject.node,
                sequence = event.sequence,
                "{}",
                event.message
            )
        };
    }
    match event.severity {
        Severity::Info => line!(tracing::Level::INFO),
        Severity::Warning => line!(tracing::Level::WARN),
        Severity::Alarm => line!(tracing::Level::ERROR),
    }
}

#[cfg(test)]
mod tests;
