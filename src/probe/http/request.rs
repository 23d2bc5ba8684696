//! The request of a check.

use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri, Version};

use crate::probe::{Failure, Target};
use crate::spec::{HttpCheck, HttpMethod, HttpVersion};

/// What a server's log shows of a check.
const AGENT: &str = concat!("farmctl/", env!("CARGO_PKG_VERSION"), " (health check)");

/// Makes it. What the file says and HTTP can't is this machine's failure; `validate` refuses it.
pub(super) fn of(
    check: &HttpCheck,
    scheme: &str,
    target: &Target<'_>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let host = (check.host.clone()).unwrap_or_else(|| address(target.address(), scheme));
    let version = version(check);
    let mut request = Request::new(Full::default());
    *request.method_mut() = method(check);
    *request.uri_mut() = uri(check, scheme, &host, version)?;
    *request.version_mut() = version;
    headers(check, &host, version, request.headers_mut())?;
    Ok(request)
}

fn version(check: &HttpCheck) -> Version {
    match check.version.unwrap_or_default() {
        HttpVersion::V10 => Version::HTTP_10,
        HttpVersion::V11 => Version::HTTP_11,
        HttpVersion::V2 => Version::HTTP_2,
    }
}

fn method(check: &HttpCheck) -> Method {
    match check.method.unwrap_or_default() {
        HttpMethod::Get => Method::GET,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Post => Method::POST,
        HttpMethod::Options => Method::OPTIONS,
    }
}

/// HTTP/1 sends the path alone (RFC 9112 section 3.2.1); HTTP/2 also sends scheme and authority
/// (RFC 9113 section 8.3.1).
fn uri(check: &HttpCheck, scheme: &str, host: &str, version: Version) -> Result<Uri, Failure> {
    let path = check.path.as_deref().unwrap_or("/");
    let whole = if version == Version::HTTP_2 {
        format!("{scheme}://{host}{path}")
    } else {
        path.to_owned()
    };
    whole
        .parse()
        .map_err(|error| Failure::here(format!("`{whole}` cannot be asked for: {error}")))
}

fn headers(
    check: &HttpCheck,
    host: &str,
    version: Version,
    headers: &mut HeaderMap,
) -> Result<(), Failure> {
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if version != Version::HTTP_2 {
        headers.insert(HOST, value("Host", host)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, text) in &check.headers {
        let header = HeaderName::try_from(name)
            .map_err(|_| Failure::here(format!("`{name}` cannot be a header's name")))?;
        headers.insert(header, value(name, text)?);
    }
    Ok(())
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text)
        .map_err(|_| Failure::here(format!("the header {name} cannot have the value `{text}`")))
}

/// An address as a host, with the port where it is not the scheme's own.
fn address(address: SocketAddr, scheme: &str) -> String {
    let own = if scheme == "https" { 443 } else { 80 };
    if address.port() != own {
        return address.to_string();
    }
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_a_host_with_the_port_that_is_not_the_usual() {
        let cases = [
            ("192.0.2.1:80", "http", "192.0.2.1"),
            ("192.0.2.1:8080", "http", "192.0.2.1:8080"),
            ("192.0.2.1:80", "https", "192.0.2.1:80"),
            ("[2001:db8::1]:443", "https", "[2001:db8::1]"),
            ("[2001:db8::1]:8443", "https", "[2001:db8::1]:8443"),
        ];
        for (socket, scheme, host) in cases {
            assert_eq!(
                socket.parse().map(|socket| address(socket, scheme)),
                Ok(host.to_owned())
            );
        }
    }
}
