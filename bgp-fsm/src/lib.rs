#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod cease;
mod collision;
mod config;
mod counters;
mod down;
mod event;
mod instant;
mod negotiated;
mod restart;
mod session;
mod state;
mod timer;
mod transport;

pub use cease::Cease;
pub use collision::{Survivor, resolve};
pub use config::{Change, Confederation, Config, PeerAs};
pub use counters::Counters;
pub use down::{Cause, Down};
pub use event::{Event, Received, SessionEvent, TcpAction};
pub use instant::Instant;
pub use negotiated::Negotiated;
pub use restart::{Expired, Restart};
pub use session::Session;
pub use state::State;
pub use timer::{Jitter, Timer, Timers};
pub use transport::{Secret, TcpAo, Transport};
