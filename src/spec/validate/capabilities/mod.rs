//! What a farm asks for and its data plane can't do.
//!
//! Which data plane lacks what, and why, stands in [`crate::spec::Capability`]'s table; here is
//! where a file asks for it. Called by `validate` where the file names its data plane, and by
//! `cli` once a machine has decided what `auto` means.

mod forwarding;
mod schedulers;
mod services;

use std::collections::BTreeSet;

use super::context::{Context, at, section};
use crate::spec::Capability::{
    ConnectionSync, CountingSchedulers, DirectRoutingByMark, DirectRoutingToItself,
    LeastConnections, LocalitySchedulers, LongTurns, ManyExactServices, Masquerade,
    MixedForwarding, OnePacket, PersistenceEngines, Thresholds, Tunnels, TurnsOverMixedPorts,
};
use crate::spec::{
    Capability, DataplaneChoice, DataplaneKind, EffectiveRealServer, Lack, Path, Place, Problem,
};

/// One kind of question.
type Ask = fn(&Context<'_>, &mut Findings);

/// Every question, with what it asks about: a data plane that has all of that is not asked.
const ASKED: &[(&[Capability], Ask)] = &[
    (&[ConnectionSync], services::connections_are_told),
    (&[Tunnels], forwarding::packets_go_in_tunnels),
    (&[Masquerade], forwarding::clients_are_hidden),
    (&[MixedForwarding], forwarding::one_service_has_several_ways),
    (
        &[DirectRoutingToItself],
        forwarding::the_director_is_its_own_neighbour,
    ),
    (
        &[DirectRoutingByMark],
        forwarding::marked_packets_are_handed_on,
    ),
    (
        &[LeastConnections, CountingSchedulers, LocalitySchedulers],
        schedulers::connections_are_counted,
    ),
    (&[ManyExactServices], schedulers::turns_are_exact),
    (&[LongTurns], schedulers::turns_are_long),
    (
        &[TurnsOverMixedPorts],
        schedulers::turns_go_over_mixed_ports,
    ),
    (&[OnePacket], services::packets_are_scheduled_alone),
    (&[PersistenceEngines], services::packets_are_looked_into),
    (&[Thresholds], services::connections_are_limited),
];

/// The problems of a file on one data plane, each place once for each capability.
pub(super) struct Findings {
    dataplane: DataplaneKind,
    chosen: Option<Place>,
    told: BTreeSet<(Capability, Path)>,
    problems: Vec<Problem>,
}

impl Findings {
    /// Reports that the file asks for something at a path. `subject` is who asks for what, the
    /// beginning of a sentence; where the data plane can do it nothing is said.
    fn asks(&mut self, capability: Capability, path: &Path, subject: impl Into<String>) {
        self.asks_beside(capability, path, subject, None);
    }

    /// The same with another place that belongs to it.
    fn asks_beside(
        &mut self,
        capability: Capability,
        path: &Path,
        subject: impl Into<String>,
        beside: Option<(Path, &str)>,
    ) {
        let Some(lack) = self.dataplane.lack(capability) else {
            return;
        };
        if !self.told.insert((capability, path.clone())) {
            return;
        }
        let mut problem = problem(lack, at(path.clone()), &subject.into());
        if let Some((path, text)) = beside {
            problem = problem.related(at(path), text);
        }
        if let Some(chosen) = &self.chosen {
            let text = format!("{} is chosen here", lack.dataplane);
            problem = problem.related(chosen.clone(), text);
        }
        self.problems.push(problem);
    }
}

fn problem(lack: &Lack, place: Place, subject: &str) -> Problem {
    let (dataplane, other) = (lack.dataplane, lack.dataplane.other());
    Problem::error(
        "dataplane-lacks",
        place,
        format!("{subject}, which {dataplane} can't do: {}", lack.reason),
    )
    .labelled(format!("not on {dataplane}"))
    .helped(format!(
        "{}; or choose the other data plane: `directors: {{ dataplane: {other} }}`",
        lack.instead
    ))
}

/// What the data plane that the file names can't do. Where the file leaves the choice to the
/// machine nothing is known yet.
pub(super) fn the_named_dataplane_can_do_it(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let choice = context.farm.directors.as_ref();
    if let Some(dataplane) = choice.and_then(|directors| directors.dataplane.named()) {
        problems.extend(lacking(context, dataplane));
    }
}

/// What a data plane can't do of all that the file asks for.
pub(super) fn lacking(context: &Context<'_>, dataplane: DataplaneKind) -> Vec<Problem> {
    let directors = context.farm.directors.as_ref();
    let named = directors.filter(|directors| directors.dataplane != DataplaneChoice::Auto);
    let mut findings = Findings {
        dataplane,
        chosen: named.map(|_| at(section("directors").key("dataplane"))),
        told: BTreeSet::new(),
        problems: Vec::new(),
    };
    let lacks = |capability: &Capability| dataplane.lack(*capability).is_some();
    for (_, ask) in ASKED.iter().filter(|(about, _)| about.iter().any(lacks)) {
        ask(context, &mut findings);
    }
    findings.problems
}

/// Options of the data plane that the file does not choose have no effect.
pub(super) fn options_are_of_the_named_dataplane(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let Some(directors) = &context.farm.directors else {
        return;
    };
    let unused = match directors.dataplane {
        DataplaneChoice::Nftables if directors.ipvs.is_some() => "ipvs",
        DataplaneChoice::Ipvs if directors.nftables.is_some() => "nftables",
        DataplaneChoice::Auto | DataplaneChoice::Ipvs | DataplaneChoice::Nftables => return,
    };
    let path = section("directors");
    problems.push(
        Problem::warning(
            "options-of-other-dataplane",
            Place::Key(path.key(unused)),
            format!("these are options of {unused}, which is not the data plane of this farm"),
        )
        .labelled("not used")
        .helped(format!(
            "remove them, or choose `dataplane: {unused}` or `dataplane: auto`"
        ))
        .related(at(path.key("dataplane")), "the data plane is chosen here"),
    );
}

/// The names that messages call a service's servers by: real servers, then the sorry server.
fn all_servers<'s>(
    effective: &'s crate::spec::EffectiveService<'_>,
) -> impl Iterator<Item = &'s EffectiveRealServer> {
    let sorry = effective.sorry_server.iter();
    effective.real_servers.iter().chain(sorry)
}
