//! Laws of the codec: what is written reads back as the same value, whatever the value.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::netlink::message::{Message, messages};
use crate::netlink::nft::model::{
    AddressFamily, Base, Chain, Comparison, Conntrack, Element, ElementCounter, Expression, Field,
    Hook, Meta, Register, Rule, Set, TableFamily, TableKey, Verdict,
};
use crate::netlink::nft::{ElementKey, Operation, Temporary};

fn table() -> TableKey {
    TableKey {
        family: TableFamily::Netdev,
        name: "farmctl".into(),
    }
}

/// The messages of a transaction, without those that open and close it.
fn written<T>(operations: &[Operation], mut read: impl FnMut(Message<'_>) -> T) -> Vec<T> {
    let transaction = Transaction::new(operations);
    let bytes = transaction.batch().as_bytes();
    let all: Vec<_> = messages(bytes).map(Result::unwrap).collect();
    let between = all.iter().copied().skip(1).take(all.len() - 2);
    between.map(&mut read).collect()
}

/// The value that the only message of an operation reads as.
fn round_trip<T>(operation: Operation, read: impl Fn(&[u8]) -> Result<Seen<T>>) -> Option<T> {
    let mut found = written(&[operation], |message| {
        assert_eq!(read_key(message.payload).unwrap(), Some(table()));
        read(message.payload).unwrap()
    });
    assert_eq!(found.len(), 1);
    let seen = found.remove(0);
    assert_eq!(seen.table, "farmctl");
    seen.value
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_.]{0,20}"
}

fn comment() -> impl Strategy<Value = Option<String>> {
    // Without a NUL, which would end it.
    option::of("[^\0]{0,31}")
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        Just(Field::Ipv4),
        Just(Field::Ipv6),
        Just(Field::Protocol),
        Just(Field::Port),
        Just(Field::Number),
    ]
}

prop_compose! {
    fn set()(
        name in name(),
        key in vec(field(), 1..=5),
        data in vec(field(), 0..=5),
        interval: bool,
        dynamic: bool,
        size in option::of(any::<u32>()),
        counter: bool,
    ) -> Set {
        Set { name, key, data, interval, dynamic, size, counter }
    }
}

fn register() -> impl Strategy<Value = Register> {
    (0_u8..16).prop_map(Register)
}

fn bytes(length: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), length)
}

fn family() -> impl Strategy<Value = AddressFamily> {
    prop_oneof![Just(AddressFamily::V4), Just(AddressFamily::V6)]
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(values)
}

fn load() -> impl Strategy<Value = Expression> {
    let meta = one_of(&[
        Meta::Mark,
        Meta::Family,
        Meta::TransportProtocol,
        Meta::EtherType,
        Meta::PacketType,
    ]);
    let conntrack = one_of(&[
        Conntrack::State,
        Conntrack::Direction,
        Conntrack::Status,
        Conntrack::OriginalDestination4,
        Conntrack::OriginalDestination6,
        Conntrack::Protocol,
        Conntrack::OriginalDestinationPort,
    ]);
    let base = one_of(&[Base::Link, Base::Network, Base::Transport]);
    let payload = (base, any::<u32>(), any::<u32>(), register());
    prop_oneof![
        (meta, register()).prop_map(|(key, into)| Expression::Meta { key, into }),
        register().prop_map(|from| Expression::SetMark { from }),
        (conntrack, register()).prop_map(|(key, into)| Expression::Conntrack { key, into }),
        payload.prop_map(|(base, offset, length, into)| Expression::Payload {
            base,
            offset,
            length,
            into,
        }),
        (register(), bytes(1..=16)).prop_map(|(into, value)| Expression::Constant { into, value }),
    ]
}

fn calculation() -> impl Strategy<Value = Expression> {
    let comparison = one_of(&[
        Comparison::Equal,
        Comparison::Different,
        Comparison::AtMost,
        Comparison::AtLeast,
    ]);
    let masks = (1_usize..=16).prop_flat_map(|length| {
        let mask = || vec(any::<u8>(), length);
        (mask(), mask())
    });
    let numbers = || any::<[u32; 4]>();
    prop_oneof![
        (register(), comparison, bytes(1..=16)).prop_map(|(from, comparison, value)| {
            Expression::Compare {
                from,
                comparison,
                value,
            }
        }),
        (register(), register(), masks).prop_map(|(from, into, (mask, flip))| {
            Expression::Bitwise {
                from,
                into,
                mask,
                flip,
            }
        }),
        (register(), register(), numbers()).prop_map(
            |(from, into, [length, modulus, seed, offset])| Expression::Hash {
                from,
                length,
                into,
                modulus,
                seed,
                offset,
            }
        ),
        (register(), numbers()).prop_map(|(into, [modulus, offset, ..])| Expression::Sequence {
            into,
            modulus,
            offset,
        }),
    ]
}

fn use_of_set() -> impl Strategy<Value = Expression> {
    let into = || option::of(register());
    prop_oneof![
        (name(), register(), into()).prop_map(|(set, key, into)| Expression::Lookup {
            set,
            key,
            into
        }),
        (name(), register(), into(), any::<u64>()).prop_map(|(set, key, data, timeout)| {
            Expression::Remember {
                set,
                key,
                data,
                timeout,
            }
        }),
    ]
}

fn verdict() -> impl Strategy<Value = Expression> {
    let verdict = prop_oneof![
        Just(Verdict::Accept),
        Just(Verdict::Drop),
        Just(Verdict::Return),
        name().prop_map(Verdict::Jump),
    ];
    verdict.prop_map(Expression::Verdict)
}

fn action() -> impl Strategy<Value = Expression> {
    let place = || (family(), register(), option::of(register()));
    prop_oneof![
        place().prop_map(|(family, address, port)| Expression::TranslateDestination {
            family,
            address,
            port,
        }),
        place().prop_map(|(family, address, port)| Expression::TranslateSource {
            family,
            address,
            port,
        }),
        (register(), register(), family()).prop_map(|(device, neighbour, family)| {
            Expression::Forward {
                device,
                neighbour,
                family,
            }
        }),
        Just(Expression::Masquerade),
        Just(Expression::Reset),
        Just(Expression::Unreachable),
        Just(Expression::Counter),
        name().prop_map(|name| Expression::Other(format!("unknown {name}"))),
    ]
}

prop_compose! {
    fn rule()(
        chain in name(),
        expressions in vec(
            prop_oneof![load(), calculation(), use_of_set(), verdict(), action()],
            0..8,
        ),
        comment in comment(),
    ) -> Rule {
        Rule { chain, expressions, comment }
    }
}

prop_compose! {
    fn chain()(
        name in name(),
        hook in option::of((name(), any::<u32>(), any::<i32>(), vec(name(), 0..4))),
    ) -> Chain {
        let hook = hook.map(|(kind, number, priority, mut devices)| {
            devices.sort_unstable();
            Hook { kind, number, priority, devices }
        });
        Chain { name, hook }
    }
}

prop_compose! {
    fn element()(
        key in bytes(1..=64),
        key_end in option::of(bytes(1..=64)),
        data in bytes(0..=64),
        comment in comment(),
        // A counter that begins at 0 is not written: the kernel makes it.
        counter in option::of((1_u64.., any::<u64>())),
    ) -> Element {
        let counter = counter.map(|(packets, bytes)| ElementCounter { packets, bytes });
        Element { key, key_end, data, comment, counter }
    }
}

fn adding(elements: Vec<Element>, timeout: Option<u64>) -> Operation {
    let set = "slots".to_owned();
    match timeout {
        None => Operation::AddElements {
            table: table(),
            set,
            elements,
        },
        Some(timeout) => Operation::AddTemporaryElements {
            table: table(),
            set,
            elements,
            timeout,
        },
    }
}

/// What all messages of these operations say of elements.
fn elements_in(operations: &[Operation]) -> Vec<Temporary> {
    let all = written(operations, |message| {
        assert!(message.payload.len() <= 0x1_0000 + 0x100);
        let seen = read_elements(message.payload).unwrap();
        assert_eq!((seen.set.as_str(), seen.strange), ("slots", 0));
        seen.elements
    });
    all.into_iter().flatten().collect()
}

proptest! {
    #[test]
    fn every_set_reads_back(set in set()) {
        let read = round_trip(Operation::AddSet(table(), set.clone()), read_set);
        prop_assert_eq!(read, Some(set));
    }

    #[test]
    fn every_chain_reads_back(chain in chain()) {
        let read = round_trip(Operation::AddChain(table(), chain.clone()), read_chain);
        prop_assert_eq!(read, Some(chain));
    }

    #[test]
    fn every_rule_reads_back(rule in rule()) {
        let read = round_trip(Operation::AddRule(table(), rule.clone()), read_rule);
        prop_assert_eq!(read, Some(rule));
    }

    #[test]
    fn every_comment_of_a_table_reads_back(comment in comment()) {
        let read = round_trip(Operation::AddTable(table(), comment.clone()), read_table);
        prop_assert_eq!(read, Some(comment));
    }

    #[test]
    fn every_element_reads_back(
        elements in vec(element(), 0..40),
        timeout in option::of(any::<u64>()),
    ) {
        let found = elements_in(&[adding(elements.clone(), timeout)]);
        prop_assert!(found.iter().all(|found| found.timeout == timeout));
        let read: Vec<_> = found.into_iter().map(|found| found.element).collect();
        prop_assert_eq!(read, elements);
    }

    #[test]
    fn the_place_of_an_error_is_the_element_in_which_it_is(
        elements in vec(element(), 1..40),
        chosen: prop::sample::Index,
        within: prop::sample::Index,
    ) {
        let transaction = Transaction::new(&[adding(elements.clone(), None)]);
        let message = transaction.batch().message(1);
        let index = chosen.index(elements.len());
        // The list ends the message, so an element is what it makes the message longer.
        let start = if index == 0 { empty_list() } else { size(&elements[..index]) };
        let offset = start + within.index(size(&elements[..=index]) - start);
        prop_assert_eq!(element::element_at(message, offset), Some(index));
    }

    #[test]
    fn any_offset_in_any_bytes_finds_a_place_or_none(bytes in bytes(0..=200), offset in 0_usize..300) {
        let place = element::element_at(&bytes, offset);
        prop_assert!(place.is_none_or(|place| place < bytes.len()));
    }
}

/// The size of the message with these elements.
fn size(elements: &[Element]) -> usize {
    let alone = Transaction::new(&[adding(elements.to_vec(), None)]);
    alone.batch().message(1).len()
}

/// The size of a message with an empty list of elements.
fn empty_list() -> usize {
    2 * size(&[plain(1)]) - size(&[plain(1), plain(2)])
}

fn plain(number: u32) -> Element {
    Element {
        key: number.to_be_bytes().to_vec(),
        ..Element::default()
    }
}

#[test]
fn many_elements_take_several_messages_none_longer_than_a_list_may_be() {
    let elements: Vec<_> = (0..100_000).map(plain).collect();
    let found = elements_in(&[adding(elements.clone(), None)]);
    assert!(found.into_iter().map(|found| found.element).eq(elements));
}

#[test]
fn a_refusal_is_mapped_to_its_operation_and_element() {
    let operations = [
        Operation::AddTable(table(), None),
        adding((0..10_000).map(plain).collect(), None),
        Operation::DeleteTable(table()),
    ];
    let transaction = Transaction::new(&operations);
    let all: Vec<_> = messages(transaction.batch().as_bytes()).collect();
    let failure = |index, offset| crate::netlink::Failure {
        index,
        errno: crate::netlink::Errno::EEXIST,
        message: None,
        offset,
    };
    let place = |index, offset| {
        let refused = transaction.refused(&failure(index, offset))?;
        Some((refused.operation, refused.element))
    };
    assert_eq!(place(0, None), None);
    assert_eq!(place(1, None), Some((0, None)));
    assert_eq!(place(2, None), Some((1, None)));
    assert_eq!(place(2, Some(60)), Some((1, Some(0))));
    let in_third = {
        let second = read_elements(all[2].as_ref().unwrap().payload).unwrap();
        second.elements.len()
    };
    assert_eq!(place(3, Some(60)), Some((1, Some(in_third))));
    assert_eq!(place(all.len() - 2, None), Some((2, None)));
    assert_eq!(place(all.len() - 1, None), None);
}

#[test]
fn an_element_too_large_for_any_message_is_sent_all_the_same_and_ends() {
    let large = Element {
        key: vec![7; 70_000],
        ..Element::default()
    };
    let count = written(&[adding(vec![large.clone(), large], None)], |_| ()).len();
    assert_eq!(count, 2);
}

#[test]
fn deletions_name_what_they_delete() {
    let keys = vec![ElementKey {
        key: vec![1, 2, 3, 4],
        key_end: Some(vec![1, 2, 3, 9]),
    }];
    let deleting = Operation::DeleteElements {
        table: table(),
        set: "slots".into(),
        keys: keys.clone(),
    };
    let found = elements_in(&[deleting]);
    let read: Vec<_> = found
        .iter()
        .map(|found| ElementKey::from(&found.element))
        .collect();
    assert_eq!(read, keys);
}

#[test]
fn a_long_comment_is_cut_between_characters() {
    let comment = "é".repeat(100);
    let read = round_trip(Operation::AddTable(table(), Some(comment)), read_table);
    assert_eq!(read, Some(Some("é".repeat(63))));
}

#[test]
fn a_chain_that_drops_and_a_set_with_a_time_of_its_own_are_not_ours() {
    let mut writer = crate::netlink::attribute::Writer::new();
    write_key(&mut writer, &table());
    writer.nest(wire::chain::HOOK, |hook| {
        hook.be32(wire::chain::HOOK_NUMBER, 0);
        hook.be32(wire::chain::HOOK_PRIORITY, 0);
    });
    writer.be32(wire::chain::POLICY, 0);
    assert_eq!(read_chain(writer.as_bytes()).unwrap().value, None);
    writer.clear();
    write_key(&mut writer, &table());
    writer.be32(wire::set::KEY_TYPE, 7);
    writer.be32(wire::set::KEY_LENGTH, 4);
    assert!(read_set(writer.as_bytes()).unwrap().value.is_some());
    writer.bytes(wire::set::TIMEOUT, &[0; 8]);
    assert_eq!(read_set(writer.as_bytes()).unwrap().value, None);
}
