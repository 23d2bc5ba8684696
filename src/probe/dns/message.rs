//! DNS messages to bytes and back (RFC 1035 section 4): one question out, an answer in.
//!
//! Pure. [`read`] takes any bytes: nothing makes it panic, and it reads the answer section only,
//! at most [`RECORD_LIMIT`] records of it. Called by [`super`], by tests and by the fuzz target.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::Name;
use crate::spec::DnsRecord;

/// More records of an answer than this are not read.
pub const RECORD_LIMIT: usize = 256;

/// The class of the Internet.
const INTERNET: u16 = 1;
/// The size of the header, bytes.
const HEADER: usize = 12;
/// Flags of the header: a response, cut short, recursion desired; the kind of question; the code
/// (RFC 1035 section 4.1.1).
const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const CODE: u16 = 0x000f;

/// One question: a name and the kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Chosen at random; the answer must have it.
    pub id: u16,
    /// The name.
    pub name: Name,
    /// The kind of record.
    pub record: DnsRecord,
}

/// A response, as far as a check needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The question's id.
    pub id: u16,
    /// Whether it was cut short to fit a datagram.
    pub truncated: bool,
    /// How it went.
    pub code: Code,
    /// The question that it answers; none where the server leaves it out.
    pub question: Option<(Name, u16)>,
    /// The records of the answer section.
    pub answers: Vec<Record>,
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: Name,
    /// Its kind, as a number.
    pub kind: u16,
    /// The address of an A or AAAA record.
    pub address: Option<IpAddr>,
}

/// How a question went (RFC 1035 section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u8);

/// Bytes that are no response of the DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// A question instead of an answer.
    #[error("it is a question, not an answer")]
    Question,
    /// Another kind of question than the one that was asked.
    #[error("it answers another kind of question")]
    Operation,
    /// A pointer that points forward or to itself.
    #[error("a compression pointer points forward or to itself")]
    Pointer,
    /// A label of a kind that nobody uses.
    #[error("a label has an unknown form")]
    Label,
    /// A name of more than 255 bytes.
    #[error("a name is longer than 255 bytes")]
    LongName,
    /// More than one question.
    #[error("it answers {0} questions at once")]
    Questions(u16),
}

impl Code {
    /// All went well.
    pub const NO_ERROR: Self = Self(0);
}

impl std::fmt::Display for Code {
    /// The names of the IANA registry of DNS RCODEs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            9 => "NOTAUTH",
            other => return write!(f, "RCODE {other}"),
        };
        f.write_str(name)
    }
}

/// The number of a kind of record (IANA registry of DNS resource record types).
pub fn number(record: DnsRecord) -> u16 {
    match record {
        DnsRecord::A => 1,
        DnsRecord::Ns => 2,
        DnsRecord::Cname => 5,
        DnsRecord::Soa => 6,
        DnsRecord::Ptr => 12,
        DnsRecord::Mx => 15,
        DnsRecord::Txt => 16,
        DnsRecord::Aaaa => 28,
        DnsRecord::Srv => 33,
    }
}

impl Query {
    /// The message. Recursion is desired: a resolver needs it, and a server of zones ignores it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.id, RECURSION_DESIRED, 1, 0, 0, 0];
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u16::to_be_bytes).collect();
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend(number(self.record).to_be_bytes());
        bytes.extend(INTERNET.to_be_bytes());
        bytes
    }

    /// Whether a response answers this question. A server that could not read the question, or
    /// would not, may leave it out.
    pub fn is_answered_by(&self, response: &Response) -> bool {
        let same = match &response.question {
            Some((name, kind)) => *name == self.name && *kind == number(self.record),
            None => response.code != Code::NO_ERROR,
        };
        same && response.id == self.id
    }
}

/// Reads a response.
pub fn read(message: &[u8]) -> Result<Response, Malformed> {
    let [id, flags, questions, answers] = [0, 2, 4, 6].map(|at| u16_at(message, at));
    let (flags, questions, answers) = (flags?, questions?, answers?);
    if message.len() < HEADER {
        return Err(Malformed::Short);
    }
    if flags & RESPONSE == 0 {
        return Err(Malformed::Question);
    }
    if flags & OPCODE != 0 {
        return Err(Malformed::Operation);
    }
    let truncated = flags & TRUNCATED != 0;
    let (question, at) = read_question(message, questions)?;
    let answers = if truncated {
        // They will be asked for again; what is left of them may be cut anywhere.
        Vec::new()
    } else {
        read_records(message, at, answers)?
    };
    Ok(Response {
        id: id?,
        truncated,
        code: Code(u8::try_from(flags & CODE).unwrap_or(u8::MAX)),
        question,
        answers,
    })
}

type Question = Option<(Name, u16)>;

fn read_question(message: &[u8], count: u16) -> Result<(Question, usize), Malformed> {
    match count {
        0 => Ok((None, HEADER)),
        1 => {
            let (name, at) = Name::read(message, HEADER)?;
            let kind = u16_at(message, at)?;
            u16_at(message, at + 2)?;
            Ok((Some((name, kind)), at + 4))
        }
        more => Err(Malformed::Questions(more)),
    }
}

fn read_records(message: &[u8], start: usize, count: u16) -> Result<Vec<Record>, Malformed> {
    let mut at = start;
    let mut records = Vec::new();
    for _ in 0..usize::from(count).min(RECORD_LIMIT) {
        let (record, after) = read_record(message, at)?;
        records.extend(record);
        at = after;
    }
    Ok(records)
}

/// A record and where the next begins; none for a class other than the Internet's.
fn read_record(message: &[u8], start: usize) -> Result<(Option<Record>, usize), Malformed> {
    let (name, at) = Name::read(message, start)?;
    let kind = u16_at(message, at)?;
    let class = u16_at(message, at + 2)?;
    let length = usize::from(u16_at(message, at + 8)?);
    let begin = at + 10;
    let data = message.get(begin..begin + length).ok_or(Malformed::Short)?;
    let record = Record {
        address: address(kind, data),
        name,
        kind,
    };
    Ok(((class == INTERNET).then_some(record), begin + length))
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    if kind == number(DnsRecord::A) {
        return <[u8; 4]>::try_from(data)
            .ok()
            .map(|a| Ipv4Addr::from(a).into());
    }
    if kind == number(DnsRecord::Aaaa) {
        return <[u8; 16]>::try_from(data)
            .ok()
            .map(|a| Ipv6Addr::from(a).into());
    }
    None
}

fn u16_at(message: &[u8], at: usize) -> Result<u16, Malformed> {
    let bytes = message.get(at..at + 2).ok_or(Malformed::Short)?;
    Ok(bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u16::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query() -> Query {
        Query {
            id: 0x1234,
            name: Name::parse("www.example.com").unwrap(),
            record: DnsRecord::A,
        }
    }

    /// The response of a server to [`query`], with these flags and records.
    fn response(flags: u16, records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = query().to_bytes();
        bytes.splice(2..4, (RESPONSE | flags).to_be_bytes());
        bytes.splice(6..8, u16::try_from(records.len()).unwrap().to_be_bytes());
        bytes.extend(records.concat());
        bytes
    }

    const WWW: &[u8] = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\xc0\x00\x02\x01";

    #[test]
    fn a_question_is_written_as_rfc_1035_has_it() {
        assert_eq!(
            query().to_bytes(),
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01"
        );
    }

    #[test]
    fn an_answer_has_the_address_of_its_record() {
        let response = read(&response(0, &[WWW])).unwrap();
        assert!(query().is_answered_by(&response));
        assert_eq!(response.code, Code::NO_ERROR);
        let record = response.answers.first().unwrap();
        assert_eq!(record.name.to_string(), "www.example.com");
        assert_eq!(record.address, Some("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_foreign_answer_is_not_taken() {
        let good = read(&response(0, &[WWW])).unwrap();
        let name = Name::parse("example.org").unwrap();
        for other in [
            Response {
                id: 1,
                ..good.clone()
            },
            Response {
                question: Some((name, 1)),
                ..good.clone()
            },
            Response {
                question: Some((query().name, 28)),
                ..good.clone()
            },
            Response {
                question: None,
                ..good.clone()
            },
        ] {
            assert!(!query().is_answered_by(&other), "{other:?}");
        }
        let refused = Response {
            question: None,
            code: Code(5),
            ..good
        };
        assert!(query().is_answered_by(&refused));
    }

    #[test]
    fn a_cut_answer_is_known_however_it_is_cut() {
        for cut in 0..WWW.len() {
            let bytes = response(TRUNCATED, &[WWW]);
            let bytes = &bytes[..bytes.len() - cut];
            assert!(read(bytes).unwrap().truncated);
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        assert_eq!(read(b"\x12"), Err(Malformed::Short));
        assert_eq!(read(&query().to_bytes()), Err(Malformed::Question));
        assert_eq!(read(&response(0x2800, &[])), Err(Malformed::Operation));
        assert_eq!(read(&response(0, &[&WWW[..15]])), Err(Malformed::Short));
        let mut two = response(0, &[]);
        two[5] = 2;
        assert_eq!(read(&two), Err(Malformed::Questions(2)));
        let looping = b"\xc0\x21\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x00";
        assert_eq!(read(&response(0, &[looping])), Err(Malformed::Pointer));
    }

    #[test]
    fn an_answer_that_claims_many_records_is_read_to_the_limit() {
        let records = vec![WWW; 1000];
        let read = read(&response(0, &records)).unwrap();
        assert_eq!(read.answers.len(), RECORD_LIMIT);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            drop(read(&bytes));
        }

        #[test]
        fn no_change_of_an_answer_makes_it_panic(at in 0_usize..49, byte in any::<u8>(), cut in 0_usize..49) {
            let mut bytes = response(0, &[WWW]);
            bytes[at] = byte;
            bytes.truncate(bytes.len().max(cut) - cut);
            if let Ok(response) = read(&bytes) {
                prop_assert!(response.answers.len() <= RECORD_LIMIT);
            }
        }
    }
}
