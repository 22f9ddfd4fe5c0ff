//! NOTIFICATION: decode, encode, what is inside.

use bgp_wire::{MAX_LEN, MessageType, Notification, NotificationBuf, frame};
use bytes::BytesMut;

use super::{check_error, message};

/// The input is what follows the header of a NOTIFICATION.
///
/// # Panics
/// If octets that were read are not written again, a limit is not kept, or a hard reset does not hold what was put in.
pub fn notification(data: &[u8]) {
    let octets = message(MessageType::NOTIFICATION, data.get(..MAX_LEN - 19).unwrap_or(data));
    let view = match Notification::decode(&octets) {
        Ok(view) => view,
        Err(error) => return check_error(&error, &octets, &[1]),
    };
    let mut encoded = BytesMut::new();
    view.encode(&mut encoded);
    assert_eq!(encoded, octets);
    assert_eq!(NotificationBuf::from(view).view(), view);
    assert!(!view.to_string().is_empty());

    for limit in [21, 22, 64, MAX_LEN] {
        let mut cut = BytesMut::new();
        view.encode_up_to(limit, &mut cut);
        assert!(cut.len() <= limit && cut.len() <= octets.len());
        let Ok(Some((whole, []))) = frame(&cut, MAX_LEN) else { unreachable!("not one message: {cut:?}") };
        assert_eq!(Notification::decode(whole).map(|cut| cut.code), Ok(view.code));
    }
    if let Some(inner) = view.inner() {
        assert_eq!(NotificationBuf::hard_reset(inner).view(), view);
        // One layer is looked into, not a reset inside of a reset.
        return assert!(inner.inner().is_some() || view.communication() == inner.communication());
    }
    if let Some(text) = view.communication() {
        let again = NotificationBuf::with_communication(view.code, text);
        assert_eq!(again.view().communication(), Some(text));
    }
    if let Some((family, limit)) = view.prefix_limit() {
        assert!(view.data.starts_with(&Notification::prefix_limit_data(family, limit)));
    }
}
