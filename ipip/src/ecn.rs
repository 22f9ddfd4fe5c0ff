//! ECN through the tunnel (RFC 6040, RFC 3168 section 9.1).

/// How the outer ECN field is made (RFC 6040 section 4.1). Decapsulation does not depend on it: RFC 6040 section 4.2
/// has one table for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum EcnMode {
    /// The outer field is the inner one, CE too. Right only where the exit is known to combine the fields (RFC 6040,
    /// RFC 4301, or full functionality of RFC 3168); else congestion marks are lost (RFC 6040 section 4.3).
    Normal,
    /// The outer field is Not-ECT: right with any exit, and congestion in the tunnel drops packets.
    Compat,
    /// Full functionality of RFC 3168 section 9.1.1: as `Normal`, but CE inside is ECT(0) outside. What Linux 6.1 does.
    Rfc3168,
}

impl EcnMode {
    /// The outer ECN field (two bits) for an inner one.
    ///
    /// ```
    /// use ipip::EcnMode;
    /// assert_eq!([EcnMode::Normal, EcnMode::Compat, EcnMode::Rfc3168].map(|mode| mode.outer(0b11)), [0b11, 0b00, 0b10]);
    /// ```
    #[must_use]
    #[inline]
    pub fn outer(self, inner: u8) -> u8 {
        match (self, inner & MASK) {
            (EcnMode::Compat, _) => NOT_ECT,
            (EcnMode::Rfc3168, CE) => ECT0,
            (_, inner) => inner,
        }
    }
}

/// What becomes of an inner ECN field under an outer one (RFC 6040 section 4.2, figure 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Combined {
    /// The new inner field; `None` = the datagram is to be dropped.
    pub(crate) inner: Option<u8>,
    /// A combination that no compliant path makes: to be counted.
    pub(crate) anomaly: bool,
}

/// Figure 4 of RFC 6040; the fields are two bits each, others are ignored.
#[inline]
pub(crate) fn combine(inner: u8, outer: u8) -> Combined {
    let (inner, anomaly) = match (inner & MASK, outer & MASK) {
        (NOT_ECT, NOT_ECT) => (Some(NOT_ECT), false),
        (NOT_ECT, CE) => (None, true),
        (NOT_ECT, _) => (Some(NOT_ECT), true),
        (ECT0, ECT1) => (Some(ECT1), false),
        (ECT0, CE) | (ECT1, CE) => (Some(CE), false),
        (ECT0, _) => (Some(ECT0), false),
        (ECT1, ECT0) => (Some(ECT1), true),
        (ECT1, _) => (Some(ECT1), false),
        (_, ECT1) => (Some(CE), true),
        (_, _) => (Some(CE), false),
    };
    Combined { inner, anomaly }
}

pub(crate) const MASK: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const ECT1: u8 = 0b01;
const ECT0: u8 = 0b10;
const CE: u8 = 0b11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6040_4_2_figure_4() {
        const DROP: Option<u8> = None;
        // Rows: inner Not-ECT, ECT(0), ECT(1), CE; columns: outer in the same order.
        let order = [NOT_ECT, ECT0, ECT1, CE];
        let table = [
            [(Some(NOT_ECT), false), (Some(NOT_ECT), true), (Some(NOT_ECT), true), (DROP, true)],
            [(Some(ECT0), false), (Some(ECT0), false), (Some(ECT1), false), (Some(CE), false)],
            [(Some(ECT1), false), (Some(ECT1), true), (Some(ECT1), false), (Some(CE), false)],
            [(Some(CE), false), (Some(CE), false), (Some(CE), true), (Some(CE), false)],
        ];
        for (row, inner) in table.iter().zip(order) {
            for (&(becomes, anomaly), outer) in row.iter().zip(order) {
                assert_eq!(
                    combine(inner | 0xb8, outer | 0x28),
                    Combined { inner: becomes, anomaly },
                    "{inner} {outer}"
                );
            }
        }
    }

    #[test]
    fn rfc6040_4_1_outer_field() {
        for inner in 0..4 {
            assert_eq!(EcnMode::Normal.outer(inner | 0xb8), inner);
            assert_eq!(EcnMode::Compat.outer(inner), NOT_ECT);
            assert_eq!(EcnMode::Rfc3168.outer(inner), if inner == CE { ECT0 } else { inner });
        }
    }
}
