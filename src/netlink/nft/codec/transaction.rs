//! Operations to the messages of one transaction, and refusals back to operations.

use super::element::{self, Place};
use super::table::write_key;
use super::wire::{self, chain, kind, rule, set};
use super::{chain as chains, rule as rules, set as sets, table as tables};
use crate::netlink::attribute::Writer;
use crate::netlink::batch::{Batch, Failure};
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::nft::model::TableKey;
use crate::netlink::nft::{Operation, Refused};

/// The messages of a transaction, and which of them is of which operation.
#[derive(Debug)]
pub struct Transaction {
    batch: Batch,
    parts: Vec<Part>,
    /// How many sets it makes.
    sets: u32,
}

/// What one message is of.
#[derive(Debug, Clone, Copy)]
struct Part {
    operation: usize,
    /// Which of the operation's elements is the message's first.
    first: usize,
}

impl Transaction {
    /// The messages that do these operations, in order, between those that open and close a
    /// transaction.
    pub fn new(operations: &[Operation]) -> Self {
        let mut transaction = Self {
            batch: Batch::transaction(),
            parts: Vec::with_capacity(operations.len()),
            sets: 0,
        };
        transaction.mark(kind::BEGIN);
        for (index, operation) in operations.iter().enumerate() {
            transaction.push(index, operation);
        }
        transaction.mark(kind::END);
        transaction
    }

    /// The messages.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The messages, to be sent.
    pub(crate) fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Opens or closes it.
    fn mark(&mut self, kind: u16) {
        let subsystem = [0, 0, 0, wire::SUBSYSTEM];
        self.batch.push(kind, 0, |writer| writer.raw(&subsystem));
    }

    fn push(&mut self, index: usize, operation: &Operation) {
        // What is not about elements takes one message.
        match operation {
            Operation::AddTable(table, comment) => {
                tables::push(&mut self.batch, table, comment.as_deref());
            }
            Operation::AddSet(table, new) => {
                self.sets += 1;
                sets::push(&mut self.batch, table, new, self.sets);
            }
            Operation::AddChain(table, new) => chains::push(&mut self.batch, table, new),
            Operation::AddRule(table, new) => rules::push(&mut self.batch, table, new),
            Operation::DeleteTable(table) => self.push_named(kind::DELETE_TABLE, table, None),
            Operation::DeleteSet(table, name) => {
                self.push_named(kind::DELETE_SET, table, Some((set::NAME, name)));
            }
            Operation::DeleteChain(table, name) => {
                self.push_named(kind::DELETE_CHAIN, table, Some((chain::NAME, name)));
            }
            // A deletion that names no rule means all of the chain.
            Operation::FlushChain(table, name) => {
                self.push_named(kind::DELETE_RULE, table, Some((rule::CHAIN, name)));
            }
            Operation::AddElements { .. }
            | Operation::AddTemporaryElements { .. }
            | Operation::DeleteElements { .. } => return self.push_elements(index, operation),
        }
        self.parts.push(Part {
            operation: index,
            first: 0,
        });
    }

    /// A message that only names things.
    fn push_named(&mut self, kind: u16, table: &TableKey, name: Option<(u16, &String)>) {
        self.batch.push(kind, 0, |writer| {
            write_key(writer, table);
            if let Some((attribute, name)) = name {
                writer.string(attribute, name);
            }
        });
    }

    fn push_elements(&mut self, index: usize, operation: &Operation) {
        if let Operation::AddElements {
            table,
            set,
            elements,
        } = operation
        {
            self.push_all(index, adding(table, set), elements, |nest, new| {
                element::write(nest, new, None);
            });
        } else if let Operation::AddTemporaryElements {
            table,
            set,
            elements,
            timeout,
        } = operation
        {
            self.push_all(index, adding(table, set), elements, |nest, new| {
                element::write(nest, new, Some(*timeout));
            });
        } else if let Operation::DeleteElements { table, set, keys } = operation {
            let place = Place {
                kind: kind::DELETE_ELEMENT,
                flags: 0,
                ..adding(table, set)
            };
            self.push_all(index, place, keys, element::write_element_key);
        }
    }

    /// As many messages as it takes.
    fn push_all<T>(
        &mut self,
        operation: usize,
        place: Place<'_>,
        items: &[T],
        write: impl Fn(&mut Writer, &T),
    ) {
        let mut first = 0;
        while first < items.len() {
            self.parts.push(Part { operation, first });
            first += element::push(&mut self.batch, place, &items[first..], &write);
        }
    }

    /// Which operation the failure of a message is about; `None` where it is about the whole.
    pub(crate) fn refused(&self, failure: &Failure) -> Option<Refused> {
        // The first message opens the transaction.
        let part = self.parts.get(failure.index.checked_sub(1)?)?;
        let message = self.batch.message(failure.index);
        let offset = failure.offset;
        let place = offset.and_then(|offset| element::element_at(message, offset));
        Some(Refused {
            operation: part.operation,
            element: place.map(|place| part.first + place),
            errno: failure.errno,
            message: failure.message.clone(),
        })
    }
}

fn adding<'a>(table: &'a TableKey, set: &'a str) -> Place<'a> {
    Place {
        kind: kind::NEW_ELEMENT,
        flags: NLM_F_CREATE,
        table,
        set,
    }
}
