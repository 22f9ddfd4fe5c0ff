//! Builds UPDATE messages octet by octet.

use bgp_wire::{Action, AttrType, Context, Error, NotificationCode, SessionKind, UpdateView};

pub(crate) const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
pub(crate) const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1];
pub(crate) const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 2];
pub(crate) const LOCAL_PREF: &[u8] = &[0x40, 5, 4, 0, 0, 0, 100];
pub(crate) const NLRI: &[u8] = &[24, 203, 0, 113];

/// A message of these fields.
pub(crate) fn message(withdrawn: &[u8], attrs: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
    let attrs = attrs.concat();
    let len = |len: usize| u16::try_from(len).unwrap().to_be_bytes();
    let mut message = vec![0xff; 16];
    message.extend(len(23 + withdrawn.len() + attrs.len() + nlri.len()));
    message.push(2);
    message.extend(len(withdrawn.len()));
    message.extend(withdrawn);
    message.extend(len(attrs.len()));
    message.extend(attrs);
    message.extend(nlri);
    message
}

/// An attribute with a 1-octet length.
pub(crate) fn attr(flags: u8, ty: u8, value: &[u8]) -> Vec<u8> {
    let mut attr = vec![flags, ty, u8::try_from(value.len()).unwrap()];
    attr.extend(value);
    attr
}

/// A message that announces 203.0.113.0/24 with the mandatory attributes of an external peer and `more`.
pub(crate) fn announcing(more: &[u8]) -> Vec<u8> {
    message(&[], &[ORIGIN, AS_PATH, NEXT_HOP, more], NLRI)
}

/// The same from an internal peer.
pub(crate) fn internal(more: &[u8]) -> Vec<u8> {
    message(&[], &[ORIGIN, AS_PATH, NEXT_HOP, LOCAL_PREF, more], NLRI)
}

pub(crate) fn ebgp() -> Context {
    Context::new(SessionKind::Ebgp)
}

pub(crate) fn ibgp() -> Context {
    Context::new(SessionKind::Ibgp)
}

/// The treatment, and the types that are left out.
pub(crate) fn verdict(message: &[u8], ctx: &Context) -> (Action, Vec<u8>) {
    match UpdateView::decode(message, ctx) {
        Ok(update) => {
            let verdict = update.verdict();
            (verdict.action, verdict.discarded.iter().map(|ty: AttrType| ty.0).collect())
        }
        Err(_) => (Action::SessionReset, Vec::new()),
    }
}

pub(crate) fn action(message: &[u8], ctx: &Context) -> Action {
    verdict(message, ctx).0
}

/// Code, subcode and data of the NOTIFICATION.
pub(crate) fn reset(message: &[u8], ctx: &Context) -> (NotificationCode, Vec<u8>) {
    let error: Error = UpdateView::decode(message, ctx).unwrap_err();
    let notification = error.notification(message);
    (notification.code, notification.data.to_vec())
}

pub(crate) fn withdrawn(update: &UpdateView<'_>) -> Vec<String> {
    update.withdrawn().flat_map(|part| part.nlri).map(|nlri| nlri.to_string()).collect()
}

pub(crate) fn announced(update: &UpdateView<'_>) -> Vec<String> {
    update.announced().flat_map(|part| part.nlri).map(|nlri| nlri.to_string()).collect()
}
