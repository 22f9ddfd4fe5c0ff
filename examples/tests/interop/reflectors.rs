//! A daemon as the reflector, between two of ours that are its clients and reflect to clients of their own.

use crate::bird::Bird;
use crate::client::{Client, PASSED_ON, UNKNOWN, announce};
use crate::daemon::{Daemon, Net, Setup, reflected, until, until_is, v4, v6};
use crate::frr::Frr;
use crate::ours::Reflector;

/// Client 2 - ours (cluster 244.0.0.1) - the daemon (cluster 1.1.1.9) - ours (cluster 244.0.0.2) - client 3.
///
/// Ours dial, each from its own address: the daemon takes no other, and from loopback to loopback the system would
/// choose 127.0.0.1.
fn chain<D: Daemon>(start: fn(&Setup) -> D) {
    let net = Net::new();
    let middle = net.host(9);
    let [left_address, right_address] = [net.host(1), net.host(4)];
    let peer = |source| format!("{middle}:1790,64512,source={source}");
    let range = net.range();
    let left = Reflector::on(left_address.into(), &["--client-range", &range, "--peer", &peer(left_address)]);
    let right = Reflector::on(
        right_address.into(),
        &[
            "--client-range",
            &range,
            "--peer",
            &peer(right_address),
            "--cluster-id",
            "244.0.0.2",
            "--router-id",
            "10.0.0.253",
        ],
    );
    let daemon = start(&Setup {
        passive: true,
        cluster: Some("1.1.1.9"),
        others: vec![(middle.into(), right.address)],
        ..Setup::client(9, net, left.address)
    });
    let one = Bird::start(&Setup::client(2, net, left.address));
    let other = Bird::start(&Setup::client(3, net, right.address));

    for (to, from, clusters) in [(&one, 3, "244.0.0.1 1.1.1.9 244.0.0.2"), (&other, 2, "244.0.0.2 1.1.1.9 244.0.0.1")] {
        until_is("IPv4 across", &Some(reflected(from, false, clusters)), || to.route(&v4(from)));
        until_is("IPv6 across", &Some(reflected(from, true, clusters)), || to.route(&v6(from)));
    }
    // What the reflector itself announces has neither attribute before ours reflects it.
    until_is("its own", &Some(reflected(9, false, "244.0.0.1")), || one.route(&v4(9)));
    // The daemon has what the client of ours announced, as we reflected it.
    until_is("at the daemon", &Some(reflected(2, false, "244.0.0.1")), || daemon.route(&v4(2)));

    // An attribute that nobody knows passes all three, Partial from the first on.
    let mut sender = Client::established(net.host(20), left.address);
    let mut receiver = Client::established(net.host(21), right.address);
    let prefix = ([10, 20, 0, 0].into(), 24);
    sender.send(&announce(&[prefix], [192, 0, 2, 20].into(), &UNKNOWN));
    until("the unknown attribute across", || {
        receiver.read();
        receiver.routes.get(&prefix).is_some_and(|attributes| attributes.ends_with(&PASSED_ON))
    });

    one.withdraw();
    until_is("withdrawn across", &None, || other.route(&v4(2)));
    until_is("withdrawn across", &None, || other.route(&v6(2)));
    assert!(left.peer(middle)["connection"]["dialled"].as_bool().unwrap());
}

#[test]
fn bird_as_the_reflector_between() {
    if Bird::installed() {
        chain(Bird::start);
    }
}

#[test]
fn frr_as_the_reflector_between() {
    if Bird::installed() && Frr::installed() {
        chain(Frr::start);
    }
}
