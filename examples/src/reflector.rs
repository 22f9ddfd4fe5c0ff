//! A route reflector on real TCP: one thread, one epoll, the speaker behind it.
//!
//! [`Settings`] say what it is to do, [`Reflector::bind`] opens the listening sockets, [`Reflector::run`] serves until a
//! signal ends it. The parts below it are one thing each: sockets and their options, the table of connections,
//! what the operator is shown.
//!
//! What the file of `--config` may say:
//!
//! ```toml
#![doc = include_str!("reflector/settings/example.toml")]
//! ```

mod engine;
mod http;
mod line;
mod mrt;
mod options;
mod poller;
mod settings;
mod socket;
mod status;
mod status_socket;

pub use engine::{Failure, Reflector};
pub use settings::{Arguments, PeerSettings, RangeSettings, Settings, SettingsError};
