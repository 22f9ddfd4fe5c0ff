//! Every public type can be sent to and shared with another thread, and errors stay small.
#![cfg(feature = "alloc")]

use bgp_wire::attr::*;
use bgp_wire::capability::*;
use bgp_wire::community::ext::*;
use bgp_wire::community::ipv6_ext::*;
use bgp_wire::community::large::*;
use bgp_wire::community::*;
use bgp_wire::nlri::*;
use bgp_wire::*;

fn send_sync<T: Send + Sync>() {}

macro_rules! all_send_sync {
    ($($Type:ty),* $(,)?) => { $( send_sync::<$Type>(); )* };
}

#[test]
fn all_public_types_are_send_and_sync() {
    all_send_sync! {
        // Numbers and families.
        Afi, Asn, AttrFlags, AttrType, BgpId, CapabilityCode, ClusterId, Families, Family, FamilySet, MessageType,
        NotificationCode, PathId, RefreshSubtype, Safi,
        // Sessions and errors.
        Action, AttrProblem, Context, EncodeError, Error, ErrorKind, ParseError, SessionKind,
        // Messages.
        Capabilities<'_>, Message<'_>, Notification<'_>, NotificationBuf, Open, OpenView<'_>, Params, RouteRefresh,
        ShutdownCommunication, FilterGroup<'_>, FilterGroups<'_>, FilterKind, OutboundFilters<'_>, PrefixFilter,
        PrefixFilters<'_>, PrefixRule, RefreshWhen,
        // Capabilities.
        AddPath, Bgpsec, FilterType, MultipleLabels, OutboundRouteFiltering, PathsLimit, AddPathMode, Capability, CapabilityView<'_>, ExtendedNextHop, Fqdn, GracefulRestart,
        GracefulRestartFamily, GracefulRestartParams, LongLivedFamily, LongLivedParams, Role, RoleParam,
        SoftwareVersion, UnknownCapability,
        // Attributes and communities.
        aigp::AigpTlv, attr_set::AttrSetAttribute<'_>, bgp_ls::LsTlv, pmsi_tunnel::PmsiTunnelBuf,
        prefix_sid::PrefixSidTlv, prefix_sid::SidStructure, prefix_sid::Srv6Sid, prefix_sid::Srv6Sids<'_>,
        tunnel_encapsulation::Endpoint, tunnel_encapsulation::SubTlv, tunnel_encapsulation::Tunnel<'_>,
        tunnel_encapsulation::TunnelBuf, tunnel_encapsulation::Tunnels<'_>, ExtAdmin, ExtValue, OriginValidation,
        Tlv<'_>, Tlvs<'_>,
        // UPDATE.
        Aggregator, Announced<'_>, Announcements<'_, '_>, AsPath<'_>, AsPathEdit, Asns<'_>, AttrBuilder, AttrSet,
        Attributes<'_>, ClusterListEdit, Community, Edit<u32>, ExtCommunity, Ipv6ExtCommunity, LargeCommunity, NextHop,
        Nlri, NlriRef<'_>, Nlris<'_>, Origin, PackError, Packer, PathNlri<'_>, PathSegment, RawAttr<'_>, RawAttrs<'_>,
        Reachable, Reasons<'_>, Rewrite<'_>, Rewriter<'_>, Segment<'_>, SegmentKind, Segments<'_>, Unreachable, Update, UpdateBuf,
        UpdateView<'_>, Values<'_, Community, 4>, Verdict, Withdrawals<'_, '_>, Withdrawn<'_>,
    }
}

#[test]
fn errors_have_at_most_16_octets() {
    assert!(size_of::<Error>() <= 16);
    assert!(size_of::<EncodeError>() <= 16);
    assert!(size_of::<ParseError>() <= 16);
    assert!(size_of::<PackError>() <= 16);
}

#[cfg(feature = "mrt")]
#[test]
fn all_public_types_of_mrt_are_send_and_sync() {
    use bgp_wire::mrt::*;
    all_send_sync! {
        BgpMessage<'_>, Buffer, Content<'_>, EncodeError, Error, ErrorKind, Part, Peer, PeerIndexBuilder,
        PeerIndexTable<'_>, Peers<'_>, PeerState, Record<'_>, RecordType, Rib<'_>, RibAttributes<'_>, RibBuilder,
        RibEntries<'_>, RibEntry<'_>, Session, StateChange, TableDump<'_>, Timestamp,
    }
}

#[cfg(feature = "bmp")]
#[test]
fn all_public_types_of_bmp_are_send_and_sync() {
    use bgp_wire::bmp::*;
    all_send_sync! {
        EncodeError, Error, ErrorKind, Frame<'_>, InformationType, Message<'_>, MessageType, MirroringType, Part,
        PeerDown<'_>, PeerFlags, PeerHeader, PeerType, PeerUp<'_>, Reason<'_>, RouteMirroring<'_>,
        RouteMonitoring<'_>, Statistic<'_>, StatisticType, StatisticValue<'_>, Statistics<'_>, StatisticsReport<'_>,
        TerminationReason, TerminationType, Tlv<'_>, Tlvs<'_>, View,
    }
}
