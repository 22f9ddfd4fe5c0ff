//! CLUSTER_LIST (RFC 4456 section 8): the clusters that a route went through, nearest first.

use crate::ClusterId;
use crate::attr::{Attribute, Attributes, Length, Source, Values};

/// The row of CLUSTER_LIST.
pub(crate) enum ClusterList {}

impl Attribute for ClusterList {
    // RFC 7606 section 7.10.
    const LENGTH: Length = Length::Multiple(4);
    // RFC 7606 section 7.10: from an external neighbour it is discarded.
    const TAKEN_FROM: Source = Source::Internal;
}

impl From<[u8; 4]> for ClusterId {
    fn from(octets: [u8; 4]) -> ClusterId {
        ClusterId(u32::from_be_bytes(octets))
    }
}

impl<'a> Attributes<'a> {
    /// The CLUSTER_LIST, nearest cluster first; empty where there is none.
    #[must_use]
    #[inline]
    pub fn cluster_list(&self) -> Values<'a, ClusterId, 4> {
        Values::new(self.value::<ClusterList>().unwrap_or_default())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for ClusterList {
    type Form = alloc::vec::Vec<ClusterId>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let values = attributes.cluster_list();
        (values.len() != 0).then(|| values.collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.cluster_list(&form)
    }
}
