//! The per-peer header: whose routes, which of its tables, when (RFC 7854 section 4.2, RFC 8671, RFC 9069).

use core::net::{IpAddr, Ipv6Addr};

use super::error::ends;
use super::{Error, Part};
use crate::cursor::Cursor;
use crate::registry::numbers;
use crate::{Asn, BgpId};

numbers! {
    /// What kind of peer it is.
    pub struct PeerType(u8) "peer type" {
        0 => GLOBAL "global-instance",
        1 => DISTINGUISHED "rd-instance",
        2 => LOCAL "local-instance",
        3 => LOC_RIB "loc-rib-instance",
    }
}

/// The flags of a per-peer header; what they mean depends on the [`PeerType`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "an octet")]
pub struct PeerFlags(pub u8);

impl PeerFlags {
    /// V: the peer's address is IPv6.
    pub const IPV6: PeerFlags = PeerFlags(0x80);
    /// L: the routes are those behind the policy.
    pub const POST_POLICY: PeerFlags = PeerFlags(0x40);
    /// A: AS numbers in UPDATEs have 2 octets.
    pub const TWO_OCTET_AS: PeerFlags = PeerFlags(0x20);
    /// O: the routes are those sent to the peer (RFC 8671).
    pub const ADJ_RIB_OUT: PeerFlags = PeerFlags(0x10);
    /// F, with Loc-RIB peers: the routes are not all (RFC 9069).
    pub const FILTERED: PeerFlags = PeerFlags(0x80);

    /// True if all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: PeerFlags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// With these flags, too.
    #[must_use]
    pub const fn with(self, flags: PeerFlags) -> PeerFlags {
        PeerFlags(self.0 | flags.0)
    }
}

/// Which table routes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum View {
    /// What the peer sent, as it came.
    AdjRibInPre,
    /// What the peer sent, behind the policy.
    AdjRibInPost,
    /// What goes to the peer, before the policy.
    AdjRibOutPre,
    /// What goes to the peer, as it is sent.
    AdjRibOutPost,
    /// The chosen routes of the router itself.
    LocRib,
}

/// The per-peer header: type (1 octet), flags (1), distinguisher (8), address (16), AS number (4), identifier (4),
/// seconds (4), microseconds (4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.2 has these fields")]
pub struct PeerHeader {
    /// What kind of peer it is.
    pub ty: PeerType,
    /// The flags.
    pub flags: PeerFlags,
    /// The route distinguisher or number of the instance; zeros for the global one.
    pub distinguisher: [u8; 8],
    /// The field of the address; [`addr`](Self::addr) reads it.
    pub address: [u8; 16],
    /// The AS number.
    pub asn: Asn,
    /// The identifier.
    pub bgp_id: BgpId,
    /// When the routes came, in seconds since 1970; 0 if that is not known.
    pub seconds: u32,
    /// Microseconds of that.
    pub micros: u32,
}

impl PeerHeader {
    /// A header of a peer in the global instance, its routes as they came, at a time that is not known.
    ///
    /// ```
    /// use bgp_wire::bmp::{PeerFlags, PeerHeader, View};
    /// use bgp_wire::{Asn, BgpId};
    /// let peer = PeerHeader::new("2001:db8::1".parse()?, Asn(64513), BgpId(1));
    /// assert_eq!((peer.addr().to_string().as_str(), peer.view()), ("2001:db8::1", View::AdjRibInPre));
    /// let sent = PeerHeader { flags: peer.flags.with(PeerFlags::ADJ_RIB_OUT), ..peer };
    /// assert_eq!(sent.view(), View::AdjRibOutPre);
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn new(addr: IpAddr, asn: Asn, bgp_id: BgpId) -> PeerHeader {
        let flags = if addr.is_ipv6() { PeerFlags::IPV6 } else { PeerFlags(0) };
        let (ty, distinguisher, address) = (PeerType::GLOBAL, [0; 8], address_field(addr));
        PeerHeader { ty, flags, distinguisher, address, asn, bgp_id, seconds: 0, micros: 0 }
    }

    /// The peer's address; `0.0.0.0` for the Loc-RIB.
    #[must_use]
    pub fn addr(&self) -> IpAddr {
        address(self.address, self.ty != PeerType::LOC_RIB && self.flags.contains(PeerFlags::IPV6))
    }

    /// True if AS numbers in the UPDATEs behind this header have 4 octets, whatever the session has.
    #[must_use]
    pub fn four_octet_as(&self) -> bool {
        self.ty == PeerType::LOC_RIB || !self.flags.contains(PeerFlags::TWO_OCTET_AS)
    }

    /// Which table the routes are of.
    #[must_use]
    pub fn view(&self) -> View {
        let flag = |flag| self.flags.contains(flag);
        match (flag(PeerFlags::ADJ_RIB_OUT), flag(PeerFlags::POST_POLICY)) {
            _ if self.ty == PeerType::LOC_RIB => View::LocRib,
            (false, false) => View::AdjRibInPre,
            (false, true) => View::AdjRibInPost,
            (true, false) => View::AdjRibOutPre,
            (true, true) => View::AdjRibOutPost,
        }
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<PeerHeader, Error> {
        Self::fields(cursor).ok_or_else(|| ends(Part::Peer, cursor))
    }

    fn fields(cursor: &mut Cursor<'_>) -> Option<PeerHeader> {
        Some(PeerHeader {
            ty: PeerType(cursor.u8()?),
            flags: PeerFlags(cursor.u8()?),
            distinguisher: cursor.array()?,
            address: cursor.array()?,
            asn: Asn(cursor.u32()?),
            bgp_id: BgpId(cursor.u32()?),
            seconds: cursor.u32()?,
            micros: cursor.u32()?,
        })
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) {
        out.extend_from_slice(&[self.ty.0, self.flags.0]);
        out.extend_from_slice(&self.distinguisher);
        out.extend_from_slice(&self.address);
        for number in [self.asn.0, self.bgp_id.0, self.seconds, self.micros] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// The address in a field of 16 octets; an IPv4 one is in the last four.
pub(super) fn address(field: [u8; 16], ipv6: bool) -> IpAddr {
    let [.., a, b, c, d] = field;
    if ipv6 { Ipv6Addr::from(field).into() } else { IpAddr::from([a, b, c, d]) }
}

/// The field of 16 octets for an address.
pub(super) fn address_field(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(addr) => u128::from(addr.to_bits()).to_be_bytes(),
        IpAddr::V6(addr) => addr.octets(),
    }
}
