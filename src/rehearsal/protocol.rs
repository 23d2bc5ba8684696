//! What the clients and the built-in real servers of a rehearsal say to each other.
//!
//! Only words and numbers; it opens no socket. Used by the load engine (which asks) and by the
//! real servers of the stage (which answer), so that neither can be changed alone.

use crate::spec::Protocol;

/// The header of every HTTP answer; its value is the name of the server that answers.
pub const NODE_HEADER: &str = "X-Farm-Node";

/// The path whose answer is the name of the server and a line feed.
pub const NAME_PATH: &str = "/";

/// The path of a download, `GET /download?kb=N&ms=M`: N blocks of [`DOWNLOAD_BLOCK`] bytes with M
/// milliseconds between them. The answer has a `Content-Length`.
pub const DOWNLOAD_PATH: &str = "/download";

/// The bytes of one block of a download.
pub const DOWNLOAD_BLOCK: usize = 1024;

/// The longest line of a TCP echo server, the line feed included; also its longest name.
pub const LONGEST_LINE: usize = 256;

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speech {
    /// HTTP/1.1 with `Connection: keep-alive` and `close`; each answer has a `Content-Length` and
    /// [`NODE_HEADER`]. `GET /` gives the server's name and a line feed.
    Http,
    /// The server greets with its name and a line feed, and then sends back every line that it is
    /// sent, unchanged.
    TcpEcho,
    /// Each datagram is answered with the server's name, a space, and the datagram.
    UdpEcho,
}

impl Speech {
    /// What a real server speaks on a port of its own, and so what clients speak to a service
    /// whose connections end there. None for SCTP, for which a rehearsal has no clients.
    ///
    /// HTTP stands on the ports where people expect it: 80, 443, 3000, 5000, 8000 to 8999.
    pub fn on(protocol: Protocol, server_port: u16) -> Option<Self> {
        match (protocol, server_port) {
            (Protocol::Tcp, 80 | 443 | 3000 | 5000 | 8000..=8999) => Some(Self::Http),
            (Protocol::Tcp, _) => Some(Self::TcpEcho),
            (Protocol::Udp, _) => Some(Self::UdpEcho),
            (Protocol::Sctp, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_ports_speak_http_and_other_tcp_ports_echo() {
        assert_eq!(Speech::on(Protocol::Tcp, 8080), Some(Speech::Http));
        assert_eq!(Speech::on(Protocol::Tcp, 443), Some(Speech::Http));
        assert_eq!(Speech::on(Protocol::Tcp, 30_000), Some(Speech::TcpEcho));
        assert_eq!(Speech::on(Protocol::Udp, 53), Some(Speech::UdpEcho));
        assert_eq!(Speech::on(Protocol::Sctp, 80), None);
    }
}
