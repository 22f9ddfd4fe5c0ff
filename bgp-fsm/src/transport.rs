//! What the socket of a session is to be set to: hints for the driver, which owns it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Options of the session's TCP connection. The session does not look at them; the driver sets them on its sockets before
/// it connects or listens.
///
/// ```
/// use bgp_fsm::{Secret, Transport};
/// let transport = Transport::new().with_ttl_security_hops(Some(1)).with_md5_key(Some(Secret::new("s3cr3t")));
/// assert_eq!((transport.ttl(), transport.min_ttl()), (Some(255), Some(255)));
/// assert!(!format!("{transport:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transport {
    /// How many hops away the peer may be (RFC 5082); `None` is off, the default.
    pub ttl_security_hops: Option<u8>,
    /// The key of the TCP MD5 signature (RFC 2385).
    pub md5_key: Option<Secret>,
    /// The key of the TCP authentication option (RFC 5925).
    pub tcp_ao: Option<TcpAo>,
}

impl Transport {
    /// Nothing special.
    #[must_use]
    pub const fn new() -> Self {
        Self { ttl_security_hops: None, md5_key: None, tcp_ao: None }
    }

    /// With [`ttl_security_hops`](Self::ttl_security_hops).
    #[must_use]
    pub const fn with_ttl_security_hops(mut self, hops: Option<u8>) -> Self {
        self.ttl_security_hops = hops;
        self
    }

    /// With [`md5_key`](Self::md5_key).
    #[must_use]
    pub fn with_md5_key(mut self, key: Option<Secret>) -> Self {
        self.md5_key = key;
        self
    }

    /// With [`tcp_ao`](Self::tcp_ao).
    #[must_use]
    pub fn with_tcp_ao(mut self, tcp_ao: Option<TcpAo>) -> Self {
        self.tcp_ao = tcp_ao;
        self
    }

    /// The TTL or hop limit of what we send: 255 with TTL security (RFC 5082 section 3), else the driver's choice.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.ttl_security_hops.map(|_| 255)
    }

    /// The least TTL or hop limit that what we receive may have: 255 from a peer one hop away (RFC 5082 section 3).
    #[must_use]
    pub fn min_ttl(&self) -> Option<u8> {
        self.ttl_security_hops.map(|hops| 255 - hops.saturating_sub(1))
    }
}

/// A key of the TCP authentication option (RFC 5925).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpAo {
    /// `SendID`: the `KeyID` of the segments that we send.
    pub send_id: u8,
    /// `RecvID`: the `KeyID` of the segments that we receive.
    pub recv_id: u8,
    /// The name of the algorithm, as the driver's system calls it.
    pub algorithm: String,
    /// The master key.
    pub key: Secret,
}

impl TcpAo {
    /// A key.
    #[must_use]
    pub fn new(send_id: u8, recv_id: u8, algorithm: impl Into<String>, key: Secret) -> Self {
        Self { send_id, recv_id, algorithm: algorithm.into(), key }
    }
}

/// A key. `Debug` does not show it, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A key of these octets.
    #[must_use]
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(key.into())
    }

    /// The octets, for the socket.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // The memory is never read again: without this the compiler may leave the line above out.
        core::hint::black_box(&self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5082_3_the_least_ttl_is_255_less_the_hops_between() {
        for (hops, least) in
            [(None, None), (Some(1), Some(255)), (Some(2), Some(254)), (Some(255), Some(1)), (Some(0), Some(255))]
        {
            assert_eq!(Transport::new().with_ttl_security_hops(hops).min_ttl(), least);
        }
    }

    #[test]
    fn rfc2385_and_rfc5925_keys_never_show() {
        let tcp_ao = TcpAo::new(1, 2, "hmac(sha1)", Secret::new("s3cr3t"));
        let transport = Transport::new().with_tcp_ao(Some(tcp_ao)).with_md5_key(Some(Secret::new("s3cr3t")));
        let text = alloc::format!("{transport:?} {transport:#?}");
        // Neither as text nor as a list of octets.
        assert!(!text.contains("s3cr3t") && !text.contains("115"), "{text}");
    }
}
