//! Every OPEN of the corpus through a session: one that is well-formed is taken by a session that it suits, and refused by
//! one that expects another AS; one that is not is refused with the right NOTIFICATION.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
use bgp_wire::{Asn, BgpId, MessageType, frame, message_type};
use bytes::BytesMut;
use conformance::corpus::{Corpus, Message};

/// tshark calls it malformed: it reads the optional parameters of RFC 9072 as those of RFC 4271.
const EXTENDED_PARAMETERS: &str = "44df93e53a66c73da939";

const NOW: Instant = Instant::from_secs(1);

/// A session in OpenSent that takes any hold time, and its answer to `octets`.
fn answer(peer_as: PeerAs, octets: &[u8]) -> (Session, Vec<u8>) {
    let config = Config::new(Asn(4_200_000_123), BgpId(0x0102_0304), peer_as).with_hold_time(u16::MAX);
    let mut session = Session::new(config, 1);
    session.handle(NOW, Event::ManualStart);
    session.handle(NOW, Event::TcpCrAcked);
    let mut out = BytesMut::new();
    session.poll_transmit(&mut out);
    out.clear();
    match session.frame(octets) {
        Ok(Some((message, []))) => drop(session.receive(NOW, message)),
        Ok(Some(_)) => panic!("more than one message"),
        Ok(None) => {}
        Err(error) => session.framing_error(NOW, error, octets),
    }
    session.poll_transmit(&mut out);
    (session, out.to_vec())
}

/// What tshark read: the value of a field, the first with this name.
fn field<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    let fields = message.tshark["fields"].as_array()?;
    fields.iter().find(|pair| pair[0] == name)?[1].as_str()
}

fn number(message: &Message, name: &str) -> Option<u32> {
    field(message, name)?.parse().ok()
}

/// It is taken: KEEPALIVE goes out, and what tshark read is what was negotiated.
fn is_taken(message: &Message) {
    let (session, out) = answer(PeerAs::Any, &message.octets);
    let id = &message.id;
    let negotiated = session.negotiated().unwrap_or_else(|| panic!("{id}: {out:02x?}"));
    assert_eq!((session.state(), message_type(&out)), (State::OpenConfirm, Some(MessageType::KEEPALIVE)), "{id}");
    if let Some(hold_time) = number(message, "open.holdtime") {
        assert_eq!(u32::from(negotiated.hold_time), hold_time, "{id}");
        assert_eq!(u32::from(negotiated.keepalive), hold_time / 3, "{id}");
    }
    if let Some(read) = field(message, "open.identifier") {
        assert_eq!(negotiated.peer_id.to_string(), read, "{id}");
    }
    // RFC 6793 section 4.1: the capability counts where there is one.
    let asn = number(message, "cap.4as").or_else(|| number(message, "open.myas"));
    if let Some(asn) = asn {
        assert_eq!(negotiated.peer_as, Asn(asn), "{id}");
    }
    // RFC 4271 section 6.2: the same from whom we expect it, and bad peer AS from whom we do not.
    let asn = negotiated.peer_as;
    assert_eq!(answer(PeerAs::Exact(asn), &message.octets).0.state(), State::OpenConfirm, "{id}");
    let (refused, out) = answer(PeerAs::Exact(Asn(asn.0 ^ 1)), &message.octets);
    assert_eq!((refused.state(), out.get(18..21)), (State::Idle, Some(&[3, 2, 2][..])), "{id}");
}

/// RFC 4271 section 6.1: a length that an OPEN cannot have is told with it, as soon as it is there; what is cut off is
/// waited for.
fn is_refused(message: &Message) {
    let (session, out) = answer(PeerAs::Any, &message.octets);
    let id = &message.id;
    if (29..=4096).contains(&message.declared_len) {
        assert!(message.truncated, "{id}: malformed, but not by its length: {out:02x?}");
        assert!(out.is_empty() && session.state() == State::OpenSent, "{id}");
        assert!(matches!(frame(&message.octets, 4096), Ok(None)), "{id}");
    } else {
        let length = message.octets[16..18].to_vec();
        let expected = [&[0xff; 16][..], &[0, 23, 3, 1, 2], &length].concat();
        assert_eq!((session.state(), out), (State::Idle, expected), "{id}");
    }
}

#[test]
fn rfc4271_6_2_every_open_of_the_corpus_is_taken_or_refused() {
    let Some(corpus) = Corpus::for_test("rfc4271_6_2_every_open_of_the_corpus_is_taken_or_refused") else { return };
    let messages = corpus.messages().unwrap();
    let opens: Vec<&Message> = messages.iter().filter(|message| message.ty == 1).collect();
    let (mut taken, mut refused) = (0, 0);
    for message in &opens {
        if message.well_formed == Some(true) || message.id == EXTENDED_PARAMETERS {
            is_taken(message);
            taken += 1;
        } else {
            is_refused(message);
            refused += 1;
        }
    }
    println!("{taken} OPENs taken, {refused} refused");
    assert!(taken > 100 && refused > 10);
}
