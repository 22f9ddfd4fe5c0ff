//! Software version (draft-abraitis-bgp-version-capability): a UTF-8 text behind a length octet.

/// The name and version of a speaker's software, for people; at most 64 octets are sent.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "the draft has this field")]
pub struct SoftwareVersion(pub alloc::string::String);

/// Nothing of the session depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<SoftwareVersion> {
    let mut reader = crate::reader::Reader::new(value);
    let text = core::str::from_utf8(reader.prefixed_u8()?).ok()?;
    reader.is_empty().then(|| SoftwareVersion(text.into()))
}

#[cfg(feature = "alloc")]
pub(super) fn encode(version: &SoftwareVersion, out: &mut alloc::vec::Vec<u8>) {
    let text = crate::notification::cut(&version.0, 64);
    out.extend(u8::try_from(text.len()));
    out.extend_from_slice(text.as_bytes());
}
