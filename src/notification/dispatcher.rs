//! All receivers at work: an engine and a task for each.
//!
//! The engines are behind a lock that is never held across a wait, so that [`Dispatcher::tell`]
//! costs a few map look-ups and nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::delivery::deliver;
use super::engine::Engine;
use super::{Receiver, ReceiverState, Sender};
use crate::clock::{Clock, Moment, SystemClock};
use crate::event::Event;
use crate::probe::Tools;

/// So long the end of the daemon waits for messages that can still be delivered.
const LAST_MESSAGES: Duration = Duration::from_secs(3);

/// All receivers and their tasks. Lives in the daemon's tokio runtime.
#[derive(Debug)]
pub struct Dispatcher {
    posts: Vec<Post>,
    sender: Sender,
    tools: Arc<Tools>,
}

/// A receiver at work.
#[derive(Debug)]
struct Post {
    receiver: Receiver,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// What the task of a receiver and the dispatcher share.
#[derive(Debug)]
struct Desk {
    engine: Mutex<Engine>,
    news: Notify,
}

impl Desk {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Moment {
    Moment::since_boot(SystemClock.since_boot())
}

impl Dispatcher {
    /// Starts a task for each receiver. To be called inside a tokio runtime.
    pub fn start(receivers: Vec<Receiver>, sender: Sender) -> Self {
        let mut dispatcher = Self {
            posts: Vec::new(),
            sender,
            tools: Arc::default(),
        };
        dispatcher.configure(receivers);
        dispatcher
    }

    /// Hands an event to every receiver that wants it. Never waits, never fails.
    pub fn tell(&self, event: &Event) {
        let now = now();
        for post in &self.posts {
            post.desk.engine().handle_event(event, now);
            post.desk.news.notify_one();
        }
    }

    /// Takes the receivers of a new file. Those that are unchanged go on untouched; those that are
    /// changed keep what waits for them; what waits for those that are gone is tried once more.
    pub fn configure(&mut self, receivers: Vec<Receiver>) {
        let mut old = std::mem::take(&mut self.posts);
        for receiver in receivers {
            let known = old
                .iter()
                .position(|post| post.receiver.name == receiver.name);
            let post = match known.map(|place| old.swap_remove(place)) {
                Some(post) if post.receiver == receiver => post,
                Some(post) => self.change(&post, receiver),
                None => self.open(receiver),
            };
            self.posts.push(post);
        }
        for post in old {
            tokio::spawn(post.close());
        }
    }

    fn open(&self, receiver: Receiver) -> Post {
        let seed = fastrand::u64(..);
        let engine = Engine::new(receiver.wishes.clone(), self.sender.clone(), seed);
        self.work(receiver, engine)
    }

    fn change(&self, post: &Post, receiver: Receiver) -> Post {
        post.task.abort();
        let mut engine = Engine::new(
            receiver.wishes.clone(),
            self.sender.clone(),
            fastrand::u64(..),
        );
        std::mem::swap(&mut engine, &mut post.desk.engine());
        engine.handle_interruption();
        engine.configure(receiver.wishes.clone());
        self.work(receiver, engine)
    }

    fn work(&self, receiver: Receiver, engine: Engine) -> Post {
        let desk = Arc::new(Desk {
            engine: Mutex::new(engine),
            news: Notify::new(),
        });
        let work = run(receiver.clone(), Arc::clone(&desk), Arc::clone(&self.tools));
        Post {
            receiver,
            desk,
            task: tokio::spawn(work),
        }
    }

    /// How each receiver does.
    pub fn report(&self) -> Vec<ReceiverState> {
        self.posts.iter().map(Post::report).collect()
    }

    /// Tries for a short while to deliver what waits, then ends every task.
    pub async fn stop(self) {
        let closing = self.posts.into_iter().map(Post::close);
        futures_util::future::join_all(closing).await;
    }
}

impl Post {
    fn report(&self) -> ReceiverState {
        let engine = self.desk.engine();
        let count = engine.count().clone();
        ReceiverState {
            name: self.receiver.name.clone(),
            delivered: count.delivered,
            failed: count.failed,
            dropped: count.dropped,
            waiting: engine.waiting(),
            trouble: count.trouble,
        }
    }

    async fn close(mut self) {
        self.desk.engine().close();
        self.desk.news.notify_one();
        if timeout(LAST_MESSAGES, &mut self.task).await.is_err() {
            self.task.abort();
            let left = self.desk.engine().waiting();
            let name = &self.receiver.name;
            tracing::warn!(
                receiver = name,
                events = left,
                "{left} events could not be told to {name} before the end"
            );
        }
    }
}

/// The task of one receiver: waits until a message is due, delivers it, and again.
async fn run(receiver: Receiver, desk: Arc<Desk>, tools: Arc<Tools>) {
    while !desk.engine().is_done() {
        let due = desk.engine().poll_timeout();
        match due.map(|due| due.since(now())) {
            Some(Duration::ZERO) => transmit(&receiver, &desk, &tools).await,
            Some(wait) => drop(timeout(wait, desk.news.notified()).await),
            None => desk.news.notified().await,
        }
    }
}

async fn transmit(receiver: &Receiver, desk: &Desk, tools: &Tools) {
    let Some(mut message) = desk.engine().poll_transmit(now()) else {
        return;
    };
    message.at = u64::try_from(SystemClock.unix().as_millis()).unwrap_or(u64::MAX);
    let name = &receiver.name;
    match deliver(receiver, tools, &message).await {
        Ok(()) => {
            desk.engine().handle_delivered(now());
            tracing::debug!(receiver = name, "{name} was told: {}", message.title());
        }
        Err(failure) => {
            let before = desk.engine().count().trouble.clone();
            desk.engine().handle_failure(&failure, now());
            if before.as_deref() == Some(failure.to_string().as_str()) {
                tracing::debug!(receiver = name, "{name} can't be told: {failure}");
            } else {
                tracing::warn!(
                    receiver = name,
                    "{name} can't be told what happens, and is tried again: {failure}"
                );
            }
        }
    }
}
