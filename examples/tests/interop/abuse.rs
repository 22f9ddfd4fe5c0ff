//! Clients that do what nobody should: the rules end them, and nobody else notices.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::client::{Client, announce, message, open};
use crate::daemon::{Net, Place, until, until_is};
use crate::ours::Reflector;

fn closed(client: &mut Client) {
    until("it is closed", || {
        client.read();
        client.closed
    });
}

#[test]
fn a_client_that_never_reads_costs_a_bounded_memory_and_disturbs_nobody() {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let mut sender = Client::established(net.host(2), reflector.address);
    let mut reader = Client::established(net.host(3), reflector.address);
    let _deaf: Vec<Client> = (10..20).map(|n| Client::established(net.host(n), reflector.address)).collect();
    let next_hop = Ipv4Addr::new(192, 0, 2, 2);
    // The same 20 000 routes again and again, each time with another MED: what the deaf do not read would be hundreds
    // of megabytes, and the table stays as small as it is.
    let mut memory = 0;
    for round in 0_u8..30 {
        for block in 0_u8..100 {
            let prefixes: Vec<_> = (0..200).map(|n| (Ipv4Addr::new(10, block, n, 0), 24)).collect();
            sender.send(&announce(&prefixes, next_hop, &[0x80, 4, 4, 0, 0, round, block]));
        }
        until("the one that reads has the latest of all", || {
            reader.read();
            let med =
                |attributes: &Vec<u8>| attributes.windows(6).any(|octets| octets == [4, 4, 0, 0, round, octets[5]]);
            reader.routes.len() == 20_000 && reader.routes.values().all(med)
        });
        reader.send(&message(4, &[]));
        if round == 9 {
            memory = reflector.number("/memory/resident_octets");
        }
    }
    let now = reflector.number("/memory/resident_octets");
    assert!(now <= memory + (4 << 20), "{memory} octets after 10 rounds, {now} after 30");
    assert!(now < 100 << 20, "{now} octets");
    println!("{memory} -> {now} octets");
}

#[test]
fn rfc4271_6_1_garbage_is_answered_and_closed() {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let mut good = Client::established(net.host(2), reflector.address);
    for (octets, answer) in [
        (vec![0x47; 64], (1, 1)),
        (message(9, &[]), (1, 3)),
        ([&[0xff; 16][..], &[0xff, 0xff, 1]].concat(), (1, 2)),
        ([&[0xff; 16][..], &[0, 18, 1]].concat(), (1, 2)),
        // What comes before an OPEN and is none (RFC 6608).
        (message(4, &[]), (5, 1)),
    ] {
        let mut bad = Client::connect(net.host(3), reflector.address);
        bad.send(&octets);
        closed(&mut bad);
        assert_eq!(bad.notification, Some(answer), "{octets:?}");
    }
    let mut wrong_as = Client::connect(net.host(3), reflector.address);
    let mut octets = open(net.host(3));
    let last = octets.len() - 1;
    octets[last] = 1;
    octets[20] = 0xfc;
    wrong_as.send(&octets);
    closed(&mut wrong_as);
    assert_eq!(wrong_as.notification, Some((2, 2)));
    good.send(&announce(&[([10, 0, 0, 0].into(), 8)], [192, 0, 2, 2].into(), &[]));
    until_is("others go on", &1, || reflector.number("/routes/ipv4_unicast"));
    until_is("nothing is left", &1, || reflector.number("/connections"));
}

#[test]
fn octets_one_at_a_time_are_messages_in_the_end() {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let mut slow = Client::connect(net.host(2), reflector.address);
    let stream =
        [open(net.host(2)), message(4, &[]), announce(&[([10, 2, 0, 0].into(), 16)], [192, 0, 2, 2].into(), &[])]
            .concat();
    for octet in stream {
        slow.send(&[octet]);
    }
    until_is("the route", &1, || reflector.number("/routes/ipv4_unicast"));
    assert!(reflector.is_up(net.host(2)));
}

#[test]
fn rfc4271_8_who_never_sends_an_open_is_closed_when_the_hold_timer_expires() {
    let net = Net::new();
    let place = Place::new("silent");
    let file = place.write("config.toml", "open-hold-time = 2\nmax-connections = 50\n");
    let range = net.range();
    let reflector = Reflector::with(net, &["--client-range", &range, "--config", file.to_str().unwrap()]);
    let mut silent: Vec<Client> = (2..62).map(|n| Client::connect(net.host(n), reflector.address)).collect();
    let start = Instant::now();
    for client in &mut silent {
        closed(client);
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
    let expired = silent.iter().filter(|client| client.notification == Some((4, 0))).count();
    assert_eq!(expired, 50, "the others are over the limit and closed at once");
    until_is("none is left", &0, || reflector.number("/connections"));
    assert_eq!(reflector.number("/refused/too_many"), 10);
    assert!(reflector.status()["peers"].as_array().unwrap().is_empty());
    // There is room again.
    Client::established(net.host(2), reflector.address);
}

#[test]
fn rfc4271_8_an_open_that_takes_too_long_is_as_good_as_none() {
    let net = Net::new();
    let place = Place::new("slow");
    let file = place.write("config.toml", "open-hold-time = 2\n");
    let range = net.range();
    let reflector = Reflector::with(net, &["--client-range", &range, "--config", file.to_str().unwrap()]);
    let mut slow = Client::connect(net.host(2), reflector.address);
    let octets = open(net.host(2));
    let mut rest = octets.iter();
    until("it is closed", || {
        // An octet every 250 ms: the whole OPEN would take ten seconds.
        if let Some(octet) = rest.next() {
            slow.send(&[*octet]);
        }
        std::thread::sleep(Duration::from_millis(200));
        slow.read();
        slow.closed
    });
    assert_eq!(slow.notification, Some((4, 0)));
    assert!(rest.len() > 0, "it was closed before its OPEN was whole");
}

#[test]
fn limits_hold_for_a_range_and_for_one_address() {
    let net = Net::new();
    let place = Place::new("limits");
    let range = net.range();
    let file = place.write("config.toml", &format!("[[client-range]]\nprefix = \"{range}\"\nlimit = 2\n"));
    let reflector = Reflector::with(net, &["--config", file.to_str().unwrap()]);
    let mut first = Client::established(net.host(2), reflector.address);
    let _second = Client::established(net.host(3), reflector.address);
    let mut third = Client::open(net.host(4), reflector.address);
    closed(&mut third);
    // RFC 4486 section 4: it is told that it is not taken.
    assert_eq!((third.notification, reflector.number("/refused/too_many")), (Some((6, 5)), 1));
    // RFC 4271 6.8: the second connection of a client whose session is up ends, the session stays.
    let mut again = Client::open(net.host(2), reflector.address);
    closed(&mut again);
    assert_eq!(again.notification, Some((6, 7)));
    first.read();
    assert!(!first.closed && reflector.is_up(net.host(2)));
    // Who is in no range is not let in at all.
    let mut stranger = Client::open(Ipv4Addr::new(127, 250, 250, 250), reflector.address);
    closed(&mut stranger);
    assert_eq!((stranger.notification, reflector.number("/refused/unknown")), (Some((6, 5)), 1));
    until_is("what was refused is gone", &2, || reflector.number("/connections"));
}

#[test]
fn rfc4486_4_a_client_with_too_many_prefixes_is_told_the_limit_and_waits() {
    let net = Net::new();
    let place = Place::new("prefixes");
    let range = net.range();
    let file = place.write("config.toml", &format!("[[client-range]]\nprefix = \"{range}\"\nmax-prefixes = 2\n"));
    let reflector = Reflector::with(net, &["--config", file.to_str().unwrap()]);
    let mut client = Client::established(net.host(2), reflector.address);
    let prefixes = [1, 2, 3].map(|number| (Ipv4Addr::new(10, number, 0, 0), 16));
    client.send(&announce(&prefixes[..2], [192, 0, 2, 2].into(), &[]));
    until_is("both count", &2.into(), || reflector.peer(net.host(2))["prefixes"]["ipv4_unicast"].clone());
    client.send(&announce(&prefixes, [192, 0, 2, 2].into(), &[]));
    closed(&mut client);
    assert_eq!(client.notification, Some((6, 1)));
    let peer = reflector.peer(net.host(2));
    assert_eq!((&peer["state"], &peer["last_notification_sent"]["subcode"]), (&"Idle".into(), &1.into()));
    // 300 s less jitter.
    assert!(peer["timers"]["IdleHold"].as_u64().unwrap() > 220, "{peer}");
    let mut again = Client::open(net.host(2), reflector.address);
    closed(&mut again);
    assert_eq!((again.notification, again.established), (None, false));
}
