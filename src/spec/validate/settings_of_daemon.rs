//! Options of the daemon: numbers in range, and an API that is not open to everybody.
//!
//! Called by `validate`.

use super::context::{Context, at, section};
use super::directors::out_of_range;
use crate::spec::{Duration, Path, Place, Problem};

/// Times, numbers and addresses of the daemon.
pub(super) fn options_of_the_daemon_fit(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Some(daemon) = &context.farm.daemon else {
        return;
    };
    let path = section("daemon");
    problems.extend(at_least(&path, "poll", daemon.poll, 1));
    let concurrency = daemon.concurrency.filter(|it| !(1..=65_536).contains(it));
    problems.extend(concurrency.map(|it| {
        let range = "a number from 1 to 65536";
        out_of_range(path.key("concurrency"), "concurrency", u64::from(it), range)
    }));
    let settle = daemon.settle.filter(|it| it.0.as_secs() > 300);
    problems.extend(settle.map(|it| slow_to_settle(path.key("settle"), it)));
    problems.extend(open_api(context, &path.key("api")));
}

/// A time that is at least so many seconds.
pub(super) fn at_least(
    path: &Path,
    key: &str,
    time: Option<Duration>,
    seconds: u64,
) -> Option<Problem> {
    let time = time.filter(|time| time.0.as_secs() < seconds)?;
    Some(
        Problem::error(
            "daemon-times",
            at(path.key(key)),
            format!("`{key}` is {time}, shorter than {seconds}s"),
        )
        .labelled("too often")
        .helped(format!("write at least `{seconds}s`, or leave it out")),
    )
}

fn slow_to_settle(path: Path, time: Duration) -> Problem {
    Problem::error(
        "daemon-times",
        at(path),
        format!("a new file would wait {time} before it is used"),
    )
    .labelled("too long")
    .helped("write at most `5m`; a second or two is enough for every editor")
}

/// Who reaches the API over the network must know a secret.
fn open_api(context: &Context<'_>, path: &Path) -> Option<Problem> {
    let api = context.farm.daemon.as_ref()?.api.as_ref()?;
    let open = !api.listen.0.ip().is_loopback() && api.token_file.is_none();
    (open && !context.lost(&path.key("token_file"))).then(|| {
        Problem::error(
            "token-missing",
            Place::Key(path.key("listen")),
            format!(
                "the API listens on {}, where others reach it, without a token",
                api.listen
            ),
        )
        .labelled("open to everybody")
        .helped(
            "write `token_file: /etc/farmctl/token` beside it, or listen on `127.0.0.1` or `[::1]`",
        )
    })
}
