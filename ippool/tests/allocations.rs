//! What does not allocate: taking and releasing an address of a block, evaluating a selector, a walk, and the order of
//! keys.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use allocation_counter::measure;
use ippool::walk::BlockWalk;
use ippool::{Attributes, Block, Key, Owner, Reservations, Selector, UnixTime};

#[test]
fn taking_and_releasing_an_address_does_not_allocate() {
    let none = Reservations::default();
    let reserved = Reservations::parse(["10.0.0.0/31", "10.0.0.9"]);
    for cidr in ["10.0.0.0/26", "10.0.0.0/20", "fd00::/122"] {
        let mut block = Block::new(cidr.parse().unwrap(), 7, None).unwrap();
        block.auto_assign(20, Attributes::with_handle("others"), None, &none).unwrap();
        let attributes = Arc::new(Attributes::with_handle("k8s-pod-network.0123456789abcdef"));
        let mut turn = |reserved| {
            let address = block.take_next(&attributes, None, reserved).unwrap().unwrap();
            assert!(
                block
                    .give_back(address, Some("k8s-pod-network.0123456789abcdef"), None, 0, UnixTime::default())
                    .unwrap()
            );
        };
        // The first entry of its own makes room in the table.
        turn(&none);
        let counted = measure(|| (0..5000).for_each(|_| [&none, &reserved].into_iter().for_each(&mut turn)));
        assert_eq!(counted.count_total, 0, "{cidr}");
    }
}

#[test]
fn evaluating_a_selector_does_not_allocate() {
    let labels =
        BTreeMap::from([("zone", "eu-1"), ("rack", "r2"), ("role", "core")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    for text in [
        "all()",
        "zone == 'eu-1' && rack in {'r1', 'r2'} || !has(role)",
        "zone starts with 'eu' && zone ends with '1' && role contains 'or' && rack not in {'x'} && role != 'edge'",
        "!(!(zone == 'a') && (rack == 'b' || (role == 'core' && !has(none))))",
    ] {
        let selector = Selector::parse(text).unwrap();
        let counted = measure(|| {
            black_box(selector.matches(black_box(&labels)));
            black_box(selector.matches(black_box(&[("zone", "eu-1")])));
            black_box(selector.matches(&()));
        });
        assert_eq!(counted.count_total, 0, "{text}");
    }
}

#[test]
fn a_walk_and_the_order_of_keys_do_not_allocate() {
    let pool = "10.244.0.0/16".parse().unwrap();
    let keys = ["10.0.0.0/26", "fd00::40/122"].map(|cidr| cidr.parse().unwrap());
    let keys = keys.map(|cidr| [Key::Block(cidr), Key::Affinity(Owner::host("n1"), cidr), Key::Handle("h".into())]);
    let counted = measure(|| {
        black_box(BlockWalk::new(pool, 26, black_box("k8s-node1")).unwrap().nth(700));
        for one in keys.iter().flatten() {
            for other in keys.iter().flatten() {
                black_box(one.cmp(other));
            }
        }
    });
    assert_eq!(counted.count_total, 0);
}
