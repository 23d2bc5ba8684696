//! A check asks one thing.
//!
//! Called by `validate`.

use super::super::context::Context;
use super::written;
use crate::spec::{Check, Path, Place, Problem};

/// No check has two kinds.
pub(in crate::spec::validate) fn checks_have_one_kind(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for written in written(context) {
        if let [first, second, ..] = words(written.check).as_slice() {
            problems.push(two_kinds(&written.path, first, second));
        }
    }
}

/// The words of the kinds that are written.
fn words(check: &Check) -> Vec<&'static str> {
    let kinds = check.kinds();
    kinds.iter().map(crate::spec::Kind::word).collect()
}

fn two_kinds(path: &Path, first: &str, second: &str) -> Problem {
    Problem::error(
        "both-given",
        Place::Key(path.key(second)),
        format!("a check asks one thing, and this one has both `{first}` and `{second}`"),
    )
    .labelled("a second kind")
    .helped("keep one of them; only `agent` may stand beside a kind")
    .related(Place::Key(path.key(first)), "and the first")
}
