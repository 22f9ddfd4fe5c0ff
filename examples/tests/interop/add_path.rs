//! Several paths for a prefix (RFC 7911).

use crate::bird::Bird;
use crate::client::{Client, announce, message};
use crate::daemon::{Daemon, Net, Setup, until_is};
use crate::frr::Frr;
use crate::gobgp::GoBgp;
use crate::openbgpd::OpenBgpd;
use crate::ours::Reflector;

/// Three clients have a path to one prefix; a fourth has ADD-PATH, a fifth has not.
fn paths<D: Daemon>(start: fn(&Setup) -> D) {
    let net = Net::new();
    let peer = |number| format!("{},64512,client,passive,add-path", net.host(number));
    let (several, single, range) = (peer(2), peer(3), net.range());
    let reflector = Reflector::with(net, &["--client-range", &range, "--peer", &several, "--peer", &single]);
    let several = start(&Setup { add_path: true, ..Setup::client(2, net, reflector.address) });
    let single = Bird::start(&Setup::client(3, net, reflector.address));
    let prefix = ([10, 99, 0, 0].into(), 24);
    let mut clients: Vec<Client> = (10..13)
        .map(|number| {
            let mut client = Client::established(net.host(number), reflector.address);
            client.send(&announce(&[prefix], [192, 0, 2, number].into(), &[]));
            client
        })
        .collect();
    let next_hops = |numbers: &[u8]| numbers.iter().map(|number| format!("192.0.2.{number}")).collect::<Vec<_>>();
    until_is("all paths", &next_hops(&[10, 11, 12]), || several.next_hops("10.99.0.0/24"));
    until_is("the best path", &next_hops(&[10]), || single.next_hops("10.99.0.0/24"));
    let negotiated = reflector.peer(net.host(2))["negotiated"]["add_path_send"].clone();
    assert!(negotiated.as_array().unwrap().iter().any(|family| family == "ipv4_unicast"), "{negotiated}");

    // 10.99.0.0/24 is withdrawn by the one whose path was the best.
    clients[0].send(&message(2, &[0, 4, 24, 10, 99, 0, 0, 0]));
    until_is("the others", &next_hops(&[11, 12]), || several.next_hops("10.99.0.0/24"));
    until_is("the next best", &next_hops(&[11]), || single.next_hops("10.99.0.0/24"));
}

#[test]
fn rfc7911_bird_with_several_paths() {
    if Bird::installed() {
        paths(Bird::start);
    }
}

#[test]
fn rfc7911_frr_with_several_paths() {
    if Bird::installed() && Frr::installed() {
        paths(Frr::start);
    }
}

#[test]
fn rfc7911_gobgp_with_several_paths() {
    if Bird::installed() && GoBgp::installed() {
        paths(GoBgp::start);
    }
}

#[test]
fn rfc7911_openbgpd_with_several_paths() {
    if Bird::installed() && OpenBgpd::installed() {
        paths(OpenBgpd::start);
    }
}
