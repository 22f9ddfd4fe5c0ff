//! Peers that nobody configured one by one: whoever connects from a range becomes one while it is there.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::config::PeerConfig;

/// A range of addresses from which peers may connect; for [`Speaker::add_range`](crate::Speaker::add_range).
///
/// A peer is made of the template when its connection comes, with the address that it comes from. It never dials, and it
/// is gone with its last connection, but for as long as its routes are kept (RFC 4724), its session waits in Idle
/// because of damping, or it sent too many prefixes.
///
/// ```
/// use bgp_fsm::PeerAs;
/// use bgp_rib::PeerKind;
/// use bgp_speaker::{PeerConfig, Range};
/// use bgp_wire::{Asn, BgpId};
/// let prefix: ipnet::IpNet = "10.244.0.0/16".parse()?;
/// let session = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::Internal);
/// let routes = bgp_rib::PeerConfig::new(PeerKind::RrClient, Asn(64512), prefix.addr());
/// let range = Range::new(prefix, 1000, PeerConfig::new(prefix.addr(), session, routes));
/// assert!(range.template.session.never_dial);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Range {
    /// Where its members connect from.
    pub prefix: IpNet,
    /// How many members there may be at a time.
    pub limit: u32,
    /// What a member is configured with, but for the address. If its session takes any AS, the tables are told which it
    /// is when the session comes up.
    pub template: PeerConfig,
}

impl Range {
    /// Up to `limit` members in `prefix`.
    #[must_use]
    pub fn new(prefix: IpNet, limit: u32, mut template: PeerConfig) -> Range {
        if !template.session.passive || !template.session.never_dial {
            let session = bgp_fsm::Config::clone(&template.session).with_passive(true).with_never_dial(true);
            template.session = Arc::new(session);
        }
        Range { prefix: prefix.trunc(), limit, template }
    }

    /// The configuration of a member.
    fn member(&self, address: IpAddr) -> PeerConfig {
        PeerConfig { address, rib: self.template.rib.with_addr(address), ..self.template.clone() }
    }
}

/// All ranges, and how many members each has.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    /// The most specific first.
    list: Vec<Counted>,
    last: u32,
}

#[derive(Debug)]
struct Counted {
    id: RangeId,
    range: Range,
    members: u32,
}

/// A range among others, also when it has been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RangeId(u32);

/// Whether an address may become a peer.
#[derive(Debug)]
pub(crate) enum Admission {
    /// As a member of this range.
    Welcome(RangeId, PeerConfig),
    /// Its range has as many members as it may have.
    Full,
    /// It is in no range.
    Unknown,
}

impl Ranges {
    /// Adds a range, or replaces the one of the same prefix, whose members stay.
    pub(crate) fn add(&mut self, range: Range) {
        if let Some(counted) = self.list.iter_mut().find(|counted| counted.range.prefix == range.prefix) {
            counted.range = range;
            return;
        }
        self.last = self.last.wrapping_add(1);
        self.list.push(Counted { id: RangeId(self.last), range, members: 0 });
        self.list.sort_by_key(|counted| core::cmp::Reverse(counted.range.prefix.prefix_len()));
    }

    pub(crate) fn remove(&mut self, prefix: IpNet) -> bool {
        let before = self.list.len();
        self.list.retain(|counted| counted.range.prefix != prefix.trunc());
        self.list.len() < before
    }

    pub(crate) fn admits(&self, address: IpAddr) -> Admission {
        match self.list.iter().find(|counted| counted.range.prefix.contains(&address)) {
            None => Admission::Unknown,
            Some(counted) if counted.members >= counted.range.limit => Admission::Full,
            Some(counted) => Admission::Welcome(counted.id, counted.range.member(address)),
        }
    }

    pub(crate) fn for_each_template(&mut self, change: impl Fn(&mut PeerConfig)) {
        self.list.iter_mut().for_each(|counted| change(&mut counted.range.template));
    }

    pub(crate) fn joined(&mut self, id: RangeId) {
        if let Some(counted) = self.list.iter_mut().find(|counted| counted.id == id) {
            counted.members = counted.members.saturating_add(1);
        }
    }

    pub(crate) fn left(&mut self, id: RangeId) {
        if let Some(counted) = self.list.iter_mut().find(|counted| counted.id == id) {
            counted.members = counted.members.saturating_sub(1);
        }
    }

    /// The ranges and their members, the most specific first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Range, u32)> {
        self.list.iter().map(|counted| (&counted.range, counted.members))
    }
}
