//! Clients that nobody configured one by one: whoever connects from a range becomes a peer while the session lasts.

use std::collections::HashMap;
use std::net::IpAddr;

use bgp_speaker::PeerId;

use super::settings::RangeSettings;

/// The ranges, and who is there from each.
#[derive(Debug)]
pub(super) struct Clients {
    /// The most specific first, each with the number of its members.
    ranges: Vec<(RangeSettings, u32)>,
    members: HashMap<PeerId, usize>,
}

/// Whether an address may become a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is in the range at this place.
    Welcome(usize),
    /// Its range has as many members as it may have.
    Full,
    /// It is in no range.
    Unknown,
}

impl Clients {
    pub(super) fn new(ranges: Vec<RangeSettings>) -> Clients {
        Clients { ranges: ranges.into_iter().map(|range| (range, 0)).collect(), members: HashMap::new() }
    }

    pub(super) fn admits(&self, address: IpAddr) -> Admission {
        match self.ranges.iter().position(|(range, _)| range.prefix.contains(&address)) {
            None => Admission::Unknown,
            Some(place) => match self.ranges.get(place) {
                Some((range, members)) if *members < range.limit => Admission::Welcome(place),
                _ => Admission::Full,
            },
        }
    }

    /// A peer was made for a member of the range at `place`.
    pub(super) fn joined(&mut self, peer: PeerId, place: usize) {
        if let Some((_, members)) = self.ranges.get_mut(place) {
            *members = members.saturating_add(1);
            self.members.insert(peer, place);
        }
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.members.contains_key(&peer)
    }

    pub(super) fn left(&mut self, peer: PeerId) {
        if let Some(place) = self.members.remove(&peer)
            && let Some((_, members)) = self.ranges.get_mut(place)
        {
            *members = members.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(prefix: &str, limit: u32) -> RangeSettings {
        RangeSettings { prefix: prefix.parse().unwrap(), limit, password: None }
    }

    #[test]
    fn the_most_specific_range_counts_and_limits() {
        let mut clients = Clients::new(vec![range("127.0.1.0/24", 1), range("127.0.0.0/8", 2)]);
        let [narrow, wide, none] = ["127.0.1.1", "127.0.0.1", "::1"].map(|address| address.parse().unwrap());
        assert_eq!(clients.admits(narrow), Admission::Welcome(0));
        assert_eq!(clients.admits(none), Admission::Unknown);
        clients.joined(PeerId(7), 0);
        assert_eq!(clients.admits(narrow), Admission::Full);
        assert_eq!(clients.admits(wide), Admission::Welcome(1));
        clients.left(PeerId(7));
        clients.left(PeerId(7));
        assert_eq!(clients.admits(narrow), Admission::Welcome(0));
        assert!(!clients.contains(PeerId(7)));
    }
}
