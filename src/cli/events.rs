//! `farmctl events`: what happened, one JSON object a line.

use super::args::EventsArgs;
use super::failure::{Failure, code};
use super::remote::{Daemon, Lines};
use super::session::Session;

/// Runs the command. It ends with what there is, or with the daemon where it follows.
pub(super) fn run(session: &Session<'_>, args: &EventsArgs) -> Result<u8, Failure> {
    let daemon = Daemon::asked(session, &args.remote)?;
    let since = args.since.unwrap_or(0);
    let path = format!("/v1/events?since={since}&follow={}", args.follow);
    let mut missed = false;
    let mut each = |line: &str| {
        missed |= line == "event: missed";
        let Some(data) = line.strip_prefix("data: ") else {
            return Lines::More;
        };
        if std::mem::take(&mut missed) {
            tell_missed(session, data);
        } else {
            session.out.result(data);
        }
        Lines::More
    };
    daemon.lines(&path, &mut each)?;
    Ok(code::OK)
}

fn tell_missed(session: &Session<'_>, data: &str) {
    let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    let count = data["missed"].as_u64().unwrap_or_default();
    session.out.message(&format!(
        "note: {count} events before this one are gone; the daemon keeps the last 10,000"
    ));
}
