//! ICMP error messages (RFC 792): writing one, and what one may be about (RFC 1122 section 3.2.2).

use core::net::Ipv4Addr;

use crate::address::{is_host, is_unicast};
use crate::checksum::checksum;
use crate::header::{HEADER_LEN, Header, PROTOCOL_ICMP};

/// The longest ICMP datagram this crate writes, in octets (RFC 1812 section 4.3.2.3).
pub const ICMP_MAX_LEN: usize = 576;

pub(crate) const UNREACHABLE: u8 = 3;
pub(crate) const SOURCE_QUENCH: u8 = 4;
pub(crate) const REDIRECT: u8 = 5;
pub(crate) const TIME_EXCEEDED: u8 = 11;
pub(crate) const PARAMETER_PROBLEM: u8 = 12;

pub(crate) const NET_UNREACHABLE: u8 = 0;
pub(crate) const HOST_UNREACHABLE: u8 = 1;
pub(crate) const FRAGMENTATION_NEEDED: u8 = 4;

/// Octets of the ICMP header of an error message.
pub(crate) const ICMP_HEADER_LEN: usize = 8;

/// What an ICMP error says: type, code and the four octets behind the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) rest: [u8; 4],
}

impl Message {
    pub(crate) fn new(kind: u8, code: u8) -> Message {
        Message { kind, code, rest: [0; 4] }
    }

    /// 3/4 with the next-hop MTU (RFC 1191 section 4).
    pub(crate) fn too_big(mtu: u16) -> Message {
        let [high, low] = mtu.to_be_bytes();
        Message { rest: [0, 0, high, low], ..Message::new(UNREACHABLE, FRAGMENTATION_NEEDED) }
    }

    /// Type 12: `pointer` is the octet of the quoted datagram at fault.
    pub(crate) fn parameter_problem(code: u8, pointer: u8) -> Message {
        Message { rest: [pointer, 0, 0, 0], ..Message::new(PARAMETER_PROBLEM, code) }
    }
}

/// Whether an ICMP error may be sent about `datagram`, which begins with `header` and may be cut: not about ICMP
/// errors, later fragments, or anything that is not from one host to one host (RFC 1122 section 3.2.2, RFC 1812
/// section 4.3.2.7).
pub(crate) fn may_answer(header: &Header, datagram: &[u8]) -> bool {
    header.offset() == 0
        && is_host(header.source)
        && is_unicast(header.destination)
        && (header.protocol != PROTOCOL_ICMP || datagram.get(header.len()).is_some_and(|kind| is_query(*kind)))
}

/// The ICMP types that are no errors; types nobody knows may be errors.
pub(crate) fn is_query(kind: u8) -> bool {
    // Echo, router discovery, timestamp, information, address mask, extended echo.
    matches!(kind, 0 | 8 | 9 | 10 | 13..=18 | 42 | 43)
}

/// Writes an ICMP datagram to the source of `quoted`, which begins with `header`. As much is quoted as is there and
/// goes into `out` and [`ICMP_MAX_LEN`]; `None` when `out` has no room for the quoted header and 8 octets of payload.
pub(crate) fn write<'o>(
    message: Message,
    source: Ipv4Addr,
    ident: u16,
    header: &Header,
    quoted: &[u8],
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    let quoted = quoted.get(..header.total()).unwrap_or(quoted);
    let room = out.len().min(ICMP_MAX_LEN).checked_sub(HEADER_LEN + ICMP_HEADER_LEN)?;
    if room < quoted.len().min(header.len() + 8) {
        return None;
    }
    let quote = quoted.get(..room).unwrap_or(quoted);
    let total = HEADER_LEN + ICMP_HEADER_LEN + quote.len();
    let (ip, rest) = out.get_mut(..total)?.split_first_chunk_mut::<HEADER_LEN>()?;
    *ip = Header {
        // RFC 1812 section 4.3.2.5: errors go with precedence 6, internetwork control.
        tos: 0xc0,
        total_len: u16::try_from(total).ok()?,
        ident,
        ttl: 64,
        protocol: PROTOCOL_ICMP,
        ..Header::new(source, header.source)
    }
    .write();
    let [r0, r1, r2, r3] = message.rest;
    let (icmp, body) = rest.split_first_chunk_mut::<ICMP_HEADER_LEN>()?;
    *icmp = [message.kind, message.code, 0, 0, r0, r1, r2, r3];
    body.copy_from_slice(quote);
    let [high, low] = checksum(rest).to_be_bytes();
    *rest.get_mut(2..4)?.first_chunk_mut()? = [high, low];
    out.get(..total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn datagram(source: [u8; 4], destination: [u8; 4], protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            total_len: 20 + u16::try_from(payload.len()).unwrap(),
            fragment,
            protocol,
            ttl: 9,
            ..Header::new(source.into(), destination.into())
        };
        [&header.write()[..], payload].concat()
    }

    #[test]
    fn rfc1122_3_2_2_what_no_error_is_sent_about() {
        let (pod, other) = ([10, 244, 1, 5], [10, 244, 2, 9]);
        for (answer, datagram) in [
            (true, datagram(pod, other, 17, 0, &[0; 8])),
            (true, datagram(pod, other, 17, 0x2000, &[0; 8])),
            (false, datagram(pod, other, 17, 0x2001, &[0; 8])),
            (true, datagram(pod, other, 1, 0, &[8, 0])),
            (true, datagram(pod, other, 1, 0, &[0, 0])),
            (false, datagram(pod, other, 1, 0, &[3, 1])),
            (false, datagram(pod, other, 1, 0, &[11, 0])),
            (false, datagram(pod, other, 1, 0, &[200, 0])),
            (false, datagram(pod, other, 1, 0, &[])),
            (false, datagram(pod, [224, 0, 0, 5], 17, 0, &[0; 8])),
            (false, datagram(pod, [255, 255, 255, 255], 17, 0, &[0; 8])),
            (false, datagram([0, 0, 0, 0], other, 17, 0, &[0; 8])),
            (false, datagram([127, 0, 0, 1], other, 17, 0, &[0; 8])),
            (false, datagram([239, 1, 1, 1], other, 17, 0, &[0; 8])),
        ] {
            assert_eq!(may_answer(&Header::read(&datagram).unwrap(), &datagram), answer, "{datagram:?}");
        }
    }

    #[test]
    fn rfc1812_4_3_2_3_quote_ends_at_576_octets_and_at_the_total_length() {
        let source = Ipv4Addr::new(192, 0, 2, 254);
        let long = datagram([10, 0, 0, 1], [10, 0, 0, 2], 17, 0, &[7; 900]);
        let header = Header::read(&long).unwrap();
        let mut out = [0xee; 1500];
        let sent = write(Message::too_big(1480), source, 5, &header, &long, &mut out).unwrap();
        assert_eq!(sent.len(), ICMP_MAX_LEN);
        assert_eq!((checksum(&sent[..20]), checksum(&sent[20..])), (0, 0));
        assert_eq!(sent[28..], long[..548]);
        let mut padded = datagram([10, 0, 0, 1], [10, 0, 0, 2], 17, 0, &[7; 9]);
        padded.extend([0xdd; 40]);
        let header = Header::read(&padded).unwrap();
        assert_eq!(write(Message::new(11, 0), source, 5, &header, &padded, &mut out).unwrap().len(), 28 + 29);
        assert!(write(Message::new(11, 0), source, 5, &header, &padded, &mut out[..55]).is_none());
        assert_eq!(write(Message::new(11, 0), source, 5, &header, &padded, &mut out[..56]).unwrap().len(), 56);
    }
}
