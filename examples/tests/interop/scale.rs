//! Many routes from one daemon to many.

use std::fmt::Write;

use crate::bird::Bird;
use crate::daemon::{Daemon, Net, Setup, until_is};
use crate::ours::Reflector;

const ROUTES: u32 = 100_000;
const CLIENTS: u8 = 20;

#[test]
fn a_hundred_thousand_routes_from_bird_to_twenty() {
    if !Bird::installed() {
        return;
    }
    let net = Net::new();
    let reflector = Reflector::start(net);
    let birds: Vec<Bird> =
        (10..10 + CLIENTS).map(|number| Bird::start(&Setup::client(number, net, reflector.address))).collect();
    let mut more = String::new();
    for route in 1..ROUTES {
        let [_, high, middle, low] = (route << 4).to_be_bytes();
        write!(more, "route 20.{high}.{middle}.{low}/28 blackhole;").unwrap();
    }
    let source = Bird::start(&Setup { more, ..Setup::client(2, net, reflector.address) });

    // Its own route of each other client comes on top of the 100 000.
    let others = u64::from(CLIENTS) - 1;
    for bird in &birds {
        until_is("all routes", &(u64::from(ROUTES) + others), || bird.count("master4"));
    }
    until_is("routes here", &(u64::from(ROUTES + u32::from(CLIENTS))), || reflector.number("/routes/ipv4_unicast"));
    source.withdraw();
    for bird in &birds {
        until_is("none of them", &others, || bird.count("master4"));
    }
    until_is("its own stay here", &u64::from(CLIENTS), || reflector.number("/routes/ipv4_unicast"));
    assert_eq!(source.count("master4"), u64::from(CLIENTS));
}
