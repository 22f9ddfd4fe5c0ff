//! Both ends dial (RFC 4271 section 6.8).

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Setup, until, until_is, v4};
use crate::exabgp::ExaBgp;
use crate::frr::Frr;
use crate::gobgp::GoBgp;
use crate::openbgpd::OpenBgpd;
use crate::ours::Reflector;

/// The daemon dials us and we dial it, with each identifier the higher one once; whenever it is gone and comes back there is
/// one session again.
fn crossed<D: Daemon>(start: fn(&Setup) -> D, restart: fn(&mut D)) {
    for router_id in ["10.0.0.1", "10.0.0.254"] {
        let net = Net::new();
        let peer = format!("{}:1790,64512,client,source={}", net.host(2), net.host(1));
        let reflector = Reflector::with(net, &["--peer", &peer, "--router-id", router_id]);
        let mut daemon = start(&Setup::client(2, net, reflector.address));
        for sessions in 1..4 {
            until("one session", || daemon.is_up() && reflector.is_up(net.host(2)));
            until("its routes", || reflector.number("/routes/ipv4_unicast") == 1);
            until("one connection", || reflector.number("/connections") == 1);
            assert!(daemon.route(&v4(2)).is_none(), "its own route does not come back");
            daemon.process().kill();
            until("it is gone", || !reflector.is_up(net.host(2)));
            if sessions < 3 {
                restart(&mut daemon);
            }
        }
    }
}

#[test]
fn rfc4271_6_8_bird_and_ours_dial_each_other() {
    if Bird::installed() {
        crossed(Bird::start, Bird::restart);
    }
}

#[test]
fn rfc4271_6_8_frr_and_ours_dial_each_other() {
    if Frr::installed() {
        crossed(Frr::start, Frr::restart);
    }
}

#[test]
fn rfc4271_6_8_gobgp_and_ours_dial_each_other() {
    if GoBgp::installed() {
        crossed(GoBgp::start, GoBgp::restart);
    }
}

#[test]
fn rfc4271_6_8_openbgpd_and_ours_dial_each_other() {
    if OpenBgpd::installed() {
        crossed(OpenBgpd::start, OpenBgpd::restart);
    }
}

#[test]
fn rfc4271_6_8_exabgp_and_ours_dial_each_other() {
    if ExaBgp::installed() {
        crossed(ExaBgp::start, ExaBgp::restart);
    }
}

/// A hundred pairs of addresses, one at each end, which all dial each other at once, and once more after the daemon has
/// ended all sessions: of each pair's two connections one is left.
fn hundred<D: Daemon>(start: fn(&Setup) -> D) {
    const PAIRS: u8 = 100;
    for router_id in ["10.0.0.1", "10.0.0.254"] {
        let net = Net::new();
        let (ours, theirs) = (|pair| net.host(pair), |pair| net.host(100 + pair));
        let peers: Vec<String> = (1..=PAIRS)
            .flat_map(|pair| ["--peer".to_owned(), format!("{}:1790,64512,client,source={}", theirs(pair), ours(pair))])
            .collect();
        let mut arguments: Vec<&str> = peers.iter().map(String::as_str).collect();
        arguments.extend(["--router-id", router_id]);
        let reflector = Reflector::on(std::net::Ipv4Addr::UNSPECIFIED.into(), &arguments);
        let port = reflector.address.port();
        let mut sessions = (1..=PAIRS).map(|pair| (theirs(pair).into(), (ours(pair), port).into()));
        let (address, peer) = sessions.next().unwrap();
        let daemon =
            start(&Setup { number: 2, address, peer, others: sessions.collect(), ..Setup::client(2, net, peer) });
        let settled = || {
            let up = (1..=PAIRS).filter(|pair| reflector.is_up(theirs(*pair))).count();
            (daemon.sessions_up(), up, reflector.number("/connections"))
        };
        until_is("a session for each pair", &(100, 100, 100), settled);
        daemon.reset();
        until("the sessions end", || daemon.sessions_up() < 100);
        until_is("a session for each pair again", &(100, 100, 100), settled);
    }
}

#[test]
fn rfc4271_6_8_bird_and_ours_dial_each_other_a_hundred_times() {
    if Bird::installed() {
        hundred(Bird::start);
    }
}

#[test]
fn rfc4271_6_8_frr_and_ours_dial_each_other_a_hundred_times() {
    if Frr::installed() {
        hundred(Frr::start);
    }
}

#[test]
fn rfc4271_6_8_gobgp_and_ours_dial_each_other_a_hundred_times() {
    if GoBgp::installed() {
        hundred(GoBgp::start);
    }
}
