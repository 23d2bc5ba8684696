//! What the kernel refuses, and how it is told which operation it was.

use farmctl::netlink::Errno;
use farmctl::netlink::nft::model::{Element, Expression, Field};
use farmctl::netlink::nft::{Client, Operation, Refused};

use super::sample::{self, element, service, set};
use super::{done, fresh};

fn adding(set: &str, elements: Vec<Element>) -> Operation {
    Operation::AddElements {
        table: sample::inet(),
        set: set.into(),
        elements,
    }
}

fn with_sets() -> (crate::bed::Node, Client) {
    let (node, mut client) = fresh();
    done(&mut client, &Operation::make(&sample::inet_table()));
    (node, client)
}

fn place(refused: &Refused) -> (usize, Option<usize>, Errno) {
    (refused.operation, refused.element, refused.errno)
}

#[test]
fn each_refused_operation_is_named_and_nothing_is_done() {
    let (_node, mut client) = with_sets();
    let before = client.read(&sample::inet()).unwrap();
    let looking_nowhere = sample::rule(
        "choose",
        vec![Expression::Other("nothing of the kind".into())],
    );
    let refused = client
        .commit(&[
            adding("services_4", vec![element(&service(1), &[])]),
            Operation::DeleteSet(sample::inet(), "no such set".into()),
            Operation::AddRule(sample::inet(), looking_nowhere),
            Operation::AddSet(sample::inet(), set("also", &[Field::Ipv4], &[])),
            Operation::FlushChain(sample::inet(), "no such chain".into()),
        ])
        .unwrap();
    let places: Vec<_> = refused.iter().map(place).collect();
    assert_eq!(
        places,
        [
            (1, None, Errno::ENOENT),
            (2, None, Errno::ENOENT),
            (4, None, Errno::ENOENT),
        ]
    );
    assert_eq!(client.read(&sample::inet()).unwrap(), before);
}

#[test]
fn the_element_that_is_refused_is_named_wherever_it_is_among_many_messages() {
    let (_node, mut client) = with_sets();
    let slot = |number: u32, data: u8| {
        let key = [&service(80)[..], &number.to_ne_bytes()].concat();
        let mut server = sample::SLOT;
        server[7] = data;
        element(&key, &server)
    };
    done(&mut client, &[adding("slots_4", vec![slot(4321, 1)])]);
    // The one that is there with other data.
    let many = (0..5000).map(|number| slot(number, 2)).collect();
    let refused = client
        .commit(&[adding("services_4", vec![]), adding("slots_4", many)])
        .unwrap();
    assert_eq!(refused.len(), 1);
    let (operation, element, errno) = place(&refused[0]);
    assert_eq!(operation, 1);
    // Which of them depends on the kernel's age.
    assert!([Errno::EBUSY, Errno::EEXIST].contains(&errno), "{errno}");
    // Kernels before 5.19 do not tell which element it is.
    assert!(element.is_none_or(|element| element == 4321), "{element:?}");
    assert_eq!(element.is_some(), kernel_tells_elements());
}

/// Whether this kernel tells the place of what is wrong in a list of elements.
fn kernel_tells_elements() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(5), Some(19))
}

#[test]
fn a_set_that_is_full_refuses_one_more_element() {
    let (_node, mut client) = fresh();
    let full = farmctl::netlink::nft::model::Set {
        size: Some(2),
        ..set("small", &[Field::Ipv4], &[])
    };
    let elements = (0..3).map(|last| element(&[10, 0, 0, last], &[])).collect();
    let refused = client
        .commit(&[
            Operation::AddTable(sample::inet(), None),
            Operation::AddSet(sample::inet(), full),
            adding("small", elements),
        ])
        .unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].operation, refused[0].errno), (2, Errno::ENFILE));
    assert_eq!(client.read(&sample::inet()).unwrap(), None);
}

#[test]
fn more_refusals_than_the_socket_holds_are_refusals_all_the_same() {
    let (_node, mut client) = fresh();
    let deletions: Vec<_> = (0..20_000)
        .map(|number| Operation::DeleteSet(sample::inet(), format!("set{number}")))
        .collect();
    let refused = client.commit(&deletions).unwrap();
    assert!(!refused.is_empty());
    for one in &refused {
        assert_eq!(one.errno, Errno::ENOENT, "{one:?}");
    }
    assert_eq!(client.commit(&[]).unwrap(), []);
    assert_eq!(client.read(&sample::inet()).unwrap(), None);
}

#[test]
fn what_the_table_holds_of_somebody_else_is_named() {
    let (node, mut client) = with_sets();
    let commands = "add set inet farmctl_test foreign { type ether_addr; }
        add chain inet farmctl_test shut { type filter hook input priority 5; policy drop; }
        add element inet farmctl_test marks_4 { 192.0.2.1 . tcp . 1-2 comment \"theirs\" : 5 }
        add rule inet farmctl_test choose ip daddr 192.0.2.1 limit rate 1/second accept";
    node.run(|| {
        let mut nft = assert_cmd::Command::new("nft");
        nft.args(["-f", "-"])
            .write_stdin(commands)
            .assert()
            .success();
    });
    let found = client.read(&sample::inet()).unwrap().unwrap();
    assert_eq!(
        found.strays,
        [
            "The set `foreign` is not farmctl's.",
            "The chain `shut` is not farmctl's."
        ]
    );
    let theirs = found.elements["marks_4"][0].comment.as_deref();
    assert_eq!(theirs, Some("theirs"));
    let rule = found.table.rules.iter().find(|rule| {
        let limit = Expression::Other("limit".into());
        rule.expressions.contains(&limit)
    });
    assert!(rule.is_some(), "{:?}", found.table.rules);
}

#[test]
fn a_table_that_is_switched_off_is_named() {
    let (node, mut client) = with_sets();
    node.run(|| {
        let mut nft = assert_cmd::Command::new("nft");
        let off = ["add", "table", "inet", "farmctl_test", "{ flags dormant; }"];
        nft.args(off).assert().success();
    });
    let found = client.read(&sample::inet()).unwrap().unwrap();
    let expected = ["The table is switched off or owned by a program."];
    assert_eq!(found.strays, expected);
}
