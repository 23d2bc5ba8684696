//! Laws that hold whatever happens, tried with many seeds. The world itself holds every run to
//! more of them (`world.rs`): no question is out twice, never more than may be, nothing is told
//! twice, no overlay leaves a service without any server, each change is one.

use std::collections::BTreeMap;

use farmctl::health::{Bend, Event, Health, Stance};
use farmctl::state::Share;

use super::files::{member, seconds, server, simple};
use super::world::{Behaviour, WELL, World};

/// A check with numbers by chance, and its timing.
struct Timing {
    interval: f64,
    timeout: f64,
    fast_retry: f64,
    rise: u32,
    fall: u32,
}

impl Timing {
    fn by_chance(chance: &mut fastrand::Rng) -> Self {
        let interval = f64::from(chance.u32(1..=50)) / 10.0;
        let part = |chance: &mut fastrand::Rng| f64::from(chance.u32(1..=10)) / 10.0;
        Self {
            interval,
            timeout: interval * part(chance),
            fast_retry: interval * part(chance),
            rise: chance.u32(1..=4),
            fall: chance.u32(1..=5),
        }
    }

    fn text(&self) -> String {
        let ms = |seconds: f64| (seconds * 1000.0).round();
        format!(
            "interval: {}ms, timeout: {}ms, fast_retry: {}ms, rise: {}, fall: {}, warm_up: 1s",
            ms(self.interval),
            ms(self.timeout),
            ms(self.fast_retry),
            self.rise,
            self.fall
        )
    }

    /// A twentieth of the interval to each side of both questions.
    fn jitter(&self) -> f64 {
        self.interval / 10.0
    }
}

#[test]
fn a_dead_server_is_out_in_time_and_a_well_one_back_in_time() {
    for seed in 0..150 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let timing = Timing::by_chance(&mut chance);
        let mut world = World::new(seed, &simple(2, 1, "", &timing.text()));
        world.run(seconds(2.0 + timing.interval * 2.0));
        for behaviour in [Behaviour::Silent, Behaviour::Refuses, Behaviour::Wrong] {
            world.run(seconds(chance.f64() * timing.interval));
            world.be(server(1), behaviour);
            let out = |world: &World| world.share("http", server(1)) == Share::Out;
            let took = world.run_until(seconds(100.0), out).expect("it goes out");
            let most = f64::from(timing.fall) * timing.interval + timing.timeout;
            let most = most + timing.jitter() + 0.002;
            assert!(took <= seconds(most), "seed {seed}: out after {took:?}");
            world.run(seconds(chance.f64() * timing.interval));
            world.be(server(1), WELL);
            let back = |world: &World| world.share("http", server(1)) != Share::Out;
            let took = world
                .run_until(seconds(100.0), back)
                .expect("it comes back");
            let most = f64::from(timing.rise) * timing.interval + timing.jitter() + 0.01;
            assert!(took <= seconds(most), "seed {seed}: back after {took:?}");
        }
    }
}

#[test]
fn a_server_that_refuses_is_decided_within_fall_quick_retries() {
    for seed in 0..50 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let timing = Timing::by_chance(&mut chance);
        let mut world = World::new(seed, &simple(2, 1, "", &timing.text()));
        world.run(seconds(2.0 + timing.interval * 2.0));
        world.be(server(1), Behaviour::Refuses);
        let failing = |world: &World| world.standing("http", server(1)).failures > 0;
        world.run_until(seconds(20.0), failing).expect("it fails");
        let down = |world: &World| world.standing("http", server(1)).health == Health::Down;
        let took = world.run_until(seconds(50.0), down).expect("it is down");
        let most = f64::from(timing.fall) * (timing.fast_retry + 0.001);
        assert!(took <= seconds(most), "seed {seed}: {took:?}");
    }
}

/// A storm: servers change, operators bend, files change, the daemon is killed.
struct Storm {
    world: World,
    chance: fastrand::Rng,
    service: String,
    servers: u32,
    bends: BTreeMap<farmctl::state::Member, Bend>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let quorum = chance.u32(1..=3);
        let hysteresis = chance.u32(0..=2);
        let count = if chance.bool() {
            "real_servers"
        } else {
            "weight"
        };
        let quorum = format!(
            "quorum: {{ minimum: {quorum}, hysteresis: {hysteresis}, count: {count} }}\n    "
        );
        let rest = match chance.u32(0..3) {
            0 => "sorry_server: { address: 192.168.0.99, port: 80 }",
            1 => "mass_failure: { share: 60%, within: 2s, then: hold }",
            _ => "slow_start: 10s",
        };
        let service = quorum + rest;
        let servers = chance.u32(1..=8);
        let text = Self::text(&service, servers);
        let mut storm = Self {
            world: World::new(seed, &text),
            chance,
            service,
            servers,
            bends: BTreeMap::new(),
        };
        storm.world.run(seconds(1.5));
        storm
    }

    fn text(service: &str, servers: u32) -> String {
        let timing = "agent: { interval: 1s, stale_after: 5s }";
        simple(servers, 20, service, timing) + "daemon: { concurrency: 6 }\n"
    }

    fn number(&mut self) -> u8 {
        self.chance.u8(1..=8)
    }

    fn gust(&mut self) {
        let number = server(self.number());
        match self.chance.u32(0..12) {
            0..=4 => {
                let latency = seconds(self.chance.f64() * 0.7);
                let behaviours = [
                    WELL,
                    WELL,
                    Behaviour::Well(latency),
                    Behaviour::Refuses,
                    Behaviour::Silent,
                    Behaviour::Wrong,
                    Behaviour::Unasked,
                    Behaviour::Lost,
                ];
                let behaviour = behaviours[self.chance.usize(..behaviours.len())];
                self.world.be(number, behaviour);
            }
            5 => self.advise(number),
            6 => self.bend(number),
            7 => {
                self.servers = self.chance.u32(1..=8);
                let text = Self::text(&self.service, self.servers);
                self.world.configure(&text);
            }
            8 => self.restart(),
            9 => self.reload_the_same(),
            _ => {}
        }
        let pause = self.chance.f64() * 1.5;
        self.world.run(seconds(pause));
    }

    fn advise(&mut self, number: std::net::IpAddr) {
        use farmctl::health::{Advice, Welcome};
        let welcomes = [None, Some(Welcome::Ready), Some(Welcome::Drain)];
        let advice = Advice {
            percent: self.chance.bool().then(|| self.chance.u16(0..=130)),
            welcome: welcomes[self.chance.usize(..3)],
            up: [None, Some(true), Some(true), Some(false)][self.chance.usize(..4)],
        };
        self.world.advice.insert(number, advice);
    }

    fn bend(&mut self, number: std::net::IpAddr) {
        let stances = [Stance::Serves, Stance::Drains, Stance::Out];
        let bend = Bend {
            weight: self.chance.bool().then(|| self.chance.u32(0..40)),
            stance: stances[self.chance.usize(..3)],
            words: String::new(),
        };
        if self.chance.bool() {
            self.bends.clear();
        }
        self.bends.insert(member("http", number), bend);
        self.world.event(Event::Bent(self.bends.clone()));
    }

    /// The overlay that a restarted engine makes is the one that was maintained all along.
    fn restart(&mut self) {
        let before = self.world.engine.overlay().clone();
        let now = self.world.now;
        self.world.restart(seconds(0.0));
        self.world.event(Event::Bent(self.bends.clone()));
        assert_eq!(self.world.now, now);
        let after = self.world.engine.overlay();
        assert_eq!(*after, before, "seed {}: restart", self.world.seed);
    }

    /// The same file again changes nothing: it is laid out from nothing, and the overlay that was
    /// maintained all along comes out.
    fn reload_the_same(&mut self) {
        let before = self.world.engine.overlay().clone();
        let (told, changes) = (self.world.told.len(), self.world.changes);
        let (forgotten, entries) = (self.world.forgotten, self.world.engine.entries());
        let waking = self.world.engine.poll_timeout();
        let layout = self.world.layout.clone();
        self.world.lay_out(layout);
        let world = &self.world;
        assert_eq!(*world.engine.overlay(), before, "seed {}", world.seed);
        assert_eq!(world.told.len(), told, "seed {}", world.seed);
        assert_eq!(world.changes, changes, "seed {}", world.seed);
        assert_eq!(world.forgotten, forgotten, "seed {}", world.seed);
        assert_eq!(world.engine.poll_timeout(), waking, "seed {}", world.seed);
        assert_eq!(world.engine.entries(), entries, "seed {}", world.seed);
    }

    /// The weather clears: everything must find its way back.
    fn clear(&mut self) {
        self.world.all_be(WELL);
        let up = farmctl::health::Advice {
            percent: Some(100),
            welcome: Some(farmctl::health::Welcome::Ready),
            up: Some(true),
        };
        for number in 1..=8 {
            self.world.advice.insert(server(number), up);
        }
        self.world.event(Event::Bent(BTreeMap::new()));
        self.world.run(seconds(60.0));
        let overlay = self.world.engine.overlay();
        assert!(
            overlay.servers.is_empty(),
            "seed {}: {overlay:?}",
            self.world.seed
        );
        let potential = self.servers
            * if self.service.contains("weight") {
                20
            } else {
                1
            };
        let lost = self.service.contains("minimum: 3") && potential < 3
            || self.service.contains("minimum: 2") && potential < 2;
        assert_eq!(
            overlay.sorry.is_empty(),
            !(lost && self.service.contains("sorry")),
            "seed {}",
            self.world.seed
        );
    }
}

#[test]
fn whatever_happens_the_laws_hold_and_all_comes_back() {
    for seed in 0..120 {
        let mut storm = Storm::new(seed);
        for _ in 0..150 {
            storm.gust();
        }
        storm.clear();
    }
}
