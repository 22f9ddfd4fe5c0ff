//! Parts of messages inside whole ones: what a vector file has of attributes and capabilities is judged as it would arrive.

use bgp_wire::{Action, AttrType, Context, Error, ErrorKind, FamilySet, HEADER_LEN, SessionKind, UpdateView};

/// A message of that type around a body.
pub(crate) fn message(ty: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(HEADER_LEN + body.len()).unwrap();
    [&[0xff; 16][..], &len.to_be_bytes(), &[ty], body].concat()
}

/// An UPDATE with these path attributes and `nlri`.
pub(crate) fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let len = u16::try_from(attributes.len()).unwrap();
    message(2, &[&[0, 0][..], &len.to_be_bytes(), attributes, nlri].concat())
}

/// An attribute with a length of two octets; the flags are those of its type.
pub(crate) fn attribute(ty: AttrType, value: &[u8]) -> Vec<u8> {
    let flags = match ty.0 {
        1 | 2 | 3 | 5 | 6 => 0x50,
        4 | 9 | 10 | 14 | 15 | 26 | 29 => 0x90,
        _ => 0xd0,
    };
    let len = u16::try_from(value.len()).unwrap();
    [&[flags, ty.0][..], &len.to_be_bytes(), value].concat()
}

/// All families, IPv6 next hops where there are any.
pub(crate) fn context(kind: SessionKind) -> Context {
    Context::new(kind).with_families(FamilySet::ALL).with_ext_next_hop(FamilySet::ALL)
}

/// The strongest treatment, and everything that was found.
pub(crate) fn judge(message: &[u8], ctx: &Context) -> (Action, Vec<Error>) {
    match UpdateView::decode(message, ctx) {
        Ok(view) => (view.verdict().action, view.reasons().collect()),
        Err(error) => (error.action(), vec![error]),
    }
}

/// What is found wrong with one attribute (its octets whole) in an otherwise good UPDATE.
pub(crate) fn judge_attribute(ty: AttrType, octets: &[u8], ctx: &Context) -> Option<Error> {
    let as_path: &[u8] =
        if ctx.four_octet_as() { &[0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1] } else { &[0x40, 2, 4, 2, 1, 0xfc, 1] };
    let others: [(u8, &[u8]); 4] =
        [(1, &[0x40, 1, 1, 0]), (2, as_path), (3, &[0x40, 3, 4, 192, 0, 2, 2]), (5, &[0x40, 5, 4, 0, 0, 0, 100])];
    let mut attributes: Vec<u8> =
        others.iter().filter(|(other, _)| *other != ty.0).flat_map(|(_, octets)| octets.iter().copied()).collect();
    attributes.extend(octets);
    let (_, errors) = judge(&update(&attributes, &[24, 203, 0, 113]), ctx);
    errors.into_iter().find(|error| match error.kind {
        ErrorKind::Attribute { ty: found, .. } => found == ty,
        _ => true,
    })
}
