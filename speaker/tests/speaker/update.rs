//! A peer that gets another configuration while its session is up.

use bgp_fsm::{Cease, Config, Secret, State, Transport};
use bgp_rib::policy::{Condition, PrefixList, Rule, Rules, Verdict};
use bgp_rib::{PeerKind, PeerPolicy};
use bgp_speaker::{Change, ConnId, Event, PeerConfig, PrefixLimit, UpdatePeerError};
use bgp_wire::{Context, Family, MessageType, SessionKind, UpdateView, frame};

use crate::one::{HIGHER, One, seconds, update};

/// A session with routes 0 to 9 of our own and 1 and 2 of the peer.
fn up() -> (One, ConnId) {
    let (mut one, conn) = One::up(|config| config);
    one.originate(0..10);
    one.receive(conn, &[update(1), update(2)].concat());
    one.drain();
    assert_eq!(held(&one, conn).len(), 10);
    (one, conn)
}

fn change(one: &mut One, edit: impl FnOnce(PeerConfig) -> PeerConfig) -> Change {
    let config = edit(one.speaker.peer(one.peer).unwrap().config.clone());
    let change = one.speaker.update_peer(&mut one.store, one.now, one.peer, config).unwrap();
    one.drain();
    change
}

fn session(config: PeerConfig, edit: impl FnOnce(Config) -> Config) -> PeerConfig {
    let mut config = config;
    config.session = edit(config.session.as_ref().clone()).into();
    config
}

/// The routes that the peer holds after all that was sent.
fn held(one: &One, conn: ConnId) -> Vec<String> {
    let (mut rest, mut held) = (one.sent[&conn].as_slice(), std::collections::BTreeSet::new());
    while let Some((message, tail)) = frame(rest, 4096).unwrap() {
        rest = tail;
        if message[18] == MessageType::UPDATE.0 {
            let update =
                UpdateView::decode(message, &Context::new(SessionKind::Ibgp).with_four_octet_as(true)).unwrap();
            for prefix in update.withdrawn().flat_map(|section| section.nlri) {
                held.remove(&prefix.nlri.to_string());
            }
            held.extend(update.announced().flat_map(|section| section.nlri).map(|prefix| prefix.nlri.to_string()));
        }
    }
    held.into_iter().collect()
}

fn count(one: &One, conn: ConnId, ty: MessageType) -> usize {
    one.messages(conn).iter().filter(|(sent, _)| *sent == ty).count()
}

#[test]
fn timers_and_damping_change_without_a_reset() {
    let (mut one, conn) = up();
    let before = one.messages(conn).len();
    let changed = change(&mut one, |config| {
        session(config, |config| config.with_damp_peer_oscillations(true).with_idle_hold_time(seconds(7)))
            .with_port(1179)
    });
    assert_eq!((changed, one.state(), one.messages(conn).len()), (Change::Nothing, State::Established, before));
    one.disconnected(conn);
    one.advance(seconds(7));
    assert_eq!(one.dials(), 2, "the new damping is in force");
    let dial = |event: &Event| if let Event::Dial { remote, .. } = event { Some(remote.port()) } else { None };
    assert_eq!(one.events.iter().filter_map(dial).collect::<Vec<_>>(), [179, 1179]);
}

#[test]
fn rfc4486_4_what_stands_in_the_open_needs_a_reset() {
    let (mut one, conn) = up();
    let changed = change(&mut one, |config| session(config, |config| config.with_hold_time(30)));
    assert_eq!((changed, one.state()), (Change::Reset, State::Established), "it waits for the next session");
    one.speaker.cease(&mut one.store, one.now, one.peer, &Cease::configuration_change());
    one.drain();
    assert_eq!(one.last_message(conn), Some((MessageType::NOTIFICATION, [6, 6])));
    let conn = one.start();
    one.connected(conn);
    assert_eq!(one.sent[&conn][22..24], [0, 30]);
}

#[test]
fn rfc2385_a_new_key_goes_to_the_open_socket() {
    let key = |key| Transport::new().with_md5_key(Some(Secret::new(key)));
    let (mut one, conn) = One::up(|config| config.with_transport(key("first")));
    let transport = key("second");
    let changed = change(&mut one, |config| session(config, |config| config.with_transport(transport.clone())));
    assert_eq!((changed, one.state()), (Change::Nothing, State::Established));
    assert!(one.events.contains(&Event::Configure { conn, peer: one.peer }));
    assert_eq!(one.speaker.session(conn).unwrap().config().transport, transport);
}

#[test]
fn rfc2918_another_policy_withdraws_and_asks_again() {
    let (mut one, conn) = up();
    let few: PrefixList =
        ["10.128.1.0/24", "10.128.2.0/24"].into_iter().map(|prefix| prefix.parse().unwrap()).collect();
    let rules = Rules::new().export(Rule::new(Verdict::Reject).when(Condition::Not(Box::new(Condition::Prefix(few)))));
    let policy = one.speaker.add_policy(rules);
    let changed = change(&mut one, |mut config| {
        config.rib = config.rib.with_policy(PeerPolicy::Use(policy));
        config
    });
    assert_eq!((changed, one.state()), (Change::Refresh, State::Established));
    assert_eq!(held(&one, conn), ["10.128.1.0/24", "10.128.2.0/24"]);
    assert_eq!(count(&one, conn, MessageType::ROUTE_REFRESH), 1, "IPv4 unicast is all there is");
    // And back: what was withdrawn is there again.
    let changed = change(&mut one, |mut config| {
        config.rib = config.rib.with_policy(PeerPolicy::AcceptAll);
        config
    });
    assert_eq!((changed, held(&one, conn).len(), one.dials()), (Change::Refresh, 10, 1));
    one.originate(10..11);
    one.drain();
    assert_eq!(held(&one, conn).len(), 11);
}

/// The socket takes nothing for a while: what was due before the change goes out first, and nothing is left over.
#[test]
fn a_change_waits_for_what_is_on_its_way() {
    for room in [0, 30, 5_000, 100_000] {
        let (mut one, conn) = up();
        one.room.insert(conn, room);
        one.originate(100..6_000);
        one.drain();
        // What goes while the peer has not been told of it yet.
        for number in 100..2_000_u32 {
            let address = std::net::IpAddr::from((0x0a80_0000 + (number << 8)).to_be_bytes());
            one.speaker.withdraw(&mut one.store, ipnet::IpNet::new(address, 24).unwrap());
        }
        one.drain();
        let list: PrefixList = ["10.128.1.0/24"].into_iter().map(|prefix| prefix.parse().unwrap()).collect();
        let only = Rule::new(Verdict::Reject).when(Condition::Not(Box::new(Condition::Prefix(list))));
        let policy = one.speaker.add_policy(Rules::new().export(only));
        change(&mut one, |mut config| {
            config.rib = config.rib.with_policy(PeerPolicy::Use(policy));
            config
        });
        one.room.remove(&conn);
        one.flush(conn);
        one.drain();
        assert_eq!(held(&one, conn), ["10.128.1.0/24"], "with room for {room}");
    }
}

#[test]
fn a_limit_that_is_lowered_counts_at_once() {
    let (mut one, conn) = up();
    let limit =
        |limit| move |config: PeerConfig| config.with_prefix_limit(PrefixLimit::new(Family::IPV4_UNICAST, limit));
    assert_eq!(change(&mut one, limit(2)), Change::Nothing);
    assert_eq!(one.state(), State::Established);
    change(&mut one, limit(1));
    assert_eq!(one.last_message(conn), Some((MessageType::NOTIFICATION, [6, 1])));
}

#[test]
fn rfc4456_to_become_a_client_needs_a_reset() {
    let (mut one, conn) = up();
    let changed = change(&mut one, |mut config| {
        config.rib = config.rib.with_kind(PeerKind::RrClient);
        config
    });
    assert_eq!((changed, one.state()), (Change::Reset, State::Established));
    one.disconnected(conn);
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    assert_eq!(one.speaker.rib().peer_config(one.peer).unwrap().kind(), PeerKind::RrClient);
}

#[test]
fn another_address_is_another_peer() {
    let (mut one, _) = up();
    let mut config = one.speaker.peer(one.peer).unwrap().config.clone();
    config.address = "192.0.2.3".parse().unwrap();
    let error = one.speaker.update_peer(&mut one.store, one.now, one.peer, config.clone()).unwrap_err();
    assert_eq!(error.to_string(), "the peer has address 192.0.2.2, which cannot change");
    one.speaker.remove_peer(&mut one.store, one.now, one.peer);
    let error = one.speaker.update_peer(&mut one.store, one.now, one.peer, config).unwrap_err();
    assert_eq!(error, UpdatePeerError::Unknown(one.peer));
}
