//! Decapsulation (RFC 2473 section 3.3, RFC 4213 section 3.6), safe by default (VU#199397).

use core::net::Ipv4Addr;

use crate::counters::count_one;
use crate::{DscpDecap, Reason, ecn, outer};

use super::header::{DESTINATION_OPTIONS, FRAGMENT, Header, IPV4, IPV6, Inner, LEN, set_class};
use super::limit::Options;
use super::{Ends, Error, Tunnel};

/// An inner datagram, where it lies in the caller's buffer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decapsulated<'p> {
    /// The inner datagram, IPv4 or IPv6, trimmed to its length.
    pub inner: &'p mut [u8],
    /// Where it begins in the buffer given.
    pub offset: usize,
    /// A combination of inner and outer ECN that no compliant path makes (RFC 6040 section 4.2).
    pub ecn_anomaly: bool,
}

/// What the outer header says: where the inner datagram is, what it must be, and the outer TOS.
struct Outer {
    offset: usize,
    end: usize,
    protocol: u8,
    class: u8,
    /// Of 6in4.
    source: Option<Ipv4Addr>,
}

impl Tunnel {
    /// Decapsulates in place what the other end sent to ours.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was. Outside: `OuterTruncated`, `OuterNotIpv4`,
    /// `OuterNotIpv6`, `OuterBadHeader` (options that must not be passed over, too), `OuterChecksum`, `NotLocal`,
    /// `NotIpip`, `OuterFragment`, `SourceNotAllowed`. Inside: `InnerTruncated`, `InnerNotIp`, `InnerBadHeader`,
    /// `InnerChecksum`, `InnerTtlZero`, `InnerMartian`, `InnerSourceNotAllowed` (see [`Embedding`](super::Embedding)),
    /// `Nesting`, `EcnDrop`.
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
        let ends = self.config.ends;
        if !inner.has_sane_source() || inner.source == ends.local() || inner.source == ends.remote() {
            return Err(at(source, Reason::InnerMartian));
        }
        if !inner.has_sane_destination() {
            return Err(at(destination, Reason::InnerMartian));
        }
        self.refuse_foreign(&outer, &inner).map_err(|reason| match reason {
            Reason::SourceNotAllowed => Error::new(reason, 12),
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
        Ok(Decapsulated { inner, offset, ecn_anomaly: combined.anomaly })
    }

    /// What comes from the other end has no source that embeds another exit; what comes from elsewhere has one that
    /// embeds it.
    fn refuse_foreign(&self, outer: &Outer, inner: &Inner) -> Result<(), Reason> {
        let (Some(from), Ends::V4 { remote, .. }) = (outer.source, self.config.ends) else { return Ok(()) };
        match self.config.embedded(inner.source) {
            Some(exit) if exit == from => Ok(()),
            None if from == remote => Ok(()),
            Some(_) => Err(Reason::InnerSourceNotAllowed),
            None => Err(Reason::SourceNotAllowed),
        }
    }

    fn outer(&self, packet: &[u8]) -> Result<Outer, Error> {
        match self.config.ends {
            Ends::V4 { local, remote } => {
                let outer = outer::parse(packet, local, |protocol| protocol == IPV6, true, false)?;
                if outer.source != remote && self.config.embedding.is_none() {
                    return Err(Error::new(Reason::SourceNotAllowed, 12));
                }
                Ok(Outer {
                    offset: outer.len(),
                    end: outer.total(),
                    protocol: IPV6,
                    class: outer.tos,
                    source: Some(outer.source),
                })
            }
            Ends::V6 { local, remote } => {
                if packet.first().is_some_and(|first| first >> 4 != 6) {
                    return Err(Error::new(Reason::OuterNotIpv6, 0));
                }
                let outer = Header::read(packet).ok_or(Error::new(Reason::OuterTruncated, 0))?;
                if outer.total() > packet.len() {
                    return Err(Error::new(Reason::OuterTruncated, 4));
                }
                if outer.destination != local || local.is_multicast() {
                    return Err(Error::new(Reason::NotLocal, 24));
                }
                if outer.source != remote || remote == local || remote.is_multicast() || remote.is_unspecified() {
                    return Err(Error::new(Reason::SourceNotAllowed, 8));
                }
                let (mut offset, mut protocol) = (LEN, outer.next);
                if protocol == DESTINATION_OPTIONS {
                    let datagram = packet.get(..outer.total()).unwrap_or_default();
                    let options = Options::read(datagram, LEN).ok_or(Error::new(Reason::OuterTruncated, LEN))?;
                    if options.has_unknown() {
                        return Err(Error::new(Reason::OuterBadHeader, LEN));
                    }
                    (offset, protocol) = (LEN + options.octets.len(), options.next);
                }
                match protocol {
                    IPV4 | IPV6 => Ok(Outer { offset, end: outer.total(), protocol, class: outer.class, source: None }),
                    FRAGMENT => Err(Error::new(Reason::OuterFragment, if offset == LEN { 6 } else { LEN })),
                    _ => Err(Error::new(Reason::NotIpip, if offset == LEN { 6 } else { LEN })),
                }
            }
        }
    }
}
