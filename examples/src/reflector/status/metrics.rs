//! The state as metrics, in the text format of Prometheus.

use std::fmt::Write;

use super::document::Document;

/// Metrics of one name: what they mean, and a sample for each set of labels.
#[derive(Debug)]
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, u64)>,
}

impl Document {
    pub(in crate::reflector) fn to_metrics(&self) -> String {
        let mut text = String::new();
        for family in self.families() {
            // A text takes whatever is written to it.
            let _ = family.write(&mut text);
        }
        text
    }

    fn families(&self) -> Vec<Family> {
        let one = |name, kind, help, value| Family { name, kind, help, samples: vec![(Vec::new(), value)] };
        let count = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let peer = |peer: &super::document::Peer| vec![("peer", peer.address.to_string())];
        let of_peers = |name, kind, help, value: &dyn Fn(&super::document::Peer) -> u64| {
            let samples = self.peers.iter().map(|one| (peer(one), value(one))).collect();
            Family { name, kind, help, samples }
        };
        let by = |label: &'static str,
                  name,
                  kind,
                  help,
                  values: &dyn Fn(&super::document::Peer) -> Vec<(&'static str, u64)>| {
            let samples = self.peers.iter().flat_map(|one| {
                values(one)
                    .into_iter()
                    .map(move |(value, count)| ([peer(one), vec![(label, value.to_owned())]].concat(), count))
            });
            Family { name, kind, help, samples: samples.collect() }
        };
        let refused = [
            ("unknown", self.refused.unknown),
            ("not_now", self.refused.not_now),
            ("too_many", self.refused.too_many),
            ("no_resources", self.refused.no_resources),
        ];
        vec![
            one("bgp_uptime_seconds", "gauge", "Seconds since the start.", self.uptime_seconds),
            of_peers("bgp_peer_up", "gauge", "Whether the session is Established.", &|one| {
                one.uptime_seconds.is_some().into()
            }),
            of_peers("bgp_peer_established_total", "counter", "How often the session became Established.", &|one| {
                one.established_count.into()
            }),
            of_peers("bgp_peer_flaps_total", "counter", "How often an Established session ended.", &|one| {
                one.flap_count.into()
            }),
            of_peers("bgp_peer_paths", "gauge", "Paths of the peer that are in use or compete.", &|one| {
                one.paths.into()
            }),
            by("family", "bgp_peer_prefixes", "gauge", "Prefixes of the peer.", &|one| {
                one.prefixes.iter().map(|(name, count)| (*name, u64::from(*count))).collect()
            }),
            by("type", "bgp_peer_messages_received_total", "counter", "Messages that came whole.", &|one| {
                one.messages_received.iter().map(|(name, count)| (*name, *count)).collect()
            }),
            by("type", "bgp_peer_messages_sent_total", "counter", "Messages that were sent.", &|one| {
                one.messages_sent.iter().map(|(name, count)| (*name, *count)).collect()
            }),
            Family {
                name: "bgp_routes",
                kind: "gauge",
                help: "Prefixes with a path in use.",
                samples: self
                    .routes
                    .iter()
                    .map(|(name, n)| (vec![("family", (*name).to_owned())], count(*n)))
                    .collect(),
            },
            one("bgp_messages_received_total", "counter", "Messages of all peers.", self.messages_received),
            one("bgp_octets_received_total", "counter", "Octets of all peers.", self.octets_received),
            one("bgp_connections", "gauge", "TCP connections.", count(self.connections)),
            Family {
                name: "bgp_refused_connections_total",
                kind: "counter",
                help: "Connections that were not taken.",
                samples: refused.map(|(why, count)| (vec![("reason", why.to_owned())], count)).to_vec(),
            },
            one(
                "bgp_attribute_blocks",
                "gauge",
                "Different attribute blocks in use.",
                count(self.memory.attribute_blocks),
            ),
            one(
                "bgp_export_groups",
                "gauge",
                "Groups of peers that are sent the same.",
                count(self.memory.export_groups),
            ),
            one("process_resident_memory_bytes", "gauge", "Octets in memory.", self.memory.resident_octets),
            one("process_open_fds", "gauge", "Open file descriptors.", count(self.memory.descriptors)),
        ]
    }
}

impl Family {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Family { name, kind, help, .. } = self;
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for (labels, value) in &self.samples {
            let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            writeln!(out, "{name}{labels} {value}")?;
        }
        Ok(())
    }
}
