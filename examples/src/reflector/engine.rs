//! The loop: what the sockets say goes into the speaker, what the speaker wants goes to the sockets.

mod peers;
mod questions;
mod reload;
mod sockets;

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use bgp_fsm::Instant;
use bgp_rib::AttrStore;
use bgp_speaker::{ConnId, Direction, Event, PeerId, Speaker};

use super::http::Http;
use super::line::Lines;
use super::mrt::{Ends, Recorder};
use super::poller::{Interest, Key, Poller, Ready};
use super::settings::{PeerSettings, Settings};
use super::socket;
use super::status::{LastErrors, Refusals};
use super::status_socket::StatusSocket;

/// A route reflector with its sockets.
#[derive(Debug)]
pub struct Reflector {
    pub(super) settings: Settings,
    pub(super) speaker: Speaker,
    pub(super) store: AttrStore,
    /// The clock's epoch, as both clocks of the system showed it.
    started: std::time::Instant,
    pub(super) started_at: SystemTime,
    poller: Poller,
    /// By place, with the address that was asked for; none where it is closed.
    listeners: Vec<Option<(SocketAddr, TcpListener)>>,
    /// While this is set nothing is accepted: there were no descriptors left.
    accept_again: Option<Instant>,
    pub(super) lines: Lines,
    /// Connections that drain, with their places and deadlines; the time is the same for all, so this is in order.
    draining: VecDeque<(Instant, u32)>,
    pub(super) configured: HashMap<IpAddr, PeerSettings>,
    pub(super) refusals: Refusals,
    pub(super) last_errors: LastErrors,
    signals: Vec<UnixStream>,
    status: Option<StatusSocket>,
    http: Option<Http>,
    recorder: Option<Recorder>,
    /// Why the settings that were read last are not in force.
    pub(super) reload_error: Option<String>,
    /// Set by the signal that ends the program: what has not drained then is dropped.
    ends: Option<Instant>,
    buffer: Vec<u8>,
}

/// Why a reflector cannot begin, or cannot go on.
#[derive(Debug)]
pub struct Failure {
    what: String,
    error: io::Error,
    input: bool,
}

impl Failure {
    pub(super) fn input(what: impl Into<String>, error: io::Error) -> Failure {
        Failure { what: what.into(), error, input: true }
    }

    pub(super) fn system(what: impl Into<String>, error: io::Error) -> Failure {
        Failure { what: what.into(), error, input: false }
    }

    /// Nobody can be told anything.
    #[must_use]
    pub fn output(error: io::Error) -> Failure {
        Failure::system("standard output", error)
    }

    /// Whether what was asked for is wrong, not the system.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.input
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.error)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Reflector {
    /// Opens the listening sockets and the status socket, and takes the signals; nothing is served yet.
    ///
    /// # Errors
    /// A socket cannot be opened as the settings say.
    pub fn bind(mut settings: Settings) -> Result<Reflector, Failure> {
        let system = |what: &'static str| move |error| Failure::system(what, error);
        settings.most_connections = most_connections(&settings);
        settings.restarting = settings.graceful_restart.is_some();
        let poller = Poller::new().map_err(system("epoll"))?;
        let mut listeners = Vec::new();
        for address in &settings.listen {
            let place = u32::try_from(listeners.len()).unwrap_or(u32::MAX);
            let listener = socket::listen(*address, &settings)
                .and_then(|listener| poller.add(&listener, Key::Listener(place), Interest::READ).map(|()| listener))
                .map_err(|error| Failure::input(format!("listen {address}"), error))?;
            listeners.push(Some((*address, listener)));
        }
        let status = match &settings.status {
            Some(path) => {
                let open = |path| StatusSocket::open(path, &poller);
                Some(open(path).map_err(|error| Failure::input(format!("status {}", path.display()), error))?)
            }
            None => None,
        };
        let http = match settings.metrics {
            Some(address) => {
                let open = Http::open(address, &poller);
                Some(open.map_err(|error| Failure::input(format!("metrics {address}"), error))?)
            }
            None => None,
        };
        let recorder = match &settings.mrt {
            Some(path) => {
                Some(Recorder::open(path).map_err(|error| Failure::input(format!("mrt {}", path.display()), error))?)
            }
            None => None,
        };
        let signals = signals(&poller).map_err(system("signals"))?;
        let store = AttrStore::new(seed());
        let mut speaker = Speaker::new(peers::speaker(&settings), seed());
        for next_hop in &settings.unreachable_next_hops {
            speaker.set_unreachable(*next_hop, true);
        }
        let mut reflector = Reflector {
            speaker,
            store,
            started: std::time::Instant::now(),
            started_at: SystemTime::now(),
            poller,
            listeners,
            accept_again: None,
            lines: Lines::default(),
            draining: VecDeque::new(),
            configured: settings.peers.iter().map(|peer| (peer.address, peer.clone())).collect(),
            refusals: Refusals::default(),
            last_errors: LastErrors::default(),
            signals,
            status,
            http,
            recorder,
            reload_error: None,
            ends: None,
            buffer: vec![0; READ],
            settings,
        };
        if let Some(seconds) = reflector.settings.graceful_restart {
            let now = reflector.now();
            reflector.speaker.restarted(now, Duration::from_secs(seconds.into()));
        }
        reflector.add_ranges();
        reflector.add_configured()?;
        Ok(reflector)
    }

    /// Where connections are accepted, with the ports that the system chose.
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.listeners.iter().flatten().filter_map(|(_, listener)| listener.local_addr().ok()).collect()
    }

    /// Where HTTP is answered, with the port that the system chose.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(Http::address)
    }

    /// Serves until SIGTERM or SIGINT, then says Cease to every peer.
    ///
    /// # Errors
    /// The system fails in what concerns all connections.
    pub fn run(&mut self) -> Result<(), Failure> {
        self.start_configured();
        let mut ready: Vec<Ready> = Vec::with_capacity(1024);
        let mut more = false;
        loop {
            // Who has left is forgotten by the next input.
            more |= self.serve_events();
            let now = self.now();
            if self.ends.is_some_and(|at| now >= at || self.lines.len() == 0) {
                return Ok(());
            }
            let timeout = if more { Some(Duration::ZERO) } else { self.deadline().map(|at| at - now) };
            self.poller.wait(timeout, &mut ready).map_err(|error| Failure::system("epoll", error))?;
            for one in &ready {
                self.serve(*one);
            }
            let now = self.now();
            self.drop_drained(now);
            self.resume_accepting(now);
            if let Some(http) = &mut self.http {
                http.drop_slow(now);
            }
            if self.speaker.poll_timeout().is_some_and(|at| at <= now) {
                self.speaker.handle_timeout(&mut self.store, now);
            }
            self.serve_events();
            // All that could be read has been: now it is decided, in slices, so that the sockets do not wait for long.
            more = (0..SLICES).all(|_| self.speaker.process(&mut self.store));
        }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::EPOCH + self.started.elapsed()
    }

    fn deadline(&mut self) -> Option<Instant> {
        let draining = self.draining.front().map(|(at, _)| *at);
        let http = self.http.as_ref().and_then(Http::deadline);
        [self.speaker.poll_timeout(), draining, self.accept_again, self.ends, http].into_iter().flatten().min()
    }

    fn serve(&mut self, ready: Ready) {
        match ready.key {
            Key::Listener(place) => self.accept(place),
            Key::Line(place) => self.serve_line(place, ready),
            Key::Signal(place) => self.serve_signal(place),
            Key::StatusListener => {
                if let Some(mut status) = self.status.take() {
                    status.accept(&self.poller, || self.document().to_json());
                    self.status = Some(status);
                }
            }
            Key::HttpListener => {
                let now = self.now();
                if let Some(http) = &mut self.http {
                    http.accept(&self.poller, now);
                }
            }
            Key::HttpClient(key) => {
                if let Some(target) = self.http.as_mut().and_then(|http| http.serve(&self.poller, key)) {
                    let answer = self.answer(&target);
                    if let Some(http) = &mut self.http {
                        http.answer(&self.poller, key, &answer);
                    }
                }
            }
            Key::StatusClient(place) => {
                if let Some(status) = &mut self.status {
                    status.write(place);
                }
            }
        }
    }

    fn serve_signal(&mut self, place: u32) {
        let Some(signal) = self.signals.get_mut(usize::try_from(place).unwrap_or(usize::MAX)) else { return };
        while matches!(io::Read::read(signal, &mut [0; 64]), Ok(1..)) {}
        if place == SHOW {
            let text = self.document().to_text();
            let mut out = io::stdout().lock();
            // Whoever closed the pipe does not want to know.
            let _ = io::Write::write_all(&mut out, text.as_bytes()).and_then(|()| io::Write::flush(&mut out));
        } else if place == RELOAD {
            if self.ends.is_none() {
                self.reload();
            }
        } else if self.ends.is_none() {
            self.end();
        }
    }

    /// RFC 4486: a Cease, Administrative Shutdown, to every peer.
    fn end(&mut self) {
        let now = self.now();
        self.listeners.clear();
        self.accept_again = None;
        self.ends = Some(now + GOODBYE);
        let peers: Vec<PeerId> = self.speaker.peers().map(|peer| peer.id).collect();
        for peer in peers {
            self.speaker.stop(&mut self.store, now, peer);
        }
    }

    /// True: a client has left.
    fn serve_events(&mut self) -> bool {
        let mut left = false;
        while let Some(event) = self.speaker.poll_event() {
            match event {
                Event::Dial { conn, peer: _, remote } => self.dial(conn, remote),
                Event::Transmit { conn } => {
                    if let Some(place) = self.lines.place_of(conn) {
                        self.write(place);
                    }
                }
                Event::Close { conn, abort } => self.close(conn, abort),
                Event::Up { peer, .. } => self.peer_up(peer),
                Event::Down { peer, established, reason } => self.peer_down(peer, established, &reason),
                Event::Left { .. } => left = true,
                Event::PrefixWarning { peer, family, count, limit } => self.warn(peer, family, count, limit),
                Event::AttributeWarning { peer, octets, limit } => self.warn_attributes(peer, octets, limit),
                Event::Tapped { conn, peer, direction, messages } => self.record(conn, peer, direction, &messages),
                _ => {}
            }
        }
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.flush()
        {
            self.stop_recording(&error);
        }
        left
    }

    fn record(&mut self, conn: ConnId, peer: PeerId, direction: Direction, messages: &[u8]) {
        let (Some(recorder), Some(line)) = (&mut self.recorder, self.lines.of(conn)) else { return };
        let negotiated = self.speaker.session(conn).and_then(bgp_fsm::Session::negotiated);
        let configured = self.speaker.peer(peer).map(|peer| peer.config.rib.asn());
        let add_path = |context: &bgp_wire::Context| match direction {
            Direction::Received => !context.add_path_receive().is_empty(),
            Direction::Sent => !context.add_path_send().is_empty(),
        };
        let ends = Ends {
            peer: line.remote,
            local: line.local,
            peer_as: negotiated.map(|negotiated| negotiated.peer_as).or(configured).unwrap_or_default(),
            local_as: self.settings.local_as,
            four_octet_as: negotiated.is_none_or(|negotiated| negotiated.context.four_octet_as()),
            add_path: negotiated.is_some_and(|negotiated| add_path(&negotiated.context)),
        };
        if let Err(error) = recorder.write(&ends, direction, messages) {
            self.stop_recording(&error);
        }
    }

    /// A disk that is full must not end the sessions.
    fn stop_recording(&mut self, error: &io::Error) {
        self.recorder = None;
        peers::report(format_args!("messages are not recorded any more: {error}"));
    }
}

/// The signals, in the order of their keys: one that shows, one that reloads, two that end.
fn signals(poller: &Poller) -> io::Result<Vec<UnixStream>> {
    let mut streams = Vec::new();
    for (place, signal) in (0..).zip([libc::SIGUSR1, libc::SIGHUP, libc::SIGTERM, libc::SIGINT]) {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(signal, write)?;
        poller.add(&read, Key::Signal(place), Interest::READ)?;
        streams.push(read);
    }
    Ok(streams)
}

/// As many connections as are asked for, and as there can be descriptors.
fn most_connections(settings: &Settings) -> usize {
    settings.most_connections.min(descriptors().saturating_sub(SPARE)).max(1)
}

/// How many descriptors there can be: as many as the system lets us have.
fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let lower = getrlimit(Resource::Nofile);
    let mut limit = lower;
    limit.current = limit.maximum;
    let limit = if setrlimit(Resource::Nofile, limit).is_ok() { limit } else { lower };
    limit.current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// From the system's random source, which keys the standard library's hash maps.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The key of the signal that shows the state.
const SHOW: u32 = 0;
/// The key of the signal that has the settings read again.
const RELOAD: u32 = 1;
/// Descriptors that are for no peer: listening sockets, signals, status.
const SPARE: usize = 64;
/// Octets that one read takes at most.
const READ: usize = 256 * 1024;
/// Calls of `process` before the sockets are looked at again.
const SLICES: u32 = 16;
/// How long the last words to all peers may take.
const GOODBYE: Duration = Duration::from_secs(6);
