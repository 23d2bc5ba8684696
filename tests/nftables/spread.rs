//! Which server a new connection gets.

use farmctl::state::{Protocol, SchedulerFlags};

use crate::bed::{Connection, Family, Net};
use crate::site::{Site, assert_by_weights};
use crate::wish::{Way, Wish, exact, front_door};

const WEIGHTS: [u32; 3] = [1, 2, 3];

fn spread_by_weights(way: Way) {
    let site = Site::holding(&Wish::balanced(way, "wrr", WEIGHTS));
    for family in Family::BOTH {
        let counts = site.spread(front_door(way, family), 300);
        assert_by_weights(counts, WEIGHTS);
    }
}

#[test]
fn nat_spreads_connections_by_weight() {
    spread_by_weights(Way::Nat);
}

#[test]
fn direct_routing_spreads_connections_by_weight() {
    spread_by_weights(Way::DirectRouting);
}

#[test]
fn masquerade_spreads_connections_by_weight_over_servers_that_see_the_director() {
    spread_by_weights(Way::Masquerade);
    let site = Site::holding(&Wish::balanced(Way::Masquerade, "rr", [1; 3]));
    for family in Family::BOTH {
        let answer = site
            .farm
            .client
            .ask(front_door(Way::Masquerade, family))
            .unwrap();
        let director = Net::Front.address(family, 2);
        assert_eq!(answer.client.ip().to_canonical(), director);
    }
}

#[test]
fn by_nat_a_server_sees_the_client_itself() {
    for way in [Way::Nat, Way::DirectRouting] {
        let site = Site::holding(&Wish::balanced(way, "rr", [1; 3]));
        for family in Family::BOTH {
            let answer = site.farm.client.ask(front_door(way, family)).unwrap();
            let client = way.net().address(family, 1);
            assert_eq!(answer.client.ip().to_canonical(), client, "{way:?}");
        }
    }
}

#[test]
fn exact_turns_give_each_server_exactly_its_share() {
    for way in Way::ALL {
        let wish = Wish::balanced(way, "wrr", WEIGHTS).each(exact);
        let site = Site::holding(&wish);
        for family in Family::BOTH {
            assert_eq!(site.spread(front_door(way, family), 60), [10, 20, 30]);
        }
        let site = Site::holding(&Wish::balanced(way, "rr", WEIGHTS).each(exact));
        assert_eq!(site.spread(front_door(way, Family::V4), 30), [10; 3]);
    }
}

#[test]
fn exact_turns_do_not_come_in_bursts() {
    let wish = Wish::balanced(Way::Nat, "wrr", [1, 1, 4]).each(exact);
    let site = Site::holding(&wish);
    let door = front_door(Way::Nat, Family::V4);
    let ask = || site.farm.client.ask(door).unwrap().server;
    let turns: Vec<String> = (0..18).map(|_| ask()).collect();
    let longest = turns.chunk_by(|one, next| one == next).map(<[String]>::len);
    assert!(longest.max() <= Some(3), "{turns:?}");
}

#[test]
fn services_with_exact_turns_do_not_disturb_each_other() {
    let wish = Wish::balanced(Way::Nat, "rr", [1, 1, 0]).each(exact);
    let site = Site::holding(&wish);
    let mut counts = [[0; 3]; 2];
    for _ in 0..10 {
        for (family, counts) in Family::BOTH.into_iter().zip(&mut counts) {
            let one = site.spread(front_door(Way::Nat, family), 1);
            for (sum, more) in counts.iter_mut().zip(one) {
                *sum += more;
            }
        }
    }
    assert_eq!(counts, [[5, 5, 0]; 2]);
}

#[test]
fn a_source_hash_gives_a_client_always_the_same_server() {
    for scheduler in ["sh", "mh"] {
        for way in [Way::Nat, Way::DirectRouting] {
            let site = Site::holding(&Wish::balanced(way, scheduler, WEIGHTS));
            for family in Family::BOTH {
                let mut counts = site.spread(front_door(way, family), 12);
                counts.sort_unstable();
                assert_eq!(counts, [0, 0, 12], "{scheduler} {way:?} {family:?}");
            }
        }
    }
}

#[test]
fn a_source_hash_spreads_clients_by_weight() {
    for scheduler in ["sh", "mh"] {
        let site = Site::holding(&Wish::balanced(Way::Nat, scheduler, WEIGHTS));
        let mut counts = [0; 3];
        for host in 10..90_u8 {
            let from = Net::Uplink.address(Family::V4, host);
            site.farm
                .client
                .add_address("uplink", &format!("{from}/32"));
            let connected = site
                .farm
                .client
                .connect_from(from, front_door(Way::Nat, Family::V4));
            let server = connected.and_then(|mut it: Connection| it.get()).unwrap();
            let number: usize = server.server[2..].parse().unwrap();
            counts[number - 1] += 1;
        }
        assert_by_weights(counts, WEIGHTS);
    }
}

#[test]
fn a_source_hash_with_port_spreads_the_connections_of_one_client() {
    let with_port = |mut service: farmctl::state::Service| {
        service.attributes.scheduler_flags = SchedulerFlags::PORT;
        service
    };
    let wish = Wish::balanced(Way::Nat, "mh", WEIGHTS).each(with_port);
    let site = Site::holding(&wish);
    for family in Family::BOTH {
        let counts = site.spread(front_door(Way::Nat, family), 300);
        assert_by_weights(counts, WEIGHTS);
    }
}

#[test]
fn a_destination_hash_follows_the_service_and_not_the_client() {
    let site = Site::holding(&Wish::balanced(Way::Nat, "dh", [1; 3]));
    let mut counts = site.spread(front_door(Way::Nat, Family::V4), 10);
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 10]);
}

#[test]
fn a_server_of_weight_0_gets_nothing_and_an_edit_takes_effect_at_once() {
    let site = Site::holding(&Wish::balanced(Way::Nat, "wrr", [1, 0, 1]));
    let door = front_door(Way::Nat, Family::V4);
    assert_eq!(site.spread(door, 40)[1], 0);
    site.make(&Wish::balanced(Way::Nat, "wrr", [0, 1, 0]));
    assert_eq!(site.spread(door, 20), [0, 20, 0]);
}

#[test]
fn two_ports_of_an_address_are_two_services() {
    let other = Way::Nat.service(Family::V4, 8080, "rr", &[0, 0, 1]);
    let wish = Wish::balanced(Way::Nat, "rr", [1, 0, 0]).with(
        Way::Nat,
        Family::V4,
        Protocol::Tcp,
        8080,
        other,
    );
    let site = Site::holding(&wish);
    let mut door = front_door(Way::Nat, Family::V4);
    assert_eq!(site.spread(door, 5), [5, 0, 0]);
    door.set_port(8080);
    assert_eq!(site.spread(door, 5), [0, 0, 5]);
}
