//! serde forms of UPDATE: families, prefixes and next hops are text, attributes as [`attr::text`](crate::attr::text) says.

use serde::{Serialize, Serializer};

use crate::{Update, UpdateView};

/// A value by its `Display` and `FromStr`.
pub(crate) mod display {
    use core::fmt::Display;

    use serde::Serializer;

    pub(crate) use crate::hex::from_text as deserialize;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }
}

/// As an [`Update`].
impl Serialize for UpdateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Update::from(self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::AttrBuilder;
    use crate::community::Community;
    use crate::community::large::LargeCommunity;
    use crate::{Asn, AttrFlags, AttrType, Family};
    use alloc::string::ToString;

    #[test]
    fn text_form_is_read_back() {
        let block = AttrBuilder::new()
            .as_path(&[Asn(64512), Asn(64513)])
            .communities(&[Community::NO_EXPORT, Community::new(1, 2)])
            .large_communities(&[LargeCommunity { global: 1, local: [2, 3] }])
            .partial(AttrType::COMMUNITIES)
            .raw(AttrFlags(0xe0), AttrType(200), &[1, 0xab])
            .build()
            .unwrap();
        let update = Update::new()
            .with_attributes(&block)
            .unwrap()
            .with_withdrawn(Family::IPV6_UNICAST, ["2001:db8::/32".parse().unwrap()])
            .with_announced(Family::IPV4_UNICAST, "192.0.2.1".parse().unwrap(), ["10.0.0.0/8".parse().unwrap()]);
        let json = serde_json::to_value(&update).unwrap();
        let expected = serde_json::json!({
            "withdrawn": [{"family": "2/1", "nlri": [{"prefix": "2001:db8::/32"}]}],
            "announced": [{"family": "1/1", "next_hop": "192.0.2.1", "nlri": [{"prefix": "10.0.0.0/8"}]}],
            "attributes": {
                "origin": "igp",
                "as_path": [{"kind": "sequence", "asns": [64512, 64513]}],
                "communities": ["no-export", "1:2"],
                "large_communities": ["1:2:3"],
                "partial": [8],
                "other": [{"flags": 224, "type": 200, "value": "01ab"}],
            },
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Update>(json).unwrap(), update);
    }

    #[test]
    fn a_malformed_attribute_is_told() {
        let json = serde_json::json!({"attributes": {"as_path": [{"kind": "set", "asns": [0]}]}});
        let error = serde_json::from_value::<Update>(json).unwrap_err().to_string();
        assert!(error.contains("attribute 2 has as 0"), "{error}");
    }
}
