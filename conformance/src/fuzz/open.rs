//! OPEN: decode, owned form and back, negotiation.

use bgp_wire::{
    Asn, BgpId, Context, Family, FamilySet, MAX_LEN, MessageType, Open, OpenView, Params, SessionKind, frame,
};
use bytes::BytesMut;

use super::{check_error, message};

/// The input is what follows the header of an OPEN.
///
/// # Panics
/// If an accepted OPEN breaks a rule of RFC 4271 section 6.2, its owned form says something else, or the two sides of a
/// session do not negotiate the same.
pub fn open(data: &[u8]) {
    let octets = message(MessageType::OPEN, data.get(..MAX_LEN - 19).unwrap_or(data));
    let view = match OpenView::decode(&octets) {
        Ok(view) => view,
        Err(error) => return check_error(&error, &octets, &[1, 2]),
    };
    assert!(view.version() == 4 && !matches!(view.hold_time(), 1 | 2) && view.bgp_id() != BgpId(0));
    let params = view.params();
    assert_ne!(params.asn(), Asn(0));
    let carried: usize = view.capabilities().map(|capability| 2 + capability.value.len()).sum();
    assert!(carried < octets.len());

    let owned = Open::from(view);
    // The owned form derives the 2-octet field; a peer may have put something else there.
    let derived = u16::try_from(params.asn().0).unwrap_or(23456);
    let faithful = params.my_as() == derived;
    assert!(!faithful || owned.params() == params, "{params:?} became {:?}", owned.params());
    assert_eq!(owned.params().asn(), params.asn());
    let mut encoded = BytesMut::new();
    let Ok(()) = owned.encode(&mut encoded) else {
        // Only what came in the longest of messages can become too long: parameters are joined, never split.
        return assert!(octets.len() + 4 > MAX_LEN, "an OPEN of {} octets cannot be sent", octets.len());
    };
    assert_eq!(frame(&encoded, MAX_LEN), Ok(Some((&encoded[..], &[][..]))));
    let again = OpenView::decode(&encoded).map(|again| (Open::from(again), again.params()));
    assert_eq!(again, Ok((owned.clone(), owned.params())));
    negotiation(&params);
    let _ = format!("{view:?}");
}

fn negotiation(peer: &Params) {
    let all = FamilySet::UNICAST;
    let plain = Params::new(Asn(64512), BgpId(1));
    let rich = plain
        .with_families(all.with(Family::IPV4_UNICAST))
        .with_add_path_receive(all)
        .with_add_path_send(all)
        .with_ext_next_hop(Family::IPV4_UNICAST.into())
        .with_extended_message(true)
        .with_four_octet_as(true);
    for local in [plain, rich] {
        let ours = Context::negotiate(&local, peer, SessionKind::Ebgp);
        let theirs = Context::negotiate(peer, &local, SessionKind::Ebgp);
        assert_eq!(ours.four_octet_as(), theirs.four_octet_as());
        assert_eq!(ours.families(), theirs.families());
        assert_eq!(ours.add_path_receive(), theirs.add_path_send());
        assert_eq!(ours.add_path_send(), theirs.add_path_receive());
        assert_eq!(ours.ext_next_hop(), theirs.ext_next_hop());
        assert_eq!((ours.max_receive(), ours.max_send()), (theirs.max_send(), theirs.max_receive()));
        let families = ours.families();
        assert_eq!(ours.add_path_receive().intersection(families), ours.add_path_receive());
        assert_eq!(ours.ext_next_hop().intersection(families), ours.ext_next_hop());
    }
}
