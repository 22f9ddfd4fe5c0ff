//! The canonical attribute block, as a rib interns it.

use alloc::vec::Vec;

use crate::attr::large_communities::write_unique;
use crate::attr::{Attributes, RawAttr, rule};
use crate::update::UpdateView;
use crate::{AttrFlags, AttrType};

impl UpdateView<'_> {
    /// Appends the attributes in canonical form: in the order of their types, lengths of minimal size, low flag bits 0,
    /// 4-octet AS numbers with AS4_PATH and AS4_AGGREGATOR merged in, large communities without duplicates.
    ///
    /// NEXT_HOP, MP_REACH_NLRI and MP_UNREACH_NLRI are left out, for they differ where routes share all else, and so is
    /// what the verdict discards. Unknown attributes are kept. [`Attributes::from_canonical`] reads the block.
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes, NextHop};
    /// use bgp_wire::{Asn, Context, Family, Packer, SessionKind, UpdateView};
    ///
    /// let ctx = Context::new(SessionKind::Ebgp);
    /// let block = AttrBuilder::new().as_path(&[Asn(64513)]).med(7).build()?;
    /// let mut message = bytes::BytesMut::new();
    /// let prefix: ipnet::IpNet = "203.0.113.0/24".parse()?;
    /// let next_hop: NextHop = "192.0.2.2".parse()?;
    /// Packer::new(&ctx).announce(&mut message, &block, next_hop, Family::IPV4_UNICAST, [prefix.into()])?;
    /// let mut again = Vec::new();
    /// UpdateView::decode(&message, &ctx)?.write_canonical(&mut again);
    /// assert_eq!(again, block);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        self.attributes().write_canonical(out);
    }
}

impl Attributes<'_> {
    /// Appends the canonical form; see [`UpdateView::write_canonical`].
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        if !self.has_unknown() {
            for raw in self.known() {
                self.write_known(&raw, out);
            }
            return;
        }
        // One walk notes where the unknown ones are, however many there are.
        let mut raws: Vec<RawAttr<'_>> = self.iter().filter(|raw| rule(raw.ty.0).is_none()).collect();
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

    fn write_known(&self, raw: &RawAttr<'_>, out: &mut Vec<u8>) {
        let flags = raw.canonical_flags();
        match raw.ty {
            AttrType::NEXT_HOP
            | AttrType::MP_REACH_NLRI
            | AttrType::MP_UNREACH_NLRI
            | AttrType::AS4_PATH
            | AttrType::AS4_AGGREGATOR => {}
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

/// Appends an attribute with a length field of minimal size; `flags` is without the Extended Length bit.
pub(crate) fn write_attr(flags: u8, ty: AttrType, value: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(value.len()) {
        Ok(len) => out.extend_from_slice(&[flags, ty.0, len]),
        Err(_) => {
            let [high, low] = crate::reader::to_u16(value.len()).to_be_bytes();
            out.extend_from_slice(&[flags | AttrFlags::EXTENDED_LENGTH.0, ty.0, high, low]);
        }
    }
    out.extend_from_slice(value);
}

/// The same with a value that `write` appends.
pub(crate) fn write_attr_with(flags: u8, ty: AttrType, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[flags, ty.0, 0]);
    write(out);
    let len = out.len() - start - 3;
    if len > usize::from(u8::MAX) {
        out.insert(start + 3, 0);
    }
    let Some(head) = out.get_mut(start..) else { return };
    match (u8::try_from(len), head) {
        (Ok(len), [_, _, short, ..]) => *short = len,
        (Err(_), [flags, _, high, low, ..]) => {
            *flags |= AttrFlags::EXTENDED_LENGTH.0;
            [*high, *low] = crate::reader::to_u16(len).to_be_bytes();
        }
        _ => {}
    }
}
