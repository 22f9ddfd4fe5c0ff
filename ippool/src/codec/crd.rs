//! The forms of Kubernetes resources: `crd.projectcalico.org/v1`, and `projectcalico.org/v3` where that differs.
//!
//! Fields stand under `spec`, in Calico's order and without blanks; what only Kubernetes knows (`uid`, labels of others)
//! is not kept. Both versions are read, and the forms of old releases with them.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{block, json, name, object};
use super::{cidr_name, handle_name, key};
use crate::invalid::DecodeError;
use crate::pool::{Pool, Use};
use crate::{Affinity, Key, Owner, Reservations, Value};

/// The version of the API a resource is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// `crd.projectcalico.org/v1`: what Calico stores.
    V1,
    /// `projectcalico.org/v3`: what its API server shows.
    V3,
}

/// A resource as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// What it is about.
    pub key: Key,
    /// What it says.
    pub value: Value,
    /// `metadata.resourceVersion`, for the next write.
    pub resource_version: Option<String>,
    /// `metadata.uid`, for a delete.
    pub uid: Option<String>,
}

/// Writes an `IPAMBlock`, `BlockAffinity`, `IPAMHandle` or `IPAMConfig` with its name, an affinity with its labels too;
/// `resource_version` is what was read, for an update. None for a value that does not belong to the key, and for host
/// records, which Kubernetes does not have.
///
/// ```
/// use ippool::codec::{encode_resource, Api};
/// use ippool::{Config, Key, Value};
/// let text = encode_resource(Api::V1, &Key::Config, &Value::Config(Config::default()), None);
/// assert!(text.is_some_and(|text| text.starts_with(r#"{"apiVersion":"crd.projectcalico.org/v1","kind":"IPAMConfig""#)));
/// ```
#[must_use]
pub fn encode_resource(api: Api, key: &Key, value: &Value, resource_version: Option<&str>) -> Option<String> {
    let (kind, id, spec) = match (key, value) {
        (Key::Block(cidr), Value::Block(stored)) => {
            (Kind::Block, cidr_name(cidr), block::encode_spec(stored, api == Api::V1))
        }
        (Key::Affinity(owner, cidr), Value::Affinity(affinity)) => {
            let id = name::affinity_name(owner.name(), &cidr_name(cidr));
            (Kind::Affinity, id, affinity_spec(api, owner, &cidr.trunc().to_string(), affinity))
        }
        (Key::Handle(id), Value::Handle(handle)) => {
            let rest = object::encode_handle(handle);
            let mut spec = String::from("{");
            json::string(id, json::member("handleID", &mut spec));
            spec.push(',');
            spec.push_str(rest.strip_prefix('{')?);
            (Kind::Handle, handle_name(id), spec)
        }
        (Key::Config, Value::Config(config)) => {
            let spec = object::encode_config_spec(config);
            (if api == Api::V1 { Kind::Config } else { Kind::Configuration }, "default".to_owned(), spec)
        }
        _ => return None,
    };
    let mut text = String::from("{");
    json::string(api.name(), json::member("apiVersion", &mut text));
    json::string(kind.name(), json::member("kind", &mut text));
    let metadata = json::member("metadata", &mut text);
    metadata.push('{');
    json::string(&id, json::member("name", metadata));
    if let Some(version) = resource_version {
        json::string(version, json::member("resourceVersion", metadata));
    }
    if let Key::Affinity(owner, cidr) = key {
        let labels = name::affinity_labels(owner, cidr);
        let entries = labels.iter().map(|(label, value)| (*label, value.as_str()));
        json::map(Some(entries), json::string, json::member("labels", metadata));
    }
    metadata.push('}');
    json::member("spec", &mut text).push_str(&spec);
    text.push('}');
    Some(text)
}

/// Reads an `IPAMBlock`, `BlockAffinity`, `IPAMHandle`, `IPAMConfig` or `IPAMConfiguration` of either version.
///
/// # Errors
/// [`DecodeError`]; an unknown kind is [`DecodeError::Unknown`] of the field `kind`.
///
/// ```
/// use ippool::codec::decode_resource;
/// let text = br#"{"kind":"BlockAffinity","metadata":{"name":"x"},
///     "spec":{"state":"confirmed","node":"n1","cidr":"10.0.0.0/26","deleted":"false"}}"#;
/// assert_eq!(decode_resource(text)?.key.to_string(), "/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26");
/// # Ok::<(), ippool::DecodeError>(())
/// ```
pub fn decode_resource(text: &[u8]) -> Result<Resource, DecodeError> {
    let Envelope { kind, metadata, spec } = object::from_json(text, &["kind", "metadata", "spec"])?;
    let kind = kind.ok_or(DecodeError::Missing("kind"))?;
    let kind = KINDS.iter().find(|(_, name)| *name == kind).ok_or(DecodeError::Unknown("kind"))?.0;
    let mut spec = spec.ok_or(DecodeError::Missing("spec"))?;
    let metadata = metadata.unwrap_or_default();
    let (key, value) = match kind {
        Kind::Block => {
            rename(&mut spec, &[("affinityClaimTime", "affinity_claim_time")]);
            let stored = block::decode_block(&as_text(spec))?;
            (Key::Block(stored.cidr()), Value::Block(Arc::new(stored)))
        }
        Kind::Affinity => read_affinity(spec)?,
        Kind::Handle => {
            // Old resources have the id in their name only.
            let id = match spec.get("handleID") {
                None => metadata.name.ok_or(DecodeError::Missing("handleID"))?,
                Some(Json::String(id)) => id.clone(),
                Some(_) => return Err(DecodeError::Type("handleID")),
            };
            (Key::Handle(id), Value::Handle(object::decode_handle(&as_text(spec))?))
        }
        Kind::Config | Kind::Configuration => {
            let old = [("strictAffinity", "strict_affinity"), ("autoAllocateBlocks", "auto_allocate_blocks")];
            rename(&mut spec, &old);
            (Key::Config, Value::Config(object::decode_config(&as_text(spec))?))
        }
    };
    Ok(Resource { key, value, resource_version: metadata.resource_version, uid: metadata.uid })
}

/// Adds the three labels to a node's `BlockAffinity` of an old release, by which new ones list them; none if the resource is
/// another node's, or has them. Everything else in it stays; a driver repeats a lost write with a delay of 100 ms that
/// doubles.
///
/// # Errors
/// [`DecodeError`] that names the field.
///
/// ```
/// use ippool::codec::upgrade_affinity;
/// let old = br#"{"kind":"BlockAffinity","metadata":{"name":"x"},"spec":{"state":"confirmed","node":"n1","cidr":"10.0.0.0/26"}}"#;
/// let new = upgrade_affinity("n1", old)?.unwrap_or_default();
/// assert!(new.contains(r#""projectcalico.org/affinity-type":"host""#));
/// assert_eq!(upgrade_affinity("n1", new.as_bytes())?, None);
/// assert_eq!(upgrade_affinity("n2", old)?, None);
/// # Ok::<(), ippool::DecodeError>(())
/// ```
#[doc(alias = "UpgradeHost")]
pub fn upgrade_affinity(node: &str, text: &[u8]) -> Result<Option<String>, DecodeError> {
    let Key::Affinity(owner, cidr) = decode_resource(text)?.key else { return Err(DecodeError::Unknown("kind")) };
    if owner != Owner::host(node) {
        return Ok(None);
    }
    let mut resource: Map<String, Json> = object::from_json(text, &[])?;
    let metadata = resource.entry("metadata").or_insert_with(|| Json::Object(Map::new()));
    let metadata = metadata.as_object_mut().ok_or(DecodeError::Type("metadata"))?;
    let labels = metadata.entry("labels").or_insert_with(|| Json::Object(Map::new()));
    if labels.is_null() {
        *labels = Json::Object(Map::new());
    }
    let labels = labels.as_object_mut().ok_or(DecodeError::Type("labels"))?;
    if labels.contains_key("projectcalico.org/affinity-type") {
        return Ok(None);
    }
    for (label, value) in name::affinity_labels(&owner, &cidr) {
        labels.insert(label.into(), Json::String(value));
    }
    Ok(Some(Json::Object(resource).to_string()))
}

/// Writes what the allocator knows of an `IPPool`; what else its resource says (encapsulation, NAT) is the cluster's.
///
/// ```
/// use ippool::codec::{decode_pool, encode_pool, Api};
/// let pool = ippool::Pool::new("p", "10.0.0.0/16".parse()?).with_node_selector("zone == 'a'");
/// assert_eq!(decode_pool(encode_pool(Api::V1, &pool).as_bytes())?, pool);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn encode_pool(api: Api, pool: &Pool) -> String {
    let mut text = head(api, "IPPool", pool.name());
    let spec = json::member("spec", &mut text);
    spec.push('{');
    json::string(&pool.written_cidr().to_string(), json::member("cidr", spec));
    if pool.is_disabled() {
        json::boolean(true, json::member("disabled", spec));
    }
    json::number(pool.block_len().into(), json::member("blockSize", spec));
    json::string(pool.node_selector(), json::member("nodeSelector", spec));
    if let Some(selector) = pool.namespace_selector() {
        json::string(selector, json::member("namespaceSelector", spec));
    }
    let uses = USES.iter().filter(|(used_for, _)| pool.allows(*used_for)).map(|(_, name)| *name);
    json::list(Some(uses), json::string, json::member("allowedUses", spec));
    json::string(if pool.is_automatic() { "Automatic" } else { "Manual" }, json::member("assignmentMode", spec));
    text.push_str("}}");
    text
}

/// Reads what the allocator needs of an `IPPool`; missing fields have Calico's defaults.
///
/// # Errors
/// [`DecodeError`] that names the field.
pub fn decode_pool(text: &[u8]) -> Result<Pool, DecodeError> {
    let resource: PoolResource = object::from_json(text, &["metadata", "spec"])?;
    let spec = object::from_json::<PoolSpec>(
        &as_text(resource.spec.ok_or(DecodeError::Missing("spec"))?),
        &["cidr", "disabled", "blockSize", "nodeSelector", "namespaceSelector", "allowedUses", "assignmentMode"],
    )?;
    let name = resource.metadata.and_then(|metadata| metadata.name).ok_or(DecodeError::Missing("name"))?;
    let cidr = spec.cidr.as_deref().and_then(|cidr| cidr.parse().ok()).ok_or(DecodeError::Cidr("cidr"))?;
    let mut pool = Pool::new(name, cidr).with_disabled(spec.disabled.unwrap_or(false));
    if let Some(len) = spec.block_size.filter(|len| *len != 0) {
        pool = pool.with_block_len(len).map_err(|_| DecodeError::Unknown("blockSize"))?;
    }
    if let Some(selector) = spec.node_selector {
        pool = pool.with_node_selector(&selector);
    }
    if let Some(selector) = spec.namespace_selector {
        pool = pool.with_namespace_selector(&selector);
    }
    if let Some(uses) = spec.allowed_uses.filter(|uses| !uses.is_empty()) {
        let known = |text: &String| USES.iter().find(|(_, name)| name == text).map(|(used_for, _)| *used_for);
        let uses: Option<alloc::vec::Vec<Use>> = uses.iter().map(known).collect();
        pool = pool.with_uses(uses.ok_or(DecodeError::Unknown("allowedUses"))?);
    }
    match spec.assignment_mode.as_deref() {
        None | Some("" | "Automatic") => Ok(pool),
        Some("Manual") => Ok(pool.with_automatic(false)),
        Some(_) => Err(DecodeError::Unknown("assignmentMode")),
    }
}

/// Writes reservations as one `IPReservation`.
///
/// ```
/// use ippool::codec::{decode_reservation, encode_reservation, Api};
/// let reserved = ippool::Reservations::parse(["10.0.0.0/30", "fd00::1"]);
/// let text = encode_reservation(Api::V3, "r", &reserved);
/// assert!(text.ends_with(r#""spec":{"reservedCIDRs":["10.0.0.0/30","fd00::1/128"]}}"#));
/// assert_eq!(decode_reservation(text.as_bytes())?, reserved);
/// # Ok::<(), ippool::DecodeError>(())
/// ```
#[must_use]
pub fn encode_reservation(api: Api, name: &str, reserved: &Reservations) -> String {
    let mut text = head(api, "IPReservation", name);
    let spec = json::member("spec", &mut text);
    spec.push('{');
    let cidrs = reserved.cidrs().iter().map(ToString::to_string);
    json::list(Some(cidrs), |cidr, out| json::string(&cidr, out), json::member("reservedCIDRs", spec));
    text.push_str("}}");
    text
}

/// Reads an `IPReservation`; malformed CIDRs are left out, as in Calico.
///
/// # Errors
/// [`DecodeError`] that names the field.
pub fn decode_reservation(text: &[u8]) -> Result<Reservations, DecodeError> {
    #[derive(Deserialize)]
    struct Outer {
        spec: Option<Spec>,
    }
    #[derive(Deserialize)]
    struct Spec {
        #[serde(rename = "reservedCIDRs")]
        cidrs: Option<alloc::vec::Vec<String>>,
    }
    let outer: Outer = object::from_json(text, &["spec"])?;
    let cidrs = outer.spec.and_then(|spec| spec.cidrs).unwrap_or_default();
    Ok(Reservations::parse(cidrs.iter().map(String::as_str)))
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Api::V1 => "crd.projectcalico.org/v1",
            Api::V3 => "projectcalico.org/v3",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Affinity,
    Handle,
    Config,
    Configuration,
}

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| *name)
    }
}

/// The kinds and their names.
const KINDS: [(Kind, &str); 5] = [
    (Kind::Block, "IPAMBlock"),
    (Kind::Affinity, "BlockAffinity"),
    (Kind::Handle, "IPAMHandle"),
    (Kind::Config, "IPAMConfig"),
    (Kind::Configuration, "IPAMConfiguration"),
];

/// The uses of a pool and their names.
const USES: [(Use, &str); 3] =
    [(Use::Workload, "Workload"), (Use::Tunnel, "Tunnel"), (Use::LoadBalancer, "LoadBalancer")];

fn head(api: Api, kind: &str, name: &str) -> String {
    let mut text = String::from("{");
    json::string(api.name(), json::member("apiVersion", &mut text));
    json::string(kind, json::member("kind", &mut text));
    let metadata = json::member("metadata", &mut text);
    metadata.push('{');
    json::string(name, json::member("name", metadata));
    metadata.push('}');
    text
}

/// In version 1 `deleted` is a text, for the sake of releases that took it for one.
fn affinity_spec(api: Api, owner: &Owner, cidr: &str, affinity: &Affinity) -> String {
    let mut spec = String::from("{");
    json::string(object::state_name(affinity.state), json::member("state", &mut spec));
    json::string(owner.name(), json::member("node", &mut spec));
    json::string(owner.kind(), json::member("type", &mut spec));
    json::string(cidr, json::member("cidr", &mut spec));
    match api {
        Api::V1 => json::string(if affinity.deleted { "true" } else { "false" }, json::member("deleted", &mut spec)),
        Api::V3 if affinity.deleted => json::boolean(true, json::member("deleted", &mut spec)),
        Api::V3 => {}
    }
    spec.push('}');
    spec
}

fn read_affinity(mut spec: Map<String, Json>) -> Result<(Key, Value), DecodeError> {
    let deleted = match spec.get("deleted") {
        None | Some(Json::Null) => false,
        Some(Json::Bool(deleted)) => *deleted,
        Some(Json::String(text)) => match text.as_str() {
            "true" => true,
            "false" | "" => false,
            _ => return Err(DecodeError::Unknown("deleted")),
        },
        Some(_) => return Err(DecodeError::Type("deleted")),
    };
    spec.insert("deleted".into(), Json::Bool(deleted));
    let text = |field: &'static str| match spec.get(field) {
        None | Some(Json::Null) => Ok(""),
        Some(Json::String(text)) => Ok(text.as_str()),
        Some(_) => Err(DecodeError::Type(field)),
    };
    let cidr = key::cidr(text("cidr")?).ok_or(DecodeError::Cidr("cidr"))?;
    let node = Some(text("node")?).filter(|node| !node.is_empty()).ok_or(DecodeError::Missing("node"))?;
    let owner = match text("type")? {
        // Before there were virtual owners there was no type.
        "" | "host" => Owner::host(node),
        "virtual" => Owner::Virtual(node.into()),
        _ => return Err(DecodeError::Unknown("type")),
    };
    let key = Key::Affinity(owner, cidr);
    Ok((key, Value::Affinity(object::decode_affinity(&as_text(spec))?)))
}

fn rename(spec: &mut Map<String, Json>, names: &[(&str, &str)]) {
    for (from, to) in names {
        if let Some(value) = spec.remove(*from) {
            spec.insert((*to).to_owned(), value);
        }
    }
}

fn as_text(spec: Map<String, Json>) -> alloc::vec::Vec<u8> {
    Json::Object(spec).to_string().into_bytes()
}

/// As stored.
#[derive(Deserialize)]
struct Envelope {
    kind: Option<String>,
    metadata: Option<Metadata>,
    spec: Option<Map<String, Json>>,
}

/// As stored.
#[derive(Default, Deserialize)]
struct Metadata {
    name: Option<String>,
    #[serde(rename = "resourceVersion")]
    resource_version: Option<String>,
    uid: Option<String>,
}

/// As stored.
#[derive(Deserialize)]
struct PoolResource {
    metadata: Option<Metadata>,
    spec: Option<Map<String, Json>>,
}

/// As stored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PoolSpec {
    cidr: Option<String>,
    disabled: Option<bool>,
    block_size: Option<u8>,
    node_selector: Option<String>,
    namespace_selector: Option<String>,
    allowed_uses: Option<alloc::vec::Vec<String>>,
    assignment_mode: Option<String>,
}
