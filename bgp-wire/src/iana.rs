//! Numbers of the IANA registries and identifiers, each a type of its own.

use core::fmt;
use core::str::FromStr;

use crate::ParseError;
use crate::registry::{numbers, pairs, quad};

/// An AS number (RFC 6793): 4 octets.
///
/// Text is `asplain` (`64512`); `asdot` (`1.10`) is read too (RFC 5396).
///
/// ```
/// use bgp_wire::Asn;
/// let asn: Asn = "1.10".parse()?;
/// assert_eq!((asn, asn.to_string()), (Asn(65546), "65546".to_owned()));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Asn(pub u32);

impl Asn {
    /// AS_TRANS, 23456: stands in 2-octet fields for a number that does not fit (RFC 6793).
    pub const TRANS: Self = Self(23456);

    /// This number in a 2-octet field: itself or [`TRANS`](Self::TRANS).
    ///
    /// ```
    /// use bgp_wire::Asn;
    /// assert_eq!((Asn(64512).to_2_octets(), Asn(400_000).to_2_octets()), (64512, 23456));
    /// ```
    #[must_use]
    pub fn to_2_octets(self) -> u16 {
        u16::try_from(self.0).unwrap_or(23456)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Asn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseError::new("AS number");
        match text.split_once('.') {
            None => text.parse().map(Self).map_err(|_| error),
            Some((high, low)) => {
                let (high, low): (u16, u16) = (high.parse().map_err(|_| error)?, low.parse().map_err(|_| error)?);
                Ok(Self((u32::from(high) << 16) | u32::from(low)))
            }
        }
    }
}

impl From<u32> for Asn {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

/// A BGP Identifier (RFC 6286): any number but 0, unique within an AS; text is a dotted quad.
///
/// ```
/// use bgp_wire::BgpId;
/// let id: BgpId = "192.168.179.102".parse()?;
/// assert_eq!((id, id.to_string()), (BgpId(0xc0a8_b366), "192.168.179.102".to_owned()));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[doc(alias("router id", "ORIGINATOR_ID"))]
pub struct BgpId(pub u32);

/// The identifier of a reflector's cluster (RFC 4456): 4 octets; text is a dotted quad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[doc(alias = "routeReflectorClusterID")]
pub struct ClusterId(pub u32);

quad!(BgpId, "BGP identifier");
quad!(ClusterId, "cluster id");

/// The path identifier of ADD-PATH (RFC 7911): chosen by the sender, without meaning to the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct PathId(pub u32);

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The flags octet of a path attribute (RFC 4271 section 4.3); the low four bits have no meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct AttrFlags(pub u8);

impl AttrFlags {
    /// Optional (1) or well-known (0).
    pub const OPTIONAL: Self = Self(0x80);
    /// Transitive.
    pub const TRANSITIVE: Self = Self(0x40);
    /// Some speaker on the way did not know the attribute.
    pub const PARTIAL: Self = Self(0x20);
    /// The length field has two octets.
    pub const EXTENDED_LENGTH: Self = Self(0x10);

    /// True if all bits of `flags` are set.
    ///
    /// ```
    /// use bgp_wire::AttrFlags;
    /// assert!(AttrFlags(0xc0).contains(AttrFlags::OPTIONAL));
    /// assert!(!AttrFlags(0xc0).contains(AttrFlags::PARTIAL));
    /// ```
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

impl core::ops::BitOr for AttrFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for AttrFlags {
    /// Two hex digits: `c0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

/// Code and subcode of a NOTIFICATION (RFC 4271 section 4.5 and the IANA registries).
///
/// Text is `6/2`; names (`administrative shutdown`) are read too.
///
/// ```
/// use bgp_wire::NotificationCode;
/// let code: NotificationCode = "6/2".parse()?;
/// assert_eq!((code, code.name()), (NotificationCode::ADMIN_SHUTDOWN, Some("administrative shutdown")));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NotificationCode {
    /// The error code.
    pub code: u8,
    /// The error subcode; 0 where the code has none.
    pub subcode: u8,
}

impl NotificationCode {
    /// From the two numbers.
    #[must_use]
    pub const fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode }
    }

    const fn numbers(self) -> (u8, u8) {
        (self.code, self.subcode)
    }
}

impl fmt::Display for NotificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code, self.subcode)
    }
}

impl FromStr for NotificationCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseError::new("NOTIFICATION code");
        match text.split_once('/') {
            None => Self::named(text).ok_or(error),
            Some((code, subcode)) => {
                Ok(Self::new(code.parse().map_err(|_| error)?, subcode.parse().map_err(|_| error)?))
            }
        }
    }
}

/// Text as in `Display`; in binary formats the two numbers.
#[cfg(feature = "serde")]
impl serde::Serialize for NotificationCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.numbers().serialize(serializer) }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for NotificationCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            crate::hex::from_text(deserializer)
        } else {
            <(u8, u8)>::deserialize(deserializer).map(|(code, subcode)| Self::new(code, subcode))
        }
    }
}

pairs! { NotificationCode {
    1/0 => MESSAGE_HEADER_ERROR "message header error",
    1/1 => CONNECTION_NOT_SYNCHRONIZED "connection not synchronized",
    1/2 => BAD_MESSAGE_LENGTH "bad message length",
    1/3 => BAD_MESSAGE_TYPE "bad message type",
    2/0 => OPEN_MESSAGE_ERROR "open message error",
    2/1 => UNSUPPORTED_VERSION "unsupported version number",
    2/2 => BAD_PEER_AS "bad peer as",
    2/3 => BAD_BGP_IDENTIFIER "bad bgp identifier",
    2/4 => UNSUPPORTED_OPTIONAL_PARAMETER "unsupported optional parameter",
    2/5 => AUTHENTICATION_FAILURE "authentication failure (deprecated)",
    2/6 => UNACCEPTABLE_HOLD_TIME "unacceptable hold time",
    2/7 => UNSUPPORTED_CAPABILITY "unsupported capability",
    2/11 => ROLE_MISMATCH "role mismatch",
    3/0 => UPDATE_MESSAGE_ERROR "update message error",
    3/1 => MALFORMED_ATTRIBUTE_LIST "malformed attribute list",
    3/2 => UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE "unrecognized well-known attribute",
    3/3 => MISSING_WELL_KNOWN_ATTRIBUTE "missing well-known attribute",
    3/4 => ATTRIBUTE_FLAGS_ERROR "attribute flags error",
    3/5 => ATTRIBUTE_LENGTH_ERROR "attribute length error",
    3/6 => INVALID_ORIGIN "invalid origin attribute",
    3/7 => AS_ROUTING_LOOP "as routing loop (deprecated)",
    3/8 => INVALID_NEXT_HOP "invalid next_hop attribute",
    3/9 => OPTIONAL_ATTRIBUTE_ERROR "optional attribute error",
    3/10 => INVALID_NETWORK_FIELD "invalid network field",
    3/11 => MALFORMED_AS_PATH "malformed as_path",
    4/0 => HOLD_TIMER_EXPIRED "hold timer expired",
    5/0 => FSM_ERROR "finite state machine error",
    5/1 => UNEXPECTED_IN_OPEN_SENT "unexpected message in opensent state",
    5/2 => UNEXPECTED_IN_OPEN_CONFIRM "unexpected message in openconfirm state",
    5/3 => UNEXPECTED_IN_ESTABLISHED "unexpected message in established state",
    6/0 => CEASE "cease",
    6/1 => MAX_PREFIXES "maximum number of prefixes reached",
    6/2 => ADMIN_SHUTDOWN "administrative shutdown",
    6/3 => PEER_DECONFIGURED "peer de-configured",
    6/4 => ADMIN_RESET "administrative reset",
    6/5 => CONNECTION_REJECTED "connection rejected",
    6/6 => OTHER_CONFIGURATION_CHANGE "other configuration change",
    6/7 => CONNECTION_COLLISION "connection collision resolution",
    6/8 => OUT_OF_RESOURCES "out of resources",
    6/9 => HARD_RESET "hard reset",
    6/10 => BFD_DOWN "bfd down",
    7/0 => ROUTE_REFRESH_ERROR "route-refresh message error",
    7/1 => ROUTE_REFRESH_LENGTH "invalid route-refresh message length",
    8/0 => SEND_HOLD_TIMER_EXPIRED "send hold timer expired",
    9/0 => LOSS_OF_LSDB_SYNCHRONIZATION "loss of lsdb synchronization",
} }

numbers! {
    /// The type of a message (RFC 4271 section 4.1).
    pub struct MessageType(u8) "message type" {
        1 => OPEN "open",
        2 => UPDATE "update",
        3 => NOTIFICATION "notification",
        4 => KEEPALIVE "keepalive",
        5 => ROUTE_REFRESH "route-refresh",
    }

    /// An address family identifier (RFC 4760).
    pub struct Afi(u16) "address family" {
        1 => IPV4 "ipv4",
        2 => IPV6 "ipv6",
        25 => L2VPN "l2vpn",
        16388 => BGP_LS "bgp-ls",
    }

    /// A subsequent address family identifier (RFC 4760).
    pub struct Safi(u8) "subsequent address family" {
        1 => UNICAST "unicast",
        2 => MULTICAST "multicast",
        4 => LABELED "labeled",
        5 => MCAST_VPN "mcast-vpn",
        7 => ENCAPSULATION "encapsulation",
        65 => VPLS "vpls",
        66 => MDT "mdt",
        70 => EVPN "evpn",
        71 => BGP_LS "bgp-ls",
        72 => BGP_LS_VPN "bgp-ls-vpn",
        73 => SR_POLICY "sr-policy",
        74 => SD_WAN "sd-wan",
        75 => RPD "rpd",
        76 => CLASSFUL_TRANSPORT "classful-transport",
        80 => BGP_LS_SPF "bgp-ls-spf",
        83 => CAR "car",
        84 => VPN_CAR "vpn-car",
        85 => MUP "mup",
        128 => MPLS_VPN "mpls-vpn",
        129 => MULTICAST_VPN "multicast-vpn",
        132 => RT_CONSTRAIN "rt-constrain",
        133 => FLOWSPEC "flowspec",
        134 => FLOWSPEC_VPN "flowspec-vpn",
    }

    /// The type code of a path attribute.
    pub struct AttrType(u8) "attribute" {
        1 => ORIGIN "origin",
        2 => AS_PATH "as_path",
        3 => NEXT_HOP "next_hop",
        4 => MED "med",
        5 => LOCAL_PREF "local_pref",
        6 => ATOMIC_AGGREGATE "atomic_aggregate",
        7 => AGGREGATOR "aggregator",
        8 => COMMUNITIES "communities",
        9 => ORIGINATOR_ID "originator_id",
        10 => CLUSTER_LIST "cluster_list",
        14 => MP_REACH_NLRI "mp_reach_nlri",
        15 => MP_UNREACH_NLRI "mp_unreach_nlri",
        16 => EXTENDED_COMMUNITIES "extended_communities",
        17 => AS4_PATH "as4_path",
        18 => AS4_AGGREGATOR "as4_aggregator",
        22 => PMSI_TUNNEL "pmsi_tunnel",
        23 => TUNNEL_ENCAPSULATION "tunnel_encapsulation",
        24 => TRAFFIC_ENGINEERING "traffic_engineering",
        25 => IPV6_EXTENDED_COMMUNITIES "ipv6_extended_communities",
        26 => AIGP "aigp",
        27 => PE_DISTINGUISHER_LABELS "pe_distinguisher_labels",
        29 => BGP_LS "bgp_ls",
        32 => LARGE_COMMUNITIES "large_communities",
        33 => BGPSEC_PATH "bgpsec_path",
        35 => OTC "otc",
        36 => D_PATH "d_path",
        37 => SFP "sfp",
        38 => BFD_DISCRIMINATOR "bfd_discriminator",
        40 => PREFIX_SID "prefix_sid",
        128 => ATTR_SET "attr_set",
    }

    /// The code of a capability (RFC 5492).
    pub struct CapabilityCode(u8) "capability" {
        1 => MULTI_PROTOCOL "multiprotocol",
        2 => ROUTE_REFRESH "route-refresh",
        3 => OUTBOUND_ROUTE_FILTERING "outbound-route-filtering",
        5 => EXTENDED_NEXT_HOP "extended-next-hop",
        6 => EXTENDED_MESSAGE "extended-message",
        7 => BGPSEC "bgpsec",
        8 => MULTIPLE_LABELS "multiple-labels",
        9 => ROLE "role",
        64 => GRACEFUL_RESTART "graceful-restart",
        65 => FOUR_OCTET_AS "four-octet-as",
        67 => DYNAMIC "dynamic",
        68 => MULTISESSION "multisession",
        69 => ADD_PATH "add-path",
        70 => ENHANCED_ROUTE_REFRESH "enhanced-route-refresh",
        71 => LONG_LIVED_GRACEFUL_RESTART "long-lived-graceful-restart",
        72 => ROUTING_POLICY_DISTRIBUTION "routing-policy-distribution",
        73 => FQDN "fqdn",
        74 => BFD_STRICT "bfd-strict",
        75 => SOFTWARE_VERSION "software-version",
        76 => PATHS_LIMIT "paths-limit",
        77 => LINK_LOCAL_NEXT_HOP "link-local-next-hop",
        128 => CISCO_ROUTE_REFRESH "cisco-route-refresh",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn rfc5396_asplain_is_written_and_both_forms_are_read() {
        assert_eq!("4294967295".parse(), Ok(Asn(u32::MAX)));
        assert_eq!("65535.65535".parse(), Ok(Asn(u32::MAX)));
        assert_eq!("0.64512".parse::<Asn>().unwrap().to_string(), "64512");
        for wrong in ["", "4294967296", "65536.0", "1.2.3", "-1", "1.", "as1"] {
            assert_eq!(wrong.parse::<Asn>().unwrap_err().to_string(), "not an AS number", "{wrong}");
        }
    }

    #[test]
    fn identifiers_are_dotted_quads() {
        assert_eq!("244.0.0.1".parse(), Ok(ClusterId(0xf400_0001)));
        assert_eq!(ClusterId(0xf400_0001).to_string(), "244.0.0.1");
        assert_eq!("1.2.3".parse::<BgpId>().unwrap_err().to_string(), "not a BGP identifier");
        assert_eq!(Ipv4Addr::from(BgpId(0x0a00_0001)), Ipv4Addr::new(10, 0, 0, 1));
    }

    #[test]
    fn registered_numbers_show_names_and_others_show_numbers() {
        assert_eq!(AttrType::ORIGIN.to_string(), "origin");
        assert_eq!(AttrType(99).to_string(), "99");
        assert_eq!("99".parse(), Ok(AttrType(99)));
        assert_eq!("as_path".parse(), Ok(AttrType::AS_PATH));
        assert_eq!("256".parse::<AttrType>().unwrap_err().to_string(), "not an attribute");
        assert_eq!((AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).to_string(), "c0");
    }

    #[test]
    fn rfc4486_cease_subcodes_have_their_numbers() {
        assert_eq!(NotificationCode::CONNECTION_COLLISION.to_string(), "6/7");
        assert_eq!("hard reset".parse(), Ok(NotificationCode::HARD_RESET));
        assert_eq!(NotificationCode::new(6, 77).name(), None);
        assert_eq!(NotificationCode::NAMED.len(), 45);
        assert!(NotificationCode::NAMED.is_sorted());
        for wrong in ["6", "6/256", "6/2/1", "/"] {
            assert!(wrong.parse::<NotificationCode>().is_err(), "{wrong}");
        }
    }
}
