//! The metrics page, and what promtool says of it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use farmctl::api::Reconciled;
use farmctl::event::Kind;
use farmctl::health::Lateness;

use crate::client::get;
use crate::house::House;

fn page() -> String {
    let house = House::open();
    house.tell(Kind::ServerDown);
    house
        .meters
        .reconciled(Duration::from_millis(2), Reconciled::Converged);
    house
        .meters
        .reconciled(Duration::from_millis(2), Reconciled::Failed);
    let mut lateness = Lateness::default();
    lateness.classes[1] = 3;
    house.meters.punctual(lateness);
    house.meters.answered(Duration::from_millis(1));
    let answer = get(&house.socket, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .head
            .contains("content-type: text/plain; version=0.0.4")
    );
    answer.body
}

#[test]
#[expect(clippy::disallowed_methods, reason = "promtool judges the page")]
fn promtool_finds_nothing_to_say_of_the_page() {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: install the Debian package prometheus (make tools)");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(page().as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn each_number_of_the_farm_is_on_the_page() {
    let page = page();
    let server = r#"address="10.0.0.21",family="ipv4",port="80",server="web1",service="http""#;
    let down = r#"address="10.0.0.22",family="ipv4",port="80",server="web2",service="http""#;
    let lines = [
        r#"farmctl_config_revision_info{file="/etc/farmctl/farm.yaml",hash="aaaaaaaaaaaa",commit=""} 1"#.to_owned(),
        "farmctl_config_problem 1".to_owned(),
        "farmctl_drift_objects 1".to_owned(),
        "farmctl_reconcile_total 2".to_owned(),
        "farmctl_reconcile_errors_total 1".to_owned(),
        "farmctl_reconcile_duration_seconds_count 2".to_owned(),
        "farmctl_check_lateness_seconds_count 3".to_owned(),
        r#"farmctl_check_lateness_seconds_bucket{le="0.001"} 0"#.to_owned(),
        r#"farmctl_check_lateness_seconds_bucket{le="0.002"} 3"#.to_owned(),
        format!("farmctl_realserver_up{{{server}}} 1"),
        format!("farmctl_realserver_up{{{down}}} 0"),
        format!("farmctl_realserver_effective_weight{{{server}}} 0"),
        format!("farmctl_realserver_weight{{{server}}} 3"),
        format!("farmctl_check_duration_seconds{{{server}}} 0.0015"),
        format!("farmctl_check_failures_total{{{down}}} 14"),
        format!(r#"farmctl_realserver_connections{{{server},state="active"}} 12"#),
        r#"farmctl_redundancy{object="service http ipv4"} 0"#.to_owned(),
        r#"farmctl_sorry_server_active{service="http",family="ipv4"} 0"#.to_owned(),
        r#"farmctl_override_active{kind="drain",target="web1",service="http"} 1"#.to_owned(),
        r#"farmctl_events_total{kind="server_down"} 1"#.to_owned(),
        "node_ipvs_connections_total 200".to_owned(),
        r#"node_ipvs_backend_weight{local_address="192.0.2.10",local_port="80",remote_address="10.0.0.21",remote_port="80",proto="TCP",local_mark=""} 3"#.to_owned(),
        r#"node_ipvs_backend_connections_active{local_address="",local_port="0",remote_address="10.0.0.21",remote_port="80",proto="FWM",local_mark="00000007"} 12"#.to_owned(),
        "keepalived_up 1".to_owned(),
        r#"keepalived_lvs_vip_conn{addr="192.0.2.10:80",proto="6"} 100"#.to_owned(),
    ];
    for line in &lines {
        assert!(has(&page, line), "{line}\n{page}");
    }
}

/// Whether a page has a line, whatever the order of its labels.
fn has(page: &str, wanted: &str) -> bool {
    let sorted = |line: &str| {
        let (name, rest) = line.split_once('{').unwrap_or((line, ""));
        let mut labels: Vec<String> = rest.split(['{', '}', ',']).map(str::to_owned).collect();
        labels.sort();
        (name.to_owned(), labels)
    };
    page.lines().any(|line| sorted(line) == sorted(wanted))
}
