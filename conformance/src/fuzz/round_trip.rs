//! An UPDATE through its owned form and back into octets.

use std::collections::BTreeSet;

use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{Action, Context, MessageType, PackError, Update, UpdateView, frame};
use bytes::BytesMut;

use super::{context, message};

/// The first octet chooses the context, the rest is what follows the header of an UPDATE.
///
/// # Panics
/// If what is sent again is not one or more whole messages with the routes, next hops and attributes of the first.
pub fn round_trip(data: &[u8]) {
    let Some((bits, body)) = data.split_first() else { return };
    let context = context(*bits);
    let body = body.get(..usize::from(context.max_receive()) - 19).unwrap_or(body);
    let octets = message(MessageType::UPDATE, body);
    let Ok(view) = UpdateView::decode(&octets, &context) else { return };
    if view.verdict().action >= Action::TreatAsWithdraw {
        return;
    }
    let owned = Update::from(&view);
    let mut encoded = BytesMut::new();
    match owned.encode(&context, &mut encoded) {
        Ok(messages) => check(&owned, &encoded, messages, &context),
        // AS4_PATH, MP_REACH_NLRI and merged AS numbers can need more room than there was.
        Err(PackError::TooLong { .. }) => assert!(encoded.is_empty()),
        Err(error) => unreachable!("cannot be sent again: {error}: {owned:?}"),
    }
}

fn check(owned: &Update, encoded: &[u8], messages: usize, context: &Context) {
    let limit = usize::from(context.max_send());
    let (mut rest, mut count) = (encoded, 0);
    let (mut announced, mut withdrawn) = (BTreeSet::new(), BTreeSet::new());
    while !rest.is_empty() {
        let Ok(Some((message, behind))) = frame(rest, limit) else { unreachable!("not framed: {rest:?}") };
        (rest, count) = (behind, count + 1);
        let view = match UpdateView::decode(message, context) {
            Ok(view) => view,
            Err(error) => unreachable!("sent what cannot be read: {error}"),
        };
        assert_eq!(view.verdict().action, Action::Accept, "{:?}", view.reasons().collect::<Vec<_>>());
        let part = Update::from(&view);
        if !part.announced().is_empty() {
            assert_eq!(part.canonical(), owned.canonical());
        }
        collect(&part, &mut announced, &mut withdrawn);
    }
    assert_eq!(count, messages);
    let (mut all_announced, mut all_withdrawn) = (BTreeSet::new(), BTreeSet::new());
    collect(owned, &mut all_announced, &mut all_withdrawn);
    assert_eq!(announced, all_announced);
    assert_eq!(withdrawn, all_withdrawn);
}

fn collect(update: &Update, announced: &mut BTreeSet<String>, withdrawn: &mut BTreeSet<String>) {
    for part in update.announced() {
        for nlri in &part.nlri {
            announced.insert(format!("{} {} {nlri:?}", part.family, part.next_hop));
        }
    }
    for part in update.withdrawn() {
        for nlri in &part.nlri {
            withdrawn.insert(format!("{} {}", part.family, identity(&nlri.as_ref())));
        }
    }
}

/// What a withdrawal says: it carries what identifies a route and nothing else.
fn identity(path: &PathNlri<'_>) -> String {
    let NlriRef::Typed(nlri) = &path.nlri else { return path.to_string() };
    let mut key = Vec::new();
    nlri.write_key(&mut key);
    format!("{:?} {key:x?}", path.path_id)
}
