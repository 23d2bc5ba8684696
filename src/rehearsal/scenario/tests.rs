use super::*;
use crate::spec::report;
use proptest::prelude::*;

const FARM: &str = include_str!("../../../farm.yaml");

fn farm() -> crate::spec::Farm {
    crate::spec::read("farm.yaml", FARM.as_bytes())
        .value
        .unwrap()
}

fn reading(text: &str) -> ScenarioReading {
    read("scenario.yaml", text.as_bytes(), &farm())
}

fn steps(text: &str) -> Vec<Action> {
    let reading = reading(&format!("version: 1\nsteps:\n{text}"));
    assert_eq!(reading.problems, []);
    let steps = reading.scenario.unwrap().steps;
    steps.into_iter().map(|step| step.action).collect()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn what_a_scenario_leaves_out_has_the_values_of_the_default() {
    let reading = reading("version: 1\n");
    assert_eq!(reading.problems, []);
    let scenario = reading.scenario.unwrap();
    assert_eq!(scenario.duration, default_scenario().duration);
    assert_eq!(scenario.load, Load::default());
    assert_eq!(scenario.load.rate, Rate(200));
    let expected: Vec<_> = default_scenario()
        .expect
        .into_iter()
        .map(|expectation| expectation.text)
        .collect();
    assert_eq!(expected, ["lost: 0", "errors: 0", "shares: by weight"]);
}

#[test]
fn every_action_is_read() {
    let actions = steps(
        "  - { at: 1s, apply: other.yaml }\n\
         \x20 - { at: 1s, weight: { service: http, server: web1, weight: 3 } }\n\
         \x20 - { at: 1s, stop: web1 }\n\
         \x20 - { at: 1s, start: { node: web1, port: 8080 } }\n\
         \x20 - { at: 1s, kill: 10.0.0.21 }\n\
         \x20 - { at: 1s, slow: { server: web1, by: 200ms } }\n\
         \x20 - { at: 1s, cut: { node: lb1, network: back } }\n\
         \x20 - { at: 1s, heal: { node: lb1, network: back } }\n\
         \x20 - { at: 1s, heal: all }\n\
         \x20 - { at: 1s, split: { network: front, groups: [[lb1], [client]] } }\n\
         \x20 - { at: 1s, delay: { node: web1, network: main, by: 5ms } }\n\
         \x20 - { at: 1s, run: { node: web1, command: [ip, route] } }\n\
         \x20 - { at: 1s, flush_connections: lb1 }\n\
         \x20 - { at: 1s, edit: bad.yaml }\n\
         \x20 - { at: 1s, pause: web1 }\n\
         \x20 - { at: 1s, resume: web1 }\n\
         \x20 - { at: 1s, farmctl: [drain, web1] }\n\
         \x20 - { at: 1s, kill_director: lb1 }\n\
         \x20 - { at: 1s, freeze_director: lb1 }\n\
         \x20 - { at: 1s, thaw_director: lb1 }\n\
         \x20 - { at: 1s, restart_director: lb1 }\n",
    );
    let programs = |node: &str, port| Programs {
        node: node.to_owned(),
        port,
    };
    let link = |node, network| Link {
        node: name(node),
        network: name(network),
    };
    let millis = Duration::from_millis;
    let daemon = |fate| Action::Daemon {
        director: name("lb1"),
        fate,
    };
    let expected = [
        Action::Apply(PathBuf::from("other.yaml")),
        Action::Weight {
            service: name("http"),
            server: "web1".to_owned(),
            weight: 3,
        },
        Action::Stop(programs("web1", None)),
        Action::Start(programs("web1", Some(8080))),
        Action::Kill(programs("10.0.0.21", None)),
        Action::Slow {
            server: programs("web1", None),
            by: millis(200),
        },
        Action::Cut(link("lb1", "back")),
        Action::Heal(Healed::Link(link("lb1", "back"))),
        Action::Heal(Healed::All),
        Action::Split {
            network: name("front"),
            groups: vec![vec![name("lb1")], vec![name("client")]],
        },
        Action::Delay {
            link: link("web1", "main"),
            by: millis(5),
        },
        Action::Run {
            node: name("web1"),
            command: vec!["ip".to_owned(), "route".to_owned()],
        },
        Action::FlushConnections(name("lb1")),
        Action::Edit(PathBuf::from("bad.yaml")),
        Action::Pause(programs("web1", None)),
        Action::Resume(programs("web1", None)),
        Action::Farmctl(vec!["drain".to_owned(), "web1".to_owned()]),
        daemon(Fate::Killed),
        daemon(Fate::Frozen),
        daemon(Fate::Thawed),
        daemon(Fate::Restarted),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn steps_come_in_the_order_of_their_times() {
    let actions = steps("  - { at: 3s, stop: web1 }\n  - { at: 1s, stop: web2 }\n");
    let order: Vec<String> = actions
        .into_iter()
        .map(|action| format!("{action:?}"))
        .collect();
    let stop = |node: &str| {
        let node = node.to_owned();
        format!("{:?}", Action::Stop(Programs { node, port: None }))
    };
    assert_eq!(order, [stop("web2"), stop("web1")]);
}

#[test]
fn an_expectation_may_stand_in_quotes_or_not() {
    let text = "version: 1\nexpect:\n  - lost: 0\n  - 'lost: 0'\n  - gap < 200ms\n  - kept: all\n";
    let reading = reading(text);
    assert_eq!(reading.problems, []);
    let lines: Vec<_> = reading
        .scenario
        .unwrap()
        .expect
        .into_iter()
        .map(|expectation| expectation.text)
        .collect();
    assert_eq!(lines, ["lost: 0", "lost: 0", "gap < 200ms", "kept: all"]);
}

#[test]
fn every_mistake_is_told_in_one_run_with_a_caret_at_its_place() {
    let reading = reading(MISTAKES);
    assert!(reading.scenario.is_none());
    let shown = report::render(&reading.problems, &reading.source, report::Style::default());
    insta::assert_snapshot!(shown);
}

const MISTAKES: &str = "\
version: 1
duration: 10s
load: { rate: 200, clients: 1000, services: [htpp] }
steps:
  - { at: 11s, stop: web1 }
  - at: 2s
  - { at: 2s, stop: web1, start: web2 }
  - { at: 2s, stopp: web1 }
  - { at: 2s, kill: wbe1 }
  - { at: 2s, weight: { service: http, server: lb1, weight: 70000 } }
  - { at: 2s, cut: { node: lb1, network: bakc } }
  - { at: 2s, split: { network: front, groups: [[lb1, lb1]] } }
  - { at: 2s, heal: everything }
  - { at: 2s, flush_connections: web1 }
  - { at: 2s, kill_director: lb1 }
  - { at: 2s, run: { node: web1, command: [] } }
expect:
  - lost: none
  - losd: 0
  - share web9: 30%
  - gap < 1s from 8s to 20s
  - gap < 1s of https
  - { lost: 0, errors: 0 }
";

#[test]
fn mistakes_in_expectations_are_shown_inside_of_the_line() {
    let text = "\
version: 1
expect:
  - lost: none
  - losd: 0
  - 'share web9: 30%'
  - gap < 1s from 8s to 20s
  - gap < 1s of https
  - owners(www) <= 1
";
    let reading = reading(text);
    let shown = report::render(&reading.problems, &reading.source, report::Style::default());
    insta::assert_snapshot!(shown);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        at in 0..MISTAKES.len(),
        bytes in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut text = MISTAKES.as_bytes().to_vec();
        text.splice(at..at, bytes);
        let reading = read("scenario.yaml", &text, &farm());
        prop_assert!(!reading.problems.is_empty());
    }
}
