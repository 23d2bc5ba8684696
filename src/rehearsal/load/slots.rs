//! The open connections by number, so that an event of the kernel finds its own.
//!
//! A slot is used again, with another generation: an event or a timeout of a connection that is
//! gone finds nothing. Called by the engine.

use super::connection::Connection;

/// The number of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) slot: usize,
    pub(super) generation: u32,
}

impl Key {
    /// As the kernel keeps it with the socket.
    pub(super) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | self.slot as u64 & 0xffff_ffff
    }

    pub(super) fn of_number(number: u64) -> Self {
        Self {
            slot: (number & 0xffff_ffff) as usize,
            generation: (number >> 32) as u32,
        }
    }
}

/// The connections.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

impl Slots {
    pub(super) fn put(&mut self, connection: Connection) -> Key {
        let connection = Some(Box::new(connection));
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slots.get_mut(slot)
        {
            place.connection = connection;
            let generation = place.generation;
            return Key { slot, generation };
        }
        self.slots.push(Slot {
            generation: 0,
            connection,
        });
        Key {
            slot: self.slots.len() - 1,
            generation: 0,
        }
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(key.slot)?;
        if slot.generation == key.generation {
            slot.connection.as_deref_mut()
        } else {
            None
        }
    }

    pub(super) fn take(&mut self, key: Key) -> Option<Box<Connection>> {
        self.get(key)?;
        let slot = self.slots.get_mut(key.slot)?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.slot);
        slot.connection.take()
    }

    /// Those that are open now.
    pub(super) fn keys(&self) -> Vec<Key> {
        let open = self.slots.iter().enumerate();
        open.filter(|(_, slot)| slot.connection.is_some())
            .map(|(number, slot)| Key {
                slot: number,
                generation: slot.generation,
            })
            .collect()
    }
}
