//! Options of the outer header (RFC 2003 section 3.1, RFC 791 section 3.1).

use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

use super::{datagrams, tunnel};
use crate::header::fragment_field;
use crate::testing::{FAR, NEAR, NOW, datagram, far, inners, near, udp};
use crate::{Config, Fragmentation, OuterOptions, Path, Reason, Reassembly, Ttl, checksum};

fn with(options: &[u8]) -> Config {
    Config { options: OuterOptions::new(options).unwrap(), ..near() }
}

fn sent(config: Config, inner: &[u8]) -> Result<Vec<Vec<u8>>, Reason> {
    let mut buffer = vec![0xaa; config.headroom()];
    buffer.extend(inner);
    tunnel(config).encap(&Path::new(FAR), NOW, &mut buffer).map(|sent| datagrams(&sent)).map_err(|error| error.reason)
}

#[test]
fn rfc2003_3_1_options_of_our_own_go_outside() {
    let inner = datagram(udp(), b"pay");
    let config = with(&[148, 4, 0, 0, 130, 3, 0xab]);
    assert_eq!((config.headroom(), config.tunnel_mtu()), (28, 1472));
    let out = &sent(config, &inner).unwrap()[0];
    assert_eq!((out[0], out.len(), out[2..4] == [0, 51]), (0x47, 28 + inner.len(), true));
    assert_eq!(out[20..28], [148, 4, 0, 0, 130, 3, 0xab, 0]);
    assert_eq!(checksum(&out[..28]), 0);
    assert_eq!(&out[28..], inner);
    let got = far().decap(&mut out.clone()).map(|got| (got.inner.to_vec(), got.offset));
    assert_eq!(got, Ok((inner.clone(), 28)));
    // As headers.
    let mut head = inner.clone();
    let header = tunnel(config).header(&Path::new(FAR), NOW, &mut head, inner.len()).unwrap();
    assert_eq!([&header.octets()[..], header.options()].concat(), out[..28]);
    let error = tunnel(config).encap(&Path::new(FAR), NOW, &mut [0; 27]).unwrap_err();
    assert_eq!((error.reason, error.value), (Reason::NoHeadroom, 27));
}

#[test]
fn rfc2003_5_1_options_take_from_the_mtu() {
    let config = Config { mtu: 576, ..with(&[1; 40]) };
    assert_eq!((config.headroom(), config.tunnel_mtu()), (60, 516));
    let df = crate::header::Header { fragment: fragment_field(true, false, 0), ..udp() };
    assert_eq!(sent(config, &datagram(df, &[0; 496])).unwrap()[0].len(), 576);
    assert_eq!(sent(config, &datagram(df, &[0; 497])), Err(Reason::TooBig));
    let mut tunnel = tunnel(config);
    let inner = datagram(df, &[0; 497]);
    let error = tunnel.header(&Path::new(FAR), NOW, &mut inner.clone(), inner.len()).unwrap_err();
    let mut out = [0; crate::ICMP_MAX_LEN];
    let told = tunnel.icmp_reply(&error, &Path::new(FAR), NOW, &inner, &mut out).unwrap();
    assert_eq!((told[20], told[21], told[26..28] == 516_u16.to_be_bytes()), (3, 4, true));
    let most = Config { mtu: u16::MAX, ..config };
    assert_eq!(sent(most, &datagram(udp(), &[0; 65455])).unwrap()[0].len(), 65535);
    assert_eq!(sent(most, &datagram(udp(), &[0; 65456])), Err(Reason::TooBig));
}

#[test]
fn rfc791_3_1_later_fragments_have_the_copied_options_alone() {
    // Experimental without the copied flag, and router alert with it.
    let config = Config { mtu: 200, ..with(&[30, 4, 7, 7, 148, 4, 0, 0]) };
    let out = sent(config, &datagram(udp(), &[9; 300])).unwrap();
    let options: Vec<&[u8]> = out.iter().map(|packet| &packet[20..usize::from(packet[0] & 15) * 4]).collect();
    assert_eq!(options, [&[30, 4, 7, 7, 148, 4, 0, 0][..], &[148, 4, 0, 0]]);
    assert!(out.iter().all(|packet| packet.len() <= 200));
}

proptest! {
    #[test]
    fn with_any_options_the_exit_gets_what_went_in(
        inner in inners(), words in 0_usize..=10, mtu in 130_u16..1700, inside: bool, df: bool,
    ) {
        let mut config = Config { mtu, ..with(&[[148, 4, 0, 0], [1, 1, 1, 1]].concat().repeat(5)[..words * 4]) };
        config.fragmentation = if inside { Fragmentation::Inner } else { Fragmentation::Outer };
        config.ttl = if df { Ttl::Inherit } else { Ttl::Fixed(7) };
        let Ok(out) = sent(config, &inner) else { return Ok(()) };
        let mut space = vec![0; 3000];
        let mut reassembly = Reassembly::new(&mut space);
        let mut exit = far();
        let mut taken = Vec::new();
        for packet in &out {
            let len = usize::from(packet[0] & 15) * 4;
            prop_assert!(packet.len() <= usize::from(mtu) && checksum(&packet[..len]) == 0);
            prop_assert_eq!(&packet[12..16], &NEAR.octets()[..]);
            match exit.decap(&mut packet.clone()) {
                Ok(got) => taken.push(got.inner.to_vec()),
                Err(error) => {
                    prop_assert_eq!(error.reason, Reason::OuterFragment);
                    if let Some(whole) = exit.reassemble(&mut reassembly, NOW, packet).unwrap() {
                        taken.push(exit.decap(whole).unwrap().inner.to_vec());
                    }
                }
            }
        }
        if out.len() == 1 || !inside {
            prop_assert_eq!(taken, [inner]);
        } else {
            // Fragments of the inner datagram: their payloads in a row.
            let body = |packet: &[u8]| packet[usize::from(packet[0] & 15) * 4..].to_vec();
            prop_assert_eq!(taken.iter().flat_map(|packet| body(packet)).collect::<Vec<u8>>(), body(&inner));
        }
    }
}
