//! A stream of records that comes in pieces.

use alloc::vec::Vec;

use super::{Error, ErrorKind, HEADER_LEN, Part, Record, frame};

/// Records out of octets that come in pieces of any size. It keeps at most one record that is not whole, and grows only
/// with octets that have come.
///
/// ```
/// use bgp_wire::mrt::{Buffer, DEFAULT_LIMIT};
///
/// let file = [0, 0, 0, 9, 0, 16, 0, 4, 0, 0, 0, 2, 0xaa, 0xbb, 0, 0];
/// let mut buffer = Buffer::new(DEFAULT_LIMIT);
/// let mut bodies = Vec::new();
/// for piece in file.chunks(5) {
///     buffer.feed(piece);
///     while let Some(record) = buffer.record()? {
///         bodies.push(record.body.to_vec());
///     }
/// }
/// assert_eq!(bodies, [[0xaa, 0xbb]]);
/// assert_eq!(buffer.finish().unwrap_err().to_string(), "header of a record is cut off at octet 2");
/// # Ok::<(), bgp_wire::mrt::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Buffer {
    octets: Vec<u8>,
    /// Octets at the front that were given out.
    taken: usize,
    /// Octets of the stream before `octets`.
    before: u64,
    limit: u32,
}

impl Buffer {
    /// An empty one for records of at most `limit` octets behind their headers.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self { octets: Vec::new(), taken: 0, before: 0, limit }
    }

    /// The next octets of the stream.
    pub fn feed(&mut self, octets: &[u8]) {
        self.octets.drain(..self.taken);
        self.before += u64::try_from(self.taken).unwrap_or(0);
        self.taken = 0;
        self.octets.extend_from_slice(octets);
    }

    /// The next record; `None` if more octets are needed.
    ///
    /// # Errors
    /// See [`frame`]: [`ErrorKind::TooLong`] is told again by every further call, for the stream is lost; a record
    /// without room for its microseconds is passed over.
    pub fn record(&mut self) -> Result<Option<Record<'_>>, Error> {
        let waiting = self.octets.get(self.taken..).unwrap_or_default();
        match frame(waiting, self.limit) {
            Ok(None) => Ok(None),
            Ok(Some((record, rest))) => {
                self.taken = self.octets.len() - rest.len();
                Ok(Some(record))
            }
            Err(error) => {
                if matches!(error.kind, ErrorKind::Ends(_)) {
                    self.taken += usize::try_from(error.offset).unwrap_or(0);
                }
                Err(error)
            }
        }
    }

    /// Octets of the stream in front of the next record.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.before + u64::try_from(self.taken).unwrap_or(0)
    }

    /// What is wrong if the stream ends here: nothing, or the record that is cut off, with the octets of it that are
    /// there as the offset.
    ///
    /// # Errors
    /// [`ErrorKind::Ends`] if a record is not whole.
    pub fn finish(&self) -> Result<(), Error> {
        let left = self.octets.len() - self.taken;
        match left {
            0 => Ok(()),
            _ => {
                let part = if left < HEADER_LEN { Part::Header } else { Part::Body };
                Err(Error::new(ErrorKind::Ends(part), u32::try_from(left).unwrap_or(u32::MAX)))
            }
        }
    }
}
