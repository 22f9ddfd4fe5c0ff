//! `ss -antp`: open TCP connections of the BGP daemon.

use alloc::format;
use alloc::string::{String, ToString};

use crate::status::TcpSession;

/// One connection, as a line.
///
/// ```
/// use bgp_cluster::{status::TcpSession, table};
///
/// let session = TcpSession {
///     local: "192.168.179.102:179".parse()?,
///     remote: "192.168.179.104:36323".parse()?,
///     pid: 3517,
///     fd: 8,
/// };
/// assert!(table::tcp_session(&session).ends_with(r#"users:(("bird",pid=3517,fd=8))"#));
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[must_use]
pub fn tcp_session(session: &TcpSession) -> String {
    let (local, remote) = (session.local.to_string(), session.remote.to_string());
    let (pid, fd) = (session.pid, session.fd);
    format!("ESTAB      0      0      {local:<34} {remote:<35} users:((\"bird\",pid={pid},fd={fd}))")
}
