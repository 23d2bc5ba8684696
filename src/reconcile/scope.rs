//! Which of the observed objects are ours. Pure.
//!
//! | the record says | the file names it | it is |
//! |---|---|---|
//! | done | either | ours |
//! | intent | yes | ours: a run that died was making it, and the file still wants it |
//! | intent | no | foreign, listed as unfinished: an intent never authorises a deletion |
//! | nothing | yes | foreign, a conflict |
//! | nothing | no | foreign |
//!
//! With [`Adopt::Yes`] conflicts and unfinished objects are ours too. That holds for addresses as
//! for services: an address that is up already and was not put up by farmctl is a conflict. A
//! node's own addresses are neither recorded nor named, so they are foreign.

use crate::state::State;

use super::key::copy;
use super::{Key, Record, Standing};

/// Whether objects that farmctl did not provably make become its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopt {
    /// They stay whoever's they are.
    #[default]
    No,
    /// Those that the file names, and those that a run that died was making, become ours.
    Yes,
}

/// The observed state, divided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// What may be changed and deleted. Of the settings: those that the file names.
    pub ours: State,
    /// The rest: shown, never touched.
    pub foreign: State,
    /// What the file names although it is foreign. In `foreign` too.
    pub conflicts: Vec<Key>,
    /// What a run that died may have made and the file does not name. In `foreign` too.
    pub unfinished: Vec<Key>,
}

/// What one object is.
enum Verdict {
    Ours,
    Foreign,
    Conflict,
    Unfinished,
}

impl Scope {
    /// Divides what was observed.
    pub fn of(observed: &State, desired: &State, record: &Record, adopt: Adopt) -> Self {
        let mut scope = Self::default();
        scope.divide_settings(observed, desired);
        for key in Key::all_of(observed) {
            match judge(record.standing(&key), key.is_in(desired), adopt) {
                Verdict::Ours => copy(observed, &key, &mut scope.ours),
                Verdict::Foreign => copy(observed, &key, &mut scope.foreign),
                Verdict::Conflict => {
                    copy(observed, &key, &mut scope.foreign);
                    scope.conflicts.push(key);
                }
                Verdict::Unfinished => {
                    copy(observed, &key, &mut scope.foreign);
                    scope.unfinished.push(key);
                }
            }
        }
        scope
    }

    /// What would be ours if the conflicts were adopted.
    #[must_use]
    pub fn adopted(self) -> State {
        let mut state = self.ours;
        for key in &self.conflicts {
            copy(&self.foreign, key, &mut state);
        }
        state
    }

    fn divide_settings(&mut self, observed: &State, desired: &State) {
        for (setting, value) in &observed.settings {
            let part = if desired.settings.contains_key(setting) {
                &mut self.ours
            } else {
                &mut self.foreign
            };
            part.settings.insert(setting.clone(), *value);
        }
    }
}

fn judge(standing: Option<Standing>, wanted: bool, adopt: Adopt) -> Verdict {
    match (standing, wanted, adopt) {
        (Some(Standing::Done), _, _)
        | (Some(Standing::Intent), true, _)
        | (Some(Standing::Intent), false, Adopt::Yes)
        | (None, true, Adopt::Yes) => Verdict::Ours,
        (Some(Standing::Intent), false, Adopt::No) => Verdict::Unfinished,
        (None, true, Adopt::No) => Verdict::Conflict,
        (None, false, _) => Verdict::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{
        any_state, merged, origin, service_key, state_of_ports, with_node_address,
    };
    use super::*;

    fn record(keys: &[(Key, Standing)]) -> Record {
        let mut record = Record::empty(origin("boot"));
        record.keys.extend(keys.iter().cloned());
        record
    }

    fn service(port: u16) -> Key {
        Key::Service(service_key(port))
    }

    #[test]
    fn what_was_made_is_ours_whether_the_file_names_it_or_not() {
        let record = record(&[(service(80), Standing::Done), (service(81), Standing::Done)]);
        let observed = state_of_ports(&[80, 81]);
        let scope = Scope::of(&observed, &state_of_ports(&[80]), &record, Adopt::No);
        assert_eq!(scope.ours, observed);
        assert!(scope.conflicts.is_empty());
    }

    #[test]
    fn an_intent_is_ours_only_while_the_file_names_it() {
        let record = record(&[
            (service(80), Standing::Intent),
            (service(81), Standing::Intent),
        ]);
        let observed = state_of_ports(&[80, 81]);
        let scope = Scope::of(&observed, &state_of_ports(&[80]), &record, Adopt::No);
        assert_eq!(scope.ours, state_of_ports(&[80]));
        assert_eq!(scope.unfinished, vec![service(81)]);
        let adopted = Scope::of(&observed, &state_of_ports(&[80]), &record, Adopt::Yes);
        assert_eq!(adopted.ours, observed);
    }

    #[test]
    fn a_service_that_somebody_else_made_and_the_file_names_is_a_conflict_until_adopted() {
        let observed = state_of_ports(&[80, 81]);
        let desired = state_of_ports(&[80]);
        let scope = Scope::of(&observed, &desired, &record(&[]), Adopt::No);
        assert_eq!(scope.conflicts, vec![service(80)]);
        assert_eq!(scope.foreign, observed);
        let adopted = Scope::of(&observed, &desired, &record(&[]), Adopt::Yes);
        assert_eq!(adopted.ours, desired);
        assert_eq!(adopted.foreign, state_of_ports(&[81]));
    }

    #[test]
    fn a_nodes_own_address_is_foreign_and_a_vip_that_is_up_unrecorded_is_a_conflict() {
        let observed = with_node_address(State::default());
        let scope = Scope::of(&observed, &State::default(), &record(&[]), Adopt::Yes);
        assert_eq!(scope.foreign, observed);
        let scope = Scope::of(&observed, &observed, &record(&[]), Adopt::No);
        assert_eq!(
            scope.conflicts,
            Key::all_of(&observed).into_iter().collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn ours_and_foreign_are_the_observed_state_divided_in_two(
            observed in any_state(), desired in any_state(), made in any_state(), adopt: bool,
        ) {
            let standings = Key::all_of(&made).into_iter().enumerate();
            let record = record(&standings.map(|(i, key)| {
                (key, if i % 2 == 0 { Standing::Done } else { Standing::Intent })
            }).collect::<Vec<_>>());
            let adopt = if adopt { Adopt::Yes } else { Adopt::No };
            let scope = Scope::of(&observed, &desired, &record, adopt);
            prop_assert_eq!(merged(&scope.ours, &scope.foreign), observed);
            prop_assert!(Key::all_of(&scope.ours).is_disjoint(&Key::all_of(&scope.foreign)));
            for key in scope.conflicts.iter().chain(&scope.unfinished) {
                prop_assert!(key.is_in(&scope.foreign));
            }
            for key in Key::all_of(&scope.ours) {
                let known = record.standing(&key).is_some();
                prop_assert!(known || adopt == Adopt::Yes && key.is_in(&desired));
            }
        }
    }
}
