//! `docs/events.md` is the page that the types make.

use std::fs;
use std::path::Path;

use farmctl::event::Kind;
use farmctl::notification::reference::markdown;

#[test]
fn the_page_of_events_in_the_tree_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let made = markdown();
    if std::env::var_os("FARMCTL_BLESS").is_some() {
        fs::write(&path, &made).expect("the page is written");
    }
    let kept = fs::read_to_string(&path).expect("docs/events.md");
    assert!(
        kept == made,
        "docs/events.md is stale: run FARMCTL_BLESS=1 cargo test --test events"
    );
}

#[test]
fn every_kind_is_explained() {
    let page = markdown();
    for kind in Kind::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")));
        let row = row.expect("a row");
        assert!(
            row.split('|')
                .nth(4)
                .is_some_and(|meaning| meaning.trim().len() > 10),
            "{row}"
        );
    }
}
