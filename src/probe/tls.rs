//! TLS to a server, verified or not; its certificate is read either way.
//!
//! Every connection is a full handshake: a check that resumes an earlier session would not see
//! that a certificate or a key has changed. Configurations are kept by their options. Used by
//! [`super::conversation`] and the kinds that speak HTTP.

mod certificate;
mod configuration;
mod words;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use configuration::{Configurations, Protocols};
pub(super) use words::problem;

use super::{Failure, Target, Tools};
use crate::health::{Expiry, Fault};
use crate::spec::TlsCheck;

/// A connection over TLS.
pub type Secured = TlsStream<TcpStream>;

/// Shakes hands over a connection.
///
/// The name that is asked for is the check's own, else `host` (a name or an address, with or
/// without a port), else the target's address. An address is never asked for (RFC 6066 section 3),
/// but the certificate must have it where it is verified.
pub async fn connect(
    target: &Target<'_>,
    tools: &Tools,
    options: &TlsCheck,
    host: Option<&str>,
    protocols: Protocols,
    stream: TcpStream,
) -> Result<Secured, Failure> {
    target.waits_for("the TLS handshake");
    let configuration = tools.tls().get(options, protocols).await?;
    let name = server_name(target, options, host)?;
    let connector = TlsConnector::from(configuration);
    connector
        .connect(name, stream)
        .await
        .map_err(words::failure)
}

/// Refuses a connection on which HTTP/2 was offered and not agreed on (RFC 9113 section 3.3).
pub fn agreed(stream: &Secured, protocols: Protocols) -> Result<(), Failure> {
    let (_, connection) = stream.get_ref();
    let h2 = connection.alpn_protocol() == Some(b"h2");
    if protocols == Protocols::Http2 && !h2 {
        return Err(Failure::server(
            Fault::Tls,
            "it does not speak HTTP/2 over TLS (no ALPN h2)",
        ));
    }
    Ok(())
}

/// When the certificate that the server showed expires.
pub fn expiry(stream: &Secured) -> Option<Expiry> {
    let (_, connection) = stream.get_ref();
    certificate::expiry(connection.peer_certificates()?.first()?)
}

fn server_name(
    target: &Target<'_>,
    options: &TlsCheck,
    host: Option<&str>,
) -> Result<ServerName<'static>, Failure> {
    let wanted = options.server_name.as_deref().or(host.map(without_port));
    let Some(name) = wanted else {
        return Ok(ServerName::from(target.address().ip()));
    };
    let name = name.trim_end_matches('.').to_owned();
    ServerName::try_from(name.clone())
        .map_err(|_| Failure::here(format!("`{name}` cannot be asked for as a server's name")))
}

/// A host without its port: `www:8080`, `[2001:db8::1]:8080`, `2001:db8::1`.
fn without_port(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_host_is_taken_without_its_port() {
        let hosts = [
            ("www.example", "www.example"),
            ("www.example:8443", "www.example"),
            ("192.0.2.1:8443", "192.0.2.1"),
            ("[2001:db8::1]:8443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ];
        for (host, name) in hosts {
            assert_eq!(without_port(host), name);
        }
    }
}
