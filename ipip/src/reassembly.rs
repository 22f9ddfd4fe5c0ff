//! Reassembly of outer datagrams (RFC 791 section 3.2, RFC 8200 section 4.5) in a buffer of the caller.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::header::{HEADER_LEN, Header};
use crate::{Error, Reason};

/// Puts together the fragments of one outer datagram at a time, in the caller's buffer, for
/// [`Tunnel::reassemble`](crate::Tunnel::reassemble), and for that of the tunnels with IPv6 (feature `v6`).
///
/// Fragments of a newer datagram replace those of an unfinished one, so a peer whose fragments come interleaved with
/// others' needs a `Reassembly` of its own. Fragments that overlap are an attack (RFC 5722): the datagram is dropped. Memory is
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
    key: Key,
    since: Duration,
    /// Octets of payload held.
    held: usize,
    /// The end of the farthest fragment.
    top: usize,
    /// Octets of payload in all, once the last fragment is there.
    len: Option<usize>,
    tos: u8,
    next: u8,
    /// Fragments were seen with CE, and with Not-ECT.
    marks: (bool, bool),
}

impl<'b> Reassembly<'b> {
    /// How long an unfinished IPv4 datagram is kept (Linux's default): 30 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// How long an unfinished IPv6 datagram is kept (RFC 8200 section 4.5): 60 seconds. No ICMP is sent about it.
    #[cfg(feature = "v6")]
    pub const TIMEOUT_V6: Duration = Duration::from_secs(60);

    /// Reassembles datagrams that fit `buffer`, the header included: 20 octets of IPv4, 40 of IPv6.
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

    /// Takes the payload of an IPv4 fragment; gives the whole datagram when it is complete.
    pub(crate) fn push(&mut self, now: Duration, header: &Header, payload: &[u8]) -> Result<Option<&mut [u8]>, Error> {
        let piece = Piece {
            key: Key {
                source: header.source.into(),
                destination: header.destination.into(),
                ident: header.ident.into(),
                protocol: header.protocol,
            },
            header_len: HEADER_LEN,
            most: usize::from(u16::MAX) - HEADER_LEN,
            timeout: Reassembly::TIMEOUT,
            tos: header.tos,
            next: header.protocol,
            start: usize::from(header.offset()) * 8,
            more: header.more_fragments(),
            payload,
            length: (2, header.total_len),
            field: (6, header.fragment),
        };
        let Some(done) = self.take(now, &piece)? else { return Ok(None) };
        // The whole datagram has a header of its own, without options.
        let total = HEADER_LEN + done.held;
        let total_len = u16::try_from(total).map_err(|_| piece.too_long(total))?;
        let header = Header { tos: done.tos, total_len, fragment: 0, ..*header };
        let whole = self.buffer.get_mut(..total).unwrap_or_default();
        if let Some(room) = whole.first_chunk_mut() {
            *room = header.write();
        }
        Ok(Some(whole))
    }

    /// Takes a fragment; says what there is when it completes its datagram, behind the room for a header.
    pub(crate) fn take(&mut self, now: Duration, piece: &Piece<'_>) -> Result<Option<Done>, Error> {
        // What ends with an error or with the datagram is dropped; what waits is put back.
        let mut current = self.current_for(now, piece);
        self.current = None;
        self.add(&mut current, piece)?;
        // Nothing overlaps and nothing lies beyond the end, so that as many octets as there are to be are all of them.
        if current.len == Some(current.held) {
            let (ce, _) = current.marks;
            let tos = current.tos | if ce { crate::ecn::MASK } else { 0 };
            return Ok(Some(Done { held: current.held, tos, next: current.next }));
        }
        self.current = Some(current);
        Ok(None)
    }

    /// The first `len` octets of the buffer.
    #[cfg(feature = "v6")]
    pub(crate) fn room(&mut self, len: usize) -> &mut [u8] {
        self.buffer.get_mut(..len).unwrap_or_default()
    }

    fn add(&mut self, current: &mut Current, piece: &Piece<'_>) -> Result<(), Error> {
        let payload = piece.payload;
        let (start, end) = (piece.start, piece.start + payload.len());
        if piece.more && (payload.is_empty() || !payload.len().is_multiple_of(8)) {
            let (at, value) = piece.length;
            return Err(Error::new(Reason::OuterBadHeader, at, value));
        }
        let (at, value) = piece.field;
        let overlap = Error::new(Reason::OuterOverlap, at, value);
        if !piece.more && current.len.replace(end).is_some_and(|len| len != end) {
            return Err(overlap);
        }
        let too_long = piece.too_long(piece.header_len + end);
        if end > piece.most {
            return Err(too_long);
        }
        let room = self.buffer.get_mut(piece.header_len + start..piece.header_len + end).ok_or(too_long)?;
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
        current.note_ecn(piece.tos)?;
        if start == 0 {
            (current.tos, current.next) = (piece.tos, piece.next);
        }
        Ok(())
    }

    /// The datagram that `piece` is of: the one being put together, or a new one in its place.
    fn current_for(&mut self, now: Duration, piece: &Piece<'_>) -> Current {
        if let Some(current) = self.current {
            let fresh = now.checked_sub(current.since).is_none_or(|age| age < piece.timeout);
            if fresh && current.key == piece.key {
                return current;
            }
        }
        self.blocks = [0; 128];
        Current {
            key: piece.key,
            since: now,
            held: 0,
            top: 0,
            len: None,
            tos: piece.tos,
            next: piece.next,
            marks: (false, false),
        }
    }
}

/// A fragment of either version of IP.
pub(crate) struct Piece<'p> {
    pub(crate) key: Key,
    /// Octets of the header that the whole datagram gets.
    pub(crate) header_len: usize,
    /// The most octets of payload that a datagram can have.
    pub(crate) most: usize,
    pub(crate) timeout: Duration,
    pub(crate) tos: u8,
    /// What the payload is, where this is the first fragment.
    pub(crate) next: u8,
    /// Where in the whole payload it begins, in octets.
    pub(crate) start: usize,
    pub(crate) more: bool,
    pub(crate) payload: &'p [u8],
    /// Octet and value of the length field and of that with the offset, for errors.
    pub(crate) length: (usize, u16),
    pub(crate) field: (usize, u16),
}

impl Piece<'_> {
    fn too_long(&self, octets: usize) -> Error {
        let (at, _) = self.length;
        Error::octets(Reason::OuterTooLong, at, octets)
    }
}

/// What all fragments of a datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ident: u32,
    /// The protocol of IPv4; 0 for IPv6, where it does not count.
    pub(crate) protocol: u8,
}

/// A datagram that is complete.
pub(crate) struct Done {
    /// Octets of payload.
    pub(crate) held: usize,
    pub(crate) tos: u8,
    /// What the first fragment says that the payload is.
    #[cfg_attr(not(feature = "v6"), expect(dead_code, reason = "every fragment of IPv4 says it"))]
    pub(crate) next: u8,
}

impl Current {
    /// RFC 3168 section 5.3: a mark on one fragment is one on the datagram; with fragments that are Not-ECT it must go.
    fn note_ecn(&mut self, tos: u8) -> Result<(), Error> {
        let ecn = tos & crate::ecn::MASK;
        self.marks.0 |= ecn == crate::ecn::MASK;
        self.marks.1 |= ecn == 0;
        if self.marks == (true, true) { Err(Error::new(Reason::EcnDrop, 1, tos)) } else { Ok(()) }
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
