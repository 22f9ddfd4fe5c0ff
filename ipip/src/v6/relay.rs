//! ICMP errors from inside the tunnel (RFC 2473 section 8, RFC 4213 section 3.4).

use core::time::Duration;

use crate::Reason;
use crate::checksum::checksum;
use crate::counters::count_one;
use crate::header::{self as v4, PROTOCOL_ICMP, word_at};
use crate::icmp as icmp4;
use crate::path::plateau_below;

use super::header::{DESTINATION_OPTIONS, Header, ICMPV6, IPV4, IPV6, LEN};
use super::icmp::{PARAMETER_PROBLEM, TIME_EXCEEDED, TOO_BIG, Told, UNREACHABLE, message_checksum};
use super::limit::{OPTION_LEN, Options};
use super::{Ends, Error, PeerSet, Tunnel};

/// An error about a datagram of ours: what it says, and what is quoted of the inner datagram.
struct Notice<'a> {
    says: Says,
    inner: &'a [u8],
}

enum Says {
    /// The path MTU outside.
    TooBig(u16),
    Unreachable,
    /// Nothing that concerns the sender.
    Nothing,
}

impl<P: PeerSet> Tunnel<P> {
    /// Takes an ICMP or `ICMPv6` datagram that came to our end; when it is an error about a datagram this tunnel sent,
    /// learns from it and writes what the inner source is to be told into `out`. Gives the datagram to send, if any.
    ///
    /// | received | told |
    /// | --- | --- |
    /// | Packet Too Big, 3/4 | Packet Too Big (at least 1280) or 3/4, less the tunnel's headers |
    /// | unreachable, Time Exceeded, Parameter Problem at our encapsulation limit | address (host) unreachable |
    /// | other Parameter Problem, source quench, redirect | nothing |
    ///
    /// # Errors
    /// It is to be ignored as far as the tunnel goes, and is counted: `OuterTruncated`, `OuterNotIpv4`, `OuterNotIpv6`,
    /// `OuterBadHeader`, `OuterChecksum`, `NotLocal`, `IcmpMalformed`, `IcmpChecksum`, `IcmpNotError`,
    /// `IcmpForeignQuote`.
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{EcnMode, Reason, v6::{Config, Ends, Tunnel}};
    /// let ends = Ends::V4 { local: Ipv4Addr::new(192, 0, 2, 1), remote: Ipv4Addr::new(192, 0, 2, 2) };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// assert_eq!(tunnel.relay(Duration::ZERO, &[], &mut []).unwrap_err().reason, Reason::OuterTruncated);
    /// ```
    pub fn relay<'o>(&mut self, now: Duration, datagram: &[u8], out: &'o mut [u8]) -> Result<Option<&'o [u8]>, Error> {
        let read = match self.config.ends {
            Ends::V4 { .. } => self.read_v4(datagram),
            Ends::V6 { .. } => self.read_v6(datagram),
        };
        let notice = match read {
            Ok(notice) => notice,
            Err(error) => {
                self.counters.drop_for(error.reason);
                return Err(error);
            }
        };
        count_one(&mut self.counters.icmp_received);
        let told = match notice.says {
            Says::TooBig(mtu) => {
                let before = self.path_mtu(now);
                self.learn_mtu(now, mtu);
                // One that teaches nothing has been told before, or is forged.
                if self.path_mtu(now) == before && mtu != before {
                    return Ok(None);
                }
                Told::TooBig(self.tunnel_mtu(now))
            }
            Says::Unreachable => Told::Unreachable,
            Says::Nothing => return Ok(None),
        };
        Ok(self.tell(told, now, notice.inner, out))
    }

    fn read_v6<'a>(&self, datagram: &'a [u8]) -> Result<Notice<'a>, Error> {
        let Ends::V6 { local, .. } = self.config.ends else { return Err(Error::new(Reason::OuterNotIpv6, 0)) };
        if datagram.first().is_some_and(|first| first >> 4 != 6) {
            return Err(Error::new(Reason::OuterNotIpv6, 0));
        }
        let outer = Header::read(datagram).ok_or(Error::new(Reason::OuterTruncated, 0))?;
        let body = datagram.get(LEN..outer.total()).ok_or(Error::new(Reason::OuterTruncated, 4))?;
        if outer.destination != local {
            return Err(Error::new(Reason::NotLocal, 24));
        }
        let malformed = Error::new(Reason::IcmpMalformed, LEN);
        let Some((&[kind, code, _, _, r0, r1, r2, r3], quote)) = body.split_first_chunk::<8>() else {
            return Err(malformed);
        };
        if outer.next != ICMPV6 {
            return Err(malformed);
        }
        if message_checksum(&outer, body) != 0 {
            return Err(Error::new(Reason::IcmpChecksum, LEN + 2));
        }
        if !matches!(kind, UNREACHABLE | TOO_BIG | TIME_EXCEEDED | PARAMETER_PROBLEM) {
            return Err(Error::new(Reason::IcmpNotError, LEN));
        }
        let quoted = Header::read(quote).ok_or(malformed)?;
        let (mut next, mut at) = (quoted.next, LEN);
        if next == DESTINATION_OPTIONS {
            let options = Options::read(quote, LEN).ok_or(malformed)?;
            (next, at) = (options.next, LEN + options.octets.len());
        }
        if quoted.source != local || !self.is_exit(quoted.destination.into()) || !matches!(next, IPV4 | IPV6) {
            return Err(Error::new(Reason::IcmpForeignQuote, LEN + 8 + 24));
        }
        let rest = u32::from_be_bytes([r0, r1, r2, r3]);
        let says = match (kind, code) {
            (TOO_BIG, _) => Says::TooBig(u16::try_from(rest).unwrap_or(u16::MAX)),
            (UNREACHABLE | TIME_EXCEEDED, _) => Says::Unreachable,
            // Our encapsulation limit was used up: the fifth octet of the options header (RFC 2473 section 8.1).
            (PARAMETER_PROBLEM, 0) if at == LEN + OPTION_LEN && rest == LIMIT_AT => Says::Unreachable,
            _ => Says::Nothing,
        };
        Ok(Notice { says, inner: quote.get(at..quoted.total().min(quote.len())).unwrap_or_default() })
    }

    fn read_v4<'a>(&self, datagram: &'a [u8]) -> Result<Notice<'a>, Error> {
        let Ends::V4 { local, .. } = self.config.ends else { return Err(Error::new(Reason::OuterNotIpv4, 0)) };
        let outer = v4::parse(datagram, datagram.len(), v4::Layer::Outer, true)?;
        if outer.destination != local {
            return Err(Error::new(Reason::NotLocal, 16));
        }
        let at = outer.len();
        let body = datagram.get(at..outer.total()).unwrap_or_default();
        let malformed = Error::new(Reason::IcmpMalformed, at);
        let Some((&[kind, code, ..], quote)) = body.split_first_chunk::<8>() else { return Err(malformed) };
        if outer.protocol != PROTOCOL_ICMP || outer.is_fragment() {
            return Err(malformed);
        }
        if checksum(body) != 0 {
            return Err(Error::new(Reason::IcmpChecksum, at + 2));
        }
        if !matches!(kind, icmp4::UNREACHABLE | icmp4::TIME_EXCEEDED | icmp4::PARAMETER_PROBLEM) {
            return Err(Error::new(Reason::IcmpNotError, at));
        }
        let quoted =
            v4::Header::read(quote).filter(|quoted| quoted.version == 4 && quoted.len() >= 20).ok_or(malformed)?;
        let inner = quote.get(quoted.len()..).and_then(Header::read).map(|inner| inner.destination.into());
        let is_exit = match inner.and_then(|destination| self.config.embedded(destination)) {
            Some(exit) => quoted.destination == exit,
            None => self.is_exit(quoted.destination.into()),
        };
        if quoted.source != local || !is_exit || quoted.protocol != IPV6 {
            return Err(Error::new(Reason::IcmpForeignQuote, at + 8 + 16));
        }
        let says = match (kind, code) {
            (icmp4::UNREACHABLE, icmp4::FRAGMENTATION_NEEDED) => Says::TooBig(match word_at(body, 6) {
                None | Some(0) => plateau_below(quoted.total_len),
                Some(mtu) => mtu,
            }),
            (icmp4::UNREACHABLE | icmp4::TIME_EXCEEDED, _) => Says::Unreachable,
            _ => Says::Nothing,
        };
        let end = quoted.total().min(quote.len());
        let first = quoted.offset() == 0;
        Ok(Notice { says, inner: if first { quote.get(quoted.len()..end).unwrap_or_default() } else { &[] } })
    }
}

/// The octet of the outer datagram in which our encapsulation limit stands.
const LIMIT_AT: u32 = 44;
