//! Servers that go: by weight 0, by removal, at once.

use std::net::SocketAddr;

use farmctl::dataplane::Nftables;
use farmctl::state::{DestinationKey, Protocol, ServiceKey};

use crate::bed::{Datagrams, Download, Echo, Family};
use crate::site::Site;
use crate::wish::{Way, Wish, at, front_door};

/// Downloads that run, and on which server each does.
struct Downloads(Vec<Download>);

impl Downloads {
    /// Twelve that have begun, over all three servers.
    fn start(site: &Site, door: SocketAddr) -> Self {
        let mut downloads: Vec<Download> = (0..12)
            .map(|_| site.farm.client.download(door, 400).unwrap())
            .collect();
        for download in &mut downloads {
            download.wait_for(2);
        }
        Self(downloads)
    }

    /// Ends them; how many arrived whole.
    fn finish(self) -> usize {
        let ends = self.0.into_iter().map(Download::finish);
        ends.filter(|end| matches!(end, Ok(400))).count()
    }
}

fn key(way: Way, family: Family) -> ServiceKey {
    at(Protocol::Tcp, way.vip(family), 80)
}

fn connections(site: &Site, service: ServiceKey) -> Vec<(DestinationKey, u64)> {
    let seen = site.observe();
    let counted = seen.destinations.iter();
    counted
        .filter(|((of, _), _)| *of == service)
        .map(|((_, key), counters)| (*key, counters.live()))
        .collect()
}

/// Servers in exact turns, so that each has four of twelve downloads.
fn exact(way: Way) -> Wish {
    Wish::balanced(way, "rr", [1; 3]).each(crate::wish::exact)
}

#[test]
fn a_server_of_weight_0_keeps_its_downloads_and_gets_no_new_connection() {
    for way in Way::ALL {
        let site = Site::holding(&exact(way));
        for family in Family::BOTH {
            let door = front_door(way, family);
            let downloads = Downloads::start(&site, door);
            site.make(&exact(way).reweighted([Some(0), Some(1), Some(1)]));
            assert_eq!(site.spread(door, 20), [0, 10, 10], "{way:?}");
            assert_eq!(downloads.finish(), 12, "{way:?} {family:?}");
            site.make(&exact(way));
        }
    }
}

#[test]
fn a_server_that_is_removed_keeps_its_downloads_and_gets_no_new_connection() {
    for way in Way::ALL {
        let site = Site::holding(&exact(way));
        for family in Family::BOTH {
            let door = front_door(way, family);
            let downloads = Downloads::start(&site, door);
            site.make(&exact(way).reweighted([None, Some(1), Some(1)]));
            assert_eq!(site.spread(door, 20), [0, 10, 10], "{way:?}");
            assert_eq!(downloads.finish(), 12, "{way:?} {family:?}");
            site.make(&exact(way));
        }
    }
}

#[test]
fn an_edit_of_one_service_leaves_the_connections_of_another_alone() {
    let site = Site::holding(&exact(Way::Nat));
    let downloads = Downloads::start(&site, front_door(Way::Nat, Family::V6));
    let mut edited = exact(Way::Nat);
    edited.0.services.remove(&key(Way::Nat, Family::V4));
    site.make(&edited);
    assert_eq!(downloads.finish(), 12);
}

#[test]
fn connections_are_counted_for_each_server_until_they_end() {
    for way in Way::ALL {
        let site = Site::holding(&exact(way));
        for family in Family::BOTH {
            let downloads = Downloads::start(&site, front_door(way, family));
            let seen = site.observe();
            let service = key(way, family);
            for number in 0..3 {
                let server = way.server(family, number, 80);
                let counted = seen.destinations[&(service, server)];
                assert_eq!(counted.active, 4, "{way:?} {family:?}");
                assert_eq!(counted.counters.connections, 4);
            }
            assert_eq!(seen.services[&service].connections, 12);
            assert_eq!(downloads.finish(), 12);
        }
    }
}

#[test]
fn a_killed_server_has_its_connections_reset_and_no_other_one() {
    for way in Way::ALL {
        let site = Site::holding(&exact(way));
        for family in Family::BOTH {
            let door = front_door(way, family);
            let downloads = Downloads::start(&site, door);
            let (service, gone) = (key(way, family), way.server(family, 0, 80));
            site.make(&exact(way).reweighted([None, Some(1), Some(1)]));
            kill(&site, service, gone);
            assert_eq!(downloads.finish(), 8, "{way:?} {family:?}");
            site.make(&exact(way));
            assert_eq!(site.spread(door, 12), [4; 3], "a server may come back");
        }
    }
}

fn kill(site: &Site, service: ServiceKey, server: DestinationKey) {
    site.farm
        .director
        .run(|| Nftables::open().unwrap().kill(&service, &server).unwrap());
}

#[test]
fn udp_flows_of_a_removed_server_find_another_one() {
    for way in Way::ALL {
        let wish = |weights: &[u32]| {
            Family::BOTH.into_iter().fold(Wish::new(), |wish, family| {
                let service = way.service(family, 53, "rr", weights);
                wish.with(way, family, Protocol::Udp, 53, crate::wish::exact(service))
            })
        };
        let site = Site::holding(&wish(&[1, 1, 1]));
        for family in Family::BOTH {
            let _servers = echoes(&site, way, family);
            let door = SocketAddr::new(way.vip(family), 53);
            let ports: Vec<Datagrams> = (0..3)
                .map(|_| Datagrams::open(&site.farm.client, door).unwrap())
                .collect();
            let ask = || -> Vec<String> { ports.iter().map(|it| it.ask().unwrap()).collect() };
            let mut first = ask();
            assert_eq!(ask(), first, "a flow stays where it is");
            first.sort();
            assert_eq!(first, ["rs1", "rs2", "rs3"], "{way:?} {family:?}");
            let mut without = wish(&[1, 1, 1]);
            for service in without.0.services.values_mut() {
                service.destinations.pop_first();
            }
            site.make(&without);
            assert!(ask().iter().all(|it| it != "rs1"), "{way:?} {family:?}");
            site.make(&wish(&[1, 1, 1]));
        }
    }
}

/// Servers that answer from the VIP where they hold it.
fn echoes(site: &Site, way: Way, family: Family) -> Vec<Echo> {
    let servers = site.farm.real_servers.iter().enumerate();
    let at = |number| match way {
        Way::DirectRouting => way.vip(family),
        Way::Nat | Way::Masquerade => way.server(family, number, 53).address,
    };
    servers
        .map(|(number, node)| Echo::start(node, SocketAddr::new(at(number), 53)))
        .collect()
}

#[test]
fn what_is_over_is_not_waited_for() {
    for way in Way::ALL {
        let site = Site::holding(&exact(way));
        site.spread(front_door(way, Family::V4), 9);
        wait_until_over(&site, key(way, Family::V4));
    }
}

/// Servers may end a connection a moment after the client has its answer.
fn wait_until_over(site: &Site, service: ServiceKey) {
    for _ in 0..50 {
        if connections(site, service)
            .iter()
            .all(|(_, live)| *live == 0)
        {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{:?}", connections(site, service));
}

#[test]
fn nothing_is_left_in_the_kernel_when_the_last_service_goes() {
    let site = Site::holding(&exact(Way::Nat));
    site.make(&Wish::empty());
    let seen = site.observe();
    assert!(seen.state.services.is_empty());
    assert!(
        !seen
            .state
            .settings
            .contains_key(&farmctl::state::Setting::HashSeed)
    );
}
