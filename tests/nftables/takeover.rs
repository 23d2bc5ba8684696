//! Another director goes on: nothing of the first one's memory is there.

use std::net::SocketAddr;

use farmctl::netlink::conntrack;
use farmctl::state::ServiceKey;

use crate::bed::{Download, Family, Farm, Net};
use crate::site::{Site, execute};
use crate::wish::{Way, Wish, front_door};

fn flush(site: &Site) {
    site.farm
        .director
        .run(|| conntrack::Client::open().unwrap().flush().unwrap());
}

/// With `masquerade` it would not: which port of the director a connection has at the servers is
/// nowhere but in its memory.
#[test]
fn downloads_go_on_when_the_director_forgets_every_connection() {
    let site = Site::holding(&Wish::balanced(Way::Nat, "wrr", [1, 2, 3]));
    for family in Family::BOTH {
        let door = front_door(Way::Nat, family);
        let mut downloads: Vec<Download> = (0..12)
            .map(|_| site.farm.client.download(door, 400).unwrap())
            .collect();
        for download in &mut downloads {
            download.wait_for(3);
        }
        flush(&site);
        downloads.iter_mut().for_each(Download::wait_for_more);
        let ends = downloads.into_iter().map(Download::finish);
        let whole = ends.filter(|end| matches!(end, Ok(400))).count();
        assert_eq!(whole, 12, "{family:?}");
    }
}

#[test]
fn kept_connections_go_on_when_it_is_the_client_that_speaks_next() {
    let site = Site::holding(&Wish::balanced(Way::Nat, "wrr", [1, 2, 3]));
    for family in Family::BOTH {
        let door = front_door(Way::Nat, family);
        let mut kept: Vec<_> = (0..12)
            .map(|_| site.farm.client.connect(door).unwrap())
            .collect();
        let first: Vec<String> = kept.iter_mut().map(|it| it.get().unwrap().server).collect();
        flush(&site);
        let again: Vec<String> = kept.iter_mut().map(|it| it.get().unwrap().server).collect();
        assert_eq!(again, first, "{family:?}");
    }
}

/// Everything that chooses is in the tables: the same state gives the same tables.
#[test]
fn a_second_director_with_the_same_file_chooses_the_same_servers() {
    for scheduler in ["wrr", "sh", "mh"] {
        let wish = Wish::balanced(Way::Nat, scheduler, [1, 2, 3]);
        let [one, other] = [Site::holding(&wish), Site::holding(&wish)];
        let door = front_door(Way::Nat, Family::V4);
        for port in 20_000..20_024 {
            let servers = [&one, &other].map(|site| ask_from_port(site, port, door));
            assert_eq!(servers[0], servers[1], "{scheduler} {port}");
        }
    }
}

fn ask_from_port(site: &Site, port: u16, to: SocketAddr) -> String {
    let from = SocketAddr::new(Net::Uplink.address(Family::V4, Farm::CLIENT), port);
    let connected = site.farm.client.connect_from_port(from, to);
    connected.and_then(|mut it| it.get()).unwrap().server
}

#[test]
fn removing_everything_on_a_second_director_touches_nothing_of_the_first() {
    let wish = Wish::balanced(Way::Nat, "wrr", [1, 2, 3]);
    let [one, other] = [Site::holding(&wish), Site::holding(&wish)];
    let keys: Vec<ServiceKey> = wish.0.services.keys().copied().collect();
    let gone = other.plan(&Wish::empty());
    assert_eq!(execute(&other.farm.director, &gone).unwrap(), Vec::new());
    assert!(
        keys.iter()
            .all(|key| one.observe().state.services.contains_key(key))
    );
}
