//! Which of two flow specifications is applied first (RFC 8955 section 5.1, RFC 8956 section 4).

use core::cmp::Ordering;

use ipnet::IpNet;

use super::{Component, FlowSpec, Match};

impl FlowSpec<'_> {
    /// `Less`: this one is applied first. Both are of one family; `Equal` only where they say the same.
    ///
    /// ```
    /// use bgp_wire::nlri::{NlriBuf, NlriValue};
    /// let [narrow, wide] = ["flow4 { dst 10.1.0.0/16; }", "flow4 { dst 10.0.0.0/8; }"].map(str::parse::<NlriBuf>);
    /// let (narrow, wide) = (narrow?, wide?);
    /// let (NlriValue::FlowSpec(narrow), NlriValue::FlowSpec(wide)) = (narrow.as_ref().value(), wide.as_ref().value())
    /// else { unreachable!() };
    /// assert!(narrow.compare(&wide).is_lt());
    /// # Ok::<(), bgp_wire::ParseError>(())
    /// ```
    #[must_use]
    pub fn compare(&self, other: &FlowSpec<'_>) -> Ordering {
        let (mut ours, mut theirs) = (self.components(), other.components());
        loop {
            let order = match (ours.next(), theirs.next()) {
                (None, None) => return Ordering::Equal,
                // What has more components is more specific.
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(ours), Some(theirs)) => ours.ty.cmp(&theirs.ty).then_with(|| compare(&ours, &theirs)),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

fn compare(ours: &Component<'_>, theirs: &Component<'_>) -> Ordering {
    match (&ours.matches, &theirs.matches) {
        (Match::Prefix { prefix: a, offset: x }, Match::Prefix { prefix: b, offset: y }) => {
            x.cmp(y).then_with(|| prefixes(a, b, *x))
        }
        _ => {
            let common = ours.octets.len().min(theirs.octets.len());
            let (a, b) = (ours.octets.get(..common), theirs.octets.get(..common));
            a.cmp(&b).then(theirs.octets.len().cmp(&ours.octets.len()))
        }
    }
}

/// Where one holds the other, the longer one comes first; otherwise that with the lower address.
fn prefixes(a: &IpNet, b: &IpNet, offset: u8) -> Ordering {
    let bits = |net: &IpNet| match net {
        IpNet::V4(net) => u128::from(u32::from(net.network())) << 96,
        IpNet::V6(net) => u128::from(net.network()),
    };
    let common = a.prefix_len().min(b.prefix_len()).max(offset);
    let mask = !u128::MAX.unbounded_shr(common.into());
    (bits(a) & mask).cmp(&(bits(b) & mask)).then(b.prefix_len().cmp(&a.prefix_len()))
}
