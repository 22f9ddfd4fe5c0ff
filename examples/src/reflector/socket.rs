//! TCP sockets as peers want them: listening, dialled and accepted ones.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use bgp_fsm::Transport;
use ipnet::IpNet;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::options;
use super::settings::{PeerSettings, Settings};

/// A listening socket that knows the keys and the TTL of all peers of its address family.
pub(super) fn listen(address: SocketAddr, settings: &Settings) -> io::Result<TcpListener> {
    let socket = open(address.ip())?;
    socket.set_reuse_address(true)?;
    let peers = settings.peers.iter().filter(|peer| peer.address.is_ipv4() == address.is_ipv4());
    let ranges = settings.ranges.iter().filter(|range| range.prefix.addr().is_ipv4() == address.is_ipv4());
    if let (0, Some(least)) = (ranges.clone().count(), least_ttl(peers.clone())) {
        // All who may connect are that near: not even the SYN of another is answered. Where somebody may be farther
        // away, a segment or two of a secured peer can come in before the accepted socket has its own limit.
        options::set_least_ttl(socket.as_fd(), address.ip(), least)?;
    }
    for range in ranges {
        if let Some(key) = &range.password {
            options::sign(socket.as_fd(), range.prefix, key)?;
        }
    }
    for peer in peers {
        if let Some(key) = &peer.password {
            options::sign(socket.as_fd(), IpNet::from(peer.address), key)?;
        }
        if peer.ttl_security.is_some() {
            // The SYN+ACK comes from this socket, and the peer looks at its TTL, too.
            set_ttl(&socket, address.ip(), 255)?;
        }
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A connection to a peer, under way.
pub(super) fn dial(remote: SocketAddr, peer: &PeerSettings) -> io::Result<TcpStream> {
    let socket = open(remote.ip())?;
    secure(&socket, peer)?;
    if let Some(key) = &peer.password {
        options::sign(socket.as_fd(), IpNet::from(peer.address), key)?;
    }
    if let Some(source) = peer.source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match socket.connect(&remote.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// An accepted connection becomes one like a dialled one.
pub(super) fn adopt(stream: &TcpStream, peer: Option<&PeerSettings>) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    peer.map_or(Ok(()), |peer| secure(&socket, peer))
}

/// The connection ends with a reset, whatever still waits.
pub(super) fn reset_on_close(stream: &TcpStream) {
    // A socket that refuses is closed in the other way, which is no worse.
    let _ = SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
}

fn open(address: IpAddr) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if address.is_ipv6() {
        // An IPv4 peer has an IPv4 address, not a mapped one.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// The least TTL that some peer may have, if all peers have one.
fn least_ttl<'s>(mut peers: impl Iterator<Item = &'s PeerSettings>) -> Option<u8> {
    let least = |peer: &PeerSettings| Transport::new().with_ttl_security_hops(peer.ttl_security).min_ttl();
    let first = least(peers.next()?)?;
    peers.try_fold(first, |lowest, peer| Some(lowest.min(least(peer)?)))
}

/// RFC 5082 section 3.
fn secure(socket: &Socket, peer: &PeerSettings) -> io::Result<()> {
    let transport = Transport::new().with_ttl_security_hops(peer.ttl_security);
    if let (Some(ttl), Some(least)) = (transport.ttl(), transport.min_ttl()) {
        set_ttl(socket, peer.address, ttl)?;
        options::set_least_ttl(socket.as_fd(), peer.address, least)?;
    }
    Ok(())
}

fn set_ttl(socket: &Socket, address: IpAddr, ttl: u8) -> io::Result<()> {
    match address {
        IpAddr::V4(_) => socket.set_ttl_v4(ttl.into()),
        IpAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into()),
    }
}

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
