//! What is answered over HTTP: metrics, the state, and why a route is used and sent, or not.

use std::net::IpAddr;

use bgp_rib::{Exported, Outcome, PathRef};
use bgp_speaker::PeerId;
use ipnet::IpNet;
use serde::Serialize;

use super::Reflector;
use crate::reflector::http::Answer;

/// What is made of a prefix.
#[derive(Debug, Serialize)]
struct Explanation {
    prefix: IpNet,
    /// The best first.
    paths: Vec<PathStory>,
    /// What became of them on their way to the peer that was asked for.
    to: Option<Destination>,
}

/// A path in the decision process.
#[derive(Debug, Serialize)]
struct PathStory {
    #[serde(flatten)]
    path: PathText,
    /// `best`, `unreachable`, why it is not eligible, or the step of the decision process that it lost in.
    outcome: String,
    /// Whom it lost against; null for one of our own.
    against: Option<IpAddr>,
}

#[derive(Debug, Serialize)]
struct PathText {
    /// Who sent it; null for one of our own.
    from: Option<IpAddr>,
    path_id: u32,
    next_hop: Option<String>,
    attributes: Option<serde_json::Value>,
    stale: bool,
}

#[derive(Debug, Serialize)]
struct Destination {
    peer: IpAddr,
    paths: Vec<Sent>,
}

/// A path on its way to a peer.
#[derive(Debug, Serialize)]
struct Sent {
    from: Option<IpAddr>,
    path_id: u32,
    sent: bool,
    /// Why it was not.
    because: Option<String>,
}

impl Reflector {
    pub(super) fn answer(&mut self, target: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path {
            "/metrics" => Answer::metrics(self.document().to_metrics()),
            "/status" => Answer::json(self.document().to_json()),
            "/explain" => self.explain(query).unwrap_or_else(|problem| Answer::wrong("400 Bad Request", problem)),
            _ => Answer::wrong("404 Not Found", "there are /metrics, /status and /explain?prefix=PREFIX[&to=PEER]"),
        }
    }

    fn explain(&mut self, query: &str) -> Result<Answer, String> {
        let value = |name: &str| {
            let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
            found
                .map(|(_, value)| value.replace("%2F", "/").replace("%2f", "/").replace("%3A", ":").replace("%3a", ":"))
        };
        let prefix = value("prefix").ok_or("prefix is missing")?;
        let prefix: IpNet = prefix.parse().map_err(|_| format!("{prefix:?} is no prefix"))?;
        let prefix = prefix.trunc();
        let to = match value("to") {
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| format!("{text:?} is no address"))?),
            None => None,
        };
        let explained = self.speaker.rib().explain(&self.store, prefix);
        let paths = explained.into_iter().map(|one| {
            let (outcome, against) = match one.outcome {
                Outcome::Best => ("best".to_owned(), None),
                Outcome::Unreachable => ("unreachable".to_owned(), None),
                Outcome::Lost { step, against } => (format!("lost: {step:?}"), against),
                Outcome::Ineligible(reason) => (format!("not eligible: {reason:?}"), None),
                other => (format!("{other:?}"), None),
            };
            PathStory {
                path: self.text_of(&one.path),
                outcome,
                against: against.and_then(|peer| self.address_of(peer)),
            }
        });
        let paths = paths.collect();
        let to = match to {
            Some(address) => {
                let peer = self.speaker.peer_at(address).ok_or_else(|| format!("there is no peer {address}"))?;
                let exported = self.speaker.explain_export(&mut self.store, peer, prefix);
                let sent = exported.into_iter().map(|(path, exported)| Sent {
                    from: path.peer.and_then(|peer| self.address_of(peer)),
                    path_id: path.path_id.0,
                    sent: matches!(exported, Exported::Sent { .. }),
                    because: match exported {
                        Exported::Withheld(why) => Some(format!("{why:?}")),
                        _ => None,
                    },
                });
                Some(Destination { peer: address, paths: sent.collect() })
            }
            None => None,
        };
        let text =
            serde_json::to_string_pretty(&Explanation { prefix, paths, to }).map_err(|error| error.to_string())?;
        Ok(Answer::json(text + "\n"))
    }

    fn text_of(&self, path: &PathRef) -> PathText {
        PathText {
            from: path.peer.and_then(|peer| self.address_of(peer)),
            path_id: path.path_id.0,
            next_hop: self.store.next_hop(path.attr).map(|next_hop| next_hop.to_string()),
            attributes: self.store.attributes(path.attr).and_then(|all| serde_json::to_value(all).ok()),
            stale: path.stale,
        }
    }

    fn address_of(&self, peer: PeerId) -> Option<IpAddr> {
        self.speaker.peer(peer).map(|peer| peer.config.address)
    }
}
