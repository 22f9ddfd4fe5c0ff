//! Peer Down: a session ended, and why (RFC 7854 section 4.9, RFC 9069 section 5.3).

use super::error::ends;
use super::{Error, Part, PeerHeader, Tlvs};
use crate::cursor::Cursor;

/// Peer Down: per-peer header, reason (1 octet), what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.9 has these fields")]
pub struct PeerDown<'m> {
    /// Whose session.
    pub peer: PeerHeader,
    /// Why it ended.
    pub reason: Reason<'m>,
}

/// Why a session ended, or is not monitored any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason<'m> {
    /// 1: the router ended it, with this NOTIFICATION (a whole message).
    LocalNotification(&'m [u8]),
    /// 2: the router ended it without one, upon this event of RFC 4271 section 8.1; 0 if none is known.
    LocalEvent(u16),
    /// 3: the peer ended it, with this NOTIFICATION (a whole message).
    RemoteNotification(&'m [u8]),
    /// 4: the peer ended it without one.
    Remote,
    /// 5: the router does not tell of it any more.
    NotMonitored,
    /// 6: the router ended the instance of this table; its name is among the information (RFC 9069).
    LocalSystemClosed(Tlvs<'m>),
    /// Another one.
    Unknown {
        /// Its number.
        reason: u8,
        /// What follows it.
        data: &'m [u8],
    },
}

impl<'m> PeerDown<'m> {
    pub(super) fn decode(peer: PeerHeader, cursor: &mut Cursor<'m>) -> Result<PeerDown<'m>, Error> {
        let reason = match cursor.u8().ok_or_else(|| ends(Part::Reason, cursor))? {
            1 => Reason::LocalNotification(rest(cursor)),
            2 => Reason::LocalEvent(cursor.u16().ok_or_else(|| ends(Part::Reason, cursor))?),
            3 => Reason::RemoteNotification(rest(cursor)),
            4 => Reason::Remote,
            5 => Reason::NotMonitored,
            6 => Reason::LocalSystemClosed(Tlvs::decode(cursor)?),
            reason => Reason::Unknown { reason, data: rest(cursor) },
        };
        Ok(PeerDown { peer, reason })
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) {
        self.peer.encode(out);
        let event;
        let (reason, data) = match self.reason {
            Reason::LocalNotification(message) => (1, message),
            Reason::LocalEvent(number) => {
                event = number.to_be_bytes();
                (2, &event[..])
            }
            Reason::RemoteNotification(message) => (3, message),
            Reason::Remote => (4, &[][..]),
            Reason::NotMonitored => (5, &[][..]),
            Reason::LocalSystemClosed(information) => (6, information.as_bytes()),
            Reason::Unknown { reason, data } => (reason, data),
        };
        out.extend_from_slice(&[reason]);
        out.extend_from_slice(data);
    }
}

fn rest<'m>(cursor: &mut Cursor<'m>) -> &'m [u8] {
    let rest = cursor.rest();
    cursor.take(rest.len());
    rest
}
