//! The store and the program on a real etcd: octets as Calico has them, pages, lost answers, exit codes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../cni-ipam/tests/support/folder.rs"]
mod folder;
#[path = "support/server.rs"]
mod server;

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cni_ipam::driver::{Driver, now};
use ipam_etcd::EtcdStore;
use ippool::key::Prefix;
use ippool::op::{AutoAssign, auto_assign, release_by_handle};
use ippool::store::{Answer, Request, Revision, Write};
use ippool::{Affinity, AffinityState, Attributes, Handle, Key, Owner, Pool, Resources, Store, Use, Value, drive};

use folder::Folder;
use server::Server;

fn start() -> Option<(Folder, Server, EtcdStore)> {
    let folder = Folder::new("etcd");
    let server = Server::start(&folder.path("data"))?;
    let mut store = EtcdStore::open(&[server.endpoint()]).unwrap();
    store.set_deadline(Instant::now().checked_add(Duration::from_secs(60)));
    Some((folder, server, store))
}

fn ipam(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipam-etcd"));
    let Output { status, stdout, stderr } =
        command.args(["--endpoints", &server.endpoint()]).args(arguments).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn calico_1_2_keys_and_values_in_etcd_are_calicos_octets() {
    let Some((_folder, server, mut store)) = start() else { return };
    let pool = Pool::new("p", "10.244.0.0/16".parse().unwrap());
    let resources = Arc::new(Resources::default().with_pool(pool).with_node("k8s-node1", [("", ""); 0]));
    let request = || {
        AutoAssign::new("k8s-node1", Use::Workload, now())
            .with_counts(1, 0)
            .with_attributes(Attributes::with_handle("k8s-pod-network.abc"))
    };
    assert!(drive(auto_assign(request(), &resources), &mut store).addresses().eq(["10.244.36.64/26".parse().unwrap()]));
    let value = |key: &str| {
        let octets = server.etcdctl(&["get", "--print-value-only", key]);
        String::from_utf8(octets).unwrap().trim_end_matches('\n').to_owned()
    };
    let handle = value("/calico/ipam/v2/handle/k8s-pod-network.abc");
    assert_eq!(handle, r#"{"block":{"10.244.36.64/26":1},"deleted":false}"#);
    let affinity = value("/calico/ipam/v2/host/k8s-node1/ipv4/block/10.244.36.64-26");
    assert_eq!(affinity, r#"{"state":"confirmed","deleted":false}"#);
    let block = value("/calico/ipam/v2/assignment/ipv4/block/10.244.36.64-26");
    assert!(block.starts_with(r#"{"cidr":"10.244.36.64/26","affinity":"host:k8s-node1","affinity_claim_time":""#));
    // One address more from the node's block: two reads and two writes, nothing else.
    let before = store.calls();
    let mut second = request();
    second.attributes = Arc::new(Attributes::with_handle("k8s-pod-network.def"));
    assert_eq!(drive(auto_assign(second, &resources), &mut store).addresses().count(), 1);
    assert_eq!(store.calls() - before, 4);
    for handle in ["k8s-pod-network.abc", "k8s-pod-network.def"] {
        assert_eq!(drive(release_by_handle(handle, &resources, now()), &mut store), Ok(()));
    }
}

#[test]
fn lists_come_in_pages_and_reads_together() {
    let Some((_folder, _server, mut store)) = start() else { return };
    let key = |number: u32| Key::Handle(format!("h{number:04}"));
    for number in 0..600 {
        let create = Write::Create(key(number), Value::Handle(Handle::default()));
        assert!(matches!(store.answer(&Request::Commit(create)), Answer::Committed(_)));
    }
    let before = store.calls();
    let Answer::Listed(found) = store.answer(&Request::List(Prefix::Handles)) else { panic!("{:?}", store.error()) };
    assert!(found.iter().map(|(key, _)| key.clone()).eq((0..600).map(key)));
    assert_eq!(store.calls() - before, 3, "pages of 256");
    let before = store.calls();
    let keys: Vec<Key> = (500..700).map(key).collect();
    let Answer::Objects(found) = store.answer(&Request::Read(keys)) else { panic!("{:?}", store.error()) };
    assert_eq!(found.iter().filter(|found| found.is_some()).count(), 100);
    assert_eq!((found.len(), store.calls() - before), (200, 2), "128 in a round trip");
    let both = Request::ReadAndList(vec![Key::Config, key(7)], Prefix::Virtuals);
    let before = store.calls();
    let Answer::ObjectsAndListed(found, listed) = store.answer(&both) else { panic!("{:?}", store.error()) };
    assert_eq!((found[0].is_some(), found[1].is_some(), listed.len()), (false, true, 0));
    assert_eq!(store.calls() - before, 1);
}

#[test]
fn calico_1_4_writes_compare_revisions() {
    let Some((_folder, _server, mut store)) = start() else { return };
    let key = Key::Affinity(Owner::host("n"), "10.0.0.0/26".parse().unwrap());
    let value = |state| Value::Affinity(Affinity::new(state));
    let create = Request::Commit(Write::Create(key.clone(), value(AffinityState::Pending)));
    let Answer::Committed(first) = store.answer(&create) else { panic!("{:?}", store.error()) };
    assert_eq!(store.answer(&create), Answer::Conflict);
    let update = |revision| Request::Commit(Write::Update(key.clone(), value(AffinityState::Confirmed), revision));
    let Answer::Committed(second) = store.answer(&update(first)) else { panic!("{:?}", store.error()) };
    assert!(second > first);
    assert_eq!(store.answer(&update(first)), Answer::Conflict);
    assert_eq!(store.answer(&update(Revision(u64::MAX))), Answer::Conflict);
    let delete = |revision| Request::Commit(Write::Delete(key.clone(), revision));
    assert_eq!(store.answer(&delete(first)), Answer::Conflict);
    assert!(matches!(store.answer(&delete(second)), Answer::Committed(_)));
    assert_eq!(store.answer(&Request::Read(vec![key.clone()])), Answer::Objects(vec![None]));
    assert_eq!(store.answer(&delete(second)), Answer::Conflict);
}

#[test]
fn a_server_that_is_away_is_waited_for_until_the_deadline() {
    let Some((_folder, mut server, mut store)) = start() else { return };
    let create = |id: &str| Request::Commit(Write::Create(Key::Handle(id.into()), Value::Handle(Handle::default())));
    assert!(matches!(store.answer(&create("a")), Answer::Committed(_)));
    server.stop(true);
    store.set_deadline(Instant::now().checked_add(Duration::from_millis(300)));
    assert_eq!(store.answer(&create("b")), Answer::Failed);
    assert!(store.failure().unwrap().starts_with("etcd does not answer in time"), "{:?}", store.failure());
    store.set_deadline(Instant::now().checked_add(Duration::from_secs(60)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            server.run();
        });
        assert!(matches!(store.answer(&create("c")), Answer::Committed(_)), "{:?}", store.failure());
    });
}

#[test]
fn the_program_assigns_shows_checks_and_releases_out_of_the_pools_in_etcd() {
    let Some((folder, server, _store)) = start() else { return };
    let put = |key: &str, value: &str| drop(server.etcdctl(&["put", key, value]));
    let resources = "/calico/resources/v3/projectcalico.org";
    let pool = r#"{"kind":"IPPool","apiVersion":"projectcalico.org/v3","metadata":{"name":"default"},
        "spec":{"cidr":"10.244.0.0/16","ipipMode":"Always","blockSize":26,"nodeSelector":"all()"}}"#;
    put(&format!("{resources}/ippools/default"), pool);
    for node in ["k8s-node1", "k8s-node2"] {
        let text = format!(r#"{{"kind":"Node","metadata":{{"name":"{node}"}},"spec":{{}}}}"#);
        put(&format!("{resources}/nodes/{node}"), &text);
    }
    let attributes = ["--attribute", "pod=web", "--attribute", "namespace=default"];
    let assign = [&["assign", "--node", "k8s-node1", "--handle", "h"][..], &attributes].concat();
    assert_eq!(ipam(&server, &assign), (Some(0), "10.244.36.64/26\n".into(), String::new()));
    let unknown = ipam(&server, &["assign", "--node", "nobody"]);
    assert_eq!((unknown.0, unknown.2.as_str()), (Some(1), "error: node nobody does not exist\n"));
    let one = ipam(&server, &["assign", "--node", "k8s-node2", "--ip", "10.244.36.70", "--handle", "borrowed"]);
    assert_eq!(one.0, Some(0), "{}", one.2);
    let (code, shown, _) = ipam(&server, &["show", "--show-blocks"]);
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("| IP Pool  | 10.244.0.0/16   |     65536 | 2 (0%)     | 0 (0%)       | 65534 (100%) |"),
        "{shown}"
    );
    assert!(
        shown.contains("| Block    | 10.244.36.64/26 |        64 | 2 (3%)     | 0 (0%)       | 62 (97%)     |"),
        "{shown}"
    );
    let (_, shown, _) = ipam(&server, &["show", "--show-borrowed"]);
    assert!(shown.contains("| 10.244.36.70 | k8s-node2      | 10.244.36.64/26 | k8s-node1   |"), "{shown}");
    let (code, shown, _) = ipam(&server, &["--output", "json", "show", "--ip", "10.244.36.64"]);
    assert_eq!(code, Some(0));
    assert!(shown.contains(r#""handle":"h""#) && shown.contains(r#""pod":"web""#), "{shown}");
    assert_eq!(ipam(&server, &["show", "--ip", "10.244.36.65"]).0, Some(1));
    assert_eq!(ipam(&server, &["check"]).0, Some(0));
    // What nobody uses is found, kept for its grace period, and gone after it.
    let inventory = folder.path("inventory.yaml");
    std::fs::write(&inventory, "used: {10.244.36.70: [vm]}\n").unwrap();
    let inventory = inventory.to_str().unwrap();
    let (code, found, _) = ipam(&server, &["check", "--inventory", inventory]);
    assert_eq!(code, Some(1));
    assert!(found.starts_with("allocated and not in use: 10.244.36.64, handle h\n"), "{found}");
    let (code, done, _) = ipam(&server, &["gc", "--grace", "1", "--inventory", inventory]);
    assert_eq!((code, done.as_str()), (Some(0), "address 10.244.36.64\n"));
    assert_eq!(ipam(&server, &["check", "--inventory", inventory]).0, Some(0));
    assert_eq!(ipam(&server, &["release", "10.244.36.64"]).0, Some(1), "it is released already");
    assert_eq!(ipam(&server, &["release-by-handle", "borrowed"]).0, Some(0));
    assert_eq!(ipam(&server, &["release-by-handle", "borrowed"]).0, Some(1));
    // Arguments, files and servers that are none.
    assert_eq!(ipam(&server, &["check", "--config", "/nonexistent"]).0, Some(2));
    assert_eq!(ipam(&server, &["assign", "--node"]).0, Some(2));
    let away = Command::new(env!("CARGO_BIN_EXE_ipam-etcd"))
        .args(["--endpoints", "http://127.0.0.1:1", "--timeout", "1", "check"])
        .output();
    assert_eq!(away.unwrap().status.code(), Some(3));
    // A corrupt block is named, by the store and by a dump of it.
    put("/calico/ipam/v2/assignment/ipv4/block/10.244.9.0-26", r#"{"cidr":"10.244.9.0/26","allocations":5}"#);
    let (code, found, _) = ipam(&server, &["check"]);
    assert_eq!(code, Some(1));
    let expected = "unusable object: /calico/ipam/v2/assignment/ipv4/block/10.244.9.0-26: field \"allocations\"";
    assert!(found.contains(expected), "{found}");
    for form in ["simple", "json"] {
        let dump = folder.path(form);
        std::fs::write(&dump, server.etcdctl(&["get", "--prefix", "/calico/ipam/", "-w", form])).unwrap();
        let pool = ["--pool", "10.244.0.0/16", "check", "--dump", dump.to_str().unwrap()];
        let (code, found, _) = ipam(&server, &pool);
        assert_eq!(code, Some(1), "{form}");
        assert!(found.contains(expected), "{form}: {found}");
    }
}

#[test]
fn cni_over_etcd() {
    let Some((folder, server, _store)) = start() else { return };
    let network = format!(
        r#"{{"cniVersion":"1.1.0","name":"lab","type":"ptp","ipam":{{"type":"cni-ipam-etcd","endpoints":["{}"],
        "lock":"{}","nodename":"n1","gcGrace":0,"pools":[{{"cidr":"10.7.0.0/24","blockSize":30}}]}},
        "cni.dev/valid-attachments":[]}}"#,
        server.endpoint(),
        folder.path("lock").display(),
    );
    let plugin = |command: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cni-ipam-etcd"));
        child.env("CNI_COMMAND", command).env("CNI_CONTAINERID", "c1").env("CNI_IFNAME", "eth0");
        child.env("CNI_NETNS", "/n").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = child.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), network.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command}: {text}");
        text
    };
    assert!(plugin("ADD").contains(r#""address":"10.7.0."#));
    assert_eq!(plugin("STATUS"), "");
    assert_eq!(plugin("GC"), "");
    assert_eq!(plugin("DEL"), "");
    let handles = server.etcdctl(&["get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/"]);
    assert!(handles.is_empty(), "GC took it back: {}", String::from_utf8_lossy(&handles));
}
