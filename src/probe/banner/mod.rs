//! Servers of well-known protocols greet: FTP, IMAP, POP3, NNTP, MySQL, Redis.
//!
//! Each protocol is a [`Preset`]: what is sent first, how the first answer is read, and how the
//! server is left. Nothing is logged in to. Called by [`super::ask`].
//!
//! - Redis that wants a password answers `-NOAUTH` to PING, and counts as well: it runs and
//!   listens, and a check has no password to give. `-LOADING` does not count: it can't serve yet.
//! - MySQL greets before any login. The connection ends there, as with HAProxy's `mysql-check`
//!   without a user: a server that counts this as an error against `max_connect_errors` (MySQL
//!   does unless `skip_name_resolve` is set) then says so, and the check fails with its words.

mod mysql;

use super::conversation::{Conversation, End, beginning};
use super::{Failure, Report, Target, Tools};
use crate::spec::BannerCheck;

/// So much of a greeting is read, in bytes.
const LIMIT: usize = 8192;

/// What was made of what was read so far.
type Reading = Option<Result<String, Failure>>;

/// A protocol: what is said, and how what comes back is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preset {
    /// Sent first; where it is empty, the server speaks first.
    send: &'static [u8],
    /// Reads what has come so far; none where more must come.
    read: fn(&[u8]) -> Reading,
    /// Sent at the end.
    leave: &'static [u8],
}

pub(super) const FTP: Preset = Preset::listening(ftp, b"QUIT\r\n");
pub(super) const IMAP: Preset = Preset::listening(imap, b"a LOGOUT\r\n");
pub(super) const POP: Preset = Preset::listening(pop, b"QUIT\r\n");
pub(super) const NNTP: Preset = Preset::listening(nntp, b"QUIT\r\n");
pub(super) const MYSQL: Preset = Preset::listening(mysql::read, b"");
pub(super) const REDIS: Preset = Preset {
    send: b"PING\r\n",
    read: redis,
    leave: b"",
};

impl Preset {
    /// A protocol in which the server speaks first.
    const fn listening(read: fn(&[u8]) -> Reading, leave: &'static [u8]) -> Self {
        Self {
            send: b"",
            read,
            leave,
        }
    }
}

/// Asks one.
pub(super) async fn ask(
    preset: Preset,
    check: &BannerCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let mut conversation = Conversation::connect(target, tools, check.tls.as_ref()).await?;
    if !preset.send.is_empty() {
        conversation.write(preset.send).await?;
    }
    target.waits_for("the greeting");
    let seen = conversation
        .read_as(LIMIT, |bytes, end| {
            (preset.read)(bytes).or_else(|| unfinished(bytes, end))
        })
        .await??;
    if !preset.leave.is_empty() && conversation.write(preset.leave).await.is_err() {
        tracing::trace!(address = %target.address(), "it hung up first");
    }
    Ok(Report::pass(seen).with_certificate(conversation.certificate()))
}

/// What is still no greeting when no more comes.
fn unfinished(bytes: &[u8], end: End) -> Reading {
    match end {
        End::Open => None,
        End::Closed if bytes.is_empty() => Some(Err(Failure::broken(
            "it closed the connection without a word",
        ))),
        End::Closed => {
            let text = format!(
                "it closed the connection inside its greeting {}",
                beginning(bytes)
            );
            Some(Err(Failure::broken(text)))
        }
    }
}

/// The first whole line, without its end.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes.get(..end)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Reads the first line by a protocol's words: what begins with one of `good` passes.
fn greeting(bytes: &[u8], good: &[&str]) -> Reading {
    let line = line(bytes)?;
    let shown = beginning(line);
    if good.iter().any(|word| begins_with_word(line, word)) {
        return Some(Ok(format!("greets {shown}")));
    }
    Some(Err(Failure::wrong(format!("greets {shown}"))))
}

fn begins_with_word(line: &[u8], word: &str) -> bool {
    let rest = line
        .split_at_checked(word.len())
        .filter(|(head, _)| head.eq_ignore_ascii_case(word.as_bytes()))
        .map(|(_, rest)| rest);
    rest.is_some_and(|rest| {
        rest.first()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// RFC 959 section 5.4: 220 is ready; 120 is ready in some minutes, 421 is closing.
fn ftp(bytes: &[u8]) -> Reading {
    greeting(bytes, &["220"])
}

/// RFC 9051 section 7.1: `OK` and `PREAUTH` are greetings, `BYE` refuses.
fn imap(bytes: &[u8]) -> Reading {
    greeting(bytes, &["* OK", "* PREAUTH"])
}

/// RFC 1939 section 4.
fn pop(bytes: &[u8]) -> Reading {
    greeting(bytes, &["+OK"])
}

/// RFC 3977 section 5.1: 200 and 201 greet; 400 and 502 refuse.
fn nntp(bytes: &[u8]) -> Reading {
    greeting(bytes, &["200", "201"])
}

/// The answer to PING. A server with a password asks for it, and runs.
fn redis(bytes: &[u8]) -> Reading {
    let line = line(bytes)?;
    let shown = beginning(line);
    Some(if line == b"+PONG" {
        Ok("answers PONG".to_owned())
    } else if begins_with_word(line, "-NOAUTH") {
        Ok("answers, and wants a password".to_owned())
    } else {
        Err(Failure::wrong(format!("answers PING with {shown}")))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::health::{Fault, Verdict};

    type Read = fn(&[u8]) -> Reading;
    const ALL: [Read; 6] = [ftp, imap, pop, nntp, redis, mysql::read];

    #[test]
    fn a_good_greeting_passes_once_its_line_is_whole() {
        let greetings: [(Read, &str); 9] = [
            (ftp, "220 (vsFTPd 3.0.3)\r\n"),
            (ftp, "220-Welcome\r\n220 to this server\r\n"),
            (imap, "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"),
            (imap, "* PREAUTH IMAP4rev1 server logged in as Smith\r\n"),
            (pop, "+OK Dovecot ready.\r\n"),
            (nntp, "200 news.example.com ready\r\n"),
            (nntp, "201 no posting\n"),
            (redis, "+PONG\r\n"),
            (redis, "-NOAUTH Authentication required.\r\n"),
        ];
        for (read, text) in greetings {
            assert!(matches!(read(text.as_bytes()), Some(Ok(_))), "{text}");
            let begun = text.split('\n').next().unwrap();
            assert_eq!(read(begun.as_bytes()), None, "{begun}");
        }
    }

    #[test]
    fn a_refusal_fails_with_its_words() {
        let refusals: [(Read, &str); 9] = [
            (ftp, "421 Too many users\r\n"),
            (ftp, "120 Ready in 5 minutes\r\n"),
            (ftp, "2200 no code\r\n"),
            (imap, "* BYE server shutting down\r\n"),
            (imap, "* OKAY\r\n"),
            (pop, "-ERR try later\r\n"),
            (nntp, "400 load too high\r\n"),
            (redis, "-LOADING Redis is loading the dataset in memory\r\n"),
            (redis, "-ERR max number of clients reached\r\n"),
        ];
        for (read, text) in refusals {
            let Some(Err(failure)) = read(text.as_bytes()) else {
                panic!("{text} passed");
            };
            let Verdict::Fail { fault, text: shown } = failure.into() else {
                panic!("{text} was not asked");
            };
            assert_eq!(fault, Fault::WrongAnswer);
            assert!(shown.contains(text.trim_end()), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_preset_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for read in ALL {
                drop(read(&bytes));
            }
        }
    }
}
