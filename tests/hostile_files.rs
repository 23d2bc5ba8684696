//! No bytes make the reader panic or go on for ever, and every caret lies in the text.

use farmctl::spec::report::{Style, render, to_json};
use farmctl::spec::{Reading, read, validate};
use proptest::prelude::*;

const SHOP: &str = include_str!("schema/good/shop.yaml");
const DAEMON: &str = include_str!("schema/good/daemon.yaml");
const TUNNELS: &str = include_str!("schema/good/tunnels.yaml");

/// Reads, checks and reports, as the command line does; every place must lie in the text.
fn everything(bytes: &[u8]) -> Reading {
    let mut reading = read("hostile.yaml", bytes);
    if let Some(farm) = &reading.value {
        let found = validate(farm, &reading.pruned);
        reading = reading.with(found);
    }
    for problem in &reading.problems {
        let range = reading.source.locate(&problem.place);
        assert!(
            reading.source.text().get(range.clone()).is_some(),
            "{range:?} of {problem:?}"
        );
    }
    assert!(reading.problems.len() <= 101);
    assert!(!to_json(&reading.problems, &reading.source).is_null());
    let report = render(&reading.problems, &reading.source, Style::default());
    assert_eq!(report.is_empty(), reading.problems.is_empty());
    reading
}

fn codes(reading: &Reading) -> Vec<&'static str> {
    reading
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_end_in_problems(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!everything(&bytes).problems.is_empty());
    }

    #[test]
    fn random_yaml_characters_end_in_problems(text in "[-\\[\\]{}:,&*!|>'\"%@`#?<~ \\n\\ta-c0-2]{0,200}") {
        prop_assert!(!everything(text.as_bytes()).problems.is_empty());
    }

    #[test]
    fn a_good_file_with_a_piece_replaced_never_panics(
        at in 0..SHOP.len(),
        length in 0..40_usize,
        piece in "[-\\[\\]{}:,&*!|>'\"#?<~ \\n\\ta-c0-2é\u{feff}\u{0}]{0,12}",
    ) {
        let mut bytes = SHOP.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, piece.bytes());
        everything(&bytes);
    }

    #[test]
    fn a_file_of_every_check_with_a_piece_replaced_never_panics(
        at in 0..DAEMON.len(),
        length in 0..40_usize,
        piece in "[-\\[\\]{}:,&*|'\"#\\\\()+%/@ \\n0-2a-c]{0,12}",
    ) {
        let mut bytes = DAEMON.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, piece.bytes());
        everything(&bytes);
    }

    #[test]
    fn a_good_file_with_two_lines_swapped_or_lost_never_panics(
        first in 0..SHOP.lines().count(),
        second in 0..SHOP.lines().count(),
        lost in 0..SHOP.lines().count(),
    ) {
        let mut lines: Vec<&str> = SHOP.lines().collect();
        lines.swap(first, second);
        lines.remove(lost);
        everything(lines.join("\n").as_bytes());
    }
}

#[test]
fn every_truncation_of_a_good_file_ends() {
    for end in 0..TUNNELS.len() {
        let reading = everything(&TUNNELS.as_bytes()[..end]);
        assert!(reading.value.is_some() || !reading.problems.is_empty());
    }
}

#[test]
fn every_truncation_of_a_file_of_every_check_ends() {
    for end in (0..DAEMON.len()).step_by(7) {
        let reading = everything(&DAEMON.as_bytes()[..end]);
        assert!(reading.value.is_some() || !reading.problems.is_empty());
    }
}

/// Places in the file of every check, each with a value that belongs nowhere.
#[test]
fn a_value_of_another_kind_at_every_place_is_told() {
    let lines: Vec<&str> = DAEMON.lines().collect();
    let mut places = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(": ").filter(|(key, _)| !key.contains('#')) else {
            continue;
        };
        for other in ["[[1]]", "{ nonsense: 1 }"] {
            let mut changed = lines.clone();
            let replaced = format!("{key}: {other}");
            changed[number] = &replaced;
            let reading = everything(changed.join("\n").as_bytes());
            assert!(
                !reading.problems.is_empty(),
                "{replaced} in place of {value}"
            );
            places += 1;
        }
    }
    assert!(places > 100, "{places}");
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = format!(
            "version: 1\nx-a:\n  {}{}\n",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let reading = everything(text.as_bytes());
        assert!(!reading.problems.is_empty(), "{open}");
    }
    let text = format!("version: 1\nx-a: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert_eq!(codes(&everything(text.as_bytes())), ["too-deep"]);
}

#[test]
fn depth_through_aliases_counts() {
    let mut text = String::from("version: 1\nx-0: &a0 [1]\n");
    for level in 1..100 {
        let line = format!("x-{level}: &a{level} [*a{}]\n", level - 1);
        text.push_str(&line);
    }
    assert_eq!(codes(&everything(text.as_bytes())), ["too-deep"]);
}

#[test]
fn a_bomb_of_anchors_is_refused_at_an_alias() {
    let mut text = String::from("version: 1\nx-0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let line = format!("x-{level}: &a{level} [{}]\n", vec![alias; 9].join(", "));
        text.push_str(&line);
    }
    let reading = everything(text.as_bytes());
    assert_eq!(codes(&reading), ["too-large"]);
    let range = reading.source.locate(&reading.problems[0].place);
    assert!(reading.source.text()[range].starts_with("*a"));
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let bytes = vec![b'#'; 16 * 1024 * 1024 + 1];
    assert_eq!(codes(&everything(&bytes)), ["too-large"]);
}

#[test]
fn a_long_file_of_mistakes_tells_a_hundred_of_them() {
    let mut text = String::from("version: 1\nservices:\n");
    for service in 0..2_000 {
        let line = format!("  s{service}: {{ vip: www, port: 80, wieght: 1, portt: 2 }}\n");
        text.push_str(&line);
    }
    let reading = everything(text.as_bytes());
    assert_eq!(reading.problems.len(), 101);
    assert_eq!(reading.problems[100].code, "too-many");
}

#[test]
fn a_mistake_behind_an_alias_is_told_once() {
    let text = "version: 1\nx-s: &s { address: 10.0.0.1, wieght: 1 }\npools:\n  a: { real_servers: [*s, *s] }\n  b: { real_servers: [*s] }\n";
    let reading = read("aliases.yaml", text.as_bytes());
    assert_eq!(codes(&reading), ["unknown-key"]);
    let range = reading.source.locate(&reading.problems[0].place);
    assert_eq!(&reading.source.text()[range], "*s");
    assert_eq!(reading.problems[0].related.len(), 1);
}

#[test]
fn places_of_later_items_stay_right_when_an_item_before_them_is_left_out() {
    let text = "version: 1\nvips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }\nservices:\n  http:\n    vip: www\n    port: 80\n    real_servers:\n      - { address: nonsense }\n      - { node: gone }\n";
    let reading = everything(text.as_bytes());
    let problem = reading
        .problems
        .iter()
        .find(|problem| problem.message.contains("gone"))
        .unwrap();
    let range = reading.source.locate(&problem.place);
    assert_eq!(&reading.source.text()[range], "gone", "{problem:?}");
}
