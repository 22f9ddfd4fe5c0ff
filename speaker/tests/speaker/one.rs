//! One speaker with one peer, whose octets the test writes and reads.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bgp_fsm::{Config, Instant, PeerAs, State};
use bgp_rib::{PeerConfig as RibPeer, PeerKind};
use bgp_speaker::{AttrStore, ConnId, Event, PeerConfig, PeerId, Refused, Speaker};
use bgp_wire::attr::AttrBuilder;
use bgp_wire::capability::Capability;
use bgp_wire::{Asn, BgpId, Family, MessageType, Open, frame};
use bytes::BytesMut;
use ipnet::IpNet;

pub(crate) const LOCAL: BgpId = BgpId(0x0a00_0001);
pub(crate) const HIGHER: BgpId = BgpId(0x0a00_0002);
pub(crate) const LOWER: BgpId = BgpId(0x0900_0001);

pub(crate) struct One {
    pub(crate) speaker: Speaker,
    pub(crate) store: AttrStore,
    pub(crate) now: Instant,
    pub(crate) peer: PeerId,
    /// What the sockets took, by connection.
    pub(crate) sent: BTreeMap<ConnId, Vec<u8>>,
    /// How much each socket takes from now on; all, unless it stands here.
    pub(crate) room: BTreeMap<ConnId, usize>,
    pub(crate) events: Vec<Event>,
}

impl One {
    /// A speaker of AS 64512 with an iBGP peer.
    pub(crate) fn new(configure: impl FnOnce(Config) -> Config) -> One {
        One::with(configure, |peer| peer)
    }

    pub(crate) fn with(configure: impl FnOnce(Config) -> Config, peer: impl FnOnce(PeerConfig) -> PeerConfig) -> One {
        let session = configure(Config::new(Asn(64512), LOCAL, PeerAs::Exact(Asn(64512))).with_jitter(false));
        let rib = bgp_rib::Config::new(Asn(64512), LOCAL).with_local_v4("192.0.2.1".parse().unwrap());
        let mut speaker = Speaker::new(bgp_speaker::Config::new(rib).with_tap(true), 7);
        let now = Instant::from_secs(1);
        let address = remote().ip();
        let config = PeerConfig::new(address, session, RibPeer::new(PeerKind::Ibgp, Asn(64512), address));
        let peer = speaker.add_peer(now, peer(config)).unwrap();
        let store = AttrStore::new(7);
        One { speaker, store, now, peer, sent: BTreeMap::new(), room: BTreeMap::new(), events: Vec::new() }
    }

    /// Does what the outputs ask for.
    pub(crate) fn drain(&mut self) {
        loop {
            let more = self.speaker.process(&mut self.store);
            let mut idle = !more;
            while let Some(event) = self.speaker.poll_event() {
                idle = false;
                if let Event::Transmit { conn } = event {
                    self.flush(conn);
                }
                self.events.push(event);
            }
            if idle {
                return;
            }
        }
    }

    /// Writes until the socket is full.
    pub(crate) fn flush(&mut self, conn: ConnId) {
        loop {
            let room = self.room.get(&conn).copied().unwrap_or(usize::MAX);
            let mut octets: Vec<u8> =
                self.speaker.poll_transmit(&mut self.store, conn).flat_map(|slice| slice.iter().copied()).collect();
            octets.truncate(room);
            if octets.is_empty() {
                return;
            }
            self.speaker.sent(self.now, conn, octets.len());
            self.room.entry(conn).and_modify(|room| *room -= octets.len());
            self.sent.entry(conn).or_default().extend(octets);
        }
    }

    pub(crate) fn start(&mut self) -> ConnId {
        self.speaker.start(&mut self.store, self.now, self.peer);
        self.drain();
        self.dialled()
    }

    /// The newest dial.
    pub(crate) fn dialled(&self) -> ConnId {
        let dial = |event: &Event| if let Event::Dial { conn, .. } = event { Some(*conn) } else { None };
        self.events.iter().rev().find_map(dial).unwrap()
    }

    pub(crate) fn dials(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Dial { .. })).count()
    }

    pub(crate) fn connected(&mut self, conn: ConnId) {
        self.speaker.connected(&mut self.store, self.now, conn);
        self.drain();
    }

    pub(crate) fn try_incoming(&mut self) -> Result<ConnId, Refused> {
        let conn = self.speaker.incoming(&mut self.store, self.now, remote());
        self.drain();
        conn
    }

    pub(crate) fn incoming(&mut self) -> ConnId {
        self.try_incoming().unwrap()
    }

    pub(crate) fn disconnected(&mut self, conn: ConnId) {
        self.speaker.disconnected(&mut self.store, self.now, conn);
        self.drain();
    }

    pub(crate) fn receive(&mut self, conn: ConnId, octets: &[u8]) {
        self.speaker.receive(&mut self.store, self.now, conn, octets);
        self.drain();
    }

    pub(crate) fn stop(&mut self) {
        self.speaker.stop(&mut self.store, self.now, self.peer);
        self.drain();
    }

    /// Brings a connection from OpenSent to Established.
    pub(crate) fn establish(&mut self, conn: ConnId, id: BgpId) {
        self.receive(conn, &[open(id), bgp_wire::KEEPALIVE.to_vec()].concat());
        assert_eq!(self.state(), State::Established);
    }

    /// A session on a dialled connection.
    pub(crate) fn up(configure: impl FnOnce(Config) -> Config) -> (One, ConnId) {
        let mut one = One::new(configure);
        let conn = one.start();
        one.connected(conn);
        one.establish(conn, HIGHER);
        (one, conn)
    }

    /// Lets time pass; every deadline on the way is served, and the law of deadlines holds.
    pub(crate) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.speaker.poll_timeout().filter(|due| *due <= end) {
            assert!(due >= self.now, "a deadline in the past");
            self.now = due;
            self.speaker.handle_timeout(&mut self.store, due);
            self.drain();
            assert!(self.speaker.poll_timeout().is_none_or(|next| next > due), "no progress at {due:?}");
        }
        self.now = end;
    }

    pub(crate) fn originate(&mut self, prefixes: impl IntoIterator<Item = u32>) {
        let block = AttrBuilder::new().build().unwrap();
        for number in prefixes {
            let address = IpAddr::from((0x0a80_0000 + (number << 8)).to_be_bytes());
            let prefix = IpNet::new(address, 24).unwrap();
            self.speaker.originate(&mut self.store, prefix, &block, None).unwrap();
        }
    }

    pub(crate) fn state(&self) -> State {
        self.speaker.peer(self.peer).unwrap().state
    }

    /// The messages that a connection has carried: type, and code and subcode where it is a NOTIFICATION.
    pub(crate) fn messages(&self, conn: ConnId) -> Vec<(MessageType, [u8; 2])> {
        let (mut rest, mut messages) = (self.sent.get(&conn).map_or(&[][..], |sent| sent), Vec::new());
        while let Some((message, tail)) = frame(rest, 4096).unwrap() {
            let ty = MessageType(message[18]);
            let code = if ty == MessageType::NOTIFICATION { [message[19], message[20]] } else { [0; 2] };
            messages.push((ty, code));
            rest = tail;
        }
        messages
    }

    pub(crate) fn last_message(&self, conn: ConnId) -> Option<(MessageType, [u8; 2])> {
        self.messages(conn).last().copied()
    }

    /// Whether and how the speaker asked for a connection to be closed.
    pub(crate) fn closed(&self, conn: ConnId) -> Option<bool> {
        let mut closes = self.events.iter().filter_map(|event| match event {
            Event::Close { conn: other, abort } if *other == conn => Some(*abort),
            _ => None,
        });
        let first = closes.next();
        assert_eq!(closes.next(), None, "closed twice");
        first
    }
}

pub(crate) fn remote() -> SocketAddr {
    "192.0.2.2:50000".parse().unwrap()
}

/// The peer's OPEN.
pub(crate) fn open(id: BgpId) -> Vec<u8> {
    open_with(id, [])
}

pub(crate) fn open_with(id: BgpId, more: impl IntoIterator<Item = Capability>) -> Vec<u8> {
    let mut open = Open::new(Asn(64512), 90, id)
        .with_capability(Capability::MultiProtocol(Family::IPV4_UNICAST))
        .with_capability(Capability::RouteRefresh)
        .with_capability(Capability::FourOctetAs(Asn(64512)));
    for capability in more {
        open = open.with_capability(capability);
    }
    let mut octets = BytesMut::new();
    open.encode(&mut octets).unwrap();
    octets.to_vec()
}

/// An UPDATE of an iBGP peer that announces 10.1.`number`.0/24.
pub(crate) fn update(number: u8) -> Vec<u8> {
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 2, 0x40, 5, 4, 0, 0, 0, 100];
    let nlri = [24, 10, 1, number];
    message(2, &[&[0, 0, 0, 21][..], &attributes, &nlri].concat())
}

pub(crate) fn message(ty: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap();
    [&[0xff; 16][..], &length.to_be_bytes(), &[ty], body].concat()
}

pub(crate) const END_OF_RIB: [u8; 4] = [0; 4];
pub(crate) const NOTIFIED_6_7: (MessageType, [u8; 2]) = (MessageType::NOTIFICATION, [6, 7]);

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
