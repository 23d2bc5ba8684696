//! The first packet of a MySQL or MariaDB server: its handshake, or the reason why it refuses.
//!
//! Pure. <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>:
//! three bytes of length, least first, one of sequence; then 10 and the version as a text that
//! ends with 0, or 255, a number and a text.

use super::Reading;
use crate::probe::Failure;
use crate::probe::conversation::beginning;

/// The version of the protocol that every server since 3.21 speaks.
const HANDSHAKE: u8 = 10;
/// The first byte of an error.
const ERROR: u8 = 255;
/// The four bytes before a packet's content.
const HEADER: usize = 4;

/// Reads the first packet; none where more of it must come.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let (header, content) = bytes.split_at_checked(HEADER)?;
    let length = header
        .iter()
        .take(3)
        .rev()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    match content.get(..length) {
        None if is_plausible(header, content) => None,
        None => Some(Err(foreign(bytes))),
        Some(packet) => Some(judge(packet).unwrap_or_else(|| Err(foreign(bytes)))),
    }
}

/// A first packet has the sequence number 0, a known first byte, and is short.
fn is_plausible(header: &[u8], content: &[u8]) -> bool {
    let is_known = content
        .first()
        .is_none_or(|byte| [HANDSHAKE, ERROR].contains(byte));
    header.get(2..) == Some(&[0, 0]) && is_known
}

fn judge(packet: &[u8]) -> Option<Result<String, Failure>> {
    match packet.split_first()? {
        (&HANDSHAKE, rest) => {
            let end = rest.iter().position(|byte| *byte == 0)?;
            Some(Ok(format!("greets {}", beginning(rest.get(..end)?))))
        }
        (&ERROR, rest) => Some(Err(refused(rest))),
        _ => None,
    }
}

/// An error ahead of the handshake: a number, then a text, sometimes after a state (`#08004`).
fn refused(rest: &[u8]) -> Failure {
    let number = rest
        .iter()
        .take(2)
        .rev()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let text = rest.get(2..).unwrap_or_default();
    let text = match text.split_at_checked(6) {
        Some((state, after)) if state.starts_with(b"#") => after,
        Some(_) | None => text,
    };
    Failure::wrong(format!("it refuses: error {number} \"{}\"", shown(text)))
}

/// A reason may be long: `Host '…' is blocked because of many connection errors; unblock with …`.
fn shown(text: &[u8]) -> String {
    const SHOWN: usize = 160;
    text.get(..SHOWN).unwrap_or(text).escape_ascii().to_string()
}

fn foreign(bytes: &[u8]) -> Failure {
    Failure::wrong(format!("no greeting of MySQL: {}", beginning(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [&length[..3], &[0], content].concat()
    }

    fn text(reading: Reading) -> Result<String, String> {
        reading.unwrap().map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_handshake_shows_the_version() {
        let bytes = packet(b"\x0a5.5.5-10.11.6-MariaDB\x00\x01\x00\x00\x00saltsalt\x00");
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(
            text(read(&bytes)),
            Ok("greets \"5.5.5-10.11.6-MariaDB\"".to_owned())
        );
    }

    #[test]
    fn a_refusal_shows_its_text_with_or_without_a_state() {
        let blocked = b"\xff\x69\x04Host '10.0.0.1' is blocked because of many connection errors";
        assert_eq!(
            text(read(&packet(blocked))),
            Err("it refuses: error 1129 \"Host \\'10.0.0.1\\' is blocked because of many connection errors\"".to_owned())
        );
        let many = b"\xff\x10\x04#08004Too many connections";
        assert_eq!(
            text(read(&packet(many))),
            Err("it refuses: error 1040 \"Too many connections\"".to_owned())
        );
    }

    #[test]
    fn another_protocol_is_known_by_its_first_bytes() {
        for bytes in [
            &b"220 ftp\r\n"[..],
            b"SSH-2.0-OpenSSH",
            b"\x05\x00\x00\x00\x09old\x00",
        ] {
            assert!(
                text(read(bytes))
                    .unwrap_err()
                    .starts_with("no greeting of MySQL"),
                "{bytes:?}"
            );
        }
    }
}
