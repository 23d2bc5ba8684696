//! Packets through what the data plane made.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use farmctl::dataplane::{Dataplane, Ipvs, Observation};
use farmctl::state::{Address, AddressKey, Forwarding, Protocol, ServiceKey, Setting, State, plan};

use super::{service, with};
use crate::bed::{Family, Farm, Net, Node};

/// One NAT service of each family on the uplink, with all three real servers at weight 1, 2, 3.
fn balanced() -> (State, [SocketAddr; 2]) {
    let mut state = State::default();
    state.settings.insert(Setting::ForwardV4, 1);
    state.settings.insert(Setting::ForwardV6, 1);
    let vips = Family::BOTH.map(|family| {
        let address = Net::Uplink.address(family, 100);
        let mut balanced = service("wrr");
        for host in Farm::REAL_SERVERS {
            let real = Net::Back.address(family, host).to_string();
            balanced = with(balanced, &real, 8080, Forwarding::Masquerade);
        }
        state.services.insert(key(address), balanced);
        let interface = Net::Uplink.interface().to_owned();
        let up = Address {
            prefix: if address.is_ipv4() { 32 } else { 128 },
            no_prefix_route: false,
        };
        state
            .addresses
            .insert(AddressKey { interface, address }, up);
        SocketAddr::new(address, 80)
    });
    (state, vips)
}

fn key(address: std::net::IpAddr) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address,
        port: 80,
    }
}

#[test]
fn connections_are_spread_by_weight_and_counted() {
    let farm = Farm::new();
    let _servers = farm.serve(8080);
    let (desired, vips) = balanced();
    let director = &farm.director;
    let before = director.run(|| {
        let mut ipvs = Ipvs::open().unwrap();
        let failures = ipvs.execute(&plan(&State::default(), &desired).changes);
        assert_eq!(failures, Ok(Vec::new()));
        ipvs.observe().unwrap()
    });
    for vip in vips {
        assert_eq!(live(&before, vip), 0);
        let answers = farm.client.spread(vip, 12).unwrap();
        let counts: Vec<_> = answers.values().copied().collect();
        assert_eq!(counts, [2, 4, 6], "{vip}");
    }
    let after = once_counted(director);
    for vip in vips {
        let counted = after.services[&key(vip.ip())];
        assert_eq!(counted.connections, 12);
        assert!(counted.packets_in >= 12 * 3 && counted.bytes_out > 0);
        assert_eq!(
            live(&after, vip),
            12,
            "closed ones are remembered for a while"
        );
    }
}

/// The kernel adds its counters up every 2 s; this waits until it has.
fn once_counted(director: &Node) -> Observation {
    let mut ipvs = director.run(|| Ipvs::open().unwrap());
    for _ in 0..100 {
        let observation = ipvs.observe().unwrap();
        if observation
            .services
            .values()
            .all(|counted| counted.connections > 0)
        {
            return observation;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the kernel never counted")
}

fn live(observation: &Observation, vip: SocketAddr) -> u64 {
    let of = key(vip.ip());
    let here = observation
        .destinations
        .iter()
        .filter(|((key, _), _)| *key == of);
    here.map(|(_, counters)| counters.live()).sum()
}
