//! Parts of the format that this farmctl does not have yet: an error of their own, not an
//! "unknown key". The one table of them; a line goes when its part comes.

use super::document::Format;
use crate::spec::{Path, Segment};

/// Path patterns (`*` is any name, `[]` any item; a last `=word` is a value) and what it is about.
pub(super) const FARM: &[(&str, &str)] = &[
    ("heartbeat", "heartbeats between directors"),
    ("content", "the replication of content"),
    ("directors.witnesses", "witnesses"),
    ("vips.*.vrrp", "VRRP"),
    ("vips.*.failover", "fail-over between directors"),
    ("vips.*.resources", "resources that move with a VIP"),
    ("vips.*.ownership=quorum", "ownership by quorum"),
    ("vips.*.ownership=vrrp", "ownership by VRRP"),
    ("services.*.gates", "gates by content"),
    (
        "services.*.sorry_server=builtin",
        "the built-in sorry server",
    ),
    (
        "defaults.service.sorry_server=builtin",
        "the built-in sorry server",
    ),
];

/// What a part is about that comes later: an unknown key at a path, or a map there.
pub(super) fn key(format: &Format, path: &Path) -> Option<&'static str> {
    find(format, path, "")
}

/// What a word at a path is about that comes later.
pub(super) fn word(format: &Format, path: &Path, word: &str) -> Option<&'static str> {
    find(format, path, word)
}

fn find(format: &Format, path: &Path, word: &str) -> Option<&'static str> {
    format
        .later
        .iter()
        .find(|(pattern, _)| fits(pattern, path, word))
        .map(|(_, what)| *what)
}

fn fits(pattern: &str, path: &Path, word: &str) -> bool {
    let (steps, value) = pattern.split_once('=').unwrap_or((pattern, ""));
    let mut steps = steps.split('.');
    let same = path
        .segments()
        .iter()
        .all(|segment| match (steps.next(), segment) {
            (Some("*"), Segment::Key(_)) | (Some("[]"), Segment::Index(_)) => true,
            (Some(step), Segment::Key(key)) => step == key,
            (_, Segment::Index(_)) | (None, Segment::Key(_)) => false,
        });
    same && steps.next().is_none() && value == word
}
