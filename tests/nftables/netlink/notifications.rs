//! Hearing that a table changed, and by whom.

use std::time::Duration;

use farmctl::netlink::nft::model::{Field, TableKey};
use farmctl::netlink::nft::{Author, Client, Heard, Monitor, Operation};

use super::sample::{self, element, set};
use super::{done, fresh};
use crate::bed::Node;

/// Long enough for any machine; what is there is heard at once.
const PATIENCE: Duration = Duration::from_secs(20);
const AT_ONCE: Duration = Duration::from_millis(1);

fn listening(node: &Node, ours: &[u32]) -> Monitor {
    node.run(|| Monitor::open(&[sample::inet(), sample::netdev()], ours).unwrap())
}

/// The next thing that is heard at all.
fn next(monitor: &mut Monitor) -> Heard {
    let mut heard = (0..100).map(|_| monitor.wait(PATIENCE).unwrap());
    heard.find_map(|heard| heard).unwrap()
}

fn changed(tables: &[TableKey], by: Author) -> Heard {
    Heard::Changed {
        tables: tables.to_vec(),
        by,
    }
}

#[test]
fn a_change_of_our_own_is_told_from_that_of_another_client() {
    let (node, mut ours) = fresh();
    let mut theirs = node.run(|| Client::open().unwrap());
    let mut monitor = listening(&node, &[ours.port()]);
    done(&mut ours, &Operation::make(&sample::inet_table()));
    assert_eq!(next(&mut monitor), changed(&[sample::inet()], Author::Us));
    done(
        &mut theirs,
        &[
            Operation::AddTable(sample::netdev(), None),
            Operation::FlushChain(sample::inet(), "choose".into()),
        ],
    );
    let Heard::Changed { tables, by } = next(&mut monitor) else {
        panic!("more than the buffer holds");
    };
    assert_eq!(tables, [sample::inet(), sample::netdev()]);
    let Author::Other { process, name } = by else {
        panic!("it was not us");
    };
    assert_ne!(process, 0);
    assert!(!name.is_empty());
    assert_eq!(monitor.wait(AT_ONCE).unwrap(), None);
}

#[test]
fn another_program_is_named() {
    let (node, _client) = fresh();
    let mut monitor = listening(&node, &[]);
    node.run(|| {
        let mut nft = assert_cmd::Command::new("nft");
        let add = ["add", "table", "inet", "farmctl_test"];
        nft.args(add).assert().success();
    });
    let heard = next(&mut monitor);
    let Heard::Changed {
        by: Author::Other { name, .. },
        ..
    } = &heard
    else {
        panic!("{heard:?}");
    };
    assert_eq!(name, "nft");
}

#[test]
fn changes_of_other_tables_are_not_told() {
    let (node, mut client) = fresh();
    let mut monitor = listening(&node, &[]);
    let other = TableKey {
        name: "other".into(),
        ..sample::inet()
    };
    done(&mut client, &[Operation::AddTable(other, None)]);
    done(&mut client, &[Operation::AddTable(sample::inet(), None)]);
    let heard = next(&mut monitor);
    assert!(matches!(&heard, Heard::Changed { tables, .. } if *tables == [sample::inet()]));
}

#[test]
fn more_than_the_buffer_holds_is_told_as_unknown_and_listening_goes_on() {
    let (node, mut client) = fresh();
    let mut monitor = listening(&node, &[client.port()]);
    let add = |range: std::ops::Range<u32>| Operation::AddElements {
        table: sample::inet(),
        set: "many".into(),
        elements: range
            .map(|number| element(&number.to_be_bytes(), &[]))
            .collect(),
    };
    let head = [
        Operation::AddTable(sample::inet(), None),
        Operation::AddSet(sample::inet(), set("many", &[Field::Ipv4], &[])),
    ];
    done(&mut client, &head);
    assert_eq!(next(&mut monitor), changed(&[sample::inet()], Author::Us));
    done(&mut client, &[add(0..200_000)]);
    assert_eq!(next(&mut monitor), Heard::Unknown);
    while monitor.wait(AT_ONCE).unwrap().is_some() {}
    // What was lost may have been the end of that transaction: it is told with the next.
    done(&mut client, &[add(200_000..200_001)]);
    assert_eq!(next(&mut monitor), changed(&[sample::inet()], Author::Us));
}
