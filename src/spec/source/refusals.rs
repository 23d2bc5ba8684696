//! What YAML allows and farm.yaml refuses, in words. Called by `parse` only.

use crate::spec::tree::Span;
use crate::spec::{Place, Problem};

pub(super) fn merge_key(span: Span) -> Problem {
    Problem::error(
        "merge-key",
        Place::Bytes(span.range()),
        "the merge key `<<` is not used in farm.yaml",
    )
    .labelled("would merge maps in silence")
    .helped(
        "put values that are shared under `defaults:`, or repeat a whole value with an anchor \
             (`&name`) and aliases (`*name`)",
    )
}

pub(super) fn too_deep(span: Span, limit: usize) -> Problem {
    let message = format!("lists and maps are nested more than {limit} deep");
    Problem::error("too-deep", Place::Bytes(span.range()), message)
        .labelled("too deep here")
        .helped("a farm needs less than ten levels: look for brackets that were typed twice")
}
