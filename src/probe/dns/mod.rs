//! A name is resolved: one question over UDP, or over TCP where the check says so or the answer
//! was cut short (RFC 7766).
//!
//! The answer must have the question's id and the question itself, the code NOERROR, and a record
//! of the kind that was asked for; with `address`, that address. Datagrams that answer something
//! else are passed over, as a resolver does: anybody can send one. The codec is our own: one
//! question and one section are 200 lines, and a DNS library is far more (decision 2). Called by
//! [`super::ask`].

pub mod message;
pub mod name;

use std::net::IpAddr;

use self::message::{Code, Query, Response};
use self::name::Name;
use super::conversation::Conversation;
use super::{Failure, Report, Target, Tools, socket};
use crate::spec::{DnsCheck, DnsRecord};

/// A datagram of a server is at most this long without extensions, and some send more.
const DATAGRAM: usize = 4096;

/// So many datagrams that answer another question are passed over.
const FOREIGN_LIMIT: usize = 32;

/// Asks one.
pub(super) async fn ask(
    check: &DnsCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let query = query(check)?;
    let response = if check.tcp == Some(true) {
        over_tcp(&query, target, tools).await?
    } else {
        over_udp_first(&query, target, tools).await?
    };
    judge(&query, &response, check.address).map(Report::pass)
}

/// The question of a check. Without a kind of record it is that of the expected address, else SOA
/// for the root and A for any other name.
fn query(check: &DnsCheck) -> Result<Query, Failure> {
    let name = match &check.name {
        None => Name::root(),
        Some(text) => Name::parse(text).map_err(|bad| Failure::here(bad.to_string()))?,
    };
    let otherwise = match check.address {
        Some(IpAddr::V6(_)) => DnsRecord::Aaaa,
        None if name.is_root() => DnsRecord::Soa,
        Some(IpAddr::V4(_)) | None => DnsRecord::A,
    };
    Ok(Query {
        id: fastrand::u16(..),
        record: check.record.unwrap_or(otherwise),
        name,
    })
}

/// Over TCP only where the answer does not fit a datagram (RFC 7766 section 5).
async fn over_udp_first(
    query: &Query,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Response, Failure> {
    let response = over_udp(query, target).await?;
    if response.truncated {
        return over_tcp(query, target, tools).await;
    }
    Ok(response)
}

async fn over_udp(query: &Query, target: &Target<'_>) -> Result<Response, Failure> {
    let socket = socket::udp(target).await?;
    target.waits_for("the datagram to be sent");
    socket.send(&query.to_bytes()).await?;
    target.waits_for("the answer");
    let mut bytes = vec![0; DATAGRAM];
    for _ in 0..FOREIGN_LIMIT {
        let length = socket.recv(&mut bytes).await?;
        let read = message::read(bytes.get(..length).unwrap_or_default());
        match read {
            Ok(response) if query.is_answered_by(&response) => return Ok(response),
            // Only one that has the id is certain to be the server's own.
            Err(malformed) if bytes.starts_with(&query.id.to_be_bytes()) => {
                return Err(no_dns(malformed));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Err(Failure::broken(format!(
        "{FOREIGN_LIMIT} datagrams that answer another question"
    )))
}

/// Over TCP each message follows its length (RFC 1035 section 4.2.2).
async fn over_tcp(query: &Query, target: &Target<'_>, tools: &Tools) -> Result<Response, Failure> {
    let mut conversation = Conversation::connect(target, tools, None).await?;
    let message = query.to_bytes();
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    conversation
        .write(&[&length.to_be_bytes(), message.as_slice()].concat())
        .await?;
    let length = conversation.read_exact(2).await?;
    let length = length
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    let bytes = conversation.read_exact(length).await?;
    let response = message::read(&bytes).map_err(no_dns)?;
    if !query.is_answered_by(&response) {
        return Err(Failure::broken("it answers another question"));
    }
    if response.truncated {
        return Err(Failure::broken("an answer cut short over TCP"));
    }
    Ok(response)
}

fn no_dns(malformed: message::Malformed) -> Failure {
    Failure::broken(format!("what it sent is no DNS: {malformed}"))
}

/// What a response says, or why it is not good.
fn judge(query: &Query, response: &Response, wanted: Option<IpAddr>) -> Result<String, Failure> {
    if response.code != Code::NO_ERROR {
        return Err(Failure::wrong(format!(
            "{} for {}",
            response.code, query.name
        )));
    }
    let kind = message::number(query.record);
    let records = response.answers.iter().filter(|record| record.kind == kind);
    let addresses: Vec<IpAddr> = records
        .clone()
        .filter_map(|record| record.address)
        .collect();
    match wanted {
        Some(address) if addresses.contains(&address) => Ok(format!("{} is {address}", query.name)),
        Some(address) => Err(Failure::wrong(other_address(query, address, &addresses))),
        None => match records.count() {
            0 => Err(Failure::wrong(format!("{} has no such record", query.name))),
            1 => Ok(format!("1 record of {}", query.name)),
            many => Ok(format!("{many} records of {}", query.name)),
        },
    }
}

fn other_address(query: &Query, wanted: IpAddr, found: &[IpAddr]) -> String {
    const SHOWN: usize = 4;
    if found.is_empty() {
        return format!("{} has no address, {wanted} is expected", query.name);
    }
    let shown: Vec<String> = found.iter().take(SHOWN).map(IpAddr::to_string).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    format!("{} is {}{more}, not {wanted}", query.name, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::message::Record;
    use super::*;
    use crate::health::{Fault, Verdict};

    fn check(name: Option<&str>) -> DnsCheck {
        DnsCheck {
            name: name.map(str::to_owned),
            ..DnsCheck::default()
        }
    }

    fn asked(check: &DnsCheck) -> (String, DnsRecord) {
        let query = query(check).unwrap();
        (query.name.to_string(), query.record)
    }

    #[test]
    fn the_kind_of_record_follows_from_the_name_and_the_address() {
        assert_eq!(asked(&check(None)), (".".into(), DnsRecord::Soa));
        assert_eq!(asked(&check(Some("."))), (".".into(), DnsRecord::Soa));
        assert_eq!(asked(&check(Some("a.b"))), ("a.b".into(), DnsRecord::A));
        let six = DnsCheck {
            address: Some("2001:db8::1".parse().unwrap()),
            ..check(Some("a.b"))
        };
        assert_eq!(asked(&six).1, DnsRecord::Aaaa);
        let mail = DnsCheck {
            record: Some(DnsRecord::Mx),
            ..six
        };
        assert_eq!(asked(&mail).1, DnsRecord::Mx);
    }

    /// An alias in front of the addresses, as a resolver answers.
    fn answered(addresses: &[&str]) -> (Query, Response) {
        let query = query(&check(Some("www.example.com"))).unwrap();
        let alias = Record {
            name: query.name.clone(),
            kind: 5,
            address: None,
        };
        let address = |text: &&str| Record {
            name: Name::parse("host.example.com").unwrap(),
            kind: 1,
            address: Some(text.parse().unwrap()),
        };
        let response = Response {
            id: query.id,
            truncated: false,
            code: Code::NO_ERROR,
            question: Some((query.name.clone(), 1)),
            answers: std::iter::once(alias)
                .chain(addresses.iter().map(address))
                .collect(),
        };
        (query, response)
    }

    #[test]
    fn an_address_behind_an_alias_is_found() {
        let (query, response) = answered(&["192.0.2.7", "192.0.2.8"]);
        let wanted = "192.0.2.8".parse().ok();
        assert_eq!(
            judge(&query, &response, wanted).unwrap(),
            "www.example.com is 192.0.2.8"
        );
        assert_eq!(
            judge(&query, &response, None).unwrap(),
            "2 records of www.example.com"
        );
    }

    #[test]
    fn another_address_is_named() {
        let (query, response) = answered(&["192.0.2.7"]);
        let failure = judge(&query, &response, "192.0.2.8".parse().ok()).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "www.example.com is 192.0.2.7, not 192.0.2.8"
        );
        let expected = Verdict::Fail {
            fault: Fault::WrongAnswer,
            text: failure.to_string(),
        };
        assert_eq!(Verdict::from(failure), expected);
    }

    #[test]
    fn an_alias_alone_is_no_address() {
        let (query, response) = answered(&[]);
        let failure = judge(&query, &response, None).unwrap_err();
        assert_eq!(failure.to_string(), "www.example.com has no such record");
    }
}
