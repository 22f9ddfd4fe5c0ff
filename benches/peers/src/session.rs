//! A KEEPALIVE in Established with rustbgpd-fsm: the event alone, since the library is given no octets. Its actions (one:
//! start HoldTimer) come in a `Vec`.

use std::hint::black_box;
use std::net::Ipv4Addr;

use rustbgpd_fsm::{Event, PeerConfig, Session, SessionState};
use rustbgpd_wire::{Afi, Capability, OpenMessage, Safi};

/// So many of them.
pub fn keepalive(iterations: u64) {
    let mut config = PeerConfig::new(64512, 64513, Ipv4Addr::new(0, 0, 0, 1));
    config.families = vec![(Afi::Ipv4, Safi::Unicast)];
    let open = OpenMessage {
        version: 4,
        my_as: 64513,
        hold_time: 90,
        bgp_identifier: Ipv4Addr::new(0, 0, 0, 2),
        capabilities: vec![Capability::FourOctetAs { asn: 64513 }],
    };
    let mut session = Session::new(config);
    for event in
        [Event::ManualStart, Event::TcpConnectionConfirmed, Event::OpenReceived(open), Event::KeepaliveReceived]
    {
        session.handle_event(event);
    }
    assert_eq!(session.state(), SessionState::Established);
    for _ in 0..iterations {
        black_box(session.handle_event(black_box(Event::KeepaliveReceived)));
    }
}
