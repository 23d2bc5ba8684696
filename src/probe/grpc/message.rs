//! The two messages of the gRPC health service, with the five bytes that gRPC puts before each.
//!
//! Pure; no bytes make it panic. Protocol buffers need no library for one field each way
//! (<https://protobuf.dev/programming-guides/encoding>):
//!
//! ```text
//! message HealthCheckRequest  { string service = 1; }
//! message HealthCheckResponse { ServingStatus status = 1; }
//! ```
//!
//! Used by [`super`] and by the fuzz target.

use std::fmt;

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What the health service says (`grpc.health.v1.HealthCheckResponse.ServingStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServingStatus {
    /// Nobody has said.
    Unknown,
    /// It serves.
    Serving,
    /// It does not.
    NotServing,
    /// There is no such service (only of `Watch`).
    ServiceUnknown,
    /// A number that came later than this.
    Other(u64),
}

impl fmt::Display for ServingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "UNKNOWN",
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::ServiceUnknown => "SERVICE_UNKNOWN",
            Self::Other(number) => return write!(f, "status {number}"),
        })
    }
}

/// Bytes that are no answer of the health service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("its message ends too early")]
    Short,
    /// There is more than one message.
    #[error("it sends more than one message")]
    Long,
    /// It is compressed, although nothing was offered.
    #[error("its message is compressed")]
    Compressed,
    /// No protocol buffers.
    #[error("its message is no protocol buffer")]
    Field,
}

/// The request: which service is asked about; an empty name asks about the server as a whole.
pub fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        // Field 1, a string.
        message.push(1 << 3 | 2);
        push_varint(&mut message, service.len());
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), message.as_slice()].concat()
}

/// The status in a response.
pub fn response(bytes: &[u8]) -> Result<ServingStatus, Malformed> {
    let (prefix, message) = bytes.split_at_checked(PREFIX).ok_or(Malformed::Short)?;
    let (flag, length) = prefix.split_first().ok_or(Malformed::Short)?;
    if *flag != 0 {
        return Err(Malformed::Compressed);
    }
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    match message.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(Malformed::Short),
        std::cmp::Ordering::Greater => Err(Malformed::Long),
        std::cmp::Ordering::Equal => status(message),
    }
}

/// The last field 1 that is a number; without one the status is 0. Other fields are passed over.
fn status(message: &[u8]) -> Result<ServingStatus, Malformed> {
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match (key >> 3, key & 7) {
            (0, _) => return Err(Malformed::Field),
            (1, 0) => status = varint(&mut rest)?,
            (_, 0) => {
                varint(&mut rest)?;
            }
            (_, 1) => skip(&mut rest, 8)?,
            (_, 2) => {
                let length = varint(&mut rest)?;
                skip(
                    &mut rest,
                    usize::try_from(length).map_err(|_| Malformed::Short)?,
                )?;
            }
            (_, 5) => skip(&mut rest, 4)?,
            _ => return Err(Malformed::Field),
        }
    }
    Ok(match status {
        0 => ServingStatus::Unknown,
        1 => ServingStatus::Serving,
        2 => ServingStatus::NotServing,
        3 => ServingStatus::ServiceUnknown,
        other => ServingStatus::Other(other),
    })
}

fn skip(rest: &mut &[u8], length: usize) -> Result<(), Malformed> {
    *rest = rest.get(length..).ok_or(Malformed::Short)?;
    Ok(())
}

/// Seven bits a byte, least first; the highest bit says that more follow.
fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, after) = rest.split_first().ok_or(Malformed::Short)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed::Field)
}

fn push_varint(message: &mut Vec<u8>, mut number: usize) {
    while let Some(high) = Some(number >> 7).filter(|high| *high > 0) {
        message.push(0x80 | low_bits(number));
        number = high;
    }
    message.push(low_bits(number));
}

fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    }

    #[test]
    fn a_request_names_the_service() {
        assert_eq!(request(""), b"\0\0\0\0\0");
        assert_eq!(request("web"), b"\0\0\0\0\x05\x0a\x03web");
        let long = request(&"a".repeat(300));
        assert_eq!(long.get(..8), Some(&b"\0\0\0\x01\x2f\x0a\xac\x02"[..]));
    }

    #[test]
    fn every_status_has_its_name() {
        let statuses = [
            (&b""[..], "UNKNOWN"),
            (b"\x08\x01", "SERVING"),
            (b"\x08\x02", "NOT_SERVING"),
            (b"\x08\x03", "SERVICE_UNKNOWN"),
            (b"\x08\x80\x02", "status 256"),
        ];
        for (message, name) in statuses {
            assert_eq!(response(&framed(message)).unwrap().to_string(), name);
        }
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let message = b"\x12\x03abc\x18\x05\x21\0\0\0\0\0\0\0\0\x2d\0\0\0\0\x08\x01";
        assert_eq!(response(&framed(message)), Ok(ServingStatus::Serving));
    }

    #[test]
    fn what_is_no_answer_says_why() {
        let malformed = [
            (b"\0\0".to_vec(), Malformed::Short),
            (b"\0\0\0\0\x05\x08\x01".to_vec(), Malformed::Short),
            (b"\0\0\0\0\0\0\0\0\0\0".to_vec(), Malformed::Long),
            (b"\x01\0\0\0\0".to_vec(), Malformed::Compressed),
            (framed(b"\x08"), Malformed::Short),
            (
                framed(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                Malformed::Field,
            ),
            (framed(b"\x0f"), Malformed::Field),
            (framed(b"\x00\x00"), Malformed::Field),
            (
                framed(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
                Malformed::Short,
            ),
        ];
        for (bytes, why) in malformed {
            assert_eq!(response(&bytes), Err(why), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = response(&bytes);
            let _ = response(&framed(&bytes));
        }

        #[test]
        fn a_name_of_any_length_stands_in_the_request(service in "[a-z.]{0,400}") {
            let bytes = request(&service);
            prop_assert!(bytes.ends_with(service.as_bytes()));
            prop_assert!(response(&bytes).is_ok(), "a string field is passed over");
        }
    }
}
