//! Checksums that were left to hardware: a peer on the same host hands packets over before anyone has made them.

/// Completes the TCP or UDP checksum of an IPv4 datagram when its field holds the sum of the pseudo-header alone, as
/// Linux leaves it for an interface with checksum offload. Gives whether it did.
///
/// ```
/// let mut ping = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// assert!(!examples::endpoint::complete_checksum(&mut ping));
/// ```
pub fn complete_checksum(datagram: &mut [u8]) -> bool {
    complete(datagram).is_some()
}

fn complete(datagram: &mut [u8]) -> Option<()> {
    let &[vi, _, _, _, _, _, f0, f1, _, protocol, _, _, ref addresses @ ..] = datagram.first_chunk::<20>()?;
    // A fragment's checksum is over octets that are not here.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return None;
    }
    let at = match protocol {
        6 => 16,
        17 => 6,
        _ => return None,
    };
    let [a, b, c, d, e, f, g, h] = *addresses;
    let payload = datagram.get_mut(usize::from(vi & 15) * 4..)?;
    let [l0, l1] = u16::try_from(payload.len()).ok()?.to_be_bytes();
    let pseudo = !ipip::checksum(&[a, b, c, d, e, f, g, h, 0, protocol, l0, l1]);
    let field = payload.get_mut(at..)?.first_chunk_mut::<2>()?;
    if u16::from_be_bytes(*field) != pseudo {
        return None;
    }
    // The field holds the sum of the pseudo-header, so that a sum over all of it is what is wanted.
    let sum = match ipip::checksum(payload) {
        0 if protocol == 17 => u16::MAX,
        sum => sum,
    };
    *payload.get_mut(at..)?.first_chunk_mut::<2>()? = sum.to_be_bytes();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_over_all(datagram: &[u8]) -> u16 {
        let payload = &datagram[20..];
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        ipip::checksum(&[&datagram[12..20], &[0, datagram[9]], &length[..], payload].concat())
    }

    fn left_to_hardware(protocol: u8, at: usize, payload: usize) -> Vec<u8> {
        let mut datagram = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        datagram.extend((0..payload).map(|number| u8::try_from(number % 251).unwrap()));
        let length = u16::try_from(payload).unwrap().to_be_bytes();
        let pseudo = !ipip::checksum(&[&datagram[12..20], &[0, protocol], &length[..]].concat());
        datagram[20 + at..22 + at].copy_from_slice(&pseudo.to_be_bytes());
        datagram
    }

    #[test]
    fn rfc9293_3_1_and_rfc768_checksums_are_completed() {
        for (protocol, at) in [(6, 16), (17, 6)] {
            for payload in [20, 21, 1460] {
                let mut datagram = left_to_hardware(protocol, at, payload);
                assert!(complete_checksum(&mut datagram));
                assert_eq!(sum_over_all(&datagram), 0);
                let complete = datagram.clone();
                assert!(!complete_checksum(&mut datagram), "a complete one stays");
                assert_eq!(datagram, complete);
            }
        }
    }

    #[test]
    fn fragments_and_wrong_checksums_stay() {
        let mut fragment = left_to_hardware(17, 6, 40);
        fragment[6] = 0x20;
        assert!(!complete_checksum(&mut fragment));
        let mut wrong = left_to_hardware(17, 6, 40);
        wrong[27] ^= 1;
        assert!(!complete_checksum(&mut wrong));
        assert!(!complete_checksum(&mut [0x45; 20]) && !complete_checksum(&mut []));
    }
}
