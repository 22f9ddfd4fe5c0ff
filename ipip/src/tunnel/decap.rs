//! Decapsulation (RFC 2003 section 3.1), safe by default (VU#636397, VU#199397).

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::address::{is_destination, is_dhcp, is_host};
use crate::counters::count_one;
use crate::header::{HEADER_LEN, Header, Layer, PROTOCOL_IPIP, parse, set_tos};
use crate::{DscpDecap, Error, PeerSet, Reason, Reassembly, ecn, nesting, outer};

use super::Tunnel;
use super::plain::{Gate, Plain};

/// An inner datagram, where it lies in the caller's buffer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decapsulated<'p> {
    /// The inner datagram, trimmed to its total length; TOS and checksum are as they are to be delivered.
    pub inner: &'p mut [u8],
    /// Where it begins in the buffer given: the octets of the outer header.
    pub offset: usize,
    /// The outer source: the peer that sent it.
    pub peer: Ipv4Addr,
    /// The outer TTL that was left: the length of the path, when the peer's outer TTL is known.
    pub outer_ttl: u8,
    /// A combination of inner and outer ECN that no compliant path makes (RFC 6040 section 4.2): worth a log.
    pub ecn_anomaly: bool,
}

impl<P: PeerSet> Tunnel<P> {
    /// Decapsulates in place: `packet` is an outer datagram, link padding behind it allowed. The inner datagram is a
    /// part of it; only its TOS octet and checksum may change, by [`Config::dscp_decap`](crate::Config::dscp_decap)
    /// and RFC 6040. One layer is taken off; the TTL stays.
    ///
    /// Accepted is only what a peer sent to our address and holds a sane inner datagram with addresses that can be.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was. No ICMP is sent about it: the source may be
    /// forged. Of the outer header: `OuterTruncated`, `OuterNotIpv4`, `OuterBadHeader`, `OuterChecksum`, `NotLocal`,
    /// `NotIpip`, `OuterFragment` (see [`Tunnel::reassemble`]), `SourceNotAllowed`. Of the inner datagram: `InnerTruncated`,
    /// `InnerNotIpv4`, `InnerBadHeader`, `InnerChecksum`, `InnerTtlZero`, `InnerMartian`, `InnerSourceNotAllowed`,
    /// `InnerDestinationNotAllowed`, `Nesting`, `EcnDrop`. Offsets count from the outer datagram.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, Reason, Tunnel};
    ///
    /// let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), peer);
    /// let error = tunnel.decap(&mut [0x45, 0, 0]).map(|_| ()).unwrap_err();
    /// assert_eq!(error.reason, Reason::OuterTruncated);
    /// assert_eq!(tunnel.counters().dropped(Reason::OuterTruncated), 1);
    /// ```
    #[inline]
    pub fn decap<'p>(&mut self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
        self.decap_one(packet)
    }

    /// Decapsulates many datagrams and hands over what becomes of each, in order.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, Tunnel};
    ///
    /// let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), peer);
    /// let mut received = [[0; 60], [0; 60]];
    /// let mut refused = 0;
    /// tunnel.decap_each(received.iter_mut().map(|packet| &mut packet[..]), |result| refused += usize::from(result.is_err()));
    /// assert_eq!(refused, 2);
    /// ```
    #[inline]
    pub fn decap_each<'p>(
        &mut self,
        packets: impl IntoIterator<Item = &'p mut [u8]>,
        mut each: impl FnMut(Result<Decapsulated<'p>, Error>),
    ) {
        for packet in packets {
            each(self.decap_one(packet));
        }
    }

    #[expect(clippy::inline_always, reason = "in a batch a call and its result are a fifth of the instructions")]
    #[inline(always)]
    fn decap_one<'p>(&mut self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
        let Some(Plain { len, peer, outer_ttl }) = self.plain(packet) else {
            core::hint::cold_path();
            return self.decap_in_detail(packet);
        };
        count_one(&mut self.counters.decapsulated);
        let inner = packet.get_mut(HEADER_LEN..).and_then(|body| body.get_mut(..len)).unwrap_or_default();
        Ok(Decapsulated { inner, offset: HEADER_LEN, peer, outer_ttl, ecn_anomaly: false })
    }

    #[cold]
    #[inline(never)]
    fn decap_in_detail<'p>(&mut self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
        if self.gate.is_shut() {
            self.gate = Gate::new(&self.config);
        }
        match self.decap_checked(packet) {
            Ok(decapsulated) => {
                count_one(&mut self.counters.decapsulated);
                if decapsulated.ecn_anomaly {
                    count_one(&mut self.counters.ecn_anomalies);
                }
                Ok(decapsulated)
            }
            Err(error) => {
                self.counters.drop_for(error.reason);
                if error.reason == Reason::EcnDrop {
                    count_one(&mut self.counters.ecn_anomalies);
                }
                Err(error)
            }
        }
    }

    /// Takes a fragment of an outer datagram, which [`Tunnel::decap`] and [`Tunnel::decap_mpls`] refuse with `OuterFragment`. Gives the
    /// whole outer datagram, ready for them, when this fragment completes it.
    ///
    /// # Errors
    /// The fragment is dropped and counted. Of the outer header as in [`Tunnel::decap`], so that nobody but peers
    /// fills the buffer; and `OuterBadHeader` (length no multiple of 8), `OuterOverlap`, `OuterTooLong`, `EcnDrop`
    /// (RFC 3168 section 5.3), with which what was held of the datagram is dropped too.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, Reason, Reassembly, Tunnel};
    ///
    /// let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), peer);
    /// let mut buffer = [0; 2048];
    /// let mut reassembly = Reassembly::new(&mut buffer);
    /// # let mut received = [0; 40];
    /// match tunnel.decap(&mut received) {
    ///     Err(error) if error.reason == Reason::OuterFragment => {
    ///         if let Some(whole) = tunnel.reassemble(&mut reassembly, Duration::ZERO, &received)? {
    ///             tunnel.decap(whole)?;
    ///         }
    ///     }
    ///     _ => {}
    /// }
    /// # Ok::<(), ipip::Error>(())
    /// ```
    pub fn reassemble<'r>(
        &mut self,
        reassembly: &'r mut Reassembly<'_>,
        now: Duration,
        packet: &[u8],
    ) -> Result<Option<&'r mut [u8]>, Error> {
        let result = self.outer(packet, |_| true, true).and_then(|outer| {
            let payload = packet.get(outer.len()..outer.total()).unwrap_or_default();
            reassembly.push(now, &outer, payload)
        });
        if let Err(error) = &result {
            self.counters.drop_for(error.reason);
        }
        result
    }

    fn decap_checked<'p>(&self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
        let config = &self.config;
        let outer = self.outer(packet, |protocol| protocol == PROTOCOL_IPIP, false)?;
        let offset = outer.len();
        // `parse` holds that 20 <= header <= total <= packet.
        let body = packet.get_mut(offset..outer.total()).unwrap_or_default();
        let tos = self.inner_tos(&outer, body).map_err(|error| error.moved(offset))?;
        let Combined { header, tos, anomaly } = tos;
        let inner = body.get_mut(..header.total()).unwrap_or_default();
        let tos = match config.dscp_decap {
            DscpDecap::Pipe => (header.tos & !ecn::MASK) | tos,
            DscpDecap::Uniform => (outer.tos & !ecn::MASK) | tos,
        };
        set_tos(inner, tos);
        Ok(Decapsulated { inner, offset, peer: outer.source, outer_ttl: outer.ttl, ecn_anomaly: anomaly })
    }

    /// The outer header of a datagram that is for this tunnel, of a protocol that is wanted and that the tunnel carries;
    /// one of a fragment where `fragments` are asked for.
    pub(super) fn outer(&self, packet: &[u8], wanted: impl Fn(u8) -> bool, fragments: bool) -> Result<Header, Error> {
        let config = &self.config;
        let carries = |protocol| config.mode.carries(protocol) && wanted(protocol);
        let outer = outer::parse(packet, config.local, carries, config.verify_outer_checksum, fragments)?;
        if self.is_own(outer.source) || !self.peers.contains(outer.source) {
            return Err(Error::new(Reason::SourceNotAllowed, 12, outer.source.to_bits()));
        }
        Ok(outer)
    }

    /// Checks the inner datagram in `body` and combines the ECN fields.
    fn inner_tos(&self, outer: &Header, body: &[u8]) -> Result<Combined, Error> {
        let config = &self.config;
        let header = parse(body, body.len(), Layer::Inner, config.verify_inner_checksum)?;
        let inner = body.get(..header.total()).unwrap_or_default();
        if header.ttl == 0 {
            return Err(Error::new(Reason::InnerTtlZero, 8, header.ttl));
        }
        self.refuse_martians(outer, &header, inner)?;
        let nested = nesting::count(inner, config.max_nesting, config.count_gre);
        if nested > config.max_nesting {
            return Err(Error::new(Reason::Nesting, 9, nested));
        }
        let combined = ecn::combine(header.tos, outer.tos);
        match combined.inner {
            Some(tos) => Ok(Combined { header, tos, anomaly: combined.anomaly }),
            None => Err(Error::new(Reason::EcnDrop, 1, outer.tos)),
        }
    }

    /// Addresses that cannot come out of the tunnel (RFC 1812 section 5.3.7), or that this peer may not use.
    fn refuse_martians(&self, outer: &Header, header: &Header, inner: &[u8]) -> Result<(), Error> {
        let (source, destination) = (header.source, header.destination);
        // The ends of the tunnel are reached around it; a datagram from one of them inside is forged.
        let endpoint = source == outer.source || self.config.remote == Some(source);
        if (!is_host(source) && !is_dhcp(header, inner)) || self.is_own(source) || endpoint {
            return Err(Error::new(Reason::InnerMartian, 12, source.to_bits()));
        }
        if !is_destination(destination) {
            return Err(Error::new(Reason::InnerMartian, 16, destination.to_bits()));
        }
        if !self.peers.allows_source(outer.source, source) {
            return Err(Error::new(Reason::InnerSourceNotAllowed, 12, source.to_bits()));
        }
        if !self.peers.allows_destination(destination) {
            return Err(Error::new(Reason::InnerDestinationNotAllowed, 16, destination.to_bits()));
        }
        Ok(())
    }
}

/// An inner header that passed, and its ECN field to be.
struct Combined {
    header: Header,
    tos: u8,
    anomaly: bool,
}

#[cfg(test)]
mod tests;
