//! The time between announcements (RFC 4271 section 9.2.1.1, section 10), on a virtual clock.

use std::collections::BTreeSet;

use bgp_speaker::{ConnId, Event};
use bgp_wire::attr::{AttrBuilder, Origin};
use bgp_wire::{Context, SessionKind, UpdateView, frame};
use ipnet::IpNet;

use crate::one::{HIGHER, One, message, seconds};

fn paced(interval: u64, jitter: bool) -> (One, ConnId) {
    let mut one = One::with(
        // Without a hold time nobody has to say anything.
        |config| config.with_jitter(jitter).with_hold_time(0),
        |peer| peer.with_advertisement_interval(seconds(interval)),
    );
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    (one, conn)
}

fn prefix(number: u32) -> IpNet {
    IpNet::new(std::net::Ipv4Addr::from(0x0a80_0000 + (number << 8)).into(), 24).unwrap()
}

fn originate(one: &mut One, number: u32, origin: Origin) {
    let block = AttrBuilder::new().origin(origin).as_path(&[]).build().unwrap();
    one.speaker.originate(&mut one.store, prefix(number), &block, None).unwrap();
    one.drain();
}

fn withdraw(one: &mut One, number: u32) {
    one.speaker.withdraw(&mut one.store, prefix(number));
    one.drain();
}

/// What the peer has been told since the last call: `+` or `-`, the prefix, the ORIGIN.
fn told(one: &mut One, conn: ConnId) -> Vec<String> {
    let octets = std::mem::take(one.sent.entry(conn).or_default());
    let (mut rest, mut told) = (&octets[..], Vec::new());
    while let Some((message, tail)) = frame(rest, 4096).unwrap() {
        rest = tail;
        if message[18] != 2 {
            continue;
        }
        let update = UpdateView::decode(message, &Context::new(SessionKind::Ibgp)).unwrap();
        for route in update.withdrawn().flat_map(|withdrawn| withdrawn.nlri) {
            told.push(format!("-{}", route.nlri));
        }
        let origin = update.attributes().origin();
        for route in update.announced().flat_map(|announced| announced.nlri) {
            told.push(format!("+{} {origin:?}", route.nlri));
        }
        if update.end_of_rib().is_some() {
            told.push("end".into());
        }
    }
    told
}

fn plus(number: u32, origin: Origin) -> String {
    format!("+{} {:?}", prefix(number), Some(origin))
}

fn minus(number: u32) -> String {
    format!("-{}", prefix(number))
}

#[test]
fn rfc4271_9_2_1_1_announcements_wait_and_withdrawals_do_not() {
    let (mut one, conn) = paced(30, false);
    assert_eq!(told(&mut one, conn), ["end"]);
    one.advance(seconds(31));
    originate(&mut one, 1, Origin::Igp);
    assert_eq!(told(&mut one, conn), [plus(1, Origin::Igp)], "the first one goes at once");
    originate(&mut one, 2, Origin::Igp);
    originate(&mut one, 3, Origin::Igp);
    one.advance(seconds(29));
    assert_eq!(told(&mut one, conn), Vec::<String>::new());
    withdraw(&mut one, 1);
    assert_eq!(told(&mut one, conn), [minus(1)]);
    one.advance(seconds(1));
    assert_eq!(told(&mut one, conn), [plus(2, Origin::Igp), plus(3, Origin::Igp)]);
    // And the time begins again.
    originate(&mut one, 4, Origin::Igp);
    one.advance(seconds(29));
    assert_eq!(told(&mut one, conn), Vec::<String>::new());
    one.advance(seconds(1));
    assert_eq!(told(&mut one, conn), [plus(4, Origin::Igp)]);
    one.advance(seconds(30));
    originate(&mut one, 5, Origin::Igp);
    assert_eq!(told(&mut one, conn), [plus(5, Origin::Igp)], "after a time without anything, at once again");
}

#[test]
fn rfc4271_9_2_1_1_of_many_changes_the_last_state_is_told() {
    let (mut one, conn) = paced(30, false);
    originate(&mut one, 1, Origin::Igp);
    originate(&mut one, 2, Origin::Igp);
    one.advance(seconds(60));
    told(&mut one, conn);
    originate(&mut one, 9, Origin::Igp);
    assert_eq!(told(&mut one, conn), [plus(9, Origin::Igp)]);
    for origin in [Origin::Egp, Origin::Incomplete, Origin::Egp] {
        originate(&mut one, 1, origin);
    }
    originate(&mut one, 2, Origin::Egp);
    withdraw(&mut one, 2);
    originate(&mut one, 3, Origin::Egp);
    withdraw(&mut one, 3);
    originate(&mut one, 3, Origin::Incomplete);
    let early: BTreeSet<String> = told(&mut one, conn).into_iter().collect();
    assert_eq!(early, [minus(2), minus(3)].into(), "what is gone may not be used any longer");
    one.advance(seconds(30));
    let late: BTreeSet<String> = told(&mut one, conn).into_iter().collect();
    assert_eq!(late, [plus(1, Origin::Egp), plus(3, Origin::Incomplete)].into());
}

#[test]
fn rfc2918_3_a_refresh_is_answered_with_all_that_waits() {
    let (mut one, conn) = paced(30, false);
    originate(&mut one, 1, Origin::Igp);
    originate(&mut one, 2, Origin::Igp);
    told(&mut one, conn);
    one.receive(conn, &message(5, &[0, 1, 0, 1]));
    one.advance(seconds(30));
    let all: BTreeSet<String> = told(&mut one, conn).into_iter().collect();
    assert_eq!(all, [plus(1, Origin::Igp), plus(2, Origin::Igp)].into());
}

#[test]
fn rfc4271_10_the_time_is_jittered() {
    let mut seen = BTreeSet::new();
    let (mut one, conn) = paced(100, true);
    for round in 0..20 {
        originate(&mut one, 1000 + round, Origin::Igp);
        originate(&mut one, 2000 + round, Origin::Igp);
        told(&mut one, conn);
        let begin = one.now;
        while told(&mut one, conn).is_empty() {
            one.advance(seconds(1));
        }
        let waited = (one.now - begin).as_secs();
        assert!((75..=100).contains(&waited), "{waited}");
        seen.insert(waited);
        // Until the time that begins with what has waited is over, too.
        one.advance(seconds(100));
        told(&mut one, conn);
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn nothing_waits_unless_it_is_asked_for_and_a_session_that_ends_forgets_it() {
    let (mut one, conn) = paced(0, false);
    originate(&mut one, 1, Origin::Igp);
    originate(&mut one, 2, Origin::Igp);
    assert_eq!(told(&mut one, conn), ["end".into(), plus(1, Origin::Igp), plus(2, Origin::Igp)]);
    let (mut one, conn) = paced(30, false);
    originate(&mut one, 1, Origin::Igp);
    originate(&mut one, 2, Origin::Igp);
    one.disconnected(conn);
    one.advance(seconds(60));
    assert_eq!(one.events.iter().filter(|event| matches!(event, Event::Down { .. })).count(), 1);
    assert_eq!(one.speaker.poll_timeout(), None);
}

#[test]
fn the_interval_ends_when_it_is_configured_away() {
    let (mut one, conn) = paced(3000, false);
    originate(&mut one, 1, Origin::Igp);
    originate(&mut one, 2, Origin::Igp);
    assert_eq!(told(&mut one, conn), ["end".into(), plus(1, Origin::Igp)]);
    let config = one.speaker.peer(one.peer).unwrap().config.clone().with_advertisement_interval(seconds(0));
    one.speaker.update_peer(&mut one.store, one.now, one.peer, config).unwrap();
    one.drain();
    assert_eq!(told(&mut one, conn), [plus(2, Origin::Igp)]);
    originate(&mut one, 3, Origin::Igp);
    assert_eq!(told(&mut one, conn), [plus(3, Origin::Igp)]);
}
