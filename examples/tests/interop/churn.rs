//! Clients that come and go all the time.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::client::{Client, announce};
use crate::daemon::{Net, until, until_is};
use crate::ours::Reflector;

const CLIENTS: u8 = 200;
const ROUTES: u8 = 11;

/// Connect, announce, see that all routes are everywhere they must be, leave; over and over. `REFLECTOR_CHURN_SECONDS`
/// says for how long, 10 s otherwise.
#[test]
fn two_hundred_clients_come_announce_and_leave() {
    let seconds = std::env::var("REFLECTOR_CHURN_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let net = Net::new();
    let reflector = Reflector::start(net);
    let mut watcher = Client::established(net.host(250), reflector.address);
    let (start, mut rounds, mut after_first) = (Instant::now(), 0_u32, None);
    while start.elapsed() < Duration::from_secs(seconds) || rounds < 3 {
        round(net, &reflector, &mut watcher, rounds);
        rounds += 1;
        if rounds == 2 {
            after_first = Some(usage(&reflector));
        }
    }
    let (memory, descriptors) = after_first.unwrap();
    until_is("no descriptor leaks", &descriptors, || usage(&reflector).1);
    let (now, _) = usage(&reflector);
    // The allocator keeps some of what was used; a leak of a session or a route each would be far more.
    assert!(now <= memory + (4 << 20), "{memory} octets after two rounds, {now} after {rounds}");
    assert_eq!(reflector.number("/memory/attribute_blocks"), 0);
    assert_eq!(reflector.status()["peers"].as_array().unwrap().len(), 1);
    println!("{rounds} rounds of {CLIENTS} clients, {memory} -> {now} octets, {descriptors} descriptors");
}

fn round(net: Net, reflector: &Reflector, watcher: &mut Client, round: u32) {
    let mut clients: Vec<Client> = (0..CLIENTS).map(|n| Client::open(host(net, n), reflector.address)).collect();
    for (number, client) in (0..).zip(&mut clients) {
        let prefixes: Vec<_> = (0..ROUTES).map(|route| (Ipv4Addr::new(10, number, route, 0), 24)).collect();
        client.send(&announce(&prefixes, [192, 0, 2, number].into(), &[]));
    }
    let all = usize::from(CLIENTS) * usize::from(ROUTES);
    until("all routes at the one that stays", || {
        watcher.read();
        watcher.routes.len() == all
    });
    // Every third client reads all of it, too; the others leave with octets unread.
    for (number, client) in (0_u32..).zip(&mut clients) {
        if (number + round).is_multiple_of(3) {
            until("all routes of the others", || {
                client.read();
                client.routes.len() == all - usize::from(ROUTES)
            });
        }
    }
    drop(clients);
    until("no route is left", || {
        watcher.read();
        watcher.routes.is_empty()
    });
    watcher.send(&crate::client::message(4, &[]));
    until_is("all are gone", &1, || reflector.number("/connections"));
}

fn host(net: Net, number: u8) -> Ipv4Addr {
    net.host(number + 2)
}

/// Resident octets and open descriptors.
fn usage(reflector: &Reflector) -> (u64, u64) {
    (reflector.number("/memory/resident_octets"), reflector.number("/memory/descriptors"))
}
