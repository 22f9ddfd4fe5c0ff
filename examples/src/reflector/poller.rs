//! What the reflector waits for: epoll, level-triggered, with a key for every descriptor.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// What a descriptor is, with its place in the table of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Listener(u32),
    Signal(u32),
    StatusListener,
    StatusClient(u32),
    HttpListener,
    HttpClient(u32),
    Line(u32),
}

/// What a descriptor is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interest {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Interest {
    pub(super) const READ: Interest = Interest { read: true, write: false };
    pub(super) const WRITE: Interest = Interest { read: false, write: true };
    pub(super) const BOTH: Interest = Interest { read: true, write: true };

    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.read);
        flags.set(EventFlags::OUT, self.write);
        flags
    }
}

/// A descriptor that can do what it was waited for, or has failed, which a read or write then tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) key: Key,
    pub(super) read: bool,
    pub(super) write: bool,
}

/// An epoll instance.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Poller").field(&self.epoll).finish()
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Poller> {
        Ok(Poller { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS) })
    }

    pub(super) fn add(&self, source: impl AsFd, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(pack(key)), interest.flags())?)
    }

    pub(super) fn modify(&self, source: impl AsFd, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, source, EventData::new_u64(pack(key)), interest.flags())?)
    }

    /// Waits for `timeout`, `None` = until something happens, and puts what is ready into `ready`.
    pub(super) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        // Rounded up to what epoll counts in: waking before the time would only mean to wait once more.
        let timeout = timeout.map(|timeout| {
            let millis = timeout.as_nanos().div_ceil(1_000_000).min(LONGEST);
            let (seconds, rest) = (millis / 1000, millis % 1000 * 1_000_000);
            Timespec { tv_sec: i64::try_from(seconds).unwrap_or(i64::MAX), tv_nsec: i64::try_from(rest).unwrap_or(0) }
        });
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let (flags, data) = (event.flags, event.data);
            let failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            if let Some(key) = unpack(data.u64()) {
                ready.push(Ready {
                    key,
                    read: failed || flags.contains(EventFlags::IN),
                    write: failed || flags.contains(EventFlags::OUT),
                });
            }
        }
        Ok(())
    }
}

fn pack(key: Key) -> u64 {
    let (kind, place) = match key {
        Key::Listener(place) => (0, place),
        Key::Signal(place) => (1, place),
        Key::StatusListener => (2, 0),
        Key::StatusClient(place) => (3, place),
        Key::Line(place) => (4, place),
        Key::HttpListener => (5, 0),
        Key::HttpClient(place) => (6, place),
    };
    kind << 32 | u64::from(place)
}

fn unpack(data: u64) -> Option<Key> {
    let place = u32::try_from(data & u64::from(u32::MAX)).ok()?;
    Some(match data >> 32 {
        0 => Key::Listener(place),
        1 => Key::Signal(place),
        2 => Key::StatusListener,
        3 => Key::StatusClient(place),
        4 => Key::Line(place),
        5 => Key::HttpListener,
        6 => Key::HttpClient(place),
        _ => return None,
    })
}

/// Milliseconds of the longest wait, an hour.
const LONGEST: u128 = 3_600_000;
/// Events taken with one call.
const EVENTS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_went_in() {
        for key in [Key::Listener(3), Key::Signal(0), Key::StatusListener, Key::StatusClient(7), Key::HttpListener]
            .into_iter()
            .chain([Key::HttpClient(9), Key::Line(u32::MAX)])
        {
            assert_eq!(unpack(pack(key)), Some(key));
        }
        assert_eq!(unpack(u64::MAX), None);
    }
}
