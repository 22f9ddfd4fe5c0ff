//! ICMP at the tunnel: errors to inner sources, and errors from inside the tunnel (RFC 2003 sections 4 and 5).

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::address::is_host;
use crate::checksum::checksum;
use crate::counters::count_one;
use crate::header::{Header, Layer, PROTOCOL_ICMP, PROTOCOL_IPIP, parse, word_at};
use crate::icmp::{
    FRAGMENTATION_NEEDED, HOST_UNREACHABLE, ICMP_HEADER_LEN, Message, NET_UNREACHABLE, PARAMETER_PROBLEM, REDIRECT,
    SOURCE_QUENCH, TIME_EXCEEDED, UNREACHABLE, may_answer, write,
};
use crate::path::plateau_below;
use crate::{Df, Error, Path, PeerSet, Reason, Tos, Ttl};

use super::Tunnel;

/// An ICMP error about a datagram that this tunnel sent to a peer, from [`Tunnel::notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice<'a> {
    remote: Ipv4Addr,
    reporter: Ipv4Addr,
    message: Message,
    quoted: Header,
    /// What is quoted of the inner datagram; empty where a later fragment is quoted.
    inner: &'a [u8],
}

impl Notice<'_> {
    /// The exit of the quoted datagram: it tells which [`Path`] the notice is about.
    #[must_use]
    pub fn remote(&self) -> Ipv4Addr {
        self.remote
    }

    /// Who sent it: a router in the tunnel, or the exit.
    #[must_use]
    pub fn reporter(&self) -> Ipv4Addr {
        self.reporter
    }

    /// The destination of the inner datagram, where enough of it is quoted: a host behind the exit.
    #[must_use]
    pub fn inner_destination(&self) -> Option<Ipv4Addr> {
        Header::read(self.inner).map(|header| header.destination)
    }

    /// ICMP type and code.
    #[must_use]
    pub fn type_and_code(&self) -> (u8, u8) {
        (self.message.kind, self.message.code)
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// Writes the ICMP error that tells the source of `inner` why [`Tunnel::encap`] refused it with `error`, into
    /// `out` ([`ICMP_MAX_LEN`](crate::ICMP_MAX_LEN) octets are enough). Gives the datagram to send.
    ///
    /// `TooBig` gives 3/4 with the tunnel MTU where a DF stands in the way, inside or outside; `TtlExceeded` gives 11/0.
    /// `None`: there is nothing to say, no error may be sent about such a datagram (RFC 1122 section 3.2.2), `out` is
    /// too short, or the rate limit holds it back.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, ICMP_MAX_LEN, NoPeers, Path, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// let (path, now) = (Path::new(Ipv4Addr::new(192, 0, 2, 2)), Duration::ZERO);
    /// let mut inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x01, 0x11, 0x8e, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let error = tunnel.header(&path, now, &mut inner, 20).unwrap_err();
    /// let mut out = [0; ICMP_MAX_LEN];
    /// let reply = tunnel.icmp_reply(&error, &path, now, &inner, &mut out).ok_or("no reply")?;
    /// assert_eq!((reply[20], reply[21], &reply[28..]), (11, 0, &inner[..]));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn icmp_reply<'o>(
        &mut self,
        error: &Error,
        path: &Path,
        now: Duration,
        inner: &[u8],
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        let header = parse(inner, usize::from(u16::MAX), Layer::Inner, false).ok()?;
        let message = match error.reason {
            Reason::TooBig if header.dont_fragment() || self.outer_df(&header) => {
                Message::too_big(path.tunnel_mtu(&self.config, now))
            }
            Reason::TtlExceeded => Message::new(TIME_EXCEEDED, 0),
            _ => return None,
        };
        self.answer(message, now, inner, out)
    }

    /// Reads an ICMP datagram that came to us and accepts it when it is an error about a datagram this tunnel sent:
    /// protocol 4 (or 137, by the mode), from our address, to [`Config::remote`](crate::Config::remote) or, without one, to a peer. All
    /// else could be forged to poison the path MTU.
    ///
    /// # Errors
    /// The message is to be ignored as far as the tunnel goes, and is counted: `OuterTruncated`, `OuterNotIpv4`,
    /// `OuterBadHeader`, `OuterChecksum`, `NotLocal`, `SourceNotAllowed` (not from a host), `IcmpMalformed`,
    /// `IcmpChecksum`, `IcmpNotError`, `IcmpForeignQuote`.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, NoPeers, Reason, Tunnel};
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// assert_eq!(tunnel.notice(&[]).unwrap_err().reason, Reason::OuterTruncated);
    /// ```
    pub fn notice<'a>(&mut self, datagram: &'a [u8]) -> Result<Notice<'a>, Error> {
        let result = self.read_notice(datagram);
        match &result {
            Ok(_) => count_one(&mut self.counters.icmp_received),
            Err(error) => self.counters.drop_for(error.reason),
        }
        result
    }

    /// Notes what `notice` says in `path` and writes the message to the sender of the inner datagram into `out`, when
    /// RFC 2003 section 4 wants one. Gives the datagram to send. Nothing happens unless `path` is the one to
    /// [`Notice::remote`].
    ///
    /// | received | told |
    /// | --- | --- |
    /// | 3/0, other net codes (6, 9, 11), 3/2 | 3/0 |
    /// | 3/1, other host codes, 11 | 3/1 |
    /// | 3/4 | 3/4 with the MTU less 20 |
    /// | 12 at an octet that came from the inner header | 12 at that octet |
    /// | 3/3, 3/5, 4, 5, other 12 | nothing |
    ///
    /// Where too little of the inner datagram is quoted to know its sender, later ones are told:
    /// [`Tunnel::answer_next`]. A path MTU that it would raise is ignored.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, Tunnel};
    ///
    /// let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let mut config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
    /// config.remote = Some(peer);
    /// let mut tunnel = Tunnel::new(config, peer);
    /// let mut path = tunnel.path().ok_or("no remote")?;
    /// # let received: &[u8] = &[];
    /// # let mut out = [0; 576];
    /// if let Ok(notice) = tunnel.notice(received) {
    ///     if let Some(reply) = tunnel.relay(&notice, &mut path, Duration::ZERO, &mut out) {
    ///         println!("to send: {reply:?}");
    ///     }
    /// }
    /// # Ok::<(), &str>(())
    /// ```
    pub fn relay<'o>(
        &mut self,
        notice: &Notice<'_>,
        path: &mut Path,
        now: Duration,
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        if path.remote() != notice.remote {
            return None;
        }
        let message = match (notice.message.kind, notice.message.code) {
            (UNREACHABLE, FRAGMENTATION_NEEDED) => Some(self.learn_mtu(notice, path, now)?),
            // RFC 2003 section 4.1: port unreachable and source route failed are not the sender's.
            (UNREACHABLE, PORT_UNREACHABLE | SOURCE_ROUTE_FAILED) => None,
            (UNREACHABLE, code) => Some(Message::new(UNREACHABLE, told_code(code))),
            (TIME_EXCEEDED, _) => {
                path.note_ttl_exceeded(now);
                Some(Message::new(UNREACHABLE, HOST_UNREACHABLE))
            }
            (PARAMETER_PROBLEM, _) => self.parameter_problem(notice),
            _ => None,
        }?;
        let unreachable = message.kind == UNREACHABLE && message.code != FRAGMENTATION_NEEDED;
        if unreachable {
            path.note_unreachable(now, message.code);
        }
        if Header::read(notice.inner).is_none() {
            if unreachable {
                path.note_untold();
            }
            return None;
        }
        self.answer(message, now, notice.inner, out)
    }

    /// Tells the sender of `inner`, a datagram about to be encapsulated, of an error whose own sender could not be
    /// told, if `path` has one left and it is not older than [`Path::UNREACHABLE_AGE`]. Gives the datagram to send.
    ///
    /// The datagram may be sent all the same, as Linux does: that is how the tunnel learns that the exit is back.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, NoPeers, Path, Tunnel};
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// let mut path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// assert_eq!(tunnel.answer_next(&mut path, Duration::ZERO, &[], &mut []), None);
    /// ```
    pub fn answer_next<'o>(
        &mut self,
        path: &mut Path,
        now: Duration,
        inner: &[u8],
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        let code = path.take_untold(now)?;
        self.answer(Message::new(UNREACHABLE, code), now, inner, out)
    }

    /// Writes `message` about `inner`, which may be cut, if one may be sent.
    fn answer<'o>(&mut self, message: Message, now: Duration, inner: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
        let header = parse(inner, usize::from(u16::MAX), Layer::Inner, false).ok()?;
        if !may_answer(&header, inner) {
            return None;
        }
        if !self.icmp_limit.take(now) {
            count_one(&mut self.counters.icmp_limited);
            return None;
        }
        let source = self.config.icmp_source.unwrap_or(self.config.local);
        let sent = write(message, source, self.ident.take(), &header, inner, out)?;
        count_one(&mut self.counters.icmp_sent);
        Some(sent)
    }

    fn read_notice<'a>(&self, datagram: &'a [u8]) -> Result<Notice<'a>, Error> {
        let outer = parse(datagram, datagram.len(), Layer::Outer, self.config.verify_outer_checksum)?;
        if !self.is_own(outer.destination) {
            return Err(Error::new(Reason::NotLocal, 16, outer.destination.to_bits()));
        }
        if !is_host(outer.source) {
            return Err(Error::new(Reason::SourceNotAllowed, 12, outer.source.to_bits()));
        }
        let offset = outer.len();
        let body = datagram.get(offset..outer.total()).unwrap_or_default();
        let malformed = Error::octets(Reason::IcmpMalformed, offset, body.len());
        if outer.protocol != PROTOCOL_ICMP || outer.is_fragment() {
            return Err(malformed);
        }
        let Some((&[kind, code, c0, c1, r0, r1, r2, r3], quote)) = body.split_first_chunk::<ICMP_HEADER_LEN>() else {
            return Err(malformed);
        };
        if checksum(body) != 0 {
            return Err(Error::new(Reason::IcmpChecksum, offset + 2, u16::from_be_bytes([c0, c1])));
        }
        if !matches!(kind, UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM) {
            return Err(Error::new(Reason::IcmpNotError, offset, kind));
        }
        let message = Message { kind, code, rest: [r0, r1, r2, r3] };
        let quote = without_extensions(message, quote);
        let quoted = match Header::read(quote) {
            Some(quoted) if quoted.version == 4 && quoted.len() >= 20 => quoted,
            _ => return Err(malformed),
        };
        let remote = quoted.destination;
        let is_peer = self.config.remote.map_or_else(|| self.peers.contains(remote), |only| only == remote);
        if !self.config.mode.carries(quoted.protocol) || quoted.source != self.config.local || !is_peer {
            return Err(Error::new(Reason::IcmpForeignQuote, offset + ICMP_HEADER_LEN + 16, remote.to_bits()));
        }
        let end = quoted.total().min(quote.len());
        // Of a labelled packet there is no one to tell; what is learned is for the path.
        let shows_inner = quoted.offset() == 0 && quoted.protocol == PROTOCOL_IPIP;
        let inner = if shows_inner { quote.get(quoted.len()..end).unwrap_or_default() } else { &[] };
        Ok(Notice { remote, reporter: outer.source, message, quoted, inner })
    }

    /// RFC 1191: takes the MTU told, and gives the message to relay; `None` when it teaches nothing.
    fn learn_mtu(&self, notice: &Notice<'_>, path: &mut Path, now: Duration) -> Option<Message> {
        let told = match word_at(&notice.message.rest, 2) {
            None | Some(0) => plateau_below(notice.quoted.total_len),
            Some(told) => told,
        };
        if told > path.mtu(&self.config, now) {
            return None;
        }
        path.learn_mtu(&self.config, now, told);
        Some(Message::too_big(path.tunnel_mtu(&self.config, now)))
    }

    /// RFC 2003 section 4.6: relayed only when the octet at fault came from the inner header.
    fn parameter_problem(&self, notice: &Notice<'_>) -> Option<Message> {
        let [pointer, ..] = notice.message.rest;
        let code = notice.message.code;
        // Code 1, a missing option, is about an option that the outer header lacks.
        if code == 1 {
            return None;
        }
        if let Some(within) = pointer.checked_sub(notice.quoted.header_len) {
            return Some(Message::parameter_problem(code, within));
        }
        let copied = match pointer {
            1 => self.config.tos == Tos::Inherit,
            6 => self.config.df == Df::Inherit,
            8 => self.config.ttl == Ttl::Inherit,
            _ => false,
        };
        copied.then(|| Message::parameter_problem(code, pointer))
    }
}

/// The code of type 3 to tell the sender for one from inside the tunnel.
fn told_code(code: u8) -> u8 {
    match code {
        // Protocol unreachable says that the exit does no IP-in-IP, which the sender did not ask for.
        NET_UNREACHABLE | PROTOCOL_UNREACHABLE | 6 | 9 | 11 => NET_UNREACHABLE,
        _ => HOST_UNREACHABLE,
    }
}

/// The quoted datagram without the extensions of RFC 4884, whose length field counts its words.
fn without_extensions(message: Message, quote: &[u8]) -> &[u8] {
    let [_, words, ..] = message.rest;
    match message.kind {
        UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM if words > 0 => {
            quote.get(..usize::from(words) * 4).unwrap_or(quote)
        }
        _ => quote,
    }
}

const PROTOCOL_UNREACHABLE: u8 = 2;
const PORT_UNREACHABLE: u8 = 3;
const SOURCE_ROUTE_FAILED: u8 = 5;

#[cfg(test)]
mod tests;
