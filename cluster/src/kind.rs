//! The kinds of resources.

use core::fmt;

/// The kinds of resources that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// IPPool.
    IpPool,
    /// Node.
    Node,
    /// BGPConfiguration.
    BgpConfiguration,
    /// BGPPeer.
    BgpPeer,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::IpPool, Self::Node, Self::BgpConfiguration, Self::BgpPeer];

    /// The kind's name in a resource.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// The kind's name in a list of resources.
    #[must_use]
    pub fn list_name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::IpPool => ("IPPool", "IPPoolList"),
            Self::Node => ("Node", "NodeList"),
            Self::BgpConfiguration => ("BGPConfiguration", "BGPConfigurationList"),
            Self::BgpPeer => ("BGPPeer", "BGPPeerList"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
