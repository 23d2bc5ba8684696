//! Options of services, real servers and directors that not every data plane has.

use super::super::context::{Context, option_path, section, service_path};
use super::Findings;
use crate::spec::{Capability, OrNone};

pub(super) fn connections_are_told(context: &Context<'_>, findings: &mut Findings) {
    let directors = context.farm.directors.as_ref();
    if directors.is_some_and(|directors| directors.connection_sync.is_some()) {
        let path = section("directors").key("connection_sync");
        let subject = "the directors tell each other their connections";
        findings.asks(Capability::ConnectionSync, &path, subject);
    }
}

pub(super) fn packets_are_scheduled_alone(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services().filter(|it| it.effective.one_packet) {
        let path = service_path(service.name).key("one_packet");
        let subject = format!(
            "the service `{}` schedules each packet by itself",
            service.name
        );
        findings.asks(Capability::OnePacket, &path, subject);
    }
}

pub(super) fn packets_are_looked_into(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services() {
        let persistence = service.effective.persistence.as_ref();
        let Some(engine) = persistence.and_then(|it| it.engine.as_ref()) else {
            continue;
        };
        let own = match &service.written.persistence {
            Some(OrNone::Some(own)) => own.engine.as_ref(),
            Some(OrNone::None) | None => None,
        };
        let path = option_path(service, "persistence", own).key("engine");
        let subject = format!(
            "the service `{}` knows its clients by the engine `{engine}`",
            service.name
        );
        findings.asks(Capability::PersistenceEngines, &path, subject);
    }
}

pub(super) fn connections_are_limited(context: &Context<'_>, findings: &mut Findings) {
    let defaults = context.farm.defaults.iter();
    let default = defaults.filter_map(|defaults| defaults.real_server.as_ref());
    let default = default.map(|it| {
        let path = section("defaults").key("real_server");
        (path, it.upper_threshold, it.lower_threshold)
    });
    let written = context.server_lists().flat_map(|list| {
        let servers = list.servers.iter().enumerate();
        servers
            .map(|(index, it)| {
                (
                    list.path.index(index),
                    it.upper_threshold,
                    it.lower_threshold,
                )
            })
            .collect::<Vec<_>>()
    });
    for (path, upper, lower) in default.chain(written) {
        let both = [("upper_threshold", upper), ("lower_threshold", lower)];
        let limit = both
            .into_iter()
            .find(|(_, value)| value.is_some_and(|it| it != 0));
        if let Some((key, _)) = limit {
            let subject = format!("`{key}` limits a real server's connections");
            findings.asks(Capability::Thresholds, &path.key(key), subject);
        }
    }
}
