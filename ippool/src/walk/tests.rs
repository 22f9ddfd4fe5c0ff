//! Golden starts, the shape of every walk, and the table derived anew.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use ipnet::IpNet;
use proptest::prelude::*;

use super::random::{FEED, LEN, Linear};
use super::table::ADVANCED;
use super::{BlockWalk, Error, fnv1_32};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn walk(pool: &str, block_len: u8, host: &str) -> BlockWalk {
    BlockWalk::new(net(pool), block_len, host).unwrap()
}

fn texts(walk: BlockWalk, take: usize) -> Vec<String> {
    walk.take(take).map(|block| block.to_string()).collect()
}

#[test]
fn calico_1_7_hosts_of_the_story_start_where_their_routes_are() {
    for (host, index, block) in [
        ("k8s-master", 943, "10.244.235.192/26"),
        ("k8s-node1", 145, "10.244.36.64/26"),
        ("k8s-node2", 678, "10.244.169.128/26"),
    ] {
        let mut walk = walk("10.244.0.0/16", 26, host);
        assert_eq!(walk.index_of_start(), index);
        assert_eq!(walk.next(), Some(net(block)));
    }
}

#[test]
fn calico_1_7_starts_and_wraps_as_calico_does() {
    // Pool, block length, host, first block, last block ("" = too many blocks to have been listed).
    for (pool, len, host, first, last) in [
        ("10.244.0.0/16", 26, "host-a", "10.244.54.0/26", "10.244.53.192/26"),
        ("10.244.0.0/16", 26, "ip-10-0-1-23.eu-west-1.compute.internal", "10.244.195.0/26", "10.244.194.192/26"),
        ("10.244.0.0/16", 26, "\u{8282}\u{70b9}-1", "10.244.12.128/26", "10.244.12.64/26"),
        ("10.244.0.0/16", 24, "k8s-node1", "10.244.113.0/24", "10.244.112.0/24"),
        ("192.168.0.0/16", 26, "a", "192.168.73.128/26", "192.168.73.64/26"),
        ("10.0.0.0/8", 26, "k8s-node2", "10.109.131.0/26", ""),
        ("10.0.0.0/8", 26, "node1", "10.69.149.0/26", ""),
        ("10.0.0.0/24", 30, "", "10.0.0.224/30", "10.0.0.220/30"),
        ("10.0.0.0/22", 26, "host-b", "10.0.3.128/26", "10.0.3.64/26"),
        ("10.10.0.0/28", 29, "kube-master", "10.10.0.8/29", "10.10.0.0/29"),
        ("10.10.0.0/26", 26, "testHost", "10.10.0.0/26", "10.10.0.0/26"),
        ("fd80:24e2:f998:72d6::/112", 122, "host-b", "fd80:24e2:f998:72d6::c380/122", "fd80:24e2:f998:72d6::c340/122"),
        ("fd00:10:244::/64", 122, "k8s-master", "fd00:10:244:0:6210:618c:d3b4:3b40/122", ""),
        ("fd00:10:244::/64", 122, "node1", "fd00:10:244:0:c11:b42f:f17e:a680/122", ""),
        ("fd00:10:244::/64", 122, "kube-node-1", "fd00:10:244:0:ad18:5034:901a:8780/122", ""),
    ] {
        let walk = walk(pool, len, host);
        assert_eq!(texts(walk.clone(), 1), [first], "{pool} {host}");
        if !last.is_empty() {
            assert_eq!(walk.last(), Some(net(last)), "{pool} {host}");
        }
    }
}

#[test]
fn host_bits_of_the_pool_do_not_matter() {
    assert_eq!(walk("10.244.7.9/16", 26, "a"), walk("10.244.0.0/16", 26, "a"));
}

#[test]
fn widest_pools_are_walked_exactly() {
    // 2^128 one-address blocks: the walk starts anywhere, goes up, and wraps round at the end of the space.
    let all = BlockWalk::with_seed(net("::/0"), 128, 7).unwrap();
    assert_eq!(all.last_index(), u128::MAX);
    assert_eq!(all.size_hint(), (usize::MAX, None));
    let mut near_end = BlockWalk { start: u128::MAX, ..all.clone() };
    assert_eq!(near_end.next(), Some(net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")));
    assert_eq!(near_end.next(), Some(net("::/128")));
    let mut at_end = BlockWalk { step: Some(u128::MAX), ..all };
    assert_eq!(at_end.size_hint(), (1, Some(1)));
    assert!(at_end.next().is_some());
    assert_eq!(at_end.next(), None);
    // One block that is the whole space.
    assert_eq!(texts(walk("::/0", 0, "a"), 2), ["::/0"]);
    assert_eq!(texts(walk("0.0.0.0/0", 0, "a"), 2), ["0.0.0.0/0"]);
    // More than 64 bits of index: the upper bits are drawn as well.
    assert!(walk("fd00::/8", 122, "node1").index_of_start() > u128::from(u64::MAX));
}

/// The draw's words change at 63, 64 and 127, 128 bits; the numbers are those of a second implementation, with big
/// integers.
#[test]
fn calico_1_7_starts_at_the_edges_of_a_word() {
    for (pool, len, host, index) in [
        ("fd00::/59", 122, "k8s-node1", 2_243_112_247_197_700_241),
        ("fd00::/58", 122, "k8s-node1", 1_930_169_875_735_128_690),
        ("fd00::/58", 122, "", 17_130_459_029_863_087_192),
        ("fd00::/57", 122, "node-with-a-longer-name", 22_224_553_369_936_889_762),
        ("fd00::/8", 122, "k8s-node1", 5_896_183_853_985_169_926_713_588_283_129_457),
        ("::/1", 128, "node-with-a-longer-name", 187_846_478_414_676_583_848_020_312_989_017_079),
        ("::/0", 128, "node-with-a-longer-name", 273_275_900_100_398_960_164_985_746_395_472_189_681),
        ("::/0", 128, "", 137_984_870_357_708_110_719_095_629_679_376_048_616),
    ] {
        assert_eq!(walk(pool, len, host).index_of_start(), index, "{pool} {host}");
    }
}

#[test]
fn lengths_that_do_not_fit_are_typed_errors() {
    let larger = BlockWalk::new(net("10.0.0.0/16"), 15, "a").unwrap_err();
    assert_eq!(larger, Error::BlockLargerThanPool { block_len: 15, pool_len: 16 });
    assert_eq!(larger.to_string(), "block length 15 is shorter than the pool's 16");
    let smaller = BlockWalk::new(net("10.0.0.0/16"), 33, "a").unwrap_err();
    assert_eq!(smaller, Error::BlockSmallerThanAddress { block_len: 33, width: 32 });
    assert_eq!(smaller.to_string(), "block length 33 is longer than an address of 32 bits");
}

#[test]
fn fnv_is_the_older_order_of_steps() {
    // The published test values of FNV-1, 32 bits.
    assert_eq!(fnv1_32(b""), 0x811c_9dc5);
    assert_eq!(fnv1_32(b"a"), 0x050c_5d7e);
    assert_eq!(fnv1_32(b"foobar"), 0x31f0_b262);
}

proptest! {
    #[test]
    fn each_block_is_visited_once(bits in 0_u8..=11, above in 0_u8..=8, host in ".{0,20}") {
        let pool = IpNet::new("10.0.0.0".parse().unwrap(), 8 + above).unwrap().trunc();
        let walk = BlockWalk::new(pool, pool.prefix_len() + bits, &host).unwrap();
        let blocks: Vec<IpNet> = walk.clone().collect();
        let distinct: BTreeSet<IpNet> = blocks.iter().copied().collect();
        prop_assert_eq!(blocks.len(), 1 << bits);
        prop_assert_eq!(distinct.len(), blocks.len());
        prop_assert!(blocks.iter().all(|block| pool.contains(block) && *block == block.trunc()));
        prop_assert_eq!(blocks.first().copied(), walk.block(walk.index_of_start()));
        prop_assert_eq!(blocks.last().copied(), walk.last());
    }

    #[test]
    fn nth_agrees_with_next(seed: u64, bits in 0_u8..=6, skip in 0_usize..80) {
        let walk = BlockWalk::with_seed(net("fd00::/112"), 112 + bits, seed).unwrap();
        let (mut jumping, mut stepping) = (walk.clone(), walk);
        for _ in 0..skip {
            stepping.next();
        }
        prop_assert_eq!(jumping.nth(skip), stepping.next());
        prop_assert_eq!(jumping.size_hint(), stepping.size_hint());
        prop_assert_eq!(jumping.next(), stepping.next());
    }

    #[test]
    fn starts_are_in_range(seed: u64, bits in 0_u8..=128) {
        let walk = BlockWalk::with_seed(net("::/0"), bits, seed).unwrap();
        prop_assert!(walk.index_of_start() <= walk.last_index());
    }
}

/// The table is not copied from anywhere: it is what the generator's authors got by running it 7.8e12 times.
///
/// The output satisfies s(n+607) = s(n+334) + s(n), so the state after N steps follows from x^N modulo
/// x^607 - x^334 - 1 over the integers modulo 2^64, which squaring finds in 43 steps.
#[test]
fn table_is_the_generator_far_advanced() {
    const STEPS: u64 = 7_800_000_000_000;
    let mut power = vec![0; LEN];
    power[0] = 1;
    for bit in (0..u64::BITS - STEPS.leading_zeros()).rev() {
        power = square(&power);
        if STEPS >> bit & 1 == 1 {
            power = times_x(&power);
        }
    }
    let mut linear = Linear::new(1);
    let seeded: Vec<u64> = (0..LEN).map(|_| linear.word(20, 10)).collect();
    let place = |n: usize| (FEED - 1 + LEN - n % LEN) % LEN;
    let sequence: Vec<u64> = (0..LEN).map(|n| seeded[place(n)]).collect();
    let mut derived = vec![0; LEN];
    for ahead in 0..LEN {
        let n = usize::try_from(STEPS % 607).unwrap() + ahead;
        derived[place(n)] = power
            .iter()
            .zip(&sequence)
            .fold(0_u64, |sum, (coefficient, word)| sum.wrapping_add(u64::wrapping_mul(*coefficient, *word)));
        power = times_x(&power);
    }
    assert_eq!(derived, ADVANCED);
}

fn times_x(polynomial: &[u64]) -> Vec<u64> {
    let mut product = polynomial.to_vec();
    product.rotate_right(1);
    product[FEED] = product[FEED].wrapping_add(product[0]);
    product
}

fn square(polynomial: &[u64]) -> Vec<u64> {
    let mut product = vec![0_u64; 2 * LEN];
    for (i, a) in polynomial.iter().enumerate() {
        for (slot, b) in product[i..].iter_mut().zip(polynomial) {
            *slot = slot.wrapping_add(a.wrapping_mul(*b));
        }
    }
    for i in (LEN..2 * LEN).rev() {
        let high = product[i];
        product[i - LEN] = product[i - LEN].wrapping_add(high);
        product[i - LEN + FEED] = product[i - LEN + FEED].wrapping_add(high);
    }
    product.truncate(LEN);
    product
}
