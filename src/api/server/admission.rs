//! Who asks, and whether they may.

use hyper::Request;
use hyper::header::{AUTHORIZATION, HOST};

use crate::api::{Door, Peer, Refusal, RefusalKind};

use super::routes::Route;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// A process of this machine.
    Local(Peer),
    /// Somebody at a TCP address.
    Remote(std::sync::Arc<Door>),
}

impl Caller {
    /// The process, where it can be told.
    pub(super) fn peer(&self) -> Option<Peer> {
        match self {
            Self::Local(peer) => Some(*peer),
            Self::Remote(_) => None,
        }
    }

    /// Whether this request to this route is let in.
    pub(super) fn admit<B>(&self, route: &Route, request: &Request<B>) -> Result<(), Refusal> {
        match self {
            Self::Local(peer) => admit_local(*peer, route),
            Self::Remote(door) => admit_remote(door, route, request),
        }
    }
}

fn admit_local(peer: Peer, route: &Route) -> Result<(), Refusal> {
    let own = nix::unistd::geteuid().as_raw();
    if !route.is_order() || peer.uid == 0 || peer.uid == own {
        return Ok(());
    }
    let message = format!(
        "Orders are taken from root and from the daemon's own user (uid {own}); this one came \
         from uid {}.",
        peer.uid
    );
    Err(Refusal::new(RefusalKind::Forbidden, message).helped("Give the order as root."))
}

fn admit_remote<B>(door: &Door, route: &Route, request: &Request<B>) -> Result<(), Refusal> {
    if route.is_order() {
        let message = "Over TCP the API can only be read.";
        return Err(Refusal::new(RefusalKind::Forbidden, message)
            .helped("Give orders on the machine itself, over the daemon's unix socket."));
    }
    if *door == Door::Open {
        return admit_host(request);
    }
    if route.is_for_everybody() || door.lets_in(token(request)) {
        return Ok(());
    }
    let message = "The token is missing or wrong.";
    Err(Refusal::new(RefusalKind::Unauthorized, message)
        .helped("Send `Authorization: Bearer TOKEN`; farmctl does so with --token-file."))
}

/// A page in a browser of this machine could have its own name resolved to the loopback address
/// (DNS rebinding) and read what only this machine may: so the name must be the machine's own.
fn admit_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    if host.is_empty() || is_loopback(host) {
        return Ok(());
    }
    let message =
        format!("This address answers to 127.0.0.1, [::1] and localhost, not to `{host}`.");
    Err(Refusal::new(RefusalKind::Forbidden, message))
}

/// Whether a Host header names this machine to itself: `localhost`, `127.0.0.1:9000`, `[::1]`.
fn is_loopback(host: &str) -> bool {
    let without_port = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = without_port.unwrap_or_default();
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The token that a request shows. The scheme's name is read in any case (RFC 9110 section 11.1).
fn token<B>(request: &Request<B>) -> Option<&str> {
    let shown = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::ROUTES;
    use super::*;

    fn route(path: &str) -> &'static Route {
        ROUTES.iter().find(|route| route.path == path).unwrap()
    }

    fn kind(result: Result<(), Refusal>) -> Option<RefusalKind> {
        result.err().map(|refusal| refusal.kind)
    }

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn local(uid: u32) -> Caller {
        Caller::Local(Peer {
            uid,
            gid: 0,
            pid: None,
        })
    }

    fn behind_a_token() -> Caller {
        Caller::Remote(Arc::new(Door::Token("0123456789abcdef".into())))
    }

    #[test]
    fn orders_are_taken_from_root_and_from_the_daemons_user_only() {
        let own = nix::unistd::geteuid().as_raw();
        let plain = request(&[]);
        let drain = route("/v1/drain");
        assert_eq!(kind(local(0).admit(drain, &plain)), None);
        assert_eq!(kind(local(own).admit(drain, &plain)), None);
        let refused = Some(RefusalKind::Forbidden);
        assert_eq!(kind(local(65534).admit(drain, &plain)), refused);
        assert_eq!(kind(local(65534).admit(route("/v1/status"), &plain)), None);
    }

    #[test]
    fn no_order_is_taken_over_tcp_whatever_it_shows() {
        let right = request(&[("authorization", "Bearer 0123456789abcdef")]);
        for route in ROUTES.iter().filter(|route| route.is_order()) {
            let refused = Some(RefusalKind::Forbidden);
            assert_eq!(kind(behind_a_token().admit(route, &right)), refused);
            let open = Caller::Remote(Arc::new(Door::Open));
            assert_eq!(kind(open.admit(route, &right)), refused);
        }
    }

    #[test]
    fn behind_a_token_only_a_word_of_health_is_for_everybody() {
        let nothing = request(&[]);
        let open: Vec<&str> = ROUTES
            .iter()
            .filter(|route| behind_a_token().admit(route, &nothing).is_ok())
            .map(|route| route.path)
            .collect();
        assert_eq!(open, ["/healthz", "/readyz"]);
    }

    #[test]
    fn a_token_is_read_from_the_header_of_its_scheme() {
        let admitted = |value| {
            let request = request(&[("authorization", value)]);
            behind_a_token()
                .admit(route("/v1/status"), &request)
                .is_ok()
        };
        assert!(admitted("Bearer 0123456789abcdef"));
        assert!(admitted("bearer  0123456789abcdef"));
        assert!(!admitted("Basic 0123456789abcdef"));
        assert!(!admitted("0123456789abcdef"));
    }

    #[test]
    fn a_page_of_another_name_can_not_read_the_loopback_address() {
        let admitted = |host| {
            let open = Caller::Remote(Arc::new(Door::Open));
            open.admit(route("/v1/status"), &request(&[("host", host)]))
                .is_ok()
        };
        for host in [
            "localhost",
            "LOCALHOST:9000",
            "127.0.0.1:9000",
            "[::1]:9000",
            "[::1]",
            "",
        ] {
            assert!(admitted(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9000",
            "192.0.2.1",
            "localhost.evil.example",
        ] {
            assert!(!admitted(host), "{host}");
        }
    }
}
