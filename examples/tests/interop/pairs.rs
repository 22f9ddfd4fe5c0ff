//! Two daemons as clients: what one announces the other has, exactly, through every change.

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Setup, reflected, until, until_is, v4, v6};
use crate::exabgp::ExaBgp;
use crate::frr::Frr;
use crate::gobgp::GoBgp;
use crate::openbgpd::OpenBgpd;
use crate::ours::Reflector;

const CLUSTER: &str = "244.0.0.1";

/// `to` has both routes of `from`, with the attributes of a reflected route and no others.
#[track_caller]
fn has(to: &dyn Daemon, from: u8) {
    until_is("IPv4 route", &Some(reflected(from, false, CLUSTER)), || to.route(&v4(from)));
    until_is("IPv6 route", &Some(reflected(from, true, CLUSTER)), || to.route(&v6(from)));
}

#[track_caller]
fn lacks(to: &dyn Daemon, from: u8) {
    until_is("no IPv4 route", &None, || to.route(&v4(from)));
    until_is("no IPv6 route", &None, || to.route(&v6(from)));
}

/// Routes both ways, withdrawal and return, route refresh, hold time expiry, loss and return.
fn all_of_it<D: Daemon>(reflector: &Reflector, net: Net, one: &dyn Daemon, other: &mut D, restart: fn(&mut D)) {
    let (first, second) = (one.number(), other.number());
    has(one, second);
    has(other, first);
    until("the reflector counts both", || reflector.number("/routes/ipv4_unicast") == 2);

    other.withdraw();
    lacks(one, second);
    other.announce();
    has(one, second);

    let address = net.host(second);
    let asked = || reflector.peer(address)["messages_received"]["route_refresh"].as_u64().unwrap_or(0);
    let before = other.received();
    if other.refresh() {
        until("a ROUTE-REFRESH for each family", || asked() >= 2);
        until("the routes come again", || other.received() >= before + 2);
    }
    has(other, first);

    // The daemon says nothing more and does not close: the hold time decides.
    other.process().signal("STOP");
    until("the hold time expires", || {
        reflector.errors(address).iter().any(|error| error.contains("hold timer expired"))
    });
    lacks(one, second);
    other.process().signal("CONT");
    has(one, second);
    has(other, first);

    other.process().kill();
    lacks(one, second);
    restart(other);
    has(one, second);
    has(other, first);
}

#[test]
fn two_birds_as_clients() {
    if !Bird::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let one = Bird::start(&Setup::client(2, net, reflector.address));
    let mut other = Bird::start(&Setup { hold_time: 3, ..Setup::client(3, net, reflector.address) });
    all_of_it(&reflector, net, &one, &mut other, Bird::restart);
}

#[test]
fn bird_and_frr_as_clients() {
    if !Bird::installed() || !Frr::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let one = Bird::start(&Setup::client(2, net, reflector.address));
    let mut other = Frr::start(&Setup { hold_time: 3, ..Setup::client(5, net, reflector.address) });
    all_of_it(&reflector, net, &one, &mut other, Frr::restart);
}

#[test]
fn bird_and_gobgp_as_clients() {
    if !Bird::installed() || !GoBgp::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let one = Bird::start(&Setup::client(2, net, reflector.address));
    let mut other = GoBgp::start(&Setup { hold_time: 3, ..Setup::client(6, net, reflector.address) });
    all_of_it(&reflector, net, &one, &mut other, GoBgp::restart);
}

#[test]
fn bird_and_openbgpd_as_clients() {
    if !Bird::installed() || !OpenBgpd::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let one = Bird::start(&Setup::client(2, net, reflector.address));
    let mut other = OpenBgpd::start(&Setup { hold_time: 3, ..Setup::client(7, net, reflector.address) });
    all_of_it(&reflector, net, &one, &mut other, OpenBgpd::restart);
}

#[test]
fn bird_and_exabgp_as_clients() {
    if !Bird::installed() || !ExaBgp::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let one = Bird::start(&Setup::client(2, net, reflector.address));
    let mut other = ExaBgp::start(&Setup { hold_time: 3, ..Setup::client(8, net, reflector.address) });
    all_of_it(&reflector, net, &one, &mut other, ExaBgp::restart);
}
