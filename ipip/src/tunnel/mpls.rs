//! Labelled packets in IP (RFC 4023): protocol 137, where the mode of the tunnel has it.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::counters::count_one;
use crate::fragments::Plan;
use crate::header::{Header, PROTOCOL_MPLS, fragment_field};
use crate::{Df, DscpDecap, Encapsulated, Error, Fragmentation, OuterHeader, Path, PeerSet, Reason, Tos, Ttl, ecn};

use super::Tunnel;
use super::encap::{fixed, fragment_size, place};

/// A labelled packet that came out of the tunnel, where it lies in the caller's buffer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Labelled<'p> {
    /// The label stack, and behind it what it labels.
    pub packet: &'p mut [u8],
    /// Octets of the label stack, 4 for each entry (RFC 3032 section 2.1); at least 4.
    pub stack_len: usize,
    /// Where the packet begins in the buffer given: the octets of the outer header.
    pub offset: usize,
    /// The outer source: the peer that sent it.
    pub peer: Ipv4Addr,
    /// The outer TTL that was left.
    pub outer_ttl: u8,
}

impl<P: PeerSet> Tunnel<P> {
    /// Encapsulates a labelled packet in place: `buffer` holds [`Tunnel::headroom`] free octets and then the label stack
    /// and what it labels, up to its end. Labels are not changed: swapping them and taking one off their TTL (RFC 3032
    /// section 2.4) comes before.
    ///
    /// There is no inner IP header, so that the outer one is made of the top entry (RFC 4023 section 5): an inherited
    /// TTL is the entry's, an inherited TOS the class selector of its traffic class, ECN is Not-ECT, and DF is set unless
    /// [`Config::df`](crate::Config::df) says never. What is too big is refused, and fragmented outside only with
    /// [`Df::Never`] and [`Fragmentation::Outer`]; no ICMP error is written about it, its sender being known to the
    /// label switching router alone (RFC 3032 section 2.3.2).
    ///
    /// # Errors
    /// The packet is dropped and counted: `NoHeadroom`, `NotCarried` by the mode, `LabelStack`, `TtlExceeded` (0 in the
    /// top entry), `Loop` (the exit is our own), `TooBig`. Offsets count from the label stack.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, Mode, Path, Tunnel};
    ///
    /// let (here, there) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    /// let mut config = Config::new(here, EcnMode::Normal);
    /// config.mode = Mode::Mplsip;
    /// let mut tunnel = Tunnel::new(config, there);
    /// let mut buffer = vec![0; tunnel.headroom()];
    /// buffer.extend([0x00, 0x06, 0x41, 0x40, b'h', b'i']); // label 100, bottom of stack, TTL 64
    /// let sent = tunnel.encap_mpls(&Path::new(there), Duration::ZERO, &mut buffer)?;
    /// assert_eq!((sent.octets().len(), sent.octets()[9]), (26, 137));
    /// # Ok::<(), ipip::Error>(())
    /// ```
    pub fn encap_mpls<'b>(
        &mut self,
        path: &Path,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Encapsulated<'b>, Error> {
        let (headroom, packet) = self.split(buffer)?;
        let result = self.mpls_header(path, now, packet);
        self.count_sent(&result);
        let outer = result?;
        place(&outer, headroom);
        Ok(self.placed(&outer, buffer))
    }

    /// Takes a labelled packet out of an outer datagram in place. The outer header is checked as by [`Tunnel::decap`];
    /// of what is labelled nothing is looked at, so that neither martians nor [`PeerSet::allows_source`] nor nesting
    /// are asked for: who accepts labels from a peer trusts it with what they lead to.
    ///
    /// With [`DscpDecap::Uniform`] the traffic class of the top entry becomes that of the outer DSCP; with
    /// [`Ttl::Inherit`] its TTL becomes the outer one where that is less (RFC 4023 sections 5.2 and 5.3). Otherwise the
    /// stack is as it was sent. It has no room for ECN, so that CE outside drops the packet (RFC 6040 section 4.2, as
    /// for Not-ECT inside).
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was: what [`Tunnel::decap`] has for the outer header,
    /// `LabelStack`, `EcnDrop`. `NotIpip` is the reason for all protocols but 137, and for 137 without the mode.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, Reason, Tunnel};
    /// # let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), peer);
    /// let error = tunnel.decap_mpls(&mut [0x45, 0, 0]).map(|_| ()).unwrap_err();
    /// assert_eq!(error.reason, Reason::OuterTruncated);
    /// ```
    pub fn decap_mpls<'p>(&mut self, packet: &'p mut [u8]) -> Result<Labelled<'p>, Error> {
        match self.decap_labels(packet) {
            Ok(labelled) => {
                count_one(&mut self.counters.decapsulated);
                Ok(labelled)
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

    fn mpls_header(&mut self, path: &Path, now: Duration, packet: &[u8]) -> Result<OuterHeader, Error> {
        let config = self.config;
        if !config.mode.carries(PROTOCOL_MPLS) {
            return Err(Error::new(Reason::NotCarried, 0, PROTOCOL_MPLS));
        }
        let (top, _) = stack(packet)?;
        if top.ttl() == 0 {
            return Err(Error::new(Reason::TtlExceeded, 3, 0_u8));
        }
        if self.is_own(path.remote()) {
            return Err(Error::new(Reason::Loop, 0, path.remote().to_bits()));
        }
        let too_big = Error::octets(Reason::TooBig, 0, packet.len());
        let total = config.headroom() + packet.len();
        let total_len = u16::try_from(total).map_err(|_| too_big)?;
        let mtu = usize::from(path.mtu(&config, now));
        let plan = match (config.df, config.fragmentation) {
            _ if total <= mtu => Plan::Whole,
            (Df::Never, Fragmentation::Outer) => {
                fragment_size(mtu, config.headroom()).map(Plan::Outer).ok_or(too_big)?
            }
            _ => return Err(too_big),
        };
        let dont_fragment = config.df != Df::Never;
        let header = Header {
            tos: match config.tos {
                Tos::Fixed(tos) => tos & !ecn::MASK,
                Tos::Inherit => top.class() << CLASS_IN_TOS,
            },
            total_len,
            // RFC 6864 section 4.2.
            ident: if dont_fragment { 0 } else { self.ident.take() },
            fragment: fragment_field(dont_fragment, false, 0),
            ttl: match config.ttl {
                Ttl::Fixed(ttl) => ttl,
                Ttl::Inherit => top.ttl(),
            },
            protocol: PROTOCOL_MPLS,
            ..Header::new(config.local, path.remote())
        };
        let inner_len = u16::try_from(packet.len()).map_err(|_| too_big)?;
        Ok(OuterHeader { octets: fixed(&header, &config), options: config.options, inner_len, plan })
    }

    fn decap_labels<'p>(&self, datagram: &'p mut [u8]) -> Result<Labelled<'p>, Error> {
        let outer = self.outer(datagram, |protocol| protocol == PROTOCOL_MPLS, false)?;
        let offset = outer.len();
        let packet = datagram.get_mut(offset..outer.total()).unwrap_or_default();
        let (top, stack_len) = stack(packet).map_err(|error| error.moved(offset))?;
        if outer.tos & ecn::MASK == ecn::MASK {
            return Err(Error::new(Reason::EcnDrop, 1, outer.tos));
        }
        let class = match self.config.dscp_decap {
            DscpDecap::Pipe => top.class(),
            DscpDecap::Uniform => outer.tos >> CLASS_IN_TOS,
        };
        let ttl = match self.config.ttl {
            Ttl::Fixed(_) => top.ttl(),
            Ttl::Inherit => top.ttl().min(outer.ttl),
        };
        if let Some(first) = packet.first_chunk_mut() {
            *first = top.with(class, ttl).0;
        }
        Ok(Labelled { packet, stack_len, offset, peer: outer.source, outer_ttl: outer.ttl })
    }
}

/// An entry of a label stack (RFC 3032 section 2.1): label of 20 bits, traffic class of 3, bottom of stack, TTL of 8.
#[derive(Debug, Clone, Copy)]
struct Entry([u8; 4]);

impl Entry {
    fn label(self) -> u32 {
        u32::from_be_bytes(self.0) >> 12
    }

    fn class(self) -> u8 {
        let Entry([_, _, low, _]) = self;
        (low >> 1) & 7
    }

    fn is_bottom(self) -> bool {
        let Entry([_, _, low, _]) = self;
        low & 1 == 1
    }

    fn ttl(self) -> u8 {
        let Entry([.., ttl]) = self;
        ttl
    }

    fn with(self, class: u8, ttl: u8) -> Entry {
        let Entry([high, middle, low, _]) = self;
        Entry([high, middle, (low & !0x0e) | (class & 7) << 1, ttl])
    }
}

/// The top entry and the octets of the stack that `packet` begins with.
fn stack(packet: &[u8]) -> Result<(Entry, usize), Error> {
    let (entries, _) = packet.as_chunks::<4>();
    let mut top = None;
    for (number, octets) in entries.iter().enumerate() {
        let entry = Entry(*octets);
        if entry.label() == IMPLICIT_NULL {
            return Err(Error::octets(Reason::LabelStack, number * 4, packet.len()));
        }
        let top = *top.get_or_insert(entry);
        if entry.is_bottom() {
            return Ok((top, number * 4 + 4));
        }
    }
    Err(Error::octets(Reason::LabelStack, 0, packet.len()))
}

/// Stands for no label at all in signalling (RFC 3032 section 2.1).
const IMPLICIT_NULL: u32 = 3;

/// Where the upper three bits of the DSCP stand, the class selector.
const CLASS_IN_TOS: u8 = 5;

#[cfg(test)]
mod tests;
