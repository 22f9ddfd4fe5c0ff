//! Which of two connections with one peer stays (RFC 4271 section 6.8, RFC 6286 section 2.3).

use bgp_wire::{Asn, BgpId};

/// The connection that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 4271 section 6.8: one of the two stays")]
pub enum Survivor {
    /// The connection that we dialled.
    Local,
    /// The connection that the peer dialled.
    Remote,
}

/// Decides which connection stays, from the BGP Identifier and AS number of both sides: the one that was dialled by the
/// side with the higher identifier, and if they are equal, by the side with the higher AS number.
///
/// Both sides come to the same answer. Only where both numbers are equal there is none (such a peer is refused with 2/3);
/// the peer's connection stays then.
///
/// ```
/// use bgp_fsm::{Survivor, resolve};
/// use bgp_wire::{Asn, BgpId};
/// let (ours, theirs) = ((BgpId(0x0a00_0001), Asn(64512)), (BgpId(0xc000_0001), Asn(64513)));
/// assert_eq!(resolve(ours, theirs), Survivor::Remote);
/// assert_eq!(resolve(theirs, ours), Survivor::Local);
/// ```
#[must_use]
pub fn resolve(local: (BgpId, Asn), peer: (BgpId, Asn)) -> Survivor {
    // Tuples compare the identifier first; both are unsigned numbers in host order.
    if local > peer { Survivor::Local } else { Survivor::Remote }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that `resolve` can tell apart is how identifiers and AS numbers compare, as unsigned numbers: the numbers at both
    /// ends and around the sign bit of each width, in every combination, have all of it.
    #[test]
    fn rfc4271_6_8_both_sides_keep_the_same_connection_whatever_the_order_of_their_numbers() {
        let ids = [1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX - 1, u32::MAX];
        let asns = [1, 2, 23456, 0x7fff, 0x8000, 65535, 65536, 0x7fff_ffff, 0x8000_0000, u32::MAX];
        let sides: alloc::vec::Vec<_> =
            ids.iter().flat_map(|id| asns.iter().map(|asn| (BgpId(*id), Asn(*asn)))).collect();
        let mut pairs = 0;
        for a in &sides {
            for b in &sides {
                let (ours, theirs) = (resolve(*a, *b), resolve(*b, *a));
                let wins = if a.0 == b.0 { a.1 > b.1 } else { a.0 > b.0 };
                assert_eq!(ours == Survivor::Local, wins, "{a:?} {b:?}");
                // Equal sides are refused with 2/3 before it comes to this.
                assert_eq!(ours == theirs, a == b, "{a:?} {b:?}");
                pairs += 1;
            }
        }
        assert_eq!(pairs, 4900);
    }

    proptest! {
        #[test]
        fn rfc4271_6_8_both_sides_keep_the_same_connection(a in any::<(u32, u32)>(), b in any::<(u32, u32)>(), same in any::<bool>()) {
            let side = |(id, asn)| (BgpId(id), Asn(asn));
            let (a, b) = (side(a), (if same { BgpId(a.0) } else { BgpId(b.0) }, Asn(b.1)));
            prop_assume!(a != b);
            prop_assert_ne!(resolve(a, b), resolve(b, a));
        }
    }

    #[test]
    fn rfc4271_6_8_identifiers_are_unsigned() {
        assert_eq!(resolve((BgpId(0x8000_0000), Asn(1)), (BgpId(0x7fff_ffff), Asn(2))), Survivor::Local);
    }

    #[test]
    fn rfc6286_2_3_equal_identifiers_leave_it_to_the_as_number() {
        assert_eq!(resolve((BgpId(7), Asn(4_200_000_000)), (BgpId(7), Asn(2))), Survivor::Local);
        assert_eq!(resolve((BgpId(7), Asn(1)), (BgpId(7), Asn(2))), Survivor::Remote);
    }
}
