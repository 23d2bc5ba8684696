//! Who is told what happened: one way each, to an address that can be one.
//!
//! Called by `validate`.

use std::collections::BTreeSet;

use super::checks::{command, environment};
use super::context::{Context, at, section};
use super::settings_of_daemon::at_least;
use crate::spec::{Mail, MailSecurity, Notification, Path, Place, Problem, Webhook};

/// Each receiver is told by one way, which can be gone.
pub(super) fn notifications_can_be_delivered(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, notification) in &context.farm.notifications {
        let path = section("notifications").key(name);
        problems.extend(one_way(context, notification, &path));
        problems.extend(events_once(notification, &path));
        problems.extend(at_least(&path, "repeat", notification.repeat, 60));
        if let Some(webhook) = &notification.webhook {
            problems.extend(url(context, webhook, &path.key("webhook")));
        }
        if let Some(mail) = &notification.mail {
            problems.extend(mail_problems(context, mail, &path.key("mail")));
        }
        if let Some(exec) = &notification.exec {
            let path = path.key("exec");
            problems.extend(command(context, &path, &exec.command));
            problems.extend(environment(&path, &exec.environment));
        }
    }
}

fn one_way(context: &Context<'_>, written: &Notification, path: &Path) -> Option<Problem> {
    let ways = [
        ("webhook", written.webhook.is_some()),
        ("mail", written.mail.is_some()),
        ("exec", written.exec.is_some()),
    ];
    let lost = ways.iter().any(|(key, _)| context.lost(&path.key(key)));
    let mut there = ways.iter().filter(|(_, written)| *written);
    match (there.next(), there.next()) {
        (None, _) if lost => None,
        (None, _) => Some(
            Problem::error(
                "neither-given",
                Place::Key(path.clone()),
                "this notification tells nobody",
            )
            .labelled("no `webhook`, `mail` or `exec`")
            .helped("write one of them, such as `webhook: { url: https://alerts.example.com }`"),
        ),
        (Some((first, _)), Some((second, _))) => Some(two(path, first, second)),
        (Some(_), None) => None,
    }
}

fn two(path: &Path, first: &str, second: &str) -> Problem {
    Problem::error(
        "both-given",
        Place::Key(path.key(second)),
        format!("both `{first}` and `{second}` are written"),
    )
    .labelled("the one")
    .helped("keep one of them; a second receiver is an entry of its own")
    .related(Place::Key(path.key(first)), "the other")
}

fn events_once(written: &Notification, path: &Path) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let list = written.on.iter().enumerate();
    let twice = list.filter(|(_, word)| !seen.insert(word.as_str()));
    twice
        .map(|(index, word)| {
            Problem::error(
                "duplicate-entry",
                at(path.key("on").index(index)),
                format!("`{}` stands here twice", word.as_str()),
            )
            .labelled("again")
            .helped("remove it")
        })
        .collect()
}

fn url(context: &Context<'_>, webhook: &Webhook, path: &Path) -> Option<Problem> {
    let keys = ["url", "url_file"];
    let lost = keys.iter().any(|key| context.lost(&path.key(key)));
    match (&webhook.url, &webhook.url_file) {
        (Some(_), Some(_)) => Some(two(path, "url", "url_file")),
        (None, None) if lost => None,
        (None, None) => Some(
            Problem::error(
                "neither-given",
                Place::Key(path.clone()),
                "the webhook has no URL",
            )
            .labelled("where to?")
            .helped("write `url: https://…`, or `url_file: …` where the URL is a secret"),
        ),
        (Some(url), None) => url_problem(url, path.key("url")),
        (None, Some(_)) => None,
    }
}

fn url_problem(url: &str, path: Path) -> Option<Problem> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let graphic = url.chars().all(|c| c.is_ascii_graphic());
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let Some(authority) = authority.filter(|it| graphic && !it.is_empty()) else {
        return Some(
            Problem::error(
                "webhook-url",
                at(path),
                format!("`{}` is no URL of a webhook", url.escape_debug()),
            )
            .labelled("nothing can be sent there")
            .helped("write `https://host/path`; other characters as `%20`"),
        );
    };
    authority.contains('@').then(|| {
        Problem::error(
            "secret-in-file",
            at(path),
            "the URL holds a name or a password",
        )
        .labelled("everybody who reads this file reads it")
        .helped("write it in a file (`url_file`), or a header with it (`headers_file`)")
    })
}

fn mail_problems(context: &Context<'_>, mail: &Mail, path: &Path) -> Vec<Problem> {
    let list = path.key("to");
    let single = mail.to.0.len() == 1;
    let to = mail.to.0.iter().enumerate().map(|(index, address)| {
        let place = if single {
            list.clone()
        } else {
            list.index(index)
        };
        (place, address)
    });
    let addresses = std::iter::once((path.key("from"), &mail.from)).chain(to);
    let mut problems: Vec<Problem> = addresses
        .filter(|(_, address)| !is_mailbox(address))
        .map(|(path, address)| bad_address(path, address))
        .collect();
    if mail.to.0.is_empty() && !context.lost(&list) {
        problems.push(
            Problem::error("empty-list", at(list), "the mail goes to nobody")
                .labelled("no receiver")
                .helped("write an address, such as `oncall@example.com`"),
        );
    }
    problems.extend(server(mail, path));
    problems.extend(login(context, mail, path));
    problems
}

/// `name@host` or `Somebody <name@host>` (RFC 5322, section 3.4, without its odd forms).
fn is_mailbox(text: &str) -> bool {
    let bare = match text.rsplit_once('<') {
        Some((name, address)) => match address.strip_suffix('>') {
            Some(address) if !name.contains(['<', '>']) => address,
            Some(_) | None => return false,
        },
        None => text,
    };
    let Some((local, host)) = bare.rsplit_once('@') else {
        return false;
    };
    let local_odd = |c: char| {
        !c.is_ascii_graphic()
            || matches!(
                c,
                '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '@' | '[' | '\\' | ']'
            )
    };
    let plain = !local.is_empty() && local.len() <= 64 && !local.contains(local_odd);
    plain && is_host(host) && !text.contains(char::is_control)
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len()) && label.chars().all(plain)
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn bad_address(path: Path, address: &str) -> Problem {
    Problem::error(
        "mail-address",
        at(path),
        format!("`{}` is no mail address", address.escape_debug()),
    )
    .labelled("cannot get mail")
    .helped("write `name@example.com`, or in quotes `\"Somebody <name@example.com>\"`")
}

fn server(mail: &Mail, path: &Path) -> Option<Problem> {
    let is_address = mail.server.parse::<std::net::IpAddr>().is_ok();
    (!is_address && !is_host(&mail.server)).then(|| {
        Problem::error(
            "mail-server",
            at(path.key("server")),
            format!(
                "`{}` is neither a name nor an address",
                mail.server.escape_debug()
            ),
        )
        .labelled("no mail server")
        .helped("write a name or an address alone; the port is in `port`")
    })
}

/// A name and its password stand together, and are not said aloud.
fn login(context: &Context<'_>, mail: &Mail, path: &Path) -> Option<Problem> {
    let (there, missing) = match (&mail.username, &mail.password_file) {
        (Some(_), None) => ("username", "password_file"),
        (None, Some(_)) => ("password_file", "username"),
        (None, None) => return None,
        (Some(_), Some(_)) => return in_clear(mail, path),
    };
    (!context.lost(&path.key(missing))).then(|| {
        Problem::error(
            "mail-login",
            at(path.key(there)),
            format!("`{there}` needs `{missing}` beside it"),
        )
        .labelled("only one of the two")
        .helped(format!("write `{missing}` too, or neither"))
    })
}

fn in_clear(mail: &Mail, path: &Path) -> Option<Problem> {
    (mail.security() == MailSecurity::None).then(|| {
        Problem::warning(
            "password-in-clear",
            at(path.key("security")),
            "without TLS the password can be read on the way",
        )
        .labelled("no TLS")
        .helped("write `security: starttls` or `security: tls`")
    })
}
