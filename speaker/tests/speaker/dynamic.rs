//! Peers that come from ranges of addresses.

use std::net::SocketAddr;
use std::time::Duration;

use bgp_fsm::{Config, Instant, PeerAs, State};
use bgp_rib::{PeerKind, PeerPolicy};
use bgp_speaker::{AttrStore, ConnId, Event, PeerConfig, PeerId, Range, Refused, Speaker};
use bgp_wire::capability::Capability;
use bgp_wire::{Asn, BgpId, Family, KEEPALIVE, Open};
use bytes::BytesMut;

use crate::one::{HIGHER, LOCAL, message, open, seconds, update};

struct Hub {
    speaker: Speaker,
    store: AttrStore,
    now: Instant,
    events: Vec<Event>,
}

impl Hub {
    fn new(ranges: &[(&str, u32)], configure: impl Fn(Config) -> Config) -> Hub {
        let rib = bgp_rib::Config::new(Asn(64512), LOCAL).with_local_v4("192.0.2.1".parse().unwrap());
        let mut speaker = Speaker::new(bgp_speaker::Config::new(rib), 7);
        for (prefix, limit) in ranges {
            speaker.add_range(range(prefix, *limit, &configure));
        }
        Hub { speaker, store: AttrStore::new(7), now: Instant::from_secs(1), events: Vec::new() }
    }

    fn connect(&mut self, from: &str) -> Result<ConnId, Refused> {
        self.speaker.incoming(&mut self.store, self.now, SocketAddr::new(from.parse().unwrap(), 50_000))
    }

    fn drain(&mut self) {
        loop {
            let more = self.speaker.process(&mut self.store);
            let Some(event) = self.speaker.poll_event() else {
                if more {
                    continue;
                }
                return;
            };
            if let Event::Transmit { conn } = event {
                loop {
                    let octets: usize = self.speaker.poll_transmit(&mut self.store, conn).map(<[u8]>::len).sum();
                    if octets == 0 {
                        break;
                    }
                    self.speaker.sent(self.now, conn, octets);
                }
            }
            self.events.push(event);
        }
    }

    fn receive(&mut self, conn: ConnId, octets: &[u8]) {
        self.speaker.receive(&mut self.store, self.now, conn, octets);
        self.drain();
    }

    fn disconnect(&mut self, conn: ConnId) {
        self.speaker.disconnected(&mut self.store, self.now, conn);
    }

    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.speaker.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.speaker.handle_timeout(&mut self.store, due);
            self.drain();
        }
        self.now = end;
    }

    fn peers(&self) -> Vec<String> {
        self.speaker.peers().map(|peer| peer.config.address.to_string()).collect()
    }

    /// Joined and Left, in order.
    fn moves(&self) -> Vec<(bool, PeerId)> {
        let moves = self.events.iter().filter_map(|event| match event {
            Event::Joined { peer } => Some((true, *peer)),
            Event::Left { peer } => Some((false, *peer)),
            _ => None,
        });
        moves.collect()
    }

    fn members(&self) -> Vec<u32> {
        self.speaker.ranges().map(|(_, members)| members).collect()
    }
}

fn range(prefix: &str, limit: u32, configure: impl Fn(Config) -> Config) -> Range {
    let prefix: ipnet::IpNet = prefix.parse().unwrap();
    let session = configure(Config::new(Asn(64512), LOCAL, PeerAs::Internal));
    let routes = bgp_rib::PeerConfig::new(PeerKind::RrClient, Asn(64512), prefix.addr());
    Range::new(prefix, limit, PeerConfig::new(prefix.addr(), session, routes))
}

#[test]
fn rfc4486_4_who_is_in_no_range_is_rejected() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config);
    let address = "198.51.100.1".parse().unwrap();
    let refused = hub.connect("198.51.100.1").unwrap_err();
    assert_eq!(refused, Refused::UnknownPeer(address));
    let octets = refused.notification().unwrap();
    assert_eq!(octets.to_vec(), message(3, &[6, 5]));
    assert_eq!(hub.peers(), Vec::<String>::new());
}

#[test]
fn a_range_has_as_many_members_as_it_may_and_no_more() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 2)], |config| config);
    let first = hub.connect("192.0.2.77").unwrap();
    hub.connect("192.0.2.78").unwrap();
    let refused = hub.connect("192.0.2.79").unwrap_err();
    assert_eq!(refused, Refused::RangeFull("192.0.2.79".parse().unwrap()));
    assert_eq!(refused.notification().unwrap().to_vec(), message(3, &[6, 5]));
    // A second connection of a member is not one more member.
    hub.connect("192.0.2.78").unwrap();
    hub.drain();
    assert_eq!((hub.members(), hub.peers()), (vec![2], vec!["192.0.2.77".into(), "192.0.2.78".into()]));
    hub.disconnect(first);
    hub.drain();
    hub.connect("192.0.2.79").unwrap();
    assert_eq!(hub.members(), [2]);
}

#[test]
fn the_most_specific_range_counts() {
    let mut hub = Hub::new(&[("127.0.0.0/8", 2), ("127.0.1.0/24", 1), ("2001:db8::/32", 1)], |config| config);
    hub.connect("127.0.1.1").unwrap();
    assert!(matches!(hub.connect("127.0.1.2"), Err(Refused::RangeFull(_))));
    hub.connect("127.0.0.1").unwrap();
    hub.connect("::ffff:127.0.0.2").unwrap();
    hub.connect("2001:db8::1").unwrap();
    assert!(matches!(hub.connect("::1"), Err(Refused::UnknownPeer(_))));
    assert_eq!(hub.members(), [1, 1, 2]);
    // With another limit for the same prefix, the members stay.
    hub.speaker.add_range(range("127.0.0.0/8", 3, |config| config));
    hub.connect("127.0.0.3").unwrap();
    assert!(hub.speaker.remove_range("127.0.0.0/8".parse().unwrap()));
    assert!(matches!(hub.connect("127.0.0.4"), Err(Refused::UnknownPeer(_))));
    assert_eq!(hub.peers().len(), 5);
}

/// RFC 4271 section 8.2.2, OpenSent, event 18: the session goes to Active, and nothing says that it is down.
#[test]
fn a_member_whose_connection_is_lost_before_its_open_is_forgotten() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config);
    for _ in 0..3 {
        let conn = hub.connect("192.0.2.77").unwrap();
        hub.drain();
        assert_eq!(hub.speaker.session(conn).unwrap().state(), State::OpenSent);
        hub.disconnect(conn);
        hub.drain();
        assert!(!hub.events.iter().any(|event| matches!(event, Event::Down { .. })));
        assert_eq!((hub.peers().len(), hub.members()), (0, vec![0]));
    }
    assert_eq!(hub.speaker.poll_timeout(), None);
}

#[test]
fn a_member_is_forgotten_when_its_session_has_ended() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config);
    let conn = hub.connect("192.0.2.77").unwrap();
    hub.receive(conn, &[open(HIGHER), KEEPALIVE.to_vec(), update(1)].concat());
    assert_eq!(hub.speaker.rib().loc_rib().count(), 1);
    hub.receive(conn, &message(3, &[6, 2]));
    assert_eq!((hub.peers().len(), hub.members()), (0, vec![0]));
    assert_eq!(hub.speaker.rib().loc_rib().count(), 0);
    let moves: Vec<bool> = hub.moves().into_iter().map(|(joined, _)| joined).collect();
    assert_eq!(moves, [true, false]);
}

#[test]
fn a_member_can_be_looked_at_until_its_owner_knows_that_it_left() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config);
    let conn = hub.connect("192.0.2.77").unwrap();
    hub.drain();
    hub.receive(conn, &[0; 19]);
    hub.events.clear();
    let conn = hub.connect("192.0.2.77").unwrap();
    hub.speaker.receive(&mut hub.store, hub.now, conn, &[0; 19]);
    while let Some(event) = hub.speaker.poll_event() {
        if let Event::Down { peer, .. } | Event::Left { peer } = event {
            assert_eq!(
                hub.speaker.peer(peer).unwrap().last_sent.unwrap().notification.to_string(),
                "1/1 connection not synchronized"
            );
        }
    }
}

/// It comes back before anybody was told that it had gone, and goes again: nobody else is taken for it.
#[test]
fn a_member_that_comes_back_at_once_stays() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config);
    let first = hub.connect("192.0.2.77").unwrap();
    hub.disconnect(first);
    let second = hub.connect("192.0.2.77").unwrap();
    assert!(hub.speaker.is_open(second));
    hub.disconnect(second);
    let third = hub.connect("192.0.2.77").unwrap();
    hub.drain();
    assert_eq!(hub.speaker.session(third).unwrap().state(), State::OpenSent);
    assert_eq!(hub.moves().iter().map(|(joined, _)| *joined).collect::<Vec<_>>(), [true, false, true, false, true]);
    assert_eq!(hub.members(), [1]);
    hub.disconnect(third);
    hub.drain();
    assert_eq!((hub.members(), hub.peers().len()), (vec![0], 0));
}

#[test]
fn a_stranger_that_says_nothing_is_forgotten_after_the_hold_time_of_opensent() {
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], |config| config.with_open_hold_time(seconds(20)));
    hub.connect("192.0.2.77").unwrap();
    hub.drain();
    hub.advance(seconds(19));
    assert_eq!(hub.peers().len(), 1);
    hub.advance(seconds(1));
    assert_eq!(hub.peers().len(), 0);
}

#[test]
fn rfc4724_4_2_a_member_stays_while_its_routes_are_kept() {
    let restart = crate::restart::capability(false);
    let with = |config: Config| {
        let capabilities = [Capability::RouteRefresh, restart.clone()];
        config.with_capabilities(
            [Capability::MultiProtocol(Family::IPV4_UNICAST)].into_iter().chain(capabilities).collect::<Vec<_>>(),
        )
    };
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], with);
    let conn = hub.connect("192.0.2.77").unwrap();
    let capabilities = [restart.clone()];
    let open = crate::one::open_with(HIGHER, capabilities);
    hub.receive(conn, &[open.clone(), KEEPALIVE.to_vec(), update(1)].concat());
    hub.disconnect(conn);
    hub.drain();
    assert_eq!((hub.peers().len(), hub.speaker.rib().loc_rib().count()), (1, 1));
    let conn = hub.connect("192.0.2.77").unwrap();
    hub.receive(conn, &[open, KEEPALIVE.to_vec(), message(2, &[0; 4])].concat());
    assert_eq!((hub.peers().len(), hub.speaker.rib().loc_rib().count()), (1, 0));
    hub.disconnect(conn);
    hub.drain();
    hub.advance(seconds(121));
    assert_eq!((hub.peers().len(), hub.members()), (0, vec![0]));
}

/// A flapping member waits in Idle, as it has been configured: its place is kept, its connections are refused.
#[test]
fn a_member_that_is_damped_keeps_its_place() {
    let damped =
        |config: Config| config.with_damp_peer_oscillations(true).with_idle_hold_time(seconds(10)).with_jitter(false);
    let mut hub = Hub::new(&[("192.0.2.0/24", 1)], damped);
    let conn = hub.connect("192.0.2.77").unwrap();
    hub.receive(conn, &[0; 19]);
    assert_eq!(hub.connect("192.0.2.77"), Err(Refused::Idle("192.0.2.77".parse().unwrap())));
    hub.advance(seconds(10));
    assert_eq!(hub.members(), [0]);
    assert!(hub.connect("192.0.2.77").is_ok());
}

/// The range takes any AS: the tables learn from the OPEN what the peer is.
#[test]
fn a_member_of_another_as_is_an_external_peer() {
    let mut hub = Hub::new(&[], |config| config);
    let prefix: ipnet::IpNet = "192.0.2.0/24".parse().unwrap();
    let session = Config::new(Asn(64512), LOCAL, PeerAs::Any);
    let routes = bgp_rib::PeerConfig::new(PeerKind::Ibgp, Asn(64512), prefix.addr()).with_policy(PeerPolicy::None);
    hub.speaker.add_range(Range::new(prefix, 2, PeerConfig::new(prefix.addr(), session, routes)));
    for (address, asn) in [("192.0.2.2", 64513), ("192.0.2.3", 64512)] {
        let conn = hub.connect(address).unwrap();
        let mut octets = BytesMut::new();
        let open = Open::new(Asn(asn), 90, BgpId(asn)).with_capability(Capability::MultiProtocol(Family::IPV4_UNICAST));
        open.encode(&mut octets).unwrap();
        octets.extend_from_slice(&KEEPALIVE);
        hub.receive(conn, &octets);
        let peer = hub.speaker.peer_at(address.parse().unwrap()).unwrap();
        let config = *hub.speaker.rib().peer_config(peer).unwrap();
        let kind = if asn == 64512 { PeerKind::Ibgp } else { PeerKind::Ebgp };
        assert_eq!((config.kind(), config.asn(), config.addr()), (kind, Asn(asn), address.parse().unwrap()));
        hub.receive(conn, &update(u8::try_from(asn - 64500).unwrap()));
    }
    // RFC 8212: without a policy, what the external one sent is not taken.
    let routes: Vec<String> = hub.speaker.rib().loc_rib().map(|path| path.prefix.to_string()).collect();
    assert_eq!(routes, ["10.1.12.0/24"]);
}

/// Whoever connects and says nothing takes one of a bounded number of places; those with an OPEN do not.
#[test]
fn connections_from_ranges_without_an_open_are_bounded() {
    let rib = bgp_rib::Config::new(Asn(64512), LOCAL);
    let mut hub = Hub::new(&[], |config| config);
    hub.speaker = Speaker::new(bgp_speaker::Config::new(rib).with_most_unopened(3), 7);
    hub.speaker.add_range(range("192.0.2.0/24", 100, |config| config.with_open_hold_time(seconds(20))));
    let address = |host: u8| std::net::Ipv4Addr::new(192, 0, 2, host).to_string();
    let first = hub.connect(&address(1)).unwrap();
    let second = hub.connect(&address(1)).unwrap();
    hub.connect(&address(2)).unwrap();
    hub.drain();
    let refused = Refused::TooManyUnopened(address(3).parse().unwrap());
    assert_eq!(hub.connect(&address(3)), Err(refused), "a second connection counts, too");
    assert_eq!(hub.connect(&address(2)), Err(Refused::TooManyUnopened(address(2).parse().unwrap())));
    assert_eq!((hub.peers().len(), refused.notification()), (2, None));
    // An OPEN makes room; one connection of the peer is given up for the other.
    hub.receive(first, &open(HIGHER));
    let third = hub.connect(&address(3)).unwrap();
    assert!(matches!(hub.connect(&address(4)), Err(Refused::TooManyUnopened(_))));
    hub.disconnect(third);
    hub.drain();
    hub.connect(&address(4)).unwrap();
    hub.disconnect(second);
    hub.drain();
    hub.receive(first, &KEEPALIVE);
    // Those that keep their silence are gone after the time in which an OPEN had to come.
    hub.connect(&address(5)).unwrap();
    assert!(hub.connect(&address(6)).is_err());
    hub.advance(seconds(20));
    assert_eq!(hub.peers(), [address(1)]);
    for host in 10..13 {
        hub.connect(&address(host)).unwrap();
    }
    assert!(hub.connect(&address(13)).is_err());
}
