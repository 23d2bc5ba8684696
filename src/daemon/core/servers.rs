//! The part of the status that is about services and their real servers.

use std::collections::BTreeMap;

use crate::api::{
    AgentStatus, CertificateStatus, ConnectionCounts, DrainStatus, GroupStatus, Health, LastAnswer,
    MassFailureStatus, QuorumStatus, RealServerStatus, Reason, ServerState, ServiceStatus,
    SorryStatus, Step, WeightStatus,
};
use crate::daemon::now::Now;
use crate::health::{
    self, Cause, Freshness, GroupStanding, QuorumStanding, Serving, Standing, Verdict,
};
use crate::spec::{EffectiveService, Farm, Forwarding};
use crate::state::{Desired, DestinationKey, Family, Member, ServiceKey, Share};

use super::Core;

/// A certificate that expires within so many seconds is told of.
const SOON: u64 = 30 * 24 * 3600;

impl Core {
    /// The services of the file, in its order.
    pub(super) fn services(&self, now: Now) -> Vec<ServiceStatus> {
        let Some(good) = self.files.wished() else {
            return Vec::new();
        };
        let counts = self.counts();
        let mut groups: BTreeMap<String, Vec<GroupStatus>> = BTreeMap::new();
        for standing in self.engine.view(now.moment) {
            let name = standing.key.service.to_string();
            let group = self.group(now, &good.farm, &standing, &counts);
            groups.entry(name).or_default().push(group);
        }
        let names = good.farm.services.keys();
        names
            .map(|name| {
                let groups = groups.remove(name.as_str()).unwrap_or_default();
                let health = groups.iter().map(|group| group.health).max();
                ServiceStatus {
                    name: name.to_string(),
                    health: health.unwrap_or_default(),
                    groups,
                }
            })
            .collect()
    }

    fn group(
        &self,
        now: Now,
        farm: &Farm,
        standing: &GroupStanding,
        counts: &BTreeMap<Member, ConnectionCounts>,
    ) -> GroupStatus {
        let servers = standing.servers.iter();
        let up = servers.clone().filter(|server| is_up(server)).count();
        let total = standing.servers.len();
        let family = standing.key.family;
        let service = farm.services.get(&standing.key.service);
        let effective = service.map(|service| EffectiveService::of(farm, service));
        let ways = effective.as_ref().map(ways).unwrap_or_default();
        let full = up == total && standing.serving == Serving::RealServers;
        GroupStatus {
            family,
            keys: self.keys(standing.key.service.as_str(), family),
            health: match standing.serving {
                Serving::RealServers if full => Health::Full,
                Serving::RealServers | Serving::SorryServer => Health::Degraded,
                Serving::Nobody => Health::Down,
            },
            up: u32::try_from(up).unwrap_or(u32::MAX),
            total: u32::try_from(total).unwrap_or(u32::MAX),
            spare: standing.spare,
            quorum: effective.as_ref().map(|it| QuorumStatus {
                minimum: it.quorum.minimum,
                hysteresis: it.quorum.hysteresis,
                reached: standing.quorum == QuorumStanding::Reached,
            }),
            sorry_server: effective.and_then(|it| sorry(&it, family, standing.serving)),
            mass_failure: (standing.held > 0).then(|| MassFailureStatus {
                held: true,
                since: now.unix_ms(),
                failed: standing.held,
            }),
            real_servers: servers
                .map(|server| {
                    let name = server.member.server.as_str();
                    let way = ways.get(name).copied().unwrap_or_default();
                    self.server(now, server, counts, way)
                })
                .collect(),
        }
    }

    /// The kernel's services that a service of the file is, in one family.
    fn keys(&self, service: &str, family: Family) -> Vec<String> {
        let desired = self.kernel.desired.as_ref();
        desired.map_or_else(Vec::new, |desired| {
            let named = desired
                .services
                .iter()
                .filter(|(key, origin)| origin.name.as_str() == service && key.family() == family);
            named.map(|(key, _)| key.to_string()).collect()
        })
    }

    fn server(
        &self,
        now: Now,
        standing: &Standing,
        counts: &BTreeMap<Member, ConnectionCounts>,
        forwarding: &str,
    ) -> RealServerStatus {
        let member = &standing.member;
        let connections = counts.get(member).copied().unwrap_or_default();
        RealServerStatus {
            name: member.server.clone(),
            address: member.address,
            port: member.port,
            forwarding: forwarding.to_owned(),
            state: state(standing),
            since: Some(now.ago(standing.lasting)),
            check: check(standing),
            last_answer: standing
                .last
                .as_ref()
                .map(|last| answer(now, standing, last)),
            weight: weight(standing),
            connections,
            drain: self.drain_of(now, member, connections),
            agent: standing.agent.map(|agent| AgentStatus {
                at: agent.ago.map(|ago| now.ago(ago)),
                stale: agent.freshness == Freshness::Stale,
                percent: agent.percent.and_then(|it| u16::try_from(it).ok()),
            }),
        }
    }

    fn drain_of(
        &self,
        now: Now,
        member: &Member,
        connections: ConnectionCounts,
    ) -> Option<DrainStatus> {
        let drain = self
            .overrides
            .of(&self.roster, member)
            .find(|one| !matches!(one.what, crate::daemon::overrides::What::Weight(_)))?;
        let seat = self.roster.seats().find(|seat| seat.member == *member)?;
        Some(DrainStatus {
            since: drain.since,
            deadline: drain.drained_by(seat).map(|moment| now.unix_of(moment)),
            remaining: connections.active + connections.inactive + connections.persistent,
            ended: drain.drained.contains(member),
            because: format!("ordered by {}", drain.words()),
        })
    }

    /// Connections and remembered clients of each real server, by the kernel.
    pub(super) fn connections(&self) -> BTreeMap<Member, u64> {
        let counts = self.counts().into_iter();
        counts
            .map(|(member, it)| (member, it.active + it.inactive + it.persistent))
            .collect()
    }

    /// The places in the kernel that a real server has.
    pub(super) fn places_of(&self, member: &Member) -> Vec<Place> {
        let Some(desired) = &self.kernel.desired else {
            return Vec::new();
        };
        let its = places(desired).filter(|(place, service, server)| {
            let port = member.port.is_none_or(|port| port == place.1.port);
            *service == member.service
                && *server == member.server
                && place.1.address == member.address
                && port
        });
        its.map(|(place, ..)| place).collect()
    }

    fn counts(&self) -> BTreeMap<Member, ConnectionCounts> {
        let mut counts: BTreeMap<Member, ConnectionCounts> = BTreeMap::new();
        let (Some(desired), Some((_, seen))) = (&self.kernel.desired, &self.kernel.seen) else {
            return counts;
        };
        let known: BTreeMap<(&str, &str, std::net::IpAddr), Vec<&Member>> = self
            .roster
            .seats()
            .fold(BTreeMap::new(), |mut known, seat| {
                let it = &seat.member;
                let key = (it.service.as_str(), it.server.as_str(), it.address);
                let members: &mut Vec<&Member> = known.entry(key).or_default();
                members.push(it);
                known
            });
        for (place, service, server) in places(desired) {
            let Some(live) = seen.destinations.get(&place) else {
                continue;
            };
            let members = known.get(&(service, server, place.1.address));
            let member = members
                .into_iter()
                .flatten()
                .find(|member| member.port.is_none_or(|port| port == place.1.port));
            if let Some(member) = member {
                let sum = counts.entry((*member).clone()).or_default();
                sum.active += u64::from(live.active);
                sum.inactive += u64::from(live.inactive);
                sum.persistent += u64::from(live.persistent);
            }
        }
        counts
    }

    pub(super) fn certificates(&self, now: Now) -> Vec<CertificateStatus> {
        let mut certificates = Vec::new();
        for group in self.engine.view(now.moment) {
            for server in group.servers {
                let Some(expiry) = server.certificate else {
                    continue;
                };
                let port = server.question.as_ref().map_or(0, |question| question.port);
                let address = std::net::SocketAddr::new(server.member.address, port);
                certificates.push(CertificateStatus {
                    service: server.member.service,
                    server: server.member.server,
                    address: address.to_string(),
                    expires: expiry.0,
                    soon: expiry.0 < now.unix.as_secs() + SOON,
                });
            }
        }
        certificates
    }
}

pub(super) type Place = (ServiceKey, DestinationKey);

/// Each real server of the kernel with its service's and its own name in the file.
fn places(desired: &Desired) -> impl Iterator<Item = (Place, &str, &str)> {
    desired.destinations.iter().filter_map(|(place, origin)| {
        let service = desired.services.get(&place.0)?;
        Some((*place, service.name.as_str(), origin.name.as_str()))
    })
}

/// How packets reach each real server, by the file.
fn ways(service: &EffectiveService<'_>) -> BTreeMap<String, &'static str> {
    let word = |forwarding: Forwarding| match forwarding {
        Forwarding::Nat(_) => "nat",
        Forwarding::DirectRouting => "direct_routing",
        Forwarding::Tunnel(_) => "tunnel",
    };
    let servers = service.real_servers.iter();
    servers
        .map(|server| (server.name.clone(), word(server.forwarding)))
        .collect()
}

fn is_up(standing: &Standing) -> bool {
    standing.question.is_none() || standing.health == health::Health::Up
}

fn state(standing: &Standing) -> ServerState {
    match standing.health {
        _ if standing.question.is_none() => ServerState::Unchecked,
        health::Health::New => ServerState::Unknown,
        health::Health::Up => ServerState::Up,
        health::Health::Down => ServerState::Down,
    }
}

fn check(standing: &Standing) -> Option<String> {
    let question = standing.question.as_ref()?;
    Some(
        question
            .kind()
            .map_or("agent", |kind| kind.word())
            .to_owned(),
    )
}

fn answer(now: Now, standing: &Standing, last: &health::LastAnswer) -> LastAnswer {
    let (good, fault, text) = match &last.verdict {
        Verdict::Pass(text) => (true, None, text),
        Verdict::Fail { fault, text } => (false, Some(*fault), text),
        Verdict::Unasked(text) => (false, None, text),
    };
    LastAnswer {
        at: now.ago(last.ago),
        good,
        fault,
        text: text.clone(),
        took_us: u64::try_from(last.took.as_micros()).unwrap_or(u64::MAX),
        in_a_row: if good {
            standing.passes
        } else {
            standing.failures
        },
        failures: standing.failed,
    }
}

fn weight(standing: &Standing) -> WeightStatus {
    WeightStatus {
        file: Some(standing.file_weight),
        effective: of_share(standing.share),
        why: standing
            .reasons
            .iter()
            .map(|reason| Reason {
                step: step(&reason.cause),
                weight: of_share(reason.share),
                text: reason.cause.to_string(),
            })
            .collect(),
    }
}

fn of_share(share: Share) -> Option<u32> {
    match share {
        Share::Weight(weight) => Some(weight),
        Share::Out => None,
    }
}

fn step(cause: &Cause) -> Step {
    match cause {
        Cause::Override(_) => Step::Override,
        Cause::Agent(_) | Cause::AgentDown | Cause::AgentDrain => Step::Agent,
        Cause::SlowStart(_) => Step::SlowStart,
        Cause::NotAskedYet | Cause::Down(_) => Step::Health,
        Cause::Held(_) => Step::MassFailure,
        Cause::Drain(_) => Step::Drain,
        Cause::TakenOut(_) => Step::Maintenance,
        Cause::BelowQuorum => Step::Quorum,
    }
}

fn sorry(service: &EffectiveService<'_>, family: Family, serving: Serving) -> Option<SorryStatus> {
    let sorry = service.sorry_server.as_ref()?;
    let mut addresses = sorry.addresses.iter();
    let address = addresses.find(|address| Family::of(**address) == family)?;
    let server = match sorry.port {
        Some(port) => std::net::SocketAddr::new(*address, port).to_string(),
        None => address.to_string(),
    };
    Some(SorryStatus {
        server,
        active: serving == Serving::SorryServer,
        since: None,
    })
}
