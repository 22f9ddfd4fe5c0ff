//! The short way out of the tunnel, which nearly every datagram takes: no options, no faults, nothing to change.

use core::net::Ipv4Addr;

use crate::address::{is_destination, is_host};
use crate::checksum::{Verify, sum_words, words};
use crate::header::{HEADER_LEN, PROTOCOL_IPIP};
use crate::{Config, DscpDecap, PeerSet, ecn, nesting};

use super::Tunnel;

/// What the short way finds out.
pub(super) struct Plain {
    /// Octets of the inner datagram.
    pub(super) len: usize,
    pub(super) peer: Ipv4Addr,
    pub(super) outer_ttl: u8,
}

/// What of the configuration the short way asks, prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    local: Ipv4Addr,
    /// The other end, or our own where there is no other: neither can be an inner source.
    end: Ipv4Addr,
    /// How many lengths of outer datagrams are right, from 40 on; 0 where all go the long way: with a DSCP to copy, or an end that
    /// is no host.
    lengths: u64,
    verify_outer: Verify,
    verify_inner: Verify,
}

impl Gate {
    pub(super) fn new(config: &Config) -> Gate {
        let short = is_host(config.local) && config.dscp_decap == DscpDecap::Pipe && config.mode.carries(PROTOCOL_IPIP);
        Gate {
            local: config.local,
            end: config.remote.unwrap_or(config.local),
            lengths: if short { u64::from(u16::MAX) - LEAST_TOTAL + 1 } else { 0 },
            verify_outer: Verify::new(config.verify_outer_checksum),
            verify_inner: Verify::new(config.verify_inner_checksum),
        }
    }

    /// One that sends everything the long way.
    pub(super) fn shut(config: &Config) -> Gate {
        Gate { lengths: 0, ..Gate::new(config) }
    }

    pub(super) fn is_shut(&self) -> bool {
        self.lengths == 0
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// Finds the inner datagram of one that passes every check of [`Tunnel::decap`] and is delivered as it is. `None`:
    /// it is to go the long way, which finds out why.
    #[expect(clippy::inline_always, reason = "left to itself it is a call, with a fifth more instructions")]
    #[inline(always)]
    pub(super) fn plain(&self, packet: &[u8]) -> Option<Plain> {
        let gate = &self.gate;
        let ([first, second], []) = packet.first_chunk::<{ 2 * HEADER_LEN }>()?.as_chunks::<HEADER_LEN>() else {
            return None;
        };
        // Before the words, or they are shifted out of them.
        let &[_, outer_tos, _, _, _, _, _, _, outer_ttl, ..] = first;
        let &[_, inner_tos, _, _, _, _, _, _, inner_ttl, inner_protocol, ..] = second;
        let fragment_and_protocol = u32::from_be_bytes(*first.get(6..)?.first_chunk()?);
        let (outer_start, outer_middle, outer_end) = words(first);
        let (inner_start, inner_middle, inner_end) = words(second);
        let ([outer_first, _, _, outer_source, outer_destination], []) = first.as_chunks::<4>() else { return None };
        let ([inner_first, _, _, inner_source, inner_destination], []) = second.as_chunks::<4>() else { return None };
        let (outer_source, inner_source) = (Ipv4Addr::from(*outer_source), Ipv4Addr::from(*inner_source));
        let inner_destination = Ipv4Addr::from(*inner_destination);
        // Version, IHL and length in one comparison: a wrong version is a length beyond all others.
        let outer_len = u64::from(u32::from_be_bytes(*outer_first) & SHAPE).wrapping_sub(VERSION + LEAST_TOTAL);
        let payload = u64::from(u32::from_be_bytes(*inner_first) & SHAPE).wrapping_sub(VERSION + LEAST_TOTAL - 20);
        if outer_len >= gate.lengths || payload > outer_len {
            return None;
        }
        let total = usize::try_from(outer_len).ok()? + 2 * HEADER_LEN;
        let len = usize::try_from(payload).ok()? + HEADER_LEN;
        if total > packet.len()
            // Said by the lengths already, but not to the compiler.
            || len > packet.len() - HEADER_LEN
            || fragment_and_protocol & 0x3fff_00ff != u32::from(PROTOCOL_IPIP)
            || inner_ttl <= least_ttl(inner_protocol)
            || !gate.verify_outer.passes(sum_words(outer_start, outer_middle, outer_end))
            || !gate.verify_inner.passes(sum_words(inner_start, inner_middle, inner_end))
            // RFC 6040 section 4.2: nothing changes when the outer field is Not-ECT, or the inner one.
            || (outer_tos & ecn::MASK != 0 && (outer_tos ^ inner_tos) & ecn::MASK != 0)
        {
            return None;
        }
        let own = |address| address == gate.local || self.peers.is_own(address);
        if Ipv4Addr::from(*outer_destination) != gate.local
            || !is_destination(inner_destination)
            || !is_host(inner_source)
            || !is_host(outer_source)
            || own(outer_source)
            || own(inner_source)
            || inner_source == outer_source
            || inner_source == gate.end
            || !self.peers.contains(outer_source)
            || !self.peers.allows_source(outer_source, inner_source)
            || !self.peers.allows_destination(inner_destination)
        {
            return None;
        }
        Some(Plain { len, peer: outer_source, outer_ttl })
    }
}

/// Where the TTL is not above this the long way goes: it is 0, or another tunnel header may follow.
#[inline]
fn least_ttl(protocol: u8) -> u8 {
    const LEAST: [u8; 256] = nesting::by_protocol(0, u8::MAX);
    LEAST.get(usize::from(protocol)).copied().unwrap_or_default()
}

/// Version, IHL and length in the first word of a header.
const SHAPE: u32 = 0xff00_ffff;
const VERSION: u64 = 0x4500_0000;
/// Two headers.
const LEAST_TOTAL: u64 = 40;
