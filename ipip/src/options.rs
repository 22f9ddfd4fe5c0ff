//! Options of the outer header (RFC 2003 section 3.1): octets by configuration, checked once.

use core::fmt;
use core::str::FromStr;

/// The options that go into every outer header, up to 40 octets; none by default.
///
/// They make the outer header longer: [`Config::tunnel_mtu`](crate::Config::tunnel_mtu) becomes less and
/// [`Config::headroom`](crate::Config::headroom) more. Of fragments of the outer datagram only the first has all of
/// them, the others those with the copied flag (RFC 791 section 3.1). Many routers handle options slowly, or drop what
/// has them.
///
/// As text they are hexadecimal digits, such as `94040000`.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{Config, EcnMode, OuterOptions};
///
/// let mut config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
/// config.options = OuterOptions::router_alert();
/// assert_eq!((config.headroom(), config.tunnel_mtu()), (24, 1476));
/// assert_eq!("94040000".parse(), Ok(config.options));
/// # Ok::<(), ipip::OptionsError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OuterOptions {
    octets: [u8; OuterOptions::MAX_LEN],
    /// A multiple of 4.
    len: u8,
}

impl OuterOptions {
    /// Octets that a header has room for.
    pub const MAX_LEN: usize = 40;

    /// No options.
    #[must_use]
    pub const fn none() -> OuterOptions {
        OuterOptions { octets: [0; OuterOptions::MAX_LEN], len: 0 }
    }

    /// Router alert (RFC 2113): routers on the way are to look at the datagram.
    #[must_use]
    pub fn router_alert() -> OuterOptions {
        let mut options = OuterOptions::none();
        if let Some(start) = options.octets.first_chunk_mut() {
            *start = [ROUTER_ALERT, 4, 0, 0];
        }
        OuterOptions { len: 4, ..options }
    }

    /// The options in `octets`, padded with End of Option List to a multiple of 4.
    ///
    /// Those that are what every header may have alike are taken: no operation, security (RFC 1108, CIPSO), stream
    /// identifier, router alert, and those without a rule here.
    ///
    /// # Errors
    /// Octets that are no options, a length that the option cannot have, more than 40 octets, and what routers on the
    /// way would write into or send it elsewhere by: record route, timestamp, traceroute and source routes.
    ///
    /// ```
    /// use ipip::{OptionsError, OuterOptions};
    /// // Basic security: unclassified, Genser.
    /// assert_eq!(OuterOptions::new(&[130, 4, 0xab, 0x80])?.as_bytes(), [130, 4, 0xab, 0x80]);
    /// assert_eq!(OuterOptions::new(&[1])?.as_bytes(), [1, 0, 0, 0]);
    /// assert_eq!(OuterOptions::new(&[131, 7, 4, 192, 0, 2, 1]), Err(OptionsError::Refused(131)));
    /// # Ok::<(), OptionsError>(())
    /// ```
    pub fn new(octets: &[u8]) -> Result<OuterOptions, OptionsError> {
        let mut options = OuterOptions::none();
        let Some(room) = options.octets.get_mut(..octets.len()) else {
            return Err(OptionsError::TooLong(octets.len()));
        };
        check(octets)?;
        room.copy_from_slice(octets);
        options.len = u8::try_from(octets.len().next_multiple_of(4)).unwrap_or_default();
        Ok(options)
    }

    /// The octets as they stand in the header, padding included: 0 to 40, a multiple of 4.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len()).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What stands in a header of this crate's making.
    pub(crate) fn of_header(octets: &[u8]) -> OuterOptions {
        OuterOptions::new(octets).unwrap_or_default()
    }

    /// How many octets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// The same as a length that is taken off MTUs.
    pub(crate) fn overhead(&self) -> u16 {
        u16::from(self.len)
    }
}

/// What RFC 791, RFC 1108, RFC 2113 and CIPSO say of options, as far as they may be here.
fn check(octets: &[u8]) -> Result<(), OptionsError> {
    let mut rest = octets;
    while let [kind, behind @ ..] = rest {
        let at = octets.len() - rest.len();
        rest = match (*kind, behind) {
            // What is behind the end of the list is padding.
            (END, padding) if padding.iter().all(|octet| *octet == 0) => return Ok(()),
            (NO_OPERATION, behind) => behind,
            (END, _) => return Err(OptionsError::Malformed(at)),
            (RECORD_ROUTE | TIMESTAMP | TRACEROUTE | LOOSE_ROUTE | STRICT_ROUTE, _) => {
                return Err(OptionsError::Refused(*kind));
            }
            (_, [len, ..]) => {
                let possible = match *kind {
                    SECURITY | EXTENDED_SECURITY => *len >= 3,
                    CIPSO => *len >= 6,
                    STREAM | ROUTER_ALERT => *len == 4,
                    _ => *len >= 2,
                };
                match rest.get(usize::from(*len)..) {
                    Some(behind) if possible => behind,
                    _ => return Err(OptionsError::Malformed(at)),
                }
            }
            _ => return Err(OptionsError::Malformed(at)),
        };
    }
    Ok(())
}

impl Default for OuterOptions {
    fn default() -> OuterOptions {
        OuterOptions::none()
    }
}

/// Hexadecimal digits.
impl fmt::Display for OuterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for OuterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OuterOptions({self})")
    }
}

impl FromStr for OuterOptions {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<OuterOptions, OptionsError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(OptionsError::NotHexadecimal);
        }
        let mut octets = [0; OuterOptions::MAX_LEN];
        let room = octets.get_mut(..pairs.len()).ok_or(OptionsError::TooLong(pairs.len()))?;
        for (octet, [high, low]) in room.iter_mut().zip(pairs) {
            *octet =
                digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or(OptionsError::NotHexadecimal)?;
        }
        OuterOptions::new(room)
    }
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Octets that cannot be the options of every outer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// More than a header has room for. Value: how many.
    #[error("{0} octets of options, at most 40 fit a header")]
    TooLong(usize),
    /// An option that is cut short or has a length that it cannot have. Value: the octet where it begins.
    #[error("no option at octet {0}")]
    Malformed(usize),
    /// An option that routers would change or be led by. Value: its type.
    #[error("option {0} is not for a tunnel's header")]
    Refused(u8),
    /// A text of other than pairs of hexadecimal digits.
    #[error("options are not pairs of hexadecimal digits")]
    NotHexadecimal,
}

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const TRACEROUTE: u8 = 82;
const SECURITY: u8 = 130;
const LOOSE_ROUTE: u8 = 131;
const EXTENDED_SECURITY: u8 = 133;
const CIPSO: u8 = 134;
const STREAM: u8 = 136;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn rfc791_3_1_what_is_no_option_is_refused_where_it_stands() {
        for (octets, refused) in [
            (&[][..], None),
            (&[1, 1, 1], None),
            (&[130, 3, 0xab, 148, 4, 0, 0, 0, 0], None),
            (&[134, 6, 0, 0, 0, 1], None),
            (&[158, 2], None),
            (&[148, 4, 0], Some(OptionsError::Malformed(0))),
            (&[1, 148, 3, 0], Some(OptionsError::Malformed(1))),
            (&[1, 130], Some(OptionsError::Malformed(1))),
            (&[130, 2], Some(OptionsError::Malformed(0))),
            (&[134, 5, 0, 0, 0], Some(OptionsError::Malformed(0))),
            (&[158, 1], Some(OptionsError::Malformed(0))),
            (&[158, 0], Some(OptionsError::Malformed(0))),
            (&[0, 1], Some(OptionsError::Malformed(0))),
            (&[1, 7, 3, 4], Some(OptionsError::Refused(7))),
            (&[68, 4, 5, 0], Some(OptionsError::Refused(68))),
            (&[137, 3, 4], Some(OptionsError::Refused(137))),
            (&[1; 41], Some(OptionsError::TooLong(41))),
        ] {
            assert_eq!(OuterOptions::new(octets).err(), refused, "{octets:?}");
        }
        assert_eq!(OuterOptions::new(&[1; 40]).unwrap().len(), 40);
        assert_eq!("9404000".parse::<OuterOptions>(), Err(OptionsError::NotHexadecimal));
        assert_eq!("94040g00".parse::<OuterOptions>(), Err(OptionsError::NotHexadecimal));
        assert_eq!("00".repeat(41).parse::<OuterOptions>(), Err(OptionsError::TooLong(41)));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_padded_and_reads_back(octets in prop::collection::vec(any::<u8>(), 0..50)) {
            if let Ok(options) = OuterOptions::new(&octets) {
                let stands: Vec<u8> = options.as_bytes().to_vec();
                prop_assert!(stands.len().is_multiple_of(4) && stands.len() < octets.len() + 4 && stands.starts_with(&octets));
                prop_assert_eq!(options.to_string().parse(), Ok(options));
            }
        }
    }
}
