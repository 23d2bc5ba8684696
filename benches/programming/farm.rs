//! A farm of many services, ten real servers each: the file, and what the kernel is to hold.

use std::net::Ipv4Addr;

use farmctl::spec::{self, DataplaneKind};
use farmctl::state::{
    Change, Destination, DestinationKey, HostFacts, Protocol, ServiceKey, State, desired, plan,
};

/// The floating address and the service of which a weight is changed.
const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const EDITED: usize = 500;
const REAL_SERVERS: usize = 10;
const PORT: u16 = 8080;

/// The text of the farm's file.
pub(crate) fn text(services: usize) -> String {
    let mut text = format!(
        "version: 1\nfarm: bench\ndirectors: {{ members: [lb], dataplane: nftables }}\n\
         nodes: {{ lb: {{ address: 192.0.2.11/24, interface: lo }} }}\n\
         vips:\n  www: {{ addresses: [{VIP}/24], interface: lo }}\n\
         defaults: {{ service: {{ scheduler: rr }} }}\nservices:\n"
    );
    for service in 0..services {
        text += &format!(
            "  s{service}:\n    vip: www\n    port: {}\n    real_servers:\n",
            port(service)
        );
        for number in 0..REAL_SERVERS {
            text += &format!(
                "      - {{ address: {}, port: {PORT} }}\n",
                server(service, number)
            );
        }
    }
    text
}

/// What the kernel is to hold of services: their addresses are left out.
pub(crate) fn state(text: &str) -> State {
    let farm = spec::read("bench.yaml", text.as_bytes()).value.unwrap();
    let mut state = desired(&farm, None, &HostFacts::default(), DataplaneKind::Nftables).state;
    state.addresses.clear();
    state
        .settings
        .retain(|setting, _| *setting == farmctl::state::Setting::HashSeed);
    state
}

/// Every change from nothing.
pub(crate) fn changes(state: &State) -> Vec<Change> {
    plan(&State::default(), state).changes
}

/// One real server's weight, there or back.
pub(crate) fn edit(state: &State, turn: usize) -> Change {
    let service = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: VIP.into(),
        port: port(EDITED),
    };
    let key = DestinationKey {
        address: server(EDITED, 0).into(),
        port: PORT,
    };
    let light = state.services[&service].destinations[&key];
    let heavy = Destination { weight: 2, ..light };
    let (from, to) = if turn.is_multiple_of(2) {
        (light, heavy)
    } else {
        (heavy, light)
    };
    Change::SetDestination {
        service,
        key,
        from,
        to,
    }
}

fn port(service: usize) -> u16 {
    u16::try_from(1_000 + service).unwrap()
}

fn server(service: usize, number: usize) -> Ipv4Addr {
    let place = u32::try_from(service * REAL_SERVERS + number).unwrap();
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 1)) + place)
}
