use super::samples::{empty, eventful, quiet};
use super::*;

#[test]
fn an_eventful_rehearsal_reads_at_a_glance() {
    insta::assert_snapshot!(text(&eventful()), @r"
    Rehearsal of shop on nftables, 10 s of load: 3 of 6 expectations failed; a step could not be done.

    http: requests in a second
      web1    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ ▁▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  up to 70
      web2    ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▁ ▂▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃  up to 135
      web3    ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄                    ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄  up to 105
      failed                 ▄▄▆█▄                                up to 200
      step                   1    23            45         6
              0                                             10 s

    dns: requests in a second
      web1    ▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇█▇▇  up to 70
      web2    ▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄▃▄▄  up to 35
      step                   1    23            45         6
              0                                             10 s

    Steps
      1    3.00 s  kill web3 (84 ms)
                   its program dies
      2    4.00 s  weight of web3 in http: 0 (84 ms)
      3    4.15 s  connections of lb1 flushed (84 ms)
      4    6.90 s  start web3 (84 ms)
      5    7.00 s  weight of web3 in http: 3 (84 ms)
      6    9.00 s  netem on lb1, back: 5 ms (84 ms)
                   FAILED: the kernel has no netem

    service  requests  lost  wrong  longest gap     p50     p99    kept
    http         2000   129      2       316 ms  1.0 ms  1.5 ms  2 of 4
    dns          1000     0      0       1.5 ms  1.1 ms  1.5 ms       -

    Failed in http: 99 refused, 30 timed out, 2 status 503.

    service  server  new connections  share  by weight
    http     web1                423  22.6%        22%
    http     web2                846  45.3%      43.9%
    http     web3                600  32.1%      34.1%
    dns      web1                666  66.6%          -
    dns      web2                334  33.4%          -

    Expectations
      held    lost: 0 from 4s                              0 of 1200 in http
      FAILED  lost: 0 of http                              129 of 2000 (6.5%)
      FAILED  gap < 200ms                                  316 ms at 3.50 s, 116 ms too long in http
      held    shares: by weight                            at most 5.2 points off: web3 44.8% for 50%
      held    share web3: 50% ± 3% from 7s to 10s of http  web3 50% (300 of 600)
      FAILED  kept: all                                    2 of 4 (50%) in http

    Of the ports of shop, clients ask 443.
    ");
}

#[test]
fn a_quiet_rehearsal_is_short() {
    insta::assert_snapshot!(text(&quiet()), @r"
    Rehearsal of shop on ipvs, 10 s of load: all 3 expectations held.

    http: requests in a second
      web1    ▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃▂▃▃  up to 35
      web2    ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅  up to 70
      web3    ▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇██▇█  up to 105
              0                                             10 s

    service  requests  lost  wrong  longest gap     p50     p99    kept
    http         2000     0      0       1.5 ms  1.1 ms  1.5 ms  2 of 2

    service  server  new connections  share  by weight
    http     web1                334  16.7%      16.7%
    http     web2                667  33.4%      33.3%
    http     web3                999    50%        50%

    Expectations
      held    lost: 0            0 of 2000
      held    errors: 0          0 of 2000
      held    shares: by weight  at most 0.1 points off: web3 50% for 50%
    ");
}

#[test]
fn a_rehearsal_that_never_began_is_told_as_such() {
    insta::assert_snapshot!(text(&empty()), @r"
    Rehearsal of shop on nftables, 0 s of load, ended early: 1 of 1 expectations failed.


    Expectations
      FAILED  lost: 0  nothing was measured
    ");
}

#[test]
fn the_outcome_is_that_of_the_steps_and_the_expectations() {
    assert_eq!(quiet().outcome, Outcome::Held);
    assert_eq!(eventful().outcome, Outcome::Failed);
    assert_eq!(empty().outcome, Outcome::Interrupted);
}

#[test]
fn the_numbers_add_up() {
    for report in [eventful(), quiet()] {
        for (service, series) in report.services.iter().zip(&report.timeline.services) {
            assert_eq!(
                service.requests,
                service.answered + service.lost + service.wrong
            );
            let failures: u64 = service.failures.iter().map(|failure| failure.count).sum();
            assert_eq!(failures, service.lost + service.wrong);
            let servers: u64 = service.servers.iter().map(|one| one.connections).sum();
            let drawn = series.servers.iter().flat_map(|one| &one.answered);
            assert_eq!(drawn.copied().map(u64::from).sum::<u64>(), servers);
            let lost: u64 = series.lost.iter().copied().map(u64::from).sum();
            assert_eq!(lost, service.lost);
        }
    }
}

#[test]
fn a_report_is_valid_by_its_schema() {
    let validator = jsonschema::validator_for(&report_schema()).unwrap();
    for report in [eventful(), quiet(), empty()] {
        let value = serde_json::to_value(&report).unwrap();
        assert!(validator.is_valid(&value));
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report);
    }
}

#[test]
fn a_long_rehearsal_has_no_more_buckets_than_can_be_drawn() {
    for (seconds, bucket, count) in [
        (10, 100, 100),
        (60, 100, 600),
        (61, 200, 305),
        (3_600, 10_000, 360),
    ] {
        let record = Record {
            duration: Duration::from_secs(seconds),
            services: vec!["http".to_owned()],
            ..Record::default()
        };
        let timeline = series::timeline(&record);
        assert_eq!(timeline.bucket_ms, bucket);
        assert_eq!(timeline.services[0].lost.len(), count);
    }
}
