//! Floating addresses: each comes and goes alone, and nothing leaves from one by accident.

use std::net::SocketAddr;

use super::{Farmctl, Method, Site, Text};
use crate::bed::{Family, Farm, Net, Server};

/// Three addresses of each family in one group, of a network in which the director has its own
/// address or has none, without those whose last digit is in `without`.
fn three(network: Family4And6, without: &[u8]) -> String {
    let kept = [1_u8, 2, 3]
        .into_iter()
        .filter(|last| !without.contains(last));
    let addresses: Vec<String> = kept.flat_map(|last| network.pair(last)).collect();
    format!(
        "version: 1\nfarm: test\nvips: {{ www: {{ addresses: [{}], interface: front }} }}\n",
        addresses.join(", ")
    )
}

/// The beginnings of two networks.
#[derive(Clone, Copy)]
struct Family4And6(&'static str, &'static str);

impl Family4And6 {
    fn pair(self, last: u8) -> [String; 2] {
        let Self(v4, v6) = self;
        [format!("{v4}20{last}/24"), format!("\"{v6}20{last}/64\"")]
    }

    fn holds(self, farmctl: &Farmctl, last: u8) -> [bool; 2] {
        let kernel = farmctl.kernel();
        let Self(v4, v6) = self;
        [format!("{v4}20{last}"), format!("{v6}20{last}")].map(|one| kernel.has_address(&one))
    }
}

/// Where the director has an address of its own, and where it has none.
const NETWORKS: [Family4And6; 2] = [
    Family4And6("10.9.0.", "fd09::"),
    Family4And6("203.0.113.", "2001:db8:9::"),
];

#[test]
fn removing_one_of_three_vips_leaves_the_other_two_whichever_it_is() {
    for network in NETWORKS {
        for gone in [1, 2, 3] {
            let farm = Farm::new();
            let farmctl = Farmctl::on(&farm.director);
            farmctl.converge(&three(network, &[]), &[]);
            farmctl.apply(&three(network, &[gone]), &[]).exits(5);
            farmctl.converge(&three(network, &[gone]), &["--allow-shrink"]);
            for last in [1, 2, 3] {
                assert_eq!(
                    network.holds(&farmctl, last),
                    [last != gone; 2],
                    "{last}, {gone}"
                );
            }
        }
    }
}

#[test]
fn nothing_leaves_from_a_vip_unless_it_is_bound_to_it() {
    let farm = Farm::new();
    let _server = Server::start(&farm.client, 9);
    let farmctl = Farmctl::on(&farm.director);
    for network in NETWORKS {
        farmctl.converge(&three(network, &[]), &["--allow-shrink"]);
        for family in Family::BOTH {
            for net in [Net::Front, Net::Uplink] {
                let to = SocketAddr::new(net.address(family, Farm::CLIENT), 9);
                let seen = farm.director.ask(to).unwrap().client.ip().to_canonical();
                assert_eq!(seen, net.address(family, Farm::DIRECTOR));
            }
        }
    }
}

#[test]
fn a_connection_that_is_bound_to_a_vip_leaves_from_it() {
    let farm = Farm::new();
    let _server = Server::start(&farm.client, 9);
    let farmctl = Farmctl::on(&farm.director);
    farmctl.converge(&three(NETWORKS[0], &[]), &[]);
    for (family, vip) in [(Family::V4, "10.9.0.201"), (Family::V6, "fd09::201")] {
        let vip = vip.parse().unwrap();
        let to = SocketAddr::new(Net::Front.address(family, Farm::CLIENT), 9);
        let mut connection = farm.director.connect_from(vip, to).unwrap();
        assert_eq!(connection.get().unwrap().client.ip().to_canonical(), vip);
    }
}

#[test]
fn a_vip_does_not_answer_before_its_services_do() {
    // Nobody is refused while a farm goes up: what answers at the VIP is a service.
    let site = Site::new(Method::Nat);
    let text = Text::new(Method::Nat).to_string();
    let changes = site.farmctl.diff(&text, &[]).exits(1).json()["changes"].clone();
    let changes = changes.as_array().unwrap();
    let place = |op: &str| {
        changes
            .iter()
            .position(|change| change["op"] == op)
            .unwrap()
    };
    let last = |op: &str| {
        changes
            .iter()
            .rposition(|change| change["op"] == op)
            .unwrap()
    };
    assert!(last("add_service") < place("add_address"));
    assert!(last("add_destination") < place("add_address"));
}
