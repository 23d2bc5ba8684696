//! A farm with servers that serve, and the nftables data plane on its director.

use std::cell::RefCell;
use std::net::SocketAddr;

use farmctl::dataplane::{Dataplane, Error, Failure, Nftables, Observation};
use farmctl::state::{Change, State, plan};

use crate::bed::{Farm, Node, Server};
use crate::wish::{Way, Wish};

/// The farm.
pub(crate) struct Site {
    pub(crate) farm: Farm,
    /// What was asked for so far: what of it is still there is ours.
    asked: RefCell<State>,
    _servers: Vec<Server>,
}

impl Site {
    /// Servers listen on the ports 80 and 8080 and hold the VIPs of direct routing.
    pub(crate) fn new() -> Self {
        let farm = Farm::new();
        for family in crate::bed::Family::BOTH {
            farm.real_servers_hold("lo", Way::DirectRouting.vip(family));
        }
        let servers = [80, 8080].map(|port| farm.serve(port));
        Self {
            farm,
            asked: RefCell::default(),
            _servers: servers.into_iter().flatten().collect(),
        }
    }

    /// The same with the director as wished.
    pub(crate) fn holding(wish: &Wish) -> Self {
        let site = Self::new();
        site.make(wish);
        site
    }

    /// What there is on the director, whoever made it.
    pub(crate) fn observe(&self) -> Observation {
        observe(&self.farm.director).unwrap()
    }

    /// Makes the director hold this, and sees that it does.
    pub(crate) fn make(&self, wish: &Wish) -> Vec<Change> {
        let changes = self.plan(wish);
        let failures = execute(&self.farm.director, &changes).unwrap();
        assert_eq!(failures, Vec::<Failure>::new());
        assert_eq!(self.plan(wish), Vec::new(), "what was made is what is read");
        changes
    }

    /// What there is to do for this.
    pub(crate) fn plan(&self, wish: &Wish) -> Vec<Change> {
        let mut asked = self.asked.borrow_mut();
        asked.addresses.extend(wish.0.addresses.clone());
        let mut seen = self.observe().state;
        seen.settings
            .retain(|key, _| wish.0.settings.contains_key(key));
        seen.addresses
            .retain(|key, _| asked.addresses.contains_key(key));
        plan(&seen, &wish.0).changes
    }

    /// How many of so many new connections each of the three servers answers.
    pub(crate) fn spread(&self, to: SocketAddr, times: usize) -> [usize; 3] {
        let answers = self.farm.client.spread(to, times).unwrap();
        ["rs1", "rs2", "rs3"].map(|name| answers.get(name).copied().unwrap_or_default())
    }
}

/// What there is on a node.
pub(crate) fn observe(node: &Node) -> Result<Observation, Error> {
    node.run(|| Nftables::open()?.observe())
}

/// Carries changes out on a node.
pub(crate) fn execute(node: &Node, changes: &[Change]) -> Result<Vec<Failure>, Error> {
    node.run(|| Nftables::open()?.execute(changes))
}

/// Whether so many answers are what chance makes of the weights. The bound is passed once in a
/// million runs by chance (chi-square, two degrees of freedom), and always by equal shares.
#[track_caller]
pub(crate) fn assert_by_weights(counts: [usize; 3], weights: [u32; 3]) {
    let all: usize = counts.iter().sum();
    let total: u32 = weights.iter().sum();
    let distance: f64 = counts
        .iter()
        .zip(weights)
        .map(|(count, weight)| {
            let expected = precise(all) * f64::from(weight) / f64::from(total);
            (precise(*count) - expected).powi(2) / expected
        })
        .sum();
    assert!(
        distance < 27.6,
        "{counts:?} of weights {weights:?}: {distance:.1}"
    );
}

fn precise(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
