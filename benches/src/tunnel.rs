//! Datagrams into an IPIP tunnel and out of it, each scenario with the loop that is to be taken off its count.
#![expect(clippy::indexing_slicing, reason = "octets of a buffer that was made right here")]

use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipip::{Config, EcnMode, HEADROOM, Path, PeerTable, Tunnel, checksum};

use crate::input::{ENTRY, EXIT};

type Done = Result<(), Box<dyn Error>>;

/// The loop of [`encap`]: TTL and checksum are put back, so that each datagram is the same.
///
/// # Errors
/// None.
pub fn floor(iterations: u64) -> Done {
    let mut buffer = datagram(64);
    let original = head(&buffer);
    for _ in 0..iterations {
        black_box(restored(&mut buffer, original));
    }
    Ok(())
}

/// That loop, and 20 octets copied before the datagram: no checks at all.
///
/// # Errors
/// None.
pub fn copy(iterations: u64) -> Done {
    let mut buffer = datagram(64);
    let (original, header) = (head(&buffer), [0x45_u8; HEADROOM]);
    for _ in 0..iterations {
        let buffer = restored(&mut buffer, original);
        if let Some(room) = buffer.first_chunk_mut() {
            *room = *black_box(&header);
        }
        black_box(buffer);
    }
    Ok(())
}

/// One by one, with every check; inner datagrams of `len` octets.
///
/// # Errors
/// A datagram was refused.
pub fn encap(iterations: u64, len: u16) -> Done {
    let mut buffer = datagram(len);
    let original = head(&buffer);
    let (mut tunnel, path) = (Tunnel::new(Config::new(ENTRY, EcnMode::Normal), EXIT), Path::new(EXIT));
    for _ in 0..iterations {
        let buffer = restored(&mut buffer, original);
        black_box(tunnel.encap(&path, Duration::ZERO, buffer)?.octets());
    }
    Ok(())
}

/// In batches of 32; the loop of it is [`batch_floor`].
///
/// # Errors
/// A datagram was refused.
pub fn encap_batch(iterations: u64, len: u16) -> Done {
    let mut buffers = vec![datagram(len); BATCH];
    let original = head(&datagram(len));
    let (mut tunnel, path) = (Tunnel::new(Config::new(ENTRY, EcnMode::Normal), EXIT), Path::new(EXIT));
    let mut left = usize::try_from(iterations)?;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        let batch = buffers.iter_mut().take(count).map(|buffer| restored(buffer, original));
        tunnel.encap_each(&path, Duration::ZERO, batch, |result| {
            if let Ok(sent) = result {
                black_box(sent.octets());
            }
        });
    }
    if tunnel.counters().encapsulated == iterations { Ok(()) } else { Err("a datagram was refused".into()) }
}

/// The loop of [`encap_batch`].
///
/// # Errors
/// More iterations than memory.
pub fn batch_floor(iterations: u64) -> Done {
    let mut buffers = vec![datagram(64); BATCH];
    let original = head(&datagram(64));
    let mut left = usize::try_from(iterations)?;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        for buffer in buffers.iter_mut().take(count) {
            black_box(restored(buffer, original));
        }
    }
    Ok(())
}

/// One by one, with every check, both checksums and 1000 peers.
///
/// # Errors
/// A datagram was refused.
pub fn decap_1000_peers(iterations: u64, len: u16) -> Done {
    let mut packet = received(len)?;
    let mut memory = vec![Ipv4Addr::UNSPECIFIED; 2048];
    let mut tunnel = Tunnel::new(Config::new(EXIT, EcnMode::Normal), peers(&mut memory)?);
    for _ in 0..iterations {
        black_box(&*tunnel.decap(black_box(&mut packet[..]))?.inner);
    }
    Ok(())
}

/// The same in batches of 32; the loop of it is [`decap_batch_floor`].
///
/// # Errors
/// A datagram was refused.
pub fn decap_batch(iterations: u64, len: u16) -> Done {
    let mut packets = vec![received(len)?; BATCH];
    let mut memory = vec![Ipv4Addr::UNSPECIFIED; 2048];
    let mut tunnel = Tunnel::new(Config::new(EXIT, EcnMode::Normal), peers(&mut memory)?);
    let mut left = usize::try_from(iterations)?;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        let batch = black_box(&mut packets).iter_mut().take(count).map(|packet| &mut packet[..]);
        tunnel.decap_each(batch, |result| {
            if let Ok(got) = result {
                black_box(&*got.inner);
            }
        });
    }
    if tunnel.counters().decapsulated == iterations { Ok(()) } else { Err("a datagram was refused".into()) }
}

/// The loop of [`decap_batch`].
///
/// # Errors
/// More iterations than memory.
pub fn decap_batch_floor(iterations: u64) -> Done {
    let mut packets = vec![datagram(64); BATCH];
    let mut left = usize::try_from(iterations)?;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        for packet in black_box(&mut packets).iter_mut().take(count) {
            black_box(&packet[..]);
        }
    }
    Ok(())
}

/// The loop of [`decap_1000_peers`].
///
/// # Errors
/// None.
pub fn decap_floor(iterations: u64) -> Done {
    let mut packet = datagram(64);
    for _ in 0..iterations {
        black_box(&*black_box(&mut packet[..]));
    }
    Ok(())
}

/// A datagram as it comes to the exit.
fn received(len: u16) -> Result<Vec<u8>, ipip::Error> {
    let mut packet = datagram(len);
    Tunnel::new(Config::new(ENTRY, EcnMode::Normal), EXIT).encap(&Path::new(EXIT), Duration::ZERO, &mut packet)?;
    Ok(packet)
}

/// 1000 peers, the entry among them.
fn peers(memory: &mut [Ipv4Addr]) -> Result<PeerTable<'_>, Box<dyn Error>> {
    let mut peers = PeerTable::new(memory, 0x5eed).ok_or("no power of two")?;
    let mut all = (0..1000).map(|number| match number {
        500 => ENTRY,
        _ => Ipv4Addr::from_bits(0x0a00_0001 + number * 7919),
    });
    if all.all(|peer| peers.insert(peer)) { Ok(peers) } else { Err("no room for 1000 peers".into()) }
}

/// A UDP datagram of `len` octets with DF and TTL 64, behind the headroom.
fn datagram(len: u16) -> Vec<u8> {
    let [l0, l1] = len.to_be_bytes();
    let mut header = [0x45, 0, l0, l1, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 244, 36, 65, 10, 244, 169, 130];
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    let mut buffer = vec![0; HEADROOM + usize::from(len)];
    buffer[HEADROOM..2 * HEADROOM].copy_from_slice(&header);
    buffer
}

/// TTL, protocol and checksum.
fn head(buffer: &[u8]) -> [u8; 4] {
    [buffer[28], buffer[29], buffer[30], buffer[31]]
}

/// The datagram as it was before it went into the tunnel, of which the compiler knows nothing.
fn restored(buffer: &mut [u8], head: [u8; 4]) -> &mut [u8] {
    buffer[28..32].copy_from_slice(&head);
    black_box(buffer)
}

const BATCH: usize = 32;
