//! Sessions over IPv6, and sessions with another AS.

use std::net::{Ipv6Addr, SocketAddr, TcpListener};

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Place, Seen, Setup, reflected, until, until_is, v4, v6};
use crate::frr::Frr;
use crate::ours::Reflector;

/// A port of `::1` that is free now.
fn free_port() -> u16 {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A client over IPv6, and one over IPv4 of the same reflector: it listens twice.
fn over_ipv6<D: Daemon>(number: u8, start: fn(&Setup) -> D) {
    let net = Net::new();
    let second = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), free_port());
    let reflector = Reflector::with(
        net,
        &["--listen", &second.to_string(), "--client-range", "::1/128", "--client-range", &net.range()],
    );
    let four = Bird::start(&Setup::client(2, net, reflector.address));
    let six = start(&Setup {
        address: Ipv6Addr::LOCALHOST.into(),
        peer: second,
        port: free_port(),
        ..Setup::client(number, net, reflector.address)
    });
    until_is("IPv4 over IPv6", &Some(reflected(2, false, "244.0.0.1")), || six.route(&v4(2)));
    until_is("IPv6 over IPv6", &Some(reflected(2, true, "244.0.0.1")), || six.route(&v6(2)));
    until_is("IPv4 from IPv6", &Some(reflected(number, false, "244.0.0.1")), || four.route(&v4(number)));
    until_is("IPv6 from IPv6", &Some(reflected(number, true, "244.0.0.1")), || four.route(&v6(number)));
    assert!(reflector.is_up(Ipv6Addr::LOCALHOST));
}

#[test]
fn bird_over_ipv6() {
    if Bird::installed() {
        over_ipv6(3, Bird::start);
    }
}

#[test]
fn frr_over_ipv6() {
    if Bird::installed() && Frr::installed() {
        over_ipv6(5, Frr::start);
    }
}

/// A client, a peer of AS 65003 with a policy and one of AS 65004 without.
fn other_as<D: Daemon>(start: fn(&Setup) -> D) {
    let net = Net::new();
    let (with, without) =
        (format!("{},65003,passive,policy=accept", net.host(3)), format!("{},65004,passive", net.host(4)));
    let place = Place::new("external");
    let file = place.write("config.toml", "local-v4 = \"192.0.2.254\"\nlocal-v6 = \"2001:db8:ffff::254\"\n");
    let config = file.to_str().unwrap();
    let range = net.range();
    let arguments = ["--config", config, "--client-range", &range, "--peer", &with, "--peer", &without];
    let reflector = Reflector::with(net, &arguments);
    let client = Bird::start(&Setup::client(2, net, reflector.address));
    let external = |number| Setup { asn: 65000 + u32::from(number), ..Setup::client(number, net, reflector.address) };
    let accepted = start(&external(3));
    let unheard = start(&external(4));

    // RFC 4456 section 10: a route from another AS is no reflected one.
    let inwards =
        |seen: Option<Seen>| seen.map(|seen| (seen.as_path, seen.next_hop, seen.originator, seen.cluster_list));
    let expected = Some(("65003".into(), "192.0.2.3".into(), String::new(), String::new()));
    until_is("inwards", &expected, || inwards(client.route(&v4(3))));
    let expected = Some(("64512".into(), "192.0.2.254".into(), String::new(), String::new()));
    until_is("outwards", &expected, || inwards(accepted.route(&v4(2))));
    let expected = Some(("64512".into(), "2001:db8:ffff::254".into(), String::new(), String::new()));
    until_is("outwards", &expected, || inwards(accepted.route(&v6(2))));

    // RFC 8212: its UPDATEs have come, and its request for ours is answered: with nothing.
    until("a session without policy", || unheard.is_up());
    let of = |what: &str| reflector.peer(net.host(4))["messages_received"][what].as_u64().unwrap_or(0);
    until("its routes", || of("update") >= 2);
    assert!(unheard.refresh());
    until("its request", || of("route_refresh") >= 2);
    let (keepalives, before) = (of("keepalive"), reflector.number("/uptime_seconds"));
    until("some time", || of("keepalive") > keepalives || reflector.number("/uptime_seconds") > before + 2);
    for prefix in [v4(2), v6(2), v4(3), v6(3)] {
        assert_eq!(unheard.route(&prefix), None);
    }
    assert_eq!(reflector.peer(net.host(4))["paths"], 0);
    assert_eq!(client.route(&v4(4)), None);
}

#[test]
fn rfc8212_bird_of_another_as() {
    if Bird::installed() {
        other_as(Bird::start);
    }
}

#[test]
fn rfc8212_frr_of_another_as() {
    if Bird::installed() && Frr::installed() {
        other_as(Frr::start);
    }
}
