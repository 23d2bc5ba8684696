//! What is written is what is read, and what `nft` prints.

use farmctl::netlink::nft::model::TableKey;
use farmctl::netlink::nft::{Client, ElementKey, Operation};

use super::sample::{self, element, service};
use super::{done, fresh};
use crate::bed::Node;

fn fill(table: &TableKey) -> Vec<Operation> {
    let elements = sample::elements().into_iter();
    let filled = elements.map(|(set, elements)| Operation::AddElements {
        table: table.clone(),
        set: set.into(),
        elements,
    });
    filled.collect()
}

fn write_inet(client: &mut Client) {
    let table = sample::inet_table();
    done(
        client,
        &[Operation::make(&table), fill(&table.key)].concat(),
    );
}

#[test]
fn a_table_with_everything_in_it_reads_back_as_it_was_written() {
    let (_node, mut client) = fresh();
    write_inet(&mut client);
    let found = client.read(&sample::inet()).unwrap().unwrap();
    assert_eq!(found.strays, Vec::<String>::new());
    assert_eq!(found.table, sample::inet_table());
    for (set, elements) in sample::elements() {
        assert_eq!(found.elements[set], elements, "{set}");
    }
    assert_eq!(found.elements.len(), sample::elements().len());
}

#[test]
fn a_table_of_an_interface_reads_back_as_it_was_written() {
    let (node, other) = (Node::new("one"), Node::new("other"));
    node.cable("veth0", &other, "veth0");
    let mut client = node.run(|| Client::open().unwrap());
    for devices in [&["lo"][..], &["lo", "veth0"]] {
        let table = sample::netdev_table(devices);
        let mut again = vec![
            Operation::AddTable(table.key.clone(), None),
            Operation::DeleteTable(table.key.clone()),
        ];
        again.extend(Operation::make(&table));
        done(&mut client, &again);
        let found = client.read(&table.key).unwrap().unwrap();
        assert_eq!((found.table, found.strays), (table, vec![]));
    }
}

#[test]
fn a_table_that_is_not_there_reads_as_none() {
    let (_node, mut client) = fresh();
    write_inet(&mut client);
    assert_eq!(client.read(&sample::netdev()).unwrap(), None);
    assert_eq!(client.elements(&sample::netdev(), "any").unwrap(), []);
}

#[test]
fn every_deletion_leaves_the_rest_alone() {
    let (_node, mut client) = fresh();
    write_inet(&mut client);
    let table = sample::inet();
    let keys: Vec<ElementKey> = sample::elements()
        .iter()
        .flat_map(|(set, elements)| elements.iter().filter(|_| *set == "marks_4"))
        .map(ElementKey::from)
        .collect();
    done(
        &mut client,
        &[
            Operation::FlushChain(table.clone(), "output".into()),
            Operation::DeleteChain(table.clone(), "output".into()),
            Operation::DeleteSet(table.clone(), "services_6".into()),
            Operation::DeleteElements {
                table: table.clone(),
                set: "marks_4".into(),
                keys,
            },
            Operation::DeleteElements {
                table: table.clone(),
                set: "services_4".into(),
                keys: vec![(&element(&service(80), &[])).into()],
            },
        ],
    );
    let found = client.read(&table).unwrap().unwrap();
    let mut expected = sample::inet_table();
    expected.chains.retain(|chain| chain.name != "output");
    expected.rules.retain(|rule| rule.chain != "output");
    expected.sets.retain(|set| set.name != "services_6");
    assert_eq!(found.table, expected);
    assert_eq!(found.elements["marks_4"], []);
    assert_eq!(found.elements["services_4"], [element(&service(443), &[])]);
    done(&mut client, &[Operation::DeleteTable(table.clone())]);
    assert_eq!(client.read(&table).unwrap(), None);
}

#[test]
fn the_comment_of_an_element_is_changed_by_deleting_and_adding_it_at_once() {
    let (_node, mut client) = fresh();
    write_inet(&mut client);
    let table = sample::inet();
    let mut changed = element(&service(80), &[]);
    changed.comment = Some("sh".into());
    let adding = Operation::AddElements {
        table: table.clone(),
        set: "services_4".into(),
        elements: vec![changed.clone()],
    };
    let deleting = Operation::DeleteElements {
        table: table.clone(),
        set: "services_4".into(),
        keys: vec![(&changed).into()],
    };
    done(&mut client, &[deleting, adding]);
    let found = client.read(&table).unwrap().unwrap();
    assert_eq!(found.elements["services_4"][0], changed);
}

#[test]
fn temporary_elements_tell_how_long_they_stay() {
    let (_node, mut client) = fresh();
    write_inet(&mut client);
    let key = [&[198, 51, 100, 7][..], &service(80)].concat();
    let kept = element(&key, &sample::SLOT);
    done(
        &mut client,
        &[Operation::AddTemporaryElements {
            table: sample::inet(),
            set: "persist_4".into(),
            elements: vec![kept.clone()],
            timeout: 600_000,
        }],
    );
    let found = client.elements(&sample::inet(), "persist_4").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].element, kept);
    assert_eq!(found[0].timeout, Some(600_000));
    let remaining = found[0].remaining.unwrap();
    assert!((1..=600_000).contains(&remaining), "{remaining}");
}

/// What `nft` prints of a table, each line without its indentation and the brackets of elements.
fn printed(node: &Node, family: &str) -> Vec<String> {
    let list = ["list", "table", family, "farmctl_test"];
    let output = node.run(|| assert_cmd::Command::new("nft").args(list).output().unwrap());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.success(), errors.as_str()), (true, ""));
    let text = String::from_utf8(output.stdout).unwrap();
    let bare = |line: &str| {
        let line = line.trim().trim_start_matches("elements = { ");
        line.trim_end_matches([',', ' ', '}']).to_owned()
    };
    text.lines().map(bare).collect()
}

#[test]
fn an_operator_reads_the_table_with_nft() {
    let (node, mut client) = fresh();
    write_inet(&mut client);
    let text = printed(&node, "inet");
    for expected in INET_TEXT {
        let told = text.join("\n");
        assert!(
            text.iter().any(|line| line == expected),
            "{expected}\nis not in\n{told}"
        );
    }
    let rules = text
        .iter()
        .filter(|line| line.contains("@servers_4"))
        .count();
    assert_eq!(rules, 2);
}

/// Lines that every version of `nft` prints.
const INET_TEXT: [&str; 14] = [
    r#"comment "layout 1 seed 3735928559""#,
    "set services_4 {",
    "type ipv4_addr . inet_proto . inet_service",
    r#"192.0.2.10 . tcp . 80 comment "wrr, 3 servers: é""#,
    r#"192.0.2.10 . tcp . 80 . 10.0.0.21 . 8080 counter packets 3 bytes 180 comment "weight 3 nat""#,
    "192.0.2.10 . tcp . 443 . 10.0.0.21 . 8080 counter packets 0 bytes 0",
    "type ipv4_addr . inet_proto . inet_service . mark : inet_service . ipv4_addr . inet_service",
    "192.0.2.10 . tcp . 80 . 0x00000002 : 80 . 10.0.0.21 . 8080",
    "192.0.2.10 . tcp . 443-500 : 0x00000007",
    "flags dynamic,timeout",
    "2020:2020:2020:2020:2020:2020:2020:2020 . udp . 53",
    "jump choose",
    "masquerade",
    "meta l4proto tcp reject with tcp reset",
];

#[test]
fn an_operator_reads_the_table_of_an_interface_with_nft() {
    let (node, mut client) = fresh();
    done(
        &mut client,
        &Operation::make(&sample::netdev_table(&["lo"])),
    );
    let text = printed(&node, "netdev");
    let hook = r#"type filter hook ingress device "lo" priority -500; policy accept;"#;
    for expected in [
        hook,
        "meta pkttype host meta protocol ip fwd ip to 10.0.0.1 device \"lo\"",
    ] {
        let told = text.join("\n");
        assert!(
            text.iter().any(|line| line == expected),
            "{expected}\nis not in\n{told}"
        );
    }
}
