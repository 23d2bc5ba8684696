//! Netlink messages: the frame around every request and reply (`struct nlmsghdr`,
//! `include/uapi/linux/netlink.h`; RFC 3549 section 2.3).
//!
//! Splits what one read returned into messages and explains the kernel's own ones (error, done).
//! It knows no protocol. Used by [`crate::netlink::Socket`] and by tests that replay bytes.

use super::attribute::{Attributes, Writer, attributes};
use super::error::{Errno, Error, Result};
pub use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL,
    NLM_F_REPLACE, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
};

/// The size of a message's header, bytes.
pub const HEADER: usize = 16;
/// Where in the header the flags and the sequence number stand.
const FLAGS_AT: usize = 6;
const SEQUENCE_AT: usize = 8;
const PORT_AT: usize = 12;
/// The attributes of an extended ACK that hold the kernel's words and the place that they are about
/// (`NLMSGERR_ATTR_MSG`, `NLMSGERR_ATTR_OFFS`).
const EXTENDED_ACK_TEXT: u16 = 1;
const EXTENDED_ACK_OFFSET: u16 = 2;

/// One message as found in received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The message's type: a protocol's own or one of `NLMSG_*`.
    pub kind: u16,
    /// `NLM_F_*` bits.
    pub flags: u16,
    /// The number of the request that this answers.
    pub sequence: u32,
    /// The port of the socket that asked or, in a notification, of the one that changed something.
    pub port: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// How the kernel ended a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `None` when it was done.
    pub errno: Option<Errno>,
    /// The kernel's own words, where it gave any.
    pub message: Option<String>,
    /// Which byte of the request it is about, counted from its header, where the kernel says so.
    pub offset: Option<usize>,
}

impl Message<'_> {
    /// The verdict of an `NLMSG_ERROR` or `NLMSG_DONE` message; `None` for other messages.
    pub fn verdict(&self) -> Result<Option<Verdict>> {
        if self.kind != NLMSG_ERROR && self.kind != NLMSG_DONE {
            return Ok(None);
        }
        let code = match (self.payload.first_chunk(), self.kind) {
            (Some(code), _) => i32::from_ne_bytes(*code),
            // Some dumps end in an empty NLMSG_DONE.
            (None, NLMSG_DONE) => 0,
            (None, _) => return Err(Error::malformed("an error message has no error number")),
        };
        let mut verdict = Verdict {
            errno: (code < 0).then(|| Errno::from_raw(code.saturating_neg())),
            message: None,
            offset: None,
        };
        self.explain(&mut verdict);
        Ok(Some(verdict))
    }

    /// Adds what an extended ACK says. A malformed one says nothing: the error number counts.
    fn explain(&self, verdict: &mut Verdict) {
        let Some(details) = self.extended() else {
            return;
        };
        for attribute in details.map_while(Result::ok) {
            match attribute.kind {
                EXTENDED_ACK_TEXT => verdict.message = Some(attribute.text()),
                EXTENDED_ACK_OFFSET => {
                    let offset = attribute.u32().ok();
                    verdict.offset = offset.and_then(|offset| usize::try_from(offset).ok());
                }
                _ => {}
            }
        }
    }

    /// The attributes of an extended ACK.
    fn extended(&self) -> Option<Attributes<'_>> {
        if self.flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        let skip = match self.kind {
            NLMSG_DONE => 4,
            _ if self.flags & NLM_F_CAPPED != 0 => 4 + HEADER,
            _ => 4 + self.original_length()?,
        };
        Some(attributes(self.payload.get(skip..)?))
    }

    /// The padded length of the request that an uncapped error message repeats.
    fn original_length(&self) -> Option<usize> {
        let length = u32::from_ne_bytes(*self.payload.get(4..)?.first_chunk()?);
        usize::try_from(length).ok()?.checked_next_multiple_of(4)
    }
}

/// The messages in these bytes, in order.
pub fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages { rest: bytes }
}

/// Iterates over messages; ends after the first that is malformed.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    fn split(&mut self, header: [u8; HEADER]) -> Result<Message<'a>> {
        let number = |at: usize| {
            u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let length = usize::try_from(number(0)).unwrap_or(usize::MAX);
        let Some(payload) = self.rest.get(HEADER..length) else {
            let left = std::mem::take(&mut self.rest).len();
            return Err(Error::malformed(format!(
                "a message says it has {length} bytes where {left} are left"
            )));
        };
        self.rest = &self.rest[length.next_multiple_of(4).min(self.rest.len())..];
        Ok(Message {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: number(SEQUENCE_AT),
            port: number(PORT_AT),
            payload,
        })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.rest.first_chunk().copied()?;
        Some(self.split(header))
    }
}

/// Appends a message whose payload is what `fill` writes. The sequence number is 0 until
/// [`crate::netlink::Socket`] numbers it; the port number stays 0, which the kernel fills in.
pub fn write(writer: &mut Writer, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer)) {
    let start = writer.len();
    writer.raw(&[0; 4]);
    writer.raw(&kind.to_ne_bytes());
    writer.raw(&flags.to_ne_bytes());
    writer.raw(&[0; 8]);
    fill(writer);
    let length = u32::try_from(writer.len() - start).unwrap_or(u32::MAX);
    writer.patch(start, &length.to_ne_bytes());
    writer.pad();
}

/// Numbers the message that starts at byte `start`.
pub(super) fn number(writer: &mut Writer, start: usize, sequence: u32) {
    writer.patch(start + SEQUENCE_AT, &sequence.to_ne_bytes());
}

/// Sets `NLM_F_ACK` in the message that starts at byte `start`.
pub(super) fn ask_for_acknowledgement(writer: &mut Writer, start: usize) {
    let at = start + FLAGS_AT;
    if let Some(bytes) = writer.as_bytes().get(at..at + 2) {
        let flags = u16::from_ne_bytes([bytes[0], bytes[1]]) | NLM_F_ACK;
        writer.patch(at, &flags.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer, kind, flags, |writer| writer.raw(payload));
        writer.as_bytes().to_vec()
    }

    fn verdict(bytes: &[u8]) -> Result<Option<Verdict>> {
        messages(bytes).next().unwrap().unwrap().verdict()
    }

    #[test]
    fn an_error_number_of_zero_is_an_acknowledgement() {
        let bytes = one(NLMSG_ERROR, 0, &[0; 20]);
        assert_eq!(verdict(&bytes).unwrap().unwrap().errno, None);
    }

    #[test]
    fn the_kernels_words_are_found_behind_a_capped_error() {
        let mut payload = Writer::new();
        payload.raw(&(-22_i32).to_ne_bytes());
        payload.raw(&[0; HEADER]);
        payload.string(EXTENDED_ACK_TEXT, "Invalid prefix length");
        payload.u32(EXTENDED_ACK_OFFSET, 20);
        let bytes = one(
            NLMSG_ERROR,
            NLM_F_CAPPED | NLM_F_ACK_TLVS,
            payload.as_bytes(),
        );
        let expected = Verdict {
            errno: Some(Errno::EINVAL),
            message: Some("Invalid prefix length".into()),
            offset: Some(20),
        };
        assert_eq!(verdict(&bytes).unwrap(), Some(expected));
    }

    #[test]
    fn the_kernels_words_are_found_behind_the_repeated_request() {
        let mut payload = Writer::new();
        payload.raw(&(-17_i32).to_ne_bytes());
        payload.raw(&one(20, 0, &[1, 2, 3, 4]));
        payload.string(EXTENDED_ACK_TEXT, "address already assigned");
        let bytes = one(NLMSG_ERROR, NLM_F_ACK_TLVS, payload.as_bytes());
        let found = verdict(&bytes).unwrap().unwrap();
        assert_eq!(found.message.as_deref(), Some("address already assigned"));
    }

    #[test]
    fn an_error_without_a_number_is_malformed() {
        let bytes = one(NLMSG_ERROR, 0, &[1, 2]);
        assert!(matches!(verdict(&bytes), Err(Error::Malformed { .. })));
    }

    #[test]
    fn the_smallest_error_number_does_not_overflow() {
        let bytes = one(NLMSG_ERROR, 0, &i32::MIN.to_ne_bytes());
        assert!(verdict(&bytes).unwrap().unwrap().errno.is_some());
    }

    #[test]
    fn a_message_cut_short_is_reported_once_and_ends_the_reading() {
        let bytes = one(20, 0, &[1, 2, 3, 4]);
        let mut read = messages(&bytes[..18]);
        assert!(matches!(read.next(), Some(Err(Error::Malformed { .. }))));
        assert!(read.next().is_none());
    }
}
