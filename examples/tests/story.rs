//! The program `story`: what the operator of the seed saw, wrong input, and figures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn story(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_story")).args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// The output of the seed's story, by step.
fn steps() -> Vec<String> {
    let output = story(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let whole = text(&output.stdout);
    let mut steps: Vec<String> = Vec::new();
    for (number, line) in whole.lines().enumerate() {
        let next = whole.lines().nth(number + 1).unwrap_or_default();
        if !line.is_empty() && next.chars().all(|c| c == '=') && next.len() == line.len() {
            steps.push(String::new());
        }
        if let Some(step) = steps.last_mut() {
            step.push_str(line);
            step.push('\n');
        }
    }
    assert_eq!(steps.len(), 5);
    steps
}

fn assert_holds(step: &str, lines: &[&str]) {
    for line in lines {
        assert!(step.lines().any(|printed| printed == *line), "no line {line:?} in:\n{step}");
    }
}

#[test]
fn seed_1_packets_are_wrapped_in_the_mesh() {
    assert_holds(
        &steps()[0],
        &[
            "NAME                  CIDR            NAT    IPIPMODE   VXLANMODE   DISABLED   SELECTOR   ",
            "default-ipv4-ippool   10.244.0.0/16   true   Always     Never       false      all()    ",
            "k8s-master   (64512)   192.168.179.102/24          ",
            "    inet 10.244.235.192/32 brd 10.244.235.192 scope global tunl0",
            "4: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1440 qdisc noqueue state UNKNOWN group default qlen 1000",
            "10.244.36.64/26 via 192.168.179.103 dev tunl0 proto bird onlink ",
            "10.244.169.128/26 via 192.168.179.104 dev tunl0 proto bird onlink ",
            "blackhole 10.244.235.192/26 proto bird ",
            "|  PEER ADDRESS   |     PEER TYPE     | STATE |  SINCE   |    INFO     |",
            "path k8s-master -> k8s-node2, 84 octets + 20 octets overhead",
        ],
    );
}

#[test]
fn seed_2_never_routes_directly() {
    let step = &steps()[1];
    assert_holds(
        step,
        &[
            "Successfully applied 1 'IPPool' resource(s)",
            "default-ipv4-ippool   10.244.0.0/16   true   Never      Never       false      all()    ",
            "default via 192.168.179.2 dev ens32 proto static metric 100 ",
            "10.244.36.64/26 via 192.168.179.103 dev ens32 proto bird ",
            "10.244.169.128/26 via 192.168.179.104 dev ens32 proto bird ",
            "path k8s-master -> k8s-node2, 84 octets without overhead",
        ],
    );
    assert!(!step.contains("inet 10.244"), "tunl0 has an address:\n{step}");
    assert!(!step.contains("onlink"), "{step}");
}

#[test]
fn seed_3_who_dials_in_the_mesh() {
    // As `ss` showed it: both others dialled k8s-master, whose end has port 179.
    let step = &steps()[0];
    let ends: Vec<&str> = step.lines().filter(|line| line.starts_with("ESTAB")).collect();
    assert_eq!(ends.len(), 2, "{step}");
    assert!(ends.iter().all(|line| line.contains(" 192.168.179.102:179 ")), "{step}");
    assert_eq!(step.matches("| node-to-node mesh | up    |").count(), 2, "{step}");
}

#[test]
fn seed_4_without_the_mesh_the_network_is_down() {
    let step = &steps()[2];
    assert_holds(
        step,
        &[
            "NAME      LOGSEVERITY   MESHENABLED   ASNUMBER   ",
            "default   Info          false         64512    ",
            "No IPv4 peers found.",
            "No IPv6 peers found.",
            "3 packets transmitted, 0 received, 100% packet loss, time 2000ms",
        ],
    );
    assert!(!step.contains("proto bird \n10.244"), "{step}");
    assert!(!step.lines().any(|line| line.starts_with("10.244.")), "a route is left:\n{step}");
}

#[test]
fn seed_5_a_reflector_brings_the_routes_back() {
    let step = &steps()[3];
    assert_holds(
        step,
        &[
            "NAME                         PEERIP   NODE    ASN   ",
            "peer-with-route-reflectors            all()   0   ",
            "10.244.36.64/26 via 192.168.179.103 dev ens32 proto bird ",
            "10.244.169.128/26 via 192.168.179.104 dev ens32 proto bird ",
            "10.244.36.64/26 via 192.168.179.103 from 192.168.179.104",
            "    BGP.originator_id: 192.168.179.103",
            "    BGP.cluster_list: 244.0.0.1",
        ],
    );
    assert_eq!(step.matches("| 192.168.179.104 | node specific | up    |").count(), 1, "{step}");
    assert_eq!(step.matches(" 0% packet loss").count(), 2, "{step}");
    assert!(step.contains("ttl=63"), "{step}");
}

#[test]
fn seed_5_a_second_reflector_loses_no_ping() {
    assert_holds(
        &steps()[4],
        &[
            "300 packets transmitted, 300 received, 0% packet loss, time 299000ms",
            "10.244.36.64/26 via 192.168.179.103 dev ens32 proto bird ",
        ],
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let figures = |output: Output| {
        let text = text(&output.stdout);
        text.lines().filter(|line| !line.contains("played in")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(figures(story(&["--seed", "7"])), figures(story(&["--seed", "7"])));
}

fn json(arguments: &[&str]) -> Value {
    let output = story(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_figures_of_a_generated_cluster() {
    let report = json(&["--nodes", "12", "--reflectors", "2", "--json"]);
    let steps = report["steps"].as_array().unwrap();
    let sessions: Vec<u64> = steps.iter().map(|step| step["sessions"].as_u64().unwrap()).collect();
    // A mesh of 12; nothing; 11 clients of one reflector; 10 clients of two, which are peers.
    assert_eq!(sessions, [66, 66, 0, 11, 21]);
    assert!(steps.iter().all(|step| step["computed"] == false));
    assert_eq!(report["reflectors"], 2);
}

#[test]
fn a_large_mesh_is_computed_as_a_small_one_is_played() {
    let played = json(&["--nodes", "20", "--reflectors", "1", "--json"]);
    let computed = json(&["--nodes", "20", "--reflectors", "1", "--json", "--largest-mesh", "10"]);
    let (played, computed) = (&played["steps"][0], &computed["steps"][0]);
    assert_eq!(computed["computed"], true);
    for figure in ["sessions", "messages", "octets", "nodes"] {
        assert_eq!(played[figure], computed[figure], "{figure}");
    }
}

/// A copy of the seed's files with one changed.
struct Changed(PathBuf);

impl Changed {
    fn new(name: &str, file: &str, from: &str, to: &str) -> Changed {
        let directory = std::env::temp_dir().join(format!("story-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("seed")).unwrap() {
            let path = entry.unwrap().path();
            let mut content = fs::read_to_string(&path).unwrap();
            if path.file_name().unwrap() == file {
                assert!(content.contains(from), "{file} does not contain {from}");
                content = content.replace(from, to);
            }
            fs::write(directory.join(path.file_name().unwrap()), content).unwrap();
        }
        Changed(directory)
    }

    /// What the program says to it, with the exit code.
    fn said(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let directory = self.0.to_str().unwrap();
        let output = story(&[&["--resources", directory], more].concat());
        let error = text(&output.stderr).replace(&format!("{directory}/"), "");
        (output.status.code(), text(&output.stdout), error)
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refused(changed: &Changed) -> String {
    let (code, printed, error) = changed.said(&[]);
    assert_eq!(code, Some(2), "{error}");
    assert_eq!(printed, "", "something was played before the error");
    error
}

#[test]
fn a_wrong_cidr_is_named_with_file_and_field() {
    let changed = Changed::new("cidr", "ippool.yaml", "cidr: 10.244.0.0/16", "cidr: 10.244.0.0/33");
    let error = refused(&changed);
    assert!(error.starts_with("error: ippool.yaml: items[0].spec.cidr: "), "{error}");
    assert!(error.contains("10.244.0.0/33"), "{error}");
}

#[test]
fn an_unknown_field_is_an_error_or_with_lenient_a_warning() {
    let changed = Changed::new("unknown", "ippool.yaml", "natOutgoing: true", "natOutgoin: true");
    assert_eq!(refused(&changed), "error: ippool.yaml: items[0].spec.natOutgoin: unknown field (value: true)\n");
    let (code, _, warning) = changed.said(&["--lenient"]);
    assert_eq!(code, Some(0), "{warning}");
    assert_eq!(warning, "warning: ippool.yaml: items[0].spec.natOutgoin: unknown field (value: true)\n");
}

#[test]
fn a_selector_with_a_syntax_error_is_named_before_anything_is_played() {
    let changed = Changed::new("selector", "rr-peer.yaml", "route-reflector == 'true'", "route-reflector = 'true'");
    let error = refused(&changed);
    assert!(error.starts_with("error: rr-peer.yaml: spec.peerSelector: "), "{error}");
    assert!(error.contains("route-reflector = 'true'"), "{error}");
}

#[test]
fn yaml_that_is_none_is_named_with_its_line() {
    let changed = Changed::new("yaml", "nodes.yaml", "kind: NodeList", "kind: [NodeList");
    let error = refused(&changed);
    assert!(error.starts_with("error: nodes.yaml: ") && error.contains("line"), "{error}");
}

#[test]
fn a_wrong_kind_of_the_lab_file_is_named() {
    let changed = Changed::new("lab", "lab.yaml", "gateway: 192.168.179.2", "gateway: nowhere");
    let error = refused(&changed);
    assert!(error.starts_with("error: lab.yaml: gateway: ") && error.contains("nowhere"), "{error}");
}

#[test]
fn impossible_sizes_are_refused() {
    for arguments in [["--nodes", "2", "--reflectors", "1"], ["--nodes", "10", "--reflectors", "9"]] {
        let output = story(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: --"), "{}", text(&output.stderr));
    }
}
