//! The table of destinations: a dense arena of them with a keyed index; unicast prefixes first of all, and the rows of
//! every other family.

use core::net::IpAddr;

use bgp_wire::Family;
use bgp_wire::nlri::NlriRef;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::bits::Bits;
use crate::dest::{Dest, RowNlri, Rows};
use crate::keyed::{Index, Keyed};
use crate::pages::Pages;

/// The prefix that `nlri` means in `family`; `None` where the family is not a unicast one.
pub(crate) fn prefix_of(family: Family, nlri: &NlriRef<'_>) -> Option<Dest> {
    match (family, nlri) {
        (Family::IPV4_UNICAST, NlriRef::Ipv4(net)) => Some(Dest::Net(IpNet::V4(*net))),
        (Family::IPV6_UNICAST, NlriRef::Ipv6(net)) => Some(Dest::Net(IpNet::V6(*net))),
        _ => None,
    }
}

/// Whether routes of `family` are prefixes in the table, not rows.
pub(crate) fn is_unicast(family: Family) -> bool {
    matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST)
}

/// Prefixes by dense route id.
#[derive(Debug)]
pub(crate) struct Tables {
    keyed: Keyed,
    index: Index,
    keys: Pages<Key>,
    /// IPv6 prefixes and rows, to which keys point.
    long: Pages<Dest>,
    free_long: Bits,
    free: Bits,
    rows: Rows,
    /// How many prefixes of each length there are: a look-up by address tries only those.
    v4: [u32; 33],
    v6: [u32; 129],
}

impl Tables {
    pub(crate) fn new(seed: u64) -> Tables {
        Tables {
            keyed: Keyed::new(seed),
            index: Index::default(),
            keys: Pages::default(),
            long: Pages::default(),
            free_long: Bits::default(),
            free: Bits::default(),
            rows: Rows::default(),
            v4: [0; 33],
            v6: [0; 129],
        }
    }

    /// An empty table with the same hash function.
    pub(crate) fn emptied(&self) -> Tables {
        Tables { keyed: self.keyed.clone(), ..Tables::new(0) }
    }

    /// One more than the greatest route id that was ever given out.
    pub(crate) fn bound(&self) -> u32 {
        crate::num::count(self.keys.len())
    }

    pub(crate) fn keyed(&self) -> &Keyed {
        &self.keyed
    }

    pub(crate) fn hash(&self, prefix: Dest) -> u64 {
        self.keyed.hash(&prefix)
    }

    pub(crate) fn find(&self, prefix: Dest) -> Option<u32> {
        self.find_hashed(self.hash(prefix), prefix)
    }

    pub(crate) fn find_hashed(&self, hash: u64, prefix: Dest) -> Option<u32> {
        match Key::of_v4(prefix) {
            Some(key) => self.index.find(hash, |id| self.keys.get(id) == Some(&key)),
            None => self.index.find(hash, |id| self.prefix(id) == Some(prefix)),
        }
    }

    /// The id of `prefix`, which gets one when it has none; `None` when all ids are in use.
    pub(crate) fn intern_hashed(&mut self, hash: u64, prefix: Dest) -> Option<u32> {
        if let Some(id) = self.find_hashed(hash, prefix) {
            return Some(id);
        }
        let key = match Key::of_v4(prefix) {
            Some(key) => key,
            None => Key::long(put(&mut self.long, &mut self.free_long, prefix)?),
        };
        let id = put(&mut self.keys, &mut self.free, key)?;
        let (keyed, keys, long) = (&self.keyed, &self.keys, &self.long);
        self.index.insert(hash, id, |id| {
            let dest = keys.get(id).and_then(|key| key.dest(long));
            dest.map_or(0, |dest| keyed.hash(&dest))
        });
        self.count(prefix, true);
        Some(id)
    }

    /// Gives `id` back; it may be given out again for another prefix.
    pub(crate) fn release(&mut self, id: u32) {
        if let Some(prefix) = self.prefix(id) {
            self.index.remove(self.hash(prefix), id);
            self.free.insert(id);
            if let Some(at) = self.keys.get(id).and_then(Key::at) {
                self.free_long.insert(at);
            }
            self.count(prefix, false);
            if let Dest::Row(row) = prefix {
                self.rows.release(&self.keyed, row);
            }
        }
    }

    pub(crate) fn prefix(&self, id: u32) -> Option<Dest> {
        self.keys.get(id)?.dest(&self.long)
    }

    /// The row of a key.
    pub(crate) fn find_row(&self, family: Family, key: &[u8]) -> Option<Dest> {
        self.rows.find(&self.keyed, family, key)
    }

    /// The row of a key, which gets one where it has none.
    pub(crate) fn intern_row(&mut self, family: Family, key: &[u8]) -> Option<Dest> {
        self.rows.intern(&self.keyed, family, key)
    }

    /// The announcement of a row whose path says `extra`; `None`: it is a prefix of unicast.
    pub(crate) fn announced(&self, dest: Dest, extra: &[u8]) -> Option<RowNlri<'_>> {
        let Dest::Row(row) = dest else { return None };
        RowNlri::announced(dest.family(), self.rows.key(row), extra)
    }

    /// The withdrawal of a row; `None`: it is a prefix of unicast.
    pub(crate) fn withdrawn(&self, dest: Dest) -> Option<RowNlri<'_>> {
        let Dest::Row(row) = dest else { return None };
        RowNlri::withdrawn(dest.family(), self.rows.key(row))
    }

    /// The longest prefix that covers `addr` and whose id `is` accepts.
    pub(crate) fn longest(&self, addr: IpAddr, is: impl Fn(u32) -> bool) -> Option<u32> {
        let lengths: &[u32] = if addr.is_ipv4() { &self.v4 } else { &self.v6 };
        let used = lengths.iter().enumerate().rev().filter(|(_, used)| **used > 0);
        used.filter_map(|(len, _)| u8::try_from(len).ok()).find_map(|len| {
            let prefix = match addr {
                IpAddr::V4(addr) => IpNet::V4(Ipv4Net::new(addr, len).ok()?.trunc()),
                IpAddr::V6(addr) => IpNet::V6(Ipv6Net::new(addr, len).ok()?.trunc()),
            };
            self.find(Dest::Net(prefix)).filter(|id| is(*id))
        })
    }

    fn count(&mut self, prefix: Dest, more: bool) {
        let Dest::Net(prefix) = prefix else { return };
        let lengths: &mut [u32] = if matches!(prefix, IpNet::V4(_)) { &mut self.v4 } else { &mut self.v6 };
        if let Some(used) = lengths.get_mut(usize::from(prefix.prefix_len())) {
            *used = if more { used.saturating_add(1) } else { used.saturating_sub(1) };
        }
    }
}

/// A destination in 8 octets: an IPv4 prefix, or where another one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    value: u32,
    /// The length of the prefix, or `LONG`.
    kind: u8,
}

const _: () = assert!(size_of::<Key>() == 8);

const LONG: u8 = u8::MAX;

impl Key {
    fn of_v4(dest: Dest) -> Option<Key> {
        match dest {
            Dest::Net(IpNet::V4(net)) => Some(Key { value: net.addr().to_bits(), kind: net.prefix_len() }),
            _ => None,
        }
    }

    fn long(at: u32) -> Key {
        Key { value: at, kind: LONG }
    }

    fn at(&self) -> Option<u32> {
        (self.kind == LONG).then_some(self.value)
    }

    fn dest(&self, long: &Pages<Dest>) -> Option<Dest> {
        match self.at() {
            Some(at) => long.get(at).copied(),
            None => Ipv4Net::new(self.value.into(), self.kind).ok().map(|net| Dest::Net(IpNet::V4(net))),
        }
    }
}

/// Puts a value into a free place or a new one; `None`: all numbers are in use.
fn put<T>(pages: &mut Pages<T>, free: &mut Bits, value: T) -> Option<u32> {
    match free.pop_first() {
        Some(at) => {
            *pages.get_mut(at)? = value;
            Some(at)
        }
        None => pages.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_come_back() {
        let mut tables = Tables::new(1);
        let mut add = |text: &str| {
            let prefix = Dest::Net(text.parse().unwrap());
            let hash = tables.hash(prefix);
            tables.intern_hashed(hash, prefix)
        };
        assert_eq!((add("10.0.0.0/8"), add("::/0"), add("10.0.0.0/8")), (Some(0), Some(1), Some(0)));
        tables.release(0);
        assert_eq!(tables.find(Dest::Net("10.0.0.0/8".parse().unwrap())), None);
        let prefix = Dest::Net("10.0.0.0/16".parse().unwrap());
        assert_eq!(tables.intern_hashed(tables.hash(prefix), prefix), Some(0));
        assert_eq!(tables.bound(), 2);
    }

    #[test]
    fn the_longest_accepted_prefix_matches() {
        let mut tables = Tables::new(1);
        for text in ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "::/0"] {
            let prefix = Dest::Net(text.parse().unwrap());
            tables.intern_hashed(tables.hash(prefix), prefix);
        }
        let addr = "10.1.2.3".parse().unwrap();
        assert_eq!(tables.longest(addr, |_| true), Some(2));
        assert_eq!(tables.longest(addr, |id| id != 2), Some(1));
        assert_eq!(tables.longest("2001:db8::1".parse().unwrap(), |_| true), Some(3));
        tables.release(0);
        assert_eq!(tables.longest("11.0.0.1".parse().unwrap(), |_| true), None);
    }
}
