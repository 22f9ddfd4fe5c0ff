//! The short way into the tunnel, which nearly every datagram takes: no options, no faults, no fragments.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::checksum::{Inverse, Verify, add, checksum_of, fold, sum_words, words};
use crate::header::{HEADER_LEN, OVERHEAD, PROTOCOL_IPIP};
use crate::{Config, Df, EcnMode, Ident, Path, Tos, Ttl, ecn, nesting};

/// What is the same for every datagram of a tunnel to one exit at one moment: the outer header as numbers to combine
/// with those of the inner one.
///
/// The first word is a number in network order, so that its length can be added to and compared; all others are
/// little-endian, so that TTL and checksum are the ends of one number. The order of the host matters nowhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    exit: Ipv4Addr,
    /// The exit again, where another datagram of the path may use it as it is; else [`NOWHERE`].
    unlearned: Ipv4Addr,
    /// The bits of the first inner word that must be as in [`LEAST`], or add to it as its length does.
    shape: u32,
    /// How many lengths of inner datagrams need no fragments, from 20 on; 0 where all go the long way.
    lengths: u64,
    verify: Verify,
    /// The bits in which the ends agree, of the second 8 inner octets, and what they are: a source with these may be an
    /// end, and goes the long way.
    ends_mask: u64,
    ends_value: u64,
    /// What goes to TTL and checksum of the inner header: 0, or the decrement of both.
    step: u32,
    /// The bits of the first inner word that go outside, and what is added to them: TOS and length.
    keep: u32,
    set: u32,
    /// The bits of the first 8 inner octets of which one is set where TOS is copied, TTL fixed and DF set.
    plain_mask: u64,
    /// The last four outer words, without checksum; TTL is 0 when it is inherited.
    third: [u8; 2],
    addresses: [u8; 8],
    /// The sum of the second outer word with DF and of the last three, as far as they are known, of at most 17 bits.
    sum: u64,
    minus: Inverse,
    df: Df,
    inherits_ttl: bool,
}

impl Lane {
    #[inline]
    pub(super) fn new(config: &Config, path: &Path, now: Duration) -> Lane {
        let (tos_keep, tos_set) = match config.tos {
            Tos::Fixed(tos) => (0, tos & !ecn::MASK),
            Tos::Inherit => (!ecn::MASK, 0),
        };
        // Compatibility mode has no ECN outside. In the mode of RFC 3168 what is not Not-ECT is no copy, and goes the
        // long way.
        let (ecn_keep, ecn_shape) = match config.ecn {
            EcnMode::Normal => (ecn::MASK, 0),
            EcnMode::Compat => (0, 0),
            EcnMode::Rfc3168 => (0, ecn::MASK),
        };
        let inherits_ttl = config.ttl == Ttl::Inherit;
        let plain_mask = match config.df {
            _ if inherits_ttl || config.tos != Tos::Inherit || config.ecn != EcnMode::Normal => 0,
            Df::Inherit => u64::from_le_bytes([0, 0, 0, 0, 0, 0, DF_OCTET, 0]),
            // A bit of the version, which is set in all.
            Df::Always => u64::from_le_bytes([0x40, 0, 0, 0, 0, 0, 0, 0]),
            Df::Never => 0,
        };
        let (local, exit) = (config.local, path.remote());
        let agree = u32::from_le_bytes((!(local.to_bits() ^ exit.to_bits())).to_be_bytes());
        let (ends_mask, ends_value) = if config.forwarded {
            let local = u32::from_le_bytes(local.octets());
            (u64::from(agree) << 32, u64::from(local & agree) << 32)
        } else {
            (0, u64::MAX)
        };
        let ttl = match config.ttl {
            Ttl::Fixed(ttl) => ttl,
            Ttl::Inherit => 0,
        };
        let third = [ttl, PROTOCOL_IPIP];
        let ([a, b, c, d], [e, f, g, h]) = (local.octets(), exit.octets());
        let addresses = [a, b, c, d, e, f, g, h];
        let ends = add(u64::from_le_bytes(addresses), u16::from_le_bytes(third).into());
        let mut lane = Lane {
            exit,
            unlearned: NOWHERE,
            shape: u32::from_be_bytes([0xff, ecn_shape, 0xff, 0xff]),
            lengths: 0,
            verify: Verify::new(config.verify_inner_checksum),
            ends_mask,
            ends_value,
            step: if config.forwarded { DECREMENT } else { 0 },
            keep: u32::from_be_bytes([0xff, tos_keep | ecn_keep, 0xff, 0xff]),
            set: u32::from_be_bytes([0, tos_set, 0, 0]) + u32::from(OVERHEAD),
            plain_mask,
            third,
            addresses,
            sum: u64::from(fold(ends)) + WITH_DF,
            minus: Inverse::new(),
            df: config.df,
            inherits_ttl,
        };
        lane.measure(config, path, now);
        lane
    }

    /// Takes what can change of a path to the same exit: its MTU.
    fn measure(&mut self, config: &Config, path: &Path, now: Duration) {
        // With options, or without IPv4 to carry, all goes the long way, which has no instructions to count.
        let long = config.local == path.remote() || !config.options.is_empty() || !config.mode.carries(PROTOCOL_IPIP);
        let mtu = if long { 0 } else { path.tunnel_mtu(config, now) };
        self.lengths = u64::from(mtu.saturating_sub(OVERHEAD - 1));
        self.unlearned = if path.unlearned().is_unspecified() { NOWHERE } else { path.unlearned() };
    }

    /// Makes it right for `path`.
    pub(super) fn turn(&mut self, config: &Config, path: &Path, now: Duration) {
        if self.exit == path.remote() {
            self.measure(config, path, now);
        } else {
            *self = Lane::new(config, path, now);
        }
    }

    /// One that is right for no path.
    pub(super) fn none(config: &Config) -> Lane {
        let lane = Lane::new(config, &Path::new(NOWHERE), Duration::ZERO);
        Lane { unlearned: NOWHERE, lengths: 0, ..lane }
    }

    /// Whether it is right for `path` as it is.
    #[inline]
    pub(super) fn fits(&self, path: &Path) -> bool {
        self.unlearned == path.unlearned()
    }

    /// [`Lane::header`] into the headroom of a buffer.
    #[expect(clippy::inline_always, reason = "left to itself it is a call, with a quarter more instructions")]
    #[inline(always)]
    pub(super) fn encap(
        &self,
        is_own: impl Fn(Ipv4Addr) -> bool,
        ident: &mut Ident,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let room = buffer.len();
        let (both, _) = buffer.split_first_chunk_mut::<{ 2 * HEADER_LEN }>()?;
        let ([outer, head], []) = both.as_chunks_mut::<HEADER_LEN>() else { return None };
        self.header(is_own, ident, head, room, outer)
    }

    /// Writes the outer header, and into `head` the inner one as it is to be sent, for a datagram that passes every
    /// check of [`Tunnel::header`](super::Tunnel::header) and needs no fragments; gives its length, outer header
    /// included. `room` is what there is of it with 20 octets of headroom. `None`: nothing was changed, and it is to go
    /// the long way, which finds out why.
    #[expect(clippy::inline_always, reason = "left to itself it is a call, with a quarter more instructions")]
    #[inline(always)]
    pub(super) fn header(
        &self,
        is_own: impl Fn(Ipv4Addr) -> bool,
        ident: &mut Ident,
        octets: &mut [u8; HEADER_LEN],
        room: usize,
        outer: &mut [u8; HEADER_LEN],
    ) -> Option<usize> {
        // Before the words, or they are shifted out of one of them.
        let [_, _, _, _, _, _, _, _, ttl, protocol, ..] = *octets;
        // 1 is enough for a datagram of our own, which the long way knows.
        if ttl <= 1 {
            return None;
        }
        let bound = BOUNDS.get(usize::from(protocol)).copied().unwrap_or_default();
        let (start, middle, end) = words(octets);
        let ([first, [_, _, flags, _], third, source, destination], []) = octets.as_chunks_mut::<4>() else {
            return None;
        };
        // Version, IHL and length in one comparison: a wrong version is a length beyond all others.
        let first = u32::from_be_bytes(*first);
        let payload = u64::from(first & self.shape).wrapping_sub(LEAST);
        if payload >= self.lengths {
            return None;
        }
        let total = usize::try_from(payload).ok()? + 2 * HEADER_LEN;
        let time_and_sum = u32::from_le_bytes(*third);
        if total > room
            || !self.verify.passes(sum_words(start, middle, end))
            || time_and_sum >= bound
            || u64::from_le(middle) & self.ends_mask == self.ends_value
            || Ipv4Addr::from(*destination) == self.exit
            || is_own(Ipv4Addr::from(*source))
            || is_own(self.exit)
        {
            return None;
        }
        *third = time_and_sum.wrapping_add(self.step).to_le_bytes();

        let ([one, two, [time, next, c0, c1], from, to], []) = outer.as_chunks_mut::<4>() else { return None };
        *one = first.wrapping_add(OUTER).to_be_bytes();
        let mut sum = self.sum + u64::from(u32::from_le_bytes(*one));
        *two = [0, 0, DF_OCTET, 0];
        [*time, *next] = self.third;
        if u64::from_le(start) & self.plain_mask == 0 {
            core::hint::cold_path();
            *one = (first & self.keep).wrapping_add(self.set).to_be_bytes();
            sum = self.sum + u64::from(u32::from_le_bytes(*one));
            let dont_fragment = match self.df {
                Df::Inherit => *flags & DF_OCTET != 0,
                Df::Always => true,
                Df::Never => false,
            };
            if !dont_fragment {
                let [i0, i1] = ident.take().to_be_bytes();
                *two = [i0, i1, 0, 0];
                sum = sum - WITH_DF + u64::from(u16::from_le_bytes([i0, i1]));
            }
            if self.inherits_ttl {
                let [ttl, ..] = *third;
                *time = ttl;
                sum += u64::from(ttl);
            }
        }
        [*c0, *c1] = checksum_of(sum, self.minus).to_le_bytes();
        let [a, b, c, d, e, f, g, h] = self.addresses;
        (*from, *to) = ([a, b, c, d], [e, f, g, h]);
        Some(total)
    }
}

/// The first word of the shortest header: version 4, IHL 5, 20 octets.
const LEAST: u64 = 0x4500_0014;

/// No path leads there; 0.0.0.0 stands for paths that have learned.
const NOWHERE: Ipv4Addr = Ipv4Addr::BROADCAST;

/// Octets of the outer header.
const OUTER: u32 = 20;

/// The second word of a header with DF and without ID, as it goes into a sum.
const WITH_DF: u64 = u64::from_le_bytes([DF_OCTET, 0, 0, 0, 0, 0, 0, 0]);

/// The octet of the flags that has DF.
const DF_OCTET: u8 = 0x40;

/// Takes one off the TTL and adds it to the high octet of the checksum (RFC 1624), as long as that is within [`BOUNDS`].
const DECREMENT: u32 = 0x0000_ffff;

/// Where TTL, protocol and checksum as a number are not below this, by protocol, the long way goes: from 0xfffe on a
/// step of the checksum goes round, or to 0xffff, the other zero, which is never written; and tunnel headers have to be
/// counted. One comparison for two questions.
const BOUNDS: [u32; 256] = nesting::by_protocol(0xfffe_0000, 0);
