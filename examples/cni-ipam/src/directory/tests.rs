//! Files as they are written, killed and damaged.

use std::sync::atomic::{AtomicU32, Ordering};

use ippool::key::Prefix;
use ippool::{Config, Handle, Owner};

use super::*;

struct Lab(PathBuf);

impl Lab {
    fn new() -> Lab {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Lab(std::env::temp_dir().join(format!("directory-{}-{number}", std::process::id())))
    }

    fn store(&self) -> DirectoryStore {
        DirectoryStore::open(&self.0).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn handle(id: &str) -> Key {
    Key::Handle(id.into())
}

fn create(store: &mut DirectoryStore, id: &str) -> Answer {
    store.answer(&Request::Commit(Write::Create(handle(id), Value::Handle(Handle::default()))))
}

#[test]
fn calico_1_4_writes_compare_and_revisions_grow_over_all_keys() {
    let lab = Lab::new();
    let mut store = lab.store();
    assert_eq!(create(&mut store, "a"), Answer::Committed(Revision(1)));
    assert_eq!(create(&mut store, "a"), Answer::Conflict);
    assert_eq!(create(&mut store, "b"), Answer::Committed(Revision(2)));
    let update = |revision| Request::Commit(Write::Update(handle("a"), Value::Handle(Handle::default()), revision));
    assert_eq!(store.answer(&update(Revision(2))), Answer::Conflict);
    assert_eq!(lab.store().answer(&update(Revision(1))), Answer::Committed(Revision(3)));
    assert_eq!(store.answer(&Request::Commit(Write::Delete(handle("a"), Revision(1)))), Answer::Conflict);
    assert_eq!(store.answer(&Request::Commit(Write::Delete(handle("a"), Revision(3)))), Answer::Committed(Revision(4)));
    assert_eq!(store.answer(&Request::Read(vec![handle("a")])), Answer::Objects(vec![None]));
    assert_eq!(create(&mut store, "a"), Answer::Committed(Revision(5)));
    assert_eq!(store.answer(&update(Revision(1))), Answer::Conflict, "a deleted object's revision never comes back");
}

#[test]
fn calico_1_2_files_hold_calicos_octets() {
    let lab = Lab::new();
    let mut store = lab.store();
    store.answer(&Request::Commit(Write::Create(Key::Config, Value::Config(Config::default()))));
    create(&mut store, "k8s-pod-network.abc");
    let text = fs::read_to_string(lab.0.join("handle/k8s-pod-network.abc")).unwrap();
    assert_eq!(text, format!("2\n{}", encode_value(&Value::Handle(Handle::default())).unwrap()));
    assert!(lab.0.join("config/config").exists());
}

#[test]
fn lists_have_their_prefix_only_and_are_in_key_order() {
    let lab = Lab::new();
    let mut store = lab.store();
    let affinity = |node: &str, cidr: &str| Key::Affinity(Owner::host(node), cidr.parse().unwrap());
    let keys = [
        affinity("a", "10.0.0.64/26"),
        affinity("a", "10.0.0.0/26"),
        affinity("a", "fd00::/122"),
        affinity("a-b", "10.0.0.128/26"),
    ];
    for key in &keys {
        store.answer(&Request::Commit(Write::Create(
            key.clone(),
            Value::Affinity(ippool::Affinity::new(ippool::AffinityState::Pending)),
        )));
    }
    // What others leave there is not taken for an object.
    fs::write(lab.0.join("host/a%2fipv4%2fblock%2f10.0.0.192-26"), "1\n{}").unwrap();
    fs::write(lab.0.join("host/README"), "").unwrap();
    let mut list = |prefix: Prefix| match store.answer(&Request::List(prefix)) {
        Answer::Listed(found) => found.into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
        answer => panic!("{answer:?}"),
    };
    let v4 = Prefix::Affinities(Owner::host("a"), ippool::IpVersion::V4);
    assert_eq!(list(v4), [keys[1].clone(), keys[0].clone()]);
    assert_eq!(list(Prefix::Hosts).len(), 4);
    assert_eq!(list(Prefix::Virtuals), []);
}

#[test]
fn a_damaged_file_is_a_named_error_and_never_written() {
    let lab = Lab::new();
    let mut store = lab.store();
    for (id, text) in [("none", ""), ("foreign", "{}"), ("cut", "5\n{\"block\""), ("number", "x\n{}")] {
        fs::write(lab.0.join("handle").join(id), text).unwrap();
        let Answer::Objects(found) = store.answer(&Request::Read(vec![handle(id)])) else { panic!("no answer") };
        let found = found[0].as_ref().unwrap();
        assert!(matches!(found.value, Value::Invalid(_)), "{id}");
        assert_eq!(create(&mut store, id), Answer::Conflict);
        assert_eq!(fs::read_to_string(lab.0.join("handle").join(id)).unwrap(), text);
        let error = ippool::drive(ippool::op::ips_by_handle(id, ippool::UnixTime::default()), &mut store);
        assert!(error.unwrap_err().to_string().contains(&format!("/calico/ipam/v2/handle/{id}")));
    }
}

#[test]
fn what_a_killed_write_left_is_swept() {
    let lab = Lab::new();
    create(&mut lab.store(), "a");
    fs::write(lab.0.join("next"), "half of someth").unwrap();
    let mut store = lab.store();
    assert!(!lab.0.join("next").exists());
    fs::write(lab.0.join("next"), "something longer than what is written next, to be cut off").unwrap();
    assert_eq!(create(&mut store, "b"), Answer::Committed(Revision(2)));
    assert_eq!(fs::read(lab.0.join("handle/b")).unwrap().len(), fs::read(lab.0.join("handle/a")).unwrap().len());
}

#[test]
fn a_handle_that_is_no_name_of_a_file_is_an_error() {
    let lab = Lab::new();
    let mut store = lab.store();
    assert_eq!(create(&mut store, &"x".repeat(300)), Answer::Failed);
    assert!(store.failure().unwrap().ends_with("cannot be stored"));
    assert_eq!(create(&mut store, "a/../../b"), Answer::Committed(Revision(1)));
    assert!(lab.0.join("handle/a%2F..%2F..%2Fb").exists());
    store.set_deadline(Some(Instant::now()));
    assert_eq!(create(&mut store, "late"), Answer::Failed);
    assert_eq!(store.failure().unwrap(), "the time for the request is over");
}
