//! Host and domain name (draft-walton-bgp-hostname-capability): two UTF-8 texts, each behind a length octet.

/// The names of a speaker, for people.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "the draft has these fields")]
pub struct Fqdn {
    /// The host name; what does not fit is cut when sent.
    pub host: alloc::string::String,
    /// The domain name, often empty; what does not fit beside the host name is cut when sent.
    pub domain: alloc::string::String,
}

/// Nothing of the session depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<Fqdn> {
    let mut reader = crate::reader::Reader::new(value);
    let mut text = || core::str::from_utf8(reader.prefixed_u8()?).ok();
    let fqdn = Fqdn { host: text()?.into(), domain: text()?.into() };
    reader.is_empty().then_some(fqdn)
}

#[cfg(feature = "alloc")]
pub(super) fn encode(name: &Fqdn, out: &mut alloc::vec::Vec<u8>) {
    // A value has 255 octets, two of them are the lengths.
    let host = crate::notification::cut(&name.host, 253);
    let domain = crate::notification::cut(&name.domain, 253 - host.len());
    for text in [host, domain] {
        out.extend(u8::try_from(text.len()));
        out.extend_from_slice(text.as_bytes());
    }
}
