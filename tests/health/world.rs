//! A world for the engine: servers that behave as they are told, a heap of answers under way, and
//! laws that hold at every moment, whatever a test looks at.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use farmctl::clock::Moment;
use farmctl::event::Kind;
use farmctl::health::{
    Advice, Answer, AskId, Engine, Event, Expiry, Fault, Layout, Output, Question, SorryServer,
    Standing, Told, Verdict,
};
use farmctl::spec::QuorumCount;
use farmctl::state::{Member, Overlay, Share};

use super::files::{at, farm, member};

/// How a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Well, after this time; too late counts as silence.
    Well(Duration),
    /// Its kernel refuses connections.
    Refuses,
    /// Nothing comes back.
    Silent,
    /// It answers at once, and wrongly.
    Wrong,
    /// It can't be asked, for a reason on this machine.
    Unasked,
    /// The probe itself is lost: nothing comes back, not even that the time is over.
    Lost,
}

pub(super) const WELL: Behaviour = Behaviour::Well(Duration::from_millis(2));

/// What the simulated network knows of a question that is out.
#[derive(Debug)]
struct Outstanding {
    question: Arc<Question>,
    asked: Moment,
}

/// The engine with all that is around it.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) layout: Layout,
    pub(super) now: Moment,
    pub(super) seed: u64,
    /// What was told, and when.
    pub(super) told: Vec<(Moment, Told)>,
    /// When each question went out.
    pub(super) asked: BTreeMap<(IpAddr, u16), Vec<Moment>>,
    pub(super) forgotten: usize,
    /// How often the overlay changed.
    pub(super) changes: usize,
    /// The most questions that were ever out together.
    pub(super) most_outstanding: usize,
    /// What an agent's answer says, by the server's address.
    pub(super) advice: HashMap<IpAddr, Advice>,
    pub(super) certificates: HashMap<IpAddr, Expiry>,
    usual: Behaviour,
    behaviours: HashMap<IpAddr, Behaviour>,
    outstanding: HashMap<AskId, Outstanding>,
    answers: BinaryHeap<Reverse<(Moment, AskId)>>,
    overlay: Overlay,
    /// Failures in a row of each question, counted apart from the engine.
    failures: HashMap<Arc<Question>, u32>,
    /// Servers that were well once since they are looked after.
    passed: BTreeSet<IpAddr>,
    /// What was last told of each real server.
    last_told: HashMap<(String, String), Kind>,
}

impl World {
    /// A world whose engine has no layout yet, at a second after boot.
    pub(super) fn empty(seed: u64) -> Self {
        Self {
            engine: Engine::new(seed),
            layout: Layout::default(),
            now: at(1.0),
            seed,
            told: Vec::new(),
            asked: BTreeMap::new(),
            forgotten: 0,
            changes: 0,
            most_outstanding: 0,
            advice: HashMap::new(),
            certificates: HashMap::new(),
            usual: WELL,
            behaviours: HashMap::new(),
            outstanding: HashMap::new(),
            answers: BinaryHeap::new(),
            overlay: Overlay::default(),
            failures: HashMap::new(),
            passed: BTreeSet::new(),
            last_told: HashMap::new(),
        }
    }

    /// A world of a farm whose servers are all well.
    pub(super) fn new(seed: u64, text: &str) -> Self {
        let mut world = Self::empty(seed);
        world.configure(text);
        world
    }

    /// A new file.
    pub(super) fn configure(&mut self, text: &str) {
        let layout = Layout::of(&farm(text));
        self.lay_out(layout);
    }

    pub(super) fn lay_out(&mut self, layout: Layout) {
        self.layout = layout.clone();
        self.forget_those_that_are_gone();
        self.event(Event::Configured(layout));
    }

    /// What comes back later may be told of anew.
    fn forget_those_that_are_gone(&mut self) {
        let servers = self.layout.groups.values().flat_map(|group| &group.servers);
        let there: BTreeSet<(String, String)> = servers
            .map(|server| (server.member.service.clone(), server.member.server.clone()))
            .collect();
        self.last_told.retain(|key, _| there.contains(key));
        let servers = self.layout.groups.values().flat_map(|group| &group.servers);
        let there: BTreeSet<IpAddr> = servers.map(|server| server.member.address).collect();
        self.passed.retain(|address| there.contains(address));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.engine.handle_event(self.now, event);
        self.drain();
    }

    /// The daemon is killed and started again after some time: what was under way is lost.
    pub(super) fn restart(&mut self, dead: Duration) {
        let memory = self.engine.memory(self.now);
        let text = serde_json::to_string(&memory).expect("a memory is JSON");
        let memory = serde_json::from_str(&text).expect("JSON is a memory");
        self.now = self.now + dead;
        self.engine = Engine::new(self.seed + 1);
        self.engine.restore(self.now, memory, dead);
        self.outstanding.clear();
        self.answers.clear();
        self.overlay = Overlay::default();
        let layout = self.layout.clone();
        self.lay_out(layout);
    }

    /// From now on a server answers so.
    pub(super) fn be(&mut self, server: IpAddr, behaviour: Behaviour) {
        self.behaviours.insert(server, behaviour);
    }

    /// From now on every server answers so, as far as it was not told otherwise.
    pub(super) fn all_be(&mut self, behaviour: Behaviour) {
        self.usual = behaviour;
        self.behaviours.clear();
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, length: Duration) {
        let end = self.now + length;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something holds, at most so long; how long it took.
    pub(super) fn run_until(
        &mut self,
        most: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> Option<Duration> {
        let (begin, end) = (self.now, self.now + most);
        while !holds(self) {
            if !self.step(end) {
                self.now = end;
                return None;
            }
        }
        Some(self.now.since(begin))
    }

    /// The next thing that happens, if it does before the end.
    fn step(&mut self, end: Moment) -> bool {
        let answer = self.answers.peek().map(|Reverse((at, _))| *at);
        let waking = self.engine.poll_timeout();
        let Some(next) = answer.into_iter().chain(waking).min() else {
            return false;
        };
        if next > end {
            return false;
        }
        self.now = next.max(self.now);
        match self.answers.peek() {
            Some(Reverse((at, _))) if *at <= self.now => self.deliver(),
            _ => {
                self.engine.handle_timeout(self.now);
                self.drain();
            }
        }
        true
    }

    fn deliver(&mut self) {
        let Some(Reverse((_, ask))) = self.answers.pop() else {
            return;
        };
        let Some(out) = self.outstanding.remove(&ask) else {
            return;
        };
        let verdict = self.verdict(&out.question);
        self.count(&out.question, &verdict);
        let address = out.question.address;
        let answer = Answer {
            advice: matches!(verdict, Verdict::Pass(_))
                .then(|| self.advice.get(&address).copied())
                .flatten()
                .filter(|_| out.question.kind().is_none()),
            certificate: self.certificates.get(&address).copied(),
            verdict,
            took: self.now.since(out.asked),
        };
        self.event(Event::Answered { ask, answer });
    }

    fn behaviour(&self, question: &Question) -> Behaviour {
        let own = self.behaviours.get(&question.address);
        own.copied().unwrap_or(self.usual)
    }

    /// When an answer comes, by the behaviour at the time of the question.
    fn answered_after(&self, question: &Question) -> Option<Duration> {
        let soon = Duration::from_micros(300);
        Some(match self.behaviour(question) {
            Behaviour::Well(latency) => latency.min(question.timeout()),
            Behaviour::Refuses | Behaviour::Wrong | Behaviour::Unasked => soon,
            Behaviour::Silent => question.timeout(),
            Behaviour::Lost => return None,
        })
    }

    /// What the answer is, by the behaviour at the time of the answer.
    fn verdict(&self, question: &Question) -> Verdict {
        let fail = |fault, text: &str| Verdict::Fail {
            fault,
            text: text.to_owned(),
        };
        match self.behaviour(question) {
            Behaviour::Well(latency) if latency < question.timeout() => {
                Verdict::Pass("connected".to_owned())
            }
            Behaviour::Well(_) | Behaviour::Silent | Behaviour::Lost => {
                fail(Fault::TimedOut, "no answer in time")
            }
            Behaviour::Refuses => fail(Fault::Refused, "connection refused"),
            Behaviour::Wrong => fail(Fault::WrongAnswer, "HTTP 503"),
            Behaviour::Unasked => Verdict::Unasked("no route from here".to_owned()),
        }
    }

    fn count(&mut self, question: &Arc<Question>, verdict: &Verdict) {
        let failures = self.failures.entry(question.clone()).or_default();
        match verdict {
            Verdict::Pass(_) => {
                *failures = 0;
                if question.kind().is_some() {
                    self.passed.insert(question.address);
                }
            }
            Verdict::Fail { .. } => *failures += 1,
            Verdict::Unasked(_) => {}
        }
    }

    /// Takes what comes out, and holds it to the laws.
    fn drain(&mut self) {
        let mut changed = false;
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Ask { id, question } => self.ask(id, question),
                Output::Forget { id } => {
                    self.forgotten += 1;
                    assert!(
                        self.outstanding.remove(&id).is_some(),
                        "seed {}: {id} is forgotten, but nobody asked",
                        self.seed
                    );
                }
                Output::Changed => {
                    assert!(!changed, "seed {}: changed once", self.seed);
                    changed = true;
                }
                Output::Told(told) => self.hear(told),
            }
        }
        self.look_at_the_overlay(changed);
    }

    fn ask(&mut self, id: AskId, question: Arc<Question>) {
        let same = |out: &Outstanding| out.question == question;
        if self.outstanding.len() < 64 {
            assert!(
                !self.outstanding.values().any(same),
                "seed {}: {}:{} is asked twice at once",
                self.seed,
                question.address,
                question.port
            );
        }
        let place = (question.address, question.port);
        self.asked.entry(place).or_default().push(self.now);
        if let Some(after) = self.answered_after(&question) {
            self.answers.push(Reverse((self.now + after, id)));
        }
        let out = Outstanding {
            question,
            asked: self.now,
        };
        assert!(
            self.outstanding.insert(id, out).is_none(),
            "seed {}: {id} is used twice",
            self.seed
        );
        self.most_outstanding = self.most_outstanding.max(self.outstanding.len());
        assert!(
            self.outstanding.len() <= self.layout.concurrency.get(),
            "seed {}: too many are out",
            self.seed
        );
    }

    /// Up and down are told in turns, and down never before the failures are there.
    fn hear(&mut self, told: Told) {
        if let (Some(service), Some(server)) = (&told.subject.service, &told.subject.server) {
            let key = (service.clone(), server.clone());
            let before = self.last_told.insert(key, told.kind);
            assert!(
                before != Some(told.kind),
                "seed {}: told twice: {}",
                self.seed,
                told.message
            );
        }
        if told.kind == Kind::ServerDown {
            self.must_have_failed(&told);
        }
        self.told.push((self.now, told));
    }

    fn must_have_failed(&self, told: &Told) {
        let question = self.servers().find_map(|server| {
            let is_it = Some(&server.member.service) == told.subject.service.as_ref()
                && Some(server.member.address) == told.subject.address;
            is_it.then_some(server.check.as_ref()?)
        });
        let Some(question) = question.filter(|_| !told.message.contains("agent")) else {
            return;
        };
        let failures = self.failures.get(question).copied().unwrap_or(0);
        let first = !self.passed.contains(&question.address) && failures >= 1;
        assert!(
            failures >= question.check.timing.fall || first,
            "seed {}: down after {failures} failures: {}",
            self.seed,
            told.message
        );
    }

    fn servers(&self) -> impl Iterator<Item = &farmctl::health::Server> {
        self.layout.groups.values().flat_map(|group| &group.servers)
    }

    fn look_at_the_overlay(&mut self, changed: bool) {
        let overlay = self.engine.overlay();
        if !changed {
            assert!(
                self.layout.groups.len() > 20 || *overlay == self.overlay,
                "seed {}: the overlay changed in silence",
                self.seed
            );
            return;
        }
        assert_ne!(
            *overlay, self.overlay,
            "seed {}: nothing changed",
            self.seed
        );
        self.overlay = overlay.clone();
        self.changes += 1;
        self.nobody_is_left_alone();
        self.only_differences_are_in_it();
    }

    /// Where a sorry server is, a group without a usable real server has it, in the same overlay;
    /// and nowhere else is it without need.
    fn nobody_is_left_alone(&self) {
        for (key, group) in &self.layout.groups {
            let usable = group.servers.iter().filter(|server| {
                let weight = self.overlay.weight(&server.member, server.weight);
                weight.unwrap_or(0) > 0
            });
            let usable = u32::try_from(usable.count()).expect("a small number");
            let sorry = (key.service.clone(), key.family);
            let is_sorry = self.overlay.sorry.contains(&sorry);
            let (least, most) = match group.quorum.count {
                QuorumCount::RealServers => {
                    let minimum = group.quorum.minimum.max(1);
                    (minimum, minimum + group.quorum.hysteresis)
                }
                QuorumCount::Weight => (1, u32::MAX),
            };
            match group.sorry {
                SorryServer::Absent => assert!(!is_sorry, "seed {}", self.seed),
                SorryServer::Present if usable < least => {
                    assert!(is_sorry, "seed {}: nobody serves", self.seed);
                }
                SorryServer::Present if usable >= most => {
                    assert!(!is_sorry, "seed {}: sorry without need", self.seed);
                }
                SorryServer::Present => {}
            }
        }
    }

    fn only_differences_are_in_it(&self) {
        let file: BTreeMap<&Member, u32> = self
            .servers()
            .map(|server| (&server.member, server.weight))
            .collect();
        for (member, share) in &self.overlay.servers {
            let written = file.get(member).copied();
            assert!(written.is_some(), "seed {}: {member} is gone", self.seed);
            assert_ne!(Some(*share), written.map(Share::Weight), "{member}");
        }
    }

    /// The share of a server in a service.
    pub(super) fn share(&self, service: &str, address: IpAddr) -> Share {
        self.standing(service, address).share
    }

    pub(super) fn standing(&self, service: &str, address: IpAddr) -> Standing {
        let standing = self.engine.standing(self.now, &member(service, address));
        standing.expect("a server that is looked after")
    }

    /// The share of a server in the overlay: none where it is the file's.
    pub(super) fn overlaid(&self, service: &str, address: IpAddr) -> Option<Share> {
        let servers = &self.engine.overlay().servers;
        servers.get(&member(service, address)).copied()
    }

    pub(super) fn is_sorry(&self, service: &str) -> bool {
        let mut sorry = self.engine.overlay().sorry.iter();
        sorry.any(|(name, _)| name.as_str() == service)
    }

    /// How often a kind of event was told.
    pub(super) fn count_told(&self, kind: Kind) -> usize {
        self.told
            .iter()
            .filter(|(_, told)| told.kind == kind)
            .count()
    }

    /// How many questions are out.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// The kinds of all that was told since some place in the list.
    pub(super) fn kinds_since(&self, place: usize) -> Vec<Kind> {
        let told = self.told.iter().skip(place);
        told.map(|(_, told)| told.kind).collect()
    }

    /// The servers that are asked.
    pub(super) fn asked_servers(&self) -> BTreeSet<IpAddr> {
        self.asked.keys().map(|(address, _)| *address).collect()
    }

    /// Drops the notes of what was asked and told, to keep a long run's own memory flat.
    pub(super) fn forget_notes(&mut self) {
        self.told.clear();
        self.asked.clear();
    }
}
