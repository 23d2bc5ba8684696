//! Asks many questions at once, and gives the answers back in batches.
//!
//! A bare TCP connection goes to a thread of its own that holds thousands of them without a task
//! each (`bare`); everything else is a task of the runtime. It decides neither when
//! something is asked nor what an answer means: `daemon` hands it what `health` wants asked.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::bare::{Bare, is_bare};
use super::{Tools, ask};
use crate::health::{Answer, Question, Verdict};

/// What an asking is called: small, and never the same twice while it is out.
pub trait Ask: Copy + Eq + Hash + fmt::Debug + Send + 'static {}
impl<Id: Copy + Eq + Hash + fmt::Debug + Send + 'static> Ask for Id {}

/// Answers that came at about the same time, each with what it answers.
pub type Batch<Id> = Vec<(Id, Answer)>;

/// Asks questions. Dropped, it asks no more and gives no more answers.
#[derive(Debug)]
pub struct Runner<Id: Ask> {
    tools: Arc<Tools>,
    bare: Bare<Id>,
    tasks: Arc<Tasks<Id>>,
}

/// Where the answers come in.
#[derive(Debug)]
pub struct Answers<Id>(UnboundedReceiver<Batch<Id>>);

impl<Id> Answers<Id> {
    /// The next answers, one or more; none once the runner is gone. Nothing is lost where this
    /// is dropped before it is done.
    pub async fn next(&mut self) -> Option<Batch<Id>> {
        self.0.recv().await
    }
}

impl<Id: Ask> Runner<Id> {
    /// A runner and its answers. Fails where this machine gives no thread or no file descriptor.
    pub fn new(tools: Arc<Tools>) -> io::Result<(Self, Answers<Id>)> {
        let (answers, receiver) = unbounded_channel();
        let runner = Self {
            tools,
            bare: Bare::start(answers.clone())?,
            tasks: Arc::new(Tasks {
                running: Mutex::default(),
                answers,
            }),
        };
        Ok((runner, Answers(receiver)))
    }

    /// The same with other tools, for what is asked from now on.
    pub fn set_tools(&mut self, tools: Arc<Tools>) {
        self.tools = tools;
    }

    /// Asks. Exactly one answer with this name comes, unless it is forgotten. Must be called
    /// inside the runtime; never waits.
    pub fn ask(&self, id: Id, question: Arc<Question>) {
        if is_bare(&question) {
            self.bare.ask(id, question);
        } else {
            Tasks::spawn(&self.tasks, id, question, Arc::clone(&self.tools));
        }
    }

    /// Breaks an asking off. An answer that is on its way already may still come.
    pub fn forget(&self, id: Id) {
        if let Some(task) = self.tasks.lock().remove(&id) {
            task.abort();
        } else {
            self.bare.forget(id);
        }
    }
}

impl<Id: Ask> Drop for Runner<Id> {
    fn drop(&mut self) {
        for (_, task) in self.tasks.lock().drain() {
            task.abort();
        }
    }
}

/// Askings that are tasks.
#[derive(Debug)]
struct Tasks<Id> {
    running: Mutex<HashMap<Id, AbortHandle>>,
    answers: UnboundedSender<Batch<Id>>,
}

impl<Id: Ask> Tasks<Id> {
    fn spawn(tasks: &Arc<Self>, id: Id, question: Arc<Question>, tools: Arc<Tools>) {
        let promise = Promise {
            id,
            tasks: Arc::clone(tasks),
        };
        // Held, so that the task cannot end before it is known.
        let mut running = tasks.lock();
        let task = tokio::spawn(async move {
            let answer = ask(&question, &tools).await;
            promise.tasks.answer(promise.id, answer);
        });
        running.insert(id, task.abort_handle());
    }

    /// Gives an answer, unless it was given or is not wanted any more.
    fn answer(&self, id: Id, answer: Answer) {
        if self.lock().remove(&id).is_some() {
            // Nobody listens where the runner's owner is about to end.
            drop(self.answers.send(vec![(id, answer)]));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that a task that breaks gives an answer too.
struct Promise<Id: Ask> {
    id: Id,
    tasks: Arc<Tasks<Id>>,
}

impl<Id: Ask> Drop for Promise<Id> {
    fn drop(&mut self) {
        let answer = Answer {
            verdict: Verdict::Unasked(
                "the check broke inside farmctl: please report it".to_owned(),
            ),
            took: Duration::ZERO,
            advice: None,
            certificate: None,
        };
        self.tasks.answer(self.id, answer);
    }
}
