//! The runner itself: what it does not know fails, and it can fail.

use serde_json::{Value, json};

use super::run;

fn case() -> Value {
    json!({
        "id": "x", "op": "encap",
        "config": {"local": "192.0.2.1", "remote": "192.0.2.2", "ecn": "normal", "forwarded": false, "ident": 1234},
        "input": "450000141234000040114fb00af401050af40209",
        "expect": {"output": "4500002804d200004004f1fcc0000201c0000202450000141234000040114fb00af401050af40209"},
    })
}

#[test]
fn a_case_passes_and_a_wrong_octet_fails() {
    assert_eq!(run(&case()), []);
    let mut wrong = case();
    wrong["expect"]["output"] = json!("45");
    assert_eq!(run(&wrong)[0].key, "expect.output");
    let mut wrong = case();
    wrong["expect"]["icmp_reply"] = json!({"type": 3});
    assert_eq!(run(&wrong)[0].key, "expect.icmp_reply");
}

#[test]
fn what_the_runner_does_not_know_fails() {
    for (path, value) in [
        ("/news", json!(1)),
        ("/op", json!("transcap")),
        ("/config/news", json!(1)),
        ("/config/ecn", json!("modern")),
        ("/config/ttl", json!(256)),
        ("/config/mtu", json!(65536)),
        ("/config/reassemble", json!(1)),
        ("/config/allowed_sources", json!(["2001:db8::1"])),
        ("/input", json!("4")),
        ("/expect/news", json!(1)),
        ("/expect/error", json!("too_big")),
    ] {
        let mut case = case();
        let (parent, key) = path.rsplit_once('/').unwrap();
        case.pointer_mut(parent).unwrap()[key] = value;
        assert!(!run(&case).is_empty(), "{path}");
    }
}

#[test]
fn a_fragment_is_refused_or_kept_as_the_case_says() {
    let mut case = case();
    case["op"] = json!("decap");
    case["config"]["allowed_sources"] = json!(["192.0.2.2"]);
    case["input"] = json!(
        "45000054007720003d04d92bc0000202c0000201450000401234000040114f840af401050af402099c400035002c000085e8b64f\
         9b64b06ddc7339be846ce1e1941bc588669b40cf29d8126d249f53889f653a4c"
    );
    case["expect"] = json!({"error": "outer_fragment"});
    assert_eq!(run(&case), []);
    case["config"]["reassemble"] = json!(true);
    assert_eq!(run(&case)[0].key, "expect.error");
    case["expect"] = json!({"outputs": []});
    assert_eq!(run(&case), []);
}
