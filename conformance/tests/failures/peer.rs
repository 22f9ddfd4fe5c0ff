//! A peer that sends what it likes, and what became of it.

use bgp_fsm::{Config, Event, Instant, PeerAs, Received, Session, SessionEvent, State};
use bgp_wire::capability::Capability;
use bgp_wire::{Action, Asn, BgpId, Family, KEEPALIVE, Open};
use bytes::BytesMut;

pub(crate) const NOW: Instant = Instant::from_secs(1);

/// The families of the advisories.
const FAMILIES: [Family; 5] =
    [Family::IPV4_UNICAST, Family::IPV6_UNICAST, Family::IPV4_LABELED, Family::IPV4_FLOWSPEC, Family::L2VPN_EVPN];

pub(crate) fn config() -> Config {
    let mut capabilities: Vec<_> = FAMILIES.map(Capability::MultiProtocol).into();
    capabilities.extend([Capability::RouteRefresh, Capability::ExtendedMessage, Capability::FourOctetAs(Asn(64512))]);
    Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513))).with_jitter(false).with_capabilities(capabilities)
}

/// Our session, and what came of the octets so far.
pub(crate) struct Peer {
    pub(crate) session: Session,
    /// What was done with each UPDATE, and the prefixes that it announces and withdraws.
    pub(crate) updates: Vec<(Action, Vec<String>, Vec<String>)>,
    /// The types of attributes that were discarded.
    pub(crate) discarded: Vec<u8>,
    pub(crate) events: Vec<SessionEvent>,
    pub(crate) out: BytesMut,
}

impl Peer {
    /// Our OPEN is sent.
    pub(crate) fn open_sent(config: Config) -> Self {
        let mut session = Session::new(config, 1);
        session.handle(NOW, Event::ManualStart);
        session.handle(NOW, Event::TcpCrAcked);
        let mut peer =
            Self { session, updates: Vec::new(), discarded: Vec::new(), events: Vec::new(), out: BytesMut::new() };
        peer.drain();
        peer.out.clear();
        peer
    }

    /// Established; the peer has all our capabilities, but 4-octet AS numbers only if `as4`.
    pub(crate) fn established(as4: bool) -> Self {
        let mut peer = Self::open_sent(config());
        let mut open = Open::new(Asn(64513), 90, BgpId(2));
        open.capabilities = FAMILIES.map(Capability::MultiProtocol).into();
        open.capabilities.extend([Capability::RouteRefresh, Capability::ExtendedMessage]);
        if as4 {
            open.capabilities.push(Capability::FourOctetAs(Asn(64513)));
        }
        let mut octets = BytesMut::new();
        open.encode(&mut octets).unwrap();
        peer.sends(&octets).sends(&KEEPALIVE);
        assert_eq!(peer.session.state(), State::Established);
        peer.out.clear();
        peer.events.clear();
        peer
    }

    /// A piece of the stream, which ends with a whole message.
    pub(crate) fn sends(&mut self, octets: &[u8]) -> &mut Self {
        let mut rest = octets;
        while !rest.is_empty() && self.session.state() != State::Idle {
            match self.session.frame(rest) {
                Ok(Some((message, behind))) => {
                    if let Received::Update(update) = self.session.receive(NOW, message) {
                        let verdict = update.verdict();
                        let texts = |nlri: bgp_wire::nlri::PathNlri<'_>| nlri.nlri.to_string();
                        let announced = update.announced().flat_map(|part| part.nlri).map(texts).collect();
                        let withdrawn = update.withdrawn().flat_map(|part| part.nlri).map(texts).collect();
                        self.updates.push((verdict.action, announced, withdrawn));
                        self.discarded.extend(verdict.discarded.iter().map(|ty| ty.0));
                        // What a table keeps of it.
                        let mut canonical = Vec::new();
                        update.write_canonical(&mut canonical);
                    }
                    rest = behind;
                }
                Ok(None) => panic!("{} octets are no whole message", rest.len()),
                Err(error) => {
                    self.session.framing_error(NOW, error, rest);
                    rest = &[];
                }
            }
            self.drain();
        }
        self
    }

    fn drain(&mut self) {
        while self.session.poll_transmit(&mut self.out) {}
        while self.session.poll_action().is_some() {}
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    /// The NOTIFICATION that ended the session: code, subcode, data.
    pub(crate) fn notification(&self) -> Option<(u8, u8, Vec<u8>)> {
        let last = self.out.len().checked_sub(21)?;
        let start = (0..=last).rev().find(|at| self.out[*at..*at + 16] == [0xff; 16] && self.out[*at + 18] == 3)?;
        Some((self.out[start + 19], self.out[start + 20], self.out[start + 21..].to_vec()))
    }

    pub(crate) fn refused_with(&self) -> Option<(u8, u8)> {
        self.notification().map(|(code, subcode, _)| (code, subcode))
    }

    /// What was done with the last UPDATE, of a session that goes on.
    #[track_caller]
    pub(crate) fn action(&self) -> Action {
        assert_eq!(self.session.state(), State::Established, "{:?}", self.notification());
        self.updates.last().unwrap().0
    }
}

pub(crate) fn message(ty: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 19).unwrap().to_be_bytes();
    [&[0xff; 16], &length[..], &[ty], body].concat()
}

/// An attribute; with a length of two octets where it needs it.
pub(crate) fn attribute(flags: u8, ty: u8, value: &[u8]) -> Vec<u8> {
    match u8::try_from(value.len()) {
        Ok(length) => [&[flags, ty, length], value].concat(),
        Err(_) => {
            let length = u16::try_from(value.len()).unwrap().to_be_bytes();
            [&[flags | 0x10, ty], &length[..], value].concat()
        }
    }
}

/// ORIGIN, AS_PATH 64513, NEXT_HOP.
pub(crate) fn mandatory() -> Vec<u8> {
    let path = attribute(0x40, 2, &[2, 1, 0, 0, 0xfc, 0x01]);
    [attribute(0x40, 1, &[0]), path, attribute(0x40, 3, &[192, 0, 2, 2])].concat()
}

/// An UPDATE that announces `nlri` with these attributes.
pub(crate) fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    message(2, &[&[0, 0], &length[..], attributes, nlri].concat())
}

/// 203.0.113.0/24
pub(crate) const PREFIX: [u8; 4] = [24, 203, 0, 113];
