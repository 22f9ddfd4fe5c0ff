//! Stored records in every form: resources both ways, dumps, and records that are corrupt, foreign or cut off.
#![cfg(feature = "json")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ippool::audit::{Finding, Inventory, Snapshot, check};
use ippool::block::ReleaseItem;
use ippool::codec::{self, Api, decode_dump, decode_resource, encode_resource};
use ippool::op::{self, AutoAssign, StoreError};
use ippool::store::{Answer, Request, Write};
use ippool::{
    Affinity, AffinityState, Attributes, DecodeError, Key, MemoryStore, Owner, Pool, Resources, Store, UnixTime, Use,
    Value, drive,
};

fn now() -> UnixTime {
    UnixTime::from_secs(1_767_225_600)
}

fn resources() -> Arc<Resources> {
    let pool = Pool::new("p", "10.0.0.0/28".parse().unwrap()).with_block_len(30).unwrap();
    Arc::new(Resources::default().with_pool(pool).with_node("n1", [("", ""); 0]))
}

fn request(handle: &str) -> AutoAssign {
    AutoAssign::new("n1", Use::Workload, now()).with_counts(1, 0).with_attributes(Attributes::with_handle(handle))
}

fn used() -> MemoryStore {
    let mut store = MemoryStore::default();
    assert_eq!(drive(op::auto_assign(request("h"), &resources()), &mut store).addresses().count(), 1);
    store.put(Key::Config, Value::Config(ippool::Config::default()));
    store
}

#[test]
fn calico_1_2_resources_are_written_and_read_back_in_both_versions() {
    for (key, value) in used().iter() {
        for api in [Api::V1, Api::V3] {
            let text = encode_resource(api, &key, value, Some("17")).unwrap();
            let read = decode_resource(text.as_bytes()).unwrap();
            assert_eq!((&read.key, &read.value, read.resource_version.as_deref()), (&key, value, Some("17")), "{text}");
            assert_eq!(encode_resource(api, &read.key, &read.value, Some("17")), Some(text));
        }
    }
}

#[test]
fn calico_1_2_the_texts_of_resources() {
    let claim = Key::Affinity(Owner::host("n1"), "10.0.0.0/26".parse().unwrap());
    let value = Value::Affinity(Affinity::new(AffinityState::Confirmed));
    let text = encode_resource(Api::V1, &claim, &value, None).unwrap();
    assert!(text.ends_with(
        r#""spec":{"state":"confirmed","node":"n1","type":"host","cidr":"10.0.0.0/26","deleted":"false"}}"#
    ));
    assert!(text.starts_with(
        r#"{"apiVersion":"crd.projectcalico.org/v1","kind":"BlockAffinity","metadata":{"name":"n1-10-0-0-0-26","labels":{"#
    ));
    let text = encode_resource(Api::V3, &claim, &value, None).unwrap();
    assert!(text.ends_with(r#""type":"host","cidr":"10.0.0.0/26"}}"#), "{text}");
    let config = Value::Config(ippool::Config::default());
    assert_eq!(
        encode_resource(Api::V3, &Key::Config, &config, None).unwrap(),
        concat!(
            r#"{"apiVersion":"projectcalico.org/v3","kind":"IPAMConfiguration","metadata":{"name":"default"},"#,
            r#""spec":{"strictAffinity":false,"autoAllocateBlocks":true,"kubeVirtVMAddressPersistence":"Enabled"}}"#
        )
    );
}

#[test]
fn calico_1_2_resources_of_old_releases_are_read() {
    let block = br#"{"kind":"IPAMBlock","metadata":{"name":"10-0-0-0-31"},"spec":{"cidr":"10.0.0.0/31","affinity":"host:n1",
        "strictAffinity":true,"allocations":[0,null],"unallocated":[1],"attributes":[{"handle_id":"h"}],"deleted":false}}"#;
    let read = decode_resource(block).unwrap();
    let Value::Block(block) = &read.value else { panic!("{read:?}") };
    assert_eq!((block.affinity(), block.free_queue()), (Some(&Owner::host("n1")), &[1][..]));
    let handle = br#"{"kind":"IPAMHandle","metadata":{"name":"h.1"},"spec":{"block":{"10.0.0.0/31":1}}}"#;
    assert_eq!(decode_resource(handle).unwrap().key, Key::Handle("h.1".into()));
    let claim = br#"{"kind":"BlockAffinity","spec":{"state":"","node":"n1","cidr":"10.0.0.1/31","deleted":"true"}}"#;
    let read = decode_resource(claim).unwrap();
    assert_eq!(read.key, Key::Affinity(Owner::host("n1"), "10.0.0.0/31".parse().unwrap()));
    assert!(read.value.is_deleted());
}

#[test]
fn calico_1_2_wrong_resources_name_their_field() {
    for (text, field) in [
        (r#"{"kind":"Pod","spec":{}}"#, "kind"),
        (r#"{"kind":"IPAMHandle"}"#, "spec"),
        (r#"{"kind":"IPAMHandle","spec":{"block":{}}}"#, "handleID"),
        (r#"{"kind":"IPAMHandle","spec":{"handleID":1}}"#, "handleID"),
        (r#"{"kind":"BlockAffinity","spec":{"node":"n","cidr":"10.0.0.0"}}"#, "cidr"),
        (r#"{"kind":"BlockAffinity","spec":{"cidr":"10.0.0.0/26"}}"#, "node"),
        (r#"{"kind":"BlockAffinity","spec":{"node":"n","cidr":"10.0.0.0/26","deleted":"perhaps"}}"#, "deleted"),
        (r#"{"kind":"BlockAffinity","spec":{"node":"n","cidr":"10.0.0.0/26","type":"x"}}"#, "type"),
        (r#"{"kind":"BlockAffinity","spec":{"node":"n","cidr":"10.0.0.0/26","state":"x"}}"#, "state"),
        (r#"{"kind":"IPAMConfig","spec":{"maxBlocksPerHost":-1}}"#, "maxBlocksPerHost"),
    ] {
        assert_eq!(decode_resource(text.as_bytes()).unwrap_err().field(), Some(field), "{text}");
    }
    let pool = br#"{"metadata":{"name":"p"},"spec":{"cidr":"10.0.0.0/16","blockSize":15}}"#;
    assert_eq!(codec::decode_pool(pool), Err(DecodeError::Unknown("blockSize")));
}

/// A store as `etcdctl get --prefix` prints it.
fn dump(store: &MemoryStore) -> String {
    let lines = store.iter().map(|(key, value)| format!("{key}\n{}\n", codec::encode_value(value).unwrap()));
    lines.collect()
}

#[test]
fn a_dump_of_etcd_is_the_input_of_a_check() {
    let store = used();
    let mut text = String::from("/calico/resources/v3/projectcalico.org/ippools/p\n{\"kind\":\"IPPool\"}\n");
    text.push_str(&dump(&store));
    let snapshot = Snapshot::new(decode_dump(text.as_bytes()).unwrap(), now());
    let inventory = Inventory::default().with_node("n1");
    let address = snapshot.blocks.values().next().unwrap().by_handle("h").remove(0);
    let report = check(&snapshot, &inventory, &resources());
    assert_eq!(report.findings, [Finding::NotInUse { address, handle: Some("h".into()) }]);
    assert!(check(&snapshot, &inventory.with_use(address, "Workload(x/p)"), &resources()).is_clean());
}

#[test]
fn a_dump_with_w_json_gives_the_same_objects_with_their_revisions() {
    // The key and value of `/calico/ipam/v2/handle/h`.
    let text = concat!(
        r#"{"header":{"revision":9},"kvs":[{"key":"L2NhbGljby9pcGFtL3YyL2hhbmRsZS9o","create_revision":3,"mod_revision":7,"#,
        r#""version":1,"value":"eyJibG9jayI6eyIxMC4wLjAuMC8yNiI6MX0sImRlbGV0ZWQiOmZhbHNlfQ=="}],"count":1}"#
    );
    let objects = decode_dump(text.as_bytes()).unwrap();
    assert_eq!(objects.len(), 1);
    let (key, stored) = objects.into_iter().next().unwrap();
    assert_eq!((key, stored.revision.0), (Key::Handle("h".into()), 7));
    assert_eq!(decode_dump(br#"{"kvs":[{"key":"?"}]}"#), Err(DecodeError::Type("key")));
    assert_eq!(decode_dump(b"no key\n"), Err(DecodeError::Missing("key")));
}

/// A store that must not be written at one key.
struct Guarded<'k> {
    store: MemoryStore,
    key: &'k Key,
}

impl Store for Guarded<'_> {
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.store.answer(request);
        if let (Request::Commit(write), Answer::Committed(_)) = (request, &answer) {
            let (Write::Create(key, _) | Write::Update(key, ..) | Write::Delete(key, _)) = write;
            assert_ne!(key, self.key, "a record that cannot be read was written");
        }
        answer
    }
}

fn names(error: &StoreError, key: &Key) -> bool {
    matches!(error, StoreError::BadValue(bad) if bad.key == *key)
}

#[test]
fn calico_1_3_a_record_cut_off_anywhere_is_an_error_that_names_its_key_and_is_never_written() {
    let (store, resources) = (used(), resources());
    let address = store.iter().find_map(|(_, value)| match value {
        Value::Block(block) => block.by_handle("h").first().copied(),
        _ => None,
    });
    let address = address.unwrap();
    for (key, value) in store.iter() {
        let text = codec::encode_value(value).unwrap();
        for cut in 1..text.len() {
            let Err(error) = codec::decode_value(&key, &text.as_bytes()[..cut]) else { panic!("{cut} of {text}") };
            assert!(!error.to_string().is_empty());
        }
        let mut store = store.clone();
        store.put(key.clone(), Value::Invalid(DecodeError::NoObject));
        let mut store = Guarded { store, key: &key };
        let assigned = drive(op::auto_assign(request("h"), &resources), &mut store);
        if matches!(key, Key::Config | Key::Handle(_)) {
            assert!(matches!(&assigned.error, Some(op::AutoAssignError::Store(error)) if names(error, &key)), "{key}");
        }
        let released = drive(op::release_by_handle("h", &resources, now()), &mut store);
        match &released {
            Ok(()) => assert!(matches!(key, Key::Affinity(..)), "{key}"),
            Err(op::HandleError::Store(error)) => assert!(names(error, &key), "{key}: {error}"),
            Err(other) => panic!("{key}: {other}"),
        }
        drive(op::release_ips(&[ReleaseItem::new(address)], &resources, now()), &mut store);
        drive(op::release_host_affinities(Owner::host("n1"), false, now()), &mut store).ok();
        drive(op::claim_affinity("10.0.0.0/28".parse().unwrap(), Owner::host("n1"), &resources, now()), &mut store);
        drive(op::sweep(now()), &mut store);
        let snapshot = drive(op::snapshot(now()), &mut store).unwrap();
        assert_eq!(snapshot.bad.iter().filter(|bad| bad.key == key).count(), 1);
        let report = check(&snapshot, &Inventory::default().with_node("n1"), &resources);
        assert!(report.findings.iter().any(|finding| matches!(finding, Finding::BadValue(bad) if bad.key == key)));
    }
}
