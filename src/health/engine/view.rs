//! How everything is, for status and metrics.

use crate::clock::Moment;
use crate::state::{Member, Share};

use super::super::group::GroupState;
use super::super::member::Watched;
use super::super::ramp::SlowStart;
use super::super::standing::{
    AgentStanding, Cause, Freshness, GroupStanding, Health, LastAnswer, QuorumStanding, Ramp,
    Reason, Serving, Standing,
};
use super::super::weigh::{Step, weight};
use super::Engine;

impl Engine {
    /// How one real server is; none where it is not looked after.
    pub fn standing(&self, now: Moment, member: &Member) -> Option<Standing> {
        let slot = *self.by_member.get(member)?;
        let group = *self.members.get(slot)?.groups.first()?;
        self.stand(now, slot, self.groups.get(group as usize)?)
    }

    /// How everything is: group by group, the real servers in the order of the file.
    pub fn view(&self, now: Moment) -> Vec<GroupStanding> {
        let groups = self.groups.iter();
        groups
            .map(|group| self.stand_together(now, group))
            .collect()
    }

    fn stand_together(&self, now: Moment, group: &GroupState) -> GroupStanding {
        let members = group.members.iter();
        let held = |slot: &&u32| self.members.get(**slot).is_some_and(|w| w.is_held);
        let usable = group.sums.usable.number;
        GroupStanding {
            key: group.key.clone(),
            held: u32::try_from(members.clone().filter(held).count()).unwrap_or(u32::MAX),
            servers: members
                .filter_map(|&slot| self.stand(now, slot, group))
                .collect(),
            usable,
            quorum: if group.verdict.is_lost {
                QuorumStanding::Lost
            } else {
                QuorumStanding::Reached
            },
            serving: match (group.verdict.is_sorry, usable) {
                (true, _) => Serving::SorryServer,
                (false, 0) => Serving::Nobody,
                (false, _) => Serving::RealServers,
            },
            spare: group.spare(),
        }
    }

    fn stand(&self, now: Moment, slot: u32, group: &GroupState) -> Option<Standing> {
        let watched = self.members.get(slot)?;
        let probe = watched.check.and_then(|check| self.probes.get(check));
        let (share, reasons) = self.explain(now, slot, watched, group)?;
        let heard = probe.and_then(|probe| probe.last.as_ref());
        Some(Standing {
            member: watched.member.clone(),
            health: watched.health,
            lasting: watched.since.lasting(now),
            passes: probe.map_or(0, |probe| probe.streak.passes),
            failures: probe.map_or(0, |probe| probe.streak.failures),
            failed: probe.map_or(0, |probe| probe.failed),
            question: probe.map(|probe| probe.question.clone()),
            last: heard.map(|last| LastAnswer {
                verdict: last.verdict.clone(),
                ago: now.since(last.at),
                took: last.took,
            }),
            file_weight: watched.weight,
            share,
            reasons,
            ramp: watched.ramp.map(|ramp| ramp_standing(ramp, now)),
            agent: self.agent_standing(now, watched),
            certificate: probe.and_then(|probe| probe.certificate),
        })
    }

    /// The share that holds, and each step to it.
    fn explain(
        &self,
        now: Moment,
        slot: u32,
        watched: &Watched,
        group: &GroupState,
    ) -> Option<(Share, Vec<Reason>)> {
        let weighed = self.weighed(now, slot)?;
        let steps = weighed.steps.into_iter();
        let mut reasons: Vec<Reason> = steps
            .map(|(step, share)| Reason {
                cause: self.cause(watched, step),
                share,
            })
            .collect();
        let mut share = weighed.share;
        if group.verdict.is_sorry && weight(share) > 0 {
            share = Share::Weight(0);
            reasons.push(Reason {
                cause: Cause::BelowQuorum,
                share,
            });
        }
        Some((share, reasons))
    }

    fn cause(&self, watched: &Watched, step: Step) -> Cause {
        let bend = self.bends.get(&watched.member);
        let words = bend.map(|bend| bend.words.clone()).unwrap_or_default();
        let probe = watched.check.and_then(|check| self.probes.get(check));
        let text = probe.map_or("", |probe| probe.text()).to_owned();
        match step {
            Step::Override => Cause::Override(words),
            Step::Agent(percent) => Cause::Agent(percent),
            Step::SlowStart(percent) => Cause::SlowStart(percent),
            Step::NotAskedYet => Cause::NotAskedYet,
            Step::Down => Cause::Down(text),
            Step::AgentDown => Cause::AgentDown,
            Step::Held => Cause::Held(text),
            Step::AgentDrain => Cause::AgentDrain,
            Step::Drain => Cause::Drain(words),
            Step::TakenOut => Cause::TakenOut(words),
        }
    }

    fn agent_standing(&self, now: Moment, watched: &Watched) -> Option<AgentStanding> {
        let own = watched.agent.and_then(|slot| self.probes.get(slot));
        let check = watched.check.and_then(|slot| self.probes.get(slot));
        let agent = own.and_then(|probe| probe.agent.as_ref());
        let agent = agent.or_else(|| check.and_then(|probe| probe.agent.as_ref()));
        if agent.is_none() && own.is_none() {
            return None;
        }
        let voice = agent.map(|agent| agent.voice()).unwrap_or_default();
        Some(AgentStanding {
            percent: voice.percent,
            stance: voice.stance,
            health: match agent {
                Some(_) if voice.says_down => Health::Down,
                Some(_) if !voice.is_stale => Health::Up,
                _ => Health::New,
            },
            ago: agent.and_then(|agent| agent.ago(now)),
            freshness: if voice.is_stale {
                Freshness::Stale
            } else {
                Freshness::Fresh
            },
        })
    }
}

fn ramp_standing(ramp: SlowStart, now: Moment) -> Ramp {
    let length = ramp.length.as_nanos().max(1);
    let percent = ramp.elapsed(now).as_nanos() * 100 / length;
    Ramp {
        percent: u32::try_from(percent).unwrap_or(100).min(100),
        left: ramp.left(now),
    }
}
