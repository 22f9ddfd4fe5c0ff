//! One TCP connection's octets: reassembly of what comes in, and the queue of what goes out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bgp_wire::{Error, frame};
use bytes::Bytes;

/// Octets of a message that a read has cut; empty, and without memory, between messages.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    partial: Vec<u8>,
}

impl Incoming {
    /// Takes `octets` after what is there already and hands every whole message to `message`, until that says stop.
    ///
    /// The octets of a message that is whole in `octets` are lent from there and never copied.
    ///
    /// # Errors
    /// A header that RFC 4271 section 6.1 refuses, with the octets that begin at it. What comes after it is dropped.
    pub(crate) fn receive(
        &mut self,
        octets: &[u8],
        mut message: impl FnMut(&[u8]) -> Next,
    ) -> Result<(), (Error, Vec<u8>)> {
        let mut rest = octets;
        let mut limit = message(&[]);
        while !self.partial.is_empty() {
            let Next::Go(most) = limit else { return self.stop() };
            // One octet at a time would be slow, and more than the message must not go in: ask how much it still needs.
            let wanted = missing(&self.partial).min(rest.len());
            let Some((head, tail)) = rest.split_at_checked(wanted) else { return Ok(()) };
            self.partial.extend_from_slice(head);
            rest = tail;
            let partial = core::mem::take(&mut self.partial);
            match frame(&partial, most) {
                Ok(Some((whole, _))) => limit = message(whole),
                Ok(None) => {
                    self.partial = partial;
                    if rest.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) => return Err((error, partial)),
            }
        }
        loop {
            let Next::Go(most) = limit else { return self.stop() };
            match frame(rest, most) {
                Ok(Some((whole, tail))) => {
                    rest = tail;
                    limit = message(whole);
                }
                Ok(None) => {
                    self.partial.extend_from_slice(rest);
                    return Ok(());
                }
                Err(error) => return Err((error, rest.iter().take(HEADER).copied().collect())),
            }
        }
    }

    fn stop(&mut self) -> Result<(), (Error, Vec<u8>)> {
        self.partial = Vec::new();
        Ok(())
    }
}

/// What the session says after each message, and before the first (an empty one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Go on; no message may be longer than this many octets.
    Go(usize),
    /// The connection is over: the rest of the stream is nobody's.
    Stop,
}

/// How many octets the message that begins with `partial` lacks, as far as its header tells; at least 1.
fn missing(partial: &[u8]) -> usize {
    let declared = match partial {
        [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, high, low, _, ..] => {
            usize::from(u16::from_be_bytes([*high, *low])).max(HEADER)
        }
        _ => HEADER,
    };
    declared.saturating_sub(partial.len()).max(1)
}

/// Octets on their way to one socket: pieces of whole messages.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    queue: VecDeque<Bytes>,
    /// Octets of the first piece that the socket has taken.
    taken: usize,
    /// Octets that wait.
    waiting: usize,
}

impl Outgoing {
    pub(crate) fn push(&mut self, messages: Bytes) {
        if !messages.is_empty() {
            self.waiting = self.waiting.saturating_add(messages.len());
            self.queue.push_back(messages);
        }
    }

    /// Octets that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let first = self.queue.front().and_then(|piece| piece.get(self.taken..));
        first.into_iter().chain(self.queue.iter().skip(1).map(Bytes::as_ref))
    }

    /// The socket took `count` octets; more than wait are ignored.
    pub(crate) fn advance(&mut self, count: usize) {
        let count = count.min(self.waiting);
        self.waiting = self.waiting.saturating_sub(count);
        self.taken = self.taken.saturating_add(count);
        while let Some(first) = self.queue.front()
            && self.taken >= first.len()
        {
            self.taken = self.taken.saturating_sub(first.len());
            self.queue.pop_front();
        }
    }

    /// Drops every message of which the socket has taken nothing: a session that ends sends nothing but its last word.
    pub(crate) fn drop_unsent(&mut self) {
        let taken = self.taken;
        let partial = self.queue.pop_front().filter(|_| taken > 0);
        self.clear();
        if let Some(piece) = partial {
            let end = boundary(&piece, taken);
            self.waiting = end.saturating_sub(taken);
            self.taken = taken;
            if self.waiting == 0 { self.taken = 0 } else { self.queue.push_back(piece.slice(..end)) }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.taken = 0;
        self.waiting = 0;
    }
}

/// Where the message ends in which octet `position` of `piece` stands; `position` itself where one ends just there.
fn boundary(piece: &[u8], position: usize) -> usize {
    let mut end = 0usize;
    while end < position {
        let rest = piece.get(end..).unwrap_or_default();
        let length = match rest {
            [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => return piece.len(),
        };
        end = end.saturating_add(usize::from(length).max(1));
    }
    end.min(piece.len())
}

/// Octets of a message header (RFC 4271 section 4.1).
const HEADER: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(body: usize) -> Vec<u8> {
        let mut octets = vec![0xff; 16];
        octets.extend_from_slice(&u16::try_from(19 + 4 + body).unwrap().to_be_bytes());
        octets.push(2);
        octets.resize(19 + 4 + body, 0);
        octets
    }

    proptest! {
        /// However a stream is cut, the same messages come out, and nothing is kept when it ends at a boundary.
        #[test]
        fn any_cut_gives_the_same_messages(
            bodies in proptest::collection::vec(0usize..60, 0..12),
            cuts in proptest::collection::vec(1usize..40, 1..200),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| message(*body)).collect();
            let mut incoming = Incoming::default();
            let (mut rest, mut lengths) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                rest = tail;
                incoming.receive(head, |octets| {
                    if !octets.is_empty() { lengths.push(octets.len() - 23) }
                    Next::Go(4096)
                }).unwrap();
            }
            prop_assert_eq!(lengths, bodies);
            prop_assert!(incoming.partial.is_empty());
        }

        /// A partly sent message is always finished, and nothing behind it goes out.
        #[test]
        fn an_ending_session_finishes_the_message_it_began(
            bodies in proptest::collection::vec(0usize..60, 1..8),
            sent in 0usize..600,
        ) {
            let mut outgoing = Outgoing::default();
            let mut ends = vec![0];
            for pair in bodies.chunks(2) {
                let piece: Vec<u8> = pair.iter().flat_map(|body| message(*body)).collect();
                outgoing.push(Bytes::from(piece));
            }
            for body in &bodies {
                ends.push(ends.last().unwrap() + 23 + body);
            }
            let sent = sent.min(*ends.last().unwrap());
            outgoing.advance(sent);
            outgoing.drop_unsent();
            let end = *ends.iter().find(|end| **end >= sent).unwrap();
            prop_assert_eq!(outgoing.len(), end - sent);
            prop_assert_eq!(outgoing.slices().map(<[u8]>::len).sum::<usize>(), end - sent);
        }
    }

    #[test]
    fn rfc4271_6_1_a_bad_marker_ends_the_stream() {
        let mut incoming = Incoming::default();
        let mut octets = message(0);
        octets[3] = 0;
        let (_, shown) = incoming.receive(&octets, |_| Next::Go(4096)).unwrap_err();
        assert_eq!(shown, octets);
    }
}
