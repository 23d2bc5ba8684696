//! The file is edited while the daemon runs.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::{Daemon, Site, all_serve, checked, holds, spread, weights};

fn running() -> (Site, Daemon) {
    let site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    (site, daemon)
}

/// As an editor saves: a new file is renamed to the name.
fn save(site: &Site, text: &str) {
    let path = site.farmctl.write_beside(text);
    fs::rename(&path, path.with_file_name("farm.yaml")).unwrap();
}

// keepalived #1707, #365.
#[test]
fn a_bad_file_is_told_with_its_place_and_the_farm_goes_on() {
    let (site, daemon) = running();
    let before = site.farmctl.kernel();
    save(&site, &checked().to_string().replace("wrr", "wrx"));
    let status = daemon.wait_for("it is refused", |status| !status["refused"].is_null());
    assert!(status["refused"]["problems"][0]["line"].as_u64().unwrap() > 1);
    assert_eq!(site.farmctl.kernel(), before);
    let whole = checked().to_string();
    save(&site, &whole[..whole.len() / 2]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(site.farmctl.kernel(), before, "a cut file");
    save(
        &site,
        &checked()
            .with_servers(&[(1, 3), (2, 2), (3, 1)])
            .to_string(),
    );
    daemon.wait_for("the new weights", |status| {
        weights(status) == [Some(3), Some(2), Some(1)]
    });
    assert!(spread(&site)[0] > 0);
}

// ldirectord's manual: a reload has "no effect on adding or removing a virtual server block".
#[test]
fn a_reload_adds_and_removes_a_service() {
    let (site, daemon) = running();
    let more = format!(
        "{}  other: {{ vip: www, port: 81, protocol: tcp, real_servers: [{{ node: rs1, network: back, port: 8080 }}] }}\n",
        checked()
    );
    save(&site, &more);
    daemon.wait_for("two services", |status| {
        status["services"].as_array().unwrap().len() == 2
    });
    site.wait_until(|kernel| kernel.services.len() == 4);
    // Without the last line it would be the beginning of the file before, which is guarded.
    save(&site, &format!("{}# one service\n", checked()));
    daemon.wait_for("one service", |status| {
        status["services"].as_array().unwrap().len() == 1
    });
    site.wait_until(|kernel| kernel.services.len() == 2);
}

#[test]
fn a_file_that_is_gone_and_comes_back_changes_nothing() {
    let (site, daemon) = running();
    let before = site.farmctl.kernel();
    let path = site.farmctl.write(&checked().to_string());
    fs::remove_file(&path).unwrap();
    daemon.wait_for("it is missed", |status| {
        status["reasons"].to_string().contains("can't be had")
    });
    site.farmctl.write(&checked().to_string());
    daemon.wait_for("it is back", |status| {
        status["reasons"].as_array().unwrap().is_empty()
    });
    assert_eq!(site.farmctl.kernel(), before);
}

#[test]
fn sighup_looks_at_the_file_at_once() {
    let (site, daemon) = running();
    // In place: it would have to be still for two seconds.
    site.farmctl.write(
        &checked()
            .with_servers(&[(1, 3), (2, 2), (3, 1)])
            .to_string(),
    );
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("the new weights", |status| {
        weights(status) == [Some(3), Some(2), Some(1)]
    });
}

// keepalived #2336, #2199: file descriptors grew with every reload.
#[test]
fn two_hundred_reloads_leave_no_descriptor_behind() {
    let (site, daemon) = running();
    let first = daemon.descriptors();
    for round in 0..200_u32 {
        let weight = round % 2 + 1;
        save(
            &site,
            &checked()
                .with_servers(&[(1, weight), (2, 2), (3, 3)])
                .to_string(),
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    daemon.wait_for("the last weights", |status| {
        weights(status) == [Some(2), Some(2), Some(3)]
    });
    let last = daemon.descriptors();
    assert!(
        last <= first + 8,
        "{first} descriptors before, {last} after"
    );
}

#[test]
fn apply_of_the_daemons_file_is_done_by_the_daemon_and_of_another_is_refused() {
    let (site, daemon) = running();
    let text = checked()
        .with_servers(&[(1, 3), (2, 2), (3, 1)])
        .to_string();
    let path = site.farmctl.write(&text);
    let order = json!({ "text": text, "path": path });
    let report = daemon.order("/v1/apply", &order);
    assert_eq!(report["exit_code"], 0, "{report:#}");
    daemon.wait_for("the new weights", |status| {
        weights(status) == [Some(3), Some(2), Some(1)]
    });
    let other = json!({ "text": text, "path": "/tmp/other.yaml" });
    let (code, _) = daemon.ask("POST", "/v1/apply", &other.to_string()).unwrap();
    assert_eq!(code, 409);
}
