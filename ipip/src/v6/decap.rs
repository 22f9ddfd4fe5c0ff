//! Decapsulation (RFC 2473 section 3.3, RFC 4213 section 3.6), safe by default (VU#199397).

use core::net::{IpAddr, Ipv6Addr};

use crate::counters::count_one;
use crate::{DscpDecap, Reason, ecn, outer};

use super::header::{DESTINATION_OPTIONS, FRAGMENT, Fragmented, Header, IPV4, IPV6, Inner, LEN, set_class};
use super::limit::Options;
use super::{Ends, Error, PeerSet, Tunnel};

/// An inner datagram, where it lies in the caller's buffer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decapsulated<'p> {
    /// The inner datagram, IPv4 or IPv6, trimmed to its length.
    pub inner: &'p mut [u8],
    /// Where it begins in the buffer given.
    pub offset: usize,
    /// The outer source: the peer that sent it.
    pub peer: IpAddr,
    /// A combination of inner and outer ECN that no compliant path makes (RFC 6040 section 4.2).
    pub ecn_anomaly: bool,
}

/// What the outer header says: where the inner datagram is, what it must be, and the outer TOS.
struct Outer {
    offset: usize,
    end: usize,
    protocol: u8,
    class: u8,
    source: IpAddr,
}

/// What follows an outer IPv6 header.
pub(super) struct Behind {
    pub(super) protocol: u8,
    /// Where it begins.
    pub(super) offset: usize,
    /// The fragment header that it is behind.
    pub(super) fragment: Option<Fragmented>,
}

impl<P: PeerSet> Tunnel<P> {
    /// Decapsulates in place what the other end sent to ours.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was. Outside: `OuterTruncated`, `OuterNotIpv4`,
    /// `OuterNotIpv6`, `OuterBadHeader` (options that must not be passed over, too), `OuterChecksum`, `NotLocal`,
    /// `NotIpip`, `OuterFragment` (see [`Tunnel::reassemble`]), `SourceNotAllowed`. Inside: `InnerTruncated`, `InnerNotIp`, `InnerBadHeader`,
    /// `InnerChecksum`, `InnerTtlZero`, `InnerMartian`, `InnerSourceNotAllowed` (see [`Embedding`](super::Embedding) and
    /// [`PeerSet`]), `InnerDestinationNotAllowed`, `Nesting`, `EcnDrop`.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// # use ipip::{EcnMode, Reason, v6::{Config, Ends, Tunnel}};
    /// let ends = Ends::V4 { local: Ipv4Addr::new(192, 0, 2, 1), remote: Ipv4Addr::new(192, 0, 2, 2) };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// assert_eq!(tunnel.decap(&mut [0x60; 40]).map(|_| ()).unwrap_err().reason, Reason::OuterNotIpv4);
    /// ```
    pub fn decap<'p>(&mut self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
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

    fn decap_checked<'p>(&self, packet: &'p mut [u8]) -> Result<Decapsulated<'p>, Error> {
        let outer = self.outer(packet)?;
        let (offset, class) = (outer.offset, outer.class);
        let body = packet.get_mut(offset..outer.end).unwrap_or_default();
        let at = |octet: usize, reason| Error::new(reason, offset + octet);
        let version = if outer.protocol == IPV4 { 4 } else { 6 };
        if body.first().is_some_and(|first| first >> 4 != version) {
            return Err(at(0, Reason::InnerNotIp));
        }
        let inner = Inner::parse(body).map_err(|error| error.moved(offset))?;
        if inner.hops == 0 {
            return Err(at(inner.hops_at(), Reason::InnerTtlZero));
        }
        let (source, destination) = inner.addresses_at();
        let endpoint = inner.source == outer.source || inner.source == self.config.ends.remote();
        if !inner.has_sane_source() || self.is_own(inner.source) || endpoint {
            return Err(at(source, Reason::InnerMartian));
        }
        if !inner.has_sane_destination() {
            return Err(at(destination, Reason::InnerMartian));
        }
        self.refuse_foreign(&outer, &inner).map_err(|reason| match reason {
            // 6in4 with embedded exits: the outer source.
            Reason::SourceNotAllowed => Error::new(reason, 12),
            Reason::InnerDestinationNotAllowed => at(destination, reason),
            _ => at(source, reason),
        })?;
        if inner.is_nested() && !self.config.nested {
            return Err(at(if inner.version == 4 { 9 } else { 6 }, Reason::Nesting));
        }
        let combined = ecn::combine(inner.class, class);
        let Some(field) = combined.inner else { return Err(Error::new(Reason::EcnDrop, 1)) };
        let dscp = match self.config.dscp_decap {
            DscpDecap::Pipe => inner.class,
            DscpDecap::Uniform => class,
        };
        let inner = body.get_mut(..inner.total).unwrap_or_default();
        set_class(inner, (dscp & !ecn::MASK) | field);
        Ok(Decapsulated { inner, offset, peer: outer.source, ecn_anomaly: combined.anomaly })
    }

    /// What comes from a peer has no source that embeds another exit, and one that the peer may send; what comes from
    /// elsewhere has one that embeds it.
    fn refuse_foreign(&self, outer: &Outer, inner: &Inner) -> Result<(), Reason> {
        match self.config.embedded(inner.source) {
            Some(exit) if outer.source == exit => {}
            Some(_) => return Err(Reason::InnerSourceNotAllowed),
            None if !self.peers.contains(outer.source) => return Err(Reason::SourceNotAllowed),
            None if !self.peers.allows_source(outer.source, inner.source) => return Err(Reason::InnerSourceNotAllowed),
            None => {}
        }
        if self.peers.allows_destination(inner.destination) { Ok(()) } else { Err(Reason::InnerDestinationNotAllowed) }
    }

    fn outer(&self, packet: &[u8]) -> Result<Outer, Error> {
        match self.config.ends {
            Ends::V4 { .. } => {
                let outer = self.outer_v4(packet, false)?;
                Ok(Outer {
                    offset: outer.len(),
                    end: outer.total(),
                    protocol: IPV6,
                    class: outer.tos,
                    source: outer.source.into(),
                })
            }
            Ends::V6 { local, .. } => {
                let (outer, behind) = self.outer_v6(packet, local)?;
                let Behind { protocol, offset, fragment } = behind;
                if let Some(fragment) = fragment.filter(|fragment| !fragment.is_atomic()) {
                    return Err(Error::new(Reason::OuterFragment, fragment.announced_at));
                }
                Ok(Outer { offset, end: outer.total(), protocol, class: outer.class, source: outer.source.into() })
            }
        }
    }

    /// The outer header of 6in4; one of a fragment where `fragments` are asked for.
    pub(super) fn outer_v4(&self, packet: &[u8], fragments: bool) -> Result<crate::header::Header, Error> {
        let Ends::V4 { local, .. } = self.config.ends else { return Err(Error::new(Reason::OuterNotIpv6, 0)) };
        let outer = outer::parse(packet, local, |protocol| protocol == IPV6, true, fragments)?;
        let source = outer.source.into();
        if self.is_own(source) || (!self.peers.contains(source) && self.config.embedding.is_none()) {
            return Err(Error::new(Reason::SourceNotAllowed, 12));
        }
        Ok(outer)
    }

    /// The outer header of 4in6 and 6in6, and what is behind it, its extension headers and a fragment header.
    pub(super) fn outer_v6(&self, packet: &[u8], local: Ipv6Addr) -> Result<(Header, Behind), Error> {
        if packet.first().is_some_and(|first| first >> 4 != 6) {
            return Err(Error::new(Reason::OuterNotIpv6, 0));
        }
        let outer = Header::read(packet).ok_or(Error::new(Reason::OuterTruncated, 0))?;
        let datagram = packet.get(..outer.total()).ok_or(Error::new(Reason::OuterTruncated, 4))?;
        if outer.destination != local || local.is_multicast() {
            return Err(Error::new(Reason::NotLocal, 24));
        }
        let source = outer.source;
        let is_host = !source.is_multicast() && !source.is_unspecified() && !source.is_loopback();
        if !is_host || self.is_own(source.into()) || !self.peers.contains(source.into()) {
            return Err(Error::new(Reason::SourceNotAllowed, 8));
        }
        // The octet that says what comes next, for errors.
        let mut announced_at = 6;
        let mut behind = Behind { protocol: outer.next, offset: LEN, fragment: None };
        // Destination options before and behind a fragment header, each of them once.
        let mut options_left = 1_u8;
        loop {
            match behind.protocol {
                DESTINATION_OPTIONS if options_left > 0 => {
                    let at = behind.offset;
                    let options = Options::read(datagram, at).ok_or(Error::new(Reason::OuterTruncated, at))?;
                    if options.has_unknown() {
                        return Err(Error::new(Reason::OuterBadHeader, at));
                    }
                    (behind.protocol, behind.offset) = (options.next, at + options.octets.len());
                    announced_at = at;
                    options_left = 0;
                }
                FRAGMENT if behind.fragment.is_none() => {
                    let at = behind.offset;
                    let fragment =
                        Fragmented::read(datagram, at, announced_at).ok_or(Error::new(Reason::OuterTruncated, at))?;
                    (behind.protocol, behind.offset) = (fragment.next, at + Fragmented::LEN);
                    announced_at = at;
                    options_left = 1;
                    let is_atomic = fragment.is_atomic();
                    behind.fragment = Some(fragment);
                    // What is in a fragment is looked at when it is whole.
                    if !is_atomic {
                        return Ok((outer, behind));
                    }
                }
                IPV4 | IPV6 => return Ok((outer, behind)),
                _ => return Err(Error::new(Reason::NotIpip, announced_at)),
            }
        }
    }
}
