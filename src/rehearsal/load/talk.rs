//! What clients say, and what they understand of the answers: bytes in, meaning out.
//!
//! No socket and no clock. Bytes come from whatever the farm leads to: anything that is not as
//! [`protocol`](super::super::protocol) says is a [`Fault`], never a panic. Called by the engine.

use super::super::protocol::{DOWNLOAD_PATH, LONGEST_LINE, NAME_PATH, NODE_HEADER, Speech};
use super::super::record::{Fault, Kind};

/// The longest head of an HTTP answer that is waited for, in bytes.
const LONGEST_HEAD: usize = 4096;

/// What the bytes so far mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard<'b> {
    /// The answer is not complete.
    Part,
    /// A complete answer, or the head of a download's.
    Whole {
        /// Who answers.
        server: &'b str,
        /// How many bytes of the buffer it took.
        used: usize,
        /// How many bytes are still to come (of a download).
        rest: u64,
    },
    /// Not what was asked for.
    Wrong(Fault),
}

/// How a download is asked for: `blocks` with `pause` milliseconds between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) blocks: u64,
    pub(super) pause: u64,
}

/// The bytes of one request; `serial` numbers the requests of a connection.
pub(super) fn request(speech: Speech, kind: Kind, serial: u32, pace: Pace) -> Vec<u8> {
    let text = match (speech, kind) {
        (Speech::Http, Kind::New) => get(NAME_PATH, "close"),
        (Speech::Http, Kind::Standing) => get(NAME_PATH, "keep-alive"),
        (Speech::Http, Kind::Download) => {
            let Pace { blocks, pause } = pace;
            get(&format!("{DOWNLOAD_PATH}?kb={blocks}&ms={pause}"), "close")
        }
        (Speech::TcpEcho | Speech::UdpEcho, _) => token(serial),
    };
    text.into_bytes()
}

fn get(path: &str, connection: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: farm\r\nConnection: {connection}\r\n\r\n")
}

/// What is sent to be echoed.
fn token(serial: u32) -> String {
    format!("echo {serial}\n")
}

/// Who answers, where the connection itself says so before any answer: the greeting of an echo
/// server. Gives the name and the bytes that it took.
fn greeting(bytes: &[u8]) -> Heard<'_> {
    match line(bytes) {
        Some(server) => named(server, server.len() + 1, 0),
        None if bytes.len() >= LONGEST_LINE => Heard::Wrong(Fault::Garbled),
        None => Heard::Part,
    }
}

/// The echo of a line on a connection that was greeted by `server`.
pub(super) fn echo<'b>(bytes: &[u8], serial: u32, server: &'b str) -> Heard<'b> {
    let token = token(serial);
    let token = token.as_bytes();
    if bytes.starts_with(token) {
        return Heard::Whole {
            server,
            used: token.len(),
            rest: 0,
        };
    }
    if token.starts_with(bytes) {
        Heard::Part
    } else {
        Heard::Wrong(Fault::Garbled)
    }
}

/// The greeting and the first echo behind it.
pub(super) fn greeted_echo(bytes: &[u8], serial: u32) -> Heard<'_> {
    let Heard::Whole { server, used, .. } = greeting(bytes) else {
        return greeting(bytes);
    };
    let heard = echo(bytes.get(used..).unwrap_or_default(), serial, server);
    match heard {
        Heard::Whole { used: more, .. } => Heard::Whole {
            server,
            used: used + more,
            rest: 0,
        },
        Heard::Part | Heard::Wrong(_) => heard,
    }
}

/// The answer of a UDP echo server: its name, a space, what was sent.
pub(super) fn datagram(bytes: &[u8], serial: u32) -> Heard<'_> {
    let token = token(serial);
    let name = bytes
        .strip_suffix(token.as_bytes())
        .and_then(|rest| rest.strip_suffix(b" "));
    name.map_or(Heard::Wrong(Fault::Garbled), |name| {
        named(name, bytes.len(), 0)
    })
}

/// The answer to `GET /`: the name in the header and in the body.
pub(super) fn page(bytes: &[u8]) -> Heard<'_> {
    let Heard::Whole { server, used, rest } = head(bytes) else {
        return head(bytes);
    };
    let Ok(length) = usize::try_from(rest) else {
        return Heard::Wrong(Fault::Garbled);
    };
    let Some(body) = bytes.get(used..used.saturating_add(length)) else {
        return if length > LONGEST_LINE {
            Heard::Wrong(Fault::Garbled)
        } else {
            Heard::Part
        };
    };
    if body.strip_suffix(b"\n") == Some(server.as_bytes()) {
        let used = used + length;
        Heard::Whole {
            server,
            used,
            rest: 0,
        }
    } else {
        Heard::Wrong(Fault::Garbled)
    }
}

/// The head of an HTTP answer; the rest is its body.
pub(super) fn head(bytes: &[u8]) -> Heard<'_> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end.filter(|end| *end <= LONGEST_HEAD) else {
        return if bytes.len() > LONGEST_HEAD {
            Heard::Wrong(Fault::Garbled)
        } else {
            Heard::Part
        };
    };
    let Ok(text) = std::str::from_utf8(&bytes[..end]) else {
        return Heard::Wrong(Fault::Garbled);
    };
    let mut lines = text.split("\r\n");
    match lines.next().and_then(status) {
        Some(200) => {}
        Some(other) => return Heard::Wrong(Fault::Status(other)),
        None => return Heard::Wrong(Fault::Garbled),
    }
    fields(lines, end + 4).unwrap_or(Heard::Wrong(Fault::Garbled))
}

/// RFC 9112, section 4: `HTTP/1.1 200 OK`.
fn status(line: &str) -> Option<u16> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or(line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

fn fields<'b>(lines: impl Iterator<Item = &'b str>, used: usize) -> Option<Heard<'b>> {
    let (mut server, mut length) = (None, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case(NODE_HEADER) {
            server = Some(value.trim());
        } else if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse().ok()?);
        }
    }
    Some(named(server?.as_bytes(), used, length?))
}

fn named(name: &[u8], used: usize, rest: u64) -> Heard<'_> {
    match std::str::from_utf8(name) {
        Ok(server) if is_name(server) => Heard::Whole { server, used, rest },
        _ => Heard::Wrong(Fault::Garbled),
    }
}

/// A node's name, or the address of a real server without one.
fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..LONGEST_LINE).contains(&text.len()) && text.chars().all(known)
}

/// The first line, without its line feed.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes
        .iter()
        .take(LONGEST_LINE)
        .position(|byte| *byte == b'\n')?;
    bytes.get(..end)
}

/// A download that lasts at least this long: blocks every 20 ms.
pub(super) fn pace(milliseconds: u64) -> Pace {
    const PAUSE: u64 = 20;
    Pace {
        blocks: (milliseconds / PAUSE).max(1),
        pause: PAUSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAGE: &[u8] =
        b"HTTP/1.1 200 OK\r\nx-farm-node: web1\r\nContent-Length: 5\r\n\r\nweb1\nrest";

    #[test]
    fn a_page_is_whole_at_its_last_byte_and_not_before() {
        let whole = PAGE.len() - 4;
        for end in 0..whole {
            assert_eq!(page(&PAGE[..end]), Heard::Part, "{end}");
        }
        let heard = Heard::Whole {
            server: "web1",
            used: whole,
            rest: 0,
        };
        assert_eq!(page(PAGE), heard);
    }

    #[test]
    fn a_page_whose_body_names_another_server_is_garbled() {
        let other = b"HTTP/1.1 200 OK\r\nX-Farm-Node: web1\r\nContent-Length: 5\r\n\r\nweb2\n";
        assert_eq!(page(other), Heard::Wrong(Fault::Garbled));
    }

    #[test]
    fn another_status_is_told_as_such() {
        let refused = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(page(refused), Heard::Wrong(Fault::Status(503)));
        assert_eq!(page(b"SSH-2.0-x\r\n\r\n"), Heard::Wrong(Fault::Garbled));
    }

    #[test]
    fn an_echo_is_what_was_sent_after_the_greeting() {
        let greeted = Heard::Whole {
            server: "web1",
            used: 5,
            rest: 0,
        };
        assert_eq!(greeting(b"web1\necho 7\n"), greeted);
        assert_eq!(greeting(b"web"), Heard::Part);
        assert!(matches!(
            echo(b"echo 7\n", 7, "web1"),
            Heard::Whole { used: 7, .. }
        ));
        assert_eq!(echo(b"echo ", 7, "web1"), Heard::Part);
        assert_eq!(echo(b"echo 8\n", 7, "web1"), Heard::Wrong(Fault::Garbled));
    }

    #[test]
    fn a_datagram_names_its_server_and_repeats_the_question() {
        let sent = request(Speech::UdpEcho, Kind::New, 3, pace(0));
        let answer = [b"10.0.0.21 ", sent.as_slice()].concat();
        assert!(matches!(
            datagram(&answer, 3),
            Heard::Whole {
                server: "10.0.0.21",
                ..
            }
        ));
        assert_eq!(datagram(&answer, 4), Heard::Wrong(Fault::Garbled));
        assert_eq!(datagram(b"", 4), Heard::Wrong(Fault::Garbled));
    }

    #[test]
    fn a_download_lasts_as_long_as_it_is_asked_to() {
        let pace = pace(10_000);
        assert_eq!(pace.blocks * pace.pause, 10_000);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_client_panic_or_believe_in_bytes_that_are_not_there(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            from in 0..PAGE.len(),
        ) {
            let mixed = [&PAGE[..from], &bytes].concat();
            for bytes in [&bytes, &mixed] {
                for heard in [greeting(bytes), page(bytes), head(bytes), datagram(bytes, 1)] {
                    if let Heard::Whole { used, .. } = heard {
                        prop_assert!(used <= bytes.len());
                    }
                }
            }
        }
    }
}
