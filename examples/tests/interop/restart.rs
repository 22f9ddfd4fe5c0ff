//! A daemon that is killed and comes back: its routes stay (RFC 4724); and what else is offered to every peer.

use serde_json::Value;

use crate::bird::Bird;
use crate::client::Client;
use crate::daemon::{Daemon, Net, Setup, until, until_is, v4};
use crate::frr::Frr;
use crate::gobgp::GoBgp;
use crate::ours::Reflector;

/// The routes of a killed daemon stay until it is back, and go when it does not come back in time.
fn restarted<D: Daemon>(start: fn(&Setup) -> D, restart: fn(&mut D)) {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let address = net.host(2);
    let mut daemon = start(&Setup { restart_time: Some(10), ..Setup::client(2, net, reflector.address) });
    let mut watcher = Client::established(net.host(10), reflector.address);
    let mut sees = move || {
        watcher.read();
        watcher.routes.keys().any(|(prefix, length)| format!("{prefix}/{length}") == v4(2))
    };
    until("the route", &mut sees);
    let time = |reflector: &Reflector| reflector.peer(address)["negotiated"]["restart_time"].clone();
    assert_eq!(time(&reflector), Value::from(10));
    daemon.process().kill();
    let stale = |reflector: &Reflector| reflector.peer(address)["stale"].as_array().map_or(0, Vec::len);
    until("the routes are kept", || stale(&reflector) > 0);
    assert!(sees(), "it is still announced");
    restart(&mut daemon);
    until("it is back", || reflector.is_up(address));
    until_is("nothing is stale", &0, || stale(&reflector));
    until("it is announced", &mut sees);
    // End-of-RIB has come: what is there now is not stale.
    until_is("its routes", &1, || reflector.peer(address)["prefixes"]["ipv4_unicast"].as_u64().unwrap_or(0));
    daemon.process().kill();
    until("the routes are kept again", || stale(&reflector) > 0);
    until("the time is over", || !sees());
    until_is("it is forgotten", &Value::Null, || reflector.peer(address));
}

#[test]
fn rfc4724_4_2_bird_is_killed_and_comes_back() {
    if Bird::installed() {
        restarted(Bird::start, Bird::restart);
    }
}

#[test]
fn rfc4724_4_2_frr_is_killed_and_comes_back() {
    if Frr::installed() {
        restarted(Frr::start, Frr::restart);
    }
}

#[test]
fn rfc4724_4_2_gobgp_is_killed_and_comes_back() {
    if GoBgp::installed() {
        restarted(GoBgp::start, GoBgp::restart);
    }
}

/// What both sides agree on with a daemon as it is: 4-octet AS numbers, route refresh with its marks, long messages.
fn agreed<D: Daemon>(start: fn(&Setup) -> D, expected: &[(&str, Value)]) {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let daemon = start(&Setup::client(2, net, reflector.address));
    until("the session", || daemon.is_up() && reflector.is_up(net.host(2)));
    let negotiated = reflector.peer(net.host(2))["negotiated"].clone();
    for (key, value) in expected {
        assert_eq!(negotiated[key], *value, "{key} of {negotiated}");
    }
    // With the marks of RFC 7313 where both sides have them: nothing is lost by a refresh.
    until("its routes", || reflector.number("/routes/ipv4_unicast") == 1);
    assert!(daemon.refresh());
    until("it asked", || {
        reflector.peer(net.host(2))["messages_received"]["route_refresh"].as_u64().is_some_and(|count| count > 0)
    });
    assert!(daemon.is_up() && reflector.number("/routes/ipv4_unicast") == 1);
}

#[test]
fn rfc7313_and_rfc8654_with_bird() {
    if Bird::installed() {
        let yes = Value::from(true);
        let expected =
            [("four_octet_as", yes.clone()), ("route_refresh", yes.clone()), ("enhanced_route_refresh", yes)];
        agreed(Bird::start, &expected);
    }
}

#[test]
fn rfc7313_and_rfc8654_with_frr() {
    if Frr::installed() {
        let yes = Value::from(true);
        let expected = [
            ("four_octet_as", yes.clone()),
            ("route_refresh", yes.clone()),
            ("enhanced_route_refresh", yes),
            ("largest_message", Value::from(65535)),
        ];
        agreed(Frr::start, &expected);
    }
}

/// We are killed and come back: the daemon keeps our routes until it has them again.
#[test]
fn rfc4724_4_1_we_are_killed_and_bird_keeps_our_routes() {
    if !Bird::installed() {
        return;
    }
    let net = Net::new();
    let range = net.range();
    // A time that is over within the test: where there are ranges all of it is waited.
    let ours = Reflector::with(net, &["--client-range", &range, "--graceful-restart", "12"]);
    let address = ours.address;
    let setup = |number| Setup { restart_time: Some(60), ..Setup::client(number, net, address) };
    let (one, other) = (Bird::start(&setup(2)), Bird::start(&setup(3)));
    let has = |bird: &Bird, number| bird.route(&v4(number)).is_some();
    until("the routes", || has(&one, 3) && has(&other, 2));
    drop(ours);
    until("the session is lost", || !one.is_up() && !other.is_up());
    assert!(has(&one, 3) && has(&other, 2), "they are kept");
    let ours = Reflector::again(address, &["--client-range", &range, "--graceful-restart", "12"]);
    let mut lost = false;
    until("both are back, and all is told", || {
        lost |= !has(&one, 3) || !has(&other, 2);
        let told = |host| ours.peer(net.host(host))["messages_sent"]["update"].as_u64().unwrap_or(0) > 1;
        ours.is_up(net.host(2)) && ours.is_up(net.host(3)) && told(2) && told(3)
    });
    assert!(!lost, "the daemon never lost a route");
    until("nothing is stale", || has(&one, 3) && has(&other, 2));
    // What is not announced again goes at End-of-RIB: the routes are the new ones.
    other.withdraw();
    until("withdrawn", || !has(&one, 3));
}
