//! NLRI of every family: octets, text, key, and through the packer into messages and back.

use bgp_wire::attr::{AttrBuilder, NextHop};
use bgp_wire::nlri::{NlriBuf, NlriRef, PathNlri, TypedNlri};
use bgp_wire::{Asn, Context, Family, FamilySet, PackError, Packer, PathId, UpdateView, frame};
use bytes::BytesMut;

use super::{Input, context};

/// The first octet chooses the context, the second the family, the rest is NLRI with the length of each in front.
///
/// # Panics
/// If the text or the octets of a route are not read back, its key is no fixpoint, or routes get lost on their way
/// through messages.
pub fn nlri(data: &[u8]) {
    let mut input = Input(data);
    let context = context(input.u8()).with_families(FamilySet::ALL).with_multiple_labels(FamilySet::ALL);
    let Some(family) = Family::NAMED.get(usize::from(input.u8()) % Family::NAMED.len()).copied() else { return };
    let mut routes = Vec::new();
    while !input.is_empty() {
        let len = usize::from(input.u8());
        routes.extend(NlriBuf::decode(family, input.take(len)));
    }
    routes.iter().for_each(check);
    for add_path in [false, true] {
        let set = if add_path { FamilySet::from(family) } else { FamilySet::EMPTY };
        through_messages(&context.with_add_path_send(set).with_add_path_receive(set), family, &routes);
    }
}

fn check(route: &NlriBuf) {
    let text = route.to_string();
    assert_eq!(text.parse::<NlriBuf>().as_ref(), Ok(route), "{text}");
    assert_eq!(NlriBuf::from(route.as_ref()), *route);
    let key = key(&route.as_ref());
    let Some(withdrawal) = TypedNlri::from_key(route.family(), &key) else { unreachable!("{text}: {key:x?}") };
    assert_eq!(self::key(&withdrawal), key, "{text}");
    assert_eq!(NlriBuf::from(withdrawal).to_string().parse(), Ok(NlriBuf::from(withdrawal)));
}

fn key(nlri: &TypedNlri<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    nlri.write_key(&mut key);
    key
}

fn through_messages(context: &Context, family: Family, routes: &[NlriBuf]) {
    let add_path = context.add_path_send().contains(family);
    let paths: Vec<_> = (0..)
        .zip(routes)
        .map(|(number, route)| PathNlri { path_id: add_path.then_some(PathId(number)), nlri: route.as_ref().into() })
        .collect();
    let expected = sorted(paths.iter().filter_map(of_path).collect());
    let builder = AttrBuilder::new().as_path(&[Asn(64513)]);
    let builder = if context.kind().has_local_pref() { builder.local_pref(100) } else { builder };
    let Ok(block) = builder.build() else { return };
    let next_hop = if family.afi.0 == 2 { "2001:db8::1".parse() } else { "192.0.2.1".parse() };
    let Ok(next_hop): Result<NextHop, _> = next_hop else { return };
    let mut packer = Packer::new(context);
    let mut out = BytesMut::new();
    let announced = packer.announce(&mut out, &block, next_hop, family, paths.iter().copied());
    // Routes that mean nothing arrive withdrawn, with their octets still.
    compare(announced, &out, context, &expected);
    out.clear();
    let withdrawn = packer.withdraw(&mut out, family, paths.iter().copied());
    compare(withdrawn, &out, context, &expected);
}

fn compare(packed: Result<usize, PackError>, octets: &[u8], context: &Context, expected: &[Route]) {
    match packed {
        Ok(messages) => assert_eq!(sorted(read(octets, messages, context)), expected),
        Err(error) => unreachable!("routes of at most 255 octets do not fit: {error}"),
    }
}

/// Path identifier and key of a route.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route(Option<PathId>, Vec<u8>);

fn of_path(path: &PathNlri<'_>) -> Option<Route> {
    match &path.nlri {
        NlriRef::Typed(nlri) => Some(Route(path.path_id, key(nlri))),
        _ => None,
    }
}

/// The routes of messages, announced or withdrawn.
fn read(mut octets: &[u8], messages: usize, context: &Context) -> Vec<Route> {
    let (mut found, mut count) = (Vec::new(), 0);
    while !octets.is_empty() {
        let Ok(Some((message, rest))) = frame(octets, usize::from(context.max_send())) else {
            unreachable!("not framed: {octets:?}")
        };
        (octets, count) = (rest, count + 1);
        let view = match UpdateView::decode(message, context) {
            Ok(view) => view,
            Err(error) => unreachable!("sent what cannot be read: {error}"),
        };
        let nlri = view.announced().map(|part| part.nlri).chain(view.withdrawn().map(|part| part.nlri));
        found.extend(nlri.flatten().filter_map(|path| of_path(&path)));
    }
    assert_eq!(count, messages);
    found
}

fn sorted(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort();
    routes
}
