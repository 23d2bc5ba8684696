//! Options of ip_vs on the directors: time-outs and sysctls in the kernel's ranges.
//!
//! Called by `validate`.

use std::ops::RangeInclusive;

use super::context::{Context, at, section};
use super::directors::out_of_range;
use crate::spec::{Duration, IpvsSysctls, IpvsTimeouts, Path, Problem};

/// The longest time that the kernel counts, in seconds: `INT_MAX / HZ` with HZ at its highest,
/// 1000 (`ip_vs_set_timeout` in net/netfilter/ipvs/ip_vs_ctl.c).
const LONGEST: u64 = 2_147_483;

/// The time-outs are whole seconds in the kernel's range.
pub(super) fn timeouts_are_accepted_by_the_kernel(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let options = context
        .farm
        .directors
        .iter()
        .filter_map(|directors| directors.ipvs.as_ref());
    for timeouts in options.filter_map(|options| options.timeouts.as_ref()) {
        let path = section("directors").key("ipvs").key("timeouts");
        let IpvsTimeouts { tcp, tcp_fin, udp } = timeouts;
        for (key, timeout) in [("tcp", tcp), ("tcp_fin", tcp_fin), ("udp", udp)] {
            let problem = timeout.and_then(|timeout| whole_seconds(path.key(key), key, timeout));
            problems.extend(problem);
        }
    }
}

/// What is wrong with a time that the kernel counts in seconds, from 1.
pub(super) fn whole_seconds(path: Path, what: &str, time: Duration) -> Option<Problem> {
    let seconds = time.0.as_secs();
    let (message, label, help) = if time.0.subsec_nanos() != 0 {
        let near = seconds.max(1);
        (
            format!("`{what}` is {time}, but the kernel counts whole seconds"),
            "not a whole number of seconds",
            format!("write `{near}s` or `{}s`", near + 1),
        )
    } else if seconds == 0 {
        (
            format!("`{what}` can't be zero"),
            "no time at all",
            "write at least `1s`, or leave it out for the default".to_owned(),
        )
    } else if seconds > LONGEST {
        (
            format!("`{what}` is {time}, longer than the kernel can count"),
            "too long",
            "write at most `24d`".to_owned(),
        )
    } else {
        return None;
    };
    Some(
        Problem::error("timeout-range", at(path), message)
            .labelled(label)
            .helped(help),
    )
}

/// The sysctls are in the kernel's ranges.
pub(super) fn sysctls_are_in_range(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let options = context
        .farm
        .directors
        .iter()
        .filter_map(|directors| directors.ipvs.as_ref());
    for sysctls in options.filter_map(|options| options.sysctls.as_ref()) {
        let path = section("directors").key("ipvs").key("sysctls");
        for (key, value, range) in small_numbers(sysctls) {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                let range = format!("{} to {}", range.start(), range.end());
                problems.push(out_of_range(path.key(key), key, u64::from(value), &range));
            }
        }
        problems.extend(sync_ports(sysctls, &path));
        problems.extend(refresh_period(sysctls, &path));
    }
}

/// The sysctls that are small numbers, with what the kernel takes.
fn small_numbers(sysctls: &IpvsSysctls) -> [(&'static str, Option<u8>, RangeInclusive<u8>); 6] {
    [
        ("conn_reuse_mode", sysctls.conn_reuse_mode, 0..=2),
        ("drop_entry", sysctls.drop_entry, 0..=3),
        ("drop_packet", sysctls.drop_packet, 0..=3),
        ("secure_tcp", sysctls.secure_tcp, 0..=3),
        ("sync_persist_mode", sysctls.sync_persist_mode, 0..=1),
        ("sync_retries", sysctls.sync_retries, 0..=8),
    ]
}

/// `proc_do_sync_ports` refuses what is not a power of two.
fn sync_ports(sysctls: &IpvsSysctls, path: &Path) -> Option<Problem> {
    let ports = sysctls.sync_ports?;
    (!ports.is_power_of_two() || ports > 64).then(|| {
        let range = "a power of two from 1 to 64: 1, 2, 4, 8, 16, 32 or 64";
        out_of_range(
            path.key("sync_ports"),
            "sync_ports",
            u64::from(ports),
            range,
        )
    })
}

/// Here 0 has a meaning: never again.
fn refresh_period(sysctls: &IpvsSysctls, path: &Path) -> Option<Problem> {
    let period = sysctls.sync_refresh_period?;
    if period.0.is_zero() {
        return None;
    }
    whole_seconds(
        path.key("sync_refresh_period"),
        "sync_refresh_period",
        period,
    )
}
