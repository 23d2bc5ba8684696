//! Several ports as one service: the firewall mark and its rules are farmctl's own business.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use super::{Method, Site, Text};
use crate::bed::{Family, Net, Server};

const PORTS: [u16; 4] = [21, 30000, 30057, 30100];

fn text(ports: &str) -> String {
    let service = format!(
        "  ftp:\n    vip: www\n    ports: [{ports}]\n    together: true\n    persistence: {{ \
         timeout: 10m }}\n    real_servers: [{{ node: rs1 }}, {{ node: rs2 }}, {{ node: rs3 }}]\n"
    );
    Text::of_services(Method::Nat, &service)
}

/// A site whose real servers listen on all the ports and on one that no service names.
fn site() -> (Site, Vec<Server>) {
    let site = Site::new(Method::Nat);
    let ports = PORTS.into_iter().chain([22]);
    let servers = ports.flat_map(|port| site.farm.serve(port)).collect();
    (site, servers)
}

/// The client's address with this host number, which it gets if it does not have it.
fn client(site: &Site, family: Family, host: u8) -> IpAddr {
    let address = Net::Uplink.address(family, host);
    let prefix = if family == Family::V4 { 24 } else { 64 };
    let written = format!("{address}/{prefix}");
    if !site.farm.client.addresses("uplink").contains(&written) {
        site.farm.client.add_address("uplink", &written);
    }
    address
}

/// Who answers this client on this port.
fn who(site: &Site, client: IpAddr, family: Family, port: u16) -> String {
    let to = SocketAddr::new(Method::Nat.vip(family), port);
    let mut connection = site.farm.client.connect_from(client, to).unwrap();
    connection.get().unwrap().server
}

#[test]
fn a_client_stays_with_one_server_on_all_ports_of_a_service() {
    let (site, _servers) = site();
    site.farmctl.converge(&text("21, 30000-30100"), &[]);
    for family in Family::BOTH {
        let mut seen = Vec::new();
        for host in [31, 32, 33] {
            let client = client(&site, family, host);
            let answers = PORTS.map(|port| who(&site, client, family, port));
            assert!(
                answers.iter().all(|answer| *answer == answers[0]),
                "{answers:?}"
            );
            seen.push(answers[0].clone());
        }
        seen.sort();
        assert_eq!(seen, ["rs1", "rs2", "rs3"], "three clients take turns");
    }
}

#[test]
fn a_port_that_the_service_does_not_name_is_not_served() {
    let (site, _servers) = site();
    site.farmctl.converge(&text("21, 30000-30100"), &[]);
    for family in Family::BOTH {
        let to = SocketAddr::new(Method::Nat.vip(family), 22);
        let refused = site.farm.client.ask(to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_port_is_taken_out_under_a_live_connection_of_another_port() {
    let (site, _servers) = site();
    site.farmctl.converge(&text("21, 30000-30100"), &[]);
    let to = |port| SocketAddr::new(Method::Nat.vip(Family::V4), port);
    let mut kept = site.farm.client.connect(to(21)).unwrap();
    let before = kept.get().unwrap();
    site.farmctl.converge(&text("21, 30000-30099"), &[]);
    assert_eq!(kept.get().unwrap(), before);
    site.farm.client.ask(to(30057)).unwrap();
    let refused = site.farm.client.ask(to(30100)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_service_by_mark_leaves_no_rule_behind() {
    let (site, _servers) = site();
    let bare = site.farmctl.kernel();
    site.farmctl.converge(&text("21"), &[]);
    let other = Text::of_services(
        Method::Nat,
        "  x: { vip: www, port: 80, real_servers: [{ node: rs1 }] }\n",
    );
    site.farmctl.converge(&other, &["--allow-shrink"]);
    site.farmctl
        .apply("version: 1\nfarm: test\n", &["--allow-shrink"])
        .exits(0);
    assert_eq!(site.farmctl.kernel().services, bare.services);
    // With the address up by hand, a packet to the port would meet a rule if there were one left.
    let vip = Method::Nat.vip(Family::V4);
    site.farm
        .director
        .add_address("uplink", &format!("{vip}/32"));
    let refused = site.farm.client.ask(SocketAddr::new(vip, 21)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
