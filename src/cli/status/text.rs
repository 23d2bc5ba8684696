//! The status as text for a terminal of 100 columns.

use super::report::{Health, RealServerStatus, ServiceStatus, StatusReport};
use crate::cli::output::Paint;

/// The whole report.
pub(super) fn render(report: &StatusReport, paint: Paint) -> String {
    let mut lines = vec![format!(
        "farm {}: {}",
        report.farm,
        health(report.health, paint)
    )];
    lines.push(format!("dataplane: {}", report.dataplane));
    lines.extend(report.reasons.iter().map(|reason| format!("  {reason}")));
    for address in &report.addresses {
        let state = if address.up {
            "up".to_owned()
        } else {
            paint.alert("not up")
        };
        lines.push(format!(
            "address {} on {}: {state}",
            address.address, address.interface
        ));
    }
    for service in &report.services {
        lines.push(String::new());
        lines.extend(self::service(service, paint));
    }
    if report.foreign_services > 0 {
        lines.push(String::new());
        lines.push(format!(
            "{} services of other makers: not touched",
            report.foreign_services
        ));
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(
        report
            .blind_spots
            .iter()
            .map(|spot| format!("not seen: {spot}")),
    );
    lines.join("\n")
}

/// One line for a monitoring plugin.
pub(super) fn plugin_line(report: &StatusReport) -> String {
    let up = report
        .services
        .iter()
        .filter(|service| service.health != Health::Down)
        .count();
    let reason = report
        .reasons
        .first()
        .map(|reason| format!(" - {reason}"))
        .unwrap_or_default();
    format!(
        "FARM {} {}: {up} of {} services take connections{reason}",
        report.farm,
        report.health.word().to_uppercase(),
        report.services.len(),
    )
}

fn health(health: Health, paint: Paint) -> String {
    match health {
        Health::Full => paint.good(health.word()),
        Health::Degraded | Health::Down => paint.alert(health.word()),
    }
}

fn service(service: &ServiceStatus, paint: Paint) -> Vec<String> {
    let scheduler = service.scheduler.as_deref().unwrap_or("not in the kernel");
    let mut lines = vec![format!(
        "{} {} {scheduler}: {}, {} connections, {}/s, in {}/s, out {}/s",
        service.name,
        service.key,
        health(service.health, paint),
        service.connections,
        service.connections_per_second,
        bytes(service.bytes_in_per_second),
        bytes(service.bytes_out_per_second),
    )];
    let name_width = width(service, |server| &server.name);
    let key_width = width(service, |server| &server.key);
    for server in &service.real_servers {
        lines.push(format!(
            "  {:name_width$}  {:key_width$}  {}  {}  active {}  inactive {}{}  total {}",
            server.name,
            server.key,
            server.forwarding,
            weight(server),
            server.active,
            server.inactive,
            persistent(server),
            server.connections,
        ));
    }
    lines
}

fn width(service: &ServiceStatus, of: impl Fn(&RealServerStatus) -> &String) -> usize {
    service
        .real_servers
        .iter()
        .map(|server| of(server).len())
        .max()
        .unwrap_or(0)
}

fn persistent(server: &RealServerStatus) -> String {
    if server.persistent == 0 {
        String::new()
    } else {
        format!("  persistent {}", server.persistent)
    }
}

fn weight(server: &RealServerStatus) -> String {
    match (server.weight, server.wanted_weight) {
        (Some(weight), Some(wanted)) if weight == wanted => format!("weight {weight}"),
        (Some(weight), Some(wanted)) => format!("weight {weight} (the file says {wanted})"),
        (Some(weight), None) => format!("weight {weight} (not in the file)"),
        (None, _) => "not in the kernel".into(),
    }
}

fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = number;
    let mut unit = 0;
    while value >= 10_000 && unit + 1 < UNITS.len() {
        value /= 1000;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}
