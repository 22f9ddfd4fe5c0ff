//! What a route leads to: a unicast prefix, or the key of an NLRI of another family in the arena of [`Rows`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use bgp_wire::Family;
use bgp_wire::nlri::{NlriBuf, NlriRef, TypedNlri};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::bits::Bits;
use crate::keyed::{Index, Keyed};
use crate::pages::Pages;

/// The destination of a route, small enough to be handed around: 18 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dest {
    /// A prefix of IPv4 or IPv6 unicast.
    Net(IpNet),
    /// A row of another family.
    Row(RowId),
}

const _: () = assert!(size_of::<Dest>() == size_of::<IpNet>());

/// Without the kind: a prefix costs no more than before, and equal destinations have equal hashes.
impl Hash for Dest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Dest::Net(net) => net.hash(state),
            Dest::Row(row) => row.hash(state),
        }
    }
}

impl Dest {
    pub(crate) fn family(self) -> Family {
        match self {
            Dest::Net(IpNet::V4(_)) => Family::IPV4_UNICAST,
            Dest::Net(IpNet::V6(_)) => Family::IPV6_UNICAST,
            Dest::Row(row) => row.family(),
        }
    }

    /// The prefix of a unicast route.
    pub(crate) fn net(self) -> Option<IpNet> {
        match self {
            Dest::Net(net) => Some(net),
            Dest::Row(_) => None,
        }
    }
}

/// A row's family and number, without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId {
    afi: [u8; 2],
    safi: u8,
    at: [u8; 4],
}

impl RowId {
    fn new(family: Family, at: u32) -> RowId {
        RowId { afi: family.afi.0.to_be_bytes(), safi: family.safi.0, at: at.to_be_bytes() }
    }

    fn family(self) -> Family {
        Family::new(u16::from_be_bytes(self.afi), self.safi)
    }

    fn at(self) -> u32 {
        u32::from_be_bytes(self.at)
    }
}

/// The keys of routes of all families but unicast, each once.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    index: Index,
    keys: Pages<(Family, Box<[u8]>)>,
    free: Bits,
}

impl Rows {
    /// The row of a key.
    pub(crate) fn find(&self, keyed: &Keyed, family: Family, key: &[u8]) -> Option<Dest> {
        let is = |at| self.keys.get(at).is_some_and(|row| row.0 == family && *row.1 == *key);
        let at = self.index.find(keyed.hash(&(family, key)), is)?;
        Some(Dest::Row(RowId::new(family, at)))
    }

    /// The row of a key, which gets one where it has none; `None`: all numbers are in use.
    pub(crate) fn intern(&mut self, keyed: &Keyed, family: Family, key: &[u8]) -> Option<Dest> {
        if let Some(row) = self.find(keyed, family, key) {
            return Some(row);
        }
        let row = (family, key.into());
        let at = match self.free.pop_first() {
            Some(at) => {
                *self.keys.get_mut(at)? = row;
                at
            }
            None => self.keys.push(row)?,
        };
        let hash_of = |at| self.keys.get(at).map_or(0, |row| keyed.hash(&(row.0, &*row.1)));
        self.index.insert(hash_of(at), at, hash_of);
        Some(Dest::Row(RowId::new(family, at)))
    }

    /// Gives a row back; its number may be given out again.
    pub(crate) fn release(&mut self, keyed: &Keyed, row: RowId) {
        if let Some(slot) = self.keys.get_mut(row.at()) {
            let hash = keyed.hash(&(slot.0, &*slot.1));
            slot.1 = Box::default();
            self.index.remove(hash, row.at());
            self.free.insert(row.at());
        }
    }

    /// The octets of a key.
    pub(crate) fn key(&self, row: RowId) -> &[u8] {
        self.keys.get(row.at()).map_or(&[], |row| &row.1)
    }
}

/// An NLRI of a family other than unicast: what identifies the route, and what its path says beside that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) key: Vec<u8>,
    /// How the octets of the NLRI differ from those of the key: nothing, or how many octets in front are the same, how
    /// many of the key behind them are replaced, and by what. Routes that differ in nothing but the key have the same,
    /// so that labels count as attributes do.
    pub(crate) extra: Vec<u8>,
}

impl Parts {
    /// `None`: a prefix of unicast.
    pub(crate) fn of(family: Family, nlri: &NlriRef<'_>) -> Option<Parts> {
        match (nlri, family) {
            (_, Family::IPV4_UNICAST | Family::IPV6_UNICAST) => None,
            (NlriRef::Typed(nlri), _) => {
                let nlri = NlriBuf::from(*nlri);
                let mut key = Vec::new();
                nlri.as_ref().write_key(&mut key);
                let extra = difference(&key, nlri.as_bytes());
                Some(Parts { key, extra })
            }
            (nlri, _) => key_of(family, nlri).map(|key| Parts { key, extra: Vec::new() }),
        }
    }
}

/// What identifies the route of an NLRI, announced or withdrawn; `None`: a prefix of unicast.
pub(crate) fn key_of(family: Family, nlri: &NlriRef<'_>) -> Option<Vec<u8>> {
    if matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST) {
        return None;
    }
    let mut key = Vec::new();
    match nlri {
        NlriRef::Ipv4(net) => {
            key.push(net.prefix_len());
            key.extend(net.network().octets());
        }
        NlriRef::Ipv6(net) => {
            key.push(net.prefix_len());
            key.extend(net.network().octets());
        }
        NlriRef::Typed(nlri) => nlri.write_key(&mut key),
        NlriRef::Opaque(octets) => key.extend_from_slice(octets),
        _ => return None,
    }
    Some(key)
}

fn difference(key: &[u8], nlri: &[u8]) -> Vec<u8> {
    if key == nlri {
        return Vec::new();
    }
    let most = key.len().min(nlri.len());
    let front = key.iter().zip(nlri).take_while(|(a, b)| a == b).count();
    let back = key.iter().rev().zip(nlri.iter().rev()).take(most - front).take_while(|(a, b)| a == b).count();
    let (replaced, by) = (key.len() - front - back, nlri.get(front..nlri.len() - back).unwrap_or_default());
    let mut extra = Vec::with_capacity(4 + by.len());
    extra.extend(u16::try_from(front).unwrap_or(u16::MAX).to_be_bytes());
    extra.extend(u16::try_from(replaced).unwrap_or(u16::MAX).to_be_bytes());
    extra.extend_from_slice(by);
    extra
}

/// The octets of an NLRI again; `None`: the two do not belong together.
fn joined(key: &[u8], extra: &[u8]) -> Option<Vec<u8>> {
    let Some((numbers, by)) = extra.split_first_chunk::<4>() else { return Some(key.to_vec()) };
    let [a, b, c, d] = *numbers;
    let (front, replaced) = (usize::from(u16::from_be_bytes([a, b])), usize::from(u16::from_be_bytes([c, d])));
    let mut nlri = key.get(..front)?.to_vec();
    nlri.extend_from_slice(by);
    nlri.extend_from_slice(key.get(front + replaced..)?);
    Some(nlri)
}

/// An NLRI on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowNlri<'k> {
    Net(IpNet),
    Typed(NlriBuf),
    /// The withdrawal of a typed one.
    Key(TypedNlri<'k>),
    Opaque(&'k [u8]),
}

impl<'k> RowNlri<'k> {
    /// The announcement of a row with what its path says beside the key.
    pub(crate) fn announced(family: Family, key: &'k [u8], extra: &[u8]) -> Option<RowNlri<'k>> {
        if let Some(net) = net_of(family, key) {
            return Some(RowNlri::Net(net));
        }
        match NlriBuf::decode(family, &joined(key, extra)?) {
            Some(nlri) => Some(RowNlri::Typed(nlri)),
            None => is_opaque(family).then_some(RowNlri::Opaque(key)),
        }
    }

    /// Its withdrawal.
    pub(crate) fn withdrawn(family: Family, key: &'k [u8]) -> Option<RowNlri<'k>> {
        if let Some(net) = net_of(family, key) {
            return Some(RowNlri::Net(net));
        }
        match TypedNlri::from_key(family, key) {
            Some(nlri) => Some(RowNlri::Key(nlri)),
            None => is_opaque(family).then_some(RowNlri::Opaque(key)),
        }
    }

    pub(crate) fn as_nlri(&self) -> NlriRef<'_> {
        match self {
            RowNlri::Net(net) => (*net).into(),
            RowNlri::Typed(nlri) => NlriRef::Typed(nlri.as_ref()),
            RowNlri::Key(nlri) => NlriRef::Typed(*nlri),
            RowNlri::Opaque(octets) => NlriRef::Opaque(octets),
        }
    }
}

/// The prefix that a key of a multicast family is.
fn net_of(family: Family, key: &[u8]) -> Option<IpNet> {
    let (len, octets) = key.split_first()?;
    match family {
        Family::IPV4_MULTICAST => Ipv4Net::new(<[u8; 4]>::try_from(octets).ok()?.into(), *len).ok().map(IpNet::V4),
        Family::IPV6_MULTICAST => Ipv6Net::new(<[u8; 16]>::try_from(octets).ok()?.into(), *len).ok().map(IpNet::V6),
        _ => None,
    }
}

/// Whether the codec knows no NLRI of the family.
pub(crate) fn is_opaque(family: Family) -> bool {
    !matches!(
        family,
        Family::IPV4_UNICAST
            | Family::IPV4_MULTICAST
            | Family::IPV4_LABELED
            | Family::IPV4_VPN
            | Family::RT_CONSTRAIN
            | Family::IPV4_FLOWSPEC
            | Family::IPV4_FLOWSPEC_VPN
            | Family::IPV6_UNICAST
            | Family::IPV6_MULTICAST
            | Family::IPV6_LABELED
            | Family::IPV6_VPN
            | Family::IPV6_FLOWSPEC
            | Family::IPV6_FLOWSPEC_VPN
            | Family::L2VPN_EVPN
            | Family::BGP_LS
            | Family::BGP_LS_VPN
    )
}

/// Which address of ours can be the next hop of a family's routes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Hops {
    /// IPv4 unicast: the IPv4 address, else the IPv6 one.
    V4,
    /// IPv6 unicast: the IPv6 address.
    V6,
    /// As `V4`, for other families of prefixes.
    OtherV4,
    /// As `V6`, for other families of prefixes.
    OtherV6,
    /// As `V4`, for own routes only: whoever is the next hop has to know the label.
    OwnV4,
    /// As `V6`, for own routes only.
    OwnV6,
    /// What is there stays, also if it is nothing (RFC 8955 section 4).
    Kept,
}

impl Hops {
    pub(crate) fn of(family: Family) -> Hops {
        match family {
            Family::IPV4_UNICAST => Hops::V4,
            Family::IPV6_UNICAST => Hops::V6,
            Family::IPV4_MULTICAST => Hops::OtherV4,
            Family::IPV6_MULTICAST => Hops::OtherV6,
            Family::IPV6_LABELED | Family::IPV6_VPN => Hops::OwnV6,
            Family::IPV4_FLOWSPEC | Family::IPV4_FLOWSPEC_VPN | Family::IPV6_FLOWSPEC | Family::IPV6_FLOWSPEC_VPN => {
                Hops::Kept
            }
            _ => Hops::OwnV4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Family, Parts, NlriBuf) {
        let nlri: NlriBuf = text.parse().unwrap();
        (nlri.family(), Parts::of(nlri.family(), &NlriRef::Typed(nlri.as_ref())).unwrap(), nlri)
    }

    #[test]
    fn an_nlri_is_its_key_and_what_its_path_says() {
        for text in [
            "10.0.0.0/8 label 100",
            "10.0.0.0/8 label 100/200/300",
            "2001:db8::/32 label 17",
            "rd 64512:1 10.1.0.0/16 label 524288",
            "rd 64512:1 10.1.0.0/16 label 524288/7",
            "flow4 { dst 10.0.0.0/8; proto 6; }",
            "origin 64512 rt:64512:1",
            "[3]:[0]:[32]:[192.0.2.1] rd 64512:1",
        ] {
            let (family, parts, nlri) = parts(text);
            let again = RowNlri::announced(family, &parts.key, &parts.extra).unwrap();
            assert_eq!(again, RowNlri::Typed(nlri), "{text}");
            assert!(RowNlri::withdrawn(family, &parts.key).is_some(), "{text}");
        }
    }

    #[test]
    fn routes_with_one_label_share_what_their_paths_say() {
        let one = parts("rd 64512:1 10.1.0.0/16 label 100").1;
        let two = parts("rd 64513:7 10.2.3.0/24 label 100").1;
        let other = parts("rd 64512:1 10.1.0.0/16 label 101").1;
        assert_eq!((one.extra == two.extra, one.key == two.key), (true, false));
        assert_eq!((one.extra == other.extra, one.key == other.key), (false, true));
    }

    #[test]
    fn rows_are_found_and_come_back() {
        let (mut rows, keyed) = (Rows::default(), Keyed::new(1));
        let one = rows.intern(&keyed, Family::IPV4_VPN, b"ab").unwrap();
        assert_eq!(rows.intern(&keyed, Family::IPV4_VPN, b"ab"), Some(one));
        assert_ne!(rows.intern(&keyed, Family::IPV6_VPN, b"ab"), Some(one));
        assert_eq!((one.family(), one.net()), (Family::IPV4_VPN, None));
        let Dest::Row(row) = one else { unreachable!() };
        assert_eq!(rows.key(row), b"ab");
        rows.release(&keyed, row);
        assert_eq!(rows.find(&keyed, Family::IPV4_VPN, b"ab"), None);
        assert_eq!(rows.intern(&keyed, Family::IPV4_VPN, b"cd"), Some(one));
    }
}
