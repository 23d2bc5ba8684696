//! The guard against mass failure at work.

use crate::clock::Moment;
use crate::spec::{EffectiveMassFailure, MassFailureThen};

use super::super::guard::Turn;
use super::super::question::Fault;
use super::super::told;
use super::Engine;

/// Failures that are certainly the server's own: it is never kept for them.
fn is_certain(fault: Option<Fault>) -> bool {
    matches!(fault, Some(Fault::Refused | Fault::SaysDown))
}

impl Engine {
    /// A real server's check failed; its groups' guards hear of it.
    pub(super) fn guard_fell(&mut self, now: Moment, member: u32) {
        if self.fault(member) == Some(Fault::SaysDown) || self.voice(member).says_down {
            return;
        }
        for group in self.groups_of(member) {
            let Some((state, rule)) = self.guarded(group) else {
                continue;
            };
            let up = state.sums.up;
            let turn = state.guard.fell(now, member, &rule, up);
            self.guard_turned(group, member, &rule, turn);
        }
    }

    /// A real server is up again; its groups' guards hear of it.
    pub(super) fn guard_rose(&mut self, member: u32) {
        for group in self.groups_of(member) {
            let Some((state, rule)) = self.guarded(group) else {
                continue;
            };
            let up = state.sums.up;
            let turn = state.guard.rose(member, &rule, up);
            self.guard_turned(group, member, &rule, turn);
        }
    }

    /// A real server is not in a group any more.
    pub(super) fn guard_lost(&mut self, group: u32, member: u32) {
        if let Some((state, rule)) = self.guarded(group) {
            let turn = state.guard.rose(member, &rule, state.sums.up);
            self.guard_turned(group, member, &rule, turn);
        }
    }

    /// A real server that is kept begins to refuse connections: it is kept no longer.
    pub(super) fn let_go_of_the_refusing(&mut self, member: u32, fault: Option<Fault>) {
        let Some(watched) = self.members.get_mut(member) else {
            return;
        };
        if watched.is_held && is_certain(fault) {
            watched.is_held = false;
            self.concern(member);
        }
    }

    fn guard_turned(&mut self, group: u32, member: u32, rule: &EffectiveMassFailure, turn: Turn) {
        let (told, holds, lets_go) = match turn {
            Turn::None => return,
            Turn::Another => (None, vec![member], Vec::new()),
            Turn::Began { failing, of } => {
                let state = self.groups.get(group as usize);
                let told = state.map(|s| told::mass_failure(s, rule, failing.len(), of));
                (told, failing, Vec::new())
            }
            Turn::Ended(failing) => {
                let state = self.groups.get(group as usize);
                let told = state.map(|s| told::mass_failure_over(s, failing.len()));
                (told, Vec::new(), failing)
            }
        };
        if rule.then == MassFailureThen::Hold {
            for member in holds {
                self.hold(member);
            }
        }
        for member in lets_go {
            self.let_go(member);
        }
        if let Some(told) = told {
            self.tell(told);
        }
    }

    /// Keeps a real server in, unless its failure is certain.
    fn hold(&mut self, member: u32) {
        let fault = self.fault(member);
        if let Some(watched) = self.members.get_mut(member)
            && !is_certain(fault)
        {
            watched.is_held = true;
            self.concern(member);
        }
    }

    pub(super) fn let_go(&mut self, member: u32) {
        if let Some(watched) = self.members.get_mut(member) {
            watched.is_held = false;
            self.concern(member);
        }
    }

    /// What kind of failure a real server's last answer was.
    fn fault(&self, member: u32) -> Option<Fault> {
        let check = self.members.get(member)?.check?;
        self.probes.get(check)?.fault()
    }

    fn groups_of(&self, member: u32) -> Vec<u32> {
        let watched = self.members.get(member);
        watched.map_or_else(Vec::new, |watched| watched.groups.clone())
    }

    /// A group with its rule, where it has one.
    fn guarded(&mut self, group: u32) -> Option<(&mut super::GroupState, EffectiveMassFailure)> {
        let state = self.groups.get_mut(group as usize)?;
        let rule = state.mass_failure?;
        Some((state, rule))
    }
}
