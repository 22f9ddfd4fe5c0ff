//! What can be wrong with a message, what is to be done about it (RFC 7606), and the one NOTIFICATION that answers it.

use core::fmt;

use crate::{AttrType, CapabilityCode, MessageType, NotificationCode};

/// What is wrong with a message, and where.
///
/// [`action`](Self::action) is the treatment of RFC 7606, [`notification`](Self::notification) the answer to the peer.
/// It is small and `Copy`; values that need room (the octets in question) are found again in the message.
///
/// ```
/// use bgp_wire::{Action, NotificationCode};
/// let message = [0xff; 19]; // the length field says 65535
/// let error = bgp_wire::frame(&message, bgp_wire::MAX_LEN).unwrap_err();
/// assert_eq!(error.to_string(), "message length 65535 is outside 19 to 4096 at octet 16");
/// assert_eq!(error.action(), Action::SessionReset);
/// let notification = error.notification(&message);
/// assert_eq!((notification.code, notification.data), (NotificationCode::BAD_MESSAGE_LENGTH, &[0xff, 0xff][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind} at octet {offset}")]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where: the octet of the message, counted from 0 at the first octet of the marker; never more than the length of
    /// what was decoded, and equal to it where something is missing at the end.
    pub offset: u16,
    /// The octets of the message that a NOTIFICATION quotes; only kinds with [`Data::Span`] look at it.
    pub(crate) span: Span,
}

const _: () = assert!(size_of::<Error>() <= 16);
const _: () = assert!(size_of::<ErrorKind>() <= 8);

/// A range of octets of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub(crate) start: u16,
    pub(crate) len: u16,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    // Message header, RFC 4271 section 6.1.
    /// The marker is not all ones.
    #[error("marker is not all ones")]
    Marker,
    /// The length field is below 19 or above the limit of the session.
    #[error("message length {length} is outside 19 to {limit}")]
    Length {
        /// The length field.
        length: u16,
        /// The most octets that the session allows here.
        limit: u16,
    },
    /// The length is not possible for a message of that type.
    #[error("{ty} message has length {length}")]
    TypeLength {
        /// The type.
        ty: MessageType,
        /// The length field.
        length: u16,
    },
    /// No such message type.
    #[error("message type {0} is unknown", .ty.0)]
    Type {
        /// The type.
        ty: MessageType,
    },

    // OPEN, RFC 4271 section 6.2.
    /// The version is not 4.
    #[error("version {version} is not supported")]
    Version {
        /// The version.
        version: u8,
    },
    /// The AS number is 0 in the fixed part or in the 4-octet AS capability (RFC 7607).
    #[error("as number is 0")]
    OpenAsZero,
    /// The hold time is 1 or 2 seconds.
    #[error("hold time {hold_time} is not acceptable")]
    HoldTime {
        /// The hold time in seconds.
        hold_time: u16,
    },
    /// The BGP Identifier is 0 (RFC 6286).
    #[error("bgp identifier is 0")]
    BgpIdZero,
    /// The length of the optional parameters is not what the message has.
    #[error("optional parameters have length {length}, {present} octets are there")]
    ParametersLength {
        /// What the length field says.
        length: u16,
        /// Octets behind it.
        present: u16,
    },
    /// An optional parameter does not fit into what is left.
    #[error("optional parameter {ty} does not fit into {left} octets")]
    ParameterOverrun {
        /// The parameter's type, 0 if not even its header is there.
        ty: u8,
        /// Octets left, the parameter's own header included.
        left: u16,
    },
    /// An optional parameter that is not the capabilities one (RFC 5492).
    #[error("optional parameter {ty} is not supported")]
    ParameterType {
        /// Its type.
        ty: u8,
    },
    /// A capability does not fit into its optional parameter.
    #[error("capability {code} does not fit into {left} octets")]
    CapabilityOverrun {
        /// The capability's code.
        code: u8,
        /// Octets left, the capability's own header included.
        left: u16,
    },

    // UPDATE, RFC 4271 section 6.3 and RFC 7606.
    /// The withdrawn routes or the path attributes reach beyond the end of the message.
    #[error("{length} octets of withdrawn routes or path attributes do not fit into {left}")]
    SectionOverrun {
        /// What the length field says.
        length: u16,
        /// Octets behind it.
        left: u16,
    },
    /// A prefix in the withdrawn routes or the NLRI of the UPDATE itself is too long or cut off; the offset is that of its
    /// path identifier where ADD-PATH is in use.
    #[error("prefix of length {bits} is malformed")]
    Prefix {
        /// The prefix length in bits as it stands there; 0 if not even that is there.
        bits: u8,
    },
    /// A path attribute is malformed, missing or not wanted.
    #[error("attribute {} {problem}", .ty.0)]
    Attribute {
        /// Its type.
        ty: AttrType,
        /// What is wrong with it.
        problem: AttrProblem,
        /// What that comes to in this UPDATE.
        action: Action,
    },
    /// Attributes are not in the canonical form: ascending types, lengths of minimal size, low flag bits 0.
    #[error("attribute block is not canonical")]
    NotCanonical,
    /// A capability that decides how later messages are read has a value that it cannot have.
    #[error("capability {code} has length {length}")]
    CapabilityLength {
        /// The capability's code.
        code: u8,
        /// The length of its value.
        length: u8,
    },

    // ROUTE-REFRESH, RFC 7313 section 5.
    /// The message is not 23 octets long.
    #[error("route-refresh message has length {length}")]
    RouteRefreshLength {
        /// The length field.
        length: u16,
    },

    // A caller's slip.
    /// The octets are not one whole message of the type that was asked for: [`frame`](crate::frame) cuts them so.
    #[error("octets are not one whole {ty} message")]
    NotFramed {
        /// The type that was asked for.
        ty: MessageType,
    },
}

/// What is wrong with a path attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttrProblem {
    /// Its header or value reaches beyond the path attributes.
    Overrun,
    /// The Optional or Transitive bit is not that of its type.
    Flags,
    /// The length is not possible.
    Length,
    /// An ORIGIN other than 0, 1, 2.
    Origin,
    /// The next hop is not the address of a host.
    NextHop,
    /// The next hop in an MP_REACH_NLRI has a length that its family does not have.
    NextHopLength,
    /// An AS_PATH segment of unknown type, without a member, or cut off.
    Segment,
    /// AS 0 (RFC 7607).
    AsZero,
    /// Confederation segments from outside, or none from another member AS (RFC 5065 section 5).
    Confederation,
    /// An AS_SET where they are not accepted (RFC 9774).
    AsSet,
    /// The leftmost AS is not the peer's.
    FirstAs,
    /// Longer than this crate takes: the value with 4-octet AS numbers would not fit an attribute block.
    TooLong,
    /// The value is malformed in another way.
    Syntax,
    /// An SRv6 service in a BGP Prefix-SID is malformed (RFC 9252 section 7).
    Srv6Service,
    /// It announces an Ethernet VPN route that means nothing (RFC 7432 section 8, RFC 9135, RFC 9136 section 3.2).
    Route,
    /// Well-known, mandatory, and not there.
    Missing,
    /// It occurs again: the first one stands.
    Duplicate,
    /// Not optional, and not known.
    Unrecognized,
    /// It must not come from such a peer.
    Unwanted,
}

impl Error {
    /// The same with another treatment, where it is about an attribute.
    #[cold]
    pub(crate) fn with_action(self, action: Action) -> Error {
        match self.kind {
            ErrorKind::Attribute { ty, problem, .. } => {
                Error { kind: ErrorKind::Attribute { ty, problem, action }, ..self }
            }
            _ => self,
        }
    }
}

impl AttrProblem {
    /// Code and data of the NOTIFICATION (RFC 4271 section 6.3).
    const fn answer(self, ty: AttrType) -> (NotificationCode, Data) {
        use NotificationCode as C;
        match self {
            Self::Overrun | Self::Duplicate | Self::Unwanted => (C::MALFORMED_ATTRIBUTE_LIST, Data::None),
            Self::Flags => (C::ATTRIBUTE_FLAGS_ERROR, Data::Span),
            Self::Length => (C::ATTRIBUTE_LENGTH_ERROR, Data::Span),
            Self::Origin => (C::INVALID_ORIGIN, Data::Span),
            Self::NextHop => match ty {
                AttrType::NEXT_HOP => (C::INVALID_NEXT_HOP, Data::Span),
                _ => (C::OPTIONAL_ATTRIBUTE_ERROR, Data::Span),
            },
            Self::NextHopLength | Self::Syntax | Self::Srv6Service | Self::Route => {
                (C::OPTIONAL_ATTRIBUTE_ERROR, Data::Span)
            }
            Self::Segment | Self::AsZero | Self::Confederation | Self::AsSet | Self::FirstAs | Self::TooLong => {
                match ty {
                    AttrType::AS_PATH => (C::MALFORMED_AS_PATH, Data::None),
                    _ => (C::OPTIONAL_ATTRIBUTE_ERROR, Data::Span),
                }
            }
            Self::Missing => (
                C::MISSING_WELL_KNOWN_ATTRIBUTE,
                Data::Constant(match ty {
                    AttrType::ORIGIN => &[1],
                    AttrType::AS_PATH => &[2],
                    AttrType::NEXT_HOP => &[3],
                    AttrType::LOCAL_PREF => &[5],
                    _ => &[],
                }),
            ),
            Self::Unrecognized => (C::UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE, Data::Span),
        }
    }
}

impl fmt::Display for AttrProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overrun => "does not fit into the path attributes",
            Self::Flags => "has the flags of another kind",
            Self::Length => "has an impossible length",
            Self::Origin => "has an undefined value",
            Self::NextHop => "has a next hop that is not the address of a host",
            Self::NextHopLength => "has a next hop of impossible length",
            Self::Segment => "has a malformed segment",
            Self::AsZero => "has as 0",
            Self::Confederation => "has confederation segments where none may be, or none where one must be",
            Self::AsSet => "has an as_set",
            Self::FirstAs => "does not begin with the as of the peer",
            Self::TooLong => "is too long",
            Self::Syntax => "is malformed",
            Self::Srv6Service => "has a malformed srv6 service",
            Self::Route => "announces a route that means nothing",
            Self::Missing => "is missing",
            Self::Duplicate => "occurs again",
            Self::Unrecognized => "is not optional and not known",
            Self::Unwanted => "is not taken from this peer",
        })
    }
}

/// How an error in an UPDATE is treated (RFC 7606 section 2), the weakest first: `max()` is what to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_enums, reason = "RFC 7606 section 2 closes the set")]
pub enum Action {
    /// Nothing is wrong.
    #[default]
    Accept,
    /// The attribute is dropped, the rest of the UPDATE stands.
    AttributeDiscard,
    /// All routes of the UPDATE are handled as withdrawn.
    TreatAsWithdraw,
    /// The family is not used any more in this session.
    DisableFamily,
    /// A NOTIFICATION goes out and the session ends.
    SessionReset,
}

/// The Data field of a NOTIFICATION.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data {
    None,
    /// The length field of the header.
    HeaderLength,
    /// The type field of the header.
    HeaderType,
    /// The range that the error noted.
    Span,
    /// The whole message.
    Message,
    Constant(&'static [u8]),
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, offset: u16) -> Self {
        Self { kind, offset, span: Span { start: 0, len: 0 } }
    }

    /// The treatment of RFC 7606; everything outside UPDATE ends the session.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.answer().0
    }

    /// The one place that chooses: what to do, and code, subcode and data to send.
    pub(crate) const fn answer(&self) -> (Action, NotificationCode, Data) {
        use Action as A;
        use ErrorKind as K;
        use NotificationCode as C;
        match self.kind {
            K::Marker => (A::SessionReset, C::CONNECTION_NOT_SYNCHRONIZED, Data::None),
            K::Length { .. } | K::TypeLength { .. } => (A::SessionReset, C::BAD_MESSAGE_LENGTH, Data::HeaderLength),
            K::Type { .. } => (A::SessionReset, C::BAD_MESSAGE_TYPE, Data::HeaderType),
            // RFC 4271 6.2: the data is the largest version that we have.
            K::Version { .. } => (A::SessionReset, C::UNSUPPORTED_VERSION, Data::Constant(&[0, 4])),
            K::OpenAsZero => (A::SessionReset, C::BAD_PEER_AS, Data::None),
            K::HoldTime { .. } => (A::SessionReset, C::UNACCEPTABLE_HOLD_TIME, Data::None),
            K::BgpIdZero => (A::SessionReset, C::BAD_BGP_IDENTIFIER, Data::None),
            // RFC 4271 6.2: recognized, but malformed.
            K::ParametersLength { .. }
            | K::ParameterOverrun { .. }
            | K::CapabilityOverrun { .. }
            | K::CapabilityLength { .. } => (A::SessionReset, C::OPEN_MESSAGE_ERROR, Data::None),
            K::ParameterType { .. } => (A::SessionReset, C::UNSUPPORTED_OPTIONAL_PARAMETER, Data::None),
            K::SectionOverrun { .. } => (A::SessionReset, C::MALFORMED_ATTRIBUTE_LIST, Data::None),
            K::Prefix { .. } => (A::SessionReset, C::INVALID_NETWORK_FIELD, Data::None),
            K::Attribute { ty, problem, action } => {
                let (code, data) = problem.answer(ty);
                (action, code, data)
            }
            K::NotCanonical => (A::SessionReset, C::MALFORMED_ATTRIBUTE_LIST, Data::None),
            K::RouteRefreshLength { .. } => (A::SessionReset, C::ROUTE_REFRESH_LENGTH, Data::Message),
            K::NotFramed { .. } => (A::SessionReset, C::MESSAGE_HEADER_ERROR, Data::None),
        }
    }
}

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message would have more octets than a message of its type may have.
    #[error("message would have {length} octets")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// The value of a capability has more than 255 octets.
    #[error("capability {} would have length {length}", .code.0)]
    CapabilityTooLong {
        /// The code.
        code: CapabilityCode,
        /// The length of the value.
        length: usize,
    },
}
