//! The bodies of the fuzz targets: each takes any octets, drives one entry point and asserts its invariants.
//!
//! `fuzz/` wraps them for cargo-fuzz; `cargo test` replays `fuzz/seeds/<target>/` through the same functions.

mod bmp;
mod frame;
mod ipam;
mod ipip;
mod ipip6;
mod mrt;
mod nlri;
mod notification;
mod open;
mod packer;
mod round_trip;
mod selector;
mod session;
mod update;

pub use bmp::bmp;
pub use frame::frame;
pub use ipam::ipam;
pub use ipip::{decap, encap, icmp};
pub use ipip6::tunnel6;
pub use mrt::mrt;
pub use nlri::nlri;
pub use notification::notification;
pub use open::open;
pub use packer::packer;
pub use round_trip::round_trip;
pub use selector::selector;
pub use session::session;
pub use update::update;

use bgp_wire::{Asn, Context, Family, FamilySet, MessageType, SessionKind};

/// Every target: its name, which is also the folder of its seeds, and its body.
#[expect(clippy::type_complexity, reason = "a row of a table")]
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("frame", frame),
    ("open", open),
    ("update", update),
    ("round_trip", round_trip),
    ("packer", packer),
    ("nlri", nlri),
    ("notification", notification),
    ("mrt", mrt),
    ("bmp", bmp),
    ("encap", encap),
    ("decap", decap),
    ("icmp", icmp),
    ("tunnel6", tunnel6),
    ("selector", selector),
    ("ipam", ipam),
    ("session", session),
];

/// A cursor over fuzz input that gives zeros when it is used up.
struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// At most `len` octets.
    fn take(&mut self, len: usize) -> &'d [u8] {
        let (head, tail) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = tail;
        head
    }

    fn rest(&mut self) -> &'d [u8] {
        std::mem::take(&mut self.0)
    }
}

/// The context that an octet chooses. Bits 0 and 1: eBGP, iBGP, confederation, eBGP with all optional checks; 2: AS
/// numbers of 2 octets; 3: path ids both ways; 4: IPv6 next hops for IPv4; 5: messages up to 65535 octets both ways;
/// 6: IPv4 only; 7: all families with IPv6 next hops for IPv4, and with 6 no label stacks.
fn context(bits: u8) -> Context {
    let kind = match bits & 3 {
        1 => SessionKind::Ibgp,
        2 => SessionKind::ConfedExternal,
        _ => SessionKind::Ebgp,
    };
    let when = |bit: u8, set: FamilySet| if bits & bit != 0 { set } else { FamilySet::EMPTY };
    let all = bits & 0x80 != 0;
    let families = match (all, bits & 0x40 != 0) {
        (true, _) => FamilySet::ALL,
        (false, true) => Family::IPV4_UNICAST.into(),
        (false, false) => FamilySet::UNICAST,
    };
    let limit = if bits & 0x20 != 0 { 65535 } else { 4096 };
    let strict = bits & 3 == 3;
    Context::new(kind)
        .with_four_octet_as(bits & 4 == 0)
        .with_families(families)
        .with_add_path_receive(when(8, families))
        .with_add_path_send(when(8, families))
        .with_ext_next_hop(if all { FamilySet::ALL } else { when(0x10, Family::IPV4_UNICAST.into()) })
        .with_multiple_labels(if bits & 0xc0 == 0x80 { FamilySet::ALL } else { FamilySet::EMPTY })
        .with_max_receive(limit)
        .with_max_send(limit)
        .with_local_as(Asn(64512))
        .with_peer_as(Asn(if kind == SessionKind::Ibgp { 64512 } else { 64513 }))
        .with_enforce_first_as(strict)
        .with_reject_as_sets(strict)
}

/// A whole message of a type around a body, which is cut at the largest length.
fn message(ty: MessageType, body: &[u8]) -> Vec<u8> {
    let body = body.get(..usize::from(u16::MAX) - bgp_wire::HEADER_LEN).unwrap_or(body);
    let length = u16::try_from(bgp_wire::HEADER_LEN + body.len()).unwrap_or(u16::MAX);
    let mut message = vec![0xff; 16];
    message.extend(length.to_be_bytes());
    message.push(ty.0);
    message.extend(body);
    message
}

/// What must hold for an error of `message`: it is told with a session's NOTIFICATION in one of the given codes, whose
/// data fit into a message, and its text is not empty.
fn check_error(error: &bgp_wire::Error, message: &[u8], codes: &[u8]) {
    let notification = error.notification(message);
    assert!(codes.contains(&notification.code.code), "{error}: {notification}");
    assert!(notification.data.len() <= message.len().max(8), "{error}: {notification}");
    assert!(usize::from(error.offset) <= message.len(), "{error} in {} octets", message.len());
    assert!(!error.to_string().is_empty());
}
