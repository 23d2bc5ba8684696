use super::*;
use crate::spec::{Reading, read};

/// A farm of which only the defaults and one service matter.
fn farm(text: &str) -> Farm {
    let whole = format!(
        "version: 1\nnodes:\n  web1: {{ addresses: [10.0.0.21/24, \"2001:db8::21/64\"] }}\n  web2:\n    networks:\n      back: {{ interface: eth0, addresses: [10.0.0.22] }}\n      main: {{ interface: eth1, addresses: [10.1.0.22] }}\nvips: {{ www: {{ addresses: [192.0.2.10/24], interface: eth0 }} }}\n{text}"
    );
    let Reading {
        value: farm,
        problems,
        ..
    } = read("test.yaml", whole.as_bytes());
    assert_eq!(problems, [], "{whole}");
    farm.unwrap()
}

/// What holds for the service `http`.
fn with_http<T>(text: &str, look: impl FnOnce(&EffectiveService<'_>) -> T) -> T {
    let farm = farm(text);
    let (_, service) = farm.services.iter().next().unwrap();
    look(&EffectiveService::of(&farm, service))
}

#[test]
fn a_service_that_says_nothing_is_tcp_by_nat_and_leaves_the_scheduler_to_the_data_plane() {
    with_http("services: { http: { vip: www, port: 80 } }", |service| {
        assert_eq!(service.protocols, [Protocol::Tcp]);
        assert_eq!(service.scheduler, None);
        assert_eq!(service.forwarding, Forwarding::Nat(NatOptions::default()));
        assert_eq!(service.persistence, None);
        assert_eq!(service.sorry_server, None);
        assert_eq!(service.ports, Ports::One(80));
    });
}

const STICKY: &str = "defaults: { service: { persistence: { timeout: 5m, mask4: 24 } } }\n";

#[test]
fn persistence_is_merged_key_by_key() {
    let text = "services: { http: { vip: www, port: 80, persistence: { mask4: 16 } } }";
    with_http(&format!("{STICKY}{text}"), |service| {
        let expected = EffectivePersistence {
            timeout: 300,
            mask4: 16,
            mask6: 128,
            engine: None,
        };
        assert_eq!(service.persistence, Some(expected));
    });
}

#[test]
fn the_word_none_unsets_a_default() {
    let text = "services: { http: { vip: www, port: 80, persistence: none } }";
    with_http(&format!("{STICKY}{text}"), |service| {
        assert_eq!(service.persistence, None);
    });
}

#[test]
fn persistence_without_options_remembers_each_client_for_six_minutes() {
    let text = "services: { http: { vip: www, port: 80, persistence: {} } }";
    with_http(text, |service| {
        let persistence = service.persistence.clone().unwrap();
        assert_eq!((persistence.timeout, persistence.mask4), (360, 32));
    });
}

#[test]
fn a_sorry_server_of_its_own_replaces_the_machine_and_keeps_the_port() {
    let text = "
defaults: { service: { sorry_server: { node: web1, port: 8081 } } }
services: { http: { vip: www, port: 80, sorry_server: { address: 10.0.0.99 } } }
";
    with_http(text, |service| {
        let sorry = service.sorry_server.clone().unwrap();
        assert_eq!(sorry.addresses, ["10.0.0.99".parse::<IpAddr>().unwrap()]);
        assert_eq!(sorry.port, Some(8081));
    });
}

#[test]
fn a_real_server_takes_what_it_does_not_say_from_the_defaults() {
    let text = "
defaults: { real_server: { weight: 5, upper_threshold: 100 } }
services:
  http:
    vip: www
    port: 80
    real_servers: [{ node: web1, port: 8080 }, { address: 10.0.0.23, weight: 0 }]
";
    with_http(text, |service| {
        let [first, second] = service.real_servers.as_slice() else {
            panic!("two real servers: {service:?}");
        };
        assert_eq!((first.weight, first.upper_threshold), (5, 100));
        assert_eq!((second.weight, second.index), (0, 1));
        assert_eq!((first.name.as_str(), first.port), ("web1", Some(8080)));
        assert_eq!((second.name.as_str(), second.port), ("10.0.0.23", None));
    });
}

#[test]
fn a_real_server_joins_with_its_address_of_the_same_family() {
    let text = "services: { http: { vip: www, port: 80, real_servers: [{ node: web1 }] } }";
    with_http(text, |service| {
        let server = &service.real_servers[0];
        let joined = |vip: &str| server.address_for(vip.parse().unwrap());
        assert_eq!(joined("192.0.2.10"), Some("10.0.0.21".parse().unwrap()));
        assert_eq!(
            joined("2001:db8::10"),
            Some("2001:db8::21".parse().unwrap())
        );
    });
}

#[test]
fn only_a_tunnel_carries_one_family_in_the_other() {
    let text = "
services:
  http:
    vip: www
    port: 80
    real_servers: [{ address: 10.0.0.23 }, { address: 10.0.0.24, forwarding: tunnel }]
";
    with_http(text, |service| {
        let vip = "2001:db8::10".parse().unwrap();
        assert_eq!(service.real_servers[0].address_for(vip), None);
        let far = service.real_servers[1].address_for(vip);
        assert_eq!(far, Some("10.0.0.24".parse().unwrap()));
    });
}

#[test]
fn only_nat_changes_the_port_and_a_list_of_ports_never_does() {
    let servers = "real_servers: [{ address: 10.0.0.23, port: 8080 }, { address: 10.0.0.24, port: 8080, forwarding: direct_routing }]";
    let ports = |listens: &str| {
        let text = format!("services: {{ http: {{ vip: www, {listens}, {servers} }} }}");
        with_http(&text, |service| {
            let servers = service.real_servers.iter();
            servers.map(|server| server.port).collect::<Vec<_>>()
        })
    };
    assert_eq!(ports("port: 80"), [Some(8080), None]);
    assert_eq!(ports("ports: [80, 443]"), [None, None]);
    assert_eq!(ports("firewall_mark: 7"), [Some(8080), None]);
}

#[test]
fn a_node_on_several_networks_is_reached_where_the_file_says_or_on_main() {
    let text = "
services:
  http:
    vip: www
    port: 80
    real_servers: [{ node: web2 }, { node: web2, network: back, port: 81 }]
";
    with_http(text, |service| {
        let addresses = |index: usize| service.real_servers[index].addresses.clone();
        assert_eq!(addresses(0), ["10.1.0.22".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses(1), ["10.0.0.22".parse::<IpAddr>().unwrap()]);
    });
}

#[test]
fn the_forms_of_listening_are_told_apart() {
    let ports = |listens: &str| {
        let text = format!("services: {{ http: {{ vip: www, {listens} }} }}");
        with_http(&text, |service| service.ports.clone())
    };
    let two = vec![
        PortSpec {
            first: 80,
            last: 80,
        },
        PortSpec {
            first: 90,
            last: 99,
        },
    ];
    assert_eq!(ports("port: 0"), Ports::Every);
    assert_eq!(ports("ports: [80, 90-99]"), Ports::Several(two.clone()));
    assert_eq!(
        ports("ports: [80, 90-99], together: true"),
        Ports::Together(two)
    );
    assert_eq!(ports("firewall_mark: 7"), Ports::Mark(7));
}

#[test]
fn an_address_may_be_on_another_network_than_its_group() {
    let farm = farm("");
    let mut vip = farm.vips.values().next().unwrap().clone();
    let address = VipAddress {
        network: Some(Name::new_unchecked("back")),
        ..vip.addresses[0].clone()
    };
    let network = |name: &str| VipSite::Network(Name::new_unchecked(name));
    assert_eq!(vip.site(&address), network("back"));
    assert!(matches!(vip.site(&vip.addresses[0]), VipSite::Interface(_)));
    vip.interface = None;
    assert_eq!(vip.site(&vip.addresses[0]), network(MAIN_NETWORK));
}
