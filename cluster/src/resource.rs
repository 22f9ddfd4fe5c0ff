//! Calico's resources (`projectcalico.org/v3`), in its YAML and JSON shapes.
//!
//! | kind | specification | file |
//! |---|---|---|
//! | IPPool | [`IpPoolSpec`] | `resource/ip_pool.rs` |
//! | Node | [`NodeSpec`] | `resource/node.rs` |
//! | BGPConfiguration | [`BgpConfigurationSpec`] | `resource/bgp_configuration.rs` |
//! | BGPPeer | [`BgpPeerSpec`] | `resource/bgp_peer.rs` |

mod bgp_configuration;
mod bgp_peer;
mod duration;
mod ip_pool;
mod node;
mod number;
mod object;
mod selector;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub use bgp_configuration::{
    Aggregation, BgpConfigurationSpec, BindMode, LogSeverity, NamedCommunity, PrefixAdvertisement,
    ProgramClusterRoutes, ServiceBlock,
};
pub use bgp_peer::{BgpPeerSpec, LocalSide, NextHopMode, PeerIp, RemoteSide, ReversePeering, SourceAddress};
pub use duration::GoDuration;
pub use ip_pool::{AllowedUse, AssignmentMode, Encap, IpPoolSpec, PoolCidr};
pub use node::{HostAddr, NodeAddress, NodeBgp, NodeSpec, NodeWireguard, OrchRef};
pub use object::{List, Metadata, Object, Spec, Valid};
pub use selector::LabelSelector;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{FieldError, Problem};
use crate::name::Name;

pub use crate::kind::Kind;

/// A resource of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Resource {
    /// An IPPool.
    IpPool(Box<Object<IpPoolSpec>>),
    /// A Node.
    Node(Box<Object<NodeSpec>>),
    /// A BGPConfiguration.
    BgpConfiguration(Box<Object<BgpConfigurationSpec>>),
    /// A BGPPeer.
    BgpPeer(Box<Object<BgpPeerSpec>>),
}

impl Resource {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::IpPool(_) => Kind::IpPool,
            Self::Node(_) => Kind::Node,
            Self::BgpConfiguration(_) => Kind::BgpConfiguration,
            Self::BgpPeer(_) => Kind::BgpPeer,
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::IpPool(object) => object.name(),
            Self::Node(object) => object.name(),
            Self::BgpConfiguration(object) => object.name(),
            Self::BgpPeer(object) => object.name(),
        }
    }
}

impl From<Object<IpPoolSpec>> for Resource {
    fn from(object: Object<IpPoolSpec>) -> Self {
        Self::IpPool(Box::new(object))
    }
}

impl From<Object<NodeSpec>> for Resource {
    fn from(object: Object<NodeSpec>) -> Self {
        Self::Node(Box::new(object))
    }
}

impl From<Object<BgpConfigurationSpec>> for Resource {
    fn from(object: Object<BgpConfigurationSpec>) -> Self {
        Self::BgpConfiguration(Box::new(object))
    }
}

impl From<Object<BgpPeerSpec>> for Resource {
    fn from(object: Object<BgpPeerSpec>) -> Self {
        Self::BgpPeer(Box::new(object))
    }
}

/// The first look at a document: its version and its kind, which say how to read it as a whole.
///
/// Two looks instead of one, so that the second deserializes straight into the types of the kind: a wrapper such as
/// `serde_ignored` or `serde_path_to_error` then sees every field.
///
/// ```
/// use bgp_cluster::resource::Header;
///
/// let text = r#"{"apiVersion":"projectcalico.org/v3","kind":"Node","metadata":{"name":"a"},"spec":{}}"#;
/// let header: Header = serde_json::from_str(text)?;
/// let resources = header.read(&mut serde_json::Deserializer::from_str(text))?;
/// assert_eq!(resources[0].name().as_str(), "a");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "RawHeader")]
pub struct Header {
    kind: Kind,
    list: bool,
}

impl Header {
    /// The kind of the resource or resources.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Whether the document is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.list
    }

    /// Reads the document that the header is of.
    ///
    /// # Errors
    ///
    /// Those of the format, and those of the kind as [`FieldError`] texts.
    pub fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Resource>, D::Error> {
        match self.kind {
            Kind::IpPool => self.read_as::<IpPoolSpec, D>(deserializer),
            Kind::Node => self.read_as::<NodeSpec, D>(deserializer),
            Kind::BgpConfiguration => self.read_as::<BgpConfigurationSpec, D>(deserializer),
            Kind::BgpPeer => self.read_as::<BgpPeerSpec, D>(deserializer),
        }
    }

    fn read_as<'de, S, D>(self, deserializer: D) -> Result<Vec<Resource>, D::Error>
    where
        S: Spec,
        D: Deserializer<'de>,
        Resource: From<Object<S>>,
    {
        let items = if self.list {
            List::<S>::deserialize(deserializer)?.items
        } else {
            alloc::vec![Object::<S>::deserialize(deserializer)?]
        };
        Ok(items.into_iter().map(Resource::from).collect())
    }
}

/// A reference to a key of a Kubernetes secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecretRef {
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
}

/// A key of a Kubernetes secret; the secret itself is never read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecretKeyRef {
    /// The name of the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key in it.
    pub key: String,
    /// Whether the secret may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

#[derive(Deserialize)]
struct RawHeader {
    #[serde(rename = "apiVersion")]
    _api_version: object::ApiVersion,
    kind: String,
}

impl TryFrom<RawHeader> for Header {
    type Error = FieldError;

    fn try_from(raw: RawHeader) -> Result<Self, FieldError> {
        for kind in Kind::ALL {
            if raw.kind == kind.name() || raw.kind == kind.list_name() {
                return Ok(Self { kind, list: raw.kind == kind.list_name() });
            }
        }
        Err(FieldError::new("kind", raw.kind, Problem::UnknownKind))
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
