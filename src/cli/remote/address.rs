//! Where a daemon is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A TCP address: `host:port`.
    Tcp(String),
}

/// The port where a URL names none.
const PORT: u16 = 9440;

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        if text.starts_with("https://") {
            return Err(format!(
                "{text}: the daemon speaks http only; go through a tunnel, or a proxy that ends TLS"
            ));
        }
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(format!(
                "{text} is no address of a daemon; write http://HOST:PORT or unix:/PATH"
            ));
        };
        let host = rest.trim_end_matches('/');
        let bad = host.is_empty() || host.contains(['/', '?', '#', '@', ' ']);
        if bad {
            return Err(format!(
                "{text}: write only http://HOST:PORT, without a path"
            ));
        }
        Ok(Self::Tcp(with_port(host)))
    }
}

/// The host with a port, that of farmctl where none is written.
fn with_port(host: &str) -> String {
    let behind_brackets = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    if behind_brackets.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{PORT}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "http://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_with_a_port_or_a_socket() {
        let tcp = |text: &str| Ok(Address::Tcp(text.into()));
        assert_eq!("http://192.0.2.11:9000".parse(), tcp("192.0.2.11:9000"));
        assert_eq!("http://lb1/".parse(), tcp("lb1:9440"));
        assert_eq!("http://[2001:db8::1]".parse(), tcp("[2001:db8::1]:9440"));
        assert_eq!(
            "http://[2001:db8::1]:9000".parse(),
            tcp("[2001:db8::1]:9000")
        );
        assert_eq!("unix:/run/x".parse(), Ok(Address::Unix("/run/x".into())));
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for text in [
            "lb1:9000",
            "https://lb1",
            "http://",
            "http://lb1/v1",
            "http://a@b",
            "",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains("http"), "{error}");
        }
    }
}
