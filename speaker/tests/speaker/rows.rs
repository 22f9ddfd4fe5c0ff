//! Rules about one session that a whole speaker must keep, too: across connections, and with tables behind them.

use bgp_fsm::{Confederation, Config, PeerAs, Secret, State, Transport};
use bgp_rib::PeerKind;
use bgp_wire::capability::Capability;
use bgp_wire::{Asn, BgpId, KEEPALIVE, MessageType, Open};
use bytes::BytesMut;

use crate::one::{HIGHER, One, message, open, open_with, seconds, update};

/// The AS number in the first OPEN of a connection.
fn shown_as(one: &One, conn: bgp_speaker::ConnId) -> u16 {
    u16::from_be_bytes([one.sent[&conn][20], one.sent[&conn][21]])
}

#[test]
fn rfc4271_6_1_octets_of_one_connection_are_not_taken_for_those_of_the_next() {
    let mut one = One::new(|config| config.with_passive(true).with_never_dial(true));
    one.speaker.start(&mut one.store, one.now, one.peer);
    for cut in [1, 18, 19, 28, 40] {
        let conn = one.incoming();
        one.receive(conn, &open(HIGHER)[..cut]);
        one.disconnected(conn);
    }
    let conn = one.incoming();
    one.establish(conn, HIGHER);
    // The same within a message of a session that is up.
    one.receive(conn, &update(1)[..30]);
    one.disconnected(conn);
    one.speaker.start(&mut one.store, one.now, one.peer);
    let conn = one.incoming();
    one.establish(conn, HIGHER);
    one.receive(conn, &update(2));
    assert_eq!((one.state(), one.speaker.rib().path_count(one.peer)), (State::Established, 1));
}

#[test]
fn rfc4271_8_1_2_to_stop_twice_is_to_stop_once() {
    let (mut one, conn) = One::up(|config| config);
    for _ in 0..3 {
        one.stop();
    }
    let notifications = one.messages(conn).into_iter().filter(|(ty, _)| *ty == MessageType::NOTIFICATION);
    assert_eq!((notifications.count(), one.state(), one.closed(conn)), (1, State::Idle, Some(false)));
    assert_eq!(one.speaker.peer(one.peer).unwrap().flaps, 1);
}

#[test]
fn a_clock_that_jumps_back_and_forth_stops_nothing() {
    let (mut one, conn) = One::up(|config| config);
    let start = one.now;
    one.now = start + seconds(100);
    one.receive(conn, &KEEPALIVE);
    one.now = start;
    one.receive(conn, &KEEPALIVE);
    assert!(
        one.speaker.poll_timeout().is_some_and(|due| due <= start + seconds(30)),
        "the next KEEPALIVE is due in time"
    );
    one.advance(seconds(60));
    assert!(one.messages(conn).iter().filter(|(ty, _)| *ty == MessageType::KEEPALIVE).count() >= 3);
    assert_eq!(one.state(), State::Established);
}

#[test]
fn rfc7705_4_the_other_as_number_is_tried_after_bad_peer_as() {
    let mut one = One::new(|config| config.with_local_as_override(Some(Asn(64600))).with_dual_as(true));
    for asn in [64600, 64512, 64600] {
        let conn = one.start();
        one.connected(conn);
        assert_eq!(shown_as(&one, conn), asn);
        one.receive(conn, &message(3, &[2, 2]));
        assert_eq!(one.state(), State::Idle);
    }
}

#[test]
fn allowas_in_counts_the_own_as_in_the_tables() {
    for (allowed, taken) in [(0, 0), (1, 1), (2, 2)] {
        let mut one = One::with(
            |config| config,
            |mut peer| {
                peer.rib = peer.rib.with_allowas_in(allowed);
                peer
            },
        );
        let conn = one.start();
        one.connected(conn);
        one.establish(conn, HIGHER);
        for own in [1_u8, 2] {
            let path = [0, 0, 0xfc, 0].repeat(usize::from(own));
            let path = [&[0x40, 2, 2 + 4 * own, 2, own][..], &path].concat();
            let others = [0x40, 1, 1, 0, 0x40, 3, 4, 192, 0, 2, 2, 0x40, 5, 4, 0, 0, 0, 100];
            let length = u8::try_from(path.len() + others.len()).unwrap();
            one.receive(conn, &message(2, &[&[0, 0, 0, length], &path[..], &others, &[24, 10, 1, own]].concat()));
        }
        assert_eq!(
            (one.state(), one.speaker.rib().path_count(one.peer)),
            (State::Established, taken),
            "{allowed} times"
        );
    }
}

#[test]
fn rfc5065_4_members_see_the_member_as_and_others_the_confederation() {
    let confederation = Confederation::new(Asn(64999), [Asn(64512), Asn(64513)]);
    for (peer, shown, kind) in [(64513, 64512, PeerKind::Confed), (65001, 64999, PeerKind::Ebgp)] {
        let with = |mut config: Config| {
            config.peer_as = PeerAs::Exact(Asn(peer));
            config.with_confederation(Some(confederation.clone()))
        };
        let mut one = One::new(with);
        let conn = one.start();
        one.connected(conn);
        assert_eq!(shown_as(&one, conn), shown);
        let mut octets = BytesMut::new();
        Open::new(Asn(peer), 90, BgpId(7))
            .with_capability(Capability::FourOctetAs(Asn(peer)))
            .encode(&mut octets)
            .unwrap();
        octets.extend_from_slice(&KEEPALIVE);
        one.receive(conn, &octets);
        // The tables had been told of an internal peer: what the OPENs say counts.
        assert_eq!(one.speaker.rib().peer_config(one.peer).unwrap().kind(), kind);
    }
}

#[test]
fn bfd_strict_mode_holds_for_a_second_connection_too() {
    let with = |mut config: Config| {
        config.capabilities.push(Capability::BfdStrict);
        config.with_bfd_strict(true)
    };
    let mut one = One::new(with);
    let first = one.start();
    let second = one.incoming();
    let strict = open_with(HIGHER, [Capability::BfdStrict]);
    one.receive(second, &[strict, KEEPALIVE.to_vec()].concat());
    assert_eq!(one.state(), State::OpenConfirm);
    assert!(!one.messages(second).iter().any(|(ty, _)| *ty == MessageType::KEEPALIVE), "withheld until BFD is up");
    one.speaker.set_bfd(&mut one.store, one.now, one.peer, true);
    one.drain();
    assert_eq!((one.state(), one.closed(second)), (State::Established, None));
    // RFC 9384 section 3.
    one.speaker.set_bfd(&mut one.store, one.now, one.peer, false);
    one.drain();
    assert_eq!(one.last_message(second), Some((MessageType::NOTIFICATION, [6, 10])));
    assert!(!one.speaker.is_open(first));
    // A session that begins while BFD is up does not wait for it.
    one.speaker.set_bfd(&mut one.store, one.now, one.peer, true);
    one.start();
    let second = one.incoming();
    one.receive(second, &[open_with(HIGHER, [Capability::BfdStrict]), KEEPALIVE.to_vec()].concat());
    assert_eq!(one.state(), State::Established);
}

#[test]
fn rfc2385_no_debug_output_of_a_speaker_has_the_key() {
    let key = "correct horse battery staple";
    let transport = Transport::new().with_md5_key(Some(Secret::new(key)));
    let (one, conn) = One::up(|config| config.with_transport(transport.clone()));
    for text in
        [format!("{:?}", one.speaker), format!("{:#?}", one.speaker), format!("{:?}", one.speaker.session(conn))]
    {
        assert!(!text.contains(key) && !text.contains("correct"));
        let octets = format!("{:?}", key.as_bytes());
        assert!(!text.contains(octets.trim_matches(['[', ']'])));
    }
}

#[test]
fn messages_are_counted_over_all_sessions_of_a_peer() {
    let (mut one, conn) = One::up(|config| config);
    one.originate(0..3);
    one.receive(conn, &update(1));
    one.receive(conn, &message(3, &[6, 4]));
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    one.stop();
    let peer = one.speaker.peer(one.peer).unwrap();
    let all = [MessageType::OPEN, MessageType::UPDATE, MessageType::NOTIFICATION, MessageType::KEEPALIVE];
    let sent = one.sent.keys().flat_map(|conn| one.messages(*conn)).map(|(ty, _)| ty).collect::<Vec<_>>();
    for ty in all {
        let count = sent.iter().filter(|sent| **sent == ty).count();
        assert_eq!(peer.messages.sent(ty), u64::try_from(count).unwrap(), "{ty:?}");
    }
    assert_eq!(all.map(|ty| peer.messages.received(ty)), [2, 1, 1, 2]);
    let errors = [peer.last_sent, peer.last_received].map(|error| error.unwrap().to_string());
    assert_eq!(errors, ["6/2 administrative shutdown in Established", "6/4 administrative reset in Established"]);
    assert_eq!((peer.established, peer.flaps), (2, 2));
}
