//! Reports of `calicoctl ipam check -o`, which `calicoctl ipam release --from-report` reads again.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::object;
use crate::audit::{AddressReport, Finding, Report};
use crate::invalid::DecodeError;

/// Writes a report: per address what is known about it, and the handles that count addresses that are not there.
/// `locked` says whether the datastore was locked meanwhile.
///
/// ```
/// use ippool::audit::Report;
/// use ippool::codec::{decode_report, encode_report};
/// let report = Report::default().with_cluster("b2a1");
/// let text = encode_report(&report, true);
/// assert!(text.starts_with(r#"{"clusterGUID":"b2a1","datastoreLocked":true,"allocations":{}"#));
/// assert_eq!(decode_report(text.as_bytes())?, (report, true));
/// # Ok::<(), ippool::DecodeError>(())
/// ```
#[must_use]
pub fn encode_report(report: &Report, locked: bool) -> String {
    let mut allocations: BTreeMap<String, Vec<Allocation>> = BTreeMap::new();
    for address in &report.addresses {
        allocations.entry(address.address.to_string()).or_default().push(Allocation::of(address));
    }
    let stale = report.findings.iter().filter_map(|finding| match finding {
        Finding::HandleCountsTooMuch { handle, .. } => Some(handle.clone()),
        _ => None,
    });
    let mut handles: Vec<String> = stale.collect();
    handles.dedup();
    let cluster = report.cluster.clone().unwrap_or_default();
    let file = File { cluster, locked, allocations, handles };
    // Text keys and plain values: there is nothing that could fail.
    serde_json::to_string(&file).unwrap_or_default()
}

/// Reads a report, ours or one that calicoctl wrote, and whether the datastore was locked: its addresses in the order
/// of their texts, for [`in_all`](crate::audit::in_all). Findings are not in the file.
///
/// # Errors
/// [`DecodeError`] if it is not such a report.
///
/// ```
/// use ippool::codec::decode_report;
/// let report = br#"{"clusterGUID":"g","allocations":{"10.0.0.1":[{"ip":"10.0.0.1","handle":"h","sequenceNumber":7}]}}"#;
/// let (report, locked) = decode_report(report)?;
/// assert_eq!((report.leaks().count(), locked), (1, false));
/// assert!(decode_report(b"[]").is_err());
/// # Ok::<(), ippool::DecodeError>(())
/// ```
pub fn decode_report(text: &[u8]) -> Result<(Report, bool), DecodeError> {
    let file: File = object::from_json(text, &["clusterGUID", "datastoreLocked", "allocations", "leakedHandles"])?;
    let cluster = Some(file.cluster).filter(|cluster| !cluster.is_empty());
    let mut report = Report { cluster, ..Report::default() };
    for allocation in file.allocations.into_values().flatten() {
        report.addresses.push(allocation.into_report()?);
    }
    Ok((report, file.locked))
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(rename = "clusterGUID", default)]
    cluster: String,
    #[serde(rename = "datastoreLocked", default)]
    locked: bool,
    allocations: BTreeMap<String, Vec<Allocation>>,
    #[serde(rename = "leakedHandles", default)]
    handles: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Allocation {
    ip: String,
    handle: String,
    sequence_number: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pod: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    node: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    creation_timestamp: String,
    in_use: bool,
    borrowed: bool,
    cooling_down: bool,
    owners: Option<Vec<String>>,
    /// Ours; calicoctl ignores it.
    #[serde(skip_serializing_if = "String::is_empty")]
    block: String,
}

type Field = fn(&mut Allocation) -> &mut String;

/// The fields that are attributes of the owner, with the attributes' keys.
const ATTRIBUTES: [(&str, Field); 5] = [
    ("pod", |a| &mut a.pod),
    ("namespace", |a| &mut a.namespace),
    ("node", |a| &mut a.node),
    ("type", |a| &mut a.kind),
    ("timestamp", |a| &mut a.creation_timestamp),
];

impl Allocation {
    fn of(address: &AddressReport) -> Allocation {
        let mut allocation = Allocation {
            ip: address.address.to_string(),
            handle: address.handle.clone().unwrap_or_default(),
            sequence_number: address.sequence,
            in_use: address.in_use,
            borrowed: address.borrowed,
            cooling_down: address.cooling_down,
            owners: Some(address.users.clone()),
            block: address.block.to_string(),
            ..Allocation::default()
        };
        for (key, field) in ATTRIBUTES {
            field(&mut allocation).clone_from(address.attributes.get(key).unwrap_or(&String::new()));
        }
        allocation
    }

    fn into_report(mut self) -> Result<AddressReport, DecodeError> {
        let address: IpAddr = self.ip.parse().map_err(|_| DecodeError::Type("ip"))?;
        let mut attributes = BTreeMap::new();
        for (key, field) in ATTRIBUTES {
            let value = core::mem::take(field(&mut self));
            if !value.is_empty() {
                attributes.insert(key.into(), value);
            }
        }
        Ok(AddressReport {
            address,
            block: self.block.parse().unwrap_or_else(|_| IpNet::from(address)),
            handle: Some(self.handle).filter(|handle| !handle.is_empty()),
            sequence: self.sequence_number,
            attributes,
            in_use: self.in_use,
            cooling_down: self.cooling_down,
            borrowed: self.borrowed,
            users: self.owners.unwrap_or_default(),
        })
    }
}
