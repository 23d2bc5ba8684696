//! The farm of namespaces with one contestant on its director, and what is asked of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use farmctl::netlink::ipvs::{Client, Protocol, ServiceId};

use super::bed::{Family, Farm, Net, Server};
use super::contestant::{Contestant, Kind, Wish};

/// How long something may take before it counts as never.
const NEVER: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// A farm with one contestant.
pub(crate) struct Scene {
    pub(crate) farm: Farm,
    pub(crate) it: Contestant,
    servers: BTreeMap<u8, Server>,
    _sorry: Server,
}

impl Scene {
    /// Real servers 11 and 12 serve on 8080, 13 does too and is the sorry server on 9090. The
    /// rivals get their VIP from us: it is no part of what is compared.
    pub(crate) fn new(kind: Kind) -> Self {
        let farm = Farm::new();
        if kind != Kind::Farmctl {
            farm.director.add_address("uplink", "10.8.0.100/32");
            farm.director.forward();
        }
        let servers = farm.serve(8080);
        Self {
            servers: [11, 12, 13].into_iter().zip(servers).collect(),
            _sorry: Server::start(&farm.real_servers[2], 9090),
            it: Contestant::new(kind),
            farm,
        }
    }

    /// The contestant runs with this farm, and the kernel holds it.
    pub(crate) fn running(kind: Kind, wish: &Wish) -> Self {
        let mut scene = Self::new(kind);
        scene.it.write(&scene.it.text(wish));
        scene.it.start(&scene.farm.director);
        let whole = scene.until(|scene| scene.table().len() == wish.servers.len());
        assert!(whole.is_some(), "{kind:?}: {}", scene.it.log());
        Scene::rest(3);
        scene
    }

    pub(crate) fn address() -> SocketAddr {
        SocketAddr::new(Net::Uplink.address(Family::V4, 100), 80)
    }

    /// The weights of the kernel's table, by host number and port; empty without the service.
    pub(crate) fn table(&self) -> BTreeMap<(IpAddr, u16), u32> {
        let id = ServiceId::Address {
            protocol: Protocol::Tcp,
            address: Self::address().ip(),
            port: 80,
        };
        self.farm.director.run(|| {
            let mut client = Client::open().unwrap();
            let there = client.service(&id).ok().flatten().is_some();
            let all = if there {
                client.destinations(&id).unwrap_or_default()
            } else {
                Vec::new()
            };
            all.iter()
                .map(|one| ((one.address, one.port), one.weight))
                .collect()
        })
    }

    /// A real server's weight; none where it is not in the table.
    pub(crate) fn weight(&self, host: u8) -> Option<u32> {
        let at = (Net::Back.address(Family::V4, host), 8080);
        self.table().get(&at).copied()
    }

    /// Whether a real server takes new connections.
    pub(crate) fn serves(&self, host: u8) -> bool {
        self.weight(host).is_some_and(|weight| weight > 0)
    }

    /// Nobody listens on a real server any more.
    pub(crate) fn close(&mut self, host: u8) {
        drop(self.servers.remove(&host));
    }

    /// Somebody does again.
    pub(crate) fn open(&mut self, host: u8) {
        let node = &self.farm.real_servers[usize::from(host - 11)];
        self.servers.insert(host, Server::start(node, 8080));
    }

    /// How long it took until something was so; none where it never was.
    pub(crate) fn until(&mut self, so: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = Instant::now();
        while !so(self) {
            if began.elapsed() > NEVER {
                return None;
            }
            thread::sleep(LOOK);
        }
        Some(began.elapsed())
    }

    /// Lets so many seconds pass.
    pub(crate) fn rest(seconds: u64) {
        thread::sleep(Duration::from_secs(seconds));
    }

    /// Asks so many times in a second for so many seconds; how many had no answer.
    pub(crate) fn ask(&self, rate: u32, seconds: u32) -> u32 {
        let mut lost = 0;
        for _ in 0..rate * seconds {
            if self.farm.client.ask(Self::address()).is_err() {
                lost += 1;
            }
            thread::sleep(Duration::from_secs(1) / rate);
        }
        lost
    }

    /// Runs ipvsadm on the director.
    pub(crate) fn ipvsadm(&self, words: &str) {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = std::process::Command::new("ipvsadm");
        let status = self
            .farm
            .director
            .run(|| command.args(words).status())
            .unwrap();
        assert!(status.success(), "ipvsadm: {status}");
    }
}
