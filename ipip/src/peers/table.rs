//! Peers in a hash table over the caller's memory: the same cost for ten of them and for thousands.

use core::net::Ipv4Addr;

use super::PeerSet;

/// Many peers, found by a hash: open addressing over a slice of the caller, which stays at most half full.
///
/// The seed is the caller's: a random one keeps senders from choosing addresses that collide.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{PeerSet, PeerTable};
///
/// let node = Ipv4Addr::new(192, 168, 179, 103);
/// let mut memory = [Ipv4Addr::UNSPECIFIED; 8];
/// let mut peers = PeerTable::new(&mut memory, 7).ok_or("no power of two")?;
/// assert!(peers.insert(node) && peers.contains(node));
/// assert!(peers.remove(node) && !peers.contains(node));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct PeerTable<'a> {
    /// 0.0.0.0, which is no peer, stands for an empty place.
    places: &'a mut [Ipv4Addr],
    len: usize,
    factor: u32,
}

impl<'a> PeerTable<'a> {
    /// An empty table over `memory`, of which half can be used; `None` unless its length is a power of two from 2 to
    /// 2^31.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// assert!(ipip::PeerTable::new(&mut [Ipv4Addr::UNSPECIFIED; 3], 0).is_none());
    /// ```
    #[must_use]
    pub fn new(memory: &'a mut [Ipv4Addr], seed: u32) -> Option<PeerTable<'a>> {
        let len = u32::try_from(memory.len()).ok()?;
        if len < 2 || !len.is_power_of_two() {
            return None;
        }
        memory.fill(Ipv4Addr::UNSPECIFIED);
        // Fibonacci hashing (Knuth, TAOCP 6.4) with a factor that the seed chooses; odd, so that nothing is lost.
        let factor = 0x9e37_79b9_u32.wrapping_add(seed.wrapping_mul(2)) | 1;
        Some(PeerTable { places: memory, len: 0, factor })
    }

    /// How many peers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none, so that nothing is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a peer; `false` when half of the memory is used, and for 0.0.0.0. One that is there already stays.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// let mut memory = [Ipv4Addr::UNSPECIFIED; 2];
    /// let mut peers = ipip::PeerTable::new(&mut memory, 0).ok_or("no power of two")?;
    /// assert!(peers.insert(Ipv4Addr::new(192, 0, 2, 1)));
    /// assert!(!peers.insert(Ipv4Addr::new(192, 0, 2, 2)));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn insert(&mut self, peer: Ipv4Addr) -> bool {
        if peer.is_unspecified() {
            return false;
        }
        match self.find(peer) {
            Some((_, found)) if found == peer => true,
            Some((at, _)) if self.len < self.places.len() / 2 => {
                self.put(at, peer);
                self.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes a peer out; `false` when it is not there.
    pub fn remove(&mut self, peer: Ipv4Addr) -> bool {
        let Some((mut hole, found)) = self.find(peer) else { return false };
        if found != peer || peer.is_unspecified() {
            return false;
        }
        self.len -= 1;
        // Those behind move up, or a search for them would end at the hole (Knuth, algorithm R).
        let mut at = hole;
        loop {
            at = self.after(at);
            let Some(&other) = self.places.get(at) else { break };
            if other.is_unspecified() {
                break;
            }
            let home = self.home(other);
            let mask = self.places.len() - 1;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.put(hole, other);
                hole = at;
            }
        }
        self.put(hole, Ipv4Addr::UNSPECIFIED);
        true
    }

    /// Where `peer` is, or the empty place where it would be, and what is there.
    #[inline]
    fn find(&self, peer: Ipv4Addr) -> Option<(usize, Ipv4Addr)> {
        let mut at = self.home(peer);
        // Half of the places are empty, so that the search ends.
        loop {
            let found = *self.places.get(at)?;
            if found == peer || found.is_unspecified() {
                return Some((at, found));
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn home(&self, peer: Ipv4Addr) -> usize {
        let hash = u64::from(u32::from_le_bytes(peer.octets()).wrapping_mul(self.factor));
        // The upper bits of it, as many as number the places.
        let len = u64::try_from(self.places.len()).unwrap_or_default();
        usize::try_from(hash.wrapping_mul(len) >> 32).unwrap_or_default()
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    fn put(&mut self, at: usize, address: Ipv4Addr) {
        if let Some(place) = self.places.get_mut(at) {
            *place = address;
        }
    }
}

impl PeerSet for PeerTable<'_> {
    #[inline]
    fn contains(&self, source: Ipv4Addr) -> bool {
        // As `find`, which has an answer for what is not there.
        let mut at = self.home(source);
        while let Some(&found) = self.places.get(at) {
            if found == source {
                return !source.is_unspecified();
            }
            if found.is_unspecified() {
                return false;
            }
            at = self.after(at);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn table_is_a_set(
            steps in proptest::collection::vec((any::<bool>(), 0_u32..24), 0..200), seed: u32, spread in 0_u32..9,
        ) {
            let mut memory = [Ipv4Addr::UNSPECIFIED; 32];
            let mut table = PeerTable::new(&mut memory, seed).unwrap();
            let mut model = BTreeSet::new();
            for (add, number) in steps {
                let peer = Ipv4Addr::from_bits(number << spread);
                if add {
                    let room = model.len() < 16;
                    let known = model.contains(&peer);
                    let added = !peer.is_unspecified() && (room || known);
                    prop_assert_eq!(table.insert(peer), added);
                    if added {
                        model.insert(peer);
                    }
                } else {
                    prop_assert_eq!(table.remove(peer), model.remove(&peer));
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for number in 0..24 {
                let peer = Ipv4Addr::from_bits(number << spread);
                prop_assert_eq!(table.contains(peer), model.contains(&peer), "{}", peer);
            }
        }
    }

    #[test]
    fn vu636397_an_empty_table_accepts_nothing() {
        let mut memory = [Ipv4Addr::new(192, 0, 2, 1); 4];
        let table = PeerTable::new(&mut memory, 0).unwrap();
        assert!(table.is_empty());
        assert!(!table.contains(Ipv4Addr::UNSPECIFIED) && !table.contains(Ipv4Addr::new(192, 0, 2, 1)));
    }
}
