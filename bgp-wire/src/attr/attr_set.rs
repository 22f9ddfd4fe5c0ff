//! ATTR_SET (RFC 6368 section 5): the AS of a customer (4 octets), and the path attributes that its route came with.

use crate::attr::scan::{Scan, Step};
use crate::attr::raw::split;
use crate::attr::{Attribute, Attributes, Judgement, Length, RawAttr, RawAttrs, judge};
use crate::error::AttrProblem;
use crate::reader::{to_u16, u32_at};
use crate::{Action, Asn, AttrFlags, AttrType, Context, Error, ErrorKind, SessionKind};

/// ATTR_SET as it stands in a block.
///
/// ```
/// use bgp_wire::Asn;
/// use bgp_wire::attr::{AttrBuilder, Attributes};
///
/// let customer = AttrBuilder::new().local_pref(200).build()?;
/// let block = AttrBuilder::new().attr_set(Asn(64512), &customer).build()?;
/// let outer = Attributes::from_canonical(&block)?;
/// let set = outer.attr_set().ok_or("none")?;
/// assert_eq!((set.origin_as(), set.attributes()?.local_pref()), (Asn(64512), Some(200)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttrSetAttribute<'a>(&'a [u8]);

impl<'a> AttrSetAttribute<'a> {
    /// The AS of the customer.
    #[must_use]
    pub fn origin_as(&self) -> Asn {
        Asn(u32_at(self.0, 0).unwrap_or(0))
    }

    /// The octets of the attributes of the customer.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0.get(ORIGIN_AS_LEN..).unwrap_or_default()
    }

    /// The attributes of the customer, as octets.
    #[must_use]
    pub fn iter(&self) -> RawAttrs<'a> {
        RawAttrs::all(self.as_bytes())
    }

    /// The attributes of the customer, with 4-octet AS numbers (RFC 6368 section 5).
    ///
    /// # Errors
    /// When they are malformed, which those of an attribute that was accepted are not.
    pub fn attributes(&self) -> Result<Attributes<'a>, Error> {
        let octets = self.as_bytes();
        let ctx = Context::new(SessionKind::Ibgp);
        let mut scan = Scan::new(octets, 0, octets.len());
        loop {
            match scan.step(&ctx) {
                Step::Done => break,
                // A set in the set that is malformed is left out.
                Step::Error(Error { kind: ErrorKind::Attribute { ty: AttrType::ATTR_SET, .. }, .. }) | Step::Fine => {}
                Step::Error(error) if error.action() >= Action::TreatAsWithdraw => return Err(error),
                Step::Error(_) => {}
            }
        }
        let present = scan.seen.difference(scan.left_out);
        Ok(Attributes::new(octets, (0, to_u16(octets.len())), scan.index, (present, scan.unknown), true))
    }
}

impl<'a> IntoIterator for &AttrSetAttribute<'a> {
    type Item = RawAttr<'a>;
    type IntoIter = RawAttrs<'a>;

    fn into_iter(self) -> RawAttrs<'a> {
        self.iter()
    }
}

impl Attribute for AttrSetAttribute<'_> {
    const LENGTH: Length = Length::AtLeast(4);

    // RFC 7606 section 7.16: malformed is treat-as-withdraw. RFC 6368 section 5: what is in it is malformed makes it so, and
    // what says what is reachable is not in it. A set in a set is kept as octets: this goes one level deep.
    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        let ctx = Context::new(SessionKind::Ibgp);
        let mut rest = AttrSetAttribute(value).as_bytes();
        while !rest.is_empty() {
            let (raw, len) = split(rest).ok_or(AttrProblem::Syntax)?;
            let right = match raw.ty {
                AttrType::ATTR_SET => true,
                AttrType::NEXT_HOP | AttrType::MP_REACH_NLRI | AttrType::MP_UNREACH_NLRI => false,
                _ => match judge(&raw, &ctx) {
                    Judgement::Good(_) | Judgement::Unwanted => true,
                    Judgement::Malformed { action, flags_fit, .. } => flags_fit && action < Action::TreatAsWithdraw,
                    Judgement::Flags(_) => false,
                    Judgement::NoRow => raw.flags.contains(AttrFlags::OPTIONAL),
                },
            };
            if !right {
                return Err(AttrProblem::Syntax);
            }
            rest = rest.get(len..).unwrap_or_default();
        }
        Ok(())
    }
}

impl<'a> Attributes<'a> {
    /// ATTR_SET.
    #[must_use]
    pub fn attr_set(&self) -> Option<AttrSetAttribute<'a>> {
        self.value::<AttrSetAttribute<'_>>().map(AttrSetAttribute)
    }
}

const ORIGIN_AS_LEN: usize = 4;

#[cfg(feature = "alloc")]
mod owned {
    //! The builder and the serde form.

    use alloc::vec::Vec;

    use crate::attr::AttrBuilder;
    use crate::{Asn, AttrType};

    impl AttrBuilder {
        /// ATTR_SET: the AS of a customer and its attributes, as [`build`](AttrBuilder::build) gives them.
        pub fn attr_set(self, origin_as: Asn, attributes: &[u8]) -> AttrBuilder {
            let octets: Vec<u8> = origin_as.0.to_be_bytes().iter().chain(attributes).copied().collect();
            self.with(AttrType::ATTR_SET, octets)
        }
    }

    /// The human-readable form.
    #[cfg(feature = "serde")]
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Form {
        origin_as: Asn,
        #[serde(with = "crate::hex")]
        attributes: Vec<u8>,
    }

    #[cfg(feature = "serde")]
    impl crate::attr::text::Text for super::AttrSetAttribute<'_> {
        type Form = Form;

        fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Form> {
            let set = attributes.attr_set()?;
            Some(Form { origin_as: set.origin_as(), attributes: set.as_bytes().into() })
        }

        fn build(form: Form, builder: AttrBuilder) -> AttrBuilder {
            builder.attr_set(form.origin_as, &form.attributes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6368_5_inner_attributes_are_checked_one_level_deep() {
        let check = |inner: &[u8]| {
            let value: alloc::vec::Vec<u8> = [0, 0, 0xfc, 0].iter().chain(inner).copied().collect();
            AttrSetAttribute::check(&value, &Context::new(SessionKind::Ebgp)).is_ok()
        };
        for good in [&[][..], &[0x40, 1, 1, 0], &[0x40, 5, 4, 0, 0, 0, 100, 0xc0, 200, 1, 7], &[0xc0, 128, 1, 0]] {
            assert!(check(good), "{good:?}");
        }
        for bad in [
            &[0x40][..],
            &[0x40, 1, 2, 0],
            &[0x40, 1, 1, 3],
            &[0x80, 1, 1, 0],
            &[0x40, 3, 4, 10, 0, 0, 1],
            &[0x80, 15, 3, 0, 1, 1],
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }

    #[test]
    fn rfc6368_5_a_set_of_sets_is_no_recursion() {
        let mut value = alloc::vec![0, 0, 0, 1];
        for _ in 0..2000 {
            let len = u16::try_from(value.len()).unwrap().to_be_bytes();
            value.splice(0..0, [0, 0, 0, 1, 0xd0, 128, len[0], len[1]]);
        }
        assert!(AttrSetAttribute::check(&value, &Context::new(SessionKind::Ebgp)).is_ok());
        assert!(AttrSetAttribute(&value).attributes().is_ok_and(|inner| inner.contains(AttrType::ATTR_SET)));
        // A cut one within is left out.
        let inner = AttrSetAttribute(&[0, 0, 0, 1, 0xc0, 128, 1, 0, 0x40, 5, 4, 0, 0, 0, 7]).attributes().unwrap();
        assert_eq!((inner.contains(AttrType::ATTR_SET), inner.local_pref()), (false, Some(7)));
    }
}
