//! The lines that wait for standard error, and the thread that writes them.
//!
//! The queue holds so many lines and no more: who logs puts a line in or counts it as lost, and
//! never waits. A writer that is stuck (a pipe that nobody reads, a slow disk) holds up only its
//! own thread.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing::Level;

use super::line;
use super::shape::Shape;

/// Lines that may wait: a second of a very bad minute.
const LINES: usize = 8192;

/// The near end of the queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    lines: SyncSender<Post>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Post {
    Line(String),
    /// Everything before is to be written; then this is dropped.
    Written(SyncSender<()>),
}

impl Queue {
    /// Starts the thread that writes to `to`.
    pub(super) fn start(to: impl Write + Send + 'static, shape: Shape) -> std::io::Result<Self> {
        let (lines, posts) = sync_channel(LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || write_all(&posts, to, &counter, shape))?;
        Ok(Self { lines, lost })
    }

    /// Puts a line in, or counts it as lost where there is no room.
    pub(super) fn put(&self, line: String) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.lines.try_send(Post::Line(line))
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were lost since the log began.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until what is in the queue is written, at most so long.
    pub(super) fn wait(&self, longest: Duration) {
        let (answer, answered) = sync_channel(0);
        if self.lines.try_send(Post::Written(answer)).is_ok() {
            match answered.recv_timeout(longest) {
                Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }
}

fn write_all(posts: &Receiver<Post>, mut to: impl Write, lost: &AtomicU64, shape: Shape) {
    let mut told = 0;
    for post in posts {
        match post {
            Post::Line(text) => drop(to.write_all(text.as_bytes())),
            Post::Written(answer) => {
                drop(to.flush());
                drop(answer);
            }
        }
        tell_losses(&mut to, &mut told, lost.load(Ordering::Relaxed), shape);
    }
}

/// Writes how many lines were lost since it was told last.
fn tell_losses(to: &mut impl Write, told: &mut u64, lost: u64, shape: Shape) {
    if lost > *told {
        let message = format!(
            "{} lines of the log were lost: standard error took none",
            lost - *told
        );
        let line = line::Line::new(shape, Level::WARN, "farmctl::log").message(&message);
        drop(to.write_all(line.finish().as_bytes()));
        *told = lost;
    }
}
