//! What a message says: the table of types.

use super::error::ends;
use super::{Error, ErrorKind, Frame, HEADER_LEN, MessageType, Part, PeerDown, PeerHeader, PeerUp, Statistics, Tlvs};
use crate::cursor::Cursor;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Message<'m> {
    /// Routes of a table.
    RouteMonitoring(RouteMonitoring<'m>),
    /// Numbers about a peer.
    StatisticsReport(StatisticsReport<'m>),
    /// A session ended.
    PeerDown(PeerDown<'m>),
    /// A session is Established.
    PeerUp(PeerUp<'m>),
    /// The first message: who the router is, of [`InformationType`](super::InformationType)s.
    Initiation(Tlvs<'m>),
    /// The last message: why it is, of [`TerminationType`](super::TerminationType)s.
    Termination(Tlvs<'m>),
    /// Messages of a peer as they came.
    RouteMirroring(RouteMirroring<'m>),
    /// Another type.
    Unknown(Frame<'m>),
}

/// Route Monitoring: per-peer header, UPDATE (RFC 7854 section 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.6 has these fields")]
pub struct RouteMonitoring<'m> {
    /// Whose routes.
    pub peer: PeerHeader,
    /// The UPDATE, a whole message as it stands there; [`PeerUp::context`] says how to read it.
    pub update: &'m [u8],
}

/// Statistics Report: per-peer header, number of statistics (4 octets), statistics (RFC 7854 section 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.8 has these fields")]
pub struct StatisticsReport<'m> {
    /// Whose numbers.
    pub peer: PeerHeader,
    /// The numbers.
    pub statistics: Statistics<'m>,
}

/// Route Mirroring: per-peer header, values of [`MirroringType`](super::MirroringType)s in the order of what happened
/// (RFC 7854 section 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.7 has these fields")]
pub struct RouteMirroring<'m> {
    /// Whose messages.
    pub peer: PeerHeader,
    /// The messages, and what is to be said about them.
    pub mirrored: Tlvs<'m>,
}

impl<'m> Frame<'m> {
    /// What it says. A message that is malformed does not concern its successors.
    ///
    /// # Errors
    /// What is wrong with it; BGP messages inside are not looked at, but for the headers of the OPENs in a Peer Up.
    pub fn message(&self) -> Result<Message<'m>, Error> {
        let mut cursor = Cursor::new(self.body, HEADER_LEN);
        let peer = |cursor: &mut Cursor<'_>| PeerHeader::decode(cursor);
        let message = match self.ty {
            MessageType::ROUTE_MONITORING => {
                let peer = peer(&mut cursor)?;
                let update = cursor.rest();
                cursor.take(update.len());
                Message::RouteMonitoring(RouteMonitoring { peer, update })
            }
            MessageType::STATISTICS_REPORT => {
                let peer = peer(&mut cursor)?;
                let at = cursor.at();
                let count = cursor.u32().ok_or_else(|| ends(Part::Count, &cursor))?;
                let statistics = Statistics::of(Tlvs::decode(&mut cursor)?);
                let present = u32::try_from(statistics.count()).unwrap_or(u32::MAX);
                if present != count {
                    return Err(Error::new(ErrorKind::Count { count, present }, at));
                }
                Message::StatisticsReport(StatisticsReport { peer, statistics })
            }
            MessageType::PEER_DOWN => {
                let peer = peer(&mut cursor)?;
                Message::PeerDown(PeerDown::decode(peer, &mut cursor)?)
            }
            MessageType::PEER_UP => {
                let peer = peer(&mut cursor)?;
                Message::PeerUp(PeerUp::decode(peer, &mut cursor)?)
            }
            MessageType::INITIATION => Message::Initiation(Tlvs::decode(&mut cursor)?),
            MessageType::TERMINATION => Message::Termination(Tlvs::decode(&mut cursor)?),
            MessageType::ROUTE_MIRRORING => {
                let peer = peer(&mut cursor)?;
                Message::RouteMirroring(RouteMirroring { peer, mirrored: Tlvs::decode(&mut cursor)? })
            }
            _ => return Ok(Message::Unknown(*self)),
        };
        match cursor.rest().len() {
            0 => Ok(message),
            left => {
                let left = u32::try_from(left).unwrap_or(u32::MAX);
                Err(Error::new(ErrorKind::LeftOver { left }, cursor.at()))
            }
        }
    }
}

impl Message<'_> {
    /// The type.
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        match self {
            Message::RouteMonitoring(_) => MessageType::ROUTE_MONITORING,
            Message::StatisticsReport(_) => MessageType::STATISTICS_REPORT,
            Message::PeerDown(_) => MessageType::PEER_DOWN,
            Message::PeerUp(_) => MessageType::PEER_UP,
            Message::Initiation(_) => MessageType::INITIATION,
            Message::Termination(_) => MessageType::TERMINATION,
            Message::RouteMirroring(_) => MessageType::ROUTE_MIRRORING,
            Message::Unknown(frame) => frame.ty,
        }
    }

    /// The per-peer header, where there is one.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerHeader> {
        match self {
            Message::RouteMonitoring(message) => Some(&message.peer),
            Message::StatisticsReport(message) => Some(&message.peer),
            Message::PeerDown(message) => Some(&message.peer),
            Message::PeerUp(message) => Some(&message.peer),
            Message::RouteMirroring(message) => Some(&message.peer),
            Message::Initiation(_) | Message::Termination(_) | Message::Unknown(_) => None,
        }
    }

    /// Appends the message.
    ///
    /// ```
    /// use bgp_wire::bmp::{self, Message, PeerDown, PeerHeader, Reason};
    /// use bgp_wire::{Asn, BgpId};
    /// let peer = PeerHeader::new("192.0.2.1".parse()?, Asn(64513), BgpId(1));
    /// let message = Message::PeerDown(PeerDown { peer, reason: Reason::Remote });
    /// let mut out = bytes::BytesMut::new();
    /// message.encode(&mut out)?;
    /// let (frame, _) = bmp::frame(&out, bmp::DEFAULT_LIMIT)?.ok_or("a whole message")?;
    /// assert_eq!(frame.message()?, message);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// See [`EncodeError`](super::EncodeError); `out` is left as it was.
    #[cfg(feature = "alloc")]
    pub fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        let start = out.len();
        out.extend_from_slice(&[super::VERSION, 0, 0, 0, 0, self.message_type().0]);
        let result = self.encode_body(out).and_then(|()| {
            let length = out.len() - start;
            let field = u32::try_from(length).map_err(|_| super::EncodeError::TooLong { length })?;
            if let Some(place) = out.get_mut(start + 1..).and_then(|octets| octets.first_chunk_mut()) {
                *place = field.to_be_bytes();
            }
            Ok(())
        });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    #[cfg(feature = "alloc")]
    fn encode_body(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        if !matches!(self, Message::PeerUp(_) | Message::PeerDown(_))
            && let Some(peer) = self.peer()
        {
            peer.encode(out);
        }
        match self {
            Message::RouteMonitoring(message) => out.extend_from_slice(message.update),
            Message::StatisticsReport(message) => {
                let count = u32::try_from(message.statistics.count()).unwrap_or(u32::MAX);
                out.extend_from_slice(&count.to_be_bytes());
                out.extend_from_slice(message.statistics.as_bytes());
            }
            Message::PeerDown(message) => message.encode(out),
            Message::PeerUp(message) => message.encode(out)?,
            Message::Initiation(tlvs) | Message::Termination(tlvs) => out.extend_from_slice(tlvs.as_bytes()),
            Message::RouteMirroring(message) => out.extend_from_slice(message.mirrored.as_bytes()),
            Message::Unknown(frame) => out.extend_from_slice(frame.body),
        }
        Ok(())
    }
}
