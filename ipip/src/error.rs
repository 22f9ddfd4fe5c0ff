//! Why a datagram is not carried: dense reasons, and the error that names one.

use core::fmt;
use core::net::Ipv4Addr;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $text:literal;)+) => {
        /// Why a datagram is dropped. The numbers are dense: [`Reason::index`] indexes [`Counters`](crate::Counters).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of [`Reason::index`].
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// How many reasons there are.
            pub const COUNT: usize = Reason::ALL.len();

            /// The name in logs, metrics and test vectors, such as `too_big`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)+ }
            }

            fn text(self) -> &'static str {
                match self { $(Reason::$variant => $text,)+ }
            }
        }
    };
}

reasons! {
    /// The buffer has no room for the outer header. Value: the octets it has.
    NoHeadroom, "no_headroom", "no headroom for the outer header, octets";
    /// The inner datagram does not fit the tunnel MTU, or 65535 octets with the outer header. Value: its total length.
    TooBig, "too_big", "inner datagram too big for the tunnel, octets";
    /// The tunnel would carry its own traffic (RFC 2003 section 3.2). Value: the address that shows it.
    Loop, "loop", "tunnel loop through address";
    /// TTL is 0, or would be after the decrement of forwarding (RFC 2003 section 3.1). Value: the TTL.
    TtlExceeded, "ttl_exceeded", "time to live exceeded, ttl";
    /// An inner datagram with TTL 0, neither carried nor delivered. Value: 0.
    InnerTtlZero, "inner_ttl_zero", "inner ttl is zero";
    /// Fewer octets than 20, or than the inner total length. Value: the octets there are.
    InnerTruncated, "inner_truncated", "inner datagram truncated, octets";
    /// Inner IHL below 5 or beyond the total length, or a fragment beyond 65535 octets. Value: the field.
    InnerBadHeader, "inner_bad_header", "inner header malformed, field value";
    /// The inner version is not 4. Value: the version.
    InnerNotIpv4, "inner_not_ipv4", "inner version is not 4";
    /// The inner header checksum is wrong. Value: the checksum found.
    InnerChecksum, "inner_checksum", "inner header checksum wrong, found";
    /// An inner source or destination that cannot be (RFC 1812 section 5.3.7). Value: the address.
    InnerMartian, "inner_martian", "inner address is martian";
    /// An inner source that this peer may not send (see [`PeerSet::allows_source`](crate::PeerSet::allows_source)). Value: the address.
    InnerSourceNotAllowed, "inner_source_not_allowed", "peer may not send inner source";
    /// An inner destination that the tunnel does not serve (RFC 2003 section 6.2). Value: the address.
    InnerDestinationNotAllowed, "inner_destination_not_allowed", "tunnel does not serve inner destination";
    /// The tunnel does not carry such payload (see [`Mode`](crate::Mode)). Value: its protocol.
    NotCarried, "not_carried", "tunnel does not carry protocol";
    /// A label stack without a bottom within the octets there are, or with the implicit null label, which no packet has
    /// (RFC 3032 section 2.1). Value: the octets there are.
    LabelStack, "label_stack", "label stack malformed, octets";
    /// Fewer octets than 20, or than the outer total length. Value: the octets there are.
    OuterTruncated, "outer_truncated", "outer datagram truncated, octets";
    /// Outer IHL below 5 or beyond the total length. Value: the field.
    OuterBadHeader, "outer_bad_header", "outer header malformed, field value";
    /// The outer version is not 4. Value: the version.
    OuterNotIpv4, "outer_not_ipv4", "outer version is not 4";
    /// The outer header checksum is wrong. Value: the checksum found.
    OuterChecksum, "outer_checksum", "outer header checksum wrong, found";
    /// A fragment of an outer datagram: it needs [`Tunnel::reassemble`](crate::Tunnel::reassemble) first. Value: flags and offset field.
    OuterFragment, "outer_fragment", "outer datagram is a fragment, flags and offset";
    /// Fragments of an outer datagram that overlap or contradict each other. Value: flags and offset field.
    OuterOverlap, "outer_overlap", "outer fragments overlap, flags and offset";
    /// A fragment beyond the room for reassembly. Value: the octets it would need.
    OuterTooLong, "outer_too_long", "outer datagram too long to reassemble, octets";
    /// The outer protocol is not 4, or not one that the tunnel carries. Value: the protocol.
    NotIpip, "not_ipip", "outer protocol is not one of the tunnel";
    /// The outer destination is not our unicast address. Value: the address.
    NotLocal, "not_local", "outer destination is not ours";
    /// The outer source is no configured peer. Value: the address.
    SourceNotAllowed, "source_not_allowed", "outer source is no peer";
    /// Too many tunnel headers inside the inner datagram. Value: how many were counted.
    Nesting, "nesting", "tunnel headers nested too deep, headers";
    /// CE outside and Not-ECT inside (RFC 6040 section 4.2). Value: the outer TOS octet.
    EcnDrop, "ecn_drop", "congestion marked outside of a transport without ecn, outer tos";
    /// The Tunnel Encapsulation Limit inside is 0 (RFC 2473 section 4.1.1; feature `v6`).
    EncapLimit, "encap_limit", "tunnel encapsulation limit used up";
    /// The inner version is neither 4 nor 6, or not the one that the outer header or the tunnel says (feature `v6`).
    InnerNotIp, "inner_not_ip", "inner version is not one for this tunnel";
    /// The outer version is not 6 (feature `v6`).
    OuterNotIpv6, "outer_not_ipv6", "outer version is not 6";
    /// Not an ICMP message, a fragment of one, or cut short. Value: the octets there are.
    IcmpMalformed, "icmp_malformed", "icmp message malformed, octets";
    /// The ICMP checksum is wrong. Value: the checksum found.
    IcmpChecksum, "icmp_checksum", "icmp checksum wrong, found";
    /// Not an ICMP error message. Value: the ICMP type.
    IcmpNotError, "icmp_not_error", "not an icmp error, type";
    /// The quoted datagram was not sent by this tunnel to a peer (PMTU poisoning). Value: the quoted destination.
    IcmpForeignQuote, "icmp_foreign_quote", "icmp quotes a datagram that is not ours, to";
}

impl Reason {
    /// The number of the reason, below [`Reason::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        // The discriminants are 0, 1, .. in the order of `ALL`; a test holds that.
        self as usize
    }

    /// Whether the value of an error with this reason is an IPv4 address.
    fn has_address(self) -> bool {
        use Reason as R;
        matches!(
            self,
            R::Loop
                | R::InnerMartian
                | R::InnerSourceNotAllowed
                | R::InnerDestinationNotAllowed
                | R::NotLocal
                | R::SourceNotAllowed
                | R::IcmpForeignQuote
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A datagram that is not carried: the reason, where it shows, and the value found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub struct Error {
    /// Why.
    pub reason: Reason,
    /// The octet of the datagram given by the caller at which it shows.
    pub offset: u16,
    /// The value found; its meaning is stated at each [`Reason`]. An address is its number in host order.
    pub value: u32,
}

const _: () = assert!(size_of::<Error>() <= 16);

impl Error {
    pub(crate) fn new(reason: Reason, offset: usize, value: impl Into<u32>) -> Error {
        Error { reason, offset: u16::try_from(offset).unwrap_or(u16::MAX), value: value.into() }
    }

    pub(crate) fn octets(reason: Reason, offset: usize, octets: usize) -> Error {
        Error::new(reason, offset, u32::try_from(octets).unwrap_or(u32::MAX))
    }

    /// The same error seen from a datagram that has `by` octets before this one.
    pub(crate) fn moved(self, by: usize) -> Error {
        Error { offset: self.offset.saturating_add(u16::try_from(by).unwrap_or(u16::MAX)), ..self }
    }
}

/// Such as `outer source is no peer: 192.0.2.66 at octet 12`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.has_address() {
            write!(f, "{}: {} at octet {}", self.reason, Ipv4Addr::from_bits(self.value), self.offset)
        } else {
            write!(f, "{}: {} at octet {}", self.reason, self.value, self.offset)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn indexes_are_dense_and_names_unique() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert_eq!(Reason::ALL.iter().filter(|other| other.name() == reason.name()).count(), 1);
        }
    }

    #[test]
    fn display_states_the_fact_and_the_value() {
        let error = Error::new(Reason::SourceNotAllowed, 12, Ipv4Addr::new(192, 0, 2, 66).to_bits());
        assert_eq!(error.to_string(), "outer source is no peer: 192.0.2.66 at octet 12");
        let error = Error::new(Reason::InnerNotIpv4, 0, 6_u32).moved(20);
        assert_eq!(error.to_string(), "inner version is not 4: 6 at octet 20");
    }
}
