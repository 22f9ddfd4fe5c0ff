//! Both ends dial (RFC 4271 section 6.8).

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Setup, until, v4};
use crate::frr::Frr;
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
