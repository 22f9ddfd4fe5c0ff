//! The outer IPv4 header of a received datagram: what every tunnel over IPv4 asks of it.

use core::net::Ipv4Addr;

use crate::address::is_host;
use crate::header::{self, Header, Layer};
use crate::{Error, Reason};

/// The outer header of a datagram of a protocol that the tunnel `carries` to `local`, from a host; one of a fragment where `fragments` are asked
/// for. Whether the source is a peer is left to the tunnel.
pub(crate) fn parse(
    packet: &[u8],
    local: Ipv4Addr,
    carries: impl Fn(u8) -> bool,
    verify: bool,
    fragments: bool,
) -> Result<Header, Error> {
    let outer = header::parse(packet, packet.len(), Layer::Outer, verify)?;
    if outer.destination != local || !is_host(local) {
        return Err(Error::new(Reason::NotLocal, 16, outer.destination.to_bits()));
    }
    if !carries(outer.protocol) {
        return Err(Error::new(Reason::NotIpip, 9, outer.protocol));
    }
    if !fragments && outer.is_fragment() {
        return Err(Error::new(Reason::OuterFragment, 6, outer.fragment));
    }
    if outer.source == local || !is_host(outer.source) {
        return Err(Error::new(Reason::SourceNotAllowed, 12, outer.source.to_bits()));
    }
    Ok(outer)
}
