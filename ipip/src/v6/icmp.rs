//! ICMP errors to inner sources of either version (RFC 4443, RFC 2473 sections 7 and 8).

use core::net::Ipv6Addr;
use core::time::Duration;

use crate::Reason;
use crate::checksum::checksum;
use crate::counters::count_one;
use crate::header as v4;
use crate::icmp::{self, HOST_UNREACHABLE, Message};

use super::header::{DESTINATION_OPTIONS, HOP_BY_HOP, Header, ICMPV6, LEN};
use super::limit::Options;
use super::{Error, ICMP_MAX_LEN, MIN_MTU, PeerSet, Tunnel};

/// What is told to the sender of an inner datagram, whatever its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is too big for the tunnel MTU.
    TooBig(u16),
    /// It cannot get there.
    Unreachable,
    TimeExceeded,
    /// The octet of the datagram with an encapsulation limit of 0.
    Limit(u16),
}

impl<P: PeerSet> Tunnel<P> {
    /// Writes the ICMP or `ICMPv6` error that tells the source of `inner` why [`Tunnel::encap`] refused it, into `out`
    /// ([`ICMP_MAX_LEN`] octets are enough). Gives the datagram to send; `None` as in
    /// [`crate::Tunnel::icmp_reply`], and when the configuration has no source for it.
    ///
    /// `TooBig` gives Packet Too Big with at least 1280, or 3/4; `TtlExceeded` gives Time Exceeded; `EncapLimit` gives
    /// Parameter Problem with a pointer to the limit (RFC 2473 section 4.1.1).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use ipip::{EcnMode, v6::{Config, Ends, HEADROOM, ICMP_MAX_LEN, Tunnel}};
    /// let ends = Ends::V6 { local: "2001:db8::1".parse()?, remote: "2001:db8::2".parse()? };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// // A datagram from 2001:db8:1::5 whose hop limit is 1.
    /// let mut buffer = [0; HEADROOM + 40];
    /// buffer[HEADROOM..HEADROOM + 8].copy_from_slice(&[0x60, 0, 0, 0, 0, 0, 59, 1]);
    /// buffer[HEADROOM + 8..HEADROOM + 14].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 1]);
    /// buffer[HEADROOM + 23..HEADROOM + 26].copy_from_slice(&[5, 0x20, 1]);
    /// let error = tunnel.encap(Duration::ZERO, &mut buffer).map(|_| ()).unwrap_err();
    /// let mut out = [0; ICMP_MAX_LEN];
    /// let reply = tunnel.icmp_reply(&error, Duration::ZERO, &buffer[HEADROOM..], &mut out).ok_or("no reply")?;
    /// assert_eq!((reply[40], reply[41]), (3, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn icmp_reply<'o>(
        &mut self,
        error: &Error,
        now: Duration,
        inner: &[u8],
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        let told = match error.reason {
            Reason::TooBig => Told::TooBig(self.tunnel_mtu(now)),
            Reason::TtlExceeded => Told::TimeExceeded,
            Reason::EncapLimit => Told::Limit(error.offset),
            _ => return None,
        };
        self.tell(told, now, inner, out)
    }

    /// Writes what is told about `inner`, which may be cut, if it may be told.
    pub(super) fn tell<'o>(&mut self, told: Told, now: Duration, inner: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
        let sent = match inner.first()? >> 4 {
            4 => {
                let header = v4::parse(inner, usize::from(u16::MAX), v4::Layer::Inner, false).ok()?;
                let message = match told {
                    Told::TooBig(mtu) if header.dont_fragment() => Message::too_big(mtu),
                    Told::Unreachable => Message::new(icmp::UNREACHABLE, HOST_UNREACHABLE),
                    Told::TimeExceeded => Message::new(icmp::TIME_EXCEEDED, 0),
                    _ => return None,
                };
                let source = self.config.icmp_source?;
                if !icmp::may_answer(&header, inner) || !self.may_send(now) {
                    return None;
                }
                icmp::write(message, source, self.ident.take(), &header, inner, out)?
            }
            _ => {
                let header = Header::read(inner)?;
                let (kind, code, rest) = match told {
                    // It goes through as it is: the tunnel fragments what every link has to carry.
                    Told::TooBig(_) if header.total() <= usize::from(MIN_MTU) => return None,
                    Told::TooBig(mtu) => (TOO_BIG, 0, u32::from(mtu.max(MIN_MTU))),
                    Told::Unreachable => (UNREACHABLE, ADDRESS_UNREACHABLE, 0),
                    Told::TimeExceeded => (TIME_EXCEEDED, 0, 0),
                    Told::Limit(at) => (PARAMETER_PROBLEM, 0, u32::from(at)),
                };
                let source = self.config.icmpv6_source?;
                if !may_answer(&header, inner, kind) || !self.may_send(now) {
                    return None;
                }
                write(kind, code, rest, source, &header, inner, out)?
            }
        };
        count_one(&mut self.counters.icmp_sent);
        Some(sent)
    }

    fn may_send(&mut self, now: Duration) -> bool {
        let may = self.icmp_limit.take(now);
        if !may {
            count_one(&mut self.counters.icmp_limited);
        }
        may
    }
}

/// RFC 4443 section 2.4 e: not about `ICMPv6` errors, nor to or about what is not one host's; Packet Too Big may be about
/// multicast.
fn may_answer(header: &Header, datagram: &[u8], kind: u8) -> bool {
    let (mut next, mut at) = (header.next, LEN);
    while matches!(next, HOP_BY_HOP | DESTINATION_OPTIONS) {
        // What cannot be seen may be an error.
        let Some(options) = Options::read(datagram, at) else { return false };
        (next, at) = (options.next, at + options.octets.len());
    }
    let is_error = next == ICMPV6 && datagram.get(at).is_none_or(|kind| *kind < 128);
    let from_host = !header.source.is_unspecified() && !header.source.is_multicast() && !header.source.is_loopback();
    from_host && !is_error && (kind == TOO_BIG || !header.destination.is_multicast())
}

/// The `ICMPv6` datagram, quoting as much as is there and goes into 1280 octets.
fn write<'o>(
    kind: u8,
    code: u8,
    rest: u32,
    source: Ipv6Addr,
    header: &Header,
    quoted: &[u8],
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    let quoted = quoted.get(..header.total()).unwrap_or(quoted);
    let room = out.len().min(ICMP_MAX_LEN).checked_sub(LEN + 8)?;
    if room < quoted.len().min(LEN + 8) {
        return None;
    }
    let quote = quoted.get(..room).unwrap_or(quoted);
    let total = LEN + 8 + quote.len();
    let outer = Header {
        class: 0,
        flow: 0,
        payload_len: u16::try_from(total - LEN).ok()?,
        next: ICMPV6,
        hop_limit: 64,
        source,
        destination: header.source,
    };
    let datagram = out.get_mut(..total)?;
    outer.write(datagram)?;
    let [r0, r1, r2, r3] = rest.to_be_bytes();
    let (message, body) = datagram.get_mut(LEN..)?.split_first_chunk_mut::<8>()?;
    *message = [kind, code, 0, 0, r0, r1, r2, r3];
    body.copy_from_slice(quote);
    let sum = message_checksum(&outer, datagram.get(LEN..)?).to_be_bytes();
    *datagram.get_mut(LEN + 2..)?.first_chunk_mut()? = sum;
    out.get(..total)
}

/// The checksum with the pseudo-header (RFC 8200 section 8.1); 0 over a message that holds the right one.
pub(super) fn message_checksum(header: &Header, message: &[u8]) -> u16 {
    let mut pseudo = [0; 40];
    let fields = header.source.octets().into_iter().chain(header.destination.octets());
    let [l0, l1] = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    for (octet, field) in pseudo.iter_mut().zip(fields.chain([0, 0, l0, l1, 0, 0, 0, ICMPV6])) {
        *octet = field;
    }
    let (one, other) = (u32::from(!checksum(&pseudo)), u32::from(!checksum(message)));
    let sum = one + other;
    !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default()
}

pub(super) const UNREACHABLE: u8 = 1;
pub(super) const TOO_BIG: u8 = 2;
pub(super) const TIME_EXCEEDED: u8 = 3;
pub(super) const PARAMETER_PROBLEM: u8 = 4;
const ADDRESS_UNREACHABLE: u8 = 3;
