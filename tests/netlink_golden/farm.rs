//! A table like those of the nftables data plane, as `nft` wrote it and as the kernel listed it.

use farmctl::netlink::Result;
use farmctl::netlink::message::messages;
use farmctl::netlink::nft::codec::{self, Seen, Transaction};
use farmctl::netlink::nft::model::{
    Chain, Element, Expression, Rule, Set, TableFamily, TableKey, Verdict,
};
use farmctl::netlink::nft::{Operation, Temporary};

use crate::recording::{Direction, each_message};

/// Everything that a recording says, but for sets without a name of their own.
#[derive(Debug, Default, PartialEq)]
struct Told {
    comments: Vec<Option<String>>,
    sets: Vec<Set>,
    chains: Vec<Chain>,
    rules: Vec<Rule>,
    elements: Vec<(String, Vec<Element>)>,
    /// The names of what farmctl has no words for.
    strange: Vec<String>,
}

fn keep<T>(seen: Result<Seen<T>>, into: &mut Vec<T>, strange: &mut Vec<String>) {
    let seen = seen.unwrap();
    match seen.value {
        Some(value) => into.push(value),
        None => strange.push(seen.name),
    }
}

fn told(recording: &str, direction: Direction) -> Told {
    let mut told = Told::default();
    each_message(recording, direction, |message| {
        let payload = message.payload;
        let strange = &mut told.strange;
        match message.kind {
            0x0a00 => {
                let seen = codec::read_table(payload).unwrap();
                told.comments.push(seen.value.unwrap());
            }
            0x0a03 => keep(codec::read_chain(payload), &mut told.chains, strange),
            0x0a06 => keep(codec::read_rule(payload), &mut told.rules, strange),
            0x0a09 => keep(codec::read_set(payload), &mut told.sets, strange),
            0x0a0c => {
                let seen = codec::read_elements(payload).unwrap();
                assert_eq!(seen.strange, 0);
                let plain = |found: Temporary| found.element;
                let elements: Vec<_> = seen.elements.into_iter().map(plain).collect();
                if !elements.is_empty() {
                    told.elements.push((seen.set, elements));
                }
            }
            _ => {}
        }
    });
    told.elements.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

#[test]
fn what_nft_wrote_and_what_the_kernel_listed_read_as_the_same_values() {
    let (written, listed) = (
        told("nft-farm-load", Direction::Sent),
        told("nft-farm-list", Direction::Received),
    );
    assert_eq!(listed.strange, ["shut", "foreign"]);
    let sorted = |mut told: Told| {
        told.rules.sort_by(|a, b| a.chain.cmp(&b.chain));
        told.strange.sort();
        told
    };
    assert_eq!(sorted(listed), sorted(written));
}

#[test]
fn comments_counters_ranges_and_byte_orders_are_read() {
    let listed = told("nft-farm-list", Direction::Received);
    assert_eq!(listed.comments, [Some("layout 1 seed 7".to_owned()), None]);
    let find = |name: &str| {
        let (_, elements) = listed.elements.iter().find(|(set, _)| set == name).unwrap();
        elements[0].clone()
    };
    let service = [192, 0, 2, 10, 6, 0, 0, 0, 0, 80, 0, 0];
    assert_eq!(find("services_4").key, service);
    assert_eq!(find("services_4").comment.as_deref(), Some("wrr"));
    let counter = find("servers_4").counter.unwrap();
    assert_eq!((counter.packets, counter.bytes), (3, 180));
    assert_eq!(
        find("marks_4").key_end.unwrap()[8..10],
        500_u16.to_be_bytes()
    );
    assert_eq!(find("marks_4").data, 5_u32.to_ne_bytes());
    let rule = listed
        .rules
        .iter()
        .find(|rule| rule.comment.is_some())
        .unwrap();
    assert_eq!(rule.comment.as_deref(), Some("remembered"));
}

/// The steps that farmctl has no words for, by their names.
fn unknown(rules: &[Rule]) -> Vec<&str> {
    let steps = rules.iter().flat_map(|rule| &rule.expressions);
    let mut unknown = Vec::new();
    for step in steps {
        if let Expression::Other(name) = step {
            unknown.push(name.as_str());
        }
    }
    unknown
}

#[test]
fn every_step_but_those_that_farmctl_never_writes_is_known() {
    let listed = told("nft-farm-list", Direction::Received);
    assert_eq!(unknown(&listed.rules), ["limit"]);
    let verdicts = listed
        .rules
        .iter()
        .filter_map(|rule| rule.expressions.last());
    let jumps = verdicts.filter(|step| {
        let jump = Verdict::Jump("choose".into());
        **step == Expression::Verdict(jump)
    });
    assert_eq!(jumps.count(), 1);
}

/// The payloads of the messages of one kind.
fn payloads(recording: &str, kind: u16) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    each_message(recording, Direction::Sent, |message| {
        if message.kind == kind {
            found.push(message.payload.to_vec());
        }
    });
    found
}

/// What farmctl writes for the same value.
fn ours(operation: Operation) -> Vec<u8> {
    let transaction = Transaction::new(&[operation]);
    let mut all = messages(transaction.batch().as_bytes()).map(Result::unwrap);
    all.nth(1).unwrap().payload.to_vec()
}

#[test]
fn farmctl_writes_the_rules_that_nft_writes() {
    let mut same = 0;
    for theirs in payloads("nft-farm-load", 0x0a06) {
        let rule = codec::read_rule(&theirs).unwrap().value.unwrap();
        // What has a default is said by one and left out by the other.
        let differs = |step: &Expression| {
            matches!(
                step,
                Expression::Other(_)
                    | Expression::Counter
                    | Expression::Reset
                    | Expression::TranslateDestination { .. }
                    | Expression::TranslateSource { .. }
                    | Expression::Hash { .. }
                    | Expression::Sequence { .. }
                    | Expression::Remember { .. }
                    | Expression::Lookup { .. }
                    | Expression::Bitwise { .. }
            )
        };
        if rule.expressions.iter().any(differs) {
            continue;
        }
        let family = match theirs[0] {
            1 => TableFamily::Inet,
            _ => TableFamily::Netdev,
        };
        let name = "farmctl".to_owned();
        let table = TableKey { family, name };
        assert_eq!(
            ours(Operation::AddRule(table, rule.clone())),
            theirs,
            "{rule:?}"
        );
        same += 1;
    }
    assert!(same >= 5, "{same}");
}
