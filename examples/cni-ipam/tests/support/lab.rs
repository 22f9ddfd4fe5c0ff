//! A host and two pods, each a namespace of this process; removed whatever happens.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::folder::Folder;

/// Where Debian's `containernetworking-plugins` are.
const PLUGINS: &str = "/usr/lib/cni";

const POOL: &str = "10.77.0.0/16";

/// What the first test found missing, for all of them.
static MISSING: Mutex<Option<Option<String>>> = Mutex::new(None);

pub(crate) struct Lab {
    pub(crate) host: String,
    pub(crate) pods: [String; 2],
    folder: Folder,
}

impl Lab {
    /// `None`, and a line that says why, where there are no plugins or can be no namespaces; a CI run does not accept that.
    pub(crate) fn new() -> Option<Lab> {
        let missing = {
            // One at a time: the first `ip netns add` on a machine also mounts the place of the names.
            let mut known = MISSING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.get_or_insert_with(missing).clone()
        };
        if let Some(missing) = missing {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
            println!("skipped: {missing}");
            return None;
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let stem = format!("cni{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let name = |end: &str| format!("{stem}{end}");
        let lab = Lab { host: name("h"), pods: [name("a"), name("b")], folder: Folder::new("cni") };
        for namespace in [&lab.host, &lab.pods[0], &lab.pods[1]] {
            ip(&["netns", "add", namespace]);
            lab.run(namespace, &["ip", "link", "set", "lo", "up"]);
        }
        lab.run(&lab.host, &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        Some(lab)
    }

    /// The configuration of the plugin for addresses, with more to it.
    pub(crate) fn ipam(&self, more: Json) -> Json {
        let mut ipam = json!({
            "type": "cni-ipam", "directory": self.folder.path("store"), "nodename": "n1",
            "pools": [{ "name": "lab", "cidr": POOL, "blockSize": 26 }],
        });
        for (key, value) in more.as_object().unwrap() {
            ipam[key] = value.clone();
        }
        ipam
    }

    /// Calls a plugin as a runtime on the host does; its result or its error.
    pub(crate) fn plugin(&self, plugin: &str, command: &str, container: &str, network: &Json) -> Result<Json, Json> {
        let output = self.start(plugin, command, container, network).wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = || serde_json::from_str(&text).unwrap_or_else(|_| Json::String(text.clone()));
        match output.status.success() {
            true if text.trim().is_empty() => Ok(Json::Null),
            true => Ok(json()),
            false => Err(json()),
        }
    }

    /// The same, killed after a while; whether it was still at work.
    pub(crate) fn killed(&self, plugin: &str, command: &str, container: &str, network: &Json, after: Duration) -> bool {
        let mut child = self.start(plugin, command, container, network);
        std::thread::sleep(after);
        let at_work = child.try_wait().unwrap().is_none();
        let _ = child.kill();
        child.wait().unwrap();
        at_work
    }

    fn start(&self, plugin: &str, command: &str, container: &str, network: &Json) -> Child {
        let ours = Path::new(env!("CARGO_BIN_EXE_cni-ipam"));
        let path = if plugin == "cni-ipam" { ours.into() } else { Path::new(PLUGINS).join(plugin) };
        let folders = format!("{PLUGINS}:{}", ours.parent().unwrap().display());
        // `ip netns exec` becomes the plugin: whoever kills it kills the plugin.
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.host])
            .arg(path)
            .env("CNI_COMMAND", command)
            .env("CNI_CONTAINERID", container)
            .env("CNI_NETNS", format!("/var/run/netns/{container}"))
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", folders)
            .env("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(network.to_string().as_bytes()).unwrap();
        child
    }

    /// How many addresses are allocated, when nothing else is wrong.
    pub(crate) fn allocated(&self) -> usize {
        let output = Command::new(env!("CARGO_BIN_EXE_ipam"))
            .arg("--directory")
            .arg(self.folder.path("store"))
            .args(["--pool", &format!("lab={POOL}"), "--output", "json", "check"])
            .output()
            .unwrap();
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["findings"], json!([]));
        assert!(output.status.success());
        let live = |address: &&Json| address["coolingDown"] == false;
        report["addresses"].as_array().unwrap().iter().filter(live).count()
    }

    /// A command inside a namespace that must succeed; what it printed.
    pub(crate) fn run(&self, namespace: &str, arguments: &[&str]) -> String {
        let output = Command::new("ip").args(["netns", "exec", namespace]).args(arguments).output();
        let Output { status, stdout, stderr } = output.unwrap();
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        assert!(status.success(), "{arguments:?}: {text}");
        text
    }

    /// The namespace of a pod goes before its DEL comes.
    pub(crate) fn remove_pod(&self, place: usize) {
        ip(&["netns", "delete", &self.pods[place]]);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in [&self.host, &self.pods[0], &self.pods[1]] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).stderr(Stdio::null()).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    assert!(Command::new("ip").args(arguments).status().unwrap().success(), "ip {arguments:?}");
}

fn missing() -> Option<String> {
    if let Some(plugin) = ["ptp", "bridge"].iter().find(|plugin| !Path::new(PLUGINS).join(plugin).exists()) {
        return Some(format!("{PLUGINS}/{plugin} of containernetworking-plugins is missing"));
    }
    let probe = format!("cni-probe-{}", std::process::id());
    let works = |arguments: &[&str]| {
        Command::new("ip").args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !works(&["netns", "add", &probe]) {
        return Some("no network namespaces here (root and iproute2 are needed)".into());
    }
    works(&["netns", "delete", &probe]);
    None
}
