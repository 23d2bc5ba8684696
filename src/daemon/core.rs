//! What the daemon decides, without input or output: inputs and the time go in, outputs come out.
//!
//! It opens no file and no socket and knows no clock. Tests run it under a time of their own.
//! Called by the shell alone.

use std::collections::VecDeque;

use super::watch::Look;
use crate::clock::Moment;
use crate::event::Kind;

/// What the core is told.
#[derive(Debug)]
pub enum Input {
    /// What the watched file holds now.
    File(Look),
}

/// What the core wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Something happened that is to be told.
    Tell(Kind, String),
}

/// Decides.
#[derive(Debug, Default)]
pub struct Core {
    outputs: VecDeque<Output>,
    file: Option<Look>,
}

impl Core {
    /// A core that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, _now: Moment, input: Input) {
        match input {
            Input::File(look) => {
                if let Look::Nothing(why) = &look {
                    let why = format!("The farm's file can't be read: {why}.");
                    self.outputs.push_back(Output::Tell(Kind::FileRefused, why));
                }
                self.file = Some(look);
            }
        }
    }

    /// What is to be done, in order.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
