//! Several other ends, each with prefixes of its own (VU#199397).

use core::net::IpAddr;
use std::vec::Vec;

use super::{FAR, FAR4, HOST, NEAR, NEAR4, NOW, OTHER, buffer, six};
use crate::testing::{datagram, udp};
use crate::v6::{Config, Ends, PeerBlocks, PeerSet, Tunnel};
use crate::{EcnMode, Reason};

const THIRD: core::net::Ipv6Addr = core::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 3);

fn config(ends: Ends) -> Config {
    let mut config = Config::new(ends, EcnMode::Normal);
    config.forwarded = false;
    config
}

/// What `from` sends to our end.
fn from(ends: Ends, inner: &[u8]) -> Vec<u8> {
    Tunnel::new(config(ends)).encap(NOW, &mut buffer(inner)).unwrap().octets().to_vec()
}

#[test]
fn vu199397_each_peer_sends_from_its_own_prefixes() {
    let blocks: [(IpAddr, ipnet::IpNet); 3] = [
        (FAR.into(), "2001:db8:1::/48".parse().unwrap()),
        (FAR.into(), "10.244.1.0/24".parse().unwrap()),
        (THIRD.into(), "2001:db8:7::/48".parse().unwrap()),
    ];
    let peers = PeerBlocks::new(&blocks).unwrap();
    let mut tunnel = Tunnel::with_peers(config(Ends::V6 { local: NEAR, remote: FAR }), peers);
    let strange = core::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 66);
    for (source, inner, refused) in [
        (FAR, six(0, 17, HOST, b"x"), None),
        (FAR, datagram(udp(), b"x"), None),
        (THIRD, six(0, 17, HOST, b"x"), Some(Reason::InnerSourceNotAllowed)),
        (THIRD, datagram(udp(), b"x"), Some(Reason::InnerSourceNotAllowed)),
        (THIRD, six(0, 17, core::net::Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 1), b"x"), None),
        (strange, six(0, 17, HOST, b"x"), Some(Reason::SourceNotAllowed)),
        // An end of the tunnel, or the one that sent it, is no source inside.
        (THIRD, six(0, 17, THIRD, b"x"), Some(Reason::InnerMartian)),
        (THIRD, six(0, 17, FAR, b"x"), Some(Reason::InnerMartian)),
        (THIRD, six(0, 17, NEAR, b"x"), Some(Reason::InnerMartian)),
    ] {
        let mut packet = from(Ends::V6 { local: source, remote: NEAR }, &inner);
        let result = tunnel.decap(&mut packet).map(|got| (got.peer, got.inner.to_vec()));
        match refused {
            None => assert_eq!(result, Ok((source.into(), inner))),
            Some(reason) => assert_eq!(result.unwrap_err().reason, reason, "{source}"),
        }
    }
    assert_eq!(PeerBlocks::new(&[blocks[2], blocks[0]]), None);
    let nobody = PeerBlocks::new(&[]).unwrap();
    let mut tunnel = Tunnel::with_peers(config(Ends::V6 { local: NEAR, remote: FAR }), nobody);
    let mut packet = from(Ends::V6 { local: FAR, remote: NEAR }, &six(0, 17, HOST, b"x"));
    assert_eq!(tunnel.decap(&mut packet).unwrap_err().reason, Reason::SourceNotAllowed, "an empty set accepts nothing");
}

#[test]
fn own_addresses_and_served_destinations_are_those_of_the_set() {
    struct Node;
    impl PeerSet for Node {
        fn contains(&self, source: IpAddr) -> bool {
            source == FAR4
        }
        fn allows_destination(&self, inner: IpAddr) -> bool {
            inner == OTHER
        }
        fn is_own(&self, address: IpAddr) -> bool {
            address == HOST
        }
    }
    let mut own = config(Ends::V4 { local: NEAR4, remote: FAR4 });
    let mut tunnel = Tunnel::with_peers(own, &Node);
    let ends = Ends::V4 { local: FAR4, remote: NEAR4 };
    assert_eq!(tunnel.decap(&mut from(ends, &six(0, 17, HOST, b"x"))).unwrap_err().reason, Reason::InnerMartian);
    assert_eq!(tunnel.decap(&mut from(ends, &six(0, 17, THIRD, b"x"))).unwrap().peer, FAR4);
    let mut elsewhere = six(0, 17, THIRD, b"x");
    elsewhere[39] = 10;
    let error = tunnel.decap(&mut from(ends, &elsewhere)).unwrap_err();
    assert_eq!((error.reason, error.offset), (Reason::InnerDestinationNotAllowed, 20 + 24));
    own.forwarded = true;
    let mut tunnel = Tunnel::with_peers(own, Node);
    assert_eq!(tunnel.encap(NOW, &mut buffer(&six(0, 17, HOST, b"x"))).unwrap_err().reason, Reason::Loop);
}

#[test]
fn each_datagram_has_the_exit_that_the_caller_names() {
    let blocks = [(IpAddr::V6(FAR), "::/0".parse().unwrap()), (IpAddr::V6(THIRD), "::/0".parse().unwrap())];
    let peers = PeerBlocks::new(&blocks).unwrap();
    let mut tunnel = Tunnel::with_peers(config(Ends::V6 { local: NEAR, remote: FAR }), peers);
    let inner = six(0, 17, HOST, b"x");
    for exit in [FAR, THIRD] {
        let mut buffer = buffer(&inner);
        let mut packet = tunnel.encap_to(exit.into(), NOW, &mut buffer).unwrap().octets().to_vec();
        assert_eq!(packet[24..40], exit.octets());
        let mut far = Tunnel::new(config(Ends::V6 { local: exit, remote: NEAR }));
        assert_eq!(far.decap(&mut packet).unwrap().inner, inner);
    }
    // To an exit that is ourselves, or that the datagram is for, it would go round.
    let mut refused = |exit: IpAddr| tunnel.encap_to(exit, NOW, &mut buffer(&inner)).unwrap_err().reason;
    assert_eq!([refused(NEAR.into()), refused(OTHER.into())], [Reason::Loop; 2]);
    assert_eq!(refused(FAR4.into()), Reason::OuterNotIpv6);
}
