//! A file that shrinks the farm by accident changes nothing.

use std::collections::BTreeMap;

use farmctl::spec::{self, Severity};

use super::examples::lb1;
use super::{Method, Site, Text};

/// A site that serves, and what a refused file must leave.
fn is_refused(text: &str, words: &str) {
    let accepted = Text::new(Method::Nat);
    let site = Site::serving(&accepted);
    let before = site.farmctl.kernel();
    let told = site.farmctl.apply(text, &[]).exits(5).says(words);
    told.says("--allow-shrink");
    assert_eq!(site.farmctl.kernel(), before);
    site.farmctl
        .apply(&accepted.to_string(), &[])
        .exits(0)
        .did_nothing();
    site.farmctl.apply(text, &["--allow-shrink"]).exits(0);
    assert_ne!(
        site.farmctl.kernel(),
        before,
        "it is done when it is wanted"
    );
}

#[test]
fn a_file_without_one_of_two_vips_is_refused_until_it_is_wanted() {
    let text = Text::new(Method::Nat).to_string();
    let without = text.replace(", \"fd08::100/64\"", "");
    assert_ne!(without, text);
    is_refused(&without, "1 of 2 VIPs would be removed: fd08::100");
}

#[test]
fn a_file_without_its_last_vip_is_refused_until_it_is_wanted() {
    is_refused("version: 1\nfarm: test\n", "every VIP would be removed");
}

#[test]
fn a_service_that_loses_more_than_half_of_its_weight_is_refused_until_it_is_wanted() {
    let light = Text::new(Method::Nat).with_servers(&[(1, 1), (2, 1), (3, 0)]);
    is_refused(
        &light.to_string(),
        "more than half of its weight: from 6 to 2",
    );
}

/// Three services of one VIP; each is the text of its entry.
fn three_services() -> (String, [String; 3]) {
    let head = "version: 1\nfarm: test\nvips: { www: { addresses: [10.8.0.100/24], interface: \
                uplink } }\nservices:\n";
    let service = |port: u16| {
        format!(
            "  s{port}: {{ vip: www, port: {port}, real_servers: [{{ address: 10.1.0.11, port: \
             80 }}] }}\n"
        )
    };
    (head.to_owned(), [80, 81, 82].map(service))
}

#[test]
fn a_file_without_two_of_three_services_is_refused_and_without_one_is_not() {
    let (head, [a, b, c]) = three_services();
    let site = Site::new(Method::Nat);
    let all = format!("{head}{a}{b}{c}");
    site.farmctl.converge(&all, &[]);
    let before = site.farmctl.kernel();
    let one = format!("{head}{b}");
    let refused = site.farmctl.apply(&one, &[]).exits(5);
    refused.says("2 of 3 services would be removed");
    assert_eq!(site.farmctl.kernel(), before);
    site.farmctl.converge(&format!("{head}{a}{c}"), &[]);
    assert_eq!(site.farmctl.kernel().services.len(), 2);
}

/// Applies beginnings of a file: none changes anything.
fn cuts_are_harmless(text: &str, lengths: impl Iterator<Item = usize>) {
    let farmctl = lb1();
    farmctl.converge(text, &[]);
    let before = farmctl.kernel();
    let mut ends = BTreeMap::new();
    for length in lengths {
        let run = farmctl.apply(&text[..length], &[]);
        let code = run.code.unwrap();
        assert!([0, 2, 5].contains(&code), "cut after {length} bytes: {run}");
        assert_eq!(farmctl.kernel(), before, "cut after {length} bytes: {run}");
        *ends.entry(code).or_insert(0) += 1;
    }
    println!("how often each exit code: {ends:?}");
    assert!(ends[&5] > 0, "some beginnings are valid files: {ends:?}");
    farmctl.apply(text, &[]).exits(0).did_nothing();
}

#[test]
fn a_file_that_is_cut_short_at_any_byte_changes_nothing() {
    let text = include_str!("../../../examples/smallest.yaml");
    cuts_are_harmless(text, 0..text.len());
}

/// Whether `apply` goes on with this text at all; otherwise it ends before it looks at the kernel.
fn is_valid(text: &str) -> bool {
    let reading = spec::read("farm.yaml", text.as_bytes());
    let farm = reading.value.as_ref();
    let found = farm
        .map(|farm| spec::validate(farm, &reading.pruned))
        .unwrap_or_default();
    let mut problems = reading.problems.iter().chain(&found);
    farm.is_some() && !problems.any(|problem| problem.severity == Severity::Error)
}

#[test]
fn every_valid_beginning_of_the_large_examples_changes_nothing() {
    for text in [
        include_str!("../../../examples/nat.yaml"),
        include_str!("../../../farm.yaml"),
    ] {
        let lengths = (0..text.len()).filter(|length| is_valid(&text[..*length]));
        cuts_are_harmless(text, lengths);
    }
}
