//! UPDATEs as route collectors see them: made here, with the distribution of recorded ones.
//!
//! The figures are those of 124,734 UPDATEs in the files of RIPE RIS and RouteViews of 2000 to 2015 that stand in the
//! project's corpus: 105 octets and 5.7 prefixes in the mean, one prefix in the median. [`recorded`] reads such files,
//! so that a count on the generated UPDATEs can be held against one on the real ones.

#![expect(clippy::indexing_slicing, reason = "the lists are as long as they are read")]

use bgp_wire::{Context, SessionKind};

/// An UPDATE and the session that it came over.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The whole message.
    pub message: Vec<u8>,
    /// How to read it.
    pub context: Context,
}

/// How many UPDATEs [`generated`] makes.
pub const GENERATED: usize = 500;

/// UPDATEs of the same mixture of sessions, attributes, paths and prefixes as the recorded ones, always the same.
#[must_use]
pub fn generated() -> Vec<Sample> {
    GROUPS.iter().flat_map(Group::samples).collect()
}

/// The UPDATEs of an MRT file that is not compressed (RFC 6396: BGP4MP and `BGP4MP_ET`, or several files in a row).
///
/// A session within one AS is iBGP, the others are eBGP; what is no UPDATE is left out.
#[must_use]
pub fn recorded(mut octets: &[u8]) -> Vec<Sample> {
    let mut samples = Vec::new();
    while let Some((header, rest)) = octets.split_first_chunk::<12>() {
        let [_, _, _, _, _, ty, _, subtype, len @ ..] = *header;
        let Some((record, behind)) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX))
        else {
            break;
        };
        octets = behind;
        samples.extend(sample(ty, subtype, record));
    }
    samples
}

fn sample(ty: u8, subtype: u8, record: &[u8]) -> Option<Sample> {
    let record = match ty {
        16 => record,
        17 => record.get(4..)?,
        _ => return None,
    };
    let wide = match subtype {
        1 => false,
        4 => true,
        _ => return None,
    };
    let width = if wide { 4 } else { 2 };
    let (peer, rest) = record.split_at_checked(width)?;
    let (local, rest) = rest.split_at_checked(width)?;
    let addresses = if rest.get(2..4)? == [0, 1] { 8 } else { 32 };
    let message = rest.get(4 + addresses..)?;
    let kind = if peer == local { SessionKind::Ibgp } else { SessionKind::Ebgp };
    let context = Context::new(kind).with_four_octet_as(wide);
    (message.len() >= 23 && message.get(18) == Some(&2)).then(|| Sample { message: message.to_vec(), context })
}

/// UPDATEs of one kind of session. Lists are means of twentieths of the recorded values in ascending order, in tenths.
struct Group {
    count: usize,
    context: Context,
    /// Attributes, and how many of 1000 UPDATEs have just these; `x`: with an extended length, `n`: NLRI, `w`:
    /// withdrawn routes.
    sets: &'static [(&'static str, usize)],
    hops: [usize; 20],
    communities: [usize; 20],
    prefixes: [usize; 20],
}

const GROUPS: [Group; 3] = [
    Group {
        count: 360,
        context: Context::new(SessionKind::Ibgp),
        sets: &[
            ("n 1 2x 3 4 5 8 9 10", 844),
            ("n 1 2x 3 4 5 6 7 8 9 10", 82),
            ("n 1 2x 3 4 5 7 8 9 10", 52),
            ("n 1 2x 3 4 5 8 9 10 16", 20),
            ("n 1 2x 3 4 5 6 8 9 10", 2),
        ],
        hops: [10, 16, 20, 20, 20, 20, 20, 20, 24, 30, 30, 30, 30, 30, 30, 36, 40, 41, 51, 80],
        communities: [10; 20],
        prefixes: [10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 20, 20, 20, 29, 34, 43, 57, 83, 142, 740],
    },
    Group {
        count: 101,
        context: Context::new(SessionKind::Ebgp).with_four_octet_as(false),
        sets: &[
            ("n 1 2 3", 303),
            ("n 1 2 3 8", 205),
            ("n 1 2 3 4 8", 149),
            ("1 2 4 14", 137),
            ("w", 48),
            ("n 1 2 3 6 7", 30),
            ("n 1 2 3 4", 29),
            ("n 1 2 3 7", 21),
            ("n 1 2 3 6 7 8", 14),
            ("n 1 2 3 7 8", 12),
            ("n 1 2 3 4 7 8", 11),
            ("1 2 4 7 14", 10),
            ("1 2 4 8 14x", 12),
            ("1 2 4 6 7 14", 8),
            ("n 1 2 3 4 6 7 8", 8),
            ("15x", 3),
        ],
        hops: [26, 30, 30, 33, 40, 40, 40, 40, 40, 40, 40, 43, 50, 50, 50, 57, 60, 71, 84, 105],
        communities: [10, 10, 10, 20, 20, 20, 30, 30, 30, 30, 30, 30, 38, 40, 40, 42, 50, 57, 68, 97],
        prefixes: [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 19, 20, 20, 29, 40, 68, 193],
    },
    Group {
        count: 39,
        context: Context::new(SessionKind::Ebgp),
        sets: &[
            ("n 1 2 3 8", 600),
            ("n 1 2 3", 222),
            ("n 1 2 3 6 7 8", 48),
            ("n 1 2 3 7 8", 26),
            ("1 2 14x", 26),
            ("w", 21),
            ("n 1 2 3 6 7", 17),
            ("n 1 2 3 7", 16),
            ("n 1 2x 3 8", 14),
            ("w n 1 2 3 8", 6),
            ("15x", 4),
        ],
        hops: [27, 37, 40, 40, 40, 48, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 59, 71, 103],
        communities: [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 18, 30, 44, 78],
        prefixes: [10, 10, 10, 10, 10, 10, 10, 10, 10, 20, 20, 26, 33, 45, 61, 95, 152, 238, 260, 321],
    },
];

/// Lengths of the recorded IPv4 prefixes, and how many of 100 have them.
const LENGTHS: [(u8, usize); 10] =
    [(24, 54), (22, 11), (23, 10), (21, 7), (20, 7), (19, 5), (16, 2), (18, 2), (17, 1), (15, 1)];

impl Group {
    fn samples(&self) -> impl Iterator<Item = Sample> {
        (0..self.count).map(|index| {
            // Each list is gone through in an order of its own, so that every value occurs as often as it should.
            let turn = |step: usize| (index * step + step / 2) % self.count;
            let pick = |list: &[usize; 20], step| {
                let place = turn(step);
                // Tenths: so many of ten are rounded up.
                (list[place * 20 / self.count] + (place * 7 + index) % 10) / 10
            };
            let set = weighted(self.sets, (turn(1) * 2 + 1) * 1000 / (self.count * 2));
            let mut update = Update {
                seed: index,
                wide: self.context.four_octet_as(),
                hops: pick(&self.hops, 7),
                communities: pick(&self.communities, 11),
                prefixes: pick(&self.prefixes, 17),
                ..Update::default()
            };
            set.split(' ').for_each(|part| update.add(part));
            Sample { message: update.finish(), context: self.context }
        })
    }
}

fn weighted<T: Copy>(rows: &[(T, usize)], mut place: usize) -> T {
    for (value, weight) in rows {
        if place < *weight {
            return *value;
        }
        place -= weight;
    }
    rows[0].0
}

/// An UPDATE in the making.
#[derive(Default)]
struct Update {
    seed: usize,
    wide: bool,
    hops: usize,
    communities: usize,
    prefixes: usize,
    withdrawn: Vec<u8>,
    attrs: Vec<u8>,
    nlri: Vec<u8>,
}

impl Update {
    fn add(&mut self, part: &str) {
        match part {
            "n" => self.nlri = self.ipv4(self.prefixes),
            "w" => self.withdrawn = self.ipv4(self.prefixes),
            _ => {
                let ty = part.trim_end_matches('x').parse().unwrap_or(0);
                let (flags, value) = self.attribute(ty);
                let len = u16::try_from(value.len()).unwrap_or(0).to_be_bytes();
                if part.ends_with('x') || len[0] != 0 {
                    self.attrs.extend([flags | 0x10, ty, len[0], len[1]]);
                } else {
                    self.attrs.extend([flags, ty, len[1]]);
                }
                self.attrs.extend(value);
            }
        }
    }

    fn attribute(&self, ty: u8) -> (u8, Vec<u8>) {
        let number = |salt| self.number(salt).to_be_bytes();
        match ty {
            1 => (0x40, vec![u8::try_from(self.seed % 3).unwrap_or(0) & 2]),
            2 => {
                let mut path = vec![2, u8::try_from(self.hops).unwrap_or(255)];
                for hop in 0..self.hops {
                    let asn = (1 + self.number(hop) % 64_000).to_be_bytes();
                    path.extend(if self.wide { &asn[..] } else { &asn[2..] });
                }
                (0x40, path)
            }
            3 => (0x40, vec![192, 0, 2, number(3)[3]]),
            4 => (0x80, number(4).into()),
            5 => (0x40, vec![0, 0, 0, 100]),
            6 => (0x40, vec![]),
            7 => {
                let asn = (1 + self.number(7) % 64_000).to_be_bytes();
                (0xc0, [if self.wide { &asn[..] } else { &asn[2..] }, &number(8)].concat())
            }
            8 => (0xc0, (0..self.communities).flat_map(number).collect()),
            9 => (0x80, number(9).into()),
            10 => (0x80, number(10).into()),
            14 => {
                let mut value = vec![0, 2, 1, 16, 0x20, 1, 0x0d, 0xb8];
                value.extend([0; 11]);
                value.extend([1, 0]);
                value.extend(self.ipv6());
                (0x80, value)
            }
            15 => (0x80, [&[0, 2, 1], &self.ipv6()[..]].concat()),
            _ => (0xc0, [[0, 2, 0, 1], number(16)].concat()),
        }
    }

    fn ipv4(&self, count: usize) -> Vec<u8> {
        let prefix = |at: usize| {
            let bits = weighted(&LENGTHS, usize::from(self.number(at).to_be_bytes()[2]) * 100 / 256);
            // 1/8 to 126/8: what is of class D or E has no routes, and libraries differ in whether they refuse it.
            let [first, a, b, c] = self.number(100 + at).to_be_bytes();
            let octets = u32::from_be_bytes([1 + first % 126, a, b, c]) & (u32::MAX << (32 - bits));
            [&[bits], &octets.to_be_bytes()[..usize::from(bits.div_ceil(8))]].concat()
        };
        (0..count).flat_map(prefix).collect()
    }

    fn ipv6(&self) -> Vec<u8> {
        let [a, b, c, d] = self.number(6).to_be_bytes();
        if self.seed.is_multiple_of(3) { vec![48, 0x20, 1, a, b, c, d] } else { vec![32, 0x20, 1, a, b] }
    }

    /// A number that looks random.
    fn number(&self, salt: usize) -> u32 {
        let mut random = crate::random::Random(u64::try_from(self.seed * 1000 + salt).unwrap_or(0));
        random.next();
        random.next()
    }

    fn finish(self) -> Vec<u8> {
        let len = |octets: &[u8]| u16::try_from(octets.len()).unwrap_or(0).to_be_bytes();
        let whole = 23 + self.withdrawn.len() + self.attrs.len() + self.nlri.len();
        let mut message = vec![0xff; 16];
        message.extend(u16::try_from(whole).unwrap_or(0).to_be_bytes());
        message.push(2);
        for (field, with_length) in [(&self.withdrawn, true), (&self.attrs, true), (&self.nlri, false)] {
            if with_length {
                message.extend(len(field));
            }
            message.extend(field);
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{Action, UpdateView};

    #[test]
    fn generated_updates_are_like_the_recorded_ones() {
        let samples = generated();
        assert_eq!(samples.len(), GENERATED);
        let (mut octets, mut prefixes) = (0, 0);
        for Sample { message, context } in &samples {
            let view = UpdateView::decode(message, context).expect("a session that stays up");
            assert_eq!(view.verdict().action, Action::Accept);
            octets += message.len();
            prefixes += view.announced().flat_map(|part| part.nlri).count();
            prefixes += view.withdrawn().flat_map(|part| part.nlri).count();
        }
        // Recorded: 104.7 octets and 5.66 prefixes.
        assert!((100..110).contains(&(octets / GENERATED)), "{octets}");
        assert!((500..600).contains(&(100 * prefixes / GENERATED)), "{prefixes}");
    }
}
