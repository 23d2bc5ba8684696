//! Large transactions, and how large they may be.

use std::fs;

use farmctl::netlink::Error;
use farmctl::netlink::nft::model::{Element, Field};
use farmctl::netlink::nft::{Client, Operation};

use super::sample::{self, element, set};
use super::{done, fresh};

/// So many elements with a comment of 100 bytes.
fn elements(count: u32) -> Vec<Element> {
    let comment = Some("x".repeat(100));
    let numbered = (0..count).map(|number| Element {
        comment: comment.clone(),
        ..element(&number.to_be_bytes(), &[])
    });
    numbered.collect()
}

fn transaction(elements: Vec<Element>) -> [Operation; 3] {
    [
        Operation::AddTable(sample::inet(), None),
        Operation::AddSet(sample::inet(), set("many", &[Field::Ipv4], &[])),
        Operation::AddElements {
            table: sample::inet(),
            set: "many".into(),
            elements,
        },
    ]
}

/// Whether this process may send as much as it likes: root outside of user namespaces.
fn unlimited() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    map.split_whitespace().collect::<Vec<_>>() == ["0", "0", "4294967295"]
}

/// The most that one transaction may have without that right, bytes.
fn limit() -> usize {
    let text = fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
    2 * text.trim().parse::<usize>().unwrap()
}

/// An element of these, in a message.
const ELEMENT: usize = 124;

fn count_of(client: &mut Client) -> usize {
    let found = client.read(&sample::inet()).unwrap().unwrap();
    found.elements["many"].len()
}

#[test]
fn a_hundred_thousand_elements_are_written_at_once_and_read_back() {
    let (_node, mut client) = fresh();
    let wanted: Vec<_> = (0..100_000_u32)
        .map(|number| element(&number.to_be_bytes(), &[]))
        .collect();
    done(&mut client, &transaction(wanted.clone()));
    let found = client.read(&sample::inet()).unwrap().unwrap();
    assert_eq!(found.elements["many"].len(), wanted.len());
    assert!(found.elements["many"] == wanted);
}

#[test]
fn a_transaction_that_just_fits_the_send_buffer_of_everybody_is_done() {
    let (_node, mut client) = fresh();
    let count = (limit() - 200_000) / ELEMENT;
    done(
        &mut client,
        &transaction(elements(u32::try_from(count).unwrap())),
    );
    assert_eq!(count_of(&mut client), count);
}

#[test]
fn a_transaction_beyond_that_is_done_for_root_and_refused_with_the_remedy_for_others() {
    let (_node, mut client) = fresh();
    let count = (limit() + 200_000) / ELEMENT;
    let too_much = transaction(elements(u32::try_from(count).unwrap()));
    if unlimited() {
        done(&mut client, &too_much);
        assert_eq!(count_of(&mut client), count);
        return;
    }
    let error = client.commit(&too_much).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("net.core.wmem_max="), "{error}");
    assert_eq!(client.read(&sample::inet()).unwrap(), None);
    done(&mut client, &transaction(elements(10)));
}
