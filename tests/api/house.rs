//! A server with a daemon behind it that the test plays.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use farmctl::api::{
    ApplyReport, Command, DiffReport, Done, Door, EventLog, Listener, Meters, Order, OutcomeKind,
    Peer, Refusal, RefusalKind, Reply, Sources, Status, Summary, bind_tcp, bind_unix, serve,
};
use farmctl::dataplane::Observation;
use farmctl::event::{Event, FORMAT_VERSION, Kind, Severity, Subject};
use farmctl::reconcile::{Origin, Record, Snapshot};
use farmctl::spec::{DataplaneKind, MetricsNames};
use tokio::sync::{mpsc, oneshot, watch};

use crate::farm;

/// Every order that came, and from whom.
type Heard = Arc<Mutex<Vec<(Order, Option<Peer>)>>>;

/// A served farm. It ends with the value.
pub(crate) struct House {
    /// The socket.
    pub socket: PathBuf,
    /// The TCP address, where one is served.
    pub address: Option<SocketAddr>,
    /// What is so now.
    pub status: watch::Sender<Arc<Status>>,
    /// What happened.
    pub events: Arc<EventLog>,
    /// What was ordered, and by whom.
    pub orders: Heard,
    /// What was measured.
    pub meters: Arc<Meters>,
    place: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The run of the daemon that is played.
pub(crate) const RUN: u64 = 1_800_000_000_000;

impl House {
    /// Serves the farm of `farm.rs` at a unix socket.
    pub(crate) fn open() -> Self {
        Self::with_door(None)
    }

    /// The same, and over TCP on a loopback address.
    pub(crate) fn with_door(door: Option<Door>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("api.sock");
        let mut listeners = vec![Listener::Unix(bind_unix(&socket).unwrap())];
        let mut address = None;
        if let Some(door) = door {
            let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
            address = Some(listener.local_addr().unwrap());
            listeners.push(Listener::Tcp(listener, door));
        }
        let (status, seen) = watch::channel(Arc::new(farm::status()));
        let (_, observed) = watch::channel(Arc::new(farm::observation()));
        let (commands, inbox) = mpsc::channel(8);
        let sources = Sources {
            status: seen,
            observed,
            events: Arc::new(EventLog::new(RUN)),
            meters: Arc::new(Meters::new()),
            commands,
            names: vec![MetricsNames::NodeIpvs, MetricsNames::Keepalived],
        };
        let (events, meters) = (Arc::clone(&sources.events), Arc::clone(&sources.meters));
        let orders = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let core = Core {
            inbox,
            orders: Arc::clone(&orders),
        };
        let thread = std::thread::spawn(move || live(listeners, &sources, core, stopped));
        Self {
            socket,
            address,
            status,
            events,
            orders,
            meters,
            place,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Something happens.
    pub(crate) fn tell(&self, kind: Kind) {
        self.events.push(Event {
            format_version: FORMAT_VERSION,
            sequence: 0,
            at: RUN,
            node: Some("lb1".into()),
            severity: Severity::Info,
            kind,
            subject: Subject::default(),
            message: "web1 is up: HTTP 200.".into(),
        });
    }

    /// The daemon dies, as by kill -9: its socket's file stays.
    pub(crate) fn die(mut self) -> (PathBuf, tempfile::TempDir) {
        self.end();
        let place = std::mem::replace(&mut self.place, tempfile::tempdir().unwrap());
        (self.socket.clone(), place)
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.end();
    }
}

fn live(listeners: Vec<Listener>, sources: &Sources, core: Core, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::spawn(core.run());
        for listener in listeners {
            tokio::spawn(serve(listener, sources.clone()));
        }
        let _stopped = stopped.await;
    });
}

/// The daemon's part: it answers every order, and keeps it for the test.
struct Core {
    inbox: mpsc::Receiver<Command>,
    orders: Heard,
}

impl Core {
    async fn run(mut self) {
        while let Some(command) = self.inbox.recv().await {
            let answer = answer(&command.order);
            self.orders
                .lock()
                .unwrap()
                .push((command.order, command.peer));
            let _gone = command.reply.send(answer);
        }
    }
}

fn answer(order: &Order) -> Result<Reply, Refusal> {
    match order {
        Order::Drain(drain) if drain.server != "web1" => {
            let message = format!("The file has no real server called {}.", drain.server);
            Err(Refusal::new(RefusalKind::NotFound, message).helped("It has web1, web2."))
        }
        Order::Apply(_) => Ok(Reply::Applied(ApplyReport {
            format_version: 1,
            farm: "shop".into(),
            dataplane: DataplaneKind::Nftables,
            outcome: OutcomeKind::Converged,
            exit_code: 0,
            kernel_writes: 0,
            changes: Vec::new(),
            messages: vec!["Nothing to do.".into()],
        })),
        Order::Diff | Order::RawDiff => Ok(Reply::Diff(Box::new(diff()))),
        Order::Snapshot => Ok(Reply::Snapshot(Box::new(snapshot()))),
        Order::Drain(_)
        | Order::Undrain(_)
        | Order::Maintenance(_)
        | Order::Weight(_)
        | Order::EndOverride(_)
        | Order::Approve(_)
        | Order::Confirm
        | Order::Reload
        | Order::HandOver
        | Order::SetLog(_) => Ok(Reply::Done(Done {
            message: "web1 takes no new connections.".into(),
            overrides: vec![3],
        })),
    }
}

fn diff() -> DiffReport {
    DiffReport {
        format_version: 1,
        farm: "shop".into(),
        node: Some("lb1".into()),
        dataplane: Some(DataplaneKind::Nftables),
        against: "live".into(),
        summary: Summary::default(),
        changes: Vec::new(),
        impact: Vec::new(),
        conflicts: Vec::new(),
        unfinished: Vec::new(),
        foreign: Vec::new(),
        overlay: Vec::new(),
        notes: Vec::new(),
        blind_spots: Vec::new(),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        farm: Some("shop".into()),
        kernel: "6.1.0".into(),
        taken: 1_800_000_000,
        dataplane: DataplaneKind::Nftables,
        observation: Observation::default(),
        record: Record::empty(Origin::here().unwrap()),
    }
}
