//! Clients that stay with their server. The kernel's time-outs are real time, so they are short
//! here; nothing is asserted about how long anything took.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use farmctl::state::{ClientMask, Family as StateFamily, Protocol, Service, ServiceKey};

use crate::bed::{Family, Farm};
use crate::site::Site;
use crate::wish::{Way, Wish, at, exact, front_door, persistent};

const TIMEOUT: u32 = 3;

fn host(family: Family) -> ClientMask {
    ClientMask::host(match family {
        Family::V4 => StateFamily::V4,
        Family::V6 => StateFamily::V6,
    })
}

/// One tcp service of this family, its servers in exact turns, that remembers clients.
fn wish(way: Way, family: Family, mask: ClientMask, weights: &[u32]) -> Wish {
    let service = exact(way.service(family, 80, "rr", weights));
    let service = persistent(service, TIMEOUT, mask);
    Wish::new().with(way, family, Protocol::Tcp, 80, service)
}

fn ask(site: &Site, from: IpAddr, to: SocketAddr) -> String {
    let connected = site.farm.client.connect_from(from, to);
    connected.and_then(|mut it| it.get()).unwrap().server
}

/// Gives the client one more address on the network of the VIP.
fn client(site: &Site, way: Way, family: Family, host: u8) -> IpAddr {
    let address = way.net().address(family, host);
    let length = if address.is_ipv4() { 24 } else { 64 };
    let interface = way.net().interface();
    site.farm
        .client
        .add_address(interface, &format!("{address}/{length}"));
    address
}

fn remembered(site: &Site, key: &ServiceKey) -> u32 {
    let seen = site.observe().destinations;
    let here = seen.iter().filter(|((of, _), _)| of == key);
    here.map(|(_, counters)| counters.persistent).sum()
}

#[test]
fn a_client_stays_with_its_server_and_others_go_elsewhere() {
    for way in Way::ALL {
        for family in Family::BOTH {
            let site = Site::holding(&wish(way, family, host(family), &[1; 3]));
            let door = front_door(way, family);
            let clients = [21, 22, 23].map(|host| client(&site, way, family, host));
            let first = clients.map(|from| ask(&site, from, door));
            let all: BTreeSet<&String> = first.iter().collect();
            assert_eq!(all.len(), 3, "{way:?} {family:?}");
            for _ in 0..3 {
                assert_eq!(clients.map(|from| ask(&site, from, door)), first);
            }
            let key = at(Protocol::Tcp, way.vip(family), 80);
            assert_eq!(remembered(&site, &key), 3, "{way:?} {family:?}");
        }
    }
}

#[test]
fn clients_under_one_mask_are_one_client() {
    for (family, mask) in [
        (Family::V4, ClientMask::V4([255, 255, 255, 0].into())),
        (Family::V6, ClientMask::V6(64)),
    ] {
        let site = Site::holding(&wish(Way::Nat, family, mask, &[1; 3]));
        let door = front_door(Way::Nat, family);
        let clients = [21, 22, 23, 24].map(|host| client(&site, Way::Nat, family, host));
        let servers: BTreeSet<String> =
            clients.iter().map(|from| ask(&site, *from, door)).collect();
        assert_eq!(servers.len(), 1, "{family:?}");
    }
}

#[test]
fn a_client_that_was_silent_for_the_timeout_is_forgotten() {
    let family = Family::V4;
    let site = Site::holding(&wish(Way::Nat, family, host(family), &[1; 3]));
    let door = front_door(Way::Nat, family);
    let from = client(&site, Way::Nat, family, 21);
    let first = ask(&site, from, door);
    assert_eq!(ask(&site, from, door), first);
    let key = at(Protocol::Tcp, Way::Nat.vip(family), 80);
    for _ in 0..200 {
        if remembered(&site, &key) == 0 {
            assert_ne!(ask(&site, from, door), first, "the next one in turn");
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the client is remembered for ever");
}

#[test]
fn a_server_of_weight_0_keeps_the_clients_that_it_has() {
    let family = Family::V4;
    let site = Site::holding(&wish(Way::Nat, family, host(family), &[1, 0, 0]));
    let door = front_door(Way::Nat, family);
    let from = client(&site, Way::Nat, family, 21);
    assert_eq!(ask(&site, from, door), "rs1");
    site.make(&wish(Way::Nat, family, host(family), &[0, 1, 1]));
    assert_eq!(ask(&site, from, door), "rs1");
    let other = client(&site, Way::Nat, family, 22);
    assert_ne!(ask(&site, other, door), "rs1");
}

#[test]
fn a_server_that_was_removed_loses_its_clients_at_once() {
    for way in Way::ALL {
        let family = Family::V6;
        let site = Site::holding(&wish(way, family, host(family), &[1, 0, 0]));
        let door = front_door(way, family);
        let from = client(&site, way, family, 21);
        assert_eq!(ask(&site, from, door), "rs1");
        let mut gone = wish(way, family, host(family), &[0, 1, 0]);
        let service = gone.0.services.values_mut().next().unwrap();
        service.destinations.remove(&way.server(family, 0, 80));
        site.make(&gone);
        assert_eq!(ask(&site, from, door), "rs2", "{way:?}");
        assert_eq!(ask(&site, from, door), "rs2", "and is remembered there");
    }
}

#[test]
fn an_edit_of_weights_forgets_no_client() {
    let family = Family::V4;
    let site = Site::holding(&wish(Way::Nat, family, host(family), &[1; 3]));
    let door = front_door(Way::Nat, family);
    let clients = [21, 22, 23].map(|host| client(&site, Way::Nat, family, host));
    let first = clients.map(|from| ask(&site, from, door));
    site.make(&wish(Way::Nat, family, host(family), &[5, 6, 7]));
    assert_eq!(clients.map(|from| ask(&site, from, door)), first);
}

/// Persistence over every port: what ip_vs has port 0 for.
#[test]
fn a_service_on_every_port_gives_a_client_one_server_on_all_of_them() {
    for way in [Way::Nat, Way::DirectRouting] {
        for family in Family::BOTH {
            let mut service = exact(way.service(family, 0, "rr", &[1; 3]));
            service = persistent(service, 60, host(family));
            let wish = Wish::new().with(way, family, Protocol::Tcp, 0, service);
            let site = Site::holding(&wish);
            let mut door = front_door(way, family);
            let clients = [21, 22, 23].map(|host| client(&site, way, family, host));
            let first = clients.map(|from| ask(&site, from, door));
            let all: BTreeSet<&String> = first.iter().collect();
            assert_eq!(all.len(), 3, "{way:?} {family:?}");
            door.set_port(8080);
            assert_eq!(clients.map(|from| ask(&site, from, door)), first);
        }
    }
}

#[test]
fn services_remember_apart_from_each_other() {
    let family = Family::V4;
    let kept = |service: Service| persistent(exact(service), 60, host(family));
    let wish = |port| kept(Way::Nat.service(family, port, "rr", &[1; 3]));
    let both = Wish::new()
        .with(Way::Nat, family, Protocol::Tcp, 80, wish(80))
        .with(Way::Nat, family, Protocol::Tcp, 8080, wish(8080));
    let site = Site::holding(&both);
    let from = Farm::CLIENT;
    let from = crate::bed::Net::Uplink.address(family, from);
    ask(&site, from, front_door(Way::Nat, family));
    let keys = [80, 8080].map(|port| at(Protocol::Tcp, Way::Nat.vip(family), port));
    assert_eq!(keys.map(|key| remembered(&site, &key)), [1, 0]);
}
