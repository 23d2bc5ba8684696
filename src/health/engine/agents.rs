//! What agents say, heard and grown old.

use crate::clock::Moment;

use super::super::agent::{self, Agent};
use super::super::probe::Probe;
use super::super::question::{Advice, Fault, Verdict, Welcome};
use super::super::told;
use super::super::word::Stance;
use super::Engine;
use super::judge::Voice;

/// Whether an answer says, by whatever words, that the real server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SaysDown {
    Yes,
    No,
}

impl SaysDown {
    /// What a verdict says.
    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Fail {
                fault: Fault::SaysDown,
                ..
            } => Self::Yes,
            Verdict::Fail { .. } | Verdict::Pass(_) | Verdict::Unasked(_) => Self::No,
        }
    }
}

/// The words of a program or file, which says all of it each time: what it leaves out is as usual.
/// Whether the real server is up its verdict says already.
fn whole(advice: Option<Advice>, probe: &Probe) -> Option<Advice> {
    let has_passed = probe.streak.passes > 0;
    let forgotten = (has_passed && probe.agent.is_some()).then(Advice::default);
    let advice = advice.or(forgotten)?;
    Some(Advice {
        percent: advice.percent.or(Some(100)),
        welcome: advice.welcome.or(Some(Welcome::Ready)),
        up: None,
    })
}

impl Engine {
    /// What a real server's agent, program or file says, as it counts now.
    pub(super) fn voice(&self, member: u32) -> agent::Voice {
        let Some(watched) = self.members.get(member) else {
            return agent::Voice::default();
        };
        let probes = [watched.agent, watched.check].into_iter().flatten();
        let agents = probes.filter_map(|slot| self.probes.get(slot)?.agent.as_ref());
        agents
            .map(|agent| agent.voice())
            .reduce(agent::Voice::and)
            .unwrap_or_default()
    }

    /// An answer came with an agent's words. A failure of an agent's question that only says
    /// that nobody speaks counts for nothing: what was said before grows old.
    pub(super) fn hear_agent(
        &mut self,
        now: Moment,
        slot: u32,
        advice: Option<Advice>,
        says_down: SaysDown,
    ) {
        let Some(probe) = self.probes.get_mut(slot) else {
            return;
        };
        let mut advice = advice;
        if probe.is_agent() && says_down == SaysDown::Yes {
            advice.get_or_insert_default().up = Some(false);
        } else if !probe.is_agent() {
            advice = whole(advice, probe);
        }
        let Some(advice) = advice else {
            return;
        };
        let stale_after = probe.stale_after();
        let agent = probe
            .agent
            .get_or_insert_with(|| Box::new(Agent::new(stale_after)));
        let before = agent.voice();
        agent.hear(now, advice);
        self.follow_agent(now, slot, before);
    }

    /// Lets agents' words grow old, and makes changes that had to wait.
    pub(super) fn wake_agents(&mut self, now: Moment) {
        while let Some((slot, _)) = self.timing.agents.take_due(now) {
            let agent = self.probes.get_mut(slot).and_then(|p| p.agent.as_mut());
            let Some(agent) = agent else {
                continue;
            };
            let before = agent.voice();
            agent.wake(now);
            self.follow_agent(now, slot, before);
        }
    }

    /// Makes known what changed of an agent's voice.
    fn follow_agent(&mut self, now: Moment, slot: u32, before: agent::Voice) {
        let probe = self.probes.get_mut(slot);
        let Some((probe, agent)) = probe.and_then(|probe| {
            let agent = probe.agent.take()?;
            Some((probe, agent))
        }) else {
            return;
        };
        let after = agent.voice();
        self.timing.agents.set(slot, agent.next());
        probe.agent = Some(agent);
        if before == after {
            return;
        }
        self.tell_agent(slot, before, after);
        let hearers = self.probes.get(slot).map(|probe| probe.members.clone());
        for member in hearers.unwrap_or_default() {
            self.turn(now, member, Voice::Loud);
        }
    }

    fn tell_agent(&mut self, slot: u32, before: agent::Voice, after: agent::Voice) {
        let Some(probe) = self.probes.get_mut(slot) else {
            return;
        };
        let news = probe.agent.as_mut().and_then(|agent| agent.news());
        let first = probe.members.first().and_then(|&m| self.members.get(m));
        let Some(member) = first.map(|watched| &watched.member) else {
            return;
        };
        let told = if after.is_stale && !before.is_stale {
            Some(told::agent_is_silent(member, probe.stale_after()))
        } else if before.stance != after.stance {
            Some(match after.stance {
                Stance::Serves => told::agent_is_ready(member),
                Stance::Drains | Stance::Out => told::agent_drains(member),
            })
        } else {
            news.map(|percent| told::agent_percent(member, percent))
        };
        if let Some(told) = told {
            self.tell(told);
        }
    }
}
