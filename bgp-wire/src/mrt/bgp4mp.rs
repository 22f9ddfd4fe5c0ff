//! BGP4MP: state changes and messages of sessions (RFC 6396 section 4.4, RFC 8050 section 3).

use core::net::IpAddr;

use super::error::ends;
use super::{Error, ErrorKind, Part, RecordType};
use crate::cursor::Cursor;
use crate::registry::numbers;
use crate::{
    Afi, Asn, Context, ErrorKind as MessageErrorKind, FamilySet, Message, MessageType, SessionKind, frame, message_type,
};

numbers! {
    /// The state of a session (RFC 6396 section 4.4.1), the numbers of RFC 4271 section 8.2.2.
    pub struct PeerState(u16) "state of a session" {
        1 => IDLE "idle",
        2 => CONNECT "connect",
        3 => ACTIVE "active",
        4 => OPEN_SENT "open-sent",
        5 => OPEN_CONFIRM "open-confirm",
        6 => ESTABLISHED "established",
    }
}

/// The two speakers of a session: peer AS and local AS (2 or 4 octets each), interface index (2), address family (2),
/// peer's and local address (4 or 16 each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.4 has these fields")]
pub struct Session {
    /// The peer's AS number.
    pub peer_as: Asn,
    /// The collector's AS number.
    pub local_as: Asn,
    /// The index of the collector's interface; 0 where it is not known.
    pub interface: u16,
    /// The peer's address.
    pub peer_addr: IpAddr,
    /// The collector's address, of the same family.
    pub local_addr: IpAddr,
}

impl Session {
    fn decode(cursor: &mut Cursor<'_>, four_octet_as: bool) -> Result<Session, Error> {
        let short = |cursor: &Cursor<'_>| ends(Part::Session, cursor);
        let peer_as = cursor.asn(four_octet_as).ok_or_else(|| short(cursor))?;
        let local_as = cursor.asn(four_octet_as).ok_or_else(|| short(cursor))?;
        let interface = cursor.u16().ok_or_else(|| short(cursor))?;
        let at = cursor.at();
        let v6 = match cursor.u16().ok_or_else(|| short(cursor))? {
            1 => false,
            2 => true,
            afi => return Err(Error::new(ErrorKind::Afi { afi: Afi(afi) }, at)),
        };
        let peer_addr = cursor.addr(v6).ok_or_else(|| short(cursor))?;
        let local_addr = cursor.addr(v6).ok_or_else(|| short(cursor))?;
        Ok(Session { peer_as, local_as, interface, peer_addr, local_addr })
    }

    #[cfg(feature = "alloc")]
    fn encode(&self, four_octet_as: bool, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        if self.peer_addr.is_ipv6() != self.local_addr.is_ipv6() {
            return Err(super::EncodeError::Addresses);
        }
        for asn in [self.peer_as, self.local_as] {
            super::peers::put_asn(asn, four_octet_as, out)?;
        }
        out.extend_from_slice(&self.interface.to_be_bytes());
        out.extend_from_slice(&(if self.peer_addr.is_ipv6() { Afi::IPV6 } else { Afi::IPV4 }).0.to_be_bytes());
        crate::cursor::put_addr(out, self.peer_addr);
        crate::cursor::put_addr(out, self.local_addr);
        Ok(())
    }

    /// eBGP or iBGP, by the two AS numbers; confederations are not told by a record.
    #[must_use]
    pub fn kind(&self) -> SessionKind {
        if self.peer_as == self.local_as { SessionKind::Ibgp } else { SessionKind::Ebgp }
    }
}

/// A session went from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.4.1 has these fields")]
pub struct StateChange {
    /// The session.
    pub session: Session,
    /// Whether the record has AS numbers of 4 octets.
    pub four_octet_as: bool,
    /// The state before.
    pub old: PeerState,
    /// The state from now on.
    pub new: PeerState,
}

impl StateChange {
    pub(super) fn decode(cursor: &mut Cursor<'_>, four_octet_as: bool) -> Result<StateChange, Error> {
        let session = Session::decode(cursor, four_octet_as)?;
        let old = cursor.u16().map(PeerState).ok_or_else(|| ends(Part::States, cursor))?;
        let new = cursor.u16().map(PeerState).ok_or_else(|| ends(Part::States, cursor))?;
        Ok(StateChange { session, four_octet_as, old, new })
    }

    pub(super) fn record_type(&self) -> RecordType {
        if self.four_octet_as { RecordType::STATE_CHANGE_AS4 } else { RecordType::STATE_CHANGE }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        self.session.encode(self.four_octet_as, out)?;
        out.extend_from_slice(&self.old.0.to_be_bytes());
        out.extend_from_slice(&self.new.0.to_be_bytes());
        Ok(())
    }
}

/// A BGP message that was received, or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.4.2 and RFC 8050 section 3 have these fields")]
pub struct BgpMessage<'m> {
    /// The session.
    pub session: Session,
    /// Whether the record, and the message in it, have AS numbers of 4 octets.
    pub four_octet_as: bool,
    /// Whether the collector sent it (the `LOCAL` forms).
    pub local: bool,
    /// Whether its NLRI have path identifiers (the `ADDPATH` forms).
    pub add_path: bool,
    /// The message, header included, as it stands there.
    pub message: &'m [u8],
}

impl<'m> BgpMessage<'m> {
    pub(super) fn decode(
        cursor: &mut Cursor<'m>,
        (four_octet_as, local, add_path): (bool, bool, bool),
    ) -> Result<BgpMessage<'m>, Error> {
        let session = Session::decode(cursor, four_octet_as)?;
        let message = cursor.rest();
        cursor.take(message.len());
        Ok(BgpMessage { session, four_octet_as, local, add_path, message })
    }

    pub(super) fn record_type(&self) -> RecordType {
        match (self.four_octet_as, self.local, self.add_path) {
            (false, false, false) => RecordType::MESSAGE,
            (true, false, false) => RecordType::MESSAGE_AS4,
            (false, true, false) => RecordType::MESSAGE_LOCAL,
            (true, true, false) => RecordType::MESSAGE_AS4_LOCAL,
            (false, false, true) => RecordType::MESSAGE_ADDPATH,
            (true, false, true) => RecordType::MESSAGE_AS4_ADDPATH,
            (false, true, true) => RecordType::MESSAGE_LOCAL_ADDPATH,
            (true, true, true) => RecordType::MESSAGE_AS4_LOCAL_ADDPATH,
        }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        self.session.encode(self.four_octet_as, out)?;
        out.extend_from_slice(self.message);
        Ok(())
    }

    /// What the record says of the session: size of AS numbers, path identifiers in every family or none, eBGP or iBGP.
    /// All families, next hops and label stacks are taken, for a record does not tell what was negotiated.
    ///
    /// ```
    /// use bgp_wire::mrt::{BgpMessage, Session};
    /// use bgp_wire::{Asn, KEEPALIVE, Message, SessionKind};
    /// let session = Session {
    ///     peer_as: Asn(64513),
    ///     local_as: Asn(64512),
    ///     interface: 0,
    ///     peer_addr: "192.0.2.1".parse()?,
    ///     local_addr: "192.0.2.2".parse()?,
    /// };
    /// let message =
    ///     BgpMessage { session, four_octet_as: false, local: false, add_path: false, message: &KEEPALIVE };
    /// let context = message.context();
    /// assert_eq!((context.kind(), context.four_octet_as()), (SessionKind::Ebgp, false));
    /// assert!(matches!(message.decode_message(&context)?, Message::Keepalive));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn context(&self) -> Context {
        let families = FamilySet::ALL;
        let path_ids = if self.add_path { families } else { FamilySet::EMPTY };
        Context::new(self.session.kind())
            .with_four_octet_as(self.four_octet_as)
            .with_families(families)
            .with_add_path_receive(path_ids)
            .with_add_path_send(path_ids)
            .with_ext_next_hop(families)
            .with_multiple_labels(families)
            .with_max_receive(u16::MAX)
            .with_max_send(u16::MAX)
            .with_peer_as(self.session.peer_as)
            .with_local_as(self.session.local_as)
    }

    /// The message, decoded with a context: the record's own [`context`](Self::context), or that with a change.
    ///
    /// # Errors
    /// What is wrong with the message, header and length included. Offsets count from its first octet.
    pub fn decode_message(&self, context: &Context) -> Result<Message<'m>, crate::Error> {
        match frame(self.message, usize::from(context.max_receive()))? {
            Some((message, [])) => Message::decode(message, context),
            _ => {
                let ty = message_type(self.message).unwrap_or(MessageType::UPDATE);
                Err(crate::Error::new(MessageErrorKind::NotFramed { ty }, 0))
            }
        }
    }
}
