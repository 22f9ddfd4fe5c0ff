//! One TCP connection's octets: reassembly of what comes in, and the queue of what goes out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bgp_wire::{Error, HEADER_LEN, MessageType, message_type};
use bytes::Bytes;

/// Octets of a message that a read has cut; empty, and without memory, between messages.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    partial: Vec<u8>,
}

impl Incoming {
    /// Takes `octets` after what is there already and hands every whole message to the stream, until that is over.
    ///
    /// The octets of a message that is whole in `octets` are lent from there and never copied.
    ///
    /// # Errors
    /// A header that RFC 4271 section 6.1 refuses, with the octets that begin at it. What comes after it is dropped.
    pub(crate) fn receive(&mut self, octets: &[u8], stream: &mut impl Stream) -> Result<(), (Error, Vec<u8>)> {
        let mut rest = octets;
        while !self.partial.is_empty() {
            // More than the message must not go in: what is copied is only what the header asks for.
            let wanted = missing(&self.partial).min(rest.len());
            let Some((head, tail)) = rest.split_at_checked(wanted) else { return Ok(()) };
            self.partial.extend_from_slice(head);
            rest = tail;
            let partial = core::mem::take(&mut self.partial);
            match stream.cut(&partial) {
                Cut::Message(whole, _) => stream.message(whole),
                Cut::Incomplete => {
                    self.partial = partial;
                    if rest.is_empty() {
                        return Ok(());
                    }
                }
                Cut::Wrong(error) => return Err((error, partial)),
                Cut::Over => return Ok(()),
            }
        }
        loop {
            match stream.cut(rest) {
                Cut::Message(whole, tail) => {
                    rest = tail;
                    stream.message(whole);
                }
                Cut::Incomplete => {
                    self.partial.extend_from_slice(rest);
                    return Ok(());
                }
                Cut::Wrong(error) => return Err((error, rest.iter().take(HEADER_LEN).copied().collect())),
                Cut::Over => return Ok(()),
            }
        }
    }
}

/// Whose octets they are: it says where messages end, and takes them.
pub(crate) trait Stream {
    /// Cuts the first message off.
    fn cut<'m>(&self, octets: &'m [u8]) -> Cut<'m>;

    /// Takes a whole message.
    fn message(&mut self, message: &[u8]);
}

/// The beginning of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut<'m> {
    /// A whole message, and what follows it.
    Message(&'m [u8], &'m [u8]),
    /// More octets are needed.
    Incomplete,
    /// No message begins so.
    Wrong(Error),
    /// The connection is over: the rest of the stream is nobody's.
    Over,
}

/// How many octets the message that begins with `partial` lacks, as far as its header tells; at least 1.
fn missing(partial: &[u8]) -> usize {
    length(partial, 0).unwrap_or(HEADER_LEN).max(HEADER_LEN).saturating_sub(partial.len()).max(1)
}

/// Octets on their way to one socket.
///
/// Routes wait in the order in which the tables gave them. What a session says goes ahead of them, behind no more than
/// the message that is partly sent: a KEEPALIVE that waited for a full table would come after the peer's hold time.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Pieces of whole messages; of the first one, the socket may have taken some octets.
    queue: VecDeque<Bytes>,
    /// How many pieces at the front go before the next message of the session.
    urgent: usize,
    /// Octets of the first piece that the socket has taken.
    taken: usize,
    /// Where, in the first piece, the message begins of which octet `taken` is.
    message: usize,
    /// Octets that wait.
    waiting: usize,
}

impl Outgoing {
    /// Queues messages of the tables.
    pub(crate) fn push(&mut self, messages: Bytes) {
        if !messages.is_empty() {
            self.waiting = self.waiting.saturating_add(messages.len());
            self.queue.push_back(messages);
        }
    }

    /// Queues messages of the session, ahead of all of the tables but one that is partly sent.
    pub(crate) fn push_urgent(&mut self, messages: Bytes) {
        if messages.is_empty() {
            return;
        }
        if self.urgent == 0 && self.taken > 0 {
            self.split_first();
        }
        self.waiting = self.waiting.saturating_add(messages.len());
        self.queue.insert(self.urgent.min(self.queue.len()), messages);
        self.urgent = self.urgent.saturating_add(1);
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

    /// The socket took `count` octets; more than wait are ignored. How many UPDATEs ended among them.
    pub(crate) fn advance(&mut self, count: usize) -> u64 {
        let mut left = count.min(self.waiting);
        self.waiting = self.waiting.saturating_sub(left);
        let mut updates = 0_u64;
        while let Some(first) = self.queue.front() {
            let taken = self.taken.saturating_add(left).min(first.len());
            left = left.saturating_sub(taken.saturating_sub(self.taken));
            self.taken = taken;
            while self.message < taken {
                let end = end_of_message(first, self.message);
                if end > taken {
                    break;
                }
                if message_type(first.get(self.message..).unwrap_or_default()) == Some(MessageType::UPDATE) {
                    updates = updates.saturating_add(1);
                }
                self.message = end;
            }
            if taken < first.len() {
                break;
            }
            self.queue.pop_front();
            self.urgent = self.urgent.saturating_sub(1);
            (self.taken, self.message) = (0, 0);
        }
        if self.queue.is_empty() && self.queue.capacity() > FEW {
            self.queue = VecDeque::new();
        }
        updates
    }

    /// Drops the messages of the tables of which the socket has taken nothing: a session that ends sends nothing but its last word.
    pub(crate) fn drop_tables(&mut self) {
        if self.taken > 0 && self.urgent == 0 {
            self.split_first();
        }
        self.queue.truncate(self.urgent);
        let octets: usize = self.queue.iter().map(Bytes::len).sum();
        self.waiting = octets.saturating_sub(self.taken);
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Outgoing::default();
    }

    /// Makes the message that is partly sent a piece of its own, which goes before all others.
    fn split_first(&mut self) {
        let Some(mut first) = self.queue.pop_front() else { return };
        let end = if self.message < self.taken { end_of_message(&first, self.message) } else { self.taken };
        let tail = first.split_off(end);
        if !tail.is_empty() {
            self.queue.push_front(tail);
        }
        if end > self.taken {
            self.queue.push_front(first);
            self.urgent = 1;
        } else {
            (self.taken, self.message) = (0, 0);
        }
    }
}

/// Where the message ends that begins at `start`.
fn end_of_message(messages: &[u8], start: usize) -> usize {
    let length = length(messages, start).unwrap_or(HEADER_LEN);
    start.saturating_add(length.max(1)).min(messages.len())
}

/// The length that the message at `start` declares (RFC 4271 section 4.1).
fn length(octets: &[u8], start: usize) -> Option<usize> {
    match octets.get(start.saturating_add(16)..)? {
        [high, low, ..] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

/// Pieces that a queue keeps the memory for when it is empty.
const FEW: usize = 8;

#[cfg(test)]
mod tests;
