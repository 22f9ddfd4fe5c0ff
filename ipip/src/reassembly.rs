//! Reassembly of outer datagrams (RFC 791 section 3.2) in a buffer of the caller.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::header::{HEADER_LEN, Header};
use crate::{Error, Reason};

/// Puts together the fragments of one outer datagram at a time, in the caller's buffer, for
/// [`Tunnel::reassemble`](crate::Tunnel::reassemble).
///
/// Fragments of a newer datagram replace those of an unfinished one, so a peer whose fragments come interleaved with
/// others' needs a `Reassembly` of its own. Fragments that overlap are an attack: the datagram is dropped. Memory is
/// bounded by the buffer, and one kilobyte of bookkeeping.
pub struct Reassembly<'b> {
    buffer: &'b mut [u8],
    current: Option<Current>,
    /// The octets held, one bit for each 8.
    blocks: [u64; 128],
}

/// The datagram being put together.
#[derive(Debug, Clone, Copy)]
struct Current {
    source: Ipv4Addr,
    ident: u16,
    since: Duration,
    /// Octets of payload held.
    held: usize,
    /// The end of the farthest fragment.
    top: usize,
    /// Octets of payload in all, once the last fragment is there.
    len: Option<usize>,
    tos: u8,
    /// Fragments were seen with CE, and with Not-ECT.
    marks: (bool, bool),
}

impl<'b> Reassembly<'b> {
    /// How long an unfinished datagram is kept (Linux's default): 30 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Reassembles datagrams that fit `buffer`, 20 octets of header included.
    ///
    /// ```
    /// let mut buffer = [0; 2048];
    /// let reassembly = ipip::Reassembly::new(&mut buffer);
    /// assert!(!reassembly.is_waiting());
    /// ```
    #[must_use]
    pub fn new(buffer: &'b mut [u8]) -> Reassembly<'b> {
        Reassembly { buffer, current: None, blocks: [0; 128] }
    }

    /// Whether fragments are held.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.current.is_some()
    }

    /// Takes the payload of a fragment; gives the whole datagram when it is complete.
    pub(crate) fn push(&mut self, now: Duration, header: &Header, payload: &[u8]) -> Result<Option<&mut [u8]>, Error> {
        let result = self.take(now, header, payload);
        match result {
            Ok(Some(current)) => {
                self.current = None;
                Ok(self.finish(&current, header))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.current = None;
                Err(error)
            }
        }
    }

    /// Notes a fragment; gives the state of the datagram that it completes.
    fn take(&mut self, now: Duration, header: &Header, payload: &[u8]) -> Result<Option<Current>, Error> {
        let mut current = self.current_for(now, header);
        let start = usize::from(header.offset()) * 8;
        let end = start + payload.len();
        if header.more_fragments() && (payload.is_empty() || !payload.len().is_multiple_of(8)) {
            return Err(Error::new(Reason::OuterBadHeader, 2, header.total_len));
        }
        let overlap = Error::new(Reason::OuterOverlap, 6, header.fragment);
        if !header.more_fragments() && current.len.replace(end).is_some_and(|len| len != end) {
            return Err(overlap);
        }
        let Some(room) = self.buffer.get_mut(HEADER_LEN + start..HEADER_LEN + end) else {
            return Err(Error::octets(Reason::OuterTooLong, 2, HEADER_LEN + end));
        };
        match claim(&mut self.blocks, start / 8, end.div_ceil(8)) {
            Claim::New => {
                room.copy_from_slice(payload);
                current.held += payload.len();
            }
            // The same fragment again is no attack, as long as it says the same.
            Claim::Held if room == payload => {}
            _ => return Err(overlap),
        }
        current.top = current.top.max(end);
        if current.len.is_some_and(|len| current.top > len) {
            return Err(overlap);
        }
        current.note_ecn(header)?;
        if start == 0 {
            current.tos = header.tos;
        }
        // Nothing overlaps and nothing lies beyond the end, so that as many octets as there are to be are all of them.
        let complete = current.len == Some(current.held);
        self.current = Some(current);
        Ok(complete.then_some(current))
    }

    /// The datagram that `header` is of: the one being put together, or a new one in its place.
    fn current_for(&mut self, now: Duration, header: &Header) -> Current {
        if let Some(current) = self.current {
            let fresh = now.checked_sub(current.since).is_none_or(|age| age < Reassembly::TIMEOUT);
            if fresh && (current.source, current.ident) == (header.source, header.ident) {
                return current;
            }
        }
        self.blocks = [0; 128];
        Current {
            source: header.source,
            ident: header.ident,
            since: now,
            held: 0,
            top: 0,
            len: None,
            tos: header.tos,
            marks: (false, false),
        }
    }

    /// The whole datagram behind a header of its own, without options.
    fn finish(&mut self, current: &Current, last: &Header) -> Option<&mut [u8]> {
        let total = HEADER_LEN + current.held;
        let (ce, _) = current.marks;
        let header = Header {
            tos: current.tos | if ce { crate::ecn::MASK } else { 0 },
            total_len: u16::try_from(total).ok()?,
            fragment: 0,
            ..*last
        };
        *self.buffer.first_chunk_mut()? = header.write();
        self.buffer.get_mut(..total)
    }
}

impl Current {
    /// RFC 3168 section 5.3: a mark on one fragment is one on the datagram; with fragments that are Not-ECT it must go.
    fn note_ecn(&mut self, header: &Header) -> Result<(), Error> {
        let ecn = header.tos & crate::ecn::MASK;
        self.marks.0 |= ecn == crate::ecn::MASK;
        self.marks.1 |= ecn == 0;
        if self.marks == (true, true) { Err(Error::new(Reason::EcnDrop, 1, header.tos)) } else { Ok(()) }
    }
}

impl fmt::Debug for Reassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reassembly").field("room", &self.buffer.len()).field("current", &self.current).finish()
    }
}

/// What of a range of blocks was held before.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    New,
    Held,
    Mixed,
}

/// Marks the blocks `from..to` as held.
fn claim(blocks: &mut [u64; 128], from: usize, to: usize) -> Claim {
    let (mut new, mut held) = (false, false);
    for block in from..to {
        let Some(word) = blocks.get_mut(block / 64) else { return Claim::Mixed };
        let bit = 1_u64 << (block % 64);
        if *word & bit == 0 {
            new = true;
        } else {
            held = true;
        }
        *word |= bit;
    }
    match (new, held) {
        (_, false) => Claim::New,
        (false, true) => Claim::Held,
        (true, true) => Claim::Mixed,
    }
}

#[cfg(test)]
mod tests;
