#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
// `derive(Arbitrary)` writes `std`.
#[cfg(any(feature = "std", feature = "arbitrary"))]
extern crate std;

// What every message stands on.
mod context;
#[cfg(any(feature = "mrt", feature = "bmp"))]
mod cursor;
mod error;
mod family;
mod frame;
#[cfg(feature = "serde")]
mod hex;
mod iana;
mod next_hop;
mod parse;
mod reader;
mod registry;

// Messages.
pub mod capability;
mod message;
mod notification;
mod open;
mod route_refresh;

// UPDATE.
pub mod attr;
pub mod community;
pub mod nlri;
#[cfg(feature = "alloc")]
mod pack;
mod prefix;
#[cfg(feature = "alloc")]
mod rewrite;
mod update;

// Formats around messages.
#[cfg(feature = "bmp")]
pub mod bmp;
#[cfg(feature = "mrt")]
pub mod mrt;

pub use capability::params::Params;
pub use context::{Context, SessionKind};
pub use error::{Action, AttrProblem, EncodeError, Error, ErrorKind};
pub use family::{Families, Family, FamilySet};
pub use frame::{HEADER_LEN, MAX_LEN, MAX_LEN_EXTENDED, frame, message_type};
pub use iana::{
    Afi, Asn, AttrFlags, AttrType, BgpId, CapabilityCode, ClusterId, MessageType, NotificationCode, PathId, Safi,
};
pub use message::{KEEPALIVE, Message};
#[cfg(feature = "alloc")]
pub use notification::NotificationBuf;
pub use notification::{Notification, ShutdownCommunication};
#[cfg(feature = "alloc")]
pub use open::Open;
pub use open::{Capabilities, OpenView};
#[cfg(feature = "alloc")]
pub use pack::{PackError, Packer};
pub use parse::ParseError;
#[cfg(feature = "alloc")]
pub use rewrite::{AsPathEdit, ClusterListEdit, Edit, Rewrite, Rewriter, rewrite};
pub use route_refresh::filters::{
    FilterGroup, FilterGroups, FilterKind, OutboundFilters, PrefixFilter, PrefixFilters, PrefixRule, RefreshWhen,
};
pub use route_refresh::{RefreshSubtype, RouteRefresh};
pub use update::{Announced, Announcements, Reasons, UpdateView, Verdict, Withdrawals, Withdrawn};
#[cfg(feature = "alloc")]
pub use update::{Nlri, Reachable, Unreachable, Update, UpdateBuf};
