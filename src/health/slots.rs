//! Numbered places: what is put in keeps its number until it is taken out; numbers are used again.

/// Numbered places.
#[derive(Debug)]
pub(super) struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Puts something in; its number comes back.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.places.get_mut(slot as usize)
        {
            *place = Some(value);
            return slot;
        }
        self.places.push(Some(value));
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes something out.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.places.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.places.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.places.get_mut(slot as usize)?.as_mut()
    }

    /// All that is in, with its numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(&self.places)
            .filter_map(|(slot, place)| Some((slot, place.as_ref()?)))
    }

    /// All that is in.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }

    /// How much is in.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_others_stay() {
        let mut slots = Slots::default();
        let (one, two) = (slots.insert("one"), slots.insert("two"));
        assert_eq!(slots.remove(one), Some("one"));
        assert_eq!(slots.remove(one), None);
        assert_eq!(slots.insert("three"), one);
        assert_eq!(slots.get(two), Some(&"two"));
        assert_eq!(slots.len(), 2);
        assert_eq!(slots.iter().map(|(slot, _)| slot).max(), Some(two));
    }
}
