//! Stored forms of Calico, both ways, and those that are refused.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::block::InvalidBlock;
use crate::{Affinity, AffinityState, Attributes, Block, BlockParts, Config, Handle, Owner, UnixTime, VmPersistence};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// A block of two addresses with these fields between `cidr` and the sequence numbers.
fn block_text(fields: &str) -> String {
    format!(
        r#"{{"cidr":"10.0.0.0/31",{fields},"sequenceNumber":3,"sequenceNumberForAllocation":{{}},"deleted":false}}"#
    )
}

fn again(text: &str) -> String {
    encode_block(&decode_block(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}")))
}

const FREE: &str = r#""allocations":[null,null],"unallocated":[0,1],"attributes":[]"#;

#[test]
fn calico_1_2_real_block_comes_back_octet_for_octet() {
    let text = concat!(
        r#"{"cidr":"10.244.249.196/30","affinity":"host:k8s-node1","affinity_claim_time":"2026-11-23T02:59:14Z","#,
        r#""allocations":[0,null,null,null],"unallocated":[1,2,3],"attributes":[{"handle_id":"k8s-pod-network.abc","#,
        r#""secondary":{"namespace":"default","node":"k8s-node1","pod":"p","timestamp":"2026-01-01"}}],"#,
        r#""sequenceNumber":1795402754333293742,"sequenceNumberForAllocation":{"0":1795402754333293741},"#,
        r#""deleted":false}"#,
    );
    let block = decode_block(text.as_bytes()).unwrap();
    assert_eq!(encode_block(&block), text);
    let parts = block.to_parts();
    assert_eq!(parts.affinity, Some(Owner::host("k8s-node1")));
    assert_eq!(parts.claim_time, Some(UnixTime::from_secs(1_795_402_754)));
    assert_eq!(parts.sequences, Some(BTreeMap::from([(0, 1_795_402_754_333_293_741)])));
    assert_eq!(parts.attributes.as_ref().unwrap()[0].active["node"], "k8s-node1");
}

#[test]
fn calico_1_2_blocks_that_come_back_unchanged() {
    for fields in [
        format!(r#""affinity":null,{FREE}"#),
        format!(r#""affinity":"virtual:load-balancer",{FREE}"#),
        format!(r#""affinity":"host:a:b",{FREE}"#),
        r#""affinity":null,"allocations":[null,null],"unallocated":[1,0],"attributes":null"#.to_string(),
        r#""affinity":null,"allocations":[0,0],"unallocated":null,"attributes":[{}]"#.to_string(),
        concat!(
            r#""affinity":null,"allocations":[0,1],"unallocated":[],"attributes":[{"secondary":{"a":"b"}},"#,
            r#"{"handle_id":"h","secondary":{"pod":"x"},"alternateOwnerAttrs":{"pod":"y"}}]"#
        )
        .to_string(),
        concat!(
            r#""affinity":null,"allocations":[0,null],"unallocated":[1],"#,
            r#""attributes":[{"handle_id":"a\u003cb\u003e\u0026ü","releasedAt":"2026-01-01T00:00:00Z"}]"#
        )
        .to_string(),
    ] {
        let text = block_text(&fields);
        assert_eq!(again(&text), text);
    }
    let text = r#"{"cidr":"fd00::/127","affinity":null,"allocations":[null,null],"unallocated":[0,1],"attributes":[],"#;
    let text =
        format!(r#"{text}"sequenceNumber":18446744073709551615,"sequenceNumberForAllocation":null,"deleted":true}}"#);
    assert_eq!(again(&text), text);
}

#[test]
fn calico_1_2_blocks_that_come_back_in_the_new_form() {
    for (read, written) in [
        // Whole seconds, UTC.
        (
            format!(r#""affinity":"host:a","affinity_claim_time":"2026-11-23T03:59:14.987Z",{FREE}"#),
            format!(r#""affinity":"host:a","affinity_claim_time":"2026-11-23T03:59:14Z",{FREE}"#),
        ),
        (
            format!(r#""affinity":"host:a","affinity_claim_time":"2026-11-23T03:59:14+01:00",{FREE}"#),
            format!(r#""affinity":"host:a","affinity_claim_time":"2026-11-23T02:59:14Z",{FREE}"#),
        ),
        // The old field of the owner counts where the new one is missing.
        (format!(r#""hostAffinity":"a",{FREE}"#), format!(r#""affinity":"host:a",{FREE}"#)),
        (format!(r#""affinity":"host:b","hostAffinity":"a",{FREE}"#), format!(r#""affinity":"host:b",{FREE}"#)),
        // Unknown fields go, and so do host bits.
        (format!(r#""affinity":null,"strictAffinity":true,{FREE}"#), format!(r#""affinity":null,{FREE}"#)),
        // Missing is null, whatever stood for it; blanks and escapes do not matter.
        (
            r#""affinity":null , "allocations":[null,null],"unallocated":[0,1]"#.to_string(),
            r#""affinity":null,"allocations":[null,null],"unallocated":[0,1],"attributes":null"#.to_string(),
        ),
        (
            r#""affinity":null,"allocations":[0,null],"unallocated":[1],"attributes":[{"handle_id":"\u0041<","secondary":{}}]"#
                .to_string(),
            r#""affinity":null,"allocations":[0,null],"unallocated":[1],"attributes":[{"handle_id":"A\u003c"}]"#
                .to_string(),
        ),
    ] {
        assert_eq!(again(&block_text(&read)), block_text(&written));
    }
    let least = r#"{"cidr":"10.0.0.9/32","allocations":[null],"unallocated":[0]}"#;
    let whole = concat!(
        r#"{"cidr":"10.0.0.9/32","affinity":null,"allocations":[null],"unallocated":[0],"attributes":null,"#,
        r#""sequenceNumber":0,"sequenceNumberForAllocation":null,"deleted":false}"#
    );
    assert_eq!(again(least), whole);
    assert_eq!(
        again(&block_text(FREE).replace("10.0.0.0/31", "10.0.0.1/31")),
        block_text(&format!(r#""affinity":null,{FREE}"#))
    );
}

#[test]
fn calico_1_2_sequence_numbers_are_written_in_the_order_of_the_texts() {
    let mut parts = Block::new(net("10.0.0.0/28"), 0, None).unwrap().to_parts();
    parts.sequences = Some(BTreeMap::from([(2, 1), (10, 1), (1, 1)]));
    let text = encode_block(&Block::from_parts(parts).unwrap());
    assert!(text.contains(r#""sequenceNumberForAllocation":{"1":1,"10":1,"2":1}"#), "{text}");
}

#[test]
fn malformed_and_inconsistent_blocks_are_typed_errors() {
    let fields = |fields: &str| decode_block(block_text(fields).as_bytes()).unwrap_err();
    assert_eq!(decode_block(b""), Err(DecodeError::Syntax { line: 1, column: 0 }));
    assert_eq!(decode_block(b"{\n x"), Err(DecodeError::Syntax { line: 2, column: 2 }));
    assert_eq!(decode_block(b"{}"), Err(DecodeError::Cidr("cidr")));
    assert_eq!(decode_block(b"null"), Err(DecodeError::NoObject));
    assert_eq!(fields(r#""allocations":"x""#), DecodeError::Type("allocations"));
    assert_eq!(fields(r#""allocations":[null,null],"unallocated":[-1,1]"#), DecodeError::Type("unallocated"));
    assert_eq!(fields(r#""allocations":[-1,null],"unallocated":[1]"#), DecodeError::Type("allocations"));
    assert_eq!(fields(&format!(r#""affinity":"n1",{FREE}"#)), DecodeError::Owner("affinity"));
    assert_eq!(
        fields(&format!(r#""affinity_claim_time":"yesterday",{FREE}"#)),
        DecodeError::Time("affinity_claim_time")
    );
    assert_eq!(
        fields(r#""allocations":[0,null],"unallocated":[1],"attributes":[{"releasedAt":"2026"}]"#),
        DecodeError::Time("attributes")
    );
    for (free, error) in [
        ("[0,2]", InvalidBlock::FreeOrdinal(2)),
        ("[0,0]", InvalidBlock::FreeOrdinal(0)),
        ("[0]", InvalidBlock::Lost(1)),
        ("null", InvalidBlock::Lost(0)),
    ] {
        let text = format!(r#""allocations":[null,null],"unallocated":{free}"#);
        assert_eq!(fields(&text), DecodeError::Block(error), "{free}");
    }
    let wrong = r#""allocations":[null,null,null],"unallocated":[0,1]"#;
    assert_eq!(fields(wrong), DecodeError::Block(InvalidBlock::Allocations { got: 3, size: 2 }));
    let dangling = r#""allocations":[1,null],"unallocated":[1],"attributes":[{}]"#;
    assert_eq!(fields(dangling), DecodeError::Block(InvalidBlock::AttributeIndex(0)));
    for key in ["", "x", "01", "+1", "-1", "1.0", "65536"] {
        let text = block_text(FREE).replace("{}", &format!(r#"{{"{key}":1}}"#));
        assert_eq!(decode_block(text.as_bytes()), Err(DecodeError::SequenceKey), "{key}");
    }
    for cidr in ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+31", "10.0.0/31", "x/31", "10.0.0.0/31/"] {
        let text = block_text(FREE).replace("10.0.0.0/31", cidr);
        assert_eq!(decode_block(text.as_bytes()), Err(DecodeError::Cidr("cidr")), "{cidr}");
    }
}

#[test]
fn error_texts() {
    let text = |error: DecodeError| error.to_string();
    assert_eq!(text(DecodeError::Syntax { line: 1, column: 2 }), "not JSON at line 1 column 2");
    assert_eq!(text(DecodeError::NoObject), "no JSON object with each field once");
    assert_eq!(text(DecodeError::Type("state")), "field \"state\" has the wrong type");
    assert_eq!(text(DecodeError::Missing("state")), "field \"state\" is missing");
    assert_eq!(text(DecodeError::Cidr("cidr")), "field \"cidr\": missing or malformed CIDR");
    assert_eq!(text(DecodeError::Owner("affinity")), "field \"affinity\": malformed affinity");
    assert_eq!(text(DecodeError::Time("attributes")), "field \"attributes\": malformed time");
    assert_eq!(text(DecodeError::SequenceKey), "field \"sequenceNumberForAllocation\": sequence number of no ordinal");
    assert_eq!(text(DecodeError::Unknown("state")), "field \"state\": unknown value");
    assert_eq!(text(DecodeError::Misplaced), "the object does not belong to the key");
    assert_eq!(text(DecodeError::HandleCount), "field \"block\": handle counts less than one address in a block");
    assert_eq!(
        text(DecodeError::Block(InvalidBlock::Lost(3))),
        "inconsistent block: ordinal 3 is neither free nor allocated"
    );
    assert_eq!(UnnamedKey.to_string(), "key without a name");
}

#[test]
fn calico_1_2_affinities() {
    let again = |text: &str| decode_affinity(text.as_bytes()).map(|affinity| encode_affinity(&affinity));
    for state in ["", "pending", "confirmed", "pendingDeletion"] {
        for deleted in ["false", "true"] {
            let text = format!(r#"{{"state":"{state}","deleted":{deleted}}}"#);
            assert_eq!(again(&text), Ok(text.clone()));
        }
    }
    for old in ["", "{}", r#"{"state":null,"other":1}"#] {
        assert_eq!(again(old).as_deref(), Ok(r#"{"state":"","deleted":false}"#), "an old value counts as confirmed");
    }
    assert_eq!(decode_affinity(br#"{"state":"lost"}"#), Err(DecodeError::Unknown("state")));
    assert_eq!(decode_affinity(br#"{"deleted":"true"}"#), Err(DecodeError::Type("deleted")));
    assert!(matches!(decode_affinity(b" "), Err(DecodeError::Syntax { .. })));
}

#[test]
fn calico_1_2_handles() {
    let again = |text: &str| decode_handle(text.as_bytes()).map(|handle| encode_handle(&handle));
    let text = r#"{"block":{"10.0.0.0/26":1,"10.244.36.64/26":3,"fd00::40/122":1},"deleted":false}"#;
    assert_eq!(again(text).as_deref(), Ok(text));
    let shuffled = r#"{"deleted":false,"block":{"fd00::40/122":1,"10.244.36.64/26":3,"10.0.0.0/26":1},"id":"x"}"#;
    assert_eq!(again(shuffled).as_deref(), Ok(text));
    assert_eq!(again(r#"{"block":{},"deleted":true}"#).as_deref(), Ok(r#"{"block":{},"deleted":true}"#));
    assert_eq!(again("{}").as_deref(), Ok(r#"{"block":null,"deleted":false}"#));
    let spelt_twice = r#"{"block":{"10.0.0.1/26":1,"10.0.0.2/26":1}}"#;
    assert_eq!(again(spelt_twice).as_deref(), Ok(r#"{"block":{"10.0.0.0/26":2},"deleted":false}"#));
    assert_eq!(again(r#"{"block":{"10.0.0.0-26":1}}"#), Err(DecodeError::Cidr("block")));
    assert_eq!(again(r#"{"block":{"10.0.0.0/26":0}}"#), Err(DecodeError::HandleCount));
    assert_eq!(again(r#"{"block":{"10.0.0.0/26":-1}}"#), Err(DecodeError::HandleCount));
    assert!(matches!(again(r#"{"block":{"10.0.0.0/26":"1"}}"#), Err(DecodeError::Type(_))));
}

#[test]
fn calico_1_2_configurations() {
    let again = |text: &str| decode_config(text.as_bytes()).map(|config| encode_config(&config));
    for text in [
        "{}",
        r#"{"auto_allocate_blocks":true}"#,
        r#"{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":7,"kubeVirtVMAddressPersistence":"Disabled","ipCooldownSeconds":30}"#,
    ] {
        assert_eq!(again(text).as_deref(), Ok(text));
    }
    let zeros = r#"{"strict_affinity":false,"auto_allocate_blocks":false,"maxBlocksPerHost":0,"ipCooldownSeconds":0}"#;
    assert_eq!(again(zeros).as_deref(), Ok("{}"));
    assert_eq!(
        again(r#"{"kubeVirtVMAddressPersistence":"Maybe"}"#),
        Err(DecodeError::Unknown("kubeVirtVMAddressPersistence"))
    );
    assert!(matches!(again(r#"{"maxBlocksPerHost":-1}"#), Err(DecodeError::Type(_))));
    let config = decode_config(br#"{"kubeVirtVMAddressPersistence":"Enabled"}"#).unwrap();
    assert_eq!(config.vm_persistence, Some(VmPersistence::Enabled));
}

#[test]
fn calico_1_2_keys_both_ways() {
    for (key, path) in [
        (Key::Block(net("10.244.36.64/26")), "/calico/ipam/v2/assignment/ipv4/block/10.244.36.64-26"),
        (Key::Block(net("fd00::40/122")), "/calico/ipam/v2/assignment/ipv6/block/fd00::40-122"),
        (Key::Affinity(Owner::host("n1"), net("10.0.0.0/26")), "/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26"),
        (Key::Affinity(Owner::host("n1"), net("fd00::40/122")), "/calico/ipam/v2/host/n1/ipv6/block/fd00::40-122"),
        (
            Key::Affinity(Owner::Virtual("load-balancer".into()), net("10.0.0.0/26")),
            "/calico/ipam/v2/virtual/load-balancer/ipv4/block/10.0.0.0-26",
        ),
        (Key::Handle("k8s-pod-network.abc".into()), "/calico/ipam/v2/handle/k8s-pod-network.abc"),
    ] {
        assert_eq!(encode_key(&key).as_deref(), Ok(path));
        assert_eq!(decode_key(path).unwrap().key, key);
        assert_eq!(decode_key(path.strip_prefix('/').unwrap()).unwrap().key, key);
    }
    // What stands after "ipv" is of no concern.
    let odd = decode_key("/calico/ipam/v2/assignment/ipv6/block/10.0.0.0-26").unwrap();
    assert_eq!(odd.key, Key::Block(net("10.0.0.0/26")));
    assert_eq!(encode_key(&Key::Config).as_deref(), Ok("/calico/ipam/v2/config"));
    assert_eq!(encode_key(&Key::Host("n1".into())).as_deref(), Ok("/calico/ipam/v2/host/n1"));
    let masked = encode_key(&Key::Affinity(Owner::host("n1"), net("10.0.0.9/26")));
    assert_eq!(masked.as_deref(), Ok("/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26"));
    for key in [
        Key::Handle(String::new()),
        Key::Host(String::new()),
        Key::Affinity(Owner::host(""), net("10.0.0.0/26")),
        Key::Affinity(Owner::Virtual(String::new()), net("10.0.0.0/26")),
    ] {
        assert_eq!(encode_key(&key), Err(UnnamedKey));
    }
}

#[test]
fn calico_1_2_types_of_owners_in_keys() {
    let kind = |path| decode_key(path).unwrap().owner_type;
    assert_eq!(kind("/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26"), Some("host"));
    assert_eq!(kind("/calico/ipam/v2/virtual/n1/ipv4/block/10.0.0.0-26"), Some("virtual"));
    assert_eq!(kind("/calico/ipam/v2/handle/n1"), None);
    let old = decode_key("/calico/ipam/v2/@/n1/ipv4/block/10.0.0.3-26").unwrap();
    assert_eq!(old.key, Key::Affinity(Owner::host("n1"), net("10.0.0.0/26")));
    assert_eq!(old.owner_type, Some("@"));
}

#[test]
fn calico_1_2_paths_of_other_things() {
    for path in [
        "",
        "/",
        "/calico/ipam/v2",
        "/calico/ipam/v2/",
        "/calico/ipam/v2/config",
        "/calico/ipam/v2/host/n1",
        "/calico/ipam/v2/handle/",
        "/calico/ipam/v2/handle/a/b",
        "/calico/ipam/v2/host//ipv4/block/10.0.0.0-26",
        "/calico/ipam/v2/other/n1/ipv4/block/10.0.0.0-26",
        "/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26/x",
        "/calico/ipam/v2/host/n1/ipv/block/10.0.0.0-26",
        "/calico/ipam/v2/assignment/ipv4/block/10.244.36.64-33",
        "/calico/ipam/v2/assignment/ipv4/block/10.244.36.64",
        "/calico/ipam/v2/assignment/ipv4/block/10.244.36.64-26-1",
        "/calico/ipam/v2/assignment/ipv4/blocks/10.244.36.64-26",
        "/calico/ipam/v2/assignment/ipv4/block/10.244.36.64-26/",
        "//calico/ipam/v2/assignment/ipv4/block/10.244.36.64-26",
        "/calico/v1/ipam/v2/handle/x",
        "/calico/resources/v3/projectcalico.org/ippools/default-ipv4-ippool",
    ] {
        assert_eq!(decode_key(path), None, "{path}");
    }
}

#[test]
fn calico_1_2_names_and_labels() {
    let block = cidr_name(&net("fd80:24e2:f998:72d6::ebc0/122"));
    assert_eq!(block, "fd80-24e2-f998-72d6--ebc0-122");
    // One octet below the limit a name stays as it is; at the limit it is cut.
    let (fits, cut) = ("a".repeat(240), "a".repeat(241));
    assert_eq!(affinity_name(&fits, "10-0-0-0-26"), format!("{fits}-10-0-0-0-26"));
    assert_eq!(affinity_name(&cut, "10-0-0-0-26"), format!("{}-10-0-0-0-26-f2d0b24ba4a", "a".repeat(228)));
    // Cut between characters, and with no room at all.
    assert!(affinity_name(&"\u{e4}".repeat(200), "10-0-0-0-26").len() <= 252);
    assert!(affinity_name("a", &"9".repeat(300)).starts_with("-9"));
    let labels = affinity_labels(&Owner::host(""), &net("10.0.0.0/26"));
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        [
            ("projectcalico.org/affinity-type", "host".to_string()),
            ("projectcalico.org/hostname-hash", "U774N6F7D3LWMUOBI5LKAYOWML2YB72N4Q5UT6UC3AFEXAHYINFA".to_string()),
            ("projectcalico.org/ip-version", "4".to_string()),
        ]
    );
    let labels = affinity_labels(&Owner::Virtual("load-balancer".into()), &net("fd00::/122"));
    assert_eq!(labels["projectcalico.org/affinity-type"], "virtual");
    assert_eq!(labels["projectcalico.org/ip-version"], "6");
}

#[test]
fn values_are_told_apart_by_their_keys() {
    let mut handle = Handle::default();
    handle.blocks.insert(net("10.0.0.0/26"), 1);
    let affinity = Key::Affinity(Owner::host("n1"), net("10.0.0.0/26"));
    for (key, value) in [
        (Key::Block(net("10.0.0.0/30")), Value::Block(Arc::new(Block::new(net("10.0.0.0/30"), 9, None).unwrap()))),
        (affinity, Value::Affinity(Affinity::new(AffinityState::PendingDeletion))),
        (Key::Handle("h".into()), Value::Handle(handle)),
        (Key::Config, Value::Config(Config::default())),
        (Key::Host("n1".into()), Value::Host),
    ] {
        let text = encode_value(&value).unwrap();
        assert_eq!(decode_value(&key, text.as_bytes()), Ok(value));
    }
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let map = || prop::collection::btree_map(".{0,4}", ".{0,4}", 0..3);
    let released = prop::option::of((0..4_000_000_000_i64).prop_map(UnixTime::from_secs));
    (prop::option::of(".{0,6}"), map(), map(), released)
        .prop_map(|(handle, active, alternate, released_at)| Attributes { handle, active, alternate, released_at })
}

/// Any consistent block of 8 addresses.
fn block() -> impl Strategy<Value = Block> {
    let order = Just((0..8).collect::<Vec<u16>>()).prop_shuffle();
    let sequences = prop::option::of(prop::collection::btree_map(0..8_u16, any::<u64>(), 0..8));
    let entries = prop::collection::vec(attributes(), 1..4);
    let owner = prop::option::of((any::<bool>(), ".{0,6}"));
    (order, 0..=8_usize, entries, sequences, any::<u64>(), owner, any::<bool>()).prop_map(
        |(order, used, entries, sequences, sequence, owner, deleted)| {
            let (taken, free) = order.split_at(used);
            let mut allocations = vec![None; 8];
            for ordinal in taken {
                allocations[usize::from(*ordinal)] = Some(u32::from(*ordinal) % u32::try_from(entries.len()).unwrap());
            }
            Block::from_parts(BlockParts {
                cidr: net("10.0.0.8/29"),
                affinity: owner.map(|(host, name)| if host { Owner::Host(name) } else { Owner::Virtual(name) }),
                claim_time: Some(UnixTime::from_secs(i64::try_from(sequence % 4_000_000_000).unwrap())),
                allocations,
                free: Some(free.to_vec()),
                attributes: Some(entries),
                sequence,
                sequences,
                deleted,
            })
            .unwrap()
        },
    )
}

proptest! {
    #[test]
    fn every_block_comes_back(block in block()) {
        let text = encode_block(&block);
        prop_assert_eq!(decode_block(text.as_bytes()), Ok(block));
        prop_assert_eq!(again(&text), text);
    }

    #[test]
    fn damaged_blocks_are_read_or_refused(block in block(), at in any::<prop::sample::Index>(), octet: u8) {
        let mut octets = encode_block(&block).into_bytes();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(read) = decode_block(&octets) {
            let text = encode_block(&read);
            prop_assert_eq!(decode_block(text.as_bytes()), Ok(read));
        }
        octets.truncate(at);
        prop_assert!(decode_block(&octets).is_err());
    }

    #[test]
    fn every_path_is_read_or_refused(
        parts in prop::collection::vec(
            prop::sample::select(&["", "assignment", "host", "virtual", "@", "handle", "n1", "ipv4", "block", "10.0.0.0-26", "::-0"][..]),
            0..7,
        ),
    ) {
        let path = format!("/calico/ipam/v2/{}", parts.join("/"));
        if let Some(found) = decode_key(&path) {
            let written = encode_key(&found.key).unwrap();
            prop_assert_eq!(decode_key(&written).map(|found| found.key), Some(found.key));
        }
    }
}
