//! The canonical attribute block, as a rib interns it.

use alloc::vec::Vec;

use crate::AttrType;
use crate::attr::large_communities::write_unique;
use crate::attr::mp_reach::MpReach;
use crate::attr::mp_unreach::MpUnreach;
use crate::attr::raw::{ELSEWHERE, write_attr, write_attr_with, write_head};
use crate::attr::{Attributes, NextHop, RawAttr, slot};

impl Attributes<'_> {
    /// Appends the attributes in canonical form: in the order of their types, lengths of minimal size, low flag bits 0,
    /// 4-octet AS numbers with AS4_PATH and AS4_AGGREGATOR merged in, large communities without duplicates.
    ///
    /// NEXT_HOP, MP_REACH_NLRI and MP_UNREACH_NLRI are left out, for they differ where routes share all else, and so is
    /// what the verdict discards. Unknown attributes are kept. [`from_canonical`](Self::from_canonical) reads the block.
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes};
    ///
    /// let block = AttrBuilder::new().local_pref(100).build()?;
    /// let mut again = Vec::new();
    /// Attributes::from_canonical(&block)?.write_canonical(&mut again);
    /// assert_eq!(again, block);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        if self.is_plain() && self.four_octet_as() && !self.contains(AttrType::LARGE_COMMUNITIES) {
            return self.copy_canonical(out);
        }
        if !self.has_unknown() {
            for raw in self.known() {
                self.write_known(&raw, out);
            }
            return;
        }
        // One walk notes where the unknown ones are, however many there are.
        let mut raws: Vec<RawAttr<'_>> = self.iter().filter(|raw| slot(raw.ty).is_none()).collect();
        raws.sort_unstable_by_key(|raw| raw.ty);
        let mut raws = raws.into_iter().peekable();
        for known in self.known() {
            while let Some(raw) = raws.next_if(|raw| raw.ty < known.ty) {
                write_attr(raw.canonical_flags(), raw.ty, raw.value, out);
            }
            self.write_known(&known, out);
        }
        raws.for_each(|raw| write_attr(raw.canonical_flags(), raw.ty, raw.value, out));
    }

    /// What is between the attributes that go, or have a length field that is too long, is copied as it is.
    fn copy_canonical(&self, out: &mut Vec<u8>) {
        out.reserve(self.as_bytes().len());
        let mut from = 0;
        if let Some((raw, at)) = self.extended_path()
            && raw.value.len() <= usize::from(u8::MAX)
        {
            out.extend_from_slice(self.as_bytes().get(..at).unwrap_or_default());
            write_head(raw.canonical_flags(), raw.ty, raw.value.len(), out);
            from = at + LONG_HEAD;
        }
        for (start, end) in
            [self.place::<NextHop>(), self.place::<MpReach<'_>>(), self.place::<MpUnreach<'_>>()].into_iter().flatten()
        {
            out.extend_from_slice(self.as_bytes().get(from..start).unwrap_or_default());
            from = end;
        }
        out.extend_from_slice(self.as_bytes().get(from..).unwrap_or_default());
    }

    fn write_known(&self, raw: &RawAttr<'_>, out: &mut Vec<u8>) {
        let flags = raw.canonical_flags();
        match raw.ty {
            ty if ELSEWHERE.contains(ty) => {}
            AttrType::AS_PATH if !self.four_octet_as() => {
                let path = self.as_path().unwrap_or_default();
                write_attr_with(flags, raw.ty, out, |out| path.write(out));
            }
            AttrType::AGGREGATOR if !self.four_octet_as() => {
                if let Some(aggregator) = self.aggregator() {
                    write_attr(flags, raw.ty, &aggregator.to_bytes(), out);
                }
            }
            AttrType::LARGE_COMMUNITIES => write_attr_with(flags, raw.ty, out, |out| write_unique(raw.value, out)),
            _ => write_attr(flags, raw.ty, raw.value, out),
        }
    }
}

/// Octets of flags, type and a length field of two octets.
const LONG_HEAD: usize = 4;
