//! Every capability, community and rare attribute of the corpus' messages: its text is read back, its octets come again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::fmt::{Debug, Display};
use core::str::FromStr;
use std::collections::BTreeMap;

use bgp_wire::attr::aigp::AigpTlv;
use bgp_wire::attr::bgp_ls::LsTlv;
use bgp_wire::attr::pmsi_tunnel::PmsiTunnelBuf;
use bgp_wire::attr::prefix_sid::PrefixSidTlv;
use bgp_wire::attr::tunnel_encapsulation::TunnelBuf;
use bgp_wire::attr::{AttrBuilder, Attributes};
use bgp_wire::capability::Capability;
use bgp_wire::{MessageType, OpenView, UpdateView, message_type};
use conformance::corpus::Corpus;

/// How many values of each kind there were.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    #[track_caller]
    fn text<T: Display + FromStr<Err: Debug> + PartialEq + Debug>(&mut self, kind: &'static str, value: &T) {
        assert_eq!(&value.to_string().parse::<T>().unwrap(), value);
        *self.0.entry(kind).or_default() += 1;
    }

    fn open(&mut self, open: &OpenView<'_>) {
        for view in open.capabilities() {
            let capability = Capability::from(view);
            self.text("capability", &capability);
            assert_eq!(Capability::decode(view.code, &capability.value()), capability);
        }
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        attributes.communities().for_each(|value| self.text("community", &value));
        attributes.ext_communities().for_each(|value| self.text("extended community", &value));
        attributes.ipv6_ext_communities().for_each(|value| self.text("ipv6 extended community", &value));
        attributes.large_communities().for_each(|value| self.text("large community", &value));
        if let Some(tunnel) = attributes.pmsi_tunnel() {
            self.text("pmsi tunnel", &PmsiTunnelBuf::from(tunnel));
        }
        let mut builder = AttrBuilder::empty();
        if let Some(tunnels) = attributes.tunnel_encapsulation() {
            let tunnels: Vec<TunnelBuf> = tunnels.tunnels().map(TunnelBuf::from).collect();
            tunnels.iter().for_each(|tunnel| self.text("tunnel", tunnel));
            builder = builder.tunnel_encapsulation(&tunnels);
        }
        if let Some(aigp) = attributes.aigp() {
            let tlvs: Vec<AigpTlv> = aigp.tlvs().map(AigpTlv::from).collect();
            tlvs.iter().for_each(|tlv| self.text("aigp", tlv));
            builder = builder.aigp(&tlvs);
        }
        if let Some(state) = attributes.bgp_ls() {
            let tlvs: Vec<LsTlv> = state.tlvs().map(LsTlv::from).collect();
            tlvs.iter().for_each(|tlv| self.text("bgp-ls", tlv));
            builder = builder.bgp_ls(&tlvs);
        }
        if let Some(sid) = attributes.prefix_sid() {
            let tlvs: Vec<PrefixSidTlv> = sid.tlvs().map(PrefixSidTlv::from).collect();
            tlvs.iter().for_each(|tlv| self.text("prefix sid", tlv));
            builder = builder.prefix_sid(&tlvs);
        }
        if let Some(set) = attributes.attr_set() {
            *self.0.entry("attr_set").or_default() += 1;
            self.attributes(&set.attributes().unwrap());
        }
        let block = builder.build().unwrap();
        for raw in &Attributes::from_canonical(&block).unwrap() {
            assert_eq!(Some(raw.value), attributes.get(raw.ty).map(|raw| raw.value), "{}", raw.ty);
        }
    }
}

#[test]
fn texts_of_the_corpus_are_read_back() {
    let Some(corpus) = Corpus::for_test("texts_of_the_corpus_are_read_back") else { return };
    let mut seen = Seen::default();
    for message in corpus.messages().unwrap() {
        match message_type(&message.octets) {
            Some(MessageType::OPEN) => {
                if let Ok(open) = OpenView::decode(&message.octets) {
                    seen.open(&open);
                }
            }
            Some(MessageType::UPDATE) => {
                if let Ok(update) = UpdateView::decode(&message.octets, &message.context()) {
                    seen.attributes(update.attributes());
                }
            }
            _ => {}
        }
    }
    println!("{:?}", seen.0);
    for kind in
        ["capability", "community", "extended community", "large community", "pmsi tunnel", "bgp-ls", "prefix sid"]
    {
        assert!(seen.0.contains_key(kind), "no {kind} in the corpus");
    }
}
