//! What stands beside the table: settings, addresses, synchronisation daemons.

use farmctl::dataplane::Dataplane;
use farmctl::netlink::{nft, route};
use farmctl::state::{
    Address, AddressKey, MarkRule, PortRange, Protocol, Setting, State, SyncDaemon, SyncRole,
    VsSysctl, plan,
};

use super::{fresh, ip, make};

#[test]
fn settings_are_written_one_by_one_and_time_outs_leave_the_others_alone() {
    let mut ipvs = fresh();
    let before = ipvs.observe().unwrap().state.settings;
    let mut desired = State::default();
    for (setting, value) in [
        (Setting::TimeoutTcpFin, 33),
        (Setting::Vs(VsSysctl::ExpireNodestConn), 1),
        (Setting::Vs(VsSysctl::SyncRefreshPeriod), 5),
        (Setting::ForwardV4, 1),
        (Setting::ForwardV6, 1),
        (Setting::PromoteSecondaries("lo".to_owned()), 1),
    ] {
        assert_ne!(before.get(&setting), Some(&value), "{setting}");
        desired.settings.insert(setting, value);
    }
    make(&mut ipvs, &desired);
    assert_eq!(ipvs.writes(), 6);
    let after = ipvs.observe().unwrap().state.settings;
    for (setting, value) in before {
        let expected = desired.settings.get(&setting).copied().unwrap_or(value);
        // Forwarding on all interfaces is more than one number.
        assert_eq!(after.get(&setting), Some(&expected), "{setting}");
    }
}

fn address(text: &str, prefix: u8) -> (AddressKey, Address) {
    let key = AddressKey {
        interface: "lo".to_owned(),
        address: ip(text),
    };
    let address = Address {
        prefix,
        no_prefix_route: prefix != 32 && prefix != 128,
    };
    (key, address)
}

#[test]
fn addresses_go_up_change_their_form_and_go_down() {
    let mut ipvs = fresh();
    let up = [address("192.0.2.10", 24), address("2001:db8::10", 64)];
    let other = [address("192.0.2.10", 32), address("2001:db8::10", 128)];
    let state = |addresses: &[(AddressKey, Address)]| State {
        addresses: addresses.iter().cloned().collect(),
        ..State::default()
    };
    for step in [state(&up), state(&other), state(&up)] {
        make(&mut ipvs, &step);
        let observation = ipvs.observe().unwrap();
        for (key, address) in &step.addresses {
            assert_eq!(observation.state.addresses.get(key), Some(address));
            let here: Vec<_> = observation.host.interfaces["lo"]
                .addresses
                .iter()
                .filter(|(one, _)| *one == key.address)
                .collect();
            assert_eq!(here, [&(key.address, address.prefix)], "one form only");
        }
    }
    let down = plan(&state(&up), &State::default()).changes;
    assert_eq!(ipvs.execute(&down), Ok(Vec::new()));
    let left = ipvs.observe().unwrap();
    assert!(!left.host.is_local(ip("192.0.2.10")));
    assert!(!left.host.is_local(ip("2001:db8::10")));
}

#[test]
fn an_ipv6_address_that_goes_up_is_never_a_source_by_itself() {
    let mut ipvs = fresh();
    let desired = State {
        addresses: [address("2001:db8::10", 128)].into(),
        ..State::default()
    };
    make(&mut ipvs, &desired);
    let mut route = route::Client::open().unwrap();
    let addresses = route.addresses().unwrap();
    let vip = addresses
        .iter()
        .find(|found| found.address == ip("2001:db8::10"))
        .unwrap();
    assert_ne!(vip.flags & route::ADDRESS_DEPRECATED, 0);
    assert_eq!(vip.flags & route::ADDRESS_TENTATIVE, 0);
}

fn daemon(id: u8) -> SyncDaemon {
    SyncDaemon {
        interface: "lo".to_owned(),
        id,
        max_length: 0,
        group: ip("224.0.0.82"),
        port: 8849,
        ttl: 3,
    }
}

#[test]
fn synchronisation_daemons_start_change_and_stop() {
    let mut ipvs = fresh();
    for id in [7, 8] {
        let desired = State {
            sync_daemons: [
                (SyncRole::Master, daemon(id)),
                (SyncRole::Backup, daemon(id)),
            ]
            .into(),
            ..State::default()
        };
        make(&mut ipvs, &desired);
        let state = ipvs.observe().unwrap().state;
        assert_eq!(state.sync_daemons.len(), 2);
        assert!(plan(&state_of_daemons(&state), &desired).changes.is_empty());
    }
    make(&mut ipvs, &State::default());
    assert!(ipvs.observe().unwrap().state.sync_daemons.is_empty());
}

fn state_of_daemons(state: &State) -> State {
    State {
        sync_daemons: state.sync_daemons.clone(),
        ..State::default()
    }
}

fn marked(ports: [(u16, u16); 2]) -> State {
    let rule = |(first, last), address: &str, protocol| MarkRule {
        mark: 7,
        address: ip(address),
        protocol,
        ports: PortRange { first, last },
    };
    let [one, other] = ports;
    State {
        marks: [
            rule(one, "192.0.2.10", Protocol::Tcp),
            rule(other, "2001:db8::10", Protocol::Sctp),
        ]
        .into(),
        ..State::default()
    }
}

#[test]
fn marks_are_written_replaced_and_taken_away_in_one_step_each() {
    let mut ipvs = fresh();
    for desired in [
        marked([(443, 443), (30_000, 30_100)]),
        marked([(80, 81), (1, 65_535)]),
        State::default(),
    ] {
        make(&mut ipvs, &desired);
        assert_eq!(ipvs.observe().unwrap().state.marks, desired.marks);
    }
    let writes = ipvs.writes();
    make(&mut ipvs, &State::default());
    assert_eq!(ipvs.writes(), writes);
}

#[test]
fn a_table_of_marks_that_somebody_deleted_is_made_anew() {
    let mut ipvs = fresh();
    let desired = marked([(443, 443), (30_000, 30_100)]);
    make(&mut ipvs, &desired);
    let mut hand = nft::Client::open().unwrap();
    hand.delete_table("farmctl").unwrap();
    assert_eq!(ipvs.observe().unwrap().state.marks, State::default().marks);
    make(&mut ipvs, &desired);
    assert_eq!(ipvs.observe().unwrap().state.marks, desired.marks);
}
