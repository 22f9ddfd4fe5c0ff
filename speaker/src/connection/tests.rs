//! Streams cut anywhere, and what an interrupted stream goes on with.

use alloc::vec;

use super::*;
use bgp_wire::frame;
use proptest::prelude::*;

fn message(ty: u8, body: usize) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend_from_slice(&u16::try_from(23 + body).unwrap().to_be_bytes());
    octets.push(ty);
    octets.resize(23 + body, 0);
    octets
}

/// Takes so many messages, and notes how long each is.
struct Taken {
    most: usize,
    lengths: Vec<usize>,
}

impl Stream for Taken {
    fn cut<'m>(&self, octets: &'m [u8]) -> Cut<'m> {
        match frame(octets, 4096) {
            _ if self.lengths.len() >= self.most => Cut::Over,
            Ok(Some((message, rest))) => Cut::Message(message, rest),
            Ok(None) => Cut::Incomplete,
            Err(error) => Cut::Wrong(error),
        }
    }

    fn message(&mut self, message: &[u8]) {
        self.lengths.push(message.len() - 23);
    }
}

fn taken(most: usize) -> Taken {
    Taken { most, lengths: Vec::new() }
}

/// The lengths of the messages in a stream that must be whole at its end.
fn messages(mut stream: &[u8]) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    while let Some((message, rest)) = frame(stream, 65535).unwrap() {
        found.push((message[18], message.len()));
        stream = rest;
    }
    assert!(stream.is_empty(), "{} octets of a cut message", stream.len());
    found
}

proptest! {
    /// However a stream is cut, the same messages come out, and nothing is kept when it ends at a boundary.
    #[test]
    fn any_cut_gives_the_same_messages(
        bodies in proptest::collection::vec(0usize..60, 0..12),
        cuts in proptest::collection::vec(1usize..40, 1..200),
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| message(2, *body)).collect();
        let mut incoming = Incoming::default();
        let (mut rest, mut taken) = (&stream[..], taken(usize::MAX));
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            rest = tail;
            incoming.receive(head, &mut taken).unwrap();
        }
        prop_assert_eq!(taken.lengths, bodies);
        prop_assert!(incoming.partial.is_empty());
    }

    /// Whatever is queued and taken in whatever pieces, the peer sees whole messages: UPDATEs in order, the session's
    /// messages in order, each of these behind at most one UPDATE, and an ending session adds no UPDATE.
    #[test]
    fn every_interleaving_is_a_stream_of_whole_messages(
        steps in proptest::collection::vec((0u8..4, 0usize..90), 0..60),
        ends in any::<bool>(),
    ) {
        let (mut outgoing, mut stream) = (Outgoing::default(), Vec::new());
        let (mut updates, mut urgent) = (Vec::new(), Vec::new());
        let mut whole = 0;
        for (step, number) in steps {
            match step {
                0 => {
                    // A piece of two UPDATEs.
                    let piece = [message(2, number), message(2, number / 2)].concat();
                    updates.extend(messages(&piece));
                    outgoing.push(Bytes::from(piece));
                }
                1 => {
                    urgent.push((3, 23 + number));
                    outgoing.push_urgent(Bytes::from(message(3, number)));
                    let before: Vec<u8> = outgoing.slices().flatten().copied().collect();
                    let place = before.windows(19).position(|octets| octets[..16] == [0xff; 16] && octets[18] == 3);
                    let first = messages(&before[place.unwrap()..])[0];
                    prop_assert!(urgent.contains(&first));
                    prop_assert!(place.unwrap() < 23 + 90, "waits behind more than one message");
                }
                _ => {
                    let waiting: Vec<u8> = outgoing.slices().flatten().copied().collect();
                    prop_assert_eq!(waiting.len(), outgoing.len());
                    let count = number.min(waiting.len());
                    stream.extend_from_slice(&waiting[..count]);
                    let told = outgoing.advance(number);
                    // The ends of UPDATEs in the stream so far.
                    let (mut rest, mut now) = (&stream[..], 0);
                    while let Some((message, tail)) = frame(rest, 65535).unwrap() {
                        now += usize::from(message[18] == 2);
                        rest = tail;
                    }
                    prop_assert_eq!(told, (now - whole) as u64);
                    whole = now;
                }
            }
        }
        if ends {
            outgoing.drop_tables();
            outgoing.push_urgent(Bytes::from(message(3, 7)));
            urgent.push((3, 30));
        }
        let waiting: Vec<u8> = outgoing.slices().flatten().copied().collect();
        prop_assert_eq!(waiting.len(), outgoing.len());
        stream.extend(waiting);
        let seen = messages(&stream);
        let of = |ty: u8| seen.iter().copied().filter(|(other, _)| *other == ty).collect::<Vec<_>>();
        prop_assert_eq!(of(3), urgent);
        let sent = of(2);
        if ends {
            prop_assert!(sent.len() <= whole + 1);
            prop_assert_eq!(&sent[..], &updates[..sent.len()]);
        } else {
            prop_assert_eq!(sent, updates);
        }
    }
}

#[test]
fn rfc4271_6_1_a_bad_marker_ends_the_stream() {
    let mut incoming = Incoming::default();
    let mut octets = message(2, 0);
    octets[3] = 0;
    let (_, shown) = incoming.receive(&octets, &mut taken(1)).unwrap_err();
    assert_eq!(shown, octets[..19]);
}

#[test]
fn memory_is_given_back_when_nothing_waits() {
    let mut outgoing = Outgoing::default();
    for _ in 0..100 {
        outgoing.push(Bytes::from(message(2, 0)));
    }
    outgoing.advance(usize::MAX);
    assert_eq!((outgoing.queue.capacity(), outgoing.len()), (0, 0));
    let mut incoming = Incoming::default();
    incoming.receive(&message(2, 50)[..40], &mut taken(1)).unwrap();
    assert!(incoming.partial.capacity() > 0);
    incoming.receive(&message(2, 50)[40..], &mut taken(1)).unwrap();
    assert_eq!(incoming.partial.capacity(), 0);
}
