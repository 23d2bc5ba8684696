//! Any bytes as nftables messages: never a panic, and what was read can be written and read again.

#![no_main]

use farmctl::netlink::message::messages;
use farmctl::netlink::nft::codec::{self, Transaction};
use farmctl::netlink::nft::model::{Expression, TableFamily, TableKey};
use farmctl::netlink::nft::{Operation, assemble};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut chains, mut rules) = (Vec::new(), Vec::new());
    let payloads = messages(bytes).flatten().map(|message| message.payload);
    for payload in payloads.chain([bytes]) {
        chains.extend(codec::read_chain(payload));
        rules.extend(codec::read_rule(payload));
        let _table = codec::read_table(payload);
        let _generation = codec::read_generation(payload);
        let _key = codec::read_key(payload);
        again(payload);
    }
    let _table = assemble("", &chains, &rules);
});

fn table() -> TableKey {
    TableKey {
        family: TableFamily::Inet,
        name: String::new(),
    }
}

/// What the only message of an operation reads as.
fn reread<T>(operation: Operation, read: impl Fn(&[u8]) -> T) -> T {
    let transaction = Transaction::new(&[operation]);
    let mut all = messages(transaction.batch().as_bytes()).flatten();
    read(all.nth(1).expect("one message between two").payload)
}

fn again(payload: &[u8]) {
    if let Ok(Some(set)) = codec::read_set(payload).map(|seen| seen.value) {
        let read = reread(Operation::AddSet(table(), set.clone()), codec::read_set);
        assert_eq!(read.expect("our own").value, Some(set));
    }
    if let Ok(Some(rule)) = codec::read_rule(payload).map(|seen| seen.value) {
        // An unknown step is only a name, and a text may be longer than what is written of it.
        let plain = |step: &Expression| !matches!(step, Expression::Other(_));
        if payload.len() < 100 && rule.expressions.iter().all(plain) {
            let read = reread(Operation::AddRule(table(), rule.clone()), codec::read_rule);
            assert_eq!(read.expect("our own").value, Some(rule));
        }
    }
    if let Ok(seen) = codec::read_elements(payload) {
        let elements: Vec<_> = seen.elements.into_iter().map(|found| found.element).collect();
        let adding = Operation::AddElements {
            table: table(),
            set: String::new(),
            elements,
        };
        let _all = Transaction::new(&[adding]);
    }
}
