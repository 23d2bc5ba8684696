//! The lab itself: what every other test here takes for granted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use crate::bed::{self, Family, Farm, Net, Node, Server};

#[test]
fn the_kernel_has_ip_vs() {
    assert!(
        Path::new("/proc/net/ip_vs").exists(),
        "lab/wrap should have seen to it"
    );
    assert!(
        bed::family("IPVS").is_some(),
        "generic netlink knows no family IPVS"
    );
    assert!(
        bed::family("IPVZ").is_none(),
        "the question above can't be answered with no"
    );
}

#[test]
fn each_namespace_has_an_ip_vs_of_its_own() {
    let (one, other) = (Node::new("one"), Node::new("other"));
    let threshold = "net/ipv4/vs/sync_refresh_period";
    one.set(threshold, "7");
    assert_eq!(one.sysctl(threshold), "7");
    assert_eq!(other.sysctl(threshold), "0");
}

#[test]
fn a_client_reaches_each_real_server_through_a_director_that_forwards() {
    let farm = Farm::new();
    let servers = farm.serve(8080);
    farm.director.forward();
    for family in Family::BOTH {
        let client = Net::Uplink.address(family, Farm::CLIENT);
        for (host, name) in Farm::REAL_SERVERS.into_iter().zip(["rs1", "rs2", "rs3"]) {
            let server = SocketAddr::new(Net::Back.address(family, host), 8080);
            let answer = farm.client.ask(server).unwrap();
            assert_eq!(answer.server, name);
            assert_eq!(answer.client.ip().to_canonical(), client);
        }
    }
    assert_eq!(servers.each_ref().map(Server::answered), [2, 2, 2]);
}

#[test]
fn a_connection_is_kept_and_a_download_arrives_whole_while_another_asks() {
    let farm = Farm::new();
    let _servers = farm.serve(80);
    let server = SocketAddr::new(Net::Front.address(Family::V6, 12), 80);
    let mut kept = farm.client.connect(server).unwrap();
    let before = kept.get().unwrap();
    let mut download = farm.client.download(server, 20).unwrap();
    download.wait_for(3);
    assert_eq!(
        kept.get().unwrap(),
        before,
        "the same connection has the same client port"
    );
    assert_eq!(download.finish().unwrap(), 20);
    assert_eq!(
        farm.client.spread(server, 3).unwrap(),
        [("rs2".to_owned(), 3)].into()
    );
}

#[test]
fn a_server_that_is_dropped_takes_no_new_connection() {
    let farm = Farm::new();
    let [first, ..] = farm.serve(80);
    let server = SocketAddr::new(Net::Front.address(Family::V4, 11), 80);
    assert_eq!(farm.client.ask(server).unwrap().server, "rs1");
    drop(first);
    let refused = farm.client.ask(server).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_vip_that_real_servers_hold_is_told_to_nobody() {
    let farm = Farm::new();
    let _servers = farm.serve(80);
    for (family, tunnel) in [(Family::V4, "tunl0"), (Family::V6, "ip6tnl0")] {
        let vips = [100, 101].map(|host| Net::Front.address(family, host));
        farm.real_servers_hold("lo", vips[0]);
        farm.real_servers_hold(tunnel, vips[1]);
        for vip in vips {
            let unknown = farm.client.ask(SocketAddr::new(vip, 80)).unwrap_err();
            assert_eq!(unknown.kind(), std::io::ErrorKind::HostUnreachable, "{vip}");
            let itself = farm.real_servers[0].ask(SocketAddr::new(vip, 80)).unwrap();
            assert_eq!(itself.server, "rs1");
        }
    }
}

#[test]
fn addresses_come_and_go() {
    let farm = Farm::new();
    let plain = vec!["10.1.0.2/24".to_owned(), "fd01::2/64".to_owned()];
    assert_eq!(farm.director.addresses("back"), plain);
    farm.director.add_address("back", "10.1.0.99/32");
    assert!(
        farm.director
            .addresses("back")
            .contains(&"10.1.0.99/32".to_owned())
    );
    farm.director.remove_address("back", "10.1.0.99/32");
    assert_eq!(farm.director.addresses("back"), plain);
}

#[test]
fn a_node_that_is_unplugged_is_silent_until_it_is_plugged_in_again() {
    let farm = Farm::new();
    let _servers = farm.serve(80);
    let [rs1, ..] = &farm.real_servers;
    let server = SocketAddr::new(Net::Front.address(Family::V4, 11), 80);
    farm.front.unplug(rs1);
    assert!(farm.client.ask(server).is_err());
    farm.front.replug(rs1);
    assert_eq!(farm.client.ask(server).unwrap().server, "rs1");
}

#[test]
fn farmctl_runs_inside_a_node() {
    let node = Node::new("lb1");
    let output = node.share().farmctl(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("farmctl "), "{told}");
}

#[test]
fn a_real_server_unpacks_gue() {
    let farm = Farm::new();
    let [rs1, ..] = &farm.real_servers;
    let vip = Net::Front.address(Family::V4, 101);
    rs1.hold("tunl0", vip);
    rs1.receive_gue(6080, Family::V4);
    rs1.receive_gue(6080, Family::V6);
    let server = rs1.run(|| UdpSocket::bind((vip, 9))).unwrap();
    server
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let sender = farm
        .director
        .run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
        .unwrap();
    // A GUE header of version 0 without options: only the protocol inside, 4 for IPv4.
    let packet = [&[0, 4, 0, 0][..], &udp_packet(vip, 9, *b"hello!")].concat();
    sender
        .send_to(&packet, (Net::Front.address(Family::V4, 11), 6080))
        .unwrap();
    let mut text = [0; 16];
    let (length, from) = server.recv_from(&mut text).unwrap();
    assert_eq!(&text[..length], b"hello!");
    assert_eq!(from.ip(), Net::Front.address(Family::V4, Farm::CLIENT));
}

/// An IPv4 packet with a UDP datagram in it, from the client (RFC 791, RFC 768).
fn udp_packet(to: IpAddr, port: u8, text: [u8; 6]) -> Vec<u8> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (Net::Front.address(Family::V4, Farm::CLIENT), to)
    else {
        panic!("IPv4 only");
    };
    let mut packet = vec![0x45, 0, 0, 34, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let folded = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&folded.to_be_bytes());
    // The UDP checksum 0 means none.
    packet.extend([0x30, 0x39, 0, port, 0, 14, 0, 0]);
    packet.extend(text);
    packet
}
