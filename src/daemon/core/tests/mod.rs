//! The core under a time of its own, with a keeper that is played.

mod edits;
mod orders;
mod restarts;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Core, End, HealthDocument, Input, Kept, Output, Setup};
use crate::api::{Command, Order as ApiOrder, Peer, Refusal, Reply, Status};
use crate::clock::Moment;
use crate::daemon::judge::{Good, Judged, Revision, judge};
use crate::daemon::now::Now;
use crate::dataplane::Observation;
use crate::event::{Event, Kind};
use crate::health::{Answer, AskId, Fault, Question, Verdict};
use crate::reconcile::keeper::{Converged, Order, Reason, Said, Way, Wish};
use crate::reconcile::{Digest, Origin, Record, Report};
use crate::spec::{DataplaneKind, Name};
use crate::state::{HostFacts, desired_with};

/// Three real servers of one service, each checked.
pub(super) const FARM: &str = "\
version: 1
farm: shop
nodes: { lb1: { address: 10.0.0.1/24, interface: eth0 } }
directors: { members: [lb1], dataplane: nftables }
vips: { www: { addresses: [192.0.2.10/32], interface: eth0 } }
services:
  http:
    vip: www
    port: 80
    protocol: tcp
    forwarding: nat
    check: { tcp: {}, interval: 1s, timeout: 500ms, rise: 1, fall: 2 }
    real_servers:
      - { name: web1, address: 10.0.0.21, port: 8080, weight: 1 }
      - { name: web2, address: 10.0.0.22, port: 8080, weight: 2 }
      - { name: web3, address: 10.0.0.23, port: 8080, weight: 3 }
";

/// How the keeper takes wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Manner {
    /// The kernel holds them at once.
    Obeys,
    /// New files are refused for this reason.
    Refuses(Reason),
    /// Nothing is said.
    Silent,
}

/// A core and everything around it.
pub(super) struct Bench {
    pub(super) now: Now,
    pub(super) core: Core,
    pub(super) manner: Manner,
    pub(super) told: Vec<Event>,
    pub(super) wishes: Vec<Wish>,
    pub(super) orders: Vec<Order>,
    pub(super) asked: Vec<(AskId, Arc<Question>)>,
    pub(super) forgotten: Vec<AskId>,
    pub(super) kept: Vec<HealthDocument>,
    pub(super) ends: Vec<End>,
    pub(super) observation: Observation,
}

pub(super) fn origin() -> Origin {
    Origin {
        boot_id: "a boot".to_owned(),
        namespace: "4:1".to_owned(),
    }
}

fn setup() -> Setup {
    Setup {
        node: None,
        host_name: "lb1".to_owned(),
        file: "/etc/farmctl/farm.yaml".into(),
        dataplane: None,
        origin: origin(),
        seed: 7,
        pid: 4711,
        started: 0,
    }
}

pub(super) fn start() -> Now {
    Now {
        moment: Moment::since_boot(Duration::from_secs(1000)),
        unix: Duration::from_secs(1_800_000_000),
    }
}

pub(super) fn good(text: &str) -> Arc<Good> {
    match judge(
        revision(text),
        text.as_bytes(),
        &crate::daemon::judge::Against::default(),
    ) {
        Judged::Good(good) => good,
        other @ (Judged::Bad(_) | Judged::Absent(_)) => panic!("{other:?}"),
    }
}

fn revision(text: &str) -> Revision {
    Revision {
        file: "farm.yaml".to_owned(),
        digest: Digest::of(text.as_bytes()),
        commit: None,
        since: 0,
    }
}

impl Bench {
    /// A daemon that finds nothing, and has read the kernel.
    pub(super) fn new() -> Self {
        let mut bench = Self::kept(Kept::default());
        bench.ready();
        bench
    }

    /// A daemon that finds what an earlier one kept; the kernel is not read yet.
    pub(super) fn kept(kept: Kept) -> Self {
        let now = start();
        Self {
            now,
            core: Core::new(now, setup(), kept),
            manner: Manner::Obeys,
            told: Vec::new(),
            wishes: Vec::new(),
            orders: Vec::new(),
            asked: Vec::new(),
            forgotten: Vec::new(),
            kept: Vec::new(),
            ends: Vec::new(),
            observation: Observation::default(),
        }
    }

    /// A daemon of this farm whose real servers have all passed.
    pub(super) fn serving(text: &str) -> Self {
        let mut bench = Self::new();
        bench.file(text);
        bench.pass_all();
        bench
    }

    pub(super) fn ready(&mut self) {
        let observation = Arc::new(self.observation.clone());
        self.say(Said::Ready {
            observation,
            dataplane: DataplaneKind::Nftables,
            because: "The file says so.".to_owned(),
            record: Arc::new(Record::empty(origin())),
        });
    }

    pub(super) fn say(&mut self, said: Said) {
        self.give(Input::Said(said));
    }

    /// The source holds this now.
    pub(super) fn file(&mut self, text: &str) {
        let judged = judge(revision(text), text.as_bytes(), &self.core.against());
        self.give(Input::Judged(judged));
    }

    pub(super) fn absent(&mut self, why: &str) {
        self.give(Input::Judged(Judged::Absent(why.to_owned())));
    }

    pub(super) fn give(&mut self, input: Input) {
        self.core.handle(self.now, input);
        self.pump();
    }

    /// Lets time pass; everybody who is asked answers well where `is_well` says so.
    pub(super) fn wait(&mut self, length: Duration, is_well: impl Fn(&Question) -> bool) {
        let end = self.now.later(length);
        while let Some(due) = self.core.poll_timeout().filter(|due| *due <= end.moment) {
            let step = due.since(self.now.moment);
            self.now = self.now.later(step);
            self.core.handle_timeout(self.now);
            self.pump();
            self.answer(&is_well);
        }
        self.now = self.now.later(end.moment.since(self.now.moment));
    }

    fn answer(&mut self, is_well: &impl Fn(&Question) -> bool) {
        for (ask, question) in std::mem::take(&mut self.asked) {
            let verdict = if is_well(&question) {
                Verdict::Pass("connected".to_owned())
            } else {
                Verdict::Fail {
                    fault: Fault::Refused,
                    text: "connection refused".to_owned(),
                }
            };
            let answer = Answer {
                verdict,
                took: Duration::from_millis(1),
                advice: None,
                certificate: None,
            };
            self.give(Input::Answered { ask, answer });
        }
    }

    pub(super) fn pass_all(&mut self) {
        self.wait(Duration::from_secs(10), |_| true);
    }

    /// What the last wish gives each real server; none where it is out.
    pub(super) fn weights(&self) -> Vec<(String, Option<u32>)> {
        let wish = self.wishes.last().expect("a wish");
        let node = Name::new_unchecked("lb1");
        let host = HostFacts::default();
        let desired = desired_with(
            &wish.farm,
            Some(&node),
            &host,
            DataplaneKind::Nftables,
            &wish.overlay,
        );
        let roster = crate::daemon::roster::Roster::of(&wish.farm);
        let seats = roster.seats().map(|seat| {
            let weight = desired
                .destinations
                .iter()
                .find_map(|((service, key), origin)| {
                    let it = desired.state.services.get(service)?.destinations.get(key)?;
                    (origin.name == seat.member.server).then_some(it.weight)
                });
            (seat.member.server.clone(), weight)
        });
        seats.collect()
    }

    pub(super) fn status(&self) -> Status {
        self.core.status(self.now)
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.told.iter().map(|event| event.kind).collect()
    }

    /// How often something of a kind was told.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.told.iter().filter(|event| event.kind == kind).count()
    }

    /// An operator orders something.
    pub(super) fn order(&mut self, order: ApiOrder) -> Result<Reply, Refusal> {
        let (reply, mut answer) = oneshot::channel();
        let peer = Peer {
            uid: 0,
            gid: 0,
            pid: None,
        };
        self.give(Input::Ordered(Command {
            order,
            peer: Some(peer),
            reply,
        }));
        answer.try_recv().expect("an answer")
    }

    fn pump(&mut self) {
        while let Some(output) = self.core.output() {
            match output {
                Output::Ask { id, question } => self.asked.push((id, question)),
                Output::Forget { id } => {
                    self.asked.retain(|(asked, _)| *asked != id);
                    self.forgotten.push(id);
                }
                Output::Keeper(Order::Wish(wish)) => self.wish(*wish),
                Output::Keeper(order) => self.orders.push(order),
                Output::Tell(event) => self.told.push(event),
                Output::KeepHealth(document) => self.kept.push(*document),
                Output::End(end) => self.ends.push(end),
                Output::Judge(text, request) => {
                    let judged = judge(revision(&text), text.as_bytes(), &self.core.against());
                    self.core.handle(self.now, Input::Asked(request, judged));
                }
                Output::KeepOverrides(_)
                | Output::Look
                | Output::Observed
                | Output::Compare(_)
                | Output::Configured(_)
                | Output::SetLog(..) => {}
            }
        }
    }

    fn wish(&mut self, wish: Wish) {
        let said = match (&self.manner, wish.file) {
            (Manner::Silent, _) => None,
            (Manner::Refuses(reason), crate::reconcile::keeper::FileNews::New) => {
                Some(Said::Refused {
                    generation: wish.generation,
                    reason: *reason,
                    why: vec!["half of it would go.".to_owned()],
                })
            }
            (Manner::Obeys | Manner::Refuses(_), _) => Some(converged(&wish)),
        };
        self.wishes.push(wish);
        if let Some(said) = said {
            self.core.handle(self.now, Input::Said(said));
        }
    }
}

/// The kernel holds a wish.
pub(super) fn converged(wish: &Wish) -> Said {
    let node = Name::new_unchecked("lb1");
    let host = HostFacts::default();
    let kind = DataplaneKind::Nftables;
    let desired = desired_with(&wish.farm, Some(&node), &host, kind, &wish.overlay);
    Said::Converged(Converged {
        generation: wish.generation,
        node: Some(node),
        desired: Arc::new(desired),
        report: Report::default(),
        way: Way::Nothing,
    })
}
