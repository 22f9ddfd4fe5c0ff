//! Encapsulation (RFC 2003 section 3).

use core::time::Duration;

use crate::counters::count_one;
use crate::fragments::{Plan, idents_for};
use crate::header::{HEADER_LEN, Header, Layer, OFFSET_MASK, OVERHEAD, decrement_ttl, fragment_field, parse};
use crate::{Df, Error, Fragmentation, Fragments, Ident, OuterHeader, Path, PeerSet, Reason, Tos, Ttl, ecn, nesting};

use super::Tunnel;

/// An inner datagram with its outer header before it, in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encapsulated<'b> {
    octets: &'b [u8],
    plan: Plan,
}

impl<'b> Encapsulated<'b> {
    /// The whole outer datagram, trimmed of link padding. Send it as it is unless [`Encapsulated::is_fragmented`].
    #[must_use]
    #[inline]
    pub fn octets(&self) -> &'b [u8] {
        self.octets
    }

    /// The inner datagram within it: what [`Fragment::payload`](crate::Fragment::payload) is a range of.
    #[must_use]
    pub fn inner(&self) -> &'b [u8] {
        self.octets.get(HEADER_LEN..).unwrap_or_default()
    }

    /// Whether it does not fit the path MTU and goes out as [`Encapsulated::fragments`].
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.plan != Plan::Whole
    }

    /// What to send as headers and ranges of [`Encapsulated::inner`]: one item for a datagram that fits.
    #[must_use]
    pub fn fragments(&self) -> Fragments<'b> {
        let header = self.octets.first_chunk().unwrap_or(&[0; HEADER_LEN]);
        Fragments::new(header, self.plan, self.inner(), self.inner().len())
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// Encapsulates in place: `buffer` holds [`HEADROOM`](crate::HEADROOM) free octets and then the inner datagram
    /// (link padding behind it is not sent). The outer header is written into the headroom; when
    /// [`Config::forwarded`](crate::Config::forwarded) is set, the inner TTL is decremented.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was: `NoHeadroom`; `InnerTruncated`,
    /// `InnerNotIpv4`, `InnerBadHeader`, `InnerChecksum` for what is no IPv4 datagram; `InnerTtlZero` or, when
    /// forwarding, `TtlExceeded`; `Loop`; `Nesting`; `TooBig`. Offsets count from the inner datagram.
    /// [`Tunnel::icmp_reply`] makes the ICMP error to send, if any.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, HEADROOM, NoPeers, Path, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// let path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// let inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let mut buffer = [&[0; HEADROOM][..], &inner[..]].concat();
    /// let sent = tunnel.encap(&path, Duration::ZERO, &mut buffer)?;
    /// assert_eq!((sent.octets().len(), sent.octets()[9], sent.octets()[28]), (40, 4, 63));
    /// # Ok::<(), ipip::Error>(())
    /// ```
    #[expect(clippy::inline_always, reason = "a call and its result are a quarter of the instructions")]
    #[inline(always)]
    pub fn encap<'b>(&mut self, path: &Path, now: Duration, buffer: &'b mut [u8]) -> Result<Encapsulated<'b>, Error> {
        if !self.lane.fits(path) {
            self.turn_lane(path, now);
        }
        let plain = self.lane.encap(|address| self.peers.is_own(address), &mut self.ident, buffer);
        self.finish(plain, path, now, buffer)
    }

    /// Encapsulates many datagrams to one exit, each in its buffer as [`Tunnel::encap`] wants it, and hands over what
    /// becomes of each, in order. What is the same for all is looked up once, so that it costs less than one by one.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, HEADROOM, NoPeers, Path, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// let path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// let inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let mut buffers = vec![[&[0; HEADROOM][..], &inner[..]].concat(); 3];
    /// let mut sent = 0;
    /// let batch = buffers.iter_mut().map(Vec::as_mut_slice);
    /// tunnel.encap_each(&path, Duration::ZERO, batch, |result| sent += result.map_or(0, |sent| sent.octets().len()));
    /// assert_eq!(sent, 120);
    /// ```
    #[inline]
    pub fn encap_each<'b>(
        &mut self,
        path: &Path,
        now: Duration,
        buffers: impl IntoIterator<Item = &'b mut [u8]>,
        mut each: impl FnMut(Result<Encapsulated<'b>, Error>),
    ) {
        if !self.lane.fits(path) {
            self.turn_lane(path, now);
        }
        for buffer in buffers {
            let plain = self.lane.encap(|address| self.peers.is_own(address), &mut self.ident, buffer);
            each(self.finish(plain, path, now, buffer));
        }
    }

    /// Encapsulates for scatter/gather output: gives the outer header for an inner datagram of which `head` is the
    /// beginning, at least its IP header, and `available` the octets there are of it in all.
    ///
    /// `head` is changed as [`Tunnel::encap`] changes the inner datagram. Nested headers are seen only within `head`.
    ///
    /// # Errors
    /// As [`Tunnel::encap`], without `NoHeadroom`.
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{Config, EcnMode, NoPeers, Path, Tunnel};
    /// # let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// # let path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// let mut head = [0x45, 0, 0, 0x54, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0x70, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let outer = tunnel.header(&path, Duration::ZERO, &mut head, 84)?;
    /// assert_eq!((outer.octets()[3], outer.inner_len()), (104, 84));
    /// # Ok::<(), ipip::Error>(())
    /// ```
    #[inline]
    pub fn header(
        &mut self,
        path: &Path,
        now: Duration,
        head: &mut [u8],
        available: usize,
    ) -> Result<OuterHeader, Error> {
        if !self.lane.fits(path) {
            self.turn_lane(path, now);
        }
        let is_own = |address| self.peers.is_own(address);
        let mut octets = [0; HEADER_LEN];
        let room = available.saturating_add(HEADER_LEN);
        let fixed = head.first_chunk_mut();
        let plain = fixed.and_then(|fixed| self.lane.header(is_own, &mut self.ident, fixed, room, &mut octets));
        match plain.map(|total| u16::try_from(total - HEADER_LEN)) {
            Some(Ok(inner_len)) => {
                count_one(&mut self.counters.encapsulated);
                Ok(OuterHeader { octets, inner_len, plan: Plan::Whole })
            }
            _ => self.header_in_detail(path, now, head, available),
        }
    }

    /// What became of a datagram: it is ready with so many octets, or goes the long way.
    #[inline]
    fn finish<'b>(
        &mut self,
        plain: Option<usize>,
        path: &Path,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Encapsulated<'b>, Error> {
        match plain {
            Some(total) => {
                count_one(&mut self.counters.encapsulated);
                let octets = buffer.get(..total).unwrap_or_default();
                Ok(Encapsulated { octets, plan: Plan::Whole })
            }
            None => {
                core::hint::cold_path();
                self.encap_in_detail(path, now, buffer)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn encap_in_detail<'b>(
        &mut self,
        path: &Path,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Encapsulated<'b>, Error> {
        let Some((headroom, inner)) = buffer.split_first_chunk_mut::<HEADER_LEN>() else {
            self.counters.drop_for(Reason::NoHeadroom);
            return Err(Error::octets(Reason::NoHeadroom, 0, buffer.len()));
        };
        let available = inner.len();
        let outer = self.header_in_detail(path, now, inner, available)?;
        *headroom = outer.octets;
        let octets = buffer.get(..HEADER_LEN + outer.inner_len()).unwrap_or_default();
        Ok(Encapsulated { octets, plan: outer.plan })
    }

    #[cold]
    #[inline(never)]
    fn turn_lane(&mut self, path: &Path, now: Duration) {
        self.lane.turn(&self.config, path, now);
    }

    #[cold]
    #[inline(never)]
    fn header_in_detail(
        &mut self,
        path: &Path,
        now: Duration,
        head: &mut [u8],
        available: usize,
    ) -> Result<OuterHeader, Error> {
        let result = self.outer_header(path, now, head, available);
        match &result {
            Ok(outer) => {
                count_one(&mut self.counters.encapsulated);
                if outer.is_fragmented() {
                    count_one(&mut self.counters.fragmented);
                }
            }
            Err(error) => self.counters.drop_for(error.reason),
        }
        result
    }

    fn outer_header(
        &mut self,
        path: &Path,
        now: Duration,
        head: &mut [u8],
        available: usize,
    ) -> Result<OuterHeader, Error> {
        let config = self.config;
        let inner = parse(head, available, Layer::Inner, config.verify_inner_checksum)?;
        let ttl = self.inner_ttl(&inner)?;
        self.refuse_loops(path, &inner)?;
        let nested = nesting::count(head, config.max_nesting, config.count_gre);
        if nested > config.max_nesting {
            return Err(Error::new(Reason::Nesting, 9, nested));
        }
        let plan = plan(&inner, self.outer_df(&inner), config.fragmentation, path.mtu(&config, now), self.ident)?;

        // Nothing fails from here on.
        if let (true, Some(octets)) = (config.forwarded, head.first_chunk_mut()) {
            decrement_ttl(octets);
        }
        let dscp = match config.tos {
            Tos::Fixed(tos) => tos,
            Tos::Inherit => inner.tos,
        };
        let mut header = Header {
            tos: (dscp & !ecn::MASK) | config.ecn.outer(inner.tos),
            // With fragments of the inner datagram there may be no whole outer one, and no one asks for its length.
            total_len: inner.total_len.saturating_add(OVERHEAD),
            fragment: fragment_field(self.outer_df(&inner), false, 0),
            ttl: match config.ttl {
                Ttl::Fixed(ttl) => ttl,
                Ttl::Inherit => ttl,
            },
            ..Header::new(config.local, path.remote())
        };
        if !header.dont_fragment() {
            // RFC 6864 section 4.2: what may be fragmented has an ID of its own; an atomic datagram needs none.
            header.ident = self.ident.take();
            for _ in 1..idents_for(plan, inner.total() - inner.len()) {
                self.ident.take();
            }
        }
        Ok(OuterHeader { octets: header.write(), inner_len: inner.total_len, plan })
    }

    /// The inner TTL to send (RFC 2003 section 3.1).
    fn inner_ttl(&self, inner: &Header) -> Result<u8, Error> {
        match (self.config.forwarded, inner.ttl) {
            (true, 0 | 1) => Err(Error::new(Reason::TtlExceeded, 8, inner.ttl)),
            (true, ttl) => Ok(ttl - 1),
            (false, 0) => Err(Error::new(Reason::InnerTtlZero, 8, inner.ttl)),
            (false, ttl) => Ok(ttl),
        }
    }

    /// RFC 2003 section 3.2. A destination that is the exit itself means that the route to the exit leads into the
    /// tunnel, whoever sends; the sources are loops only when forwarding.
    fn refuse_loops(&self, path: &Path, inner: &Header) -> Result<(), Error> {
        let exit = path.remote();
        if self.config.forwarded && (self.is_own(inner.source) || inner.source == exit) {
            return Err(Error::new(Reason::Loop, 12, inner.source.to_bits()));
        }
        if inner.destination == exit || self.is_own(exit) {
            return Err(Error::new(Reason::Loop, 16, exit.to_bits()));
        }
        Ok(())
    }

    /// Whether the outer DF is set for this inner datagram.
    #[inline]
    pub(super) fn outer_df(&self, inner: &Header) -> bool {
        match self.config.df {
            Df::Inherit => inner.dont_fragment(),
            Df::Always => true,
            Df::Never => false,
        }
    }
}

/// Whole or in fragments, or too big (RFC 4459 section 3).
fn plan(inner: &Header, outer_df: bool, how: Fragmentation, path_mtu: u16, ident: Ident) -> Result<Plan, Error> {
    let mtu = usize::from(path_mtu);
    if HEADER_LEN + inner.total() <= mtu {
        return Ok(Plan::Whole);
    }
    let too_big = Error::new(Reason::TooBig, 2, inner.total_len);
    if inner.dont_fragment() {
        return Err(too_big);
    }
    match how {
        // An outer datagram of more than 65535 octets does not exist, in fragments neither.
        Fragmentation::Outer if !outer_df && inner.total_len.checked_add(OVERHEAD).is_some() => {
            fragment_size(mtu, HEADER_LEN).map(Plan::Outer).ok_or(too_big)
        }
        Fragmentation::Inner => {
            let last = usize::from(inner.offset()) + (inner.total() - inner.len()) / 8;
            if last > usize::from(OFFSET_MASK) {
                return Err(Error::new(Reason::InnerBadHeader, 6, inner.fragment));
            }
            fragment_size(mtu, HEADER_LEN + inner.len()).map(|size| Plan::Inner(size, ident)).ok_or(too_big)
        }
        _ => Err(too_big),
    }
}

/// The octets each fragment carries behind `headers`, a multiple of 8; `None` when there is no room for any.
fn fragment_size(mtu: usize, headers: usize) -> Option<u16> {
    let size = u16::try_from(mtu.checked_sub(headers)? / 8 * 8).ok()?;
    (size > 0).then_some(size)
}

#[cfg(test)]
mod tests;
