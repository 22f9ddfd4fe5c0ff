//! The values of a Statistics Report (RFC 7854 section 4.8, RFC 8671 section 6.2).

use core::iter::FusedIterator;

use super::{Tlv, Tlvs};
use crate::Family;
use crate::reader::Reader;
use crate::registry::numbers;

numbers! {
    /// What is counted.
    pub struct StatisticType(u16) "statistic" {
        0 => REJECTED_PREFIXES "rejected-prefixes",
        1 => DUPLICATE_PREFIXES "duplicate-prefixes",
        2 => DUPLICATE_WITHDRAWS "duplicate-withdraws",
        3 => CLUSTER_LIST_LOOPS "cluster-list-loops",
        4 => AS_PATH_LOOPS "as-path-loops",
        5 => ORIGINATOR_ID_LOOPS "originator-id-loops",
        6 => CONFEDERATION_LOOPS "confederation-loops",
        7 => ADJ_RIB_IN_ROUTES "adj-rib-in-routes",
        8 => LOC_RIB_ROUTES "loc-rib-routes",
        9 => FAMILY_ADJ_RIB_IN_ROUTES "family-adj-rib-in-routes",
        10 => FAMILY_LOC_RIB_ROUTES "family-loc-rib-routes",
        11 => TREATED_AS_WITHDRAW_UPDATES "treated-as-withdraw-updates",
        12 => TREATED_AS_WITHDRAW_PREFIXES "treated-as-withdraw-prefixes",
        13 => DUPLICATE_UPDATES "duplicate-updates",
        14 => ADJ_RIB_OUT_PRE_ROUTES "adj-rib-out-pre-routes",
        15 => ADJ_RIB_OUT_POST_ROUTES "adj-rib-out-post-routes",
        16 => FAMILY_ADJ_RIB_OUT_PRE_ROUTES "family-adj-rib-out-pre-routes",
        17 => FAMILY_ADJ_RIB_OUT_POST_ROUTES "family-adj-rib-out-post-routes",
    }
}

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.8 has these fields")]
pub struct Statistic<'m> {
    /// What is counted.
    pub ty: StatisticType,
    /// How much of it.
    pub value: StatisticValue<'m>,
}

/// The value of a statistic, by its type and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatisticValue<'m> {
    /// A number that only grows (4 octets): types 0 to 6 and 11 to 13.
    Counter(u32),
    /// How many there are now (8 octets): types 7, 8, 14 and 15.
    Gauge(u64),
    /// How many there are now of one family (AFI 2 octets, SAFI 1, number 8): types 9, 10, 16 and 17.
    FamilyGauge(Family, u64),
    /// An unknown type, or a length that its type does not have.
    Octets(&'m [u8]),
}

impl<'m> Statistic<'m> {
    fn decode(tlv: Tlv<'m>) -> Statistic<'m> {
        let value = typed(tlv.ty, tlv.value).unwrap_or(StatisticValue::Octets(tlv.value));
        Statistic { ty: StatisticType(tlv.ty), value }
    }

    /// Appends the type-length-value, for [`Statistics::new`].
    ///
    /// ```
    /// use bgp_wire::bmp::{Statistic, StatisticType, StatisticValue, Statistics};
    /// let statistic = Statistic { ty: StatisticType::LOC_RIB_ROUTES, value: StatisticValue::Gauge(900_000) };
    /// let mut octets = Vec::new();
    /// statistic.write(&mut octets)?;
    /// assert!(Statistics::new(&octets)?.eq([statistic]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the value has more than 65535 octets.
    #[cfg(feature = "alloc")]
    pub fn write(&self, out: &mut alloc::vec::Vec<u8>) -> Result<(), super::EncodeError> {
        let mut family_gauge = [0; 11];
        match self.value {
            StatisticValue::Counter(value) => super::write_tlv(self.ty.0, &value.to_be_bytes(), out),
            StatisticValue::Gauge(value) => super::write_tlv(self.ty.0, &value.to_be_bytes(), out),
            StatisticValue::FamilyGauge(family, value) => {
                let (afi, value) = (family.afi.0.to_be_bytes(), value.to_be_bytes());
                let octets = afi.into_iter().chain([family.safi.0]).chain(value);
                family_gauge.iter_mut().zip(octets).for_each(|(to, octet)| *to = octet);
                super::write_tlv(self.ty.0, &family_gauge, out)
            }
            StatisticValue::Octets(octets) => super::write_tlv(self.ty.0, octets, out),
        }
    }
}

fn typed(ty: u16, value: &[u8]) -> Option<StatisticValue<'_>> {
    let mut reader = Reader::new(value);
    let value = match ty {
        0..=6 | 11..=13 => StatisticValue::Counter(reader.u32()?),
        7 | 8 | 14 | 15 => StatisticValue::Gauge(u64::from_be_bytes(reader.array()?)),
        9 | 10 | 16 | 17 => {
            let family = Family::new(reader.u16()?, reader.u8()?);
            StatisticValue::FamilyGauge(family, u64::from_be_bytes(reader.array()?))
        }
        _ => return None,
    };
    reader.is_empty().then_some(value)
}

/// An infallible iterator over the statistics of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statistics<'m>(Tlvs<'m>);

impl<'m> Statistics<'m> {
    /// Checks the type-length-values.
    ///
    /// # Errors
    /// If the last is cut off.
    pub fn new(octets: &'m [u8]) -> Result<Statistics<'m>, super::Error> {
        Tlvs::new(octets).map(Statistics)
    }

    pub(super) const fn of(tlvs: Tlvs<'m>) -> Statistics<'m> {
        Statistics(tlvs)
    }

    /// The octets of those that are still to come.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.0.as_bytes()
    }
}

impl<'m> Iterator for Statistics<'m> {
    type Item = Statistic<'m>;

    fn next(&mut self) -> Option<Statistic<'m>> {
        self.0.next().map(Statistic::decode)
    }
}

impl FusedIterator for Statistics<'_> {}
