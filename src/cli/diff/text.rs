//! A comparison as unified text.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use super::blocks::Block;
use crate::cli::output::Paint;

/// The blocks as one unified diff; empty where nothing differs.
pub(super) fn unified(blocks: &[Block], live: &str, wanted: &str, paint: Paint) -> String {
    if blocks.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    line(&mut text, &paint.removed(&format!("--- {live}")));
    line(&mut text, &paint.added(&format!("+++ {wanted}")));
    for block in blocks {
        line(&mut text, &paint.heading(&format!("@@ {} @@", block.title)));
        hunks(&mut text, block, paint);
    }
    text
}

fn hunks(text: &mut String, block: &Block, paint: Paint) {
    let old: Vec<&str> = block.live.iter().map(String::as_str).collect();
    let new: Vec<&str> = block.wanted.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    for (place, group) in diff.grouped_ops(3).iter().enumerate() {
        if place > 0 {
            line(text, &paint.heading("..."));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let value = change.value();
            line(
                text,
                &match change.tag() {
                    ChangeTag::Equal => format!("   {value}"),
                    ChangeTag::Delete => paint.removed(&format!("-  {value}")),
                    ChangeTag::Insert => paint.added(&format!("+  {value}")),
                },
            );
        }
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _infallible = writeln!(text, "{line}");
}
