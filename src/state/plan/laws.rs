//! The laws of a plan, over generated states. `a` is observed, `b` is desired.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::generated::{led_to, state};
use super::{Plan, plan};
use crate::state::{AddressKey, Change, Family, Service, ServiceKey, State, Subject};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn carrying_a_plan_out_gives_what_was_desired((a, b) in (state(), state())) {
        let result = done(&a, &plan(&a, &b));
        prop_assert_eq!(result, with_choices_of(&b, &a));
    }

    #[test]
    fn a_state_needs_no_plan_to_be_itself(b in state()) {
        prop_assert_eq!(plan(&b, &b), Plan::default());
    }

    #[test]
    fn a_second_plan_is_empty((a, b) in (state(), state())) {
        prop_assert!(plan(&done(&a, &plan(&a, &b)), &b).is_empty());
    }

    #[test]
    fn a_service_that_is_usable_in_both_is_usable_after_every_step((a, b) in (state(), state())) {
        let kept: Vec<_> = a.services.iter().filter(|(key, service)| {
            service.is_usable() && b.services.get(key).is_some_and(Service::is_usable)
        }).collect();
        for step in steps(&a, &plan(&a, &b)) {
            for (key, _) in &kept {
                prop_assert!(step.services[key].is_usable(), "{} takes nothing", key);
            }
        }
    }

    #[test]
    fn every_step_keeps_the_destinations_of_both((a, b) in (state(), state())) {
        for step in steps(&a, &plan(&a, &b)) {
            for (key, service) in &step.services {
                for destination in in_both(&a, &b, *key) {
                    prop_assert!(service.destinations.contains_key(&destination));
                }
            }
        }
    }

    #[test]
    fn the_inverse_undoes_a_plan_wherever_it_stopped((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        for length in 0..=whole.changes.len() {
            let part = Plan { changes: whole.changes[..length].to_vec() };
            let back = done(&done(&a, &part), &part.inverse());
            prop_assert_eq!(back, with_new_settings(&a, &part));
        }
    }

    #[test]
    fn undoing_is_as_gentle_as_doing((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        let reached = done(&a, &whole);
        for step in steps(&reached, &whole.inverse()) {
            for (key, service) in &step.services {
                let usable = |state: &State| state.services.get(key).is_some_and(Service::is_usable);
                prop_assert!(service.is_usable() || !usable(&a) || !usable(&b));
            }
        }
    }

    #[test]
    fn an_address_comes_up_when_all_behind_it_is_ready((a, b) in (state(), state())) {
        for step in steps(&a, &plan(&a, &b)) {
            for key in step.addresses.keys().filter(|key| !a.addresses.contains_key(key)) {
                prop_assert_eq!(&step.marks, &b.marks);
                for (service, wanted) in on_address(&b, key) {
                    prop_assert!(is_ready(step.services.get(&service), wanted), "{}", service);
                }
            }
        }
    }

    #[test]
    fn no_service_goes_while_its_address_is_still_to_go((a, b) in (state(), state())) {
        for step in steps(&a, &plan(&a, &b)) {
            for key in step.addresses.keys().filter(|key| !b.addresses.contains_key(key)) {
                for (service, _) in on_address(&a, key) {
                    prop_assert!(step.services.contains_key(&service), "{}", service);
                }
            }
        }
    }

    #[test]
    fn a_mark_always_leads_to_a_service((a, b) in (state(), state())) {
        for step in steps(&a, &plan(&a, &b)) {
            for rule in &step.marks {
                prop_assert!(step.services.contains_key(&led_to(rule)), "{}", rule);
            }
        }
    }

    #[test]
    fn a_family_that_has_services_before_and_after_always_has_one((a, b) in (state(), state())) {
        for family in [Family::V4, Family::V6] {
            let any = |state: &State| state.services.keys().any(|key| key.family() == family);
            if any(&a) && any(&b) {
                prop_assert!(steps(&a, &plan(&a, &b)).iter().all(any));
            }
        }
    }

    #[test]
    fn the_kernel_never_sees_mixed_families_beside_a_sync_daemon((a, b) in (state(), state())) {
        for step in steps(&a, &plan(&a, &b)) {
            prop_assert!(step.sync_daemons.is_empty() || !step.mixes_families());
        }
    }

    #[test]
    fn nothing_is_removed_to_be_made_again((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        let removed = subjects(&whole, is_removal);
        prop_assert!(removed.is_disjoint(&subjects(&whole, is_addition)));
    }

    #[test]
    fn nothing_is_touched_twice((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        let touched: Vec<Subject> = whole.changes.iter()
            .filter(|change| !matches!(change, Change::StartSync { .. }))
            .map(Change::subject)
            .collect();
        let distinct: BTreeSet<&Subject> = touched.iter().collect();
        prop_assert_eq!(distinct.len(), touched.len());
    }

    #[test]
    fn phases_follow_each_other((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        prop_assert!(whole.phases().map(|(phase, _)| phase).is_sorted());
        let batches: Vec<_> = whole.batches().collect();
        prop_assert!(batches.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let joined: Vec<Change> = batches.iter().flat_map(|(_, part)| part.to_vec()).collect();
        prop_assert_eq!(joined, whole.changes);
    }

    #[test]
    fn draining_removes_nothing_and_ends_where_it_should((a, b) in (state(), state())) {
        let leaving = b.with_leaving(&a);
        let first = plan(&a, &leaving);
        prop_assert!(subjects(&first, is_removal).is_empty());
        let drained = done(&a, &first);
        prop_assert!(!drained.mixes_families() || drained.sync_daemons.is_empty());
        for (key, service) in &drained.services {
            for (destination, values) in &service.destinations {
                let wanted = b.services.get(key).and_then(|s| s.destinations.get(destination));
                prop_assert_eq!(values.weight, wanted.map_or(0, |wanted| wanted.weight));
            }
        }
        let result = done(&drained, &plan(&drained, &b));
        prop_assert_eq!(result, with_choices_of(&b, &drained));
    }

    #[test]
    fn a_plan_survives_a_journal((a, b) in (state(), state())) {
        let whole = plan(&a, &b);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), whole);
    }

    #[test]
    fn a_state_survives_a_snapshot(a in state()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<State>(&text).unwrap(), a);
    }
}

fn done(state: &State, plan: &Plan) -> State {
    steps(state, plan).pop().unwrap()
}

/// The state before the plan and after each of its changes.
fn steps(state: &State, plan: &Plan) -> Vec<State> {
    let mut steps = vec![state.clone()];
    for change in &plan.changes {
        let mut next = steps[steps.len() - 1].clone();
        next.apply(change).unwrap();
        steps.push(next);
    }
    steps
}

/// `b`, with what it does not speak of as in `a`: other settings, and lengths left to the kernel.
fn with_choices_of(b: &State, a: &State) -> State {
    let mut state = b.clone();
    for (role, running) in &a.sync_daemons {
        match state.sync_daemons.get_mut(role) {
            Some(daemon) if daemon.is_met_by(running) => daemon.clone_from(running),
            _ => {}
        }
    }
    for (setting, value) in &a.settings {
        state.settings.entry(setting.clone()).or_insert(*value);
    }
    state
}

/// `a`, with the settings that had no value before: they stay, because nothing takes them away.
fn with_new_settings(a: &State, part: &Plan) -> State {
    let mut state = a.clone();
    for change in &part.changes {
        if let Change::SetSetting { setting, to, .. } = change {
            state.settings.entry(setting.clone()).or_insert(*to);
        }
    }
    state
}

fn in_both(a: &State, b: &State, key: ServiceKey) -> Vec<crate::state::DestinationKey> {
    let (Some(before), Some(after)) = (a.services.get(&key), b.services.get(&key)) else {
        return Vec::new();
    };
    before
        .destinations
        .keys()
        .filter(|key| after.destinations.contains_key(key))
        .copied()
        .collect()
}

fn on_address<'a>(
    state: &'a State,
    key: &'a AddressKey,
) -> impl Iterator<Item = (ServiceKey, &'a Service)> {
    state.services.iter().filter_map(|(service, value)| {
        let uses = match service {
            ServiceKey::Address { address, .. } => *address == key.address,
            ServiceKey::Mark { .. } => state
                .marks
                .iter()
                .any(|rule| led_to(rule) == *service && rule.address == key.address),
        };
        uses.then_some((*service, value))
    })
}

/// Whether a service has at least all that is wanted of it.
fn is_ready(service: Option<&Service>, wanted: &Service) -> bool {
    service.is_some_and(|service| {
        service.attributes == wanted.attributes
            && wanted.destinations.iter().all(|(key, wanted)| {
                let destination = service.destinations.get(key);
                destination.is_some_and(|destination| destination.weight >= wanted.weight)
            })
    })
}

fn subjects(plan: &Plan, which: fn(&Change) -> bool) -> BTreeSet<Subject> {
    plan.changes
        .iter()
        .filter(|change| which(change))
        .map(Change::subject)
        .collect()
}

fn is_removal(change: &Change) -> bool {
    matches!(
        change,
        Change::DeleteService { .. }
            | Change::DeleteDestination { .. }
            | Change::DeleteAddress { .. }
    )
}

fn is_addition(change: &Change) -> bool {
    matches!(
        change,
        Change::AddService { .. } | Change::AddDestination { .. } | Change::AddAddress { .. }
    )
}
