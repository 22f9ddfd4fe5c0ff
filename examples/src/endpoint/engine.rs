//! The loop: from the device into the tunnel, out of it into the device, and what ICMP has to say.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ipip::{Encapsulated, HEADROOM, ICMP_MAX_LEN, Path, Tunnel};
use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::offload::complete_checksum;
use super::peers::Peers;
use super::routes::Routes;
use super::settings::{Settings, SettingsError};
use super::sys;

/// A device, its sockets and the tunnel between them.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    tun: File,
    raw: Socket,
    icmp: Socket,
    /// Signals that end it, and those that make it read its routes again.
    end: UnixStream,
    reload: UnixStream,
    tunnel: Tunnel<Peers>,
    /// What is known of the way to each exit. They are looked up, never listed.
    paths: HashMap<Ipv4Addr, Path>,
    started: Instant,
}

impl Endpoint {
    /// Makes the device, raises it, and opens the sockets.
    ///
    /// # Errors
    /// What the system refuses, with what was asked of it.
    pub fn open(settings: Settings) -> Result<Endpoint, SettingsError> {
        let config = settings.config;
        let tun = sys::open_tun(&settings.tun).map_err(failed("the TUN device"))?;
        sys::raise(&settings.tun, config.tunnel_mtu(), settings.addr).map_err(failed("raising the TUN device"))?;
        let raw = socket(4, config.local).map_err(failed("the raw socket for protocol 4"))?;
        raw.set_header_included_v4(true).map_err(failed("IP_HDRINCL"))?;
        sys::leave_path_mtu(raw.as_fd()).map_err(failed("IP_MTU_DISCOVER"))?;
        let icmp = socket(1, config.local).map_err(failed("the raw socket for ICMP"))?;
        let peers = Peers {
            remote: config.remote,
            range: settings.remote_range,
            routes: settings.routes.clone(),
            own: settings.addr.map(|address| address.addr()),
        };
        Ok(Endpoint {
            tun,
            raw,
            icmp,
            end: signals(&[libc::SIGTERM, libc::SIGINT]).map_err(failed("signals"))?,
            reload: signals(&[libc::SIGHUP]).map_err(failed("signals"))?,
            tunnel: Tunnel::new(config, peers),
            paths: HashMap::new(),
            started: Instant::now(),
            settings,
        })
    }

    /// The device's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.tun
    }

    /// Carries datagrams until SIGTERM or SIGINT, and then tells on standard error what was counted.
    ///
    /// # Errors
    /// The device or a socket fails for good, such as when someone deletes the device.
    pub fn run(&mut self) -> Result<(), SettingsError> {
        let mut buffers = vec![vec![0; HEADROOM + usize::from(u16::MAX)]; BATCH];
        loop {
            let [inside, outside, icmp, end, reload] = self.wait().map_err(failed("waiting"))?;
            if end {
                self.report();
                return Ok(());
            }
            if reload {
                self.read_routes();
            }
            if icmp {
                self.take_errors(&mut buffers).map_err(failed("receiving ICMP"))?;
            }
            if inside {
                self.carry_out(&mut buffers).map_err(failed("reading the TUN device"))?;
            }
            if outside {
                self.carry_in(&mut buffers).map_err(failed("receiving"))?;
            }
        }
    }

    fn wait(&self) -> io::Result<[bool; 5]> {
        let mut all = [
            PollFd::new(&self.tun, PollFlags::IN),
            PollFd::new(&self.raw, PollFlags::IN),
            PollFd::new(&self.icmp, PollFlags::IN),
            PollFd::new(&self.end, PollFlags::IN),
            PollFd::new(&self.reload, PollFlags::IN),
        ];
        match poll(&mut all, None) {
            Ok(_) => Ok(all.map(|one| !one.revents().is_empty())),
            Err(rustix::io::Errno::INTR) => Ok([false; 5]),
            Err(error) => Err(error.into()),
        }
    }

    /// Datagrams of the device: into the tunnel, and what fits the path goes out in one batch.
    fn carry_out(&mut self, buffers: &mut [Vec<u8>]) -> io::Result<()> {
        let now = self.started.elapsed();
        let mut ready = Vec::with_capacity(BATCH);
        for (place, buffer) in buffers.iter_mut().enumerate() {
            let length = match self.tun.read(buffer.get_mut(HEADROOM..).unwrap_or_default()) {
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
                Err(error) => return Err(error),
            };
            if let Some((total, exit)) =
                self.encapsulate(now, buffer.get_mut(..HEADROOM + length).unwrap_or_default())?
            {
                ready.push((place, total, exit));
            }
        }
        let mut batch = Vec::with_capacity(BATCH);
        for (place, total, exit) in ready {
            batch.push((buffers.get(place).and_then(|buffer| buffer.get(..total)).unwrap_or_default(), exit));
        }
        send_all(&self.raw, &batch);
        Ok(())
    }

    /// Encapsulates the datagram behind the headroom; gives the octets to send and where to, when it goes out whole.
    /// Fragments are sent at once.
    fn encapsulate(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Option<(usize, Ipv4Addr)>> {
        // What is not IPv4, such as the router solicitations of an IPv6 stack, has no exit.
        let Some(destination) = destination(buffer.get(HEADROOM..).unwrap_or_default()) else { return Ok(None) };
        let exit = self.settings.config.remote.or_else(|| self.tunnel.peers().routes.exit(destination));
        let Some(exit) = exit else { return Ok(None) };
        let path = self.paths.entry(exit).or_insert_with(|| Path::new(exit));
        let mut space = [0; ICMP_MAX_LEN];
        if path.unreachable(now).is_some() {
            // Sent from where the datagram goes: an address of our own would be martian to the kernel, and the way back
            // to any other might lead elsewhere (rp_filter).
            self.tunnel.config_mut().icmp_source = Some(destination);
            let inner = buffer.get(HEADROOM..).unwrap_or_default();
            if let Some(told) = self.tunnel.answer_next(path, now, inner, &mut space) {
                write(&self.tun, told)?;
            }
        }
        let error = match self.tunnel.encap(path, now, buffer) {
            Ok(sent) if sent.is_fragmented() => {
                send_fragments(&self.raw, &sent, exit);
                return Ok(None);
            }
            Ok(sent) => return Ok(Some((sent.octets().len(), exit))),
            Err(error) => error,
        };
        self.tunnel.config_mut().icmp_source = Some(destination);
        let inner = buffer.get(HEADROOM..).unwrap_or_default();
        if let Some(told) = self.tunnel.icmp_reply(&error, path, now, inner, &mut space) {
            write(&self.tun, told)?;
        }
        Ok(None)
    }

    /// Datagrams out of the tunnel: into the device.
    fn carry_in(&mut self, buffers: &mut [Vec<u8>]) -> io::Result<()> {
        let lengths = received(&self.raw, buffers)?;
        for (buffer, length) in buffers.iter_mut().zip(lengths) {
            // What is refused is counted, and nobody is told: the source may be forged.
            if let Ok(decapsulated) = self.tunnel.decap(buffer.get_mut(..length).unwrap_or_default()) {
                complete_checksum(decapsulated.inner);
                write(&self.tun, decapsulated.inner)?;
            }
        }
        Ok(())
    }

    /// ICMP errors about what we sent: noted, and told to the senders inside.
    fn take_errors(&mut self, buffers: &mut [Vec<u8>]) -> io::Result<()> {
        let now = self.started.elapsed();
        let mut space = [0; ICMP_MAX_LEN];
        let lengths = received(&self.icmp, buffers)?;
        for (buffer, length) in buffers.iter().zip(lengths) {
            let Ok(notice) = self.tunnel.notice(buffer.get(..length).unwrap_or_default()) else { continue };
            let Some(path) = self.paths.get_mut(&notice.remote()) else { continue };
            self.tunnel.config_mut().icmp_source = notice.inner_destination();
            if let Some(told) = self.tunnel.relay(&notice, path, now, &mut space) {
                write(&self.tun, told)?;
            }
        }
        Ok(())
    }

    /// The routes as they are in the file now; those that cannot be read leave the old ones.
    fn read_routes(&mut self) {
        let mut signal = [0; 64];
        // What it holds does not count, and one that is empty is no reason to stop.
        let _ = self.reload.read(&mut signal);
        let Some(file) = &self.settings.routes_file else { return };
        match Routes::read(file) {
            Ok(routes) => {
                self.paths.retain(|exit, _| self.settings.config.remote == Some(*exit) || routes.has_node(*exit));
                self.tunnel.peers_mut().routes = routes;
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "the old routes stay: {error}");
            }
        }
    }

    fn report(&self) {
        let counters = self.tunnel.counters();
        let mut err = io::stderr().lock();
        // Nothing is left to do when standard error is closed.
        let _ = writeln!(err, "encapsulated {}, decapsulated {}", counters.encapsulated, counters.decapsulated);
        for (reason, count) in counters.drops().filter(|(_, count)| *count > 0) {
            let _ = writeln!(err, "dropped {} {count}", reason.name());
        }
    }
}

/// A raw socket that takes one protocol's datagrams to `local`.
fn socket(protocol: i32, local: Ipv4Addr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(protocol)))?;
    socket.bind(&SockAddr::from(SocketAddrV4::new(local, 0)))?;
    Ok(socket)
}

fn signals(signals: &[i32]) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in signals {
        signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
    }
    Ok(read)
}

fn destination(datagram: &[u8]) -> Option<Ipv4Addr> {
    match datagram.first_chunk::<20>()? {
        [vi, .., a, b, c, d] if vi >> 4 == 4 => Some(Ipv4Addr::new(*a, *b, *c, *d)),
        _ => None,
    }
}

/// What is there, as lengths; an error that a peer caused, such as an unreachable one, is none of ours.
fn received(socket: &Socket, buffers: &mut [Vec<u8>]) -> io::Result<Vec<usize>> {
    match sys::receive(socket.as_fd(), buffers) {
        Err(error) if is_passing(&error) => Ok(Vec::new()),
        result => result,
    }
}

/// Sends a batch; what the system refuses is lost, as on any link, and the rest goes on.
fn send_all(socket: &Socket, mut batch: &[(&[u8], Ipv4Addr)]) {
    while !batch.is_empty() {
        let sent = sys::send(socket.as_fd(), batch).unwrap_or(0).max(1);
        batch = batch.get(sent..).unwrap_or_default();
    }
}

fn send_fragments(socket: &Socket, sent: &Encapsulated<'_>, exit: Ipv4Addr) {
    let to = SockAddr::from(SocketAddrV4::new(exit, 0));
    for fragment in sent.fragments() {
        let payload = sent.inner().get(fragment.payload()).unwrap_or_default();
        // A fragment that is lost is one more loss on the way.
        let _ = socket.send_to_vectored(&[IoSlice::new(fragment.header()), IoSlice::new(payload)], &to);
    }
}

/// Hands a datagram to the kernel; one that it does not take is lost, a device that is gone is an error.
fn write(mut tun: &File, datagram: &[u8]) -> io::Result<()> {
    match tun.write(datagram) {
        Err(error) if error.raw_os_error() == Some(libc::EBADFD) => Err(error),
        _ => Ok(()),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    ) || matches!(error.raw_os_error(), Some(libc::EMSGSIZE | libc::EPROTO | libc::ENOPROTOOPT))
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> SettingsError {
    move |error| SettingsError::System { what, error }
}

/// Datagrams with one turn of the loop.
const BATCH: usize = 32;
