//! The operator's text in an administrative shutdown or reset (RFC 9003): length (1 octet), UTF-8.

use core::fmt;

/// A text for an administrative shutdown or reset (RFC 9003), as data of a NOTIFICATION.
///
/// ```
/// use bgp_wire::ShutdownCommunication;
/// assert_eq!(ShutdownCommunication::new("bye").data(), b"\x03bye");
/// // 255 octets at most, cut between characters.
/// assert_eq!(ShutdownCommunication::new(&"ä".repeat(200)).text().len(), 254);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShutdownCommunication {
    /// The length, the text, zeros.
    octets: [u8; 256],
}

impl ShutdownCommunication {
    /// The longest text, in octets.
    pub const MAX_LEN: usize = 255;

    /// The text, cut before the character that does not fit.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = cut(text, Self::MAX_LEN);
        let mut octets = [0; 256];
        for (octet, from) in octets.iter_mut().zip(u8::try_from(text.len()).iter().chain(text.as_bytes())) {
            *octet = *from;
        }
        Self { octets }
    }

    /// The data of the NOTIFICATION: length and text.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let [len, ..] = self.octets;
        self.octets.get(..=usize::from(len)).unwrap_or(&[])
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        read(self.data()).unwrap_or("")
    }
}

impl fmt::Debug for ShutdownCommunication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShutdownCommunication").field(&self.text()).finish()
    }
}

impl fmt::Display for ShutdownCommunication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// The text in `data`. RFC 9003 section 2: what cannot be read is no error, and an empty one says nothing.
pub(super) fn read(data: &[u8]) -> Option<&str> {
    let text = crate::reader::Reader::new(data).prefixed_u8()?;
    core::str::from_utf8(text).ok().filter(|text| !text.is_empty())
}

/// The first `max` octets of `text` at most, cut between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}
