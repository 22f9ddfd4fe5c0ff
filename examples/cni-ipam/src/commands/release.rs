//! `release` and `release-by-handle`.

use std::net::IpAddr;

use clap::Args;
use ippool::block::ReleaseItem;
use ippool::op::{self, HandleError, ReleaseIpsError};
use serde_json::json;

use super::{Context, Failure};
use crate::driver::now;

/// Addresses to release; exit code 1 if one of them was not allocated.
#[derive(Debug, Args)]
pub struct Release {
    /// The addresses.
    #[arg(required = true)]
    addresses: Vec<IpAddr>,
    /// Only if they have this handle.
    #[arg(long)]
    handle: Option<String>,
    /// Only if they have this sequence number.
    #[arg(long)]
    sequence: Option<u64>,
}

/// A handle whose addresses are released; exit code 1 if there is none.
#[derive(Debug, Args)]
pub struct ReleaseByHandle {
    /// The handle.
    handle: String,
}

impl Release {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let item = |address: &IpAddr| {
            let mut item = ReleaseItem::new(*address);
            (item.handle, item.sequence) = (self.handle.clone(), self.sequence);
            item
        };
        let items: Vec<ReleaseItem> = self.addresses.iter().map(item).collect();
        let resources = context.resources.clone();
        let released = context.drive(op::release_ips(&items, &resources, now()));
        let ok = released.ok.iter().map(|item| item.address);
        let done: Vec<IpAddr> = ok.filter(|address| !released.not_allocated.contains(address)).collect();
        let mut text: String = done.iter().map(|address| format!("released {address}\n")).collect();
        text.extend(released.not_allocated.iter().map(|address| format!("not allocated {address}\n")));
        let error = released.error.as_ref().map(ToString::to_string);
        let json = json!({ "released": done, "notAllocated": released.not_allocated, "error": error });
        context.options.print(context.out, &text, &json)?;
        match released.error {
            Some(ReleaseIpsError::Store(error)) => Err(context.store(&error)),
            Some(error) => Err(Failure::Refused(error.to_string())),
            None => Ok(released.not_allocated.is_empty()),
        }
    }
}

impl ReleaseByHandle {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let resources = context.resources.clone();
        match context.drive(op::release_by_handle(&self.handle, &resources, now())) {
            Ok(()) => {
                let json = json!({ "handle": self.handle });
                context.options.print(context.out, &format!("released {}\n", self.handle), &json)?;
                Ok(true)
            }
            Err(HandleError::Store(error)) => Err(context.store(&error)),
            Err(error) => Err(Failure::Refused(error.to_string())),
        }
    }
}
