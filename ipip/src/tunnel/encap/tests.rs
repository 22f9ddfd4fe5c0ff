//! Encapsulation, by sections of RFC 2003 and of those it leans on.

use core::net::Ipv4Addr;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

use crate::header::{Header, fragment_field};
use crate::testing::{FAR, NEAR, NOW, OTHER, POD, datagram, fix_checksum, inners, near, udp, with_headroom};
use crate::{
    Config, Df, EcnMode, Encapsulated, Error, Fragmentation, HEADROOM, Ident, NoPeers, Path, PeerSet, Reason, Tos, Ttl,
    Tunnel,
};

fn tunnel(config: Config) -> Tunnel<NoPeers> {
    Tunnel::new(config, NoPeers::new())
}

/// What goes out: one or more whole datagrams.
fn datagrams(sent: &Encapsulated<'_>) -> Vec<Vec<u8>> {
    sent.fragments().map(|fragment| [fragment.header(), &sent.inner()[fragment.payload()]].concat()).collect()
}

fn sent(config: Config, inner: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut buffer = with_headroom(inner);
    tunnel(config).encap(&Path::new(FAR), NOW, &mut buffer).map(|sent| datagrams(&sent))
}

fn refused(config: Config, inner: &[u8]) -> (Reason, u16) {
    let mut buffer = with_headroom(inner);
    let mut tunnel = tunnel(config);
    let error = tunnel.encap(&Path::new(FAR), NOW, &mut buffer).unwrap_err();
    assert_eq!(buffer, with_headroom(inner), "a refused datagram stays as it is");
    assert_eq!(tunnel.counters().dropped(error.reason), 1);
    (error.reason, error.offset)
}

#[test]
fn rfc2003_3_1_padding_is_not_carried_and_malformed_is_refused() {
    let inner = datagram(udp(), &[7; 9]);
    let padded = [&inner[..], &[0xdd; 17]].concat();
    assert_eq!(sent(near(), &padded).unwrap()[0][20..], inner);
    let with = |at: usize, octet: u8| {
        let mut octets = inner.clone();
        octets[at] = octet;
        octets
    };
    assert_eq!(refused(near(), &inner[..19]), (Reason::InnerTruncated, 0));
    assert_eq!(refused(near(), &inner[..28]), (Reason::InnerTruncated, 2));
    assert_eq!(refused(near(), &with(0, 0x65)), (Reason::InnerNotIpv4, 0));
    assert_eq!(refused(near(), &with(0, 0x44)), (Reason::InnerBadHeader, 0));
    assert_eq!(refused(near(), &with(0, 0x4f)), (Reason::InnerBadHeader, 2));
    assert_eq!(refused(near(), &with(8, 63)), (Reason::InnerChecksum, 10));
    let mut config = near();
    config.verify_inner_checksum = false;
    assert_eq!(sent(config, &with(8, 63)).unwrap().len(), 1);
    let error = tunnel(near()).encap(&Path::new(FAR), NOW, &mut [0; 19]).unwrap_err();
    assert_eq!(error, Error::octets(Reason::NoHeadroom, 0, 19));
}

#[test]
fn rfc2003_3_1_ttl_rules() {
    let ttl = |ttl, forwarded| {
        let mut config = near();
        (config.forwarded, config.ttl) = (forwarded, Ttl::Inherit);
        sent(config, &datagram(Header { ttl, ..udp() }, &[]))
            .map(|sent| (sent[0][8], sent[0][28]))
            .map_err(|e| e.reason)
    };
    assert_eq!(ttl(0, false), Err(Reason::InnerTtlZero));
    assert_eq!(ttl(1, false), Ok((1, 1)));
    assert_eq!(ttl(0, true), Err(Reason::TtlExceeded));
    assert_eq!(ttl(1, true), Err(Reason::TtlExceeded));
    assert_eq!(ttl(2, true), Ok((1, 1)), "an inherited ttl is the one after the decrement");
}

#[test]
fn rfc2003_3_2_loops() {
    struct Own;
    impl PeerSet for Own {
        fn contains(&self, _: Ipv4Addr) -> bool {
            false
        }
        fn is_own(&self, address: Ipv4Addr) -> bool {
            address == POD
        }
    }
    let mut config = near();
    config.forwarded = true;
    let from = |source| datagram(Header { source, ..udp() }, &[]);
    let to = |destination| datagram(Header { destination, ..udp() }, &[]);
    assert_eq!(refused(config, &from(NEAR)), (Reason::Loop, 12));
    assert_eq!(refused(config, &from(FAR)), (Reason::Loop, 12));
    assert_eq!(refused(config, &to(FAR)), (Reason::Loop, 16));
    let mut own = Tunnel::new(config, Own);
    let error = own.encap(&Path::new(FAR), NOW, &mut with_headroom(&from(POD))).unwrap_err();
    assert_eq!((error.reason, error.value), (Reason::Loop, POD.to_bits()));
    // The source rules are about forwarding; what we send ourselves has our address.
    assert!(sent(near(), &from(NEAR)).is_ok());
    assert_eq!(refused(near(), &to(FAR)), (Reason::Loop, 16));
    let error = tunnel(near()).encap(&Path::new(NEAR), NOW, &mut with_headroom(&from(POD))).unwrap_err();
    assert_eq!(error.reason, Reason::Loop, "the exit is ourselves");
}

#[test]
fn rfc2003_5_1_path_mtu_and_df() {
    let mut config = near();
    config.mtu = 576;
    let df = Header { fragment: fragment_field(true, false, 0), ..udp() };
    assert_eq!(sent(config, &datagram(df, &[0; 536])).unwrap().len(), 1);
    assert_eq!(refused(config, &datagram(df, &[0; 537])), (Reason::TooBig, 2));
    config.df = Df::Never;
    assert_eq!(
        refused(config, &datagram(df, &[0; 537])),
        (Reason::TooBig, 2),
        "inner df forbids fragments all the same"
    );
    config.df = Df::Always;
    assert_eq!(refused(config, &datagram(udp(), &[0; 537])), (Reason::TooBig, 2));
    config.df = Df::Inherit;
    config.fragmentation = Fragmentation::Refuse;
    assert_eq!(refused(config, &datagram(udp(), &[0; 537])), (Reason::TooBig, 2));
    config.fragmentation = Fragmentation::Outer;
    assert_eq!(sent(config, &datagram(udp(), &[0; 537])).unwrap().len(), 2);
    config.mtu = 27;
    assert_eq!(refused(config, &datagram(udp(), &[])), (Reason::TooBig, 2), "no room for 8 octets");
}

#[test]
fn rfc2003_3_1_total_length_never_wraps() {
    let mut config = near();
    config.mtu = u16::MAX;
    assert_eq!(sent(config, &datagram(udp(), &[0; 65495])).unwrap()[0].len(), 65535);
    assert_eq!(refused(config, &datagram(udp(), &[0; 65496])), (Reason::TooBig, 2));
    config.fragmentation = Fragmentation::Inner;
    assert_eq!(sent(config, &datagram(udp(), &[0; 65515])).unwrap().len(), 2);
}

#[test]
fn rfc6864_4_ids_are_zero_with_df_and_counted_without() {
    let mut config = near();
    config.ident = 0xffff;
    let mut tunnel = tunnel(config);
    let mut id = |df| {
        let inner = datagram(Header { ident: 77, fragment: fragment_field(df, false, 0), ..udp() }, &[]);
        let mut buffer = with_headroom(&inner);
        let octets = tunnel.encap(&Path::new(FAR), NOW, &mut buffer).unwrap().octets();
        Header::read(octets).unwrap().ident
    };
    assert_eq!([id(false), id(true), id(false), id(true), id(false)], [0xffff, 0, 0, 0, 1]);
}

#[test]
fn rfc4459_3_4_inner_fragments_take_an_id_each() {
    let mut config = near();
    (config.mtu, config.fragmentation) = (100, Fragmentation::Inner);
    let mut tunnel = tunnel(config).with_ident(Ident::new(10));
    let mut ids = || {
        let mut buffer = with_headroom(&datagram(udp(), &[1; 100]));
        let sent = datagrams(&tunnel.encap(&Path::new(FAR), NOW, &mut buffer).unwrap());
        sent.iter().map(|octets| Header::read(octets).unwrap().ident).collect::<Vec<_>>()
    };
    assert_eq!((ids(), ids()), (std::vec![10, 11], std::vec![12, 13]));
}

#[test]
fn rfc791_3_2_an_inner_fragment_beyond_65535_octets_is_not_fragmented_again() {
    let mut config = near();
    (config.mtu, config.fragmentation) = (100, Fragmentation::Inner);
    let inner = datagram(Header { fragment: 0x1fff, ..udp() }, &[0; 100]);
    assert_eq!(refused(config, &inner), (Reason::InnerBadHeader, 6));
}

/// Puts fragments together: the payload and whether it is complete.
fn reassemble(fragments: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (index, octets) in fragments.iter().enumerate() {
        let header = Header::read(octets).unwrap();
        assert_eq!(crate::checksum(&octets[..header.len()]), 0);
        assert_eq!(header.total(), octets.len());
        assert_eq!(usize::from(header.offset()) * 8, payload.len());
        assert_eq!(header.more_fragments(), index + 1 < fragments.len());
        payload.extend(&octets[header.len()..]);
    }
    payload
}

prop_compose! {
    fn configs()(
        ttl in proptest::option::of(any::<u8>()), tos in proptest::option::of(any::<u8>()),
        ecn in prop::sample::select(&[EcnMode::Normal, EcnMode::Compat, EcnMode::Rfc3168][..]),
        df in prop::sample::select(&[Df::Inherit, Df::Always, Df::Never][..]),
        mtu in prop::sample::select(&[0, 20, 39, 40, 68, 576, 1500, u16::MAX][..]),
        ident: u16, forwarded: bool, verify_inner_checksum: bool, max_nesting in 0_u8..3,
    ) -> Config {
        let ttl = ttl.map_or(Ttl::Inherit, Ttl::Fixed);
        let tos = tos.map_or(Tos::Inherit, Tos::Fixed);
        Config { ttl, tos, ecn, df, mtu, ident, forwarded, verify_inner_checksum, max_nesting, ..near() }
    }
}

proptest! {
    #[test]
    fn rfc2003_3_1_outer_header_and_untouched_inner(inner in inners()) {
        let mut config = near();
        config.mtu = u16::MAX;
        let outer = &sent(config, &inner).unwrap()[0];
        let header = Header::read(outer).unwrap();
        prop_assert_eq!(&outer[HEADROOM..], &inner[..]);
        prop_assert_eq!((outer[0], header.protocol, header.ttl), (0x45, 4, 64));
        prop_assert_eq!((header.source, header.destination), (NEAR, FAR));
        prop_assert_eq!((header.total(), crate::checksum(&outer[..20])), (outer.len(), 0));
        prop_assert_eq!(header.is_fragment(), false);
        prop_assert_eq!(header.dont_fragment(), Header::read(&inner).unwrap().dont_fragment());
    }

    #[test]
    fn rfc791_3_2_outer_fragments_reassemble(mut inner in inners(), mtu in 28_u16..1500) {
        inner[6] &= 0x3f;
        fix_checksum(&mut inner);
        let mut config = near();
        config.mtu = mtu;
        let sent = sent(config, &inner).unwrap();
        prop_assert!(sent.iter().all(|octets| octets.len() <= usize::from(mtu)));
        prop_assert_eq!(reassemble(&sent), inner);
    }

    #[test]
    fn rfc4459_3_4_inner_fragments_reassemble(mut inner in inners(), mtu in 88_u16..1500) {
        (inner[6], inner[7]) = (0, 0);
        fix_checksum(&mut inner);
        let mut config = near();
        (config.mtu, config.df, config.fragmentation) = (mtu, Df::Always, Fragmentation::Inner);
        let sent = sent(config, &inner).unwrap();
        prop_assert!(sent.iter().all(|octets| octets.len() <= usize::from(mtu)));
        prop_assert!(sent.iter().all(|octets| Header::read(octets).unwrap().dont_fragment()));
        let inside = sent.iter().map(|octets| octets[20..].to_vec()).collect::<Vec<_>>();
        let len = Header::read(&inner).unwrap().len();
        prop_assert_eq!(&inside[0][1..2], &inner[1..2]);
        prop_assert_eq!(reassemble(&inside), &inner[len..]);
    }

    #[test]
    fn the_short_way_is_the_long_way(
        inner in inners(), config in configs(), change in any::<prop::sample::Index>(), to: u8, fix: bool, cut in 0_usize..3,
        learned in proptest::option::of(68_u16..2000),
    ) {
        let mut buffer = with_headroom(&inner);
        let at = change.index(24);
        buffer[HEADROOM + at.min(inner.len() - 1)] = to;
        if fix && buffer[HEADROOM] >> 4 == 4 && usize::from(buffer[HEADROOM] & 15) * 4 <= inner.len() {
            fix_checksum(&mut buffer[HEADROOM..]);
        }
        buffer.truncate(buffer.len() - cut);
        let mut path = Path::new(FAR);
        if let Some(mtu) = learned {
            path.learn_mtu(&config, NOW, mtu);
        }
        let (mut short, mut long, mut batch) = (tunnel(config), tunnel(config), tunnel(config));
        let (mut one, mut other, mut third) = (buffer.clone(), buffer.clone(), buffer);
        let expected = long.encap_in_detail(&path, NOW, &mut other);
        prop_assert_eq!(&short.encap(&path, NOW, &mut one), &expected);
        batch.encap_each(&path, NOW, [third.as_mut_slice()], |result| assert_eq!(result, expected));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!((short.counters(), batch.counters()), (long.counters(), long.counters()));
        prop_assert_eq!((short.ident, batch.ident), (long.ident, long.ident));
    }

    #[test]
    fn never_panics_and_refuses_without_a_trace(
        octets in proptest::collection::vec(any::<u8>(), 0..120), start in 0x40_u8..0x50, mtu: u16, forwarded: bool,
        fragmentation in prop::sample::select(&[Fragmentation::Outer, Fragmentation::Inner][..]),
    ) {
        let mut octets = octets;
        if let Some(first) = octets.get_mut(HEADROOM) {
            *first = start;
        }
        let mut config = near();
        (config.mtu, config.forwarded, config.fragmentation) = (mtu, forwarded, fragmentation);
        config.verify_inner_checksum = false;
        let mut buffer = octets.clone();
        match tunnel(config).encap(&Path::new(FAR), NOW, &mut buffer).map(|sent| datagrams(&sent).len()) {
            Ok(count) => prop_assert!(count > 0),
            Err(_) => prop_assert_eq!(buffer, octets),
        }
    }
}

#[test]
fn rfc2473_4_1_1_nesting_is_bounded() {
    let mut config = near();
    let nested = datagram(Header { protocol: 4, ..udp() }, &datagram(udp(), &[]));
    assert_eq!(refused(config, &nested), (Reason::Nesting, 9));
    config.max_nesting = 1;
    assert!(sent(config, &nested).is_ok());
    assert_eq!(Header::read(&nested).unwrap().destination, OTHER);
}

#[test]
fn rfc791_3_2_fragments_of_an_inner_fragment_keep_its_place_and_its_copied_options() {
    let mut config = near();
    (config.mtu, config.fragmentation) = (20 + 28 + 16, Fragmentation::Inner);
    // Options: no operation, then a security option (130, copied) of 3 octets and padding.
    let options = [1, 130, 3, 9, 0, 0, 0, 0];
    let mut inner = datagram(
        Header { fragment: fragment_field(false, true, 5), ident: 99, ..udp() },
        &[&options[..], &[7; 40]].concat(),
    );
    inner[0] = 0x47;
    fix_checksum(&mut inner);
    let sent = sent(config, &inner).unwrap();
    let fields = sent.iter().map(|octets| {
        let header = Header::read(&octets[20..]).unwrap();
        assert_eq!(crate::checksum(&octets[20..20 + header.len()]), 0);
        assert_eq!((header.total(), header.ident, header.ttl), (octets.len() - 20, 99, 64));
        (header.len(), header.offset(), header.more_fragments(), header.total() - header.len())
    });
    assert_eq!(fields.collect::<Vec<_>>(), [(28, 5, true, 16), (24, 7, true, 16), (24, 9, true, 8)]);
    assert_eq!(sent[0][40..48], options);
    assert_eq!(sent[1][40..44], [130, 3, 9, 0]);
    let mut last = inner.clone();
    last[6] = 0;
    fix_checksum(&mut last);
    let sent = self::sent(config, &last).unwrap();
    let more = sent.iter().map(|octets| Header::read(&octets[20..]).unwrap().more_fragments());
    assert_eq!(more.collect::<Vec<_>>(), [true, true, false]);
}

proptest! {
    /// The short way and the long way say the same of any datagram, under any configuration.
    #[test]
    fn rfc2003_3_1_the_short_way_is_the_long_way(
        mut inner in inners(), modes in prop::array::uniform5(0_u8..3), forwarded: bool, verify: bool, change: Option<(prop::sample::Index, u8)>,
        sum in prop::option::of(0xff00_u16..), addresses in prop::array::uniform2(0_u8..4), mtu in 60_u16..3000,
    ) {
        let [ecn, df, ttl, tos, options] = modes;
        if options > 0 {
            // Most datagrams have none.
            inner[0] = 0x45;
        }
        for (at, pick) in [(12, addresses[0]), (16, addresses[1])] {
            let address = match pick {
                0 => NEAR,
                1 => FAR,
                _ => continue,
            };
            inner[at..at + 4].copy_from_slice(&address.octets());
        }
        fix_checksum(&mut inner);
        if let Some((at, octet)) = change {
            let at = at.index(20);
            inner[at] = octet;
        }
        if let Some(sum) = sum {
            inner[10..12].copy_from_slice(&sum.rotate_left(8 * u32::from(options)).to_be_bytes());
            if let Some(id) = inner[4..6].first_chunk_mut::<2>() {
                // The field that makes this checksum right.
                *id = [0, 0];
                let right = crate::checksum(&inner[..20]);
                inner[4..6].copy_from_slice(&right.to_be_bytes());
            }
        }
        let mut config = Config::new(NEAR, [EcnMode::Normal, EcnMode::Compat, EcnMode::Rfc3168][usize::from(ecn)]);
        config.df = [Df::Inherit, Df::Always, Df::Never][usize::from(df)];
        config.ttl = if ttl == 0 { Ttl::Inherit } else { Ttl::Fixed(64) };
        config.tos = if tos == 0 { Tos::Fixed(0x48) } else { Tos::Inherit };
        (config.forwarded, config.verify_inner_checksum, config.mtu) = (forwarded, verify, mtu);
        let path = Path::new(FAR);
        let (mut short, mut long) = (with_headroom(&inner), with_headroom(&inner));
        let quick = tunnel(config).encap(&path, NOW, &mut short).map(|sent| datagrams(&sent));
        let thorough = tunnel(config).encap_in_detail(&path, NOW, &mut long).map(|sent| datagrams(&sent));
        prop_assert_eq!(quick, thorough);
        prop_assert_eq!(short, long);
    }
}

#[test]
fn what_is_prepared_for_one_exit_is_used_for_no_other() {
    let mut learned = Path::new(FAR);
    learned.learn_mtu(&near(), NOW, 1400);
    let other = Ipv4Addr::new(198, 51, 100, 9);
    let mut other_learned = Path::new(other);
    other_learned.learn_mtu(&near(), NOW, 1300);
    let paths = [
        Path::new(Ipv4Addr::UNSPECIFIED),
        Path::new(FAR),
        learned,
        Path::new(Ipv4Addr::BROADCAST),
        Path::new(other),
        other_learned,
    ];
    for first in paths {
        for second in paths {
            let mut tunnel = tunnel(near());
            for path in [first, second] {
                let len = usize::from(path.tunnel_mtu(&near(), NOW));
                let inner = datagram(Header { fragment: fragment_field(true, false, 0), ..udp() }, &vec![0; len - 20]);
                let mut buffer = with_headroom(&inner);
                let sent = tunnel.encap(&path, NOW, &mut buffer).unwrap();
                assert_eq!(sent.octets()[16..20], path.remote().octets());
                let beyond = datagram(Header { fragment: fragment_field(true, false, 0), ..udp() }, &vec![0; len - 19]);
                let error = tunnel.encap(&path, NOW, &mut with_headroom(&beyond)).unwrap_err();
                assert_eq!(error.reason, Reason::TooBig);
            }
        }
    }
}

mod options;
