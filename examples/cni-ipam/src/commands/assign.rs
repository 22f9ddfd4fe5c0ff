//! `assign`: addresses for a node.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use ippool::op::{self, AssignIp, AssignIpError, Assigned, AutoAssign, AutoAssignError};
use ippool::{Attributes, Use};
use serde_json::json;

use super::{Context, Failure};
use crate::driver::now;

/// Addresses out of the node's blocks, or one given address.
#[derive(Debug, Args)]
pub struct Assign {
    /// The node. Where no nodes are known it is taken to exist.
    #[arg(long)]
    node: String,
    /// How many IPv4 addresses; 1 if nothing is said.
    #[arg(long)]
    v4: Option<usize>,
    /// How many IPv6 addresses.
    #[arg(long, default_value_t = 0)]
    v6: usize,
    /// This address and no other.
    #[arg(long, conflicts_with_all = ["v4", "v6", "from"])]
    ip: Option<IpAddr>,
    /// What the addresses are released by.
    #[arg(long)]
    handle: Option<String>,
    /// What is stored with the addresses: namespace, pod, node, type ..
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// Only out of the pool with this CIDR; may be repeated.
    #[arg(long, value_name = "CIDR")]
    from: Vec<IpNet>,
    /// What the addresses are for.
    #[arg(long = "use", value_enum, default_value_t = Purpose::Workload)]
    used_for: Purpose,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Purpose {
    Workload,
    Tunnel,
    LoadBalancer,
}

impl Assign {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        if context.nodes.is_empty() {
            let resources = (*context.resources).clone();
            context.resources = resources.with_node(self.node.as_str(), [("", ""); 0]).into();
        }
        match self.ip {
            Some(address) => self.one(address, context),
            None => self.any(context),
        }
    }

    fn any(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let v4 = self.v4.unwrap_or(usize::from(self.v6 == 0));
        let mut request = AutoAssign::new(self.node.as_str(), self.purpose(), now())
            .with_counts(v4, self.v6)
            .with_attributes(self.stored());
        (request.pools_v4, request.pools_v6) = self.from.iter().partition(|cidr| matches!(cidr, IpNet::V4(_)));
        let resources = context.resources.clone();
        let assigned = context.drive(op::auto_assign(request, &resources));
        let partial = partial(&assigned);
        let addresses: Vec<IpNet> = assigned.addresses().collect();
        let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        let error = assigned.error.as_ref().map(ToString::to_string);
        let json = json!({ "addresses": addresses, "messages": partial, "error": error });
        context.options.print(context.out, &text, &json)?;
        match assigned.error {
            Some(AutoAssignError::Store(error)) => Err(context.store(&error)),
            Some(error) => Err(Failure::Refused(error.to_string())),
            None if partial.is_empty() => Ok(true),
            None => Err(Failure::Refused(partial.join("; "))),
        }
    }

    fn one(&self, address: IpAddr, context: &mut Context<'_>) -> Result<bool, Failure> {
        let mut request = AssignIp::new(address, self.node.as_str(), now()).with_attributes(self.stored());
        request.used_for = Some(self.purpose());
        let resources = context.resources.clone();
        match context.drive(op::assign_ip(request, &resources)) {
            Ok(()) => {
                let json = json!({ "addresses": [address], "messages": [], "error": null });
                context.options.print(context.out, &format!("{address}\n"), &json)?;
                Ok(true)
            }
            Err(AssignIpError::Store(error)) => Err(context.store(&error)),
            Err(error) => Err(Failure::Refused(error.to_string())),
        }
    }

    fn stored(&self) -> Attributes {
        let mut stored = self.handle.as_deref().map(Attributes::with_handle).unwrap_or_default();
        stored.active = self.attributes.iter().cloned().collect();
        stored.active.entry("node".into()).or_insert_with(|| self.node.clone());
        stored
    }

    fn purpose(&self) -> Use {
        match self.used_for {
            Purpose::Workload => Use::Workload,
            Purpose::Tunnel => Use::Tunnel,
            Purpose::LoadBalancer => Use::LoadBalancer,
        }
    }
}

/// Why there are fewer addresses than were asked for.
fn partial(assigned: &Assigned) -> Vec<String> {
    let families = assigned.v4.iter().chain(&assigned.v6);
    families.filter_map(|family| Some(family.partial_fulfilment()?.to_string())).collect()
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    Ok((key.into(), value.into()))
}
