//! The runner itself: several paths of a prefix are compared without order, and it can fail.

use serde_json::{Value, json};

use super::run;

/// Clients a and b announce one prefix; c is sent several paths.
fn case(add_path_tx: Value, paths: Value) -> Value {
    let peer = |name: &str, last: u8, options: Value| {
        let addr = format!("10.0.0.{last}");
        json!({"name": name, "addr": addr, "router_id": addr, "as": 64512, "kind": "rr-client", "options": options})
    };
    let announce = |peer: &str, next_hop: &str, local_pref: u32| {
        let attrs = json!({"next_hop": next_hop, "origin": "igp", "local_pref": local_pref, "as_path": []});
        json!({"op": "announce", "peer": peer, "prefix": "203.0.113.0/24", "attrs": attrs})
    };
    json!({
        "id": "x",
        "dut": {"as": 64512, "router_id": "10.0.0.1", "addr": "10.0.0.1"},
        "peers": [peer("a", 2, json!({})), peer("b", 3, json!({})), peer("c", 4, json!({"add_path_tx": add_path_tx}))],
        "steps": [announce("a", "10.0.0.2", 100), announce("b", "10.0.0.3", 200)],
        "expect": {
            "best": {"203.0.113.0/24": "b"},
            "advertised": {"b": {"203.0.113.0/24": null}, "c": {"203.0.113.0/24": paths}},
        },
    })
}

fn path(from: &str, local_pref: u32) -> Value {
    json!({"next_hop": from, "origin": "igp", "local_pref": local_pref, "as_path": [], "originator_id": from,
        "cluster_list": ["10.0.0.1"]})
}

#[test]
fn several_paths_have_no_order() {
    let (a, b) = (path("10.0.0.2", 100), path("10.0.0.3", 200));
    assert_eq!(run(&case(json!("all"), json!([a, b]))), []);
    assert_eq!(run(&case(json!("all"), json!([b, a]))), []);
    assert_eq!(run(&case(json!(2), json!([a, b]))), []);
    assert_eq!(run(&case(json!(1), json!([b]))), []);
}

#[test]
fn a_path_more_or_less_or_other_fails() {
    let (a, b) = (path("10.0.0.2", 100), path("10.0.0.3", 200));
    for wrong in
        [json!([a]), json!([a, a]), json!([a, b, b]), json!([a, path("10.0.0.3", 201)]), json!([]), json!(null)]
    {
        assert_eq!(run(&case(json!("all"), wrong))[0].key, "expect.advertised.c.203.0.113.0/24");
    }
    assert_eq!(run(&case(json!(1), json!([a])))[0].key, "expect.advertised.c.203.0.113.0/24");
    for wrong in [json!(0), json!("some"), json!(-1)] {
        assert_eq!(run(&case(wrong, json!([])))[0].key, "peers[2].options.add_path_tx");
    }
}
