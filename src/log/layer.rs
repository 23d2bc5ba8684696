//! The layer of `tracing` that makes a line of each event and puts it into the queue.

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::line::Line;
use super::queue::Queue;
use super::shape::Shape;

/// Makes lines. Spans are not shown: farmctl's lines say in their fields what they are about.
#[derive(Debug)]
pub(super) struct Lines {
    queue: Queue,
    shape: Shape,
}

impl Lines {
    pub(super) fn new(queue: Queue, shape: Shape) -> Self {
        Self { queue, shape }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let mut line = Line::new(self.shape, *meta.level(), meta.target());
        event.record(&mut line);
        self.queue.put(line.finish());
    }
}
