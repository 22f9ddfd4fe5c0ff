//! The directory store with many processes that are killed at any moment.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/stress.rs"]
mod stress;

use std::process::Command;
use std::time::Duration;

use cni_ipam::directory::DirectoryStore;
use ippool::{Pool, Resources};

use folder::Folder;
use stress::Plan;

const POOL: &str = "10.0.0.0/16";

#[test]
fn many_processes_that_are_killed_give_no_address_twice_and_lose_none() {
    let folder = Folder::new("stress");
    let (store, journal) = (folder.path("store"), folder.path("journal"));
    let plan = Plan::from_env(8, 100, Duration::from_millis(500));
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipam"));
        command.arg("--directory").arg(&store).args(["--pool", POOL]);
        command
    };
    let mut outcome = plan.run(&journal, command, |_| {});
    let mut driver = DirectoryStore::open(&store).unwrap();
    let nodes = |resources: Resources, node: u32| resources.with_node(format!("n{node}"), [("", ""); 0]);
    let resources = Resources::default().with_pool(Pool::new(POOL, POOL.parse().unwrap()));
    plan.settle(&mut driver, (0..4).fold(resources, nodes), &mut outcome);
    assert!(!store.join("next").exists(), "nothing half-written is left");
    println!("{outcome}");
    assert!(outcome.kills > 0);
}
