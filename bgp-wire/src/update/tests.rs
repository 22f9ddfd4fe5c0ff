//! The short way through an UPDATE and the long one say the same.

use alloc::format;
use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::FamilySet;

/// Attributes, good ones and bad ones.
const ATTRIBUTES: &[&[u8]] = &[
    &[0x40, 1, 1, 0],
    &[0x40, 1, 1, 3],
    &[0x50, 1, 0, 1, 2],
    &[0x40, 2, 0],
    &[0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1],
    &[0x50, 2, 0, 6, 2, 1, 0, 0, 0xfc, 1],
    &[0x40, 2, 4, 2, 1, 0xfc, 1],
    &[0x40, 2, 6, 2, 1, 0, 0, 0, 0],
    &[0x40, 2, 6, 3, 1, 0, 0, 0xfc, 1],
    &[0x40, 2, 10, 2, 1, 0, 0, 0xfc, 1, 1, 1, 0xfc, 1],
    &[0x40, 3, 4, 192, 0, 2, 1],
    &[0x40, 3, 4, 127, 0, 0, 1],
    &[0x80, 4, 4, 0, 0, 0, 9],
    &[0x81, 4, 4, 0, 0, 0, 9],
    &[0xc0, 4, 4, 0, 0, 0, 9],
    &[0x40, 5, 4, 0, 0, 0, 100],
    &[0x40, 5, 3, 0, 0, 100],
    &[0x40, 6, 0],
    &[0xc0, 7, 8, 0, 0, 0xfc, 1, 192, 0, 2, 1],
    &[0xc0, 7, 6, 0xfc, 1, 192, 0, 2, 1],
    &[0xc0, 8, 4, 0xfc, 1, 0, 1],
    &[0xe0, 8, 8, 0xfc, 1, 0, 1, 0xfc, 1, 0, 2],
    &[0xc0, 8, 0],
    &[0xc0, 8, 5, 0, 0, 0, 0, 0],
    &[0x80, 9, 4, 10, 0, 0, 1],
    &[0x80, 10, 8, 10, 0, 0, 1, 10, 0, 0, 2],
    &[0x80, 14, 9, 0, 1, 1, 4, 192, 0, 2, 1, 0],
    &[0x80, 14, 12, 0, 1, 1, 4, 192, 0, 2, 1, 0, 16, 10, 1],
    &[0x90, 14, 0, 12, 0, 1, 1, 4, 192, 0, 2, 1, 0, 16, 10, 1],
    &[0x80, 14, 5, 0, 1, 4, 0, 0],
    &[0x80, 15, 6, 0, 1, 1, 16, 10, 1],
    &[0x80, 15, 3, 0, 2, 1],
    &[0xc0, 16, 8, 0, 2, 0, 1, 0, 0, 0, 1],
    &[0xc0, 17, 6, 2, 1, 0, 0, 0xfc, 1],
    &[0xc0, 32, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
    &[0xc0, 35, 4, 0, 0, 0xfc, 1],
    &[0xc0, 99, 2, 1, 2],
    &[0x40, 99, 0],
];

/// Fields of NLRI.
const NLRI: &[&[u8]] = &[&[], &[16, 10, 1], &[33]];

fn context() -> impl Strategy<Value = Context> {
    let kind = select(&[SessionKind::Ebgp, SessionKind::Ibgp, SessionKind::ConfedExternal][..]);
    (kind, any::<[bool; 5]>()).prop_map(|(kind, [wide, add_path, all, sets, first])| {
        let families = if all { FamilySet::ALL } else { FamilySet::UNICAST };
        Context::new(kind)
            .with_four_octet_as(wide)
            .with_families(families)
            .with_add_path_receive(if add_path { families } else { FamilySet::EMPTY })
            .with_reject_as_sets(sets)
            .with_enforce_first_as(first)
            .with_peer_as(crate::Asn(0xfc01))
    })
}

/// An UPDATE of some of the attributes, most often in ascending order, perhaps with octets changed.
fn update() -> impl Strategy<Value = Vec<u8>> {
    let parts = (vec(select(ATTRIBUTES), 0..10), 0..4, select(NLRI));
    (parts, vec((0_usize..80, any::<u8>()), 0..3)).prop_map(|((mut attributes, order, nlri), changes)| {
        if order > 0 {
            attributes.sort_by_key(|attribute| attribute[1]);
        }
        let attributes = attributes.concat();
        let mut message = [0xff; 16].to_vec();
        message.extend(to_u16(23 + attributes.len() + nlri.len()).to_be_bytes());
        message.extend([2, 0, 0]);
        message.extend(to_u16(attributes.len()).to_be_bytes());
        message.extend(attributes);
        message.extend(nlri);
        for (at, octet) in changes {
            if let Some(place) = message.get_mut(23 + at) {
                *place = octet;
            }
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_short_way_finds_what_the_long_one_finds(message in update(), ctx in context()) {
        let Ok(sections) = Sections::split(&message) else { return Ok(()) };
        let short = UpdateView::decode(&message, &ctx);
        let long = sections
            .check_prefixes(&ctx)
            .and_then(|()| judge(&message, &ctx, &sections, sections.attrs, 0, &Index::EMPTY));
        // Which way was gone is all that may differ.
        let text = |view| format!("{view:?}").replace("straight: true", "straight: false");
        prop_assert_eq!(text(short), text(long));
    }
}
