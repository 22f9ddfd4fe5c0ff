//! Socket options that no safe interface has: TCP MD5 signatures (RFC 2385) and the least TTL (RFC 5082).
//!
//! The one file with `unsafe`. Both options are written as octets, in the layout of Linux, by safe code; what is unsafe
//! is the call alone.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use bgp_fsm::Secret;
use ipnet::IpNet;

/// Segments to and from `peers` carry a signature with `key`; others to a listening socket are dropped by the kernel.
///
/// # Errors
/// The kernel knows no MD5 signatures, or has no memory for one more key.
pub(super) fn sign(socket: BorrowedFd<'_>, peers: IpNet, key: &Secret) -> io::Result<()> {
    let host = peers.prefix_len() == peers.max_prefix_len();
    let name = if host { libc::TCP_MD5SIG } else { libc::TCP_MD5SIG_EXT };
    set(socket, libc::IPPROTO_TCP, name, &signature(peers, host, key.expose())?)
}

/// Drops what comes with a TTL, or hop limit, below `least`.
///
/// # Errors
/// The socket is none of that family.
pub(super) fn set_least_ttl(socket: BorrowedFd<'_>, peer: IpAddr, least: u8) -> io::Result<()> {
    let least = i32::from(least).to_ne_bytes();
    match peer {
        IpAddr::V4(_) => set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, &least),
        IpAddr::V6(_) => set(socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &least),
    }
}

/// `struct tcp_md5sig` of linux/tcp.h: `sockaddr_storage` (128 octets), flags (1), prefix length (1), key length (2),
/// interface (4), key (80).
fn signature(peers: IpNet, host: bool, key: &[u8]) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the key has more than 80 octets");
    if key.len() > KEY {
        return Err(too_long());
    }
    let (family, address) = match peers.addr() {
        // sockaddr_in: family, port, address.
        IpAddr::V4(address) => (libc::AF_INET, address.octets().to_vec()),
        // sockaddr_in6: family, port, flow, address.
        IpAddr::V6(address) => (libc::AF_INET6, [&[0; 4][..], &address.octets()].concat()),
    };
    let family = libc::sa_family_t::try_from(family).map_err(io::Error::other)?;
    let mut octets = Vec::with_capacity(SIGNATURE);
    octets.extend_from_slice(&family.to_ne_bytes());
    octets.extend_from_slice(&[0; 2]);
    octets.extend_from_slice(&address);
    octets.resize(STORAGE, 0);
    octets.push(if host { 0 } else { PREFIX });
    octets.push(if host { 0 } else { peers.prefix_len() });
    octets.extend_from_slice(&u16::try_from(key.len()).map_err(|_| too_long())?.to_ne_bytes());
    octets.extend_from_slice(&[0; 4]);
    octets.extend_from_slice(key);
    octets.resize(SIGNATURE, 0);
    Ok(octets)
}

#[expect(unsafe_code, reason = "setsockopt with an option that neither std nor socket2 nor rustix has")]
fn set(socket: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for as long as it is borrowed. The kernel reads at most `length` octets from the
    // pointer, which are initialised, belong to `value` and outlive the call; it keeps and writes nothing there. Which
    // octets they are cannot do harm: the kernel checks them and refuses what makes no sense.
    let code = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), length) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Octets of `sockaddr_storage`.
const STORAGE: usize = 128;
/// Octets of the longest key: `TCP_MD5SIG_MAXKEYLEN`.
const KEY: usize = 80;
/// Octets of `tcp_md5sig`.
const SIGNATURE: usize = STORAGE + 8 + KEY;
/// `TCP_MD5SIG_FLAG_PREFIX`.
const PREFIX: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::fd::AsFd;

    #[test]
    fn rfc2385_the_layout_is_that_of_linux() {
        let octets = signature("192.0.2.1/32".parse().unwrap(), true, b"key").unwrap();
        assert_eq!(octets.len(), 216);
        assert_eq!(octets[4..8], [192, 0, 2, 1]);
        assert_eq!(octets[128..140], [0, 0, 3, 0, 0, 0, 0, 0, b'k', b'e', b'y', 0]);
        let octets = signature("2001:db8::/32".parse().unwrap(), false, b"key").unwrap();
        assert_eq!(octets[8..12], [0x20, 1, 0xd, 0xb8]);
        assert_eq!(octets[128..130], [1, 32]);
    }

    #[test]
    fn rfc2385_a_key_of_more_than_80_octets_is_refused() {
        assert!(signature("192.0.2.1/32".parse().unwrap(), true, &[1; 80]).is_ok());
        assert!(signature("192.0.2.1/32".parse().unwrap(), true, &[1; 81]).is_err());
    }

    #[test]
    fn rfc5082_the_kernel_takes_the_least_ttl() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        set_least_ttl(socket.as_fd(), "127.0.0.1".parse().unwrap(), 254).unwrap();
        assert!(set_least_ttl(socket.as_fd(), "::1".parse().unwrap(), 254).is_err(), "another family");
    }
}
