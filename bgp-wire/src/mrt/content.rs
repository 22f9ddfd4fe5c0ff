//! What a record holds: the table of types and subtypes.

use super::peers::nothing_left;
#[cfg(feature = "alloc")]
use super::record::BGP4MP;
use super::{BgpMessage, Error, PeerIndexTable, Record, RecordType, Rib, StateChange, TableDump};
use crate::cursor::Cursor;

/// What a record holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content<'m> {
    /// A session's change of state.
    StateChange(StateChange),
    /// A message of a session.
    Message(BgpMessage<'m>),
    /// The peers of the table that follows.
    PeerIndexTable(PeerIndexTable<'m>),
    /// The routes to one prefix.
    Rib(Rib<'m>),
    /// One route, in the old form.
    TableDump(TableDump<'m>),
    /// A type or subtype that is not read: its octets are in the record.
    Unknown,
}

impl<'m> Record<'m> {
    /// What it holds. A record that is malformed does not concern its successors.
    ///
    /// # Errors
    /// What is wrong with it; messages inside are not looked at.
    pub fn content(&self) -> Result<Content<'m>, Error> {
        use RecordType as T;
        let mut cursor = Cursor::new(self.body, self.header_len());
        let ty = self.ty.plain();
        let message = |cursor: &mut Cursor<'m>, forms| BgpMessage::decode(cursor, forms).map(Content::Message);
        let content = match ty {
            T::STATE_CHANGE => StateChange::decode(&mut cursor, false).map(Content::StateChange),
            T::STATE_CHANGE_AS4 => StateChange::decode(&mut cursor, true).map(Content::StateChange),
            // AS numbers of 4 octets, sent by the collector, path identifiers.
            T::MESSAGE => message(&mut cursor, (false, false, false)),
            T::MESSAGE_AS4 => message(&mut cursor, (true, false, false)),
            T::MESSAGE_LOCAL => message(&mut cursor, (false, true, false)),
            T::MESSAGE_AS4_LOCAL => message(&mut cursor, (true, true, false)),
            T::MESSAGE_ADDPATH => message(&mut cursor, (false, false, true)),
            T::MESSAGE_AS4_ADDPATH => message(&mut cursor, (true, false, true)),
            T::MESSAGE_LOCAL_ADDPATH => message(&mut cursor, (false, true, true)),
            T::MESSAGE_AS4_LOCAL_ADDPATH => message(&mut cursor, (true, true, true)),
            T::PEER_INDEX_TABLE => PeerIndexTable::decode(&mut cursor).map(Content::PeerIndexTable),
            T::TABLE_DUMP_IPV4 => TableDump::decode(&mut cursor, false).map(Content::TableDump),
            T::TABLE_DUMP_IPV6 => TableDump::decode(&mut cursor, true).map(Content::TableDump),
            _ => match Rib::decode(&mut cursor, ty) {
                Some(rib) => rib.map(Content::Rib),
                None => return Ok(Content::Unknown),
            },
        }?;
        nothing_left(&cursor)?;
        Ok(content)
    }
}

impl Content<'_> {
    /// The type of the record that it is written as, without microseconds; `None` for what cannot be written.
    #[must_use]
    pub fn record_type(&self) -> Option<RecordType> {
        match self {
            Content::StateChange(change) => Some(change.record_type()),
            Content::Message(message) => Some(message.record_type()),
            Content::PeerIndexTable(_) => Some(RecordType::PEER_INDEX_TABLE),
            Content::Rib(rib) => rib.record_type(),
            Content::TableDump(dump) => Some(dump.record_type()),
            Content::Unknown => None,
        }
    }

    /// Appends a record with this content. A time with microseconds makes BGP4MP the extended form; the other types
    /// have none, and the microseconds are left out.
    ///
    /// # Errors
    /// See [`EncodeError`](super::EncodeError); `out` is left as it was. [`Content::Unknown`] has no octets and cannot
    /// be written: [`Record::encode`] can.
    #[cfg(feature = "alloc")]
    pub fn encode(&self, time: super::Timestamp, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        let mut body = bytes::BytesMut::new();
        match self {
            Content::StateChange(change) => change.encode(&mut body)?,
            Content::Message(message) => message.encode(&mut body)?,
            Content::PeerIndexTable(table) => table.encode(&mut body)?,
            Content::Rib(rib) => rib.encode(&mut body),
            Content::TableDump(dump) => dump.encode(&mut body)?,
            Content::Unknown => {}
        }
        let ty = self.record_type().ok_or(super::EncodeError::Unknown)?;
        let (ty, micros) = match time.micros {
            Some(micros) if ty.ty == BGP4MP => (RecordType::new(super::record::BGP4MP_ET, ty.subtype), Some(micros)),
            _ => (ty, None),
        };
        Record::new(super::Timestamp { micros, ..time }, ty, &body).encode(out)
    }
}
