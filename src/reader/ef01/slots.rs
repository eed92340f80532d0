//! Which slots of the module's library are taken: its index table, page by page, a bit a slot.

use super::command::{Command, INDEX_SLOTS};

/// The table as far as it has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotTable {
    capacity: u16,
    page: u16,
    taken: Vec<u16>,
}

impl SlotTable {
    pub(super) const fn new(capacity: u16) -> Self {
        Self { capacity, page: 0, taken: Vec::new() }
    }

    /// What to ask next; `None` once all is read.
    pub(super) fn next(&self) -> Option<Command> {
        let page = u8::try_from(self.page).ok()?;
        let first = u32::from(self.page) * u32::from(INDEX_SLOTS);
        (first < u32::from(self.capacity)).then_some(Command::Index { page })
    }

    /// Takes one page: bit i of byte k is slot 8k + i.
    pub(super) fn add(&mut self, bits: &[u8]) {
        let first = u32::from(self.page) * u32::from(INDEX_SLOTS);
        let places = bits.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let taken = (first..).zip(places).filter(|(_, taken)| *taken).filter_map(|(slot, _)| u16::try_from(slot).ok());
        self.taken.extend(taken.filter(|slot| *slot < self.capacity));
        self.page += 1;
    }

    pub(super) const fn capacity(&self) -> u16 {
        self.capacity
    }

    pub(super) fn taken(&self) -> &[u16] {
        &self.taken
    }

    pub(super) fn is_taken(&self, slot: u16) -> bool {
        self.taken.binary_search(&slot).is_ok()
    }

    pub(super) fn first_free(&self) -> Option<u16> {
        (0..self.capacity).find(|slot| !self.is_taken(*slot))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::frame;
    use super::*;

    #[test]
    fn the_published_page_has_slots_0_7_and_9() {
        let page = frame("ef01_acks", "index page0 with ids 0,7,9");
        let mut table = SlotTable::new(200);
        assert_eq!(table.next(), Some(Command::Index { page: 0 }));
        table.add(&page[10..42]);
        assert_eq!((table.taken(), table.first_free(), table.next()), (&[0, 7, 9][..], Some(1), None));
        assert!(table.is_taken(7) && !table.is_taken(8));
    }

    #[test]
    fn a_large_library_has_several_pages_and_none_beyond_its_capacity() {
        let mut table = SlotTable::new(300);
        table.add(&[0xFF; 32]);
        assert_eq!((table.next(), table.first_free()), (Some(Command::Index { page: 1 }), Some(256)));
        table.add(&[0xFF; 32]);
        assert_eq!((table.next(), table.first_free(), table.taken().len()), (None, None, 300));
    }
}
