//! `rib.jsonl`: announcements in, best paths and Adj-RIB-Out out.
//!
//! A step's routes are encoded as the peer would, decoded in the session's context and given to the Rib; what is
//! advertised is what a peer knows after decoding every octet that was pulled for it.

mod attrs;
mod setup;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bgp_rib::{AttrStore, PeerId, Rib};
use bgp_wire::attr::{AttrBuilder, NextHop, Origin};
use bgp_wire::nlri::PathNlri;
use bgp_wire::{Action, Context, Family, FamilySet, MAX_LEN, Packer, PathId, UpdateView, frame};
use bytes::BytesMut;
use ipnet::IpNet;
use serde_json::Value;

use crate::{Fields, Mismatch};

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if let Err(mismatch) = play(case, &mut found) {
        found.push(mismatch);
    }
    found
}

/// The Rib of a case and its peers.
struct Bench {
    rib: Rib,
    store: AttrStore,
    peers: BTreeMap<String, Peer>,
}

/// One peer: how both ends see the session, and what it has been sent.
struct Peer {
    id: PeerId,
    context: Context,
    up: bool,
    /// By prefix, and by path identifier where the session has them.
    table: BTreeMap<(IpNet, Option<PathId>), Value>,
}

fn play(case: &Value, found: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
    let fields = Fields::new("", case)?;
    fields.ignore(&["id", "rfc", "section", "title", "why", "note", "from", "verified", "known_differences"]);
    let (rib, igp) = setup::dut(fields.need("dut")?, found)?;
    let mut bench = Bench { rib, store: AttrStore::new(1), peers: BTreeMap::new() };
    igp.apply(&mut bench.rib);
    for (index, peer) in fields.list("peers")?.unwrap_or_default().iter().enumerate() {
        let (name, config, context, router_id) = setup::peer(format!("peers[{index}]"), peer, &bench.rib, found)?;
        let full = |error| Mismatch::new("peers", "a peer more", error);
        let id = bench.rib.add_peer(config).map_err(full)?;
        bench.rib.peer_up(&mut bench.store, id, &context, router_id);
        bench.peers.insert(name, Peer { id, context, up: true, table: BTreeMap::new() });
    }
    bench.settle()?;
    for (index, step) in fields.list("steps")?.unwrap_or_default().iter().enumerate() {
        bench.step(&format!("steps[{index}]"), step, found)?;
        bench.settle()?;
    }
    bench.expect(fields.need("expect")?, found)?;
    found.extend(fields.unread());
    Ok(())
}

impl Bench {
    fn step(&mut self, path: &str, step: &Value, found: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
        let fields = Fields::new(path, step)?;
        let op = fields.text("op")?.unwrap_or_default();
        match op {
            "announce" => {
                let prefix = prefix(fields.path("prefix"), fields.need("prefix")?)?;
                let (block, next_hop) = attrs::parse(fields.path("attrs"), fields.need("attrs")?, found)?;
                let peer = self.peer(&fields)?;
                let mut out = BytesMut::new();
                let packed = peer_packer(peer).announce(&mut out, &block, next_hop, family(prefix), [nlri(prefix)]);
                packed.map_err(|error| Mismatch::new(fields.path("attrs"), "a route that can be sent", error))?;
                self.receive(path, &fields, &out)?;
            }
            "withdraw" => {
                let prefix = prefix(fields.path("prefix"), fields.need("prefix")?)?;
                let peer = self.peer(&fields)?;
                let mut out = BytesMut::new();
                let packed = peer_packer(peer).withdraw(&mut out, family(prefix), [nlri(prefix)]);
                packed.map_err(|error| Mismatch::new(fields.path("prefix"), "a prefix that can be sent", error))?;
                self.receive(path, &fields, &out)?;
            }
            "originate" => {
                let prefix = prefix(fields.path("prefix"), fields.need("prefix")?)?;
                let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).build();
                let block = block.map_err(|error| Mismatch::new(path, "an attribute block", error))?;
                let done = self.rib.originate(&mut self.store, prefix, &block, None);
                done.map_err(|error| Mismatch::new(path, "a local route", error))?;
            }
            "down" => {
                let id = self.peer(&fields)?.id;
                self.rib.peer_down(&mut self.store, id);
                for peer in self.peers.values_mut().filter(|peer| peer.id == id) {
                    peer.up = false;
                    peer.table.clear();
                }
            }
            "igp" => setup::Igp::costs(fields.path("cost"), fields.need("cost")?)?.apply(&mut self.rib),
            "unreachable" => {
                setup::Igp::unreachable(fields.path("next_hops"), fields.need("next_hops")?)?.apply(&mut self.rib);
            }
            other => found.push(Mismatch::new(fields.path("op"), "a known operation", other)),
        }
        found.extend(fields.unread());
        Ok(())
    }

    /// Gives the octets of the step's peer to the Rib.
    fn receive(&mut self, path: &str, fields: &Fields<'_>, octets: &[u8]) -> Result<(), Mismatch> {
        let peer = self.peer(fields)?;
        let (id, context) = (peer.id, peer.context);
        for message in messages(path, octets)? {
            let update =
                UpdateView::decode(message, &context).map_err(|error| Mismatch::new(path, "an UPDATE", error))?;
            self.rib.update(&mut self.store, id, &update);
        }
        Ok(())
    }

    /// Lets the Rib work until it is done, and every peer read what it is sent.
    fn settle(&mut self) -> Result<(), Mismatch> {
        while self.rib.process(&mut self.store, 1000) {}
        while let Some(id) = self.rib.poll_ready() {
            while let Some(octets) = self.rib.pull(&mut self.store, id) {
                for (name, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.id == id) {
                    let path = format!("sent to {name}");
                    for message in messages(&path, &octets)? {
                        peer.learn(&path, message)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn expect(&self, expect: &Value, found: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
        let fields = Fields::new("expect", expect)?;
        if let Some(best) = fields.take("best") {
            for (text, want) in entries("expect.best", best)? {
                let key = format!("expect.best.{text}");
                let prefix = prefix(key.clone(), &Value::from(text))?;
                let got = self.rib.best(&self.store, prefix).map_or(Value::Null, |best| self.name(best.peer).into());
                if *want != got {
                    found.push(Mismatch::new(key, want, got));
                }
            }
        }
        let mut optional = BTreeSet::new();
        for (index, pair) in fields.list("optional")?.unwrap_or_default().iter().enumerate() {
            let path = format!("expect.optional[{index}]");
            match pair.as_array().map(Vec::as_slice) {
                Some([Value::String(peer), to]) => optional.insert((peer.clone(), prefix(path, to)?)),
                _ => return Err(Mismatch::malformed(path, "[peer, prefix]", pair)),
            };
        }
        if let Some(advertised) = fields.take("advertised") {
            for (name, want) in entries("expect.advertised", advertised)? {
                self.expect_peer(name, want, &optional, found)?;
            }
        }
        found.extend(fields.unread());
        Ok(())
    }

    fn expect_peer(
        &self,
        name: &str,
        want: &Value,
        optional: &BTreeSet<(String, IpNet)>,
        found: &mut Vec<Mismatch>,
    ) -> Result<(), Mismatch> {
        let path = format!("expect.advertised.{name}");
        let Some(peer) = self.peers.get(name) else { return Err(Mismatch::new(path, "a peer", "none of that name")) };
        let mut wanted = BTreeMap::new();
        for (text, attributes) in entries(&path, want)? {
            let key = format!("{path}.{text}");
            let prefix = prefix(key.clone(), &Value::from(text))?;
            let paths = match attributes {
                Value::Null => &[],
                Value::Array(paths) if peer.has_paths() => paths.as_slice(),
                one => core::slice::from_ref(one),
            };
            let paths = paths.iter().map(|path| attrs::normal(&key, path, found)).collect::<Result<Vec<_>, _>>()?;
            wanted.insert(prefix, paths);
        }
        let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((prefix, _), attributes) in &peer.table {
            held.entry(*prefix).or_default().push(attributes.clone());
        }
        let prefixes: BTreeSet<_> = wanted.keys().chain(held.keys()).collect();
        for prefix in prefixes {
            // Paths of a prefix have no order; attributes as text have one.
            let [want, got] = [&wanted, &held].map(|table| {
                let mut paths = table.get(prefix).cloned().unwrap_or_default();
                paths.sort_by_cached_key(Value::to_string);
                paths
            });
            if want == got || got.is_empty() && optional.contains(&(name.to_owned(), *prefix)) {
                continue;
            }
            let [want, got] = [want, got].map(|paths| peer.shown(paths));
            found.push(Mismatch::new(format!("{path}.{prefix}"), want, got));
        }
        Ok(())
    }

    fn peer(&self, fields: &Fields<'_>) -> Result<&Peer, Mismatch> {
        let name = fields.text("peer")?.unwrap_or_default();
        let peer = self.peers.get(name).filter(|peer| peer.up);
        peer.ok_or_else(|| Mismatch::new(fields.path("peer"), "a peer that is up", name))
    }

    fn name(&self, id: Option<PeerId>) -> String {
        let Some(id) = id else { return "local".to_owned() };
        self.peers.iter().find(|(_, peer)| peer.id == id).map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }
}

impl Peer {
    /// Whether it is sent several paths of a prefix.
    fn has_paths(&self) -> bool {
        self.context.add_path_send() != FamilySet::EMPTY
    }

    /// The paths of a prefix as a case has them.
    fn shown(&self, mut paths: Vec<Value>) -> Value {
        if self.has_paths() { Value::Array(paths) } else { paths.pop().unwrap_or_default() }
    }

    /// The session as the peer sees it.
    fn mirror(&self) -> Context {
        let (receive, send) = (self.context.add_path_receive(), self.context.add_path_send());
        self.context.with_add_path_receive(send).with_add_path_send(receive)
    }

    /// What the peer makes of one message.
    fn learn(&mut self, path: &str, message: &[u8]) -> Result<(), Mismatch> {
        let wrong = |error| Mismatch::new(path, "an UPDATE without fault", error);
        let update = UpdateView::decode(message, &self.mirror()).map_err(wrong)?;
        if update.verdict().action != Action::Accept {
            let reasons: Vec<_> = update.reasons().map(|error| error.to_string()).collect();
            return Err(Mismatch::new(path, "an UPDATE without fault", reasons.join(", ")));
        }
        let key = |path: PathNlri<'_>| Some((path.nlri.prefix()?, path.path_id));
        for path in update.withdrawn().flat_map(|section| section.nlri).filter_map(key) {
            self.table.remove(&path);
        }
        for section in update.announced() {
            let attributes = attrs::show(update.attributes(), section.next_hop);
            for path in section.nlri.filter_map(key) {
                self.table.insert(path, attributes.clone());
            }
        }
        Ok(())
    }
}

/// The peer's own packer: it sends what we receive.
fn peer_packer(peer: &Peer) -> Packer {
    Packer::new(&peer.mirror())
}

fn messages<'m>(path: &str, mut octets: &'m [u8]) -> Result<Vec<&'m [u8]>, Mismatch> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        let cut = frame(octets, MAX_LEN).map_err(|error| Mismatch::new(path, "whole messages", error))?;
        let Some((message, rest)) = cut else { return Err(Mismatch::new(path, "whole messages", "a part of one")) };
        all.push(message);
        octets = rest;
    }
    Ok(all)
}

/// The members of an object whose keys are data.
fn entries<'v>(path: &str, value: &'v Value) -> Result<impl Iterator<Item = (&'v str, &'v Value)>, Mismatch> {
    let map = value.as_object().ok_or_else(|| Mismatch::malformed(path, "an object", value))?;
    Ok(map.iter().map(|(key, value)| (key.as_str(), value)))
}

fn prefix(path: String, value: &Value) -> Result<IpNet, Mismatch> {
    let parsed = value.as_str().and_then(|text| text.parse::<IpNet>().ok());
    parsed.filter(|prefix| prefix.trunc() == *prefix).ok_or_else(|| Mismatch::malformed(path, "a prefix", value))
}

fn family(prefix: IpNet) -> Family {
    if prefix.addr().is_ipv4() { Family::IPV4_UNICAST } else { Family::IPV6_UNICAST }
}

fn nlri(prefix: IpNet) -> PathNlri<'static> {
    prefix.into()
}

fn next_hop(addr: IpAddr) -> NextHop {
    match addr {
        IpAddr::V4(addr) => NextHop::V4(addr),
        IpAddr::V6(addr) => NextHop::V6(addr),
    }
}

#[cfg(test)]
mod tests;
