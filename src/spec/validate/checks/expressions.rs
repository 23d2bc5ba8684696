//! Regular expressions that compile, and texts that stand for bytes.
//!
//! Called by `validate`.

use regex::bytes::RegexBuilder;

use super::super::context::{Context, at};
use super::written;
use crate::spec::{
    AgentCheck, Check, HttpCheck, OrNone, Path, Problem, TcpCheck, UdpCheck, escape,
};

/// What a compiled expression may take, in bytes: as much as a probe gives it.
const REGEX_LIMIT: usize = 1 << 20;

/// Every expression compiles, and every escape stands for a byte.
pub(in crate::spec::validate) fn expressions_and_bytes_can_be_read(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for written in written(context) {
        for (path, expression) in expressions(written.check, &written.path) {
            problems.extend(expression_problem(path, expression));
        }
        for (path, text) in bytes(written.check, &written.path) {
            problems.extend(bytes_problem(path, text));
        }
    }
}

/// Texts with their places.
type Texts<'a> = Vec<(Path, &'a str)>;

fn expressions<'a>(check: &'a Check, path: &Path) -> Texts<'a> {
    let tcp = check.tcp.iter().filter_map(|TcpCheck { expect, .. }| {
        Some((path.key("tcp").key("expect"), expect.as_deref()?))
    });
    let udp = check.udp.iter().filter_map(|UdpCheck { expect, .. }| {
        Some((path.key("udp").key("expect"), expect.as_deref()?))
    });
    let http = [("http", &check.http), ("https", &check.https)];
    let http = http.into_iter().filter_map(|(key, http)| {
        let http = http.as_ref()?;
        Some(bodies(http, &path.key(key)))
    });
    tcp.chain(udp).chain(http.flatten()).collect()
}

fn bodies<'a>(http: &'a HttpCheck, path: &Path) -> Texts<'a> {
    let written = [
        ("body_matches", &http.body_matches),
        ("body_lacks", &http.body_lacks),
    ];
    let written = written.into_iter();
    written
        .filter_map(|(key, text)| Some((path.key(key), text.as_deref()?)))
        .collect()
}

fn bytes<'a>(check: &'a Check, path: &Path) -> Texts<'a> {
    let tcp = check.tcp.as_ref().and_then(|tcp| tcp.send.as_deref());
    let udp = check.udp.as_ref().and_then(|udp| udp.send.as_deref());
    let agent = match &check.agent {
        Some(OrNone::Some(AgentCheck { send, .. })) => send.as_deref(),
        Some(OrNone::None) | None => None,
    };
    [("tcp", tcp), ("udp", udp), ("agent", agent)]
        .into_iter()
        .filter_map(|(key, text)| Some((path.key(key).key("send"), text?)))
        .collect()
}

fn expression_problem(path: Path, expression: &str) -> Option<Problem> {
    let error = RegexBuilder::new(expression)
        .size_limit(REGEX_LIMIT)
        .build()
        .err()?;
    let (what, help) = if matches!(error, regex::Error::CompiledTooBig(_)) {
        (
            "takes too much memory".to_owned(),
            "write smaller repetitions: `{1000}` of something large multiplies",
        )
    } else {
        (
            last_line(&error.to_string()),
            "write it in single quotes, so that YAML leaves the backslashes alone; characters \
             with a meaning, such as `(`, `[`, `*` and `+`, stand for themselves after a `\\`",
        )
    };
    Some(
        Problem::error(
            "regular-expression",
            at(path),
            format!("this is no regular expression: {what}"),
        )
        .labelled("cannot be matched")
        .helped(help),
    )
}

/// What the crate says at its end: before it, it draws the expression over several lines.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn bytes_problem(path: Path, text: &str) -> Option<Problem> {
    let error = escape::bytes(text).err()?;
    Some(
        Problem::error("escape", at(path), error.to_string())
            .labelled("cannot be sent")
            .helped("write `\\\\` where a backslash is meant"),
    )
}
