//! Other programs beside farmctl: their tables, and their hands in ours.

use std::time::Duration;

use farmctl::dataplane::nftables::{Drift, content};
use farmctl::dataplane::{Dataplane, Nftables};
use farmctl::netlink::nft::model::{
    Chain, Element, Expression, Field, Hook, Rule, Set, Table, TableFamily, TableKey, Verdict,
};
use farmctl::netlink::nft::{Client, ElementKey, Found, Operation};

use crate::bed::{Family, Node};
use crate::site::Site;
use crate::wish::{Way, Wish, exact, front_door, persistent};

/// Another program, which writes nftables behind farmctl's back.
fn meddle(node: &Node, operations: &[Operation]) {
    node.run(|| {
        let refused = Client::open().unwrap().commit(operations).unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    });
}

fn read(node: &Node, table: &TableKey) -> Option<Found> {
    node.run(|| Client::open().unwrap().read(table).unwrap())
}

/// Every element of a set or map, with its fields as the kernel has them.
fn elements(found: &Found, set: &str) -> Vec<Element> {
    found.elements[set].clone()
}

fn others() -> Table {
    let key = TableKey {
        family: TableFamily::Inet,
        name: "firewall".to_owned(),
    };
    let chain = |name: &str, number| Chain {
        name: name.to_owned(),
        hook: Some(Hook {
            kind: "filter".to_owned(),
            number,
            priority: 0,
            devices: Vec::new(),
        }),
    };
    let rule = Rule {
        chain: "input".to_owned(),
        expressions: vec![Expression::Counter],
        comment: Some("somebody counts".to_owned()),
    };
    Table {
        key,
        comment: Some("not farmctl's".to_owned()),
        sets: vec![Set {
            name: "admins".to_owned(),
            key: vec![Field::Ipv4],
            data: Vec::new(),
            interval: false,
            dynamic: false,
            size: None,
            counter: false,
        }],
        chains: vec![chain("input", 1), chain("forward", 2)],
        rules: vec![rule],
    }
}

fn making(table: &Table) -> Vec<Operation> {
    let key = &table.key;
    let made = Operation::AddTable(key.clone(), table.comment.clone());
    let sets = table.sets.iter().cloned();
    let sets = sets.map(|set| Operation::AddSet(key.clone(), set));
    let chains = table.chains.iter().cloned();
    let chains = chains.map(|chain| Operation::AddChain(key.clone(), chain));
    let rules = table.rules.iter().cloned();
    let rules = rules.map(|rule| Operation::AddRule(key.clone(), rule));
    std::iter::once(made)
        .chain(sets)
        .chain(chains)
        .chain(rules)
        .collect()
}

#[test]
fn tables_of_others_are_neither_shown_nor_touched() {
    let site = Site::new();
    let director = &site.farm.director;
    meddle(director, &making(&others()));
    let before = read(director, &others().key).unwrap();
    site.make(&Wish::balanced(Way::Nat, "wrr", [1, 2, 3]));
    site.make(&Wish::balanced(Way::DirectRouting, "wrr", [3, 2, 1]));
    site.make(&Wish::empty());
    assert_eq!(read(director, &others().key), Some(before));
    let gone = [content::inet(), content::netdev()].map(|table| read(director, &table));
    assert_eq!(gone, [None, None], "nothing of ours is left");
}

/// Each kind of damage in turn: it shows, and the next apply mends all of it.
#[track_caller]
fn is_seen_and_mended(wish: &Wish, name: &str, damage: &[Operation]) {
    let site = Site::holding(wish);
    let director = &site.farm.director;
    let whole = [content::inet(), content::netdev()].map(|table| read(director, &table));
    meddle(director, damage);
    assert_ne!(site.plan(wish), Vec::new(), "{name} shows");
    let mending = site.make(wish);
    assert!(!mending.is_empty(), "{name}");
    let mended = [content::inet(), content::netdev()].map(|table| read(director, &table));
    for (mended, whole) in mended.into_iter().zip(whole) {
        assert_eq!(
            mended.map(|found| (sorted(&found), found.strays)),
            whole.map(|found| (sorted(&found), found.strays)),
            "{name}"
        );
    }
    for way in [Way::Nat, Way::DirectRouting] {
        if wish.0.services.keys().any(|key| {
            *key == crate::wish::at(farmctl::state::Protocol::Tcp, way.vip(Family::V4), 80)
        }) {
            site.farm.client.ask(front_door(way, Family::V4)).unwrap();
        }
    }
}

/// What is in a table, without numbers that move and in no order of making.
fn sorted(found: &Found) -> String {
    let mut lines = vec![format!("{:?}", found.table.comment)];
    lines.extend(found.table.sets.iter().map(|set| format!("{set:?}")));
    lines.extend(found.table.chains.iter().map(|chain| format!("{chain:?}")));
    for (set, elements) in &found.elements {
        let bare = elements.iter().map(|element| Element {
            counter: None,
            ..element.clone()
        });
        lines.extend(bare.map(|element| format!("{set} {element:?}")));
    }
    lines.sort();
    lines.extend(found.table.rules.iter().map(|rule| format!("{rule:?}")));
    lines.join("\n")
}

pub(crate) fn rich() -> Wish {
    let mask = farmctl::state::ClientMask::host(farmctl::state::Family::V4);
    let kept = persistent(Way::Nat.service(Family::V4, 81, "wrr", &[1, 1]), 60, mask);
    let turns = exact(Way::Nat.service(Family::V6, 82, "wrr", &[1, 2]));
    Wish::balanced(Way::Nat, "wrr", [1, 2, 3])
        .with(
            Way::Nat,
            Family::V4,
            farmctl::state::Protocol::Tcp,
            81,
            kept,
        )
        .with(
            Way::Nat,
            Family::V6,
            farmctl::state::Protocol::Tcp,
            82,
            turns,
        )
        .with(
            Way::DirectRouting,
            Family::V4,
            farmctl::state::Protocol::Tcp,
            80,
            Way::DirectRouting.service(Family::V4, 80, "wrr", &[1, 1, 2]),
        )
}

#[test]
fn a_hand_that_deletes_one_element_of_any_set_is_seen_and_mended() {
    let site = Site::holding(&rich());
    for table in [content::inet(), content::netdev()] {
        let found = read(&site.farm.director, &table).unwrap();
        for set in found.elements.keys() {
            let Some(victim) = elements(&found, set).into_iter().next() else {
                continue;
            };
            let damage = Operation::DeleteElements {
                table: table.clone(),
                set: set.clone(),
                keys: vec![ElementKey::from(&victim)],
            };
            is_seen_and_mended(&rich(), &format!("one element of {set}"), &[damage]);
        }
    }
}

#[test]
fn a_hand_that_empties_a_chain_is_seen_and_mended() {
    let site = Site::holding(&rich());
    for table in [content::inet(), content::netdev()] {
        let found = read(&site.farm.director, &table).unwrap();
        for chain in &found.table.chains {
            let rules = found.table.rules.iter();
            if rules.filter(|rule| rule.chain == chain.name).count() > 0 {
                let damage = Operation::FlushChain(table.clone(), chain.name.clone());
                is_seen_and_mended(&rich(), &format!("no rule in {}", chain.name), &[damage]);
            }
        }
    }
}

#[test]
fn a_hand_that_adds_something_of_its_own_is_seen_and_mended() {
    for table in [content::inet(), content::netdev()] {
        let chain = {
            let site = Site::holding(&rich());
            let found = read(&site.farm.director, &table).unwrap();
            found.table.chains[0].name.clone()
        };
        let rule = Rule {
            chain,
            expressions: vec![Expression::Verdict(Verdict::Drop)],
            comment: None,
        };
        let damage = Operation::AddRule(table.clone(), rule);
        is_seen_and_mended(&rich(), "a rule of another", &[damage]);
        let chain = Chain {
            name: "mine".to_owned(),
            hook: None,
        };
        let damage = Operation::AddChain(table, chain);
        is_seen_and_mended(&rich(), "a chain of another", &[damage]);
    }
}

#[test]
fn tables_that_somebody_deleted_are_made_again() {
    for table in [content::inet(), content::netdev()] {
        let damage = Operation::DeleteTable(table);
        is_seen_and_mended(&rich(), "a table less", &[damage]);
    }
    let both = [content::inet(), content::netdev()].map(Operation::DeleteTable);
    is_seen_and_mended(&rich(), "no table", &both);
}

#[test]
fn a_table_of_another_layout_under_our_name_is_replaced() {
    let mut strange = others();
    strange.key = content::inet();
    let site = Site::new();
    meddle(&site.farm.director, &making(&strange));
    site.make(&Wish::balanced(Way::Nat, "wrr", [1, 2, 3]));
    let counts = site.spread(front_door(Way::Nat, Family::V4), 30);
    assert_eq!(counts.iter().sum::<usize>(), 30);
}

#[test]
fn a_watch_wakes_for_the_hands_of_others_and_not_for_our_own() {
    let wish = Wish::balanced(Way::Nat, "wrr", [1, 2, 3]);
    let site = Site::holding(&wish);
    let patience = Duration::from_secs(10);
    site.farm.director.run(|| {
        let mut plane = Nftables::open().unwrap();
        let mut watch = plane.watch().unwrap();
        let edited = wish.clone().reweighted([Some(3), Some(2), Some(1)]);
        let seen = plane.observe().unwrap().state;
        let changes = farmctl::state::plan(&of(&seen, &edited), &edited.0).changes;
        assert_eq!(plane.execute(&changes).unwrap(), Vec::new());
        let mut other = Client::open().unwrap();
        let chain = Chain {
            name: "mine".to_owned(),
            hook: None,
        };
        let added = Operation::AddChain(content::inet(), chain);
        assert_eq!(other.commit(&[added]).unwrap(), Vec::new());
        let drift = std::iter::from_fn(|| Some(watch.wait(patience).unwrap()))
            .take(8)
            .flatten()
            .next();
        let Some(Drift::Changed { process, .. }) = drift else {
            panic!("{drift:?}")
        };
        assert_ne!(process, 0);
    });
}

/// What a plan looks at, of what was seen.
fn of(seen: &farmctl::state::State, wish: &Wish) -> farmctl::state::State {
    let mut seen = seen.clone();
    seen.settings
        .retain(|key, _| wish.0.settings.contains_key(key));
    seen.addresses
        .retain(|key, _| wish.0.addresses.contains_key(key));
    seen
}
