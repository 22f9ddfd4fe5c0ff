//! The Unix socket that answers each connection with one document.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::poller::{Interest, Key, Poller};

/// The socket, and those who have not read all of their answer.
#[derive(Debug)]
pub(super) struct StatusSocket {
    path: PathBuf,
    listener: UnixListener,
    /// The oldest first: one too many takes the place of the oldest.
    clients: VecDeque<Client>,
    next: u32,
}

#[derive(Debug)]
struct Client {
    key: u32,
    stream: UnixStream,
    rest: Vec<u8>,
    sent: usize,
}

impl StatusSocket {
    /// Opens the socket. One that nobody listens on any more is replaced; a file of another kind is not.
    pub(super) fn open(path: &Path, poller: &Poller) -> io::Result<StatusSocket> {
        if path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket()) {
            if UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = StatusSocket { path: path.to_owned(), listener, clients: VecDeque::new(), next: 0 };
        socket.listener.set_nonblocking(true)?;
        poller.add(&socket.listener, Key::StatusListener, Interest::READ)?;
        Ok(socket)
    }

    /// Answers those who have come.
    pub(super) fn accept(&mut self, poller: &Poller, document: impl Fn() -> String) {
        for _ in 0..CLIENTS {
            let Ok((stream, _)) = self.listener.accept() else { return };
            let key = self.next;
            self.next = self.next.wrapping_add(1);
            let ready = stream.set_nonblocking(true);
            if ready.and_then(|()| poller.add(&stream, Key::StatusClient(key), Interest::WRITE)).is_ok() {
                if self.clients.len() >= CLIENTS {
                    self.clients.pop_front();
                }
                self.clients.push_back(Client { key, stream, rest: document().into_bytes(), sent: 0 });
            }
        }
    }

    /// Goes on with an answer; the end of it is the end of the connection.
    pub(super) fn write(&mut self, key: u32) {
        let Some(place) = self.clients.iter().position(|client| client.key == key) else { return };
        let Some(client) = self.clients.get_mut(place) else { return };
        let rest = client.rest.get(client.sent..).unwrap_or_default();
        match client.stream.write(rest) {
            Ok(count) if count < rest.len() => client.sent = client.sent.saturating_add(count),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            _ => {
                self.clients.remove(place);
            }
        }
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Answers under way at most.
const CLIENTS: usize = 16;
