//! Bare TCP connections, thousands at once, on a thread of their own.
//!
//! A check that says nothing and expects nothing needs no task: a socket, a place in a table and
//! one event of epoll(7) are enough. The thread naps for a millisecond while many are out, so that
//! it handles them in batches instead of waking for each. Called by [`super::runner`] only.

mod connector;
mod deadlines;

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::mpsc::UnboundedSender;

use super::runner::{Ask, Batch};
use crate::clock::{Clock as _, SystemClock};
use crate::health::Question;
use crate::spec::{Kind, Way};
use connector::Connector;

/// So many out at once, and the thread handles them in batches.
const MANY: usize = 64;

/// How long it naps then.
const NAP: Duration = Duration::from_millis(1);

/// The event of the mailbox; those of connections are below it.
const MAIL: u64 = u64::MAX;

/// So many events are taken at once.
const EVENTS: usize = 512;

/// Whether a question is a bare connection from this namespace.
pub(super) fn is_bare(question: &Question) -> bool {
    let vantage = question.vantage();
    let says_nothing = match question.kind() {
        Some(Kind::Tcp(check)) => {
            check.send.is_none() && check.expect.is_none() && check.tls.is_none()
        }
        Some(_) | None => false,
    };
    says_nothing && vantage.namespace.is_none() && vantage.way == Way::Server
}

/// The thread, from outside.
#[derive(Debug)]
pub(super) struct Bare<Id: Ask>(Arc<Mailbox<Id>>);

/// What the thread is told.
#[derive(Debug)]
enum Order<Id> {
    Ask(Id, Arc<Question>),
    Forget(Id),
    End,
}

#[derive(Debug)]
struct Mailbox<Id> {
    orders: Mutex<Vec<Order<Id>>>,
    /// Whether the thread waits, so that it has to be woken.
    waits: AtomicBool,
    bell: EventFd,
}

impl<Id: Ask> Bare<Id> {
    /// Starts the thread.
    pub(super) fn start(answers: UnboundedSender<Batch<Id>>) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox {
            orders: Mutex::default(),
            waits: AtomicBool::new(false),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
        });
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(
            mailbox.bell.as_fd(),
            EpollEvent::new(EpollFlags::EPOLLIN, MAIL),
        )?;
        let worker = Worker {
            mailbox: Arc::clone(&mailbox),
            connector: Connector::new(epoll),
            answers,
        };
        std::thread::Builder::new()
            .name("probe-tcp".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self(mailbox))
    }

    /// Has it asked.
    pub(super) fn ask(&self, id: Id, question: Arc<Question>) {
        self.0.post(Order::Ask(id, question));
    }

    /// Has it forgotten.
    pub(super) fn forget(&self, id: Id) {
        self.0.post(Order::Forget(id));
    }
}

impl<Id: Ask> Drop for Bare<Id> {
    fn drop(&mut self) {
        self.0.post(Order::End);
    }
}

impl<Id> Mailbox<Id> {
    fn post(&self, order: Order<Id>) {
        self.lock().push(order);
        if self.waits.swap(false, Ordering::SeqCst) {
            // It fails only where the bell has rung already.
            let _rung = self.bell.write(1);
        }
    }

    fn take(&self) -> Vec<Order<Id>> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Order<Id>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread, from inside.
struct Worker<Id: Ask> {
    mailbox: Arc<Mailbox<Id>>,
    connector: Connector<Id>,
    answers: UnboundedSender<Batch<Id>>,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Mood {
    GoOn,
    End,
}

impl<Id: Ask> Worker<Id> {
    fn run(mut self) {
        let mut events = vec![EpollEvent::empty(); EVENTS];
        while self.turn(&mut events) == Mood::GoOn {}
    }

    fn turn(&mut self, events: &mut [EpollEvent]) -> Mood {
        self.take_events(events);
        self.connector.late(SystemClock.now());
        if self.obey() == Mood::End {
            return Mood::End;
        }
        let batch = self.connector.take_answers();
        if !batch.is_empty() && self.answers.send(batch).is_err() {
            return Mood::End;
        }
        Mood::GoOn
    }

    /// Takes everything that came, before anything counts as late: a machine that had no time for
    /// this thread must not blame the servers.
    fn take_events(&mut self, events: &mut [EpollEvent]) {
        let mut length = self.wait(events);
        loop {
            let now = SystemClock.now();
            for event in events.iter().take(length) {
                self.take_event(event, now);
            }
            if length < events.len() {
                return;
            }
            length = self.events(events, EpollTimeout::ZERO);
        }
    }

    fn take_event(&mut self, event: &EpollEvent, now: Instant) {
        if event.data() == MAIL {
            let _silenced = self.mailbox.bell.read();
        } else {
            self.connector.ready(event, now);
        }
    }

    fn obey(&mut self) -> Mood {
        for order in self.mailbox.take() {
            match order {
                Order::Ask(id, question) => self.connector.begin(id, &question),
                Order::Forget(id) => self.connector.forget(id),
                Order::End => return Mood::End,
            }
        }
        Mood::GoOn
    }

    /// Waits for something to do; gives how many events there are.
    fn wait(&mut self, events: &mut [EpollEvent]) -> usize {
        if self.connector.len() >= MANY {
            SystemClock.sleep(NAP);
            return self.events(events, EpollTimeout::ZERO);
        }
        self.mailbox.waits.store(true, Ordering::SeqCst);
        let idle = self.mailbox.lock().is_empty();
        let timeout = if idle {
            self.connector.timeout(SystemClock.now())
        } else {
            EpollTimeout::ZERO
        };
        let length = self.events(events, timeout);
        self.mailbox.waits.store(false, Ordering::SeqCst);
        length
    }

    /// An interrupted wait is one without events.
    fn events(&self, events: &mut [EpollEvent], timeout: EpollTimeout) -> usize {
        let waited = self.connector.epoll().wait(events, timeout);
        waited.unwrap_or_default()
    }
}
