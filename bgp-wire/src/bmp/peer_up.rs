//! Peer Up: a session is Established, and with which OPENs (RFC 7854 section 4.10).

use core::net::IpAddr;

use super::error::ends;
use super::peer::address;
use super::{Error, ErrorKind, Part, PeerFlags, PeerHeader, PeerType, Tlvs, View};
use crate::cursor::Cursor;
use crate::{Context, MAX_LEN_EXTENDED, OpenView, SessionKind};

/// Peer Up: per-peer header, local address (16 octets), local port (2), remote port (2), OPEN that was sent, OPEN that
/// was received, information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.10 has these fields")]
pub struct PeerUp<'m> {
    /// Whose session.
    pub peer: PeerHeader,
    /// The field of the router's own address; [`local_addr`](Self::local_addr) reads it.
    pub local_address: [u8; 16],
    /// The router's own port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// The OPEN that the router sent, a whole message.
    pub sent: &'m [u8],
    /// The OPEN that it received, a whole message.
    pub received: &'m [u8],
    /// More about the session, of [`InformationType`](super::InformationType)s.
    pub information: Tlvs<'m>,
}

impl<'m> PeerUp<'m> {
    /// The router's own address.
    #[must_use]
    pub fn local_addr(&self) -> IpAddr {
        let ipv6 = self.peer.ty != PeerType::LOC_RIB && self.peer.flags.contains(PeerFlags::IPV6);
        address(self.local_address, ipv6)
    }

    /// The context in which UPDATEs behind a per-peer header of this session are read: what the two OPENs agree on, in
    /// the direction of the header's table, AS numbers of the size that the header says. Messages of any size are
    /// taken.
    ///
    /// eBGP and iBGP are told by the AS numbers of the OPENs; confederations are not.
    ///
    /// ```
    /// use bgp_wire::bmp::{PeerHeader, PeerUp, Tlvs};
    /// use bgp_wire::{Asn, BgpId, Open, SessionKind};
    /// use bytes::BytesMut;
    ///
    /// let (mut sent, mut received) = (BytesMut::new(), BytesMut::new());
    /// Open::new(Asn(64512), 90, BgpId(1)).encode(&mut sent)?;
    /// Open::new(Asn(64513), 90, BgpId(2)).encode(&mut received)?;
    /// let peer = PeerHeader::new("192.0.2.1".parse()?, Asn(64513), BgpId(2));
    /// let information = Tlvs::new(&[])?;
    /// let (local_address, local_port, remote_port) = ([0; 16], 179, 40000);
    /// let up = PeerUp { peer, local_address, local_port, remote_port, sent: &sent, received: &received, information };
    /// assert_eq!(up.context(&peer)?.kind(), SessionKind::Ebgp);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If an OPEN is malformed.
    pub fn context(&self, header: &PeerHeader) -> Result<Context, crate::Error> {
        let (sent, received) = (OpenView::decode(self.sent)?.params(), OpenView::decode(self.received)?.params());
        let kind = if sent.asn() == received.asn() { SessionKind::Ibgp } else { SessionKind::Ebgp };
        let context = match header.view() {
            // What the router sent is read with the eyes of the peer.
            View::AdjRibOutPre | View::AdjRibOutPost => Context::negotiate(&received, &sent, kind),
            _ => Context::negotiate(&sent, &received, kind),
        };
        Ok(context.with_four_octet_as(header.four_octet_as()).with_max_receive(u16::MAX).with_max_send(u16::MAX))
    }

    pub(super) fn decode(peer: PeerHeader, cursor: &mut Cursor<'m>) -> Result<PeerUp<'m>, Error> {
        let short = |cursor: &Cursor<'_>| ends(Part::Connection, cursor);
        let local_address = cursor.array().ok_or_else(|| short(cursor))?;
        let local_port = cursor.u16().ok_or_else(|| short(cursor))?;
        let remote_port = cursor.u16().ok_or_else(|| short(cursor))?;
        let (sent, received) = (bgp_message(cursor)?, bgp_message(cursor)?);
        let information = Tlvs::decode(cursor)?;
        Ok(PeerUp { peer, local_address, local_port, remote_port, sent, received, information })
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        self.peer.encode(out);
        out.extend_from_slice(&self.local_address);
        out.extend_from_slice(&self.local_port.to_be_bytes());
        out.extend_from_slice(&self.remote_port.to_be_bytes());
        // Where one ends and the next begins is told by their headers alone.
        for open in [self.sent, self.received] {
            if !matches!(crate::frame(open, MAX_LEN_EXTENDED), Ok(Some((_, [])))) {
                return Err(super::EncodeError::NotFramed);
            }
            out.extend_from_slice(open);
        }
        out.extend_from_slice(self.information.as_bytes());
        Ok(())
    }
}

/// One BGP message, by its header.
fn bgp_message<'m>(cursor: &mut Cursor<'m>) -> Result<&'m [u8], Error> {
    match crate::frame(cursor.rest(), MAX_LEN_EXTENDED) {
        Ok(Some((message, _))) => {
            cursor.take(message.len());
            Ok(message)
        }
        Ok(None) => Err(ends(Part::Bgp, cursor)),
        Err(_) => Err(Error::new(ErrorKind::NotFramed, cursor.at())),
    }
}
