//! The short way into the tunnel, which nearly every datagram takes: no options, no faults, no fragments.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::checksum::{add, fold, is_right, words};
use crate::header::{DF, HEADER_LEN, OVERHEAD, PROTOCOL_IPIP, decrement_ttl, first_half};
use crate::{Config, Df, EcnMode, Ident, Path, Tos, Ttl, ecn, nesting};

/// What is the same for every datagram of a tunnel to one exit at one moment: the outer header as masks over the inner
/// one, in the octet order of memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    /// The bits of the first 8 inner octets that go outside: TOS and DF.
    keep: u64,
    /// The bits of the first 8 outer octets that are always set.
    set: u64,
    local: Ipv4Addr,
    exit: Ipv4Addr,
    /// How many lengths of inner datagrams need no fragments, from 20 on; 0 where all go the long way.
    lengths: u16,
    /// The third outer word, without checksum; TTL is 0 when it is inherited.
    third: u32,
    /// The bits of the inner TTL that go outside, in that word.
    ttl_keep: u32,
    /// The sum of the last three outer words, as far as they are known.
    sum: u64,
    forwarded: bool,
    verify: bool,
    /// Whether another datagram to the exit may use it: nothing learned can age.
    lasts: bool,
}

impl Lane {
    #[inline]
    pub(super) fn new(config: &Config, path: &Path, now: Duration) -> Lane {
        let (tos_keep, tos_set) = match config.tos {
            Tos::Fixed(tos) => (0, tos & !ecn::MASK),
            Tos::Inherit => (!ecn::MASK, 0),
        };
        let ecn_keep = if config.ecn == EcnMode::Compat { 0 } else { ecn::MASK };
        let (df_keep, df_set) = match config.df {
            Df::Inherit => (DF, 0),
            Df::Always => (0, DF),
            Df::Never => (0, 0),
        };
        let (ttl_keep, ttl_set) = match config.ttl {
            Ttl::Fixed(ttl) => (0, ttl),
            Ttl::Inherit => (u8::MAX, 0),
        };
        let (local, exit) = (config.local, path.remote());
        let mtu = match config.ecn {
            // Its outer field is no mask over the inner one.
            EcnMode::Rfc3168 => 0,
            _ if local == exit => 0,
            _ => path.tunnel_mtu(config, now),
        };
        let third = u32::from_ne_bytes([ttl_set, PROTOCOL_IPIP, 0, 0]);
        Lane {
            keep: first_half(0, tos_keep | ecn_keep, 0, 0, df_keep),
            set: first_half(0x45, tos_set, 0, 0, df_set),
            local,
            exit,
            lengths: mtu.saturating_sub(OVERHEAD - 1),
            third,
            ttl_keep: u32::from_ne_bytes([ttl_keep, 0, 0, 0]),
            sum: u64::from(third) + u64::from(number(local)) + u64::from(number(exit)),
            forwarded: config.forwarded,
            verify: config.verify_inner_checksum,
            lasts: !path.has_learned(),
        }
    }

    /// One that is right for no path.
    pub(super) fn none(config: &Config) -> Lane {
        Lane { lasts: false, ..Lane::new(config, &Path::new(config.local), Duration::ZERO) }
    }

    /// Whether it is right for `path` too.
    #[inline]
    pub(super) fn fits(&self, path: &Path) -> bool {
        self.lasts && self.exit == path.remote() && !path.has_learned()
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
        let (first, second, last) = words(octets);
        let [_, _, l0, l1, _, _, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *octets;
        let (source, destination) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
        let len = u16::from_be_bytes([l0, l1]);
        let total = usize::from(len) + HEADER_LEN;
        if first & first_half(0xff, 0, 0, 0, 0) != first_half(0x45, 0, 0, 0, 0)
            || len.wrapping_sub(OVERHEAD) >= self.lengths
            || total > room
            || (self.verify && !is_right(add(add(first, second), last.into())))
        {
            return None;
        }
        if ttl <= u8::from(self.forwarded)
            || destination == self.exit
            || is_own(self.exit)
            || nesting::is_tunnel(protocol)
        {
            return None;
        }
        let mut ttl = ttl;
        if self.forwarded {
            if source == self.local || source == self.exit || is_own(source) {
                return None;
            }
            ttl -= 1;
            decrement_ttl(octets);
        }
        let mut first = (first & self.keep) | self.set | first_half(0, 0, len.wrapping_add(OVERHEAD), 0, 0);
        if first & first_half(0, 0, 0, 0, DF) == 0 {
            first |= first_half(0, 0, 0, ident.take(), 0);
        }
        let ttl = u32::from_ne_bytes([ttl, 0, 0, 0]) & self.ttl_keep;
        let [c0, c1] = (!fold(add(first, self.sum + u64::from(ttl)))).to_ne_bytes();
        let [a, b, c, d, e, f, g, h] = first.to_ne_bytes();
        let ([one, two, three, source, destination], []) = outer.as_chunks_mut::<4>() else { return None };
        (*one, *two) = ([a, b, c, d], [e, f, g, h]);
        *three = (self.third | ttl | u32::from_ne_bytes([0, 0, c0, c1])).to_ne_bytes();
        (*source, *destination) = (self.local.octets(), self.exit.octets());
        Some(total)
    }
}

#[inline]
fn number(address: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(address.octets())
}
