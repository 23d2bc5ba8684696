//! Metrics of the process itself, under the names that every client library of Prometheus gives
//! them. What `/proc` does not tell is left out.

use std::fs;

use crate::api::Status;

use super::{Family, number};

/// The kernel's ticks a second in what it tells processes (`USER_HZ`): 100 on every architecture
/// that farmctl runs on.
const TICKS: f64 = 100.0;

/// All of them.
pub(super) fn families(status: &Status) -> Vec<Family> {
    let mut families = vec![
        Family::gauge(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
            &[],
        )
        .with([], number(status.daemon.started) / 1000.0),
    ];
    families.extend(
        fs::read_to_string("/proc/self/stat")
            .ok()
            .and_then(|text| cpu(&text)),
    );
    if let Ok(text) = fs::read_to_string("/proc/self/status") {
        families.extend(memory(&text));
    }
    families.extend(descriptors());
    families
}

/// Fields 14 and 15 of proc_pid_stat(5), counted behind the program's name, which may have spaces.
fn cpu(text: &str) -> Option<Family> {
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let family = Family::counter(
        "process_cpu_seconds_total",
        "User and system time of the process.",
        &[],
    );
    Some(family.with([], number(user + system) / TICKS))
}

/// `VmRSS`, `VmSize` and `Threads` of proc_pid_status(5).
fn memory(text: &str) -> Vec<Family> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let resident = value("VmRSS:").map(|kilobytes| {
        Family::gauge("process_resident_memory_bytes", "Memory in use.", &[])
            .with([], number(kilobytes * 1024))
    });
    let mapped = value("VmSize:").map(|kilobytes| {
        Family::gauge(
            "process_virtual_memory_bytes",
            "Memory that is mapped.",
            &[],
        )
        .with([], number(kilobytes * 1024))
    });
    let threads = value("Threads:").map(|count| {
        Family::gauge("process_threads", "Threads of the process.", &[]).with([], number(count))
    });
    [resident, mapped, threads].into_iter().flatten().collect()
}

fn descriptors() -> Vec<Family> {
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| {
        let count = u64::try_from(entries.count()).unwrap_or(u64::MAX);
        Family::gauge("process_open_fds", "Open files and sockets.", &[]).with([], number(count))
    });
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
    let most = limit.ok().map(|(soft, _)| {
        Family::gauge(
            "process_max_fds",
            "How many files and sockets may be open.",
            &[],
        )
        .with([], number(soft))
    });
    [open, most].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_spaces_and_brackets() {
        let text = "4711 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        let family = cpu(text).unwrap().into_prometheus().unwrap();
        let value = family.get_metric()[0].get_counter().get_value();
        assert!((value - 2.0).abs() < 1e-9, "{value}");
    }

    #[test]
    fn the_process_tells_its_memory_and_files() {
        let names: Vec<String> = families(&Status::default())
            .into_iter()
            .filter_map(Family::into_prometheus)
            .map(|family| family.name().to_owned())
            .collect();
        let all = [
            "process_start_time_seconds",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_open_fds",
            "process_max_fds",
        ];
        assert_eq!(names, all);
    }
}
