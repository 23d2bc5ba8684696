//! A machine with a keeper on it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::super::super::hands::{Hands, System};
use super::super::super::reader::Reading;
use super::super::super::{Converged, DrainEnd, DriftPolicy, Order, Said, Way, Wish};
use super::super::{Driver, Input};
use crate::clock::Clock as _;
use crate::dataplane::{Dataplane as _, DestinationCounters, Memory};
use crate::reconcile::testing::{Bench, survive};
use crate::reconcile::{Adopt, FileNews, Preflight, Shrink};
use crate::spec::{DataplaneKind, Farm};
use crate::state::{
    DestinationKey, HostFacts, InterfaceFacts, Member, Overlay, Protocol, ServiceKey, Share, State,
};

/// The machine.
pub(super) struct Stage {
    pub(super) bench: Bench,
    said: Rc<RefCell<Vec<Said>>>,
    driver: Option<Driver>,
    generation: Cell<u64>,
    pub(super) policy: DriftPolicy,
    pub(super) overlay: Overlay,
    file: RefCell<Option<(Arc<Farm>, Arc<str>)>>,
}

impl Stage {
    /// A machine whose kernel holds this, made by others, and a keeper that has looked at it.
    pub(super) fn holding(foreign: State) -> Self {
        let bench = Bench::holding(foreign);
        let up = InterfaceFacts {
            up: true,
            addresses: Vec::new(),
        };
        let host = HostFacts {
            interfaces: [("eth0".to_owned(), up)].into(),
        };
        let memory = bench.kernel.memory.take();
        bench.kernel.memory.replace(memory.on(host));
        let mut stage = Self {
            bench,
            said: Rc::default(),
            driver: None,
            generation: Cell::new(0),
            policy: DriftPolicy::Correct,
            overlay: Overlay::default(),
            file: RefCell::default(),
        };
        stage.start();
        stage
    }

    pub(super) fn new() -> Self {
        Self::holding(State::default())
    }

    /// A machine that holds a file.
    pub(super) fn serving(text: &str) -> Self {
        let mut stage = Self::new();
        stage.file(text);
        stage.expect_converged();
        stage
    }

    /// Starts the keeper, after it was killed perhaps.
    pub(super) fn start(&mut self) {
        self.driver = None;
        let kernel = self.bench.kernel.clone();
        let system = System {
            _lock: None,
            store: self.bench.store.clone(),
            origin: self.bench.origin.clone(),
            clock: Box::new(self.bench.clock.clone()),
            open: Box::new(move |_| Ok(Box::new(kernel.clone()))),
            trial: Box::new(|_, _, _, _| Preflight::Passed),
            dataplane: None,
            asked: Some(DataplaneKind::Ipvs),
        };
        let said = Rc::clone(&self.said);
        let say = Box::new(move |one| said.borrow_mut().push(one));
        let mut driver = Driver::with(Hands::open(system).unwrap(), 7, None, say);
        driver.work();
        self.driver = Some(driver);
    }

    /// The same where the keeper, or what it does then, may be killed. Says whether it was not.
    pub(super) fn survives(&mut self, act: impl FnOnce(&mut Self)) -> bool {
        let lived = survive(|| act(self)).is_some();
        self.bench.kernel.kill_before(None);
        if !lived {
            self.driver = None;
        }
        lived
    }

    /// Everything that was said since the last time.
    pub(super) fn said(&self) -> Vec<Said> {
        self.said.take()
    }

    fn driver(&mut self) -> &mut Driver {
        self.driver.as_mut().expect("the keeper was killed")
    }

    pub(super) fn order(&mut self, order: Order) {
        self.driver().take(Input::Order(order));
        self.driver().work();
    }

    /// Two wishes reach the keeper before it does anything.
    pub(super) fn wish_at_once(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.driver()
                .take(Input::Order(Order::Wish(Box::new(wish))));
        }
        self.driver().work();
    }

    /// A wish for a file, with the overlay of now.
    pub(super) fn wish_of(&self, text: &str, file: FileNews) -> Wish {
        let known = self.file.borrow().clone();
        let (farm, text) = match known {
            Some(known) if *known.1 == *text => known,
            _ => {
                let reading = crate::spec::read("farm.yaml", text.as_bytes());
                assert!(reading.problems.is_empty(), "{:?}", reading.problems);
                (Arc::new(reading.value.unwrap()), Arc::from(text))
            }
        };
        self.file
            .replace(Some((Arc::clone(&farm), Arc::clone(&text))));
        self.generation.set(self.generation.get() + 1);
        Wish {
            generation: self.generation.get(),
            farm,
            text,
            node: None,
            overlay: Arc::new(self.overlay.clone()),
            file,
            shrink: Shrink::Refused,
            adopt: Adopt::No,
            drift: self.policy,
            poll: Duration::from_secs(10),
            confirm: None,
        }
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        self.order(Order::Wish(Box::new(wish)));
    }

    /// A new file.
    pub(super) fn file(&mut self, text: &str) {
        let wish = self.wish_of(text, FileNews::New);
        self.wish(wish);
    }

    /// The same, whatever it removes.
    pub(super) fn shrunk_file(&mut self, text: &str) {
        let wish = self.wish_of(text, FileNews::New);
        self.wish(Wish {
            shrink: Shrink::Allowed,
            ..wish
        });
    }

    /// The overlay changed.
    pub(super) fn bend(&mut self, overlay: Overlay) {
        self.overlay = overlay;
        let text = self.file.borrow().as_ref().unwrap().1.to_string();
        let wish = self.wish_of(&text, FileNews::Same);
        self.wish(wish);
    }

    /// The reader reads.
    pub(super) fn read(&mut self) {
        let generation = self.reads_begin();
        self.read_of(generation);
    }

    /// The count that a reading which begins now has.
    pub(super) fn reads_begin(&mut self) -> u64 {
        let (_, generation) = self.driver().hands.watches();
        generation.load(std::sync::atomic::Ordering::SeqCst)
    }

    pub(super) fn read_of(&mut self, generation: u64) {
        let seen = self.bench.kernel.clone().observe().unwrap();
        self.read_was(generation, seen);
    }

    pub(super) fn read_was(&mut self, generation: u64, seen: crate::dataplane::Observation) {
        let reading = Reading {
            generation,
            seen: Ok(Arc::new(seen)),
        };
        self.driver().take(Input::Read(reading));
        self.driver().work();
    }

    /// Time passes, and what is due then is done.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.bench.clock.sleep(Duration::from_secs(seconds));
        self.driver().work();
    }

    pub(super) fn state(&self) -> State {
        self.bench.state()
    }

    /// The weight of a server of the service on a port.
    pub(super) fn weight(&self, port: u16, server: u8) -> Option<u32> {
        let state = self.state();
        let service = state.services.get(&service(port))?;
        Some(service.destinations.get(&destination(server))?.weight)
    }

    /// Another program's hand.
    pub(super) fn meddle(&self, act: impl FnOnce(&mut State)) {
        act(self.bench.kernel.memory.borrow_mut().state_mut());
    }

    /// A server has so many connections and remembered clients.
    pub(super) fn connections(&self, port: u16, server: u8, live: u32, persistent: u32) {
        let counters = DestinationCounters {
            active: live,
            persistent,
            ..DestinationCounters::default()
        };
        let mut memory = self.bench.kernel.memory.borrow_mut();
        memory.set_counters(service(port), destination(server), counters);
    }

    pub(super) fn writes(&self) -> u64 {
        self.bench.kernel.memory.borrow().writes()
    }

    pub(super) fn memory(&self, act: impl FnOnce(&mut Memory)) {
        act(&mut self.bench.kernel.memory.borrow_mut());
    }

    /// The keeper said that it converged, and only once.
    #[track_caller]
    pub(super) fn expect_converged(&mut self) -> Converged {
        let said = self.said();
        let mut converged = said.iter().filter_map(|one| {
            let Said::Converged(converged) = one else {
                return None;
            };
            Some(converged.clone())
        });
        let first = converged.next();
        assert!(converged.next().is_none(), "{said:#?}");
        first.unwrap_or_else(|| panic!("not converged: {said:#?}"))
    }

    /// The keeper said that it converged.
    #[track_caller]
    pub(super) fn expect_convergence(&mut self) {
        let said = self.said();
        let converged = said.iter().any(|one| matches!(one, Said::Converged(_)));
        assert!(converged, "{said:#?}");
    }

    /// The same, by this way.
    #[track_caller]
    pub(super) fn expect_way(&mut self, way: Way) -> Converged {
        let converged = self.expect_converged();
        assert_eq!(converged.way, way);
        converged
    }

    /// How the drains ended that ended since the last time.
    pub(super) fn drain_ends(&self) -> Vec<DrainEnd> {
        let said = self.said();
        let ends = said.into_iter().filter_map(|one| {
            let Said::Drained { end, .. } = one else {
                return None;
            };
            Some(end)
        });
        ends.collect()
    }
}

pub(super) fn service(port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.10".parse().unwrap(),
        port,
    }
}

pub(super) fn destination(last: u8) -> DestinationKey {
    DestinationKey {
        address: std::net::Ipv4Addr::new(10, 0, 0, last).into(),
        port: 8080,
    }
}

/// A farm with services on these ports, each with these servers (last number of the address and
/// weight).
pub(super) fn farm(ports: &[u16], servers: &[(u8, u32)]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|(last, weight)| {
            format!("{{ name: rs{last}, address: 10.0.0.{last}, port: 8080, weight: {weight} }}")
        })
        .collect();
    let services: Vec<String> = ports
        .iter()
        .map(|port| {
            format!(
                "  s{port}: {{ vip: www, port: {port}, protocol: tcp, scheduler: rr, \
                 forwarding: nat, pool: web }}\n"
            )
        })
        .collect();
    if ports.is_empty() {
        return "version: 1\nfarm: shop\n".to_owned();
    }
    format!(
        "version: 1\nfarm: shop\nvips: {{ www: {{ addresses: [192.0.2.10/32], interface: eth0 }} \
         }}\npools: {{ web: {{ real_servers: [{}] }} }}\nservices:\n{}",
        servers.join(", "),
        services.concat()
    )
}

/// What bends a server of a service.
pub(super) fn bent(entries: &[(u16, u8, Share)]) -> Overlay {
    let member = |port: &u16, last: &u8| Member {
        service: format!("s{port}"),
        server: format!("rs{last}"),
        address: std::net::Ipv4Addr::new(10, 0, 0, *last).into(),
        port: Some(8080),
    };
    Overlay {
        servers: entries
            .iter()
            .map(|(port, last, share)| (member(port, last), *share))
            .collect(),
        ..Overlay::default()
    }
}
