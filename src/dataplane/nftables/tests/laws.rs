//! States to tables and back, and from one to another.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::decode::{Decoded, decode};
use super::super::delta::delta;
use super::super::testing::{Tables, carry_out, edit, holding, state, terrain};
use crate::netlink::nft::model::{Element, Expression, TableFamily};
use crate::state::{ServiceKey, State, plan};

const FAMILIES: [TableFamily; 2] = [TableFamily::Inet, TableFamily::Netdev];

fn read(tables: &Tables) -> Decoded {
    let [inet, netdev] = FAMILIES.map(|family| tables.found(family));
    decode(inet.as_ref(), netdev.as_ref(), &terrain())
}

/// Does what a plan from what was read to the state would do.
fn mend(tables: &mut Tables, read: Decoded, state: &State) {
    let Decoded {
        state: seen,
        mut content,
        ..
    } = read;
    carry_out(tables, &mut content, edit(&seen, state));
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_written_is_read(state in state()) {
        let (tables, content) = holding(&state);
        let read = read(&tables);
        prop_assert_eq!(&read.flaws, &[]);
        prop_assert_eq!(read.state, state);
        prop_assert_eq!(read.content, content);
    }

    #[test]
    fn a_difference_leads_from_one_state_to_the_other(a in state(), b in state()) {
        let (mut tables, mut content) = holding(&a);
        let (wanted, known) = holding(&b);
        carry_out(&mut tables, &mut content, edit(&a, &b));
        prop_assert_eq!(tables, wanted);
        prop_assert_eq!(content, known);
    }

    #[test]
    fn no_difference_is_no_operation(state in state()) {
        let (_, content) = holding(&state);
        let mut nothing = edit(&state, &state);
        prop_assert_eq!(delta(&content, &nothing), []);
        nothing.services = edit(&State::default(), &state).services;
        prop_assert_eq!(delta(&content, &nothing), []);
    }

    #[test]
    fn one_element_less_is_noticed_and_mended(state in state(), which: Index) {
        let (whole, _) = holding(&state);
        let mut tables = whole.clone();
        let Some((service, told)) = with_element(&mut tables, which, |_| None) else {
            return Ok(());
        };
        check_mended(&state, tables, &whole, service, &told)?;
    }

    #[test]
    fn a_changed_element_is_noticed_and_mended(state in state(), which: Index, how: bool) {
        let (whole, _) = holding(&state);
        let mut tables = whole.clone();
        let change = |mut element: Element| {
            match element.data.first_mut() {
                Some(first) if how => *first ^= 1,
                _ => element.comment = Some("something else".to_owned()),
            }
            Some(element)
        };
        let Some((service, told)) = with_element(&mut tables, which, change) else {
            return Ok(());
        };
        check_mended(&state, tables, &whole, service, &told)?;
    }

    #[test]
    fn one_element_more_is_noticed_and_mended(state in state(), which: Index) {
        let (whole, _) = holding(&state);
        let mut tables = whole.clone();
        let Some((service, told)) = add_element(&mut tables, which) else {
            return Ok(());
        };
        check_noticed(&state, &tables, service, &told)?;
        // It may be of a service that nobody asked for; any transaction removes it.
        let read = read(&tables);
        mend(&mut tables, read, &state);
        prop_assert_eq!(tables, whole);
    }

    #[test]
    fn rules_chains_and_sets_of_others_are_noticed_and_mended(
        state in state(),
        which: Index,
        how in 0..6_u8,
    ) {
        let (whole, _) = holding(&state);
        let mut tables = whole.clone();
        if !break_frame(&mut tables, which, how) {
            return Ok(());
        }
        let read = read(&tables);
        prop_assert!(!read.flaws.is_empty(), "{how}");
        mend(&mut tables, read, &state);
        prop_assert_eq!(tables, whole);
    }
}

/// The tables are as they were after a plan from what is seen; and there is such a plan.
fn check_mended(
    state: &State,
    mut tables: Tables,
    whole: &Tables,
    service: Option<ServiceKey>,
    told: &str,
) -> Result<(), TestCaseError> {
    check_noticed(state, &tables, service, told)?;
    let read = read(&tables);
    prop_assert!(
        !plan(&read.state, state).is_empty(),
        "{} {:?}",
        told,
        read.flaws
    );
    mend(&mut tables, read, state);
    prop_assert_eq!(&tables, whole, "{}", told);
    Ok(())
}

/// A flaw names the service, or it is seen as another one: a weight that was changed by hand is a
/// difference like any other.
fn check_noticed(
    state: &State,
    tables: &Tables,
    service: Option<ServiceKey>,
    told: &str,
) -> Result<(), TestCaseError> {
    let read = read(tables);
    let is_told = match service {
        None => !read.flaws.is_empty() || read.state != *state,
        Some(service) => {
            read.flaws.iter().any(|flaw| flaw.service == Some(service))
                || read.state.services.get(&service) != state.services.get(&service)
        }
    };
    prop_assert!(is_told, "{} {:?} {:?}", told, service, read.flaws);
    Ok(())
}

/// The sets with elements that do not come by packets.
fn fixed_sets(tables: &Tables) -> Vec<(TableFamily, String)> {
    let of_family = |family: TableFamily| {
        let found = tables.found(family);
        let sets = found.into_iter().flat_map(|found| found.elements);
        let filled = sets.filter(|(_, elements)| !elements.is_empty());
        filled
            .map(move |(name, _)| (family, name))
            .collect::<Vec<_>>()
    };
    FAMILIES.into_iter().flat_map(of_family).collect()
}

/// Changes one element, or takes it out. Returns whose it is, where its key tells, and which.
fn with_element(
    tables: &mut Tables,
    which: Index,
    change: impl Fn(Element) -> Option<Element>,
) -> Option<(Option<ServiceKey>, String)> {
    let sets = fixed_sets(tables);
    if sets.is_empty() {
        return None;
    }
    let (family, name) = which.get(&sets).clone();
    let elements = &mut tables.get_mut(family)?.sets.get_mut(&name)?.1;
    let key = which
        .get(&elements.keys().cloned().collect::<Vec<_>>())
        .clone();
    let element = elements.remove(&key)?;
    let told = format!("{name} {element:?}");
    let service = owner(&name, &element);
    if let Some(changed) = change(element) {
        elements.insert((&changed).into(), changed);
    }
    Some((service, told))
}

/// A copy of an element with another last byte.
fn add_element(tables: &mut Tables, which: Index) -> Option<(Option<ServiceKey>, String)> {
    let sets = fixed_sets(tables);
    if sets.is_empty() {
        return None;
    }
    let (family, name) = which.get(&sets).clone();
    let elements = &mut tables.get_mut(family)?.sets.get_mut(&name)?.1;
    let mut element = which
        .get(&elements.values().cloned().collect::<Vec<_>>())
        .clone();
    // Another port, weight or number at the end of the key.
    let place = element.key.len() - 3;
    element.key[place] ^= 0x40;
    element.key_end = element.key_end.map(|_| element.key.clone());
    let told = format!("{name} {element:?}");
    let service = owner(&name, &element);
    elements.insert((&element).into(), element);
    Some((service, told))
}

/// Whose an element is, where its key says so.
fn owner(set: &str, element: &Element) -> Option<ServiceKey> {
    let (word, number) = set.rsplit_once('_')?;
    let family = if number == "4" {
        crate::state::Family::V4
    } else {
        crate::state::Family::V6
    };
    let named = ["services", "servers", "slots", "masquerade"].contains(&word);
    named.then(|| super::super::fields::Reader(&element.key).service(family))?
}

fn break_frame(tables: &mut Tables, which: Index, how: u8) -> bool {
    let there: Vec<_> = FAMILIES
        .into_iter()
        .filter(|family| tables.found(*family).is_some())
        .collect();
    let family = *which.get(&there);
    let held = tables.get_mut(family).unwrap();
    let chains: Vec<String> = held.chains.keys().cloned().collect();
    if chains.is_empty() {
        return false;
    }
    let name = which.get(&chains).clone();
    let (chain, rules) = held.chains.get_mut(&name).unwrap();
    match how {
        0 => drop(rules.pop()),
        1 => rules[0].expressions.insert(0, Expression::Counter),
        2 => rules.push(rules[0].clone()),
        3 => match &mut chain.hook {
            Some(hook) => hook.priority += 1,
            None => return false,
        },
        4 => {
            let mut foreign = (chain.clone(), Vec::new());
            foreign.0.name = "somebodys".to_owned();
            foreign.0.hook = None;
            held.chains.insert("somebodys".to_owned(), foreign);
        }
        _ => {
            let Some((set, _)) = held.sets.values().next().cloned() else {
                return false;
            };
            let set = crate::netlink::nft::model::Set {
                name: "somebodys".to_owned(),
                ..set
            };
            held.sets.insert(
                "somebodys".to_owned(),
                (set, std::collections::BTreeMap::new()),
            );
        }
    }
    true
}
