//! `ip addr` of tunl0 and `ip route`.

use alloc::format;
use alloc::string::String;

use crate::plan::route::KernelRoute;
use crate::status::TunnelDevice;

/// tunl0 with its address, if it has one.
///
/// ```
/// use bgp_cluster::{status::TunnelDevice, table};
///
/// let text = table::tunnel_device(&TunnelDevice { index: 4, mtu: 1440, addr: None });
/// assert!(text.ends_with("    link/ipip 0.0.0.0 brd 0.0.0.0\n"));
/// ```
#[must_use]
pub fn tunnel_device(device: &TunnelDevice) -> String {
    let TunnelDevice { index, mtu, addr } = device;
    let mut text = format!(
        "{index}: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu {mtu} qdisc noqueue state UNKNOWN group default qlen 1000\n    \
         link/ipip 0.0.0.0 brd 0.0.0.0\n"
    );
    if let Some(addr) = addr {
        text.push_str(&format!(
            "    inet {addr}/32 brd {addr} scope global tunl0\n       valid_lft forever preferred_lft forever\n"
        ));
    }
    text
}

/// Routes, a line each; each line ends with a blank, as the tool writes it.
///
/// ```
/// use bgp_cluster::{plan::route::KernelRoute, table};
///
/// let routes = [KernelRoute::blackhole("10.244.235.192/26".parse()?)];
/// assert_eq!(table::ip_route(&routes), "blackhole 10.244.235.192/26 proto bird \n");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use]
pub fn ip_route<'a>(routes: impl IntoIterator<Item = &'a KernelRoute>) -> String {
    routes.into_iter().map(|route| format!("{route}\n")).collect()
}
