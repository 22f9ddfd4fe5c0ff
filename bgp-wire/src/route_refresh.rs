//! ROUTE-REFRESH (RFC 2918, RFC 7313): AFI (2 octets), subtype (1), SAFI (1).

pub(crate) mod filters;

use crate::frame::body;
use crate::reader::{Reader, to_u16};
use crate::registry::numbers;
use crate::{Error, ErrorKind, Family, MessageType};

numbers! {
    /// What a ROUTE-REFRESH says (RFC 7313 section 3.2); others than these are ignored by receivers.
    pub struct RefreshSubtype(u8) "route-refresh subtype" {
        0 => REQUEST "request",
        1 => BEGIN "begin",
        2 => END "end",
    }
}

/// A ROUTE-REFRESH message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub struct RouteRefresh {
    /// The family that is asked for or sent again.
    pub family: Family,
    /// Asked for, or the beginning or the end of it.
    pub subtype: RefreshSubtype,
}

impl RouteRefresh {
    /// A message.
    #[must_use]
    pub const fn new(family: Family, subtype: RefreshSubtype) -> Self {
        Self { family, subtype }
    }

    /// Reads a whole ROUTE-REFRESH message. Entries of outbound route filtering (RFC 5291) behind a request are passed
    /// over: [`OutboundFilters`](crate::OutboundFilters) reads them. So is whatever stands behind an unknown subtype.
    ///
    /// # Errors
    /// Fewer than 4 octets behind the header, or other than 4 for subtypes 1 and 2 (7/1 with the whole message, RFC 7313
    /// section 5).
    ///
    /// ```
    /// use bgp_wire::{Family, RefreshSubtype, RouteRefresh};
    /// let message = RouteRefresh::new(Family::IPV4_UNICAST, RefreshSubtype::REQUEST).to_bytes();
    /// assert_eq!(RouteRefresh::decode(&message)?.family, Family::IPV4_UNICAST);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn decode(message: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body(message, MessageType::ROUTE_REFRESH)?);
        let wrong = Error::new(ErrorKind::RouteRefreshLength { length: to_u16(message.len()) }, 16);
        let (Some(afi), Some(subtype), Some(safi)) = (reader.u16(), reader.u8(), reader.u8()) else {
            return Err(wrong);
        };
        let refresh = Self { family: Family::new(afi, safi), subtype: RefreshSubtype(subtype) };
        match refresh.subtype {
            RefreshSubtype::BEGIN | RefreshSubtype::END if !reader.is_empty() => Err(wrong),
            _ => Ok(refresh),
        }
    }

    /// The whole message.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 23] {
        let mut message = [0xff; 23];
        let [.., length_high, length_low, ty, afi_high, afi_low, subtype, safi] = &mut message;
        (*length_high, *length_low, *ty) = (0, 23, MessageType::ROUTE_REFRESH.0);
        [*afi_high, *afi_low] = self.family.afi.0.to_be_bytes();
        (*subtype, *safi) = (self.subtype.0, self.family.safi.0);
        message
    }

    /// Appends the message to `out`.
    #[cfg(feature = "alloc")]
    pub fn encode(self, out: &mut bytes::BytesMut) {
        out.extend_from_slice(&self.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;
    use crate::NotificationCode;

    fn message(body: &[u8]) -> Vec<u8> {
        let mut message = [0xff; 19].to_vec();
        message[16..18].copy_from_slice(&to_u16(19 + body.len()).to_be_bytes());
        message[18] = 5;
        message.extend_from_slice(body);
        message
    }

    #[test]
    fn rfc7313_3_2_every_subtype_goes_both_ways() {
        for subtype in [0, 1, 2, 0x4d] {
            let refresh = RouteRefresh::new(Family::IPV6_UNICAST, RefreshSubtype(subtype));
            assert_eq!(refresh.to_bytes()[..], message(&[0, 2, subtype, 1]));
            assert_eq!(RouteRefresh::decode(&refresh.to_bytes()), Ok(refresh));
        }
    }

    #[test]
    fn rfc7313_5_wrong_length_is_answered_with_the_whole_message() {
        for body in [&[][..], &[0, 1, 0], &[0, 1, 1, 1, 0], &[0, 1, 2, 1, 0, 0]] {
            let message = message(body);
            let error = RouteRefresh::decode(&message).unwrap_err();
            let notification = error.notification(&message);
            assert_eq!(notification.code, NotificationCode::ROUTE_REFRESH_LENGTH);
            assert_eq!(notification.data, message);
        }
        let error = RouteRefresh::decode(&message(&[0, 1, 1, 1, 0])).unwrap_err();
        assert_eq!(error.to_string(), "route-refresh message has length 24 at octet 16");
    }

    #[test]
    fn rfc5291_filter_entries_behind_a_request_never_hurt() {
        // FRR issue 22828: malformed entries crashed the receiver.
        for entries in [&[1][..], &[1, 64], &[1, 64, 0xff, 0xff], &[2, 128, 0, 9, 0, 0, 0, 1, 0, 0, 0, 33]] {
            let message = message(&[&[0, 1, 0, 1], entries].concat());
            let refresh = RouteRefresh::new(Family::IPV4_UNICAST, RefreshSubtype::REQUEST);
            assert_eq!(RouteRefresh::decode(&message), Ok(refresh));
        }
    }
}
