//! Outbound route filters in a ROUTE-REFRESH (RFC 5291 section 5, RFC 5292): when to refresh (1 octet), then groups of type
//! (1), length (2), entries.

use core::fmt;
use core::iter::FusedIterator;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use ipnet::IpNet;

use crate::frame::body;
use crate::reader::Reader;
use crate::registry::{numbers, text_form};
use crate::route_refresh::{RefreshSubtype, RouteRefresh};
use crate::{Afi, Error, Family, MessageType, ParseError};

numbers! {
    /// When the routes are to be sent again (RFC 5291 section 5).
    pub struct RefreshWhen(u8) "time of a refresh" {
        1 => IMMEDIATE "immediate",
        2 => DEFER "defer",
    }

    /// The type of an outbound route filter (RFC 5291 section 8).
    pub struct FilterKind(u8) "type of outbound route filter" {
        64 => ADDRESS_PREFIX "address-prefix",
        128 => CISCO_ADDRESS_PREFIX "cisco-address-prefix",
    }
}

/// The outbound route filters of a ROUTE-REFRESH.
///
/// What is malformed in it ends no session: [`FilterGroup::is_malformed`] says so, and the receiver drops the filters of
/// that type which it has from this peer, for it cannot know what the sender meant.
///
/// ```
/// use bgp_wire::{Family, OutboundFilters, PrefixFilter, RefreshWhen};
///
/// let filters = [PrefixFilter::RemoveAll, PrefixFilter::Add("seq 5 permit 10.0.0.0/8 le 24".parse()?)];
/// let mut message = bytes::BytesMut::new();
/// OutboundFilters::encode_prefixes(Family::IPV4_UNICAST, RefreshWhen::IMMEDIATE, &filters, &mut message)?;
/// let read = OutboundFilters::decode(&message)?.ok_or("none")?;
/// let group = read.groups().next().ok_or("none")?;
/// assert!(group.prefixes().eq(filters) && !group.is_malformed());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboundFilters<'m> {
    family: Family,
    when: RefreshWhen,
    groups: &'m [u8],
}

impl<'m> OutboundFilters<'m> {
    /// The filters behind a request; `None`: there are none.
    ///
    /// # Errors
    /// Those of [`RouteRefresh::decode`].
    pub fn decode(message: &'m [u8]) -> Result<Option<OutboundFilters<'m>>, Error> {
        let RouteRefresh { family, subtype } = RouteRefresh::decode(message)?;
        let octets = body(message, MessageType::ROUTE_REFRESH)?.get(4..).unwrap_or_default();
        Ok(match octets.split_first() {
            Some((when, groups)) if subtype == RefreshSubtype::REQUEST => {
                Some(OutboundFilters { family, when: RefreshWhen(*when), groups })
            }
            _ => None,
        })
    }

    /// The family of the routes.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// When the routes are to be sent again.
    #[must_use]
    pub fn when(&self) -> RefreshWhen {
        self.when
    }

    /// The groups, one for each type; one that is cut is the last and malformed.
    #[must_use]
    pub fn groups(&self) -> FilterGroups<'m> {
        FilterGroups { rest: Reader::new(self.groups), afi: self.family.afi }
    }

    /// Appends a ROUTE-REFRESH with filters of address prefixes.
    ///
    /// # Errors
    /// If it would have more than 4096 octets, which are about 300 filters: send the others in further messages, all but
    /// the last with [`RefreshWhen::DEFER`]. Nothing is appended then.
    #[cfg(feature = "alloc")]
    pub fn encode_prefixes(
        family: Family,
        when: RefreshWhen,
        filters: &[PrefixFilter],
        out: &mut bytes::BytesMut,
    ) -> Result<(), crate::EncodeError> {
        let entries: alloc::vec::Vec<u8> = filters.iter().flat_map(|filter| filter.to_octets()).collect();
        let length = 23 + 4 + entries.len();
        let too_long = crate::EncodeError::TooLong { length };
        let (Ok(total), Ok(len)) = (u16::try_from(length), u16::try_from(entries.len())) else { return Err(too_long) };
        if length > crate::MAX_LEN {
            return Err(too_long);
        }
        let mut head = RouteRefresh::new(family, RefreshSubtype::REQUEST).to_bytes();
        let [.., high, low, _, _, _, _, _] = &mut head;
        [*high, *low] = total.to_be_bytes();
        out.extend_from_slice(&head);
        out.extend_from_slice(&[when.0, FilterKind::ADDRESS_PREFIX.0]);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&entries);
        Ok(())
    }
}

/// The filters of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilterGroup<'m> {
    kind: FilterKind,
    afi: Afi,
    entries: &'m [u8],
    whole: bool,
}

impl<'m> FilterGroup<'m> {
    /// The type.
    #[must_use]
    pub fn kind(&self) -> FilterKind {
        self.kind
    }

    /// The octets of the entries.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.entries
    }

    /// The filters, if they are of address prefixes: those in front of the first malformed one.
    #[must_use]
    pub fn prefixes(&self) -> PrefixFilters<'m> {
        // The type that Cisco used before RFC 5292, with the same entries.
        let typed = matches!(self.kind, FilterKind::ADDRESS_PREFIX | FilterKind::CISCO_ADDRESS_PREFIX);
        PrefixFilters { rest: Reader::new(if typed { self.entries } else { &[] }), afi: self.afi }
    }

    /// Whether it is cut, or an entry of address prefixes is malformed (RFC 5292 section 4).
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        let mut prefixes = self.prefixes();
        prefixes.by_ref().for_each(drop);
        !self.whole || !prefixes.rest.is_empty()
    }
}

/// An infallible iterator over the groups of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilterGroups<'m> {
    rest: Reader<'m>,
    afi: Afi,
}

impl<'m> Iterator for FilterGroups<'m> {
    type Item = FilterGroup<'m>;

    fn next(&mut self) -> Option<FilterGroup<'m>> {
        let kind = FilterKind(self.rest.u8()?);
        let (entries, whole) = match self.rest.prefixed_u16() {
            Some(entries) => (entries, true),
            None => (self.rest.take(self.rest.len())?, false),
        };
        Some(FilterGroup { kind, afi: self.afi, entries, whole })
    }
}

impl FusedIterator for FilterGroups<'_> {}

/// What becomes of a filter of address prefixes (RFC 5291 section 5: the action of an entry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[expect(clippy::exhaustive_enums, reason = "RFC 5291 section 5: another action is malformed")]
pub enum PrefixFilter {
    /// It is added.
    Add(PrefixRule),
    /// The one that says the same is taken away.
    Remove(PrefixRule),
    /// All are taken away.
    RemoveAll,
}

/// A rule on address prefixes (RFC 5292 section 3): text is `seq 5 permit 10.0.0.0/8 ge 16 le 24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrefixRule {
    sequence: u32,
    permit: bool,
    prefix: IpNet,
    min: u8,
    max: u8,
}

impl PrefixRule {
    /// A rule on exactly this prefix.
    #[must_use]
    pub fn new(sequence: u32, permit: bool, prefix: IpNet) -> PrefixRule {
        PrefixRule { sequence, permit, prefix: prefix.trunc(), min: 0, max: 0 }
    }

    /// The rule for all prefixes in this one with a length from `min` to `max`; 0 leaves an end open. `None` if these are
    /// no such lengths.
    ///
    /// ```
    /// use bgp_wire::PrefixRule;
    /// let rule = PrefixRule::new(5, true, "10.0.0.0/8".parse()?).with_lengths(16, 24).ok_or("lengths")?;
    /// assert!(rule.matches(&"10.1.0.0/16".parse()?) && !rule.matches(&"10.0.0.0/8".parse()?));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_lengths(self, min: u8, max: u8) -> Option<PrefixRule> {
        // RFC 5292 section 3: the length of the prefix, the least and the most ascend, where they are given.
        let least = if min == 0 { self.prefix.prefix_len() } else { min };
        let most = if max == 0 { self.prefix.max_prefix_len() } else { max };
        let ascend = self.prefix.prefix_len() <= least && least <= most && most <= self.prefix.max_prefix_len();
        ascend.then_some(PrefixRule { min, max, ..self })
    }

    /// Its place among the rules: the lowest that matches decides.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Whether routes that match may be sent.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        self.permit
    }

    /// The prefix, host bits 0.
    #[must_use]
    pub fn prefix(&self) -> IpNet {
        self.prefix
    }

    /// The least and the most length of a prefix that matches; 0 where it is not given.
    #[must_use]
    pub fn lengths(&self) -> (u8, u8) {
        (self.min, self.max)
    }

    /// Whether a prefix is in it and of a right length (RFC 5292 section 5). Without lengths only the prefix itself is.
    #[must_use]
    pub fn matches(&self, prefix: &IpNet) -> bool {
        let exact = self.min == 0 && self.max == 0;
        let least = if self.min == 0 { self.prefix.prefix_len() } else { self.min };
        let most = match self.max {
            0 if exact => self.prefix.prefix_len(),
            0 => self.prefix.max_prefix_len(),
            max => max,
        };
        self.prefix.contains(prefix) && (least..=most).contains(&prefix.prefix_len())
    }
}

impl fmt::Display for PrefixRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.permit { "permit" } else { "deny" };
        write!(f, "seq {} {word} {}", self.sequence, self.prefix)?;
        if self.min != 0 {
            write!(f, " ge {}", self.min)?;
        }
        if self.max != 0 {
            write!(f, " le {}", self.max)?;
        }
        Ok(())
    }
}

impl FromStr for PrefixRule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<PrefixRule, ParseError> {
        let read = || {
            let mut words = text.split(' ');
            words.next().filter(|word| *word == "seq")?;
            let sequence = words.next()?.parse().ok()?;
            let permit = match words.next()? {
                "permit" => true,
                "deny" => false,
                _ => return None,
            };
            let prefix = words.next()?.parse::<IpNet>().ok().filter(|prefix| prefix.trunc() == *prefix)?;
            let (mut min, mut max) = (0, 0);
            while let Some(word) = words.next() {
                let length = words.next()?.parse().ok().filter(|length| *length != 0)?;
                match word {
                    "ge" if (min, max) == (0, 0) => min = length,
                    "le" if max == 0 => max = length,
                    _ => return None,
                }
            }
            PrefixRule::new(sequence, permit, prefix).with_lengths(min, max)
        };
        read().ok_or(ParseError::new("prefix rule"))
    }
}

text_form!(PrefixRule);

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for PrefixFilter {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let prefix = IpNet::new(u.arbitrary::<Ipv4Addr>()?.into(), u.int_in_range(0..=32)?);
        let rule =
            PrefixRule::new(u.arbitrary()?, u.arbitrary()?, prefix.map_err(|_| arbitrary::Error::IncorrectFormat)?);
        let rule = rule.with_lengths(u.int_in_range(0..=32)?, u.int_in_range(0..=32)?).unwrap_or(rule);
        Ok(*u.choose(&[PrefixFilter::Add(rule), PrefixFilter::Remove(rule), PrefixFilter::RemoveAll])?)
    }
}

/// An infallible iterator over filters of address prefixes; it ends before a malformed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrefixFilters<'m> {
    rest: Reader<'m>,
    afi: Afi,
}

impl Iterator for PrefixFilters<'_> {
    type Item = PrefixFilter;

    fn next(&mut self) -> Option<PrefixFilter> {
        let mut ahead = self.rest;
        // RFC 5291 section 5: action (2 bits), match (1 bit), 5 reserved bits.
        let head = ahead.u8()?;
        let filter = match head >> 6 {
            REMOVE_ALL => PrefixFilter::RemoveAll,
            action => {
                let rule = read_rule(&mut ahead, head & DENY == 0, self.afi)?;
                match action {
                    ADD => PrefixFilter::Add(rule),
                    REMOVE => PrefixFilter::Remove(rule),
                    _ => return None,
                }
            }
        };
        self.rest = ahead;
        Some(filter)
    }
}

impl FusedIterator for PrefixFilters<'_> {}

/// RFC 5292 section 3: sequence (4 octets), least length (1), most length (1), length (1), prefix.
fn read_rule(reader: &mut Reader<'_>, permit: bool, afi: Afi) -> Option<PrefixRule> {
    let (sequence, min, max, len) = (reader.u32()?, reader.u8()?, reader.u8()?, reader.u8()?);
    let octets = reader.take(usize::from(len).div_ceil(8))?;
    let mut address = [0; 16];
    address.get_mut(..octets.len())?.copy_from_slice(octets);
    let prefix = match afi {
        Afi::IPV4 => IpNet::new(Ipv4Addr::from(*address.first_chunk::<4>()?).into(), len),
        Afi::IPV6 => IpNet::new(Ipv6Addr::from(address).into(), len),
        _ => return None,
    };
    PrefixRule::new(sequence, permit, prefix.ok()?).with_lengths(min, max)
}

impl PrefixFilter {
    #[cfg(feature = "alloc")]
    fn to_octets(self) -> alloc::vec::Vec<u8> {
        let (action, rule) = match self {
            PrefixFilter::Add(rule) => (ADD, rule),
            PrefixFilter::Remove(rule) => (REMOVE, rule),
            PrefixFilter::RemoveAll => return [REMOVE_ALL << 6].into(),
        };
        let mut octets = alloc::vec![action << 6 | if rule.permit { 0 } else { DENY }];
        octets.extend(rule.sequence.to_be_bytes());
        octets.extend([rule.min, rule.max, rule.prefix.prefix_len()]);
        let len = usize::from(rule.prefix.prefix_len()).div_ceil(8);
        match rule.prefix {
            IpNet::V4(prefix) => octets.extend(prefix.addr().octets().iter().take(len)),
            IpNet::V6(prefix) => octets.extend(prefix.addr().octets().iter().take(len)),
        }
        octets
    }
}

const ADD: u8 = 0;
const REMOVE: u8 = 1;
const REMOVE_ALL: u8 = 2;
const DENY: u8 = 0x20;

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;
