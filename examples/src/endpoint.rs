//! A tunnel endpoint in user space: a TUN device on one side, a raw socket for protocol 4 on the other.
//!
//! [`Settings`] say what it is to do, [`Endpoint::open`] makes the device and the sockets, [`Endpoint::run`] carries
//! datagrams until a signal ends it.
//!
//! What the kernel does to packets of a raw socket with `IP_HDRINCL` (raw(7)): on sending it fills in the header
//! checksum, and the ID where it is 0; it fragments nothing and refuses what is larger than the interface's MTU. On
//! receiving it hands over whole datagrams, fragments are put together before. Datagrams reach this socket beside a
//! tunnel of the kernel's own: `ip link del tunl0` (or `rmmod ipip`) where both would take them.
//!
//! An address check is no authentication: see the security section of the crate `ipip`.

mod engine;
mod offload;
mod peers;
mod routes;
mod settings;
mod sys;

pub use engine::Endpoint;
pub use offload::complete_checksum;
pub use routes::{Routes, RoutesError};
pub use settings::{Arguments, Settings, SettingsError};
