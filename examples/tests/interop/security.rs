//! TCP MD5 (RFC 2385) and TTL security (RFC 5082), right and wrong.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Place, Setup, reflected, until, until_is, v4};
use crate::frr::Frr;
use crate::gobgp::GoBgp;
use crate::ours::Reflector;

/// The kernel's counters are those of the whole machine: one test at a time looks at them.
static COUNTERS: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    // Whoever failed before left nothing behind that matters.
    COUNTERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A counter of the kernel's TCP.
fn kernel_counter(name: &str) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc/net/netstat")).unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let found = names.split(' ').zip(values.split(' ')).find(|(found, _)| *found == name);
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or_else(|| panic!("no counter {name}"))
}

/// Three peers, each with a signature: one with our key that dials, one with our key that is dialled, one with another.
fn signatures<D: Daemon>(start: fn(&Setup) -> D) {
    let _alone = alone();
    let net = Net::new();
    let place = Place::new("keys");
    let key = place.write("key", "open-sesame\n");
    let peer = |number, port, options: &str| {
        let host = net.host(number);
        format!("{host}{port},64512,client,{options}password={},source={}", key.display(), net.host(1))
    };
    let peers = [peer(2, "", "passive,"), peer(3, ":1790", ""), peer(4, "", "passive,")];
    let reflector = Reflector::with(net, &["--peer", &peers[0], "--peer", &peers[1], "--peer", &peers[2]]);
    let right = |number| Setup { password: Some("open-sesame"), ..Setup::client(number, net, reflector.address) };
    let dials = start(&right(2));
    let waits = start(&Setup { passive: true, ..right(3) });
    let counter = || kernel_counter("TCPMD5Failure");
    let before = counter();
    let wrong = start(&Setup { password: Some("open-barley"), ..right(4) });

    until_is("from one to the other", &Some(reflected(2, false, "244.0.0.1")), || waits.route(&v4(2)));
    until_is("and back", &Some(reflected(3, false, "244.0.0.1")), || dials.route(&v4(3)));
    assert_eq!(reflector.peer(net.host(2))["connection"]["dialled"], false);
    assert_eq!(reflector.peer(net.host(3))["connection"]["dialled"], true);
    until("the kernel drops what has the wrong signature", || counter() >= before + 2);
    assert!(!wrong.is_up() && !reflector.is_up(net.host(4)));
}

#[test]
fn rfc2385_bird_with_the_right_and_the_wrong_key() {
    if Bird::installed() {
        signatures(Bird::start);
    }
}

#[test]
fn rfc2385_frr_with_the_right_and_the_wrong_key() {
    if Frr::installed() {
        signatures(Frr::start);
    }
}

#[test]
fn rfc2385_gobgp_with_the_right_and_the_wrong_key() {
    if GoBgp::installed() {
        signatures(GoBgp::start);
    }
}

fn a_whole_range_has_a_key<D: Daemon>(start: fn(&Setup) -> D) {
    let _alone = alone();
    let net = Net::new();
    let place = Place::new("range");
    let key = place.write("key", "open-sesame\n");
    let range = net.range();
    let file = format!("[[client-range]]\nprefix = \"{range}\"\npassword = \"{}\"\n", key.display());
    let file = place.write("config.toml", &file);
    let reflector = Reflector::with(net, &["--config", file.to_str().unwrap()]);
    let right = Setup { password: Some("open-sesame"), ..Setup::client(2, net, reflector.address) };
    let with = start(&right);
    let before = kernel_counter("TCPMD5NotFound");
    let without = start(&Setup { number: 3, address: net.host(3).into(), password: None, ..right });
    until("a session with a key", || with.is_up() && reflector.is_up(net.host(2)));
    until("no answer to one without", || kernel_counter("TCPMD5NotFound") >= before + 2);
    assert!(!without.is_up());
}

#[test]
fn rfc2385_a_whole_range_has_a_key_with_bird() {
    if Bird::installed() {
        a_whole_range_has_a_key(Bird::start);
    }
}

#[test]
fn rfc2385_a_whole_range_has_a_key_with_frr() {
    if Frr::installed() {
        a_whole_range_has_a_key(Frr::start);
    }
}

/// One peer that is one hop away, and one that may be many (its segments have a lower TTL), of another AS because FRR
/// sends with TTL 255 to peers of its own.
fn hops<D: Daemon>(start: fn(&Setup) -> D) {
    let _alone = alone();
    let net = Net::new();
    let right = format!("{},64512,client,passive,ttl-security", net.host(2));
    let wrong = format!("{},65003,passive,policy=accept,ttl-security", net.host(3));
    let reflector = Reflector::with(net, &["--peer", &right, "--peer", &wrong]);
    let near = start(&Setup { ttl_security: true, ..Setup::client(2, net, reflector.address) });
    until("a session", || near.is_up() && reflector.is_up(net.host(2)));
    let before = kernel_counter("TCPMinTTLDrop");
    let far = start(&Setup { asn: 65003, ..Setup::client(3, net, reflector.address) });
    until("the kernel drops what comes from afar", || kernel_counter("TCPMinTTLDrop") >= before + 2);
    assert!(!far.is_up() && !reflector.is_up(net.host(3)));
}

#[test]
fn rfc5082_bird_near_and_far() {
    if Bird::installed() {
        hops(Bird::start);
    }
}

#[test]
fn rfc5082_frr_near_and_far() {
    if Frr::installed() {
        hops(Frr::start);
    }
}
