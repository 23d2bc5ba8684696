//! Where things are on a machine: files by their whole path, sockets by address and port.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;

use super::{ScalarError, shown};

/// The whole path of a file or directory, from `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(String);

impl FilePath {
    /// A path that the caller knows to be whole.
    pub(crate) fn new_unchecked(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl Deref for FilePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for FilePath {
    fn as_ref(&self) -> &Path {
        self.as_path()
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FilePath {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let goes_up = text.split('/').any(|step| step == "..");
        let valid = text.starts_with('/') && !goes_up && !text.contains(char::is_control);
        if valid && text.len() < 4096 {
            return Ok(Self(text.to_owned()));
        }
        Err(ScalarError::new(
            format_args!("`{}` is not the whole path of a file", shown(text)),
            "write it from `/`, without `..`: `/etc/farmctl/token`",
        ))
    }
}

/// An address and a port: `127.0.0.1:9310`, `[::1]:9310`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketAddress(pub SocketAddr);

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SocketAddress {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Ok(Self(address)),
            _ => Err(ScalarError::new(
                format_args!("`{}` is not an address and a port", shown(text)),
                "write for example `127.0.0.1:9310` or `\"[::1]:9310\"`",
            )),
        }
    }
}
