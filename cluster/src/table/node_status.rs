//! `calicoctl node status`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::status::{NodeStatus, SessionStatus};

/// The sessions of a node in two boxes, IPv4 and IPv6.
///
/// A peer with another port than 179 is shown with its port; calicoctl writes `10.0.0.1.port.500` there.
///
/// ```
/// use bgp_cluster::{status::NodeStatus, table};
///
/// assert_eq!(
///     table::node_status(&NodeStatus::default()),
///     "Calico process is running.\n\nIPv4 BGP status\nNo IPv4 peers found.\n\nIPv6 BGP status\nNo IPv6 peers found.\n",
/// );
/// ```
#[must_use]
pub fn node_status(status: &NodeStatus) -> String {
    let mut text = String::from("Calico process is running.\n");
    for (version, ipv4) in [("IPv4", true), ("IPv6", false)] {
        text.push_str(&format!("\n{version} BGP status\n"));
        let rows: Vec<_> = status.sessions.iter().filter(|session| session.peer.is_ipv4() == ipv4).map(cells).collect();
        if rows.is_empty() {
            text.push_str(&format!("No {version} peers found.\n"));
        } else {
            text.push_str(&framed(&rows));
        }
    }
    text
}

fn cells(session: &SessionStatus) -> [String; COLUMNS] {
    let peer = match session.port {
        179 => session.peer.to_string(),
        port => SocketAddr::new(session.peer, port).to_string(),
    };
    let info = match &session.error {
        Some(error) => format!("{} {error}", session.bgp_state),
        None => session.bgp_state.to_string(),
    };
    [peer, session.peer_type.to_string(), session.state.to_string(), session.since.to_string(), info]
}

fn framed(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = HEADINGS.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut rule = String::from("+");
    for width in widths {
        rule.extend(core::iter::repeat_n('-', width + 2));
        rule.push('+');
    }
    rule.push('\n');
    let mut text = rule.clone();
    for (heading, width) in HEADINGS.iter().zip(widths) {
        text.push_str(&format!("| {heading:^width$} "));
    }
    text.push_str("|\n");
    text.push_str(&rule);
    for row in rows {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("| {cell:<width$} "));
        }
        text.push_str("|\n");
    }
    text.push_str(&rule);
    text
}

const COLUMNS: usize = 5;
const HEADINGS: [&str; COLUMNS] = ["PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO"];
