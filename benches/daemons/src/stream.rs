//! The routes, and the octets in which a client announces and withdraws them.

use std::net::Ipv4Addr;
use std::ops::Range;

use hashbrown::HashMap;

/// Octets that a whole message may have (RFC 4271 section 4.1).
const LIMIT: usize = 4096;

/// Prefixes by number, in groups with the same attributes.
#[derive(Debug)]
pub(crate) struct Routes {
    prefixes: Vec<(u32, u8)>,
    numbers: HashMap<(u32, u8), u32, foldhash::fast::FixedState>,
    /// Where each group begins.
    groups: Vec<usize>,
    blocks: bool,
}

impl Routes {
    /// A table with the lengths of the real one (59 % are /24), 6.2 routes to an attribute set in the mean.
    pub(crate) fn table(count: usize) -> Routes {
        // Of 1000 prefixes, so many have this length.
        const LENGTHS: [(u64, u8); 9] =
            [(590, 24), (115, 23), (117, 22), (57, 21), (47, 20), (31, 19), (18, 18), (10, 17), (15, 16)];
        let mut random = Random(1);
        let mut next: u64 = 1 << 24;
        let prefixes: Vec<(u32, u8)> = (0..count)
            .map(|_| {
                let mut pick = random.below(1000);
                let length = LENGTHS.iter().find(|(share, _)| {
                    let found = pick < *share;
                    pick = pick.saturating_sub(*share);
                    found
                });
                let length = length.map_or(24, |(_, length)| *length);
                let size = 1_u64 << (32 - u32::from(length));
                let mut start = next.next_multiple_of(size);
                if start >> 24 == 127 {
                    start = 128 << 24;
                }
                next = start + size;
                (u32::try_from(start).expect("fits the address space"), length)
            })
            .collect();
        let mut groups = Vec::new();
        let mut at = 0;
        while at < count {
            groups.push(at);
            // One to 25, small ones more often.
            let most = 1 + random.below(25);
            at += usize::try_from(1 + random.below(most)).expect("small");
        }
        Routes::new(prefixes, groups, false)
    }

    /// /26 blocks, `each` to a node.
    pub(crate) fn blocks(count: usize, each: usize) -> Routes {
        let prefixes = (0..count).map(|number| (0x0af0_0000 + u32::try_from(number).expect("few") * 64, 26)).collect();
        Routes::new(prefixes, (0..count).step_by(each).collect(), true)
    }

    fn new(prefixes: Vec<(u32, u8)>, groups: Vec<usize>, blocks: bool) -> Routes {
        let numbers = prefixes.iter().zip(0..).map(|(prefix, number)| (*prefix, number)).collect();
        Routes { prefixes, numbers, groups, blocks }
    }

    /// The number of a prefix as it stands in a message.
    pub(crate) fn number(&self, address: u32, length: u8) -> Option<usize> {
        self.numbers.get(&(address, length)).map(|number| usize::try_from(*number).expect("32 bits fit"))
    }

    /// Announces the groups of `range` that `chosen` picks, version `version` of them, from client `sender`.
    pub(crate) fn announce(
        &self,
        range: Range<usize>,
        sender: usize,
        version: u8,
        chosen: impl Fn(usize) -> bool,
    ) -> Vec<u8> {
        let mut octets = Vec::new();
        for (group, members) in self.groups_in(range) {
            if !chosen(group) {
                continue;
            }
            let attributes = self.attributes(group, sender, version);
            self.messages(&mut octets, members, &attributes);
        }
        octets
    }

    /// How many routes that is.
    pub(crate) fn count(&self, range: Range<usize>, chosen: impl Fn(usize) -> bool) -> usize {
        self.groups_in(range).filter(|(group, _)| chosen(*group)).map(|(_, members)| members.len()).sum()
    }

    /// Withdraws all of `range`, in full messages.
    pub(crate) fn withdraw(&self, range: Range<usize>) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut nlri = Vec::new();
        let flush = |octets: &mut Vec<u8>, nlri: &mut Vec<u8>| {
            if !nlri.is_empty() {
                let mut body = length(nlri.len()).to_vec();
                body.extend_from_slice(nlri);
                body.extend_from_slice(&[0, 0]);
                octets.extend_from_slice(&message(2, &body));
                nlri.clear();
            }
        };
        for number in range {
            if 19 + 4 + nlri.len() + 5 > LIMIT {
                flush(&mut octets, &mut nlri);
            }
            self.put(&mut nlri, number);
        }
        flush(&mut octets, &mut nlri);
        octets
    }

    fn groups_in(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let first = self.groups.partition_point(|start| *start <= range.start).saturating_sub(1);
        let starts = self.groups.iter().enumerate().skip(first);
        starts.take_while(move |(_, start)| **start < range.end).map(move |(group, start)| {
            let end = self.groups.get(group + 1).copied().unwrap_or(self.prefixes.len());
            (group, (*start).max(range.start)..end.min(range.end))
        })
    }

    fn messages(&self, octets: &mut Vec<u8>, members: Range<usize>, attributes: &[u8]) {
        let mut body = vec![0, 0];
        body.extend_from_slice(&length(attributes.len()));
        body.extend_from_slice(attributes);
        let fixed = body.len();
        for number in members {
            if 19 + body.len() + 5 > LIMIT {
                octets.extend_from_slice(&message(2, &body));
                body.truncate(fixed);
            }
            self.put(&mut body, number);
        }
        octets.extend_from_slice(&message(2, &body));
    }

    fn put(&self, octets: &mut Vec<u8>, number: usize) {
        let (address, length) = self.prefixes[number];
        octets.push(length);
        octets.extend_from_slice(&address.to_be_bytes()[..usize::from(length.div_ceil(8))]);
    }

    /// The version of a route is its MULTI_EXIT_DISC.
    fn attributes(&self, group: usize, sender: usize, version: u8) -> Vec<u8> {
        let mut random = Random(0x9e37_79b9 ^ u64::try_from(group).expect("fits"));
        let mut octets = vec![0x40, 1, 1, 0];
        let hops = if self.blocks { 0 } else { 2 + random.below(5) };
        if hops == 0 {
            octets.extend_from_slice(&[0x40, 2, 0]);
        } else {
            let count = u8::try_from(hops).expect("small");
            octets.extend_from_slice(&[0x40, 2, 2 + 4 * count, 2, count]);
            for _ in 0..hops {
                let asn = 1 + u32::try_from(random.below(60_000)).expect("small");
                // Not the reflector's own.
                octets.extend_from_slice(&(asn + u32::from(asn == OWN_AS)).to_be_bytes());
            }
        }
        octets.extend_from_slice(&[0x40, 3, 4]);
        octets.extend_from_slice(&next_hop(sender).octets());
        octets.extend_from_slice(&[0x80, 4, 4, 0, 0, 0, version]);
        octets.extend_from_slice(&[0x40, 5, 4, 0, 0, 0, 100]);
        if !self.blocks && random.below(10) < 6 {
            let count = 1 + random.below(5);
            octets.extend_from_slice(&[0xc0, 8, u8::try_from(4 * count).expect("small")]);
            for _ in 0..count {
                octets.extend_from_slice(&u32::try_from(random.below(1 << 31)).expect("31 bits").to_be_bytes());
            }
        }
        octets
    }
}

/// The AS of all.
pub(crate) const OWN_AS: u32 = 64512;

/// The next hop of a client's routes.
pub(crate) fn next_hop(sender: usize) -> Ipv4Addr {
    Ipv4Addr::from(0xc612_0001 + u32::try_from(sender).expect("few"))
}

/// A message of this type.
pub(crate) fn message(ty: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend_from_slice(&length(19 + body.len()));
    octets.push(ty);
    octets.extend_from_slice(body);
    octets
}

/// An OPEN with hold time 240, IPv4 unicast, 4-octet AS and the identifier given.
pub(crate) fn open(id: Ipv4Addr) -> Vec<u8> {
    let asn = OWN_AS.to_be_bytes();
    let mut body = vec![4, asn[2], asn[3], 0, 240];
    body.extend_from_slice(&id.octets());
    body.extend_from_slice(&[16, 2, 14, 1, 4, 0, 1, 0, 1, 2, 0, 65, 4]);
    body.extend_from_slice(&asn);
    message(1, &body)
}

fn length(octets: usize) -> [u8; 2] {
    u16::try_from(octets).expect("messages are short").to_be_bytes()
}

/// SplitMix64: the same routes on every machine.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % end
    }
}
