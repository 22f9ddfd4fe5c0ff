//! Commands against a directory, in one process: results, error codes, and commands that die at every step.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use ippool::Store;
use ippool::store::{Answer, Request as Ask};

use super::*;

/// A folder of a test's own.
struct Lab(std::path::PathBuf);

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Lab {
    fn new() -> Lab {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Lab(std::env::temp_dir().join(format!("cni-{}-{number}", std::process::id())))
    }

    /// The configuration, with changes to it and to its part for addresses.
    fn network(&self, changes: Json, ipam: Json) -> Vec<u8> {
        let mut network = json!({
            "cniVersion": "1.1.0", "name": "lab", "type": "ptp",
            "ipam": {
                "type": "cni-ipam", "directory": self.0, "nodename": "n1", "gcGrace": 0,
                "pools": [{ "name": "p", "cidr": "10.7.0.0/24", "blockSize": 30 }],
                "gateways": ["10.7.0.1"],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        });
        let merge = |into: &mut Json, from: &Json| {
            for (key, value) in from.as_object().unwrap() {
                into[key] = value.clone();
            }
        };
        merge(&mut network, &changes);
        merge(&mut network["ipam"], &ipam);
        network.to_string().into_bytes()
    }

    fn run(&self, command: Command, container: &str, changes: Json, ipam: Json) -> Result<Option<Json>, Error> {
        let stores = Stores { etcd: Some(dying) };
        run(&request(command, container), &self.network(changes, ipam), &stores)
    }

    fn add(&self, container: &str) -> String {
        let result = self.run(Command::Add, container, json!({}), json!({})).unwrap().unwrap();
        result["ips"][0]["address"].as_str().unwrap().to_owned()
    }

    fn gc(&self, valid: Json) {
        let changes = json!({ "cni.dev/valid-attachments": valid });
        assert_eq!(self.run(Command::Gc, "", changes, json!({})), Ok(None));
    }

    /// Allocated addresses and handles, when nothing else is wrong.
    fn left(&self) -> (usize, usize) {
        let mut store = DirectoryStore::open(&self.0).unwrap();
        let snapshot = ippool::drive(ippool::op::snapshot(crate::driver::now()), &mut store).unwrap();
        let pool = ippool::Pool::new("p", "10.7.0.0/24".parse().unwrap());
        let mut inventory = ippool::audit::Inventory::default().with_node("n1");
        for block in snapshot.blocks.values() {
            let live = block.allocations().filter(|(_, attributes)| attributes.released_at.is_none());
            inventory.used.extend(live.map(|(at, _)| (block.address(at).unwrap(), vec![String::new()])));
        }
        let report = ippool::audit::check(&snapshot, &inventory, &Resources::default().with_pool(pool));
        assert_eq!(report.findings, []);
        (inventory.used.len(), snapshot.handles.len())
    }
}

fn request(command: Command, container: &str) -> Request {
    let arguments = [("K8S_POD_NAME", "web"), ("K8S_POD_NAMESPACE", "default")];
    let arguments = arguments.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Request { command, container: container.into(), interface: "eth0".into(), arguments }
}

/// A directory whose process dies before it carries out a request: `[DIRECTORY, REQUESTS BEFORE]`.
fn dying(endpoints: &[String]) -> Result<Box<dyn Driver>, String> {
    struct Dying(DirectoryStore, u32);
    impl Store for Dying {
        fn answer(&mut self, request: &Ask) -> Answer {
            match self.1.checked_sub(1) {
                Some(left) => {
                    self.1 = left;
                    self.0.answer(request)
                }
                None => Answer::Failed,
            }
        }
    }
    impl Driver for Dying {
        fn set_deadline(&mut self, _: Option<Instant>) {}
        fn failure(&self) -> Option<String> {
            Some("dead".into())
        }
    }
    let store = DirectoryStore::open(Path::new(&endpoints[0])).map_err(|error| error.to_string())?;
    Ok(Box::new(Dying(store, endpoints[1].parse().unwrap())))
}

#[test]
fn cni_add_gives_an_address_check_finds_it_and_del_takes_it_back_twice() {
    let lab = Lab::new();
    let result = lab.run(Command::Add, "c1", json!({}), json!({})).unwrap().unwrap();
    assert_eq!(result["cniVersion"], "1.1.0");
    assert_eq!(result["ips"][0]["gateway"], "10.7.0.1");
    assert_eq!(result["routes"], json!([{ "dst": "0.0.0.0/0" }]));
    let check = |previous: &Json| lab.run(Command::Check, "c1", json!({ "prevResult": previous }), json!({}));
    assert_eq!(check(&result), Ok(None));
    let other = json!({ "ips": [{ "address": "10.7.0.200/30" }] });
    assert_eq!(check(&other).unwrap_err().code, Code::Missing);
    for _ in 0..2 {
        assert_eq!(lab.run(Command::Del, "c1", json!({}), json!({})), Ok(None));
        assert_eq!(lab.left(), (0, 0));
    }
    assert_eq!(check(&result).unwrap_err().code, Code::Missing);
}

#[test]
fn cni_add_again_gives_the_same_address() {
    let lab = Lab::new();
    assert_eq!(lab.add("c1"), lab.add("c1"));
    assert_ne!(lab.add("c1"), lab.add("c2"));
    assert_eq!(lab.left(), (2, 2));
}

#[test]
fn cni_results_have_the_form_of_their_version() {
    let lab = Lab::new();
    for (version, family) in [("0.3.1", Some("4")), ("0.4.0", Some("4")), ("1.0.0", None), ("1.1.0", None)] {
        let result = lab.run(Command::Add, "c", json!({ "cniVersion": version }), json!({})).unwrap().unwrap();
        assert_eq!(result["cniVersion"], version);
        assert_eq!(result["ips"][0].get("version").and_then(Json::as_str), family, "{version}");
    }
}

#[test]
fn cni_both_versions_or_none() {
    let lab = Lab::new();
    let both = json!({
        "assign_ipv6": "true",
        "pools": [{ "cidr": "10.7.0.0/24", "blockSize": 30 }, { "cidr": "fd00::/120", "blockSize": 126 }],
    });
    let result = lab.run(Command::Add, "c1", json!({}), both).unwrap().unwrap();
    assert_eq!(result["ips"].as_array().unwrap().len(), 2);
    let without = lab.run(Command::Add, "c2", json!({}), json!({ "assign_ipv6": true })).unwrap_err();
    assert_eq!(without.code, Code::NoAddress);
    let mut store = DirectoryStore::open(&lab.0).unwrap();
    let kept = ippool::drive(ippool::op::ips_by_handle("lab.c2", crate::driver::now()), &mut store);
    assert_eq!(kept, Err(ippool::op::HandleError::NotFound), "the IPv4 address went back");
}

#[test]
fn cni_the_address_that_the_runtime_wants() {
    let lab = Lab::new();
    let wanted = json!({ "runtimeConfig": { "ips": ["10.7.0.9/24"] } });
    let result = lab.run(Command::Add, "c1", wanted.clone(), json!({ "prefixLengthV4": 32 })).unwrap().unwrap();
    assert_eq!(result["ips"][0]["address"], "10.7.0.9/32");
    let taken = lab.run(Command::Add, "c2", wanted, json!({})).unwrap_err();
    assert_eq!((taken.code, taken.details.as_str()), (Code::NoAddress, "address is already assigned"));
    assert_eq!(lab.left(), (1, 1));
}

#[test]
fn cni_errors_have_the_codes_of_the_specification() {
    let lab = Lab::new();
    let code = |command, changes, ipam| lab.run(command, "c1", changes, ipam).unwrap_err().code;
    assert_eq!(code(Command::Add, json!({ "cniVersion": "0.2.0" }), json!({})).number(), 1);
    assert_eq!(code(Command::Gc, json!({ "cniVersion": "1.0.0" }), json!({})).number(), 1);
    assert_eq!(code(Command::Status, json!({ "cniVersion": "1.0.0" }), json!({})).number(), 1);
    assert_eq!(code(Command::Check, json!({ "cniVersion": "0.3.1" }), json!({})).number(), 1);
    assert_eq!(code(Command::Add, json!({ "name": "/" }), json!({})).number(), 7);
    assert_eq!(code(Command::Add, json!({}), json!({ "assign_ipv4": false })).number(), 7);
    assert_eq!(code(Command::Add, json!({}), json!({ "ipv4_pools": ["nope"] })).number(), 7);
    assert_eq!(code(Command::Add, json!({}), json!({ "pools": [{ "cidr": "x" }] })).number(), 7);
    assert_eq!(code(Command::Check, json!({}), json!({})).number(), 7);
    assert_eq!(code(Command::Add, json!({}), json!({ "routes": 5 })).number(), 6);
    assert_eq!(code(Command::Add, json!({}), json!({ "directory": "/proc/self/nope" })).number(), 5);
    assert_eq!(run(&request(Command::Add, "c"), b"{", &Stores::default()).unwrap_err().code.number(), 6);
    let endpoints = lab.network(json!({}), json!({ "endpoints": ["http://127.0.0.1:1"] }));
    assert_eq!(run(&request(Command::Add, "c"), &endpoints, &Stores::default()).unwrap_err().code.number(), 2);
    let error = Error::new(Code::Later, "text", "more").to_json("1.1.0");
    assert_eq!(error, json!({ "cniVersion": "1.1.0", "code": 11, "msg": "text", "details": "more" }));
}

#[test]
fn cni_status_is_50_when_the_pool_is_full_and_add_is_100() {
    let lab = Lab::new();
    let small = json!({ "pools": [{ "name": "p", "cidr": "10.7.0.0/30", "blockSize": 30 }] });
    let run = |command, container: &str| lab.run(command, container, json!({}), small.clone());
    assert_eq!(run(Command::Status, ""), Ok(None));
    for container in ["a", "b", "c"] {
        assert!(run(Command::Add, container).is_ok());
    }
    assert_eq!(run(Command::Status, "").unwrap_err().code.number(), 50);
    let full = run(Command::Add, "d").unwrap_err();
    assert_eq!(full.code.number(), 100);
    assert!(full.details.starts_with("Assigned 0 out of 1 requested IPv4 addresses"), "{}", full.details);
    assert_eq!(lab.left(), (3, 3));
}

#[test]
fn cni_version_names_what_is_supported() {
    let result = run(&request(Command::Version, ""), br#"{"cniVersion":"0.4.0"}"#, &Stores::default());
    let result = result.unwrap().unwrap();
    assert_eq!(result["cniVersion"], "0.4.0");
    assert_eq!(result["supportedVersions"].as_array().unwrap().last().unwrap(), "1.1.0");
}

#[test]
fn cni_gc_keeps_valid_attachments_and_other_networks() {
    let lab = Lab::new();
    let kept = lab.add("kept");
    lab.add("gone");
    // The network's name with a dot and the container's begin alike.
    lab.run(Command::Add, "c", json!({ "name": "lab.other" }), json!({})).unwrap();
    lab.run(Command::Add, "elsewhere", json!({}), json!({ "nodename": "n2" })).unwrap();
    lab.gc(json!([{ "containerID": "kept", "ifname": "eth0" }]));
    assert_eq!(lab.add("kept"), kept);
    let mut store = DirectoryStore::open(&lab.0).unwrap();
    let mut has = |handle: &str| {
        let found = ippool::drive(ippool::op::ips_by_handle(handle, crate::driver::now()), &mut store);
        found.is_ok_and(|found| !found.is_empty())
    };
    assert!(has("lab.kept") && has("lab.other.c") && has("lab.elsewhere") && !has("lab.gone"));
}

#[test]
fn cni_an_add_that_dies_at_any_step_leaks_nothing_that_gc_does_not_find() {
    let mut steps = 0;
    loop {
        let lab = Lab::new();
        let endpoints = json!({ "endpoints": [lab.0, steps.to_string()], "lock": lab.0.join("lock-2") });
        std::fs::create_dir_all(&lab.0).unwrap();
        let outcome = lab.run(Command::Add, "c1", json!({}), endpoints);
        if outcome.is_ok() {
            break;
        }
        lab.gc(json!([]));
        assert_eq!(lab.left(), (0, 0), "after {steps} requests");
        // The same container may try again.
        let again = Lab::new();
        let endpoints = json!({ "endpoints": [again.0, steps.to_string()], "lock": again.0.join("lock-2") });
        assert!(again.run(Command::Add, "c1", json!({}), endpoints).is_err());
        again.add("c1");
        assert_eq!(again.left(), (1, 1), "again after {steps} requests");
        steps += 1;
    }
    assert!(steps >= 7, "a first address takes more than {steps} requests");
}

#[test]
fn calico_1_1_the_time_of_a_command_begins_when_the_lock_is_held() {
    let lab = Lab::new();
    lab.add("first");
    let held = hold(&lab.0.join("plugin.lock")).unwrap();
    let waiter = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lab.run(Command::Add, "c1", json!({}), json!({ "timeout": 1 })));
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!waiter.is_finished(), "one command at a time");
        drop(held);
        waiter.join().unwrap()
    });
    assert!(waiter.is_ok(), "{waiter:?}");
    let late = lab.run(Command::Add, "c2", json!({}), json!({ "timeout": 0 })).unwrap_err();
    assert_eq!(late.code, Code::Later, "{late:?}");
}
