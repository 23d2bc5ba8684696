//! Who may read over TCP.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Who may read over TCP.
#[derive(Clone, PartialEq, Eq)]
pub enum Door {
    /// Whoever reaches the address: for loopback addresses only.
    Open,
    /// Who knows the token (`Authorization: Bearer TOKEN`, RFC 6750).
    Token(String),
}

/// Why an address is not served over TCP.
#[derive(Debug, Error)]
pub enum DoorError {
    /// Other machines reach it, and no token is asked for.
    #[error(
        "the API at {0} could be read by every machine that reaches it. Give it a token_file, or \
         serve it on a loopback address"
    )]
    Exposed(SocketAddr),
    /// The file of the token can't be read.
    #[error("the token of the API can't be read from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A token that is soon guessed.
    #[error(
        "the token of the API in {} has fewer than {SHORTEST} characters: it would soon be \
         guessed. Make one with `openssl rand -hex 32`",
        path.display()
    )]
    Short {
        /// The file.
        path: PathBuf,
    },
}

/// The shortest token that is taken.
const SHORTEST: usize = 16;

impl Door {
    /// The door of an address: with the token of a file, or open where only this machine reaches
    /// it.
    pub fn of(address: SocketAddr, token_file: Option<&Path>) -> Result<Self, DoorError> {
        match token_file {
            Some(path) => Self::from_file(path),
            None if address.ip().is_loopback() => Ok(Self::Open),
            None => Err(DoorError::Exposed(address)),
        }
    }

    fn from_file(path: &Path) -> Result<Self, DoorError> {
        let text = fs::read_to_string(path).map_err(|source| DoorError::Unreadable {
            path: path.into(),
            source,
        })?;
        let token = text.trim();
        if token.len() < SHORTEST {
            return Err(DoorError::Short { path: path.into() });
        }
        Ok(Self::Token(token.to_owned()))
    }

    /// Whether whoever shows this may come in. Takes as long for a wrong token as for the right
    /// one, so that it can't be guessed letter by letter.
    pub(super) fn lets_in(&self, shown: Option<&str>) -> bool {
        match self {
            Self::Open => true,
            Self::Token(token) => same(token.as_bytes(), shown.unwrap_or_default().as_bytes()),
        }
    }
}

/// Compares without stopping at the first difference.
fn same(expected: &[u8], shown: &[u8]) -> bool {
    let lengths = u8::from(expected.len() != shown.len());
    let pairs = expected
        .iter()
        .zip(shown.iter().chain(std::iter::repeat(&0)));
    let differing = pairs.fold(lengths, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(differing) == 0
}

impl std::fmt::Debug for Door {
    /// Never the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Token(_) => "Token(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_whole_token_opens_the_door() {
        let door = Door::Token("0123456789abcdef".into());
        assert!(door.lets_in(Some("0123456789abcdef")));
        let wrong = [
            "",
            "0123456789abcde",
            "0123456789abcdefg",
            "0123456789abcdeg",
            "0",
        ];
        for token in wrong {
            assert!(!door.lets_in(Some(token)), "{token}");
        }
        assert!(!door.lets_in(None));
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        let error = Door::of(address("192.0.2.11:9000"), None).unwrap_err();
        assert!(error.to_string().contains("token_file"), "{error}");
        assert!(Door::of(address("0.0.0.0:9000"), None).is_err());
        assert_eq!(
            Door::of(address("127.0.0.1:9000"), None).unwrap(),
            Door::Open
        );
        assert_eq!(Door::of(address("[::1]:9000"), None).unwrap(), Door::Open);
    }

    #[test]
    fn a_token_comes_from_a_file_and_must_not_be_short() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("token");
        fs::write(&file, "0123456789abcdef\n").unwrap();
        let door = Door::of(address("192.0.2.11:9000"), Some(&file)).unwrap();
        assert!(door.lets_in(Some("0123456789abcdef")));
        fs::write(&file, "short\n").unwrap();
        let error = Door::of(address("127.0.0.1:9000"), Some(&file)).unwrap_err();
        assert!(error.to_string().contains("openssl rand"), "{error}");
        let missing = Door::of(address("127.0.0.1:9000"), Some(&place.path().join("none")));
        assert!(missing.is_err());
    }

    #[test]
    fn a_token_is_never_printed() {
        let door = Door::Token("0123456789abcdef".into());
        assert_eq!(format!("{door:?}"), "Token(..)");
    }
}
