//! The octets of an IP prefix: length in bits (1 octet) and as many octets as hold them (RFC 4271 section 4.3).

#[cfg(feature = "alloc")]
use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::reader::low_u16;

/// Cuts the prefix in front of `octets`: its length in bits, what begins with its octets, and what is behind it. `None`:
/// longer than `max` bits, or cut off.
#[inline]
fn cut(octets: &[u8], max: u8) -> Option<(u8, &[u8], &[u8])> {
    let (bits, from) = octets.split_first()?;
    let behind = from.get(len(*bits)..)?;
    if *bits <= max { Some((*bits, from, behind)) } else { None }
}

/// Whether `octets` are whole IPv4 prefixes and nothing else.
#[inline]
pub(crate) fn are_v4(octets: &[u8]) -> bool {
    are_whole(octets, &STEPS_V4)
}

#[inline]
fn are_whole(octets: &[u8], steps: &'static [u16; 256]) -> bool {
    let mut at = 0;
    while let Some(bits) = octets.get(at) {
        at += steps.get(usize::from(*bits)).copied().map_or(BEYOND, usize::from);
    }
    at == octets.len()
}

static STEPS_V4: [u16; 256] = steps(32);

/// By the length in bits, the octets of a prefix and its length octet: beyond the end of any message if it is too long.
const fn steps(max: usize) -> [u16; 256] {
    let mut steps = [u16::MAX; 256];
    let mut bits = 0;
    while bits <= max {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            steps[bits] = low_u16(1 + bits.div_ceil(8));
        }
        bits += 1;
    }
    steps
}

/// More octets than any message has.
const BEYOND: usize = 65535;

/// What is behind the prefix in front of `octets`; `None`: longer than `max` bits, or cut off.
#[inline]
pub(crate) fn skip(octets: &[u8], max: u8) -> Option<&[u8]> {
    cut(octets, max).map(|(_, _, behind)| behind)
}

/// The IPv4 prefix in front of `octets` and what is behind it. Bits behind the prefix length do not count.
#[inline(always)]
pub(crate) fn decode_v4(octets: &[u8]) -> Option<(Ipv4Net, &[u8])> {
    if let Some((net, behind)) = decode_v4_near(octets) {
        Some((net, behind))
    } else if octets.is_empty() {
        None
    } else {
        decode_v4_rare(octets)
    }
}

/// The same where one load takes length and address: in front of four octets, for up to 24 bits. Nearly all announced
/// prefixes are so; what the shorter of them do not own is masked away.
#[inline(always)]
pub(crate) fn decode_v4_near(octets: &[u8]) -> Option<(Ipv4Net, &[u8])> {
    let word = u32::from_le_bytes(*octets.first_chunk::<4>()?);
    // As a number, not as an array: the load stays one. Rotated, not shifted: the length lands where no mask has a bit.
    let bits = u8::try_from(word & 0xff).ok()?;
    if bits > 24 {
        return None;
    }
    let behind = octets.get((usize::from(bits) + 15) >> 3..)?;
    let address = word.rotate_right(8) & MASKS.get(usize::from(bits))?;
    Ipv4Net::new(address.to_le_bytes().into(), bits).ok().map(|net| (net, behind))
}

#[inline(never)]
pub(crate) fn decode_v4_rare(octets: &[u8]) -> Option<(Ipv4Net, &[u8])> {
    let (bits, from, behind) = cut(octets, 32)?;
    let mut address = [0; 4];
    address.iter_mut().zip(from).for_each(|(to, octet)| *to = *octet);
    let address = u32::from_le_bytes(address) & MASKS.get(usize::from(bits))?;
    Ipv4Net::new(address.to_le_bytes().into(), bits).ok().map(|net| (net, behind))
}

/// By the length in bits, the bits of an IPv4 address that count, the first octet in the low bits.
static MASKS: [u32; 33] = {
    let mut masks = [0; 33];
    let mut bits = 0;
    while bits <= 32 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            masks[bits] = (!u32::MAX.unbounded_shr(low_u16(bits) as u32)).swap_bytes();
        }
        bits += 1;
    }
    masks
};

/// The IPv6 prefix in front of `octets` and what is behind it. Bits behind the prefix length do not count.
#[inline]
pub(crate) fn decode_v6(octets: &[u8]) -> Option<(Ipv6Net, &[u8])> {
    let (bits, from, behind) = cut(octets, 128)?;
    let address = match from.first_chunk::<16>() {
        Some(octets) => u128::from_be_bytes(*octets),
        None => {
            let mut address = [0; 16];
            address.iter_mut().zip(from).for_each(|(to, octet)| *to = *octet);
            u128::from_be_bytes(address)
        }
    };
    let mask = !u128::MAX.unbounded_shr(bits.into());
    Ipv6Net::new((address & mask).into(), bits).ok().map(|net| (net, behind))
}

/// The IPv4 prefix of the first `bits` bits of `octets`; `None`: they are not there, or too many.
pub(crate) fn v4_of_bits(bits: u8, octets: &[u8]) -> Option<IpNet> {
    let mut address = [0; 4];
    fill(bits, octets, &mut address)?;
    Ipv4Net::new(address.into(), bits).ok().map(|net| net.trunc().into())
}

/// The IPv6 prefix of the first `bits` bits of `octets`; `None`: they are not there, or too many.
pub(crate) fn v6_of_bits(bits: u8, octets: &[u8]) -> Option<IpNet> {
    let mut address = [0; 16];
    fill(bits, octets, &mut address)?;
    Ipv6Net::new(address.into(), bits).ok().map(|net| net.trunc().into())
}

fn fill(bits: u8, octets: &[u8], address: &mut [u8]) -> Option<()> {
    let len = len(bits);
    address.get_mut(..len)?.copy_from_slice(octets.get(..len)?);
    Some(())
}

/// Appends as many octets of a prefix as hold its bits.
#[cfg(feature = "alloc")]
pub(crate) fn write_bits(net: &IpNet, out: &mut alloc::vec::Vec<u8>) {
    let len = len(net.prefix_len());
    match net.network() {
        IpAddr::V4(address) => out.extend(address.octets().iter().take(len)),
        IpAddr::V6(address) => out.extend(address.octets().iter().take(len)),
    }
}

/// Octets that hold so many bits.
#[inline]
fn len(bits: u8) -> usize {
    (usize::from(bits) + 7) >> 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4271_4_3_trailing_bits_do_not_count() {
        for (octets, text, behind) in [
            (&[9, 0xff, 0xff][..], "255.128.0.0/9", 0),
            (&[0], "0.0.0.0/0", 0),
            (&[0, 1, 2, 3, 4], "0.0.0.0/0", 4),
            (&[32, 1, 2, 3, 4, 5], "1.2.3.4/32", 1),
            (&[24, 1, 2, 3], "1.2.3.0/24", 0),
        ] {
            assert_eq!(decode_v4(octets), Some((text.parse().unwrap(), &octets[octets.len() - behind..])));
        }
        assert_eq!(decode_v6(&[20, 0x20, 1, 0xff]), Some(("2001:f000::/20".parse().unwrap(), &[][..])));
        assert_eq!(decode_v6(&[0, 1]), Some(("::/0".parse().unwrap(), &[1][..])));
        let mut host = [0xff; 17];
        host[0] = 128;
        assert!(decode_v6(&host).is_some_and(|(_, behind)| behind.is_empty()));
    }

    #[test]
    fn rfc7606_5_3_too_long_or_cut_off_is_malformed() {
        for octets in [&[33, 1, 2, 3, 4, 5][..], &[24, 1, 2], &[1], &[]] {
            assert_eq!(decode_v4(octets), None);
            assert_eq!(skip(octets, 32), None);
        }
        assert_eq!(decode_v6(&[129; 20]), None);
        assert_eq!(decode_v6(&[48, 1, 2, 3, 4, 5]), None);
    }
}
