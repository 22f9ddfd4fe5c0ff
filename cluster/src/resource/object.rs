//! What all resources share: version, kind, metadata, specification, status, and lists of them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Deref;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::{FieldError, Problem};
use crate::name::Name;
use crate::resource::Kind;

/// The specification of one kind of resource: its fields and the rules between them.
///
/// The fields' types hold what concerns one field; [`Spec::rules`] holds what concerns several.
pub trait Spec: Serialize + for<'de> Deserialize<'de> {
    /// The kind.
    const KIND: Kind;

    /// The rules between the fields and the name.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, with field and value.
    fn rules(&self, name: &Name) -> Result<(), FieldError>;
}

/// A specification that keeps the rules of its kind: it reads as the specification, and cannot be changed in place.
///
/// ```
/// use bgp_cluster::resource::{Encap, IpPoolSpec, Object};
///
/// let spec = IpPoolSpec::new("10.244.0.0/16".parse()?);
/// let pool = Object::new("default-ipv4-ippool".parse()?, spec)?;
/// let mut both = pool.spec.clone().into_inner();
/// both.ipip_mode = Encap::Always;
/// both.vxlan_mode = Encap::Always;
/// assert_eq!(pool.with_spec(both).map_err(|e| e.to_string()), Err(r#"vxlanMode "Always" cannot stand beside ipipMode"#.into()));
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid<S>(S);

impl<S> Valid<S> {
    /// The specification, to be changed and checked again by [`Object::with_spec`].
    #[must_use]
    pub fn into_inner(self) -> S {
        self.0
    }
}

impl<S> Deref for Valid<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Serialize> Serialize for Valid<S> {
    fn serialize<Out: Serializer>(&self, serializer: Out) -> Result<Out::Ok, Out::Error> {
        self.0.serialize(serializer)
    }
}

/// One resource, as `calicoctl get <kind> <name> -o yaml` writes it.
///
/// What the server sets (`uid`, `resourceVersion`, `creationTimestamp`, .., `status`) is kept as it is.
/// A field of the specification that is not known is left out; wrap the deserializer in `serde_ignored` to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<S> {
    /// Name, labels and what the server adds.
    pub metadata: Metadata,
    /// The specification.
    pub spec: Valid<S>,
    /// What the server observed, kept as it is.
    pub status: Option<Value>,
}

impl<S: Spec> Object<S> {
    /// A resource without labels.
    ///
    /// # Errors
    ///
    /// A rule of the kind that the specification breaks.
    pub fn new(name: Name, spec: S) -> Result<Self, FieldError> {
        Self::from_parts(Metadata::new(name), spec, None)
    }

    /// The same resource with another specification.
    ///
    /// # Errors
    ///
    /// A rule of the kind that the specification breaks.
    pub fn with_spec(self, spec: S) -> Result<Self, FieldError> {
        Self::from_parts(self.metadata, spec, self.status)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.metadata.name
    }

    fn from_parts(metadata: Metadata, spec: S, status: Option<Value>) -> Result<Self, FieldError> {
        spec.rules(&metadata.name)?;
        Ok(Self { metadata, spec: Valid(spec), status })
    }
}

impl<S: Spec> Serialize for Object<S> {
    fn serialize<Out: Serializer>(&self, serializer: Out) -> Result<Out::Ok, Out::Error> {
        ObjectRef {
            api_version: ApiVersion,
            kind: KindTag::<S>::default(),
            metadata: &self.metadata,
            spec: &self.spec,
            status: &self.status,
        }
        .serialize(serializer)
    }
}

impl<'de, S: Spec> Deserialize<'de> for Object<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = ObjectParts::<S>::deserialize(deserializer)?;
        Self::from_parts(parts.metadata, parts.spec, parts.status).map_err(D::Error::custom)
    }
}

/// Resources of one kind, as `calicoctl get <kind> -o yaml` writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "S: Spec")]
pub struct List<S> {
    #[serde(default)]
    api_version: ApiVersion,
    #[serde(default)]
    kind: ListTag<S>,
    /// What the server adds (`resourceVersion`), kept as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// The resources.
    pub items: Vec<Object<S>>,
}

impl<S> List<S> {
    /// A list of these resources.
    #[must_use]
    pub fn new(items: Vec<Object<S>>) -> Self {
        Self { api_version: ApiVersion, kind: ListTag(PhantomData), metadata: None, items }
    }
}

/// Name, labels and annotations; whatever else is there is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The name, unique in its kind.
    pub name: Name,
    /// Labels, which selectors look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations, which nothing here looks at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What the server sets: `uid`, `resourceVersion`, `creationTimestamp` and so on.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Metadata {
    /// Metadata of a resource that no server has seen.
    #[must_use]
    pub fn new(name: Name) -> Self {
        Self { name, labels: BTreeMap::new(), annotations: BTreeMap::new(), extra: BTreeMap::new() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "S: Spec")]
struct ObjectRef<'a, S> {
    api_version: ApiVersion,
    kind: KindTag<S>,
    metadata: &'a Metadata,
    spec: &'a Valid<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: &'a Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "S: Spec")]
struct ObjectParts<S> {
    #[serde(default, rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(default, rename = "kind")]
    _kind: KindTag<S>,
    metadata: Metadata,
    spec: S,
    #[serde(default)]
    status: Option<Value>,
}

/// `projectcalico.org/v3` and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub(super) struct ApiVersion;

impl From<ApiVersion> for &'static str {
    fn from(_: ApiVersion) -> Self {
        API_VERSION
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        expect_text("apiVersion", &text, API_VERSION).map(|()| Self)
    }
}

/// The kind of `S` and nothing else.
#[derive(Debug)]
struct KindTag<S>(PhantomData<fn() -> S>);

/// The kind of a list of `S` and nothing else.
#[derive(Debug)]
struct ListTag<S>(PhantomData<fn() -> S>);

impl<S> Default for KindTag<S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<S> Default for ListTag<S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<S> Clone for ListTag<S> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<S> PartialEq for ListTag<S> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<S> Eq for ListTag<S> {}

impl<S: Spec> Serialize for KindTag<S> {
    fn serialize<Out: Serializer>(&self, serializer: Out) -> Result<Out::Ok, Out::Error> {
        serializer.serialize_str(S::KIND.name())
    }
}

impl<S: Spec> Serialize for ListTag<S> {
    fn serialize<Out: Serializer>(&self, serializer: Out) -> Result<Out::Ok, Out::Error> {
        serializer.serialize_str(S::KIND.list_name())
    }
}

impl<'de, S: Spec> Deserialize<'de> for KindTag<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        expect_text("kind", &text, S::KIND.name()).map_err(D::Error::custom)?;
        Ok(Self::default())
    }
}

impl<'de, S: Spec> Deserialize<'de> for ListTag<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        expect_text("kind", &text, S::KIND.list_name()).map_err(D::Error::custom)?;
        Ok(Self::default())
    }
}

fn expect_text(field: &'static str, text: &str, expected: &'static str) -> Result<(), FieldError> {
    if text == expected { Ok(()) } else { Err(FieldError::new(field, text, Problem::NotThis(expected))) }
}

/// The version of the resources here.
pub(super) const API_VERSION: &str = "projectcalico.org/v3";
