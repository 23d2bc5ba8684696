//! Announcements of addresses, as neighbours on a real link take them.

use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use farmctl::dataplane::{Dataplane, Ipvs};
use farmctl::netlink::arp::{announce, neighbour_advertisement};
use farmctl::state::AddressKey;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, recv, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};

use super::ip;
use crate::bed::{Node, Switch};

/// Where the calling thread's namespace believes that 10.0.0.100 lives.
fn believed() -> Option<String> {
    let table = std::fs::read_to_string("/proc/thread-self/net/arp").unwrap();
    let line = table.lines().find(|line| line.starts_with("10.0.0.100 "))?;
    line.split_whitespace().nth(3).map(Into::into)
}

fn hardware_address(interface: &str) -> String {
    let links = farmctl::netlink::route::Client::open()
        .unwrap()
        .links()
        .unwrap();
    let link = links.iter().find(|link| link.name == interface).unwrap();
    let digits: Vec<_> = link
        .hardware_address
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.join(":")
}

/// The address moves, the new holder tells it in some way, and the client believes it.
fn assert_learnt_from(tell: impl FnOnce() + Send) {
    let switch = Switch::new("switch");
    let nodes = ["old", "new", "client"].map(Node::new);
    for (node, address) in nodes
        .iter()
        .zip(["10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24"])
    {
        switch.plug(node, "eth0", &[address.to_owned()]);
    }
    let [old, new, client] = nodes;
    old.add_address("eth0", "10.0.0.100/24");
    let (before, after) = (
        old.run(|| hardware_address("eth0")),
        new.run(|| hardware_address("eth0")),
    );
    client.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect("10.0.0.100:9").unwrap();
        socket.send(b"who is there?").unwrap();
        // The refusal comes back when the address has been resolved.
        socket.recv(&mut [0; 8]).unwrap_err();
        assert_eq!(believed(), Some(before));
    });
    old.remove_address("eth0", "10.0.0.100/24");
    new.add_address("eth0", "10.0.0.100/24");
    // The kernel believes in no second change within a second (neigh/*/locktime).
    std::thread::sleep(std::time::Duration::from_secs(2));
    new.run(tell);
    assert_eq!(client.run(believed), Some(after));
}

#[test]
fn a_neighbour_learns_from_an_announcement_that_an_address_moved() {
    assert_learnt_from(|| assert_eq!(announce("eth0", ip("10.0.0.100")).unwrap(), 2));
}

#[test]
fn the_data_plane_announces_to_neighbours() {
    assert_learnt_from(|| {
        let key = AddressKey {
            interface: "eth0".to_owned(),
            address: ip("10.0.0.100"),
        };
        Ipvs::open().unwrap().announce(&key).unwrap();
    });
}

#[test]
fn an_ipv6_announcement_arrives_as_it_was_encoded() {
    let (sender, receiver) = (Node::new("sender"), Node::new("receiver"));
    sender.cable("eth0", &receiver, "eth0");
    let all = receiver.run(|| {
        let all = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::empty(),
            SockProtocol::EthAll,
        )
        .unwrap();
        setsockopt(&all, ReceiveTimeout, &TimeVal::seconds(5)).unwrap();
        all
    });
    // A new link drops what is sent before the kernel has looked at its carrier.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let vip = "2001:db8::10".parse().unwrap();
    let hardware = sender.run(|| {
        assert_eq!(announce("eth0", ip("2001:db8::10")).unwrap(), 1);
        let links = farmctl::netlink::route::Client::open()
            .unwrap()
            .links()
            .unwrap();
        let link = links.into_iter().find(|link| link.name == "eth0").unwrap();
        link.hardware_address.try_into().unwrap()
    });
    let expected = neighbour_advertisement(hardware, vip);
    let mut frame = [0; 1500];
    loop {
        // Ends with an error after five seconds without a frame.
        let length = recv(
            all.as_raw_fd(),
            &mut frame,
            nix::sys::socket::MsgFlags::empty(),
        )
        .unwrap();
        if frame[..length] == expected {
            break;
        }
    }
}
