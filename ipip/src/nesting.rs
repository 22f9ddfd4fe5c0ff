//! How many tunnel headers follow in a datagram: recursion has no field in IPv4 (RFC 2473 section 4.1.1 in spirit).

use crate::header::{Header, PROTOCOL_IPIP, PROTOCOL_IPV6};

/// `most` for each protocol, and `tunnel` for those that may be a tunnel header, which [`count`] has to look at.
pub(crate) const fn by_protocol<T: Copy>(most: T, tunnel: T) -> [T; 256] {
    let mut table = [most; 256];
    (table[4], table[41], table[47]) = (tunnel, tunnel, tunnel);
    table
}

/// The tunnel headers (protocol 4 or 41, and GRE with `gre`) inside an IPv4 datagram, counted up to `limit` + 1.
///
/// Each layer is looked at as far as it is there and well-formed; behind a fragment that is not the first one, behind
/// GRE and behind an IPv6 header that another one follows, nothing is seen.
pub(crate) fn count(datagram: &[u8], limit: u8, gre: bool) -> u8 {
    let mut rest = datagram;
    let mut next = PROTOCOL_IPIP;
    let mut found = 0_u8;
    loop {
        let (protocol, body) = match next {
            PROTOCOL_IPIP => match Header::read(rest) {
                Some(header) if header.version == 4 => {
                    let body = if header.offset() == 0 { rest.get(header.len()..) } else { None };
                    (header.protocol, body)
                }
                _ => return found,
            },
            _ => match rest.first_chunk::<IPV6_HEADER_LEN>() {
                Some(&[version, _, _, _, _, _, protocol, ..]) if version >> 4 == 6 => {
                    (protocol, rest.get(IPV6_HEADER_LEN..))
                }
                _ => return found,
            },
        };
        match protocol {
            PROTOCOL_IPIP | PROTOCOL_IPV6 => {}
            PROTOCOL_GRE if gre => {}
            _ => return found,
        }
        found = found.saturating_add(1);
        match body {
            Some(body) if found <= limit && protocol != PROTOCOL_GRE => (rest, next) = (body, protocol),
            _ => return found,
        }
    }
}

const IPV6_HEADER_LEN: usize = 40;
const PROTOCOL_GRE: u8 = 47;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn layers(protocols: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut version = 4;
        for &protocol in protocols {
            if version == 4 {
                let mut header = [0_u8; 20];
                (header[0], header[9]) = (0x45, protocol);
                octets.extend(header);
            } else {
                let mut header = [0_u8; 40];
                (header[0], header[6]) = (0x60, protocol);
                octets.extend(header);
            }
            version = if protocol == 41 { 6 } else { 4 };
        }
        octets
    }

    #[test]
    fn rfc2473_4_1_1_headers_are_counted_up_to_the_limit() {
        for (protocols, limit, found) in [
            (&[17][..], 0, 0),
            (&[4, 17], 0, 1),
            (&[4, 4, 17], 9, 2),
            (&[4, 4, 4, 4, 17], 1, 2),
            (&[41, 17], 0, 1),
            (&[41, 4, 41, 6], 9, 3),
            (&[4], 9, 1),
            (&[41], 9, 1),
            (&[47, 4, 17], 9, 0),
        ] {
            assert_eq!(count(&layers(protocols), limit, false), found, "{protocols:?}");
        }
        assert_eq!(count(&layers(&[4, 47, 17]), 9, true), 2);
        let mut fragment = layers(&[4, 4, 17]);
        fragment[7] = 1;
        assert_eq!(count(&fragment, 9, false), 1, "what a later fragment carries is no header");
    }

    proptest! {
        #[test]
        fn never_counts_beyond_limit_and_one(octets: Vec<u8>, limit: u8) {
            prop_assert!(count(&octets, limit, true) <= limit.saturating_add(1));
        }
    }
}
