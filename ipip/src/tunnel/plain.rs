//! The short way out of the tunnel, which nearly every datagram takes: no options, no faults, nothing to change.

use core::net::Ipv4Addr;

use crate::address::{is_destination, is_host};
use crate::checksum::{is_right, sum_header};
use crate::header::{HEADER_LEN, Header, MF, OFFSET_MASK, PROTOCOL_IPIP};
use crate::{DscpDecap, PeerSet, ecn, nesting};

use super::Tunnel;

/// What the short way finds out.
pub(super) struct Plain {
    /// Octets of the inner datagram.
    pub(super) len: usize,
    pub(super) peer: Ipv4Addr,
    pub(super) outer_ttl: u8,
}

impl<P: PeerSet> Tunnel<P> {
    /// Finds the inner datagram of one that passes every check of [`Tunnel::decap`] and is delivered as it is. `None`:
    /// it is to go the long way, which finds out why.
    #[expect(clippy::inline_always, reason = "left to itself it is a call, with a fifth more instructions")]
    #[inline(always)]
    pub(super) fn plain(&self, packet: &[u8]) -> Option<Plain> {
        let config = &self.config;
        let ([first, second], []) = packet.first_chunk::<{ 2 * HEADER_LEN }>()?.as_chunks::<HEADER_LEN>() else {
            return None;
        };
        let (outer, inner) = (Header::of(first), Header::of(second));
        let total = HEADER_LEN + inner.total();
        let shape = first[0] == 0x45
            && second[0] == 0x45
            && inner.total() >= HEADER_LEN
            && outer.total() >= total
            && packet.len() >= outer.total()
            && outer.protocol == PROTOCOL_IPIP
            && outer.fragment & (MF | OFFSET_MASK) == 0
            && u32::from(inner.ttl) > LEAST_TTL.get(usize::from(inner.protocol)).copied().unwrap_or_default();
        if !shape
            || (config.verify_outer_checksum && !is_right(sum_header(first)))
            || (config.verify_inner_checksum && !is_right(sum_header(second)))
        {
            return None;
        }
        // RFC 6040 section 4.2: nothing changes when the outer field is Not-ECT or the inner one.
        let marked = outer.tos & ecn::MASK != 0 && (outer.tos ^ inner.tos) & ecn::MASK != 0;
        if marked || config.dscp_decap == DscpDecap::Uniform {
            return None;
        }
        let foreign = |address| is_host(address) && address != config.local && !self.peers.is_own(address);
        if outer.destination != config.local
            || !is_host(config.local)
            || !is_destination(inner.destination)
            || !foreign(inner.source)
            || !foreign(outer.source)
            || inner.source == outer.source
            || config.remote == Some(inner.source)
            || !self.peers.contains(outer.source)
            || !self.peers.allows_source(outer.source, inner.source)
            || !self.peers.allows_destination(inner.destination)
        {
            return None;
        }
        Some(Plain { len: inner.total(), peer: outer.source, outer_ttl: outer.ttl })
    }
}

const LEAST_TTL: [u32; 256] = nesting::by_protocol(0, u32::MAX);
