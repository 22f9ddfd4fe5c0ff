//! Encapsulation (RFC 2003 section 3).

use core::time::Duration;

use crate::counters::count_one;
use crate::fragments::{Plan, idents_for};
use crate::header::{
    HEADER_LEN, Header, Layer, MAX_HEADER_LEN, OFFSET_MASK, PROTOCOL_IPIP, decrement_ttl, fragment_field, parse,
};
use crate::{
    Config, Df, Error, Fragmentation, Fragments, Ident, OuterHeader, OuterOptions, Path, PeerSet, Reason, Tos, Ttl,
    ecn, nesting,
};

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
        self.octets.get(self.header_len()..).unwrap_or_default()
    }

    /// Octets of the outer header, options included.
    fn header_len(&self) -> usize {
        self.octets.first().map_or(HEADER_LEN, |first| usize::from(first & 15) * 4)
    }

    /// Whether it does not fit the path MTU and goes out as [`Encapsulated::fragments`].
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.plan != Plan::Whole
    }

    /// What to send as headers and ranges of [`Encapsulated::inner`]: one item for a datagram that fits.
    #[must_use]
    pub fn fragments(&self) -> Fragments<'b> {
        let header = Header::of(self.octets.first_chunk().unwrap_or(&[0; HEADER_LEN]));
        let options = self.octets.get(HEADER_LEN..self.header_len()).unwrap_or_default();
        Fragments::new(header, OuterOptions::of_header(options), self.plan, self.inner(), self.inner().len())
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// Encapsulates in place: `buffer` holds [`Tunnel::headroom`] free octets (20 without options) and then the inner datagram
    /// (link padding behind it is not sent). The outer header is written into the headroom; when
    /// [`Config::forwarded`](crate::Config::forwarded) is set, the inner TTL is decremented.
    ///
    /// # Errors
    /// The datagram is dropped and counted, and the buffer is as it was: `NoHeadroom`; `InnerTruncated`,
    /// `InnerNotIpv4`, `InnerBadHeader`, `InnerChecksum` for what is no IPv4 datagram; `InnerTtlZero` or, when
    /// forwarding, `TtlExceeded`; `Loop`; `Nesting`; `TooBig`; `NotCarried` by the mode. Offsets count from the inner datagram.
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
                Ok(OuterHeader { octets, options: OuterOptions::none(), inner_len, plan: Plan::Whole })
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
        let (headroom, inner) = self.split(buffer)?;
        let available = inner.len();
        let outer = self.header_in_detail(path, now, inner, available)?;
        place(&outer, headroom);
        Ok(self.placed(&outer, buffer))
    }

    /// The headroom and what is behind it.
    pub(super) fn split<'b>(&mut self, buffer: &'b mut [u8]) -> Result<(&'b mut [u8], &'b mut [u8]), Error> {
        let available = buffer.len();
        buffer.split_at_mut_checked(self.headroom()).ok_or_else(|| {
            self.counters.drop_for(Reason::NoHeadroom);
            Error::octets(Reason::NoHeadroom, 0, available)
        })
    }

    /// The datagram behind the header that was placed in its headroom.
    pub(super) fn placed<'b>(&self, outer: &OuterHeader, buffer: &'b [u8]) -> Encapsulated<'b> {
        let octets = buffer.get(..self.headroom() + outer.inner_len()).unwrap_or_default();
        Encapsulated { octets, plan: outer.plan }
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
        self.count_sent(&result);
        result
    }

    pub(super) fn count_sent(&mut self, result: &Result<OuterHeader, Error>) {
        match result {
            Ok(outer) => {
                count_one(&mut self.counters.encapsulated);
                if outer.is_fragmented() {
                    count_one(&mut self.counters.fragmented);
                }
            }
            Err(error) => self.counters.drop_for(error.reason),
        }
    }

    fn outer_header(
        &mut self,
        path: &Path,
        now: Duration,
        head: &mut [u8],
        available: usize,
    ) -> Result<OuterHeader, Error> {
        let config = self.config;
        if !config.mode.carries(PROTOCOL_IPIP) {
            return Err(Error::new(Reason::NotCarried, 0, PROTOCOL_IPIP));
        }
        let inner = parse(head, available, Layer::Inner, config.verify_inner_checksum)?;
        let ttl = self.inner_ttl(&inner)?;
        self.refuse_loops(path, &inner)?;
        let nested = nesting::count(head, config.max_nesting, config.count_gre);
        if nested > config.max_nesting {
            return Err(Error::new(Reason::Nesting, 9, nested));
        }
        let plan = plan(&inner, self.outer_df(&inner), &config, path.mtu(&config, now), self.ident)?;

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
            total_len: inner.total_len.saturating_add(config.overhead()),
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
        Ok(OuterHeader { octets: fixed(&header, &config), options: config.options, inner_len: inner.total_len, plan })
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

/// The first 20 octets of a header with the options of `config`.
pub(super) fn fixed(header: &Header, config: &Config) -> [u8; HEADER_LEN] {
    let mut octets = [0; MAX_HEADER_LEN];
    // There is room for all options that a configuration can have.
    let _ = header.write_with(config.options.as_bytes(), &mut octets);
    octets.first_chunk().copied().unwrap_or_default()
}

/// Writes the header into headroom of its length.
pub(super) fn place(outer: &OuterHeader, headroom: &mut [u8]) {
    if let Some((fixed, options)) = headroom.split_first_chunk_mut() {
        *fixed = outer.octets;
        if options.len() == outer.options.len() {
            options.copy_from_slice(outer.options.as_bytes());
        }
    }
}

/// Whole or in fragments, or too big (RFC 4459 section 3).
fn plan(inner: &Header, outer_df: bool, config: &Config, path_mtu: u16, ident: Ident) -> Result<Plan, Error> {
    let mtu = usize::from(path_mtu);
    if config.headroom() + inner.total() <= mtu {
        return Ok(Plan::Whole);
    }
    let too_big = Error::new(Reason::TooBig, 2, inner.total_len);
    if inner.dont_fragment() {
        return Err(too_big);
    }
    match config.fragmentation {
        // An outer datagram of more than 65535 octets does not exist, in fragments neither.
        Fragmentation::Outer if !outer_df && inner.total_len.checked_add(config.overhead()).is_some() => {
            fragment_size(mtu, config.headroom()).map(Plan::Outer).ok_or(too_big)
        }
        Fragmentation::Inner => {
            let last = usize::from(inner.offset()) + (inner.total() - inner.len()) / 8;
            if last > usize::from(OFFSET_MASK) {
                return Err(Error::new(Reason::InnerBadHeader, 6, inner.fragment));
            }
            fragment_size(mtu, config.headroom() + inner.len()).map(|size| Plan::Inner(size, ident)).ok_or(too_big)
        }
        _ => Err(too_big),
    }
}

/// The octets each fragment carries behind `headers`, a multiple of 8; `None` when there is no room for any.
pub(super) fn fragment_size(mtu: usize, headers: usize) -> Option<u16> {
    let size = u16::try_from(mtu.checked_sub(headers)? / 8 * 8).ok()?;
    (size > 0).then_some(size)
}

#[cfg(test)]
mod tests;
