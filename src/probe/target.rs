//! Who is asked, from where, and how far the asking has come.
//!
//! A [`Target`] goes through every layer of a question; each layer writes down what it waits for,
//! so that a time-out says what was missing. Used by every kind of question.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Failure;
use crate::health::Question;
use crate::spec::Vantage;

/// Who is asked, from where, and how far the asking has come.
#[derive(Debug)]
pub struct Target<'a> {
    question: &'a Question,
    waits_for: Mutex<&'static str>,
}

impl<'a> Target<'a> {
    /// The target of a question that is about to be asked.
    pub fn new(question: &'a Question) -> Self {
        Self {
            question,
            waits_for: Mutex::new("an answer"),
        }
    }

    /// The whole question.
    pub fn question(&self) -> &'a Question {
        self.question
    }

    /// The address and the port that are asked.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.question.address, self.question.port)
    }

    /// From where it is asked.
    pub fn vantage(&self) -> &'a Vantage {
        self.question.vantage()
    }

    /// Writes down what is waited for from now on, as `the TLS handshake`.
    pub fn waits_for(&self, what: &'static str) {
        *self.lock() = what;
    }

    /// The failure of a question whose time is over.
    pub fn timed_out(&self) -> Failure {
        Failure::timed_out(self.question.timeout(), &self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, &'static str> {
        self.waits_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
