use super::*;
use crate::rehearsal::report::samples::{crowded, empty, eventful, quiet};

fn pictures() -> [String; 4] {
    [eventful(), quiet(), empty(), crowded()].map(|report| picture(&report))
}

/// The names of the elements in the order of their beginnings; panics where they are not nested
/// as XML must be.
fn elements(picture: &str) -> Vec<&str> {
    let (mut names, mut open) = (Vec::new(), Vec::new());
    for part in picture.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        names.push(name);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    names
}

/// What stands in `<text>` elements.
fn words(picture: &str) -> Vec<&str> {
    let texts = picture.split("<text ").skip(1);
    texts
        .map(|text| text.split(['>', '<']).nth(1).unwrap())
        .collect()
}

#[test]
fn a_picture_is_well_formed_whatever_the_names_in_it() {
    for picture in pictures() {
        let elements = elements(&picture);
        assert_eq!(elements.first(), Some(&"svg"));
        assert_eq!(&elements[1..4], ["title", "desc", "style"]);
    }
    assert!(picture(&crowded()).contains(":&lt;b&gt;&amp;"));
}

#[test]
fn a_picture_stands_by_itself() {
    for picture in pictures() {
        let body = picture.replacen("http://www.w3.org/2000/svg", "", 1);
        for outside in ["://", "href", "@import", "<script", "<image", "@font-face"] {
            assert!(!body.contains(outside), "{outside}");
        }
        assert_eq!(
            body.matches("url(").count(),
            body.matches("url(#hatch)").count()
        );
        assert!(body.contains("prefers-color-scheme: dark"));
    }
}

#[test]
fn every_step_every_server_every_failure_and_every_expectation_is_in_the_picture() {
    insta::assert_snapshot!(words(&picture(&eventful())).join("\n"), @r"
    ✗
    shop on nftables
    Rehearsal of shop on nftables, 10 s of load: 3 of 6 expectations failed; a step could not be done.
    0 s
    1 s
    2 s
    3 s
    4 s
    5 s
    6 s
    7 s
    8 s
    9 s
    10 s
    http
    100
    200/s
    200/s
    failed
    web1 22.6%  (weight: 22%)
    web2 45.3%  (weight: 43.9%)
    web3 32.1%  (weight: 34.1%)
    2,000 requests
    129 lost, 2 wrong
    p50 1 ms, p99 1.5 ms
    kept 2 of 4 open
    dns
    50
    100/s
    nothing failed
    web1 66.6%
    web2 33.4%
    1,000 requests
    0 lost, 0 wrong
    p50 1.1 ms, p99 1.5 ms
    1 kill web3
    2 weight of web3 in http: 0
    3 connections of lb1 flushed
    4 start web3
    5 weight of web3 in http: 3
    6 netem on lb1, back: 5 ms (failed)
    gap 316 ms
    Expectations
    ✓
    lost: 0 from 4s
    0 of 1200 in http
    ✗
    lost: 0 of http
    129 of 2000 (6.5%)
    ✗
    gap &lt; 200ms
    316 ms at 3.50 s, 116 ms too long in http
    ✓
    shares: by weight
    at most 5.2 points off: web3 44.8% for 50%
    ✓
    share web3: 50% ± 3% from 7s to 10s of http
    web3 50% (300 of 600)
    ✗
    kept: all
    2 of 4 (50%) in http
    Step 6 could not be done: the kernel has no netem
    Of the ports of shop, clients ask 443.
    ");
}

#[test]
fn a_page_holds_the_picture_and_why_steps_and_requests_failed() {
    let report = eventful();
    let page = page(&report);
    assert!(page.contains(&picture(&report)));
    for words in [
        "its program dies",
        "the kernel has no netem",
        "99 refused",
        "2 status 503",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let body = page.replacen("<meta", "", 2);
    assert!(!body.contains("<script") && !body.contains("<link"));
}

#[test]
fn a_step_has_a_line_and_what_failed_has_bars() {
    let eventful = picture(&eventful());
    assert_eq!(eventful.matches("class=\"step\"").count(), 6);
    assert_eq!(eventful.matches("class=\"gap\"").count(), 1);
    // Ten buckets of the second in which web3 was dead; in one of them wrong answers.
    assert_eq!(eventful.matches("class=\"lost\"").count(), 10);
    assert_eq!(eventful.matches("class=\"wrong\"").count(), 1);
    let quiet = picture(&quiet());
    for class in ["step", "gap", "lost", "wrong"] {
        assert!(!quiet.contains(&format!("class=\"{class}\"")), "{class}");
    }
}

#[test]
fn a_server_has_the_same_colour_in_every_panel() {
    let picture = picture(&eventful());
    for (class, server) in [("s0", "web1"), ("s1", "web2")] {
        let area = format!("class=\"area {class}\"><title>{server}</title>");
        assert_eq!(picture.matches(&area).count(), 2, "{server}");
    }
}

#[test]
fn services_beyond_those_that_fit_are_counted() {
    let words = picture(&crowded());
    assert!(words.contains("2 more services are in the report and not in this picture."));
    assert_eq!(words.matches("other servers").count(), PANELS);
}

#[test]
fn nothing_is_drawn_outside_of_the_paper() {
    for picture in pictures() {
        for attribute in ["x=\"", "x1=\"", "x2=\"", "y=\"", "y1=\"", "y2=\""] {
            let height: f64 = between(&picture, "height=\"", "\"").parse().unwrap();
            for value in picture.split(&format!(" {attribute}")).skip(1) {
                let value: f64 = value.split('"').next().unwrap().parse().unwrap();
                let limit = if attribute.starts_with('x') {
                    WIDTH
                } else {
                    height
                };
                assert!((0.0..=limit).contains(&value), "{attribute}{value}");
            }
        }
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}
