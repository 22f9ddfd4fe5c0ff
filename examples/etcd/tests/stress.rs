//! Many processes over a real etcd, both killed at any moment.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../cni-ipam/tests/support/folder.rs"]
mod folder;
#[path = "support/server.rs"]
mod server;
#[path = "../../cni-ipam/tests/support/stress.rs"]
mod stress;

use std::process::Command;
use std::time::{Duration, Instant};

use ipam_etcd::EtcdStore;
use ippool::{Pool, Resources};

use folder::Folder;
use server::Server;
use stress::Plan;

const POOL: &str = "10.0.0.0/16";

#[test]
fn processes_and_servers_that_are_killed_give_no_address_twice_and_lose_none() {
    let folder = Folder::new("etcd-stress");
    let Some(mut server) = Server::start(&folder.path("data")) else { return };
    let endpoint = server.endpoint();
    let plan = Plan::from_env(8, 100, Duration::from_secs(1));
    // A long run must get somewhere between two restarts.
    let interval = Duration::from_secs(if plan.count < 1000 { 3 } else { 15 });
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipam-etcd"));
        command.arg("--endpoints").arg(&endpoint).args(["--timeout", "120", "--pool", POOL]);
        command
    };
    let (mut restarts, mut last) = (0, Instant::now());
    let mut outcome = plan.run(&folder.path("journal"), command, |random| {
        // Every few seconds, killed two times of three.
        if last.elapsed() > interval.mul_f64(0.5 + random.unit()) {
            server.stop(random.below(3) > 0);
            server.run();
            restarts += 1;
            last = Instant::now();
        }
    });
    let mut driver = EtcdStore::open(std::slice::from_ref(&endpoint)).unwrap();
    let nodes = |resources: Resources, node: u32| resources.with_node(format!("n{node}"), [("", ""); 0]);
    let resources = Resources::default().with_pool(Pool::new(POOL, POOL.parse().unwrap()));
    plan.settle(&mut driver, (0..4).fold(resources, nodes), &mut outcome);
    println!("{outcome}; {restarts} restarts of etcd");
    assert!(outcome.kills > 0 && restarts > 0);
    // The program itself says so, too, of the store and of a dump of it.
    let check = |arguments: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_ipam-etcd"))
            .args(["--endpoints", &endpoint, "--pool", POOL, "check"])
            .args(arguments)
            .status();
        assert!(status.unwrap().success());
    };
    check(&[]);
    let dump = folder.path("dump");
    std::fs::write(&dump, server.etcdctl(&["get", "--prefix", "/calico/ipam/"])).unwrap();
    check(&["--dump", dump.to_str().unwrap()]);
}
