//! Every message of every session, written as MRT (RFC 6396 section 4.4, RFC 8050 section 3).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::SystemTime;

use bgp_speaker::Direction;
use bgp_wire::mrt::{BgpMessage, Content, Session, Timestamp};
use bgp_wire::{Asn, MAX_LEN_EXTENDED, frame};
use bytes::BytesMut;

/// The file.
#[derive(Debug)]
pub(super) struct Recorder {
    out: BufWriter<File>,
    record: BytesMut,
}

/// Whose messages they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) peer: SocketAddr,
    pub(super) local: Option<SocketAddr>,
    pub(super) peer_as: Asn,
    pub(super) local_as: Asn,
    /// How its UPDATEs are written.
    pub(super) four_octet_as: bool,
    pub(super) add_path: bool,
}

impl Recorder {
    /// Goes on at the end of the file.
    pub(super) fn open(path: &Path) -> io::Result<Recorder> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Recorder { out: BufWriter::with_capacity(BUFFER, file), record: BytesMut::new() })
    }

    /// Writes whole messages.
    pub(super) fn write(&mut self, ends: &Ends, direction: Direction, messages: &[u8]) -> io::Result<()> {
        let peer_addr = ends.peer.ip();
        let unknown = if peer_addr.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let session = Session {
            peer_as: ends.peer_as,
            local_as: ends.local_as,
            interface: 0,
            peer_addr,
            local_addr: ends.local.map_or(unknown, |local| local.ip()),
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // 32 bits of seconds, which RFC 6396 has until 2106.
        let seconds = u32::try_from(since.as_secs()).unwrap_or(u32::MAX);
        let time = Timestamp { seconds, micros: Some(since.subsec_micros()) };
        let mut rest = messages;
        while let Ok(Some((message, tail))) = frame(rest, MAX_LEN_EXTENDED) {
            rest = tail;
            let content = Content::Message(BgpMessage {
                session,
                four_octet_as: ends.four_octet_as,
                local: direction == Direction::Sent,
                add_path: ends.add_path,
                message,
            });
            self.record.clear();
            content.encode(time, &mut self.record).map_err(io::Error::other)?;
            self.out.write_all(&self.record)?;
        }
        Ok(())
    }

    /// What has been written is in the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Octets that are gathered before they are written.
const BUFFER: usize = 256 * 1024;
