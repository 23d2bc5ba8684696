//! Many messages in one write, and what the kernel refused of them.
//!
//! A plain batch is a list of commands that do not depend on each other, a transaction is done as a
//! whole or not at all. Filled by the clients, sent by [`crate::netlink::Socket`].

use super::attribute::Writer;
use super::error::Errno;
use super::message::{self, NLM_F_REQUEST, NLMSG_NOOP};

/// A message of a [`Batch`] that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which one, counted from 0.
    pub index: usize,
    /// Why.
    pub errno: Errno,
    /// The kernel's own words, where it gave any. IPVS never does.
    pub message: Option<String>,
    /// Which byte of the message it is about, where the kernel says so. IPVS never does.
    pub offset: Option<usize>,
}

/// Messages that are sent in one write and that the kernel handles in order.
#[derive(Debug, Default)]
pub struct Batch {
    writer: Writer,
    starts: Vec<usize>,
    transaction: bool,
}

impl Batch {
    /// An empty batch of independent messages: one that fails does not stop the others.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch whose first and last messages open and close a transaction, as nfnetlink
    /// has it: the kernel acknowledges what is between them, and refuses the whole by an error
    /// on the first.
    pub fn transaction() -> Self {
        Self {
            transaction: true,
            ..Self::default()
        }
    }

    /// Appends a message; `flags` are added to `NLM_F_REQUEST`.
    pub fn push(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer)) {
        self.starts.push(self.writer.len());
        message::write(&mut self.writer, kind, flags | NLM_F_REQUEST, fill);
    }

    /// How many messages it holds.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it holds no message.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many bytes it takes on the wire.
    pub fn size(&self) -> usize {
        self.writer.len()
    }

    /// The messages as they would be sent, but for their sequence numbers.
    pub fn as_bytes(&self) -> &[u8] {
        self.writer.as_bytes()
    }

    /// The bytes of one message, from its header on; none where there is no such message.
    pub fn message(&self, index: usize) -> &[u8] {
        let end = self.starts.get(index + 1).copied();
        let bytes = self.writer.as_bytes();
        let start = self.starts.get(index).copied().unwrap_or(bytes.len());
        bytes
            .get(start..end.unwrap_or(bytes.len()))
            .unwrap_or_default()
    }

    /// Whether all of it is done or nothing.
    pub(super) fn is_transaction(&self) -> bool {
        self.transaction
    }

    /// Takes away what [`Self::seal`] appended: everything from this size on.
    pub(super) fn unseal(&mut self, size: usize) {
        self.writer.truncate(size);
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        self.writer.clear();
        self.starts.clear();
    }

    /// The message whose acknowledgement ends the batch. For a plain batch it is one more, empty
    /// message: the kernel answers a command that returns `EINTR` with nothing at all (seen: a
    /// sync daemon stopped before its thread first ran), so no command can be relied on.
    pub(super) fn acknowledged(&self) -> usize {
        if self.transaction {
            self.starts.len().saturating_sub(2)
        } else {
            self.starts.len()
        }
    }

    /// Numbers the messages from `first` on and asks for one acknowledgement.
    pub(super) fn seal(&mut self, first: u32) {
        let mut starts = self.starts.clone();
        if !self.transaction {
            starts.push(self.writer.len());
            message::write(&mut self.writer, NLMSG_NOOP, NLM_F_REQUEST, |_| {});
        }
        let mut sequence = first;
        for &start in &starts {
            message::number(&mut self.writer, start, sequence);
            sequence = sequence.wrapping_add(1);
        }
        if let Some(&start) = starts.get(self.acknowledged()) {
            message::ask_for_acknowledgement(&mut self.writer, start);
        }
    }

    pub(super) fn index_of(&self, first: u32, sequence: u32) -> Option<usize> {
        let index = usize::try_from(sequence.wrapping_sub(first)).ok()?;
        (index <= self.starts.len()).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{NLM_F_ACK, messages};
    use super::*;

    fn three() -> Batch {
        let mut batch = Batch::new();
        for kind in [20, 21, 22] {
            batch.push(kind, 0, |writer| writer.u32(1, 7));
        }
        batch
    }

    /// The numbers of the messages, and which of them ask for an acknowledgement.
    fn sealed(batch: &mut Batch) -> Vec<(u32, bool)> {
        batch.seal(40);
        messages(batch.writer.as_bytes())
            .map(Result::unwrap)
            .map(|message| (message.sequence, message.flags & NLM_F_ACK != 0))
            .collect()
    }

    #[test]
    fn only_an_empty_message_after_the_commands_asks_for_an_acknowledgement() {
        let expected = [(40, false), (41, false), (42, false), (43, true)];
        assert_eq!(sealed(&mut three()), expected);
    }

    #[test]
    fn a_transaction_asks_for_the_acknowledgement_before_its_closing_message() {
        let mut batch = Batch {
            transaction: true,
            ..three()
        };
        let expected = [(40, false), (41, true), (42, false)];
        assert_eq!(sealed(&mut batch), expected);
    }

    #[test]
    fn sequence_numbers_wrap_around() {
        let batch = three();
        assert_eq!(batch.index_of(u32::MAX, 0), Some(1));
        assert_eq!(batch.index_of(u32::MAX, 2), Some(3));
        assert_eq!(batch.index_of(u32::MAX, 3), None);
    }
}
