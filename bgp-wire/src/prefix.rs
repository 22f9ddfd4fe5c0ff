//! The octets of an IP prefix: length in bits (1 octet) and as many octets as hold them (RFC 4271 section 4.3).

use ipnet::{Ipv4Net, Ipv6Net};

/// Octets of the prefix in front of `octets`; `None`: longer than `max` bits, or cut off.
#[inline]
pub(crate) fn measure(octets: &[u8], max: u8) -> Option<usize> {
    let bits = *octets.first()?;
    let len = 1 + usize::from(bits).div_ceil(8);
    if bits <= max && len <= octets.len() { Some(len) } else { None }
}

/// The IPv4 prefix in front of `octets` and its length in octets. Bits behind the prefix length do not count.
#[inline]
pub(crate) fn decode_v4(octets: &[u8]) -> Option<(Ipv4Net, usize)> {
    let len = measure(octets, 32)?;
    let (bits, rest) = octets.split_first()?;
    let address = match rest.first_chunk::<4>() {
        // One load where the octets behind belong to something else, which the mask takes away.
        Some(octets) => u32::from_be_bytes(*octets),
        None => {
            rest.iter().fold((0, 24), |(sum, shift): (u32, u32), octet| (sum | u32::from(*octet) << shift, shift - 8)).0
        }
    };
    let mask = u32::MAX.checked_shl(32 - u32::from(*bits)).unwrap_or(0);
    Ipv4Net::new((address & mask).into(), *bits).ok().map(|net| (net, len))
}

/// The IPv6 prefix in front of `octets` and its length in octets. Bits behind the prefix length do not count.
#[inline]
pub(crate) fn decode_v6(octets: &[u8]) -> Option<(Ipv6Net, usize)> {
    let len = measure(octets, 128)?;
    let (bits, rest) = octets.split_first()?;
    let address = match rest.first_chunk::<16>() {
        Some(octets) => u128::from_be_bytes(*octets),
        None => {
            let mut address = [0; 16];
            address.iter_mut().zip(rest).for_each(|(to, octet)| *to = *octet);
            u128::from_be_bytes(address)
        }
    };
    let mask = u128::MAX.checked_shl(128 - u32::from(*bits)).unwrap_or(0);
    Ipv6Net::new((address & mask).into(), *bits).ok().map(|net| (net, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4271_4_3_trailing_bits_do_not_count() {
        assert_eq!(decode_v4(&[9, 0xff, 0xff]), Some(("255.128.0.0/9".parse().unwrap(), 3)));
        assert_eq!(decode_v4(&[0]), Some(("0.0.0.0/0".parse().unwrap(), 1)));
        assert_eq!(decode_v4(&[0, 1, 2, 3, 4]), Some(("0.0.0.0/0".parse().unwrap(), 1)));
        assert_eq!(decode_v4(&[32, 1, 2, 3, 4, 5]), Some(("1.2.3.4/32".parse().unwrap(), 5)));
        assert_eq!(decode_v4(&[24, 1, 2, 3]), Some(("1.2.3.0/24".parse().unwrap(), 4)));
        assert_eq!(decode_v6(&[20, 0x20, 1, 0xff]), Some(("2001:f000::/20".parse().unwrap(), 4)));
        assert_eq!(decode_v6(&[0, 1]), Some(("::/0".parse().unwrap(), 1)));
        let mut host = [0xff; 17];
        host[0] = 128;
        assert_eq!(decode_v6(&host).unwrap().1, 17);
    }

    #[test]
    fn rfc7606_5_3_too_long_or_cut_off_is_malformed() {
        for octets in [&[33, 1, 2, 3, 4, 5][..], &[24, 1, 2], &[1], &[]] {
            assert_eq!(decode_v4(octets), None);
        }
        assert_eq!(decode_v6(&[129; 20]), None);
        assert_eq!(decode_v6(&[48, 1, 2, 3, 4, 5]), None);
    }
}
