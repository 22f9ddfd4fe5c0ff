//! What no safe interface has: making and raising a TUN device, and many datagrams with one system call.
//!
//! A file with `unsafe`: each is one system call over memory that this file has just laid out.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::ptr;

use ipnet::Ipv4Net;

/// Makes a TUN device of plain IP packets (`IFF_TUN`, `IFF_NO_PI`) that lives as long as the file; reads do not block.
///
/// # Errors
/// No permission (`CAP_NET_ADMIN`), no driver, or a device of another kind with that name.
pub(super) fn open_tun(name: &str) -> io::Result<File> {
    let tun = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let flags = u16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).map_err(io::Error::other)?;
    ioctl(&tun, libc::TUNSETIFF, &mut request(name, &flags.to_ne_bytes()))?;
    Ok(tun)
}

/// Sets MTU and address of a device, and raises it.
///
/// # Errors
/// No permission, or no such device.
pub(super) fn raise(name: &str, mtu: u16, address: Option<Ipv4Net>) -> io::Result<()> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    ioctl(&socket, libc::SIOCSIFMTU, &mut request(name, &i32::from(mtu).to_ne_bytes()))?;
    if let Some(address) = address {
        ioctl(&socket, libc::SIOCSIFADDR, &mut request(name, &sockaddr(address.addr())?))?;
        ioctl(&socket, libc::SIOCSIFNETMASK, &mut request(name, &sockaddr(address.netmask())?))?;
    }
    let mut flags = request(name, &[]);
    ioctl(&socket, libc::SIOCGIFFLAGS, &mut flags)?;
    let up = u16::try_from(libc::IFF_UP).map_err(io::Error::other)?;
    if let Some(field) = flags.get_mut(NAME..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *field = (u16::from_ne_bytes(*field) | up).to_ne_bytes();
    }
    ioctl(&socket, libc::SIOCSIFFLAGS, &mut flags)
}

/// The kernel neither sets DF nor keeps a path MTU for what goes out here: both are the tunnel's business.
///
/// # Errors
/// It is no IPv4 socket.
#[expect(unsafe_code, reason = "setsockopt with an option that no safe interface has")]
pub(super) fn leave_path_mtu(socket: BorrowedFd<'_>) -> io::Result<()> {
    let value = libc::IP_PMTUDISC_PROBE.to_ne_bytes();
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the pointer and the length are those of `value`, which outlives the call and is only read.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, value.as_ptr().cast(), length)
    };
    check(done).map(|_| ())
}

/// Receives what is there, one datagram to a buffer; gives the octets of each. Does not block.
///
/// # Errors
/// `WouldBlock` when nothing is there, and what the system says.
#[expect(unsafe_code, reason = "recvmmsg")]
pub(super) fn receive(socket: BorrowedFd<'_>, buffers: &mut [Vec<u8>]) -> io::Result<Vec<usize>> {
    let mut parts: Vec<libc::iovec> = buffers
        .iter_mut()
        .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() })
        .collect();
    let mut messages: Vec<libc::mmsghdr> = parts.iter_mut().map(|part| message(part, None)).collect();
    let count = libc::c_uint::try_from(messages.len()).map_err(io::Error::other)?;
    // SAFETY: `messages` holds `count` headers; each points at one live `iovec` of `parts`, which holds the address and
    // length of a buffer that is borrowed mutably for the call. No names and no control data are asked for.
    let done = unsafe {
        libc::recvmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT, ptr::null_mut())
    };
    let received = check(done)?;
    let lengths = messages.iter().take(received).map(|message| usize::try_from(message.msg_len));
    lengths.collect::<Result<_, _>>().map_err(io::Error::other)
}

/// Sends datagrams, each to its address; gives how many went out. Blocks while the socket has no room.
///
/// # Errors
/// What the system says to the first of them.
#[expect(unsafe_code, reason = "sendmmsg")]
pub(super) fn send(socket: BorrowedFd<'_>, datagrams: &[(&[u8], Ipv4Addr)]) -> io::Result<usize> {
    let mut parts: Vec<libc::iovec> = datagrams
        .iter()
        .map(|(octets, _)| libc::iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() })
        .collect();
    let mut names = Vec::with_capacity(datagrams.len());
    for (_, destination) in datagrams {
        names.push(sockaddr(*destination)?);
    }
    let mut messages: Vec<libc::mmsghdr> =
        parts.iter_mut().zip(&mut names).map(|(part, name)| message(part, Some(name))).collect();
    let count = libc::c_uint::try_from(messages.len()).map_err(io::Error::other)?;
    // SAFETY: `messages` holds `count` headers; each points at one live `iovec` of `parts` and one address of `names`.
    // Sending only reads through the addresses, those of the datagrams too, which are borrowed for the call.
    let done = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
    check(done)
}

fn message(part: &mut libc::iovec, name: Option<&mut [u8; SOCKADDR]>) -> libc::mmsghdr {
    let (msg_name, msg_namelen) = name.map_or((ptr::null_mut(), 0), |name| (name.as_mut_ptr().cast(), 16));
    let msg_hdr = libc::msghdr {
        msg_name,
        msg_namelen,
        msg_iov: part,
        msg_iovlen: 1,
        msg_control: ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    };
    libc::mmsghdr { msg_hdr, msg_len: 0 }
}

/// `struct sockaddr_in`: family, port, address in network order, padding.
fn sockaddr(address: Ipv4Addr) -> io::Result<[u8; SOCKADDR]> {
    let [f0, f1] = u16::try_from(libc::AF_INET).map_err(io::Error::other)?.to_ne_bytes();
    let [a, b, c, d] = address.octets();
    Ok([f0, f1, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// `struct ifreq`: 16 octets of name, ended by 0, and up to 24 of a value.
fn request(name: &str, value: &[u8]) -> [u8; REQUEST] {
    let mut octets = [0; REQUEST];
    let (place, rest) = octets.split_at_mut(NAME);
    // The last octet of the name stays 0; names that long are refused before.
    for (octet, letter) in place.iter_mut().zip(name.bytes().take(NAME - 1)) {
        *octet = letter;
    }
    for (octet, part) in rest.iter_mut().zip(value) {
        *octet = *part;
    }
    octets
}

#[expect(unsafe_code, reason = "ioctl of network devices")]
fn ioctl(file: &impl AsRawFd, number: libc::Ioctl, request: &mut [u8; REQUEST]) -> io::Result<()> {
    // SAFETY: every number used here takes a `struct ifreq`, of at most REQUEST octets, which are there to be read and
    // written, at any alignment, as the kernel copies them.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), number, request.as_mut_ptr()) };
    check(done).map(|_| ())
}

fn check(done: libc::c_int) -> io::Result<usize> {
    usize::try_from(done).map_err(|_| io::Error::last_os_error())
}

const NAME: usize = 16;
const REQUEST: usize = 40;
const SOCKADDR: usize = 16;
const _: () = assert!(size_of::<libc::ifreq>() <= REQUEST && size_of::<libc::sockaddr_in>() == SOCKADDR);
