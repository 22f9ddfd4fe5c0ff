//! The state of a node's sessions, as `calicoctl node status` sees it; Display of the parts is in [`table`](crate::table).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::plan::PeerType;

/// The sessions of a node.
///
/// The JSON form is a list of objects `{peerIP, port, type, state, since, info, error}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeStatus {
    /// The sessions, in the order in which they are shown.
    pub sessions: Vec<SessionStatus>,
}

/// One session of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatus {
    /// The peer's address.
    #[serde(rename = "peerIP")]
    pub peer: IpAddr,
    /// The peer's port.
    pub port: u16,
    /// What asked for the session.
    #[serde(rename = "type")]
    pub peer_type: PeerType,
    /// The state in BIRD's words.
    pub state: ProtocolState,
    /// Since when.
    pub since: TimeOfDay,
    /// The state in the words of RFC 4271.
    #[serde(rename = "info")]
    pub bgp_state: BgpState,
    /// Why the session went down, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The state of a protocol in BIRD's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ProtocolState {
    /// The session is established.
    Up,
    /// It is being made.
    Start,
    /// It is being ended.
    Stop,
    /// It is switched off.
    Down,
}

impl fmt::Display for ProtocolState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Down => "down",
        })
    }
}

/// The state of a session (RFC 4271 section 8.2.2), and the one in which BIRD ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BgpState {
    /// Nothing is tried.
    Idle,
    /// The node dials.
    Connect,
    /// The node waits to dial, or to be dialled.
    Active,
    /// An OPEN was sent.
    OpenSent,
    /// An OPEN was received.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
    /// The session is being ended.
    Close,
}

impl BgpState {
    /// The same in BIRD's words.
    #[must_use]
    pub fn protocol_state(self) -> ProtocolState {
        match self {
            Self::Established => ProtocolState::Up,
            Self::Close => ProtocolState::Stop,
            Self::Idle | Self::Connect | Self::Active | Self::OpenSent | Self::OpenConfirm => ProtocolState::Start,
        }
    }
}

impl fmt::Display for BgpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
            Self::Close => "Close",
        })
    }
}

/// A time of day, in seconds; a later one than 23:59:59 is of a later day.
///
/// ```
/// use bgp_cluster::status::TimeOfDay;
///
/// assert_eq!(TimeOfDay(6 * 3600 + 49 * 60 + 37).to_string(), "06:49:37");
/// assert_eq!(TimeOfDay(86_400).to_string(), "00:00:00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(pub u32);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600 % 24, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}")
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        alloc::format!("{time}")
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = crate::FieldError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let part = |part: Option<&str>, limit: u32| {
            part.filter(|part| part.len() == 2 && part.bytes().all(|octet| octet.is_ascii_digit()))
                .and_then(|part| part.parse::<u32>().ok())
                .filter(|number| *number < limit)
        };
        let mut parts = text.split(':');
        match (part(parts.next(), 24), part(parts.next(), 60), part(parts.next(), 60), parts.next()) {
            (Some(hours), Some(minutes), Some(seconds), None) => Ok(Self(hours * 3600 + minutes * 60 + seconds)),
            _ => Err(crate::FieldError::new("since", text, crate::Problem::TimeOfDay)),
        }
    }
}

/// An open TCP connection of a node's BGP daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TcpSession {
    /// The node's end.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
    /// The process.
    pub pid: u32,
    /// The file descriptor in it.
    pub fd: u32,
}

/// tunl0 as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TunnelDevice {
    /// The index of the device.
    pub index: u32,
    /// The MTU, in octets.
    pub mtu: u16,
    /// The address; none: nothing is encapsulated.
    pub addr: Option<core::net::Ipv4Addr>,
}

/// What `ping` did, and what it does not tell: the way of the packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// The address that was asked.
    pub target: IpAddr,
    /// The octets of ICMP data of each request.
    pub payload: u16,
    /// The requests, in their order.
    pub probes: Vec<Probe>,
    /// The names of the nodes that a request passed, the first and the last included; of a lost one, as far as it got.
    pub path: Vec<String>,
    /// The octets that encapsulation added to each request on the wire.
    pub overhead: u16,
}

/// One echo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The sequence number, from 1.
    pub sequence: u16,
    /// The reply; none: it never came.
    pub reply: Option<Reply>,
}

/// One echo reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// The TTL with which it came.
    pub ttl: u8,
    /// The time since the request, in microseconds.
    pub micros: u32,
}
