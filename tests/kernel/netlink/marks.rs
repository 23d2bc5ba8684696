//! The nftables table of mark rules.

use farmctl::netlink::ipvs::Protocol;
use farmctl::netlink::nft::{self, MarkRule};
use farmctl::netlink::{Batch, Socket};

use super::{ip, leave_the_namespace};

const TABLE: &str = "farmctl_test";

fn mark_rules() -> Vec<MarkRule> {
    let rule = |address: &str, protocol, first_port, last_port, mark| MarkRule {
        address: ip(address),
        protocol,
        first_port,
        last_port,
        mark,
    };
    vec![
        rule("192.0.2.10", Protocol::Tcp, 443, 443, 7),
        rule("2001:db8::10", Protocol::Udp, 30000, 30100, 8),
        rule("192.0.2.10", Protocol::Sctp, 0, 65535, u32::MAX),
    ]
}

#[test]
fn a_table_of_mark_rules_is_replaced_read_and_deleted() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), None);
    client.replace_table(TABLE, &mark_rules()).unwrap();
    let table = client.table(TABLE).unwrap().unwrap();
    assert_eq!((table.rules, table.strays), (mark_rules(), vec![]));
    client.replace_table(TABLE, &mark_rules()[1..]).unwrap();
    assert_eq!(
        client.mark_rules(TABLE).unwrap().unwrap(),
        mark_rules()[1..]
    );
    client.replace_table(TABLE, &[]).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), Some(vec![]));
    client.delete_table(TABLE).unwrap();
    client.delete_table(TABLE).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), None);
}

#[test]
fn a_table_larger_than_the_send_buffer_is_replaced_whole() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    let rules: Vec<_> = (1..=1000)
        .map(|port| MarkRule {
            first_port: port,
            last_port: port,
            ..mark_rules()[0]
        })
        .collect();
    client.replace_table(TABLE, &rules).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), Some(rules));
}

#[test]
fn a_rule_that_somebody_else_put_into_the_table_shows() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    client.replace_table(TABLE, &mark_rules()).unwrap();
    // An empty rule (NFT_MSG_NEWRULE) between the messages that open and close a transaction.
    let mut socket = Socket::open(netlink_sys::protocols::NETLINK_NETFILTER).unwrap();
    let mut batch = Batch::transaction();
    batch.push(0x10, 0, |writer| writer.raw(&[0, 0, 0, 10]));
    batch.push(0x0a06, 0x400, |writer| {
        writer.raw(&[1, 0, 0, 0]);
        writer.string(1, TABLE);
        writer.string(2, "output");
        writer.nest(4, |_| {});
    });
    batch.push(0x11, 0, |writer| writer.raw(&[0, 0, 0, 10]));
    assert_eq!(socket.batch(&mut batch).unwrap(), []);
    let table = client.table(TABLE).unwrap().unwrap();
    assert_eq!(table.rules, mark_rules());
    assert_eq!(
        table.strays,
        ["Of the chain `output`, 1 rules are not farmctl's."]
    );
}
