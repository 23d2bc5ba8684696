//! How many programs and reads of files are out: each question at most one, all together at most
//! so many.
//!
//! A program that does not end although it was killed (a disk that does not answer) keeps its
//! place; its question waits for it and times out, and nothing new is begun. So there is never a
//! pile of them (keepalived #429). Used by [`super`] and by the questions about files.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::health::Question;
use crate::probe::{Failure, Target};

/// So many are out at most where nobody says otherwise.
const LIMIT: usize = 128;

/// The questions that are out.
#[derive(Debug, Clone)]
pub struct Outstanding {
    limit: usize,
    seats: Arc<Semaphore>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    questions: Mutex<HashSet<Question>>,
    left: Notify,
}

/// A question's place. It is given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    _turn: Turn,
    _seat: OwnedSemaphorePermit,
}

/// A question's turn: no other asking of the same question has one.
#[derive(Debug)]
struct Turn {
    shared: Arc<Shared>,
    question: Question,
}

impl Default for Outstanding {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Outstanding {
    /// None are out, and never more than `limit` will be.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            seats: Arc::new(Semaphore::new(limit)),
            shared: Arc::default(),
        }
    }

    /// A place for a target's question. It waits for the question's last asking to end, however
    /// long that takes; where too many others are out, half the time-out.
    pub async fn enter(&self, target: &Target<'_>) -> Result<Place, Failure> {
        let question = target.question();
        target.waits_for("what was begun for the last question to end");
        let turn = self.shared.turn(question).await;
        let seat = Arc::clone(&self.seats).acquire_owned();
        match timeout(question.timeout() / 2, seat).await {
            Ok(Ok(seat)) => Ok(Place {
                _turn: turn,
                _seat: seat,
            }),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    /// How many are out.
    pub fn count(&self) -> usize {
        self.limit.saturating_sub(self.seats.available_permits())
    }

    fn full(&self) -> Failure {
        Failure::here(format!(
            "{} programs and files of checks are out already: make them quicker, or ask less often",
            self.limit
        ))
    }
}

impl Shared {
    async fn turn(self: &Arc<Self>, question: &Question) -> Turn {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // From here on no leaving is missed.
            left.as_mut().enable();
            if self.lock().insert(question.clone()) {
                return Turn {
                    shared: Arc::clone(self),
                    question: question.clone(),
                };
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Question>> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.question);
        self.shared.left.notify_waiters();
    }
}
