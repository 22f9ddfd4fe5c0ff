//! What a Rib tells its owner.

use bgp_wire::PathId;
use bgp_wire::attr::NextHop;
use bgp_wire::nlri::NlriBuf;
use ipnet::IpNet;

use crate::decision::Step;
use crate::import::Ineligible;
use crate::peer::PeerId;
use crate::store::AttrId;

/// The path in use for a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Where packets go; [`NextHop::None`] for own routes without one.
    pub next_hop: NextHop,
    /// Who sent it; `None`: it is our own.
    pub peer: Option<PeerId>,
    /// Its attributes; valid while the path is in use.
    pub attr: AttrId,
}

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RibEvent {
    /// Packets to `prefix` go another way than the last event said; `None`: no longer any.
    Fib {
        /// The prefix.
        prefix: IpNet,
        /// The new state; only the latest is told.
        route: Option<Selected>,
    },
}

/// One path of the Adj-RIB-In or a candidate of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRef {
    /// The prefix.
    pub prefix: IpNet,
    /// Who sent it; `None`: it is our own.
    pub peer: Option<PeerId>,
    /// The sender's path identifier, 0 where the session has none.
    pub path_id: PathId,
    /// Its attributes.
    pub attr: AttrId,
    /// Whether it is kept from a session that ended (RFC 4724).
    pub stale: bool,
}

/// One path of a route of a family other than unicast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRef {
    /// The NLRI, with the labels and whatever else the path says in it.
    pub nlri: NlriBuf,
    /// Who sent it; `None`: it is our own.
    pub peer: Option<PeerId>,
    /// The sender's path identifier, 0 where the session has none.
    pub path_id: PathId,
    /// Its attributes.
    pub attr: AttrId,
    /// Whether it is kept from a session that ended (RFC 4724).
    pub stale: bool,
}

/// What the decision process made of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// The path.
    pub path: PathRef,
    /// Its fate.
    pub outcome: Outcome,
}

/// The fate of a path in the decision process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is the best.
    Best,
    /// It did not compete: its NEXT_HOP is unreachable.
    Unreachable,
    /// It is not eligible, and only there because what the peer sent is kept
    /// ([`PeerConfig::with_soft_reconfiguration`](crate::PeerConfig::with_soft_reconfiguration)).
    Ineligible(Ineligible),
    /// It was eliminated.
    Lost {
        /// The step that did it.
        step: Step,
        /// The sender of a path that it lost against (`None`: an own route).
        against: Option<PeerId>,
    },
}

/// What became of a path on its way to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exported {
    /// The peer was sent it, or will have been when it has pulled all there is.
    Sent {
        /// Its attributes as they went out.
        attr: AttrId,
        /// The path identifier that went with it (RFC 7911).
        path_id: Option<PathId>,
    },
    /// It was not.
    Withheld(Withheld),
}

/// Why a peer was not sent a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Withheld {
    /// The peer is not up.
    Down,
    /// The session does not carry the family.
    Family,
    /// The path did not compete: its NEXT_HOP is unreachable.
    Unreachable,
    /// It is not eligible, and only kept.
    Ineligible(Ineligible),
    /// Another path was chosen for this peer.
    NotBest,
    /// The peer sent it itself.
    OwnRoute,
    /// An eBGP session without policy (RFC 8212).
    NoPolicy,
    /// Not from one non-client to another, nor between clients where they are meshed (RFC 4456 section 6).
    NotReflected,
    /// The community NO_ADVERTISE (RFC 1997).
    NoAdvertise,
    /// The community NO_EXPORT: not out of the AS or confederation.
    NoExport,
    /// The community NO_EXPORT_SUBCONFED: not out of the member AS.
    NoExportSubconfed,
    /// LLGR_STALE, and the peer did not announce the capability (RFC 9494 section 4.3).
    LlgrStale,
    /// The OTC attribute: to customers only (RFC 9234 section 5).
    OnlyToCustomer,
    /// The peer wants none of its route targets (RFC 4684).
    RouteTarget,
    /// No address of ours can be its NEXT_HOP.
    NextHop,
    /// The peer's [`Policy`](crate::policy::Policy) rejects it.
    Policy,
    /// Its attributes fit into no message of the session, or the session cannot carry its NEXT_HOP.
    TooLong,
    /// There is something to decide: [`Rib::process`](crate::Rib::process) has not finished.
    Pending,
}

/// What one UPDATE did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateOutcome {
    /// Prefixes announced and taken into the Adj-RIB-In.
    pub announced: u32,
    /// Prefixes announced and not eligible.
    pub rejected: u32,
    /// Prefixes withdrawn, whether they were there or not.
    pub withdrawn: u32,
    /// Why announcements were not eligible: the reason for the last of them.
    pub reason: Option<Ineligible>,
}
