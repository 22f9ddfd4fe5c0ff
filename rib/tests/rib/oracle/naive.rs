//! A Rib as one would write it from the RFCs on paper: everything is computed anew from what was received, path by path,
//! for each peer alone. It shares no code with the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bgp_rib::{AddPathTx, NextHop, PeerKind};
use ipnet::IpNet;

pub(crate) const SET: u8 = 1;
pub(crate) const SEQUENCE: u8 = 2;
pub(crate) const CONFED_SEQUENCE: u8 = 3;

pub(crate) const NO_EXPORT: u32 = 0xffff_ff01;
pub(crate) const NO_ADVERTISE: u32 = 0xffff_ff02;
pub(crate) const NO_EXPORT_SUBCONFED: u32 = 0xffff_ff03;
pub(crate) const LLGR_STALE: u32 = 0xffff_0006;
pub(crate) const NO_LLGR: u32 = 0xffff_0007;
/// What an export policy of the test adds.
pub(crate) const TAG: u32 = 0xfde8_0050;

/// The attributes that the test uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attrs {
    pub(crate) origin: u8,
    pub(crate) path: Vec<(u8, Vec<u32>)>,
    pub(crate) next_hop: NextHop,
    pub(crate) med: Option<u32>,
    pub(crate) local_pref: Option<u32>,
    pub(crate) communities: Vec<u32>,
    pub(crate) originator: Option<u32>,
    pub(crate) clusters: Vec<u32>,
    pub(crate) otc: Option<u32>,
}

/// Our roles (RFC 9234 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Provider,
    Customer,
    Peer,
}

#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) asn: u32,
    pub(crate) addr: IpAddr,
    pub(crate) id: u32,
    pub(crate) up: bool,
    pub(crate) role: Option<Role>,
    pub(crate) llgr: bool,
    pub(crate) allowas_in: usize,
    pub(crate) best_external: bool,
    pub(crate) next_hop_self: bool,
    pub(crate) force: bool,
    pub(crate) tx: Option<AddPathTx>,
    pub(crate) vantage: Option<u16>,
    /// The export policy of the test acts.
    pub(crate) filtered: bool,
    /// The import policy of the test acts, on what is kept.
    pub(crate) judged: bool,
    pub(crate) received: BTreeMap<(IpNet, u32), Received>,
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) attrs: Attrs,
    pub(crate) stale: bool,
    pub(crate) refreshing: bool,
}

/// A path that competes; `from` `None`: an own route.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) from: Option<usize>,
    pub(crate) path_id: u32,
    pub(crate) attrs: Attrs,
}

#[derive(Debug, Clone)]
pub(crate) struct Naive {
    pub(crate) local_as: u32,
    pub(crate) confederation: Option<u32>,
    pub(crate) router_id: u32,
    pub(crate) cluster: u32,
    pub(crate) own_v4: NextHop,
    pub(crate) own_v6: NextHop,
    pub(crate) always_compare_med: bool,
    pub(crate) missing_as_worst: bool,
    pub(crate) no_client_to_client: bool,
    pub(crate) peers: Vec<Peer>,
    pub(crate) own: BTreeMap<IpNet, Attrs>,
    pub(crate) costs: BTreeMap<IpAddr, u32>,
    pub(crate) seen_from: BTreeMap<(u16, IpAddr), u32>,
    pub(crate) unreachable: BTreeSet<IpAddr>,
    /// Which of their rules the policies have.
    pub(crate) export_rules: usize,
    pub(crate) import_rules: usize,
}

fn external(kind: PeerKind) -> bool {
    matches!(kind, PeerKind::Ebgp | PeerKind::RouteServerClient)
}

fn internal(kind: PeerKind) -> bool {
    matches!(kind, PeerKind::Ibgp | PeerKind::RrClient)
}

impl Naive {
    fn public_as(&self) -> u32 {
        self.confederation.unwrap_or(self.local_as)
    }

    /// What is left of an announcement of `peer`.
    fn import(&self, peer: &Peer, attrs: &Attrs) -> Option<Attrs> {
        let mut attrs = attrs.clone();
        if external(peer.kind) {
            // RFC 7606 sections 7.5, 7.9, 7.10.
            attrs.local_pref = None;
        }
        if !internal(peer.kind) {
            (attrs.originator, attrs.clusters) = (None, Vec::new());
        }
        let own = |asn: &&u32| **asn == self.local_as || Some(**asn) == self.confederation;
        if attrs.path.iter().flat_map(|(_, asns)| asns).filter(own).count() > peer.allowas_in {
            return None;
        }
        let loops = attrs.originator == Some(self.router_id) || attrs.clusters.contains(&self.cluster);
        if internal(peer.kind) && loops || attrs.next_hop == self.own_v4 || attrs.next_hop == self.own_v6 {
            return None;
        }
        match (peer.role, attrs.otc) {
            (Some(Role::Provider), Some(_)) => return None,
            (Some(Role::Peer), Some(otc)) if otc != peer.asn => return None,
            (Some(Role::Customer | Role::Peer), None) => attrs.otc = Some(peer.asn),
            _ => {}
        }
        if peer.judged {
            match self.import_rules % 3 {
                1 if attrs.path.iter().any(|(_, asns)| asns.contains(&65100)) => return None,
                2 => attrs.local_pref = Some(150),
                _ => {}
            }
        }
        Some(attrs)
    }

    /// All paths of a prefix that compete.
    pub(crate) fn candidates(&self, prefix: IpNet) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (from, peer) in self.peers.iter().enumerate() {
            for ((_, path_id), received) in peer.received.iter().filter(|((one, _), _)| *one == prefix) {
                let attrs = self.import(peer, &received.attrs);
                all.extend(attrs.map(|attrs| Candidate { from: Some(from), path_id: *path_id, attrs }));
            }
        }
        all.extend(self.own.get(&prefix).map(|attrs| Candidate { from: None, path_id: 0, attrs: attrs.clone() }));
        all.retain(|one| one.attrs.next_hop.addr().is_none_or(|addr| !self.unreachable.contains(&addr)));
        all
    }

    fn kind(&self, candidate: &Candidate) -> Option<PeerKind> {
        candidate.from.map(|from| self.peers[from].kind)
    }

    fn is_external(&self, candidate: &Candidate) -> bool {
        self.kind(candidate).is_none_or(external)
    }

    /// RFC 4271 section 9.1.2.2 c.
    fn neighbor(&self, candidate: &Candidate) -> u32 {
        if let Some(from) = candidate.from.filter(|from| external(self.peers[*from].kind)) {
            return self.peers[from].asn;
        }
        match candidate.attrs.path.iter().find(|(kind, _)| *kind <= SEQUENCE) {
            Some((SEQUENCE, asns)) => asns[0],
            _ => self.local_as,
        }
    }

    fn cost(&self, candidate: &Candidate, vantage: Option<u16>) -> u32 {
        let Some(addr) = candidate.attrs.next_hop.addr() else { return 0 };
        let seen = vantage.and_then(|vantage| self.seen_from.get(&(vantage, addr)));
        seen.or(self.costs.get(&addr)).copied().unwrap_or(0)
    }

    /// Up to ORIGIN.
    fn level(&self, mut left: Vec<Candidate>) -> Vec<Candidate> {
        keep(&mut left, |one| u128::from(one.attrs.communities.contains(&LLGR_STALE)));
        keep(&mut left, |one| u128::from(u32::MAX - one.attrs.local_pref.unwrap_or(100)));
        keep(&mut left, |one| u128::from(one.from.is_some()));
        keep(&mut left, |one| {
            let hops = |(kind, asns): &(u8, Vec<u32>)| match *kind {
                SEQUENCE => asns.len(),
                SET => 1,
                _ => 0,
            };
            one.attrs.path.iter().map(hops).sum::<usize>() as u128
        });
        keep(&mut left, |one| u128::from(one.attrs.origin));
        left
    }

    pub(crate) fn best(&self, all: Vec<Candidate>, vantage: Option<u16>) -> Option<Candidate> {
        let mut left = self.level(all);
        let med = |one: &Candidate| one.attrs.med.unwrap_or(if self.missing_as_worst { u32::MAX } else { 0 });
        let all = left.clone();
        left.retain(|one| {
            let beats = |other: &Candidate| {
                (self.always_compare_med || self.neighbor(other) == self.neighbor(one)) && med(other) < med(one)
            };
            !all.iter().any(beats)
        });
        keep(&mut left, |one| u128::from(!self.is_external(one)));
        keep(&mut left, |one| u128::from(self.cost(one, vantage)));
        keep(&mut left, |one| {
            let own = one.from.map_or(self.router_id, |from| self.peers[from].id);
            u128::from(one.attrs.originator.unwrap_or(own))
        });
        keep(&mut left, |one| one.attrs.clusters.len() as u128);
        keep(&mut left, |one| match one.from.map(|from| self.peers[from].addr) {
            Some(IpAddr::V4(addr)) => u128::from(u32::from(addr)),
            Some(IpAddr::V6(addr)) => u128::from(addr),
            None => 0,
        });
        keep(&mut left, |one| u128::from(one.path_id));
        assert!(left.len() < 2, "no tie: {left:?}");
        left.pop()
    }

    fn ranked(&self, mut all: Vec<Candidate>, vantage: Option<u16>, count: usize) -> Vec<Candidate> {
        let mut order = Vec::new();
        while order.len() < count
            && let Some(best) = self.best(all.clone(), vantage)
        {
            all.retain(|one| (one.from, one.path_id) != (best.from, best.path_id));
            order.push(best);
        }
        order
    }

    /// RFC 7964 section 4.1.
    fn group_best(&self, all: &[Candidate], vantage: Option<u16>) -> Vec<Candidate> {
        let level = self.level(all.to_vec());
        let groups: BTreeSet<u32> = level.iter().map(|one| self.neighbor(one)).collect();
        let of = |asn| level.iter().filter(|one| self.neighbor(one) == asn).cloned().collect();
        let mut best: Vec<_> = groups.into_iter().filter_map(|asn| self.best(of(asn), vantage)).collect();
        let first = self.best(all.to_vec(), vantage).into_iter();
        for one in first {
            if !best.iter().any(|other| (other.from, other.path_id) == (one.from, one.path_id)) {
                best.push(one);
            }
        }
        best
    }

    /// What a peer holds of a prefix: one path, or with ADD-PATH any number of them.
    pub(crate) fn out(&self, to: usize, prefix: IpNet, has_paths: bool) -> Vec<Attrs> {
        let (all, peer) = (self.candidates(prefix), &self.peers[to]);
        let chosen = match peer.tx.filter(|_| has_paths) {
            Some(AddPathTx::All) => all,
            Some(AddPathTx::Best(count)) => self.ranked(all, peer.vantage, count.into()),
            Some(AddPathTx::GroupBest) => self.group_best(&all, peer.vantage),
            _ => {
                let best = self.best(all.clone(), peer.vantage);
                let hidden = best.as_ref().is_some_and(|best| !self.reflects(self.kind(best), peer.kind));
                if hidden && peer.best_external {
                    let outside = |one: &Candidate| self.kind(one).is_some_and(external);
                    self.best(all.into_iter().filter(outside).collect(), peer.vantage).into_iter().collect()
                } else {
                    best.into_iter().collect()
                }
            }
        };
        let mut sent: Vec<_> = chosen.iter().filter_map(|one| self.export(one, to, prefix)).collect();
        sent.sort();
        sent
    }

    /// RFC 4456 section 6.
    fn reflects(&self, from: Option<PeerKind>, to: PeerKind) -> bool {
        match (from, to) {
            (Some(PeerKind::Ibgp), PeerKind::Ibgp) => false,
            (Some(PeerKind::RrClient), PeerKind::RrClient) => !self.no_client_to_client,
            _ => true,
        }
    }

    fn export(&self, candidate: &Candidate, to: usize, prefix: IpNet) -> Option<Attrs> {
        let (from, peer) = (candidate.from.map(|from| &self.peers[from]), &self.peers[to]);
        let mut attrs = candidate.attrs.clone();
        let has = |community: u32| attrs.communities.contains(&community);
        if candidate.from == Some(to)
            || !self.reflects(from.map(|from| from.kind), peer.kind)
            || has(NO_ADVERTISE)
            || has(NO_EXPORT) && external(peer.kind)
            || has(NO_EXPORT_SUBCONFED) && !internal(peer.kind)
            || has(LLGR_STALE) && !peer.llgr
            || attrs.otc.is_some() && matches!(peer.role, Some(Role::Customer | Role::Peer))
        {
            return None;
        }
        let own = if prefix.addr().is_ipv4() { self.own_v4 } else { self.own_v6 };
        match peer.kind {
            PeerKind::Ibgp | PeerKind::RrClient => {
                attrs.local_pref = attrs.local_pref.or(Some(100));
                if let Some(from) = from.filter(|from| internal(from.kind)) {
                    attrs.originator = attrs.originator.or(Some(from.id));
                    attrs.clusters.insert(0, self.cluster);
                }
            }
            PeerKind::Confed => {
                attrs.local_pref = attrs.local_pref.or(Some(100));
                prepend(&mut attrs.path, CONFED_SEQUENCE, self.local_as);
            }
            _ => {
                attrs.local_pref = None;
                attrs.path.retain(|(kind, _)| *kind <= SEQUENCE);
                if peer.kind == PeerKind::Ebgp || from.is_none() {
                    prepend(&mut attrs.path, SEQUENCE, self.public_as());
                }
                if peer.kind == PeerKind::Ebgp && from.is_some() {
                    attrs.med = None;
                }
                if matches!(peer.role, Some(Role::Provider | Role::Peer)) {
                    attrs.otc = attrs.otc.or(Some(self.public_as()));
                }
            }
        }
        if !internal(peer.kind) {
            (attrs.originator, attrs.clusters) = (None, Vec::new());
        }
        let is_self = peer.next_hop_self && from.is_some_and(|from| external(from.kind))
            || peer.force && from.is_some()
            || peer.kind == PeerKind::Ebgp;
        if is_self || attrs.next_hop == NextHop::None {
            attrs.next_hop = own;
        }
        if peer.filtered {
            match self.export_rules % 3 {
                1 if prefix.addr().is_ipv4() && prefix.prefix_len() <= 17 => return None,
                2 if !attrs.communities.contains(&TAG) => attrs.communities.push(TAG),
                _ => {}
            }
        }
        Some(attrs)
    }
}

fn prepend(path: &mut Vec<(u8, Vec<u32>)>, kind: u8, asn: u32) {
    match path.first_mut() {
        Some((first, asns)) if *first == kind && asns.len() < 255 => asns.insert(0, asn),
        _ => path.insert(0, (kind, vec![asn])),
    }
}

fn keep(left: &mut Vec<Candidate>, key: impl Fn(&Candidate) -> u128) {
    if let Some(least) = left.iter().map(&key).min() {
        left.retain(|one| key(one) == least);
    }
}
