//! What outlives the daemon, written down and taken back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::state::{Family, Member};

use super::super::agent::{Agent, Voice};
use super::super::group::{GroupState, Verdict};
use super::super::guard::Guard;
use super::super::member::{Since, Watched};
use super::super::memory::{
    MEMORY_VERSION, Memory, Remembered, RememberedAgent, RememberedFamily, RememberedService,
};
use super::super::probe::{Probe, Streak};
use super::super::ramp::SlowStart;
use super::super::slots::Slots;
use super::super::standing::Health;
use super::super::word::Stance;
use super::{Engine, Wakings};

/// A memory that is older says nothing about real servers any more.
const TRUSTED_FOR: Duration = Duration::from_secs(600);

/// What an earlier engine knew, until the first layout asks for it.
#[derive(Debug, Default)]
pub(super) struct Recall {
    members: BTreeMap<Member, Remembered>,
    groups: BTreeMap<(String, Family), RememberedFamily>,
    age: Duration,
    at: Moment,
}

impl Engine {
    /// Takes back what an earlier engine knew, `age` ago. Called before the first layout. A memory
    /// of another version, or one that is older than ten minutes, counts as none.
    pub fn restore(&mut self, now: Moment, memory: Memory, age: Duration) {
        if memory.format_version != MEMORY_VERSION || age > TRUSTED_FOR {
            return;
        }
        let mut recall = Recall {
            age,
            at: now,
            ..Recall::default()
        };
        for (service, remembered) in memory.services {
            for family in remembered.families {
                let key = (service.clone(), family.family);
                recall.groups.insert(key, family);
            }
            for server in remembered.servers {
                let member = Member {
                    service: service.clone(),
                    server: server.server.clone(),
                    address: server.address,
                    port: server.port,
                };
                if let Some(bend) = &server.bend {
                    self.bends.insert(member.clone(), bend.clone());
                }
                recall.members.insert(member, server);
            }
        }
        self.recall = Some(recall);
    }

    /// What is to outlive the daemon. Costs one look at every real server.
    pub fn memory(&self, now: Moment) -> Memory {
        let mut services = BTreeMap::<String, RememberedService>::new();
        for (member, &slot) in &self.by_member {
            let remembered = self.members.get(slot).and_then(|w| self.remember(now, w));
            if let Some(remembered) = remembered {
                let service = services.entry(member.service.clone()).or_default();
                service.servers.push(remembered);
            }
        }
        for group in self.groups.iter().filter(|group| group.is_settled) {
            let service = services.entry(group.key.service.to_string()).or_default();
            service.families.push(RememberedFamily {
                family: group.key.family,
                lost: group.told.is_lost,
                sorry: group.told.is_sorry,
                thin: group.told.is_thin,
            });
        }
        Memory {
            format_version: MEMORY_VERSION,
            services,
        }
    }

    /// What is remembered of a real server; nothing of one that was never asked
    /// and that nobody bends.
    fn remember(&self, now: Moment, watched: &Watched) -> Option<Remembered> {
        let bend = self.bends.get(&watched.member).cloned();
        if watched.judged == Health::New && bend.is_none() {
            return None;
        }
        let probe = watched.check.and_then(|slot| self.probes.get(slot));
        let streak = probe.map(|probe| probe.streak).unwrap_or_default();
        Some(Remembered {
            server: watched.member.server.clone(),
            address: watched.member.address,
            port: watched.member.port,
            health: watched.judged,
            lasting: millis(watched.since.lasting(now)),
            passes: streak.passes,
            failures: streak.failures,
            held: watched.is_held,
            slow_start: watched.ramp.map(|ramp| millis(ramp.elapsed(now))),
            bend,
            agent: self.remember_agent(watched),
        })
    }

    fn remember_agent(&self, watched: &Watched) -> Option<RememberedAgent> {
        let probes = [watched.agent, watched.check].into_iter().flatten();
        let mut agents = probes.filter_map(|slot| self.probes.get(slot)?.agent.as_ref());
        let voice = agents.next()?.voice();
        (!voice.is_stale).then_some(RememberedAgent {
            percent: voice.percent,
            drains: voice.stance != Stance::Serves,
            down: voice.says_down,
        })
    }
}

impl Recall {
    /// A real server is as it was.
    pub(super) fn member(
        &self,
        watched: &mut Watched,
        now: Moment,
        probes: &mut Slots<Probe>,
        timing: &mut Wakings,
    ) {
        let remembered = self.members.get(&watched.member);
        let Some(remembered) = remembered.filter(|server| server.health != Health::New) else {
            return;
        };
        let age = self.age.saturating_add(now.since(self.at));
        watched.since = Since {
            at: now,
            before: Duration::from_millis(remembered.lasting).saturating_add(age),
        };
        if let Some(probe) = watched.check.and_then(|slot| probes.get_mut(slot)) {
            watched.judged = remembered.health;
            watched.is_held = remembered.held;
            probe.streak = Streak {
                passes: remembered.passes,
                failures: remembered.failures,
            };
        }
        watched.health = watched.judged;
        watched.ramp = remembered.slow_start.map(|elapsed| SlowStart {
            began: now,
            before: Duration::from_millis(elapsed).saturating_add(age),
            length: Duration::ZERO,
        });
        let Some((agent, slot)) = remembered.agent.zip(watched.agent.or(watched.check)) else {
            return;
        };
        if let Some(probe) = probes.get_mut(slot).filter(|probe| probe.agent.is_none()) {
            let agent = Agent::again(probe.stale_after(), now, voice(agent));
            timing.agents.set(slot, agent.next());
            probe.agent = Some(Box::new(agent));
        }
    }

    /// A group is as it was.
    pub(super) fn group(&self, state: &mut GroupState) {
        let key = (state.key.service.to_string(), state.key.family);
        let Some(remembered) = self.groups.get(&key) else {
            return;
        };
        state.is_settled = true;
        state.verdict = Verdict {
            is_lost: remembered.lost,
            is_sorry: remembered.sorry,
            is_thin: remembered.thin,
        };
        state.told = state.verdict;
    }
}

impl GroupState {
    /// Goes on where a group of the same name was.
    pub(super) fn goes_on(&mut self, old: Self) {
        self.verdict = old.verdict;
        self.told = old.told;
        self.is_settled = old.is_settled;
        self.settled_at = old.settled_at;
        if self.mass_failure == old.mass_failure {
            self.guard = old.guard;
        }
    }

    /// Goes on guarding those that an earlier daemon kept.
    pub(super) fn guard_again(&mut self, now: Moment, held: &[u32]) {
        if self.mass_failure.is_some() && !held.is_empty() && !self.guard.is_on() {
            self.guard = Guard::again(now, held);
        }
    }
}

fn voice(agent: RememberedAgent) -> Voice {
    Voice {
        percent: agent.percent,
        stance: if agent.drains {
            Stance::Drains
        } else {
            Stance::Serves
        },
        says_down: agent.down,
        is_stale: false,
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
