//! Floating addresses, options and roles: what the file says and what comes of it.

use std::collections::BTreeMap;

use crate::spec::{DataplaneKind, Farm, Name};
use crate::state::{
    AddressKey, HostFacts, InterfaceFacts, Setting, State, SyncRole, VsSysctl, plan,
};

use super::{Desired, NoteKind, desired};

/// What a file asks of the node, or without one of the only director.
pub(super) fn made(file: &str, node: Option<&str>, host: &HostFacts) -> Desired {
    let farm: Farm = serde_yaml::from_str(file).unwrap();
    let node: Option<Name> = node.map(|name| name.parse().unwrap());
    desired(&farm, node.as_ref(), host, DataplaneKind::Ipvs)
}

/// What a file asks of its only director where nftables forwards.
pub(super) fn made_on_nftables(file: &str) -> Desired {
    let farm: Farm = serde_yaml::from_str(file).unwrap();
    desired(&farm, None, &HostFacts::default(), DataplaneKind::Nftables)
}

/// A state in words: what would have to be done to make it out of nothing.
pub(super) fn lines(state: &State) -> Vec<String> {
    plan(&State::default(), state)
        .changes
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn host(interfaces: &[(&str, &[(&str, u8)])]) -> HostFacts {
    let facts = |addresses: &[(&str, u8)]| InterfaceFacts {
        up: true,
        addresses: addresses
            .iter()
            .map(|(address, prefix)| (address.parse().unwrap(), *prefix))
            .collect(),
    };
    HostFacts {
        interfaces: interfaces
            .iter()
            .map(|(name, addresses)| ((*name).to_owned(), facts(addresses)))
            .collect(),
    }
}

fn addresses(desired: &Desired) -> Vec<String> {
    lines(&desired.state)
}

fn kinds(desired: &Desired) -> Vec<NoteKind> {
    desired.notes.iter().map(|note| note.kind).collect()
}

const TWO_NETWORKS: &str = r#"
version: 1
nodes:
  lb1:
    networks:
      front: { interface: bond0.100, addresses: [192.0.2.11/24] }
      back: { interface: eth1, addresses: [10.0.0.11/24] }
directors: { members: [lb1] }
vips:
  www:
    addresses: [192.0.2.10/24, "2001:db8::10/64", { address: 10.0.0.1/24, network: back }]
    network: front
"#;

#[test]
fn an_address_goes_up_on_the_interface_of_its_network() {
    let desired = made(TWO_NETWORKS, None, &HostFacts::default());
    assert_eq!(
        addresses(&desired),
        [
            "put address 192.0.2.10/32 on bond0.100 up",
            "put address 2001:db8::10/64 without a route on bond0.100 up",
            "put address 10.0.0.1/32 on eth1 up",
        ]
    );
    let key = AddressKey {
        interface: "eth1".to_owned(),
        address: "10.0.0.1".parse().unwrap(),
    };
    let path = desired.addresses[&key].path.to_string();
    assert_eq!(path, "vips.www.addresses[2]");
}

#[test]
fn an_own_address_that_only_the_machine_knows_counts_too() {
    let host = host(&[("bond0.100", &[("2001:db8::11", 64), ("2001:db8::10", 64)])]);
    let desired = made(TWO_NETWORKS, None, &host);
    assert_eq!(
        addresses(&desired)[1],
        "put address 2001:db8::10/128 on bond0.100 up"
    );
}

#[test]
fn floating_addresses_of_the_farm_are_not_the_machines_own() {
    let file = r"
version: 1
vips: { www: { addresses: [192.0.2.10/24, 192.0.2.20/24], interface: eth0 } }
";
    let host = host(&[("eth0", &[("192.0.2.10", 24), ("192.0.2.20", 24)])]);
    assert_eq!(
        addresses(&made(file, None, &host)),
        [
            "set net.ipv4.conf.eth0.promote_secondaries to 1",
            "put address 192.0.2.10/24 without a route on eth0 up",
            "put address 192.0.2.20/24 without a route on eth0 up",
        ]
    );
}

#[test]
fn an_address_of_ours_that_left_the_file_is_taken_out_of_the_facts() {
    let file = "version: 1\nvips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }\n";
    let ours = AddressKey {
        interface: "eth0".to_owned(),
        address: "192.0.2.20".parse().unwrap(),
    };
    let measured = host(&[("eth0", &[("192.0.2.10", 24), ("192.0.2.20", 24)])]);
    let last = |host: &HostFacts| addresses(&made(file, None, host)).pop();
    assert_eq!(
        last(&measured).as_deref(),
        Some("put address 192.0.2.10/32 on eth0 up")
    );
    assert_eq!(
        last(&measured.without([&ours])).as_deref(),
        Some("put address 192.0.2.10/24 without a route on eth0 up")
    );
}

#[test]
fn an_address_without_a_prefix_is_a_bare_one() {
    let file = "version: 1\nvips: { www: { addresses: [192.0.2.10], interface: eth0 } }\n";
    assert_eq!(
        addresses(&made(file, None, &HostFacts::default())),
        ["put address 192.0.2.10/32 on eth0 up"]
    );
}

#[test]
fn without_an_interface_in_the_file_the_neighbours_tell_it() {
    let file = "version: 1\nvips: { www: { addresses: [192.0.2.10/24] } }\n";
    let wide = ("eth0", &[("192.0.0.1", 16)][..]);
    let near = ("eth1", &[("192.0.2.11", 24)][..]);
    assert_eq!(
        addresses(&made(file, None, &host(&[wide, near]))),
        ["put address 192.0.2.10/32 on eth1 up"]
    );
    let nowhere = made(file, None, &HostFacts::default());
    assert_eq!(kinds(&nowhere), [NoteKind::NoInterface]);
    assert!(nowhere.state.is_empty());
}

#[test]
fn an_address_on_an_interface_that_is_down_is_wanted_and_told() {
    let file = "version: 1\nvips: { www: { addresses: [192.0.2.10], interface: eth0 } }\n";
    let mut host = host(&[("eth0", &[][..])]);
    assert_eq!(kinds(&made(file, None, &host)), []);
    for interface in host.interfaces.values_mut() {
        interface.up = false;
    }
    let desired = made(file, None, &host);
    assert_eq!(kinds(&desired), [NoteKind::InterfaceDown]);
    assert_eq!(desired.state.addresses.len(), 1);
}

#[test]
fn a_nodes_address_leads_to_its_interface() {
    let file = r"
version: 1
nodes: { lb1: { address: 10.0.0.11 } }
directors: { members: [lb1] }
vips: { www: { addresses: [192.0.2.10/32] } }
";
    let host = host(&[("eth7", &[("10.0.0.11", 24)])]);
    assert_eq!(
        addresses(&made(file, None, &host)),
        ["put address 192.0.2.10/32 on eth7 up"]
    );
}

#[test]
fn an_interface_that_the_machine_does_not_have_is_noted() {
    let file = "version: 1\nvips: { www: { addresses: [192.0.2.10/24], interface: eth9 } }\n";
    let desired = made(file, None, &host(&[("eth0", &[])]));
    assert_eq!(
        desired.notes[0].message,
        "This machine has no interface eth9."
    );
    assert_eq!(desired.notes[0].path.to_string(), "vips.www.addresses[0]");
}

#[test]
fn addresses_that_somebody_else_owns_are_left_alone() {
    let file = r"
version: 1
vips: { www: { addresses: [192.0.2.10/24], interface: eth0, ownership: none } }
";
    assert_eq!(made(file, None, &HostFacts::default()), Desired::default());
}

const TWO_DIRECTORS: &str = r"
version: 1
nodes: { lb1: { address: 192.0.2.11/24, interface: eth0 }, lb2: { address: 192.0.2.12/24, interface: eth1 }, web1: { address: 10.0.0.21 } }
directors:
  members: [lb1, lb2]
  connection_sync: { network: main, id: 7, ttl: 2 }
vips: { www: { addresses: [192.0.2.10/24] } }
services: { http: { vip: www, port: 80, real_servers: [{ node: web1 }] } }
";

#[test]
fn one_of_several_directors_has_the_services_but_puts_no_address_up() {
    let desired = made(TWO_DIRECTORS, Some("lb2"), &HostFacts::default());
    assert!(desired.state.addresses.is_empty());
    assert_eq!(desired.state.services.len(), 1);
    assert_eq!(kinds(&desired), [NoteKind::NotRaised]);
}

#[test]
fn a_machine_that_is_no_director_holds_nothing() {
    let web1 = made(TWO_DIRECTORS, Some("web1"), &HostFacts::default());
    assert_eq!(web1, Desired::default());
    let nobody = made(TWO_DIRECTORS, None, &HostFacts::default());
    assert_eq!(nobody, Desired::default());
    let other = made(TWO_NETWORKS, Some("web1"), &HostFacts::default());
    assert_eq!(other, Desired::default());
}

#[test]
fn both_synchronisation_daemons_run_with_the_kernels_choices_written_out() {
    let desired = made(TWO_DIRECTORS, Some("lb2"), &HostFacts::default());
    let daemons = desired.state.sync_daemons;
    let roles: Vec<SyncRole> = daemons.keys().copied().collect();
    assert_eq!(roles, [SyncRole::Master, SyncRole::Backup]);
    let daemon = &daemons[&SyncRole::Master];
    assert_eq!(daemon.interface, "eth1");
    assert_eq!((daemon.id, daemon.ttl), (7, 2));
    assert_eq!((daemon.port, daemon.max_length), (8848, 0));
    assert_eq!(daemon.group.to_string(), "224.0.0.81");
}

#[test]
fn a_length_that_the_kernel_chose_is_no_difference() {
    let desired = made(TWO_DIRECTORS, Some("lb2"), &HostFacts::default()).state;
    let mut observed = desired.clone();
    for daemon in observed.sync_daemons.values_mut() {
        daemon.max_length = 1472;
    }
    assert!(plan(&observed, &desired).is_empty());
}

#[test]
fn options_of_ip_vs_become_settings() {
    let file = r"
version: 1
nodes: { lb1: { address: 192.0.2.11/24, interface: eth0 } }
directors:
  members: [lb1]
  ipvs:
    timeouts: { tcp: 15m, udp: 90s }
    sysctls: { expire_nodest_conn: true, sloppy_tcp: false, sync_refresh_period: 10s, conn_reuse_mode: 0 }
";
    let desired = made(file, Some("lb1"), &HostFacts::default());
    assert_eq!(
        desired.state.settings,
        BTreeMap::from([
            (Setting::TimeoutTcp, 900),
            (Setting::TimeoutUdp, 90),
            (Setting::Vs(VsSysctl::ExpireNodestConn), 1),
            (Setting::Vs(VsSysctl::SloppyTcp), 0),
            (Setting::Vs(VsSysctl::SyncRefreshPeriod), 10),
            (Setting::Vs(VsSysctl::ConnReuseMode), 0),
        ])
    );
}

#[test]
fn every_sysctl_of_the_file_is_carried_over() {
    let names = VsSysctl::ALL.map(|sysctl| match sysctl {
        VsSysctl::SyncRefreshPeriod => format!("{}: 1s", sysctl.name()),
        VsSysctl::ConnReuseMode
        | VsSysctl::DropEntry
        | VsSysctl::DropPacket
        | VsSysctl::SecureTcp
        | VsSysctl::SyncPersistMode
        | VsSysctl::SyncPorts
        | VsSysctl::SyncQlenMax
        | VsSysctl::SyncRetries => format!("{}: 1", sysctl.name()),
        VsSysctl::Conntrack
        | VsSysctl::ExpireNodestConn
        | VsSysctl::ExpireQuiescentTemplate
        | VsSysctl::NatIcmpSend
        | VsSysctl::ScheduleIcmp
        | VsSysctl::SloppyTcp
        | VsSysctl::SloppySctp
        | VsSysctl::SnatReroute => format!("{}: true", sysctl.name()),
    });
    let sysctls = names.join(", ");
    let file = format!(
        "version: 1\nnodes: {{ lb1: {{ address: 192.0.2.11 }} }}\n\
         directors: {{ members: [lb1], ipvs: {{ sysctls: {{ {sysctls} }} }} }}\n"
    );
    let settings = made(&file, None, &HostFacts::default()).state.settings;
    let all = VsSysctl::ALL.map(|sysctl| (Setting::Vs(sysctl), 1));
    assert_eq!(settings, BTreeMap::from(all));
}

const BY_NAT: &str = "
version: 1
farm: shop
nodes: { lb1: { address: 10.0.0.11 } }
directors: { members: [lb1], ipvs: { timeouts: { tcp: 15m }, sysctls: { sloppy_tcp: true } } }
vips: { www: { addresses: [192.0.2.10/32], ownership: none } }
services: { http: { vip: www, port: 80, real_servers: [{ address: 10.0.0.21 }] } }
";

#[test]
fn on_nftables_there_is_a_hash_seed_and_nothing_of_ip_vs() {
    let desired = made_on_nftables(BY_NAT);
    let settings: Vec<_> = desired.state.settings.keys().collect();
    assert_eq!(settings, [&Setting::ForwardV4, &Setting::HashSeed]);
    let kinds: Vec<_> = desired.notes.iter().map(|note| note.kind).collect();
    assert_eq!(kinds, [NoteKind::OtherDataplane]);
    let path = desired.notes[0].path.to_string();
    assert_eq!(path, "directors.ipvs");
}

#[test]
fn the_hash_seed_follows_from_the_farms_name_alone() {
    let seed = |file: &str| made_on_nftables(file).state.settings[&Setting::HashSeed];
    // FNV-1a of `shop`: written out, because every director of a farm must come to the same.
    assert_eq!(seed(BY_NAT), 0xa847_e0a9);
    assert_eq!(seed(&BY_NAT.replace("port: 80", "port: 81")), seed(BY_NAT));
    assert_ne!(
        seed(&BY_NAT.replace("farm: shop", "farm: shoq")),
        seed(BY_NAT)
    );
    let empty = made_on_nftables("{ version: 1, farm: shop }");
    assert!(empty.state.is_empty(), "{:?}", empty.state);
}

#[test]
fn a_scheduler_that_is_left_out_follows_the_data_plane() {
    let scheduler = |desired: Desired| {
        let service = desired.state.services.into_values().next().unwrap();
        service.attributes.scheduler
    };
    assert_eq!(scheduler(made_on_nftables(BY_NAT)), "wrr");
    assert_eq!(scheduler(made(BY_NAT, None, &HostFacts::default())), "wlc");
    let written = BY_NAT.replace("port: 80,", "port: 80, scheduler: sh,");
    assert_eq!(scheduler(made_on_nftables(&written)), "sh");
}
