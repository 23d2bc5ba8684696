//! What YAML allows and farmctl's files refuse, in words. Called by `parse` only.

use super::document::Format;
use crate::spec::tree::Span;
use crate::spec::{Place, Problem};

pub(super) fn merge_key(format: &Format, span: Span) -> Problem {
    let message = format!("the merge key `<<` is not used in {}", format.file);
    Problem::error("merge-key", Place::Bytes(span.range()), message)
        .labelled("would merge maps in silence")
        .helped(
            "put values that are shared under `defaults:`, or repeat a whole value with an anchor \
             (`&name`) and aliases (`*name`)",
        )
}

pub(super) fn too_deep(format: &Format, span: Span, limit: usize) -> Problem {
    let message = format!("lists and maps are nested more than {limit} deep");
    Problem::error("too-deep", Place::Bytes(span.range()), message)
        .labelled("too deep here")
        .helped(format!(
            "{} needs less than ten levels: look for brackets that were typed twice",
            format.content
        ))
}
