#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod config;
mod connection;
mod deadlines;
mod event;
mod interval;
mod limit;
mod peer;
mod range;
mod speaker;
mod status;

pub use config::{Config, PeerConfig};
pub use event::{AddPeerError, ConnId, Direction, Event, Refused, UpdatePeerError};
pub use limit::{AttributeLimit, LimitAction, PrefixLimit};
pub use range::Range;
pub use speaker::{Counters, Speaker};
pub use status::{LastError, MessageCounters, PeerStatus};

pub use bgp_fsm::Change;
pub use bgp_rib::{AttrStore, PeerId};
