//! Encapsulation (RFC 2473 sections 3.1 and 7, RFC 4213 sections 3.2 and 3.5).

use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;

use crate::address::is_host;
use crate::counters::count_one;
use crate::header::{self, HEADER_LEN, fragment_field};
use crate::{Reason, Tos, Ttl, ecn};

use super::header::{FRAGMENT, Header, IPV4, IPV6, Inner, LEN, decrement_hops, outer_v4};
use super::limit::{self, OPTION_LEN};
use super::{Ends, Error, HEADROOM, MIN_MTU, PeerSet, Tunnel};

/// An inner datagram with its outer header before it, in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encapsulated<'b> {
    octets: &'b [u8],
    header_len: usize,
    /// The octets of the inner datagram that each fragment carries, and their identification.
    fragments: Option<(usize, u32)>,
}

impl<'b> Encapsulated<'b> {
    /// The whole outer datagram. Send it as it is unless [`Encapsulated::is_fragmented`].
    #[must_use]
    pub fn octets(&self) -> &'b [u8] {
        self.octets
    }

    /// The inner datagram within it: what [`Fragment::payload`] is a range of.
    #[must_use]
    pub fn inner(&self) -> &'b [u8] {
        self.octets.get(self.header_len..).unwrap_or_default()
    }

    /// Whether it does not fit the path MTU and goes out as [`Encapsulated::fragments`].
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.fragments.is_some()
    }

    /// What to send as headers and ranges of [`Encapsulated::inner`]: one item for a datagram that fits.
    #[must_use]
    pub fn fragments(&self) -> Fragments<'b> {
        Fragments { sent: *self, next: Some(0) }
    }
}

/// The fragments of an outer datagram, from [`Encapsulated::fragments`].
#[derive(Debug, Clone)]
pub struct Fragments<'b> {
    sent: Encapsulated<'b>,
    next: Option<usize>,
}

/// One datagram to send: a header to write, and the octets of the inner datagram that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    octets: [u8; HEADROOM + FRAGMENT_LEN],
    len: usize,
    payload: Range<usize>,
}

impl Fragment {
    /// The outer header, with a fragment header where it is IPv6 and one of several.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// The octets of the inner datagram that follow the header.
    #[must_use]
    pub fn payload(&self) -> Range<usize> {
        self.payload.clone()
    }
}

impl Iterator for Fragments<'_> {
    type Item = Fragment;

    fn next(&mut self) -> Option<Fragment> {
        let start = self.next.take()?;
        let end = self.sent.inner().len();
        let outer = self.sent.octets.get(..self.sent.header_len)?;
        let mut octets = [0; HEADROOM + FRAGMENT_LEN];
        octets.get_mut(..outer.len())?.copy_from_slice(outer);
        let Some((size, ident)) = self.sent.fragments else {
            return Some(Fragment { octets, len: outer.len(), payload: start..end });
        };
        let stop = end.min(start.checked_add(size)?);
        self.next = (stop < end).then_some(stop);
        let offset = u16::try_from(start / 8).ok()?;
        let len = match header::Header::read(outer) {
            Some(header) if header.version == 4 => {
                let header = header::Header {
                    total_len: u16::try_from(HEADER_LEN + stop - start).ok()?,
                    fragment: fragment_field(false, stop < end, offset),
                    ..header
                };
                *octets.first_chunk_mut()? = header.write();
                outer.len()
            }
            _ => {
                // The fragment header comes behind the options, which belong to every fragment (as Linux does it).
                let at = outer.len();
                let next_at = if at == LEN { 6 } else { LEN };
                let next = octets.get(next_at).copied()?;
                *octets.get_mut(next_at)? = FRAGMENT;
                let [o0, o1] = (offset << 3 | u16::from(stop < end)).to_be_bytes();
                let [i0, i1, i2, i3] = ident.to_be_bytes();
                *octets.get_mut(at..)?.first_chunk_mut()? = [next, 0, o0, o1, i0, i1, i2, i3];
                let payload = u16::try_from(at - LEN + FRAGMENT_LEN + stop - start).ok()?;
                *octets.get_mut(4..)?.first_chunk_mut()? = payload.to_be_bytes();
                at + FRAGMENT_LEN
            }
        };
        Some(Fragment { octets, len, payload: start..stop })
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// Encapsulates in place: `buffer` holds [`HEADROOM`] free octets and then the inner datagram, IPv4 or IPv6, with
    /// link padding allowed behind it. The outer header ends where the headroom ends.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and is as it was: `NoHeadroom`; `InnerTruncated`, `InnerNotIp` (IPv4 into
    /// 6in4 too), `InnerBadHeader`, `InnerChecksum`; `InnerTtlZero` or `TtlExceeded`; `Loop`; `EncapLimit` (the limit
    /// inside is 0); `Nesting` (into 6in4, which has no limit); `TooBig`. [`Tunnel::icmp_reply`] makes the ICMP error.
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{EcnMode, Reason, v6::{Config, Ends, Tunnel}};
    /// let ends = Ends::V4 { local: Ipv4Addr::new(192, 0, 2, 1), remote: Ipv4Addr::new(192, 0, 2, 2) };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// let error = tunnel.encap(Duration::ZERO, &mut [0; 20]).map(|_| ()).unwrap_err();
    /// assert_eq!(error.reason, Reason::NoHeadroom);
    /// ```
    pub fn encap<'b>(&mut self, now: Duration, buffer: &'b mut [u8]) -> Result<Encapsulated<'b>, Error> {
        self.encap_to(self.config.ends.remote(), now, buffer)
    }

    /// As [`Tunnel::encap`], but to `exit`, which is one of several other ends (see [`Tunnel::with_peers`]). An address
    /// that embeds its exit ([`Config::embedding`](super::Config::embedding)) goes to that one all the same.
    ///
    /// # Errors
    /// As [`Tunnel::encap`]; and `OuterNotIpv4` or `OuterNotIpv6` when `exit` is not of the version of the ends.
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{EcnMode, Reason, v6::{Config, Ends, HEADROOM, Tunnel}};
    /// let ends = Ends::V4 { local: Ipv4Addr::new(192, 0, 2, 1), remote: Ipv4Addr::new(192, 0, 2, 2) };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// let exit = "2001:db8::2".parse()?;
    /// let error = tunnel.encap_to(exit, Duration::ZERO, &mut [0; 100]).map(|_| ()).unwrap_err();
    /// assert_eq!(error.reason, Reason::OuterNotIpv4);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn encap_to<'b>(
        &mut self,
        exit: IpAddr,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Encapsulated<'b>, Error> {
        match self.encap_checked(exit, now, buffer) {
            Ok((from, to, fragments)) => {
                count_one(&mut self.counters.encapsulated);
                if fragments.is_some() {
                    count_one(&mut self.counters.fragmented);
                }
                let octets = buffer.get(from..to).unwrap_or_default();
                Ok(Encapsulated { octets, header_len: HEADROOM - from, fragments })
            }
            Err(error) => {
                self.counters.drop_for(error.reason);
                Err(error)
            }
        }
    }

    fn encap_checked(&mut self, exit: IpAddr, now: Duration, buffer: &mut [u8]) -> Result<Placed, Error> {
        let mut config = self.config;
        config.ends = config.ends.with_remote(exit)?;
        let Some((headroom, octets)) = buffer.split_at_mut_checked(HEADROOM) else {
            return Err(Error::new(Reason::NoHeadroom, 0));
        };
        let inner = Inner::parse(octets)?;
        let hops = self.hops(&inner)?;
        self.refuse_loops(config.ends, &inner)?;
        let limit = self.limit(&inner, octets)?;
        let header_len = match (config.ends, limit) {
            (Ends::V4 { .. }, _) => HEADER_LEN,
            (Ends::V6 { .. }, None) => LEN,
            (Ends::V6 { .. }, Some(_)) => LEN + OPTION_LEN,
        };
        let too_big = Error::new(Reason::TooBig, if inner.version == 4 { 2 } else { 4 });
        let behind = match config.ends {
            Ends::V4 { .. } => 0,
            Ends::V6 { .. } => LEN,
        };
        // The length field of IPv6 does not count the header.
        let len = u16::try_from(header_len + inner.total - behind).map_err(|_| too_big)?;
        let size = self.fragment_size(&inner, header_len, self.path_mtu(now)).ok_or(too_big)?;

        // Nothing fails from here on but for want of room, and there is room.
        let dscp = match config.traffic_class {
            Tos::Fixed(class) => class,
            Tos::Inherit => inner.class,
        };
        let class = (dscp & !ecn::MASK) | config.ecn.outer(inner.class);
        let hop_limit = match config.hop_limit {
            Ttl::Fixed(hop_limit) => hop_limit,
            Ttl::Inherit => hops,
        };
        let from = HEADROOM - header_len;
        let room = headroom.get_mut(from..).unwrap_or_default();
        let mut ident = 0;
        match config.ends {
            Ends::V4 { local, remote } => {
                let exit = config.embedded(inner.destination).unwrap_or(remote);
                let atomic = !config.static_mtu && size.is_none();
                let header = header::Header {
                    tos: class,
                    total_len: len,
                    ident: if atomic { 0 } else { self.ident.take() },
                    fragment: fragment_field(atomic, false, 0),
                    ttl: hop_limit,
                    ..outer_v4(local, exit)
                };
                room.copy_from_slice(&header.write());
            }
            Ends::V6 { local, remote } => {
                let next = if inner.version == 4 { IPV4 } else { IPV6 };
                let first = if limit.is_some() { super::header::DESTINATION_OPTIONS } else { next };
                let flow = config.flow_label & 0x000f_ffff;
                let header = Header {
                    class,
                    flow,
                    payload_len: len,
                    next: first,
                    hop_limit,
                    source: local,
                    destination: remote,
                };
                header.write(room).ok_or(too_big)?;
                if let (Some(limit), Some(option)) =
                    (limit, room.get_mut(LEN..).and_then(|rest| rest.first_chunk_mut()))
                {
                    *option = limit::write(next, limit);
                }
                if size.is_some() {
                    ident = self.ident6;
                    self.ident6 = self.ident6.wrapping_add(1);
                }
            }
        }
        if config.forwarded {
            decrement_hops(octets);
        }
        Ok((from, HEADROOM + inner.total, size.map(|size| (size, ident))))
    }

    /// TTL or hop limit to send.
    fn hops(&self, inner: &Inner) -> Result<u8, Error> {
        match (self.config.forwarded, inner.hops) {
            (true, 0 | 1) => Err(Error::new(Reason::TtlExceeded, inner.hops_at())),
            (true, hops) => Ok(hops - 1),
            (false, 0) => Err(Error::new(Reason::InnerTtlZero, inner.hops_at())),
            (false, hops) => Ok(hops),
        }
    }

    /// RFC 2473 section 4.1.2: what goes to the exit, or comes from an end, would go round.
    fn refuse_loops(&self, ends: Ends, inner: &Inner) -> Result<(), Error> {
        let (local, remote) = (ends.local(), ends.remote());
        let (source, destination) = inner.addresses_at();
        // An address of ours that embeds our own end, or nobody's, leads nowhere.
        let exit = self.config.embedded(inner.destination);
        if inner.destination == remote
            || self.is_own(remote)
            || exit.is_some_and(|exit| exit == local || !is_host(exit))
        {
            return Err(Error::new(Reason::Loop, destination));
        }
        if self.config.forwarded && (self.is_own(inner.source) || inner.source == remote) {
            return Err(Error::new(Reason::Loop, source));
        }
        Ok(())
    }

    /// The limit to send (RFC 2473 section 4.1.1); what is inside 6in4 has none to bound it.
    fn limit(&self, inner: &Inner, octets: &[u8]) -> Result<Option<u8>, Error> {
        match self.config.ends {
            Ends::V4 { .. } if inner.version == 4 => Err(Error::new(Reason::InnerNotIp, 0)),
            Ends::V4 { .. } if inner.is_nested() && !self.config.nested => Err(Error::new(Reason::Nesting, 6)),
            Ends::V4 { .. } => Ok(None),
            Ends::V6 { .. } => {
                let datagram = octets.get(..inner.total).unwrap_or_default();
                let found = if inner.version == 6 { limit::find(datagram, inner.next) } else { None };
                match found {
                    Some((at, 0)) => Err(Error::new(Reason::EncapLimit, at)),
                    Some((_, limit)) => Ok(Some(limit - 1)),
                    None => Ok(self.config.encap_limit),
                }
            }
        }
    }

    /// The octets of each fragment: `Some(None)` when it fits, `None` when it is to be refused. RFC 2473 section 7 and
    /// RFC 4213 section 3.2: IPv6 of up to 1280 octets must get through, IPv4 with DF must not be fragmented.
    fn fragment_size(&self, inner: &Inner, header_len: usize, path_mtu: u16) -> Option<Option<usize>> {
        let mtu = usize::from(path_mtu);
        if header_len + inner.total <= mtu {
            return Some(None);
        }
        let must = inner.version == 6 && inner.total <= usize::from(MIN_MTU);
        if inner.dont_fragment && !must {
            return None;
        }
        let more = if matches!(self.config.ends, Ends::V6 { .. }) { FRAGMENT_LEN } else { 0 };
        let size = mtu.checked_sub(header_len + more)? / 8 * 8;
        (size > 0).then_some(Some(size))
    }
}

/// Where the outer datagram begins and ends in the buffer, and its fragments.
type Placed = (usize, usize, Option<(usize, u32)>);

/// Octets of a fragment header (RFC 8200 section 4.5).
const FRAGMENT_LEN: usize = 8;
