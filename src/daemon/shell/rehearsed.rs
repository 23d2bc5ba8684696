//! What a rehearsal asks instead of what the file asks: its real servers are small programs that
//! speak HTTP at `/`, or send back what they are sent. They can die, hang and be cut off, and that
//! is what is rehearsed; they have no certificates, pages or mail. Pure; called by `outputs`.

use crate::health::Question;
use crate::spec::{HttpCheck, Kind, TcpCheck, UdpCheck, Vantage};

/// What is done about a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// This is asked.
    Ask(Box<Question>),
    /// Nothing is: it passes. Why, in half a sentence.
    Pass(&'static str),
}

/// What is done about a question in a rehearsal.
pub(super) fn instead(question: &Question) -> Instead {
    let kind = match &question.check.kind {
        None => return Instead::Pass("no agents are rehearsed"),
        Some(Kind::Exec(_)) => return Instead::Pass("a program would have been run"),
        Some(Kind::File(_)) => return Instead::Pass("a file would have been read"),
        Some(Kind::Ping(ping)) => Kind::Ping(ping.clone()),
        Some(Kind::Http(_) | Kind::Https(_)) if speaks_http(question.port) => {
            Kind::Http(HttpCheck::default())
        }
        Some(Kind::Udp(_)) => Kind::Udp(UdpCheck::default()),
        Some(Kind::Dns(dns)) if dns.tcp != Some(true) => Kind::Udp(UdpCheck::default()),
        Some(_) => Kind::Tcp(TcpCheck::default()),
    };
    let mut asked = question.clone();
    asked.check.kind = Some(kind);
    asked.check.vantage = Vantage::default();
    asked.vip = None;
    Instead::Ask(Box::new(asked))
}

/// The ports on which a rehearsal's servers speak HTTP (docs/rehearsal.md).
fn speaks_http(port: u16) -> bool {
    matches!(port, 80 | 443 | 3000 | 5000 | 8000..=8999)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Layout;
    use crate::spec::read;

    /// What a check of a service on a port becomes.
    fn asked(port: u16, check: &str) -> Instead {
        let text = format!(
            "version: 1\nvips: {{ www: {{ addresses: [192.0.2.10/24], interface: eth0 }} }}\n\
             services:\n  one:\n    vip: www\n    port: {port}\n    check: {check}\n    \
             real_servers: [{{ address: 10.0.0.21, port: {port} }}]\n"
        );
        let farm = read("farm.yaml", text.as_bytes()).value.unwrap();
        let layout = Layout::of(&farm);
        let group = layout.groups.values().next().unwrap();
        let member = group.servers.first().unwrap();
        instead(member.check.as_ref().unwrap())
    }

    fn kind(instead: Instead) -> &'static str {
        match instead {
            Instead::Ask(question) => question.kind().unwrap().word(),
            Instead::Pass(_) => "pass",
        }
    }

    #[test]
    fn servers_are_asked_what_they_can_answer() {
        let https = "{ https: { path: /healthz, body: OK } }";
        assert_eq!(kind(asked(8443, https)), "http");
        assert_eq!(kind(asked(9443, https)), "tcp");
        assert_eq!(kind(asked(25, "{ smtp: { security: starttls } }")), "tcp");
        assert_eq!(kind(asked(53, "{ dns: { name: example.com } }")), "udp");
        assert_eq!(kind(asked(80, "ping")), "ping");
        assert_eq!(kind(asked(80, "{ tcp: { send: x }, port: 8099 }")), "tcp");
    }

    #[test]
    fn nothing_of_what_was_asked_for_in_particular_is_left() {
        let asked = asked(80, "{ http: { path: /x, status: [204] }, mark: 7 }");
        let Instead::Ask(question) = asked else {
            panic!("{asked:?}");
        };
        assert_eq!(question.kind(), Some(&Kind::Http(HttpCheck::default())));
        assert_eq!(question.vantage(), &Vantage::default());
    }
}
