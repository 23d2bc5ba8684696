//! What nft said to nftables and what it answered.

use std::net::IpAddr;

use farmctl::netlink::ipvs::Protocol;
use farmctl::netlink::message::messages;
use farmctl::netlink::nft::{MarkRule, MarkTable, assemble, codec as nft, replace_marks};

use crate::recording::{Direction, each_message};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mark_rules() -> [MarkRule; 3] {
    let web = MarkRule {
        address: ip("192.0.2.10"),
        protocol: Protocol::Tcp,
        first_port: 443,
        last_port: 443,
        mark: 7,
    };
    [
        web,
        MarkRule {
            address: ip("2001:db8::10"),
            protocol: Protocol::Udp,
            first_port: 30000,
            last_port: 30100,
            mark: 8,
        },
        MarkRule {
            protocol: Protocol::Sctp,
            first_port: 1,
            last_port: 65535,
            mark: 9,
            ..web
        },
    ]
}

/// The table that nft listed: three rules of ours, one that is not, and a shorter output chain.
fn listed_table() -> MarkTable {
    let (mut chains, mut rules) = (Vec::new(), Vec::new());
    each_message("nft-list", Direction::Received, |message| {
        match message.kind {
            0x0a03 => chains.push(nft::read_chain(message.payload).unwrap()),
            0x0a06 => rules.push(nft::read_rule(message.payload).unwrap()),
            _ => {}
        }
    });
    assemble("farmctl_shop", &chains, &rules)
}

#[test]
fn mark_rules_are_read_from_the_expressions_that_the_kernel_runs() {
    assert_eq!(listed_table().rules, mark_rules());
}

#[test]
fn what_somebody_else_wrote_into_the_table_is_named() {
    assert_eq!(
        listed_table().strays,
        [
            "Of the chain `prerouting`, 1 rules are not farmctl's.",
            "The chains `prerouting` and `output` hold different rules.",
        ]
    );
}

#[test]
fn farmctl_writes_the_expressions_that_nft_writes() {
    let mut theirs = Vec::new();
    each_message("nft-load", Direction::Sent, |message| {
        if message.kind == 0x0a06 {
            theirs.push(message.payload.to_vec());
        }
    });
    let transaction = nft::Transaction::new(&replace_marks("farmctl_shop", &mark_rules()));
    let ours: Vec<_> = messages(transaction.batch().as_bytes())
        .map(Result::unwrap)
        .filter(|message| message.kind == 0x0a06)
        .map(|message| message.payload.to_vec())
        .collect();
    assert_eq!(ours[..3], theirs[..3]);
}
