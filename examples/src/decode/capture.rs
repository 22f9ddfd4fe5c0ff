//! The BGP octets of a capture (pcap, pcapng): one stream for each direction of each TCP connection of port 179.

use std::net::{IpAddr, SocketAddr};

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// One direction of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// Who sends.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What was sent, in order, up to the first octet that was not captured.
    pub octets: Vec<u8>,
    /// Octets that were captured behind a gap and are left out.
    pub lost: usize,
}

/// Why a file is no capture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// It does not begin as a capture does, or a block is malformed.
    #[error("not a pcap or pcapng file: {0}")]
    Format(String),
}

/// A direction of a connection while segments are collected.
struct Flow {
    from: SocketAddr,
    to: SocketAddr,
    /// The sequence number of the first octet.
    first: u32,
    segments: Vec<(u32, Vec<u8>)>,
}

/// The streams of a capture, in the order in which they begin.
///
/// # Errors
/// If the file is no capture. A capture that is cut off gives what there is.
pub fn streams(file: &[u8]) -> Result<Vec<Stream>, CaptureError> {
    let mut flows: Vec<Flow> = Vec::new();
    for_each_packet(file, |link, packet| {
        let sliced = match link {
            Linktype::ETHERNET => SlicedPacket::from_ethernet(packet),
            Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(packet),
            // The address family, in the byte order of whoever captured.
            Linktype::NULL => SlicedPacket::from_ip(packet.get(4..).unwrap_or_default()),
            Linktype(276) => SlicedPacket::from_ip(packet.get(20..).unwrap_or_default()),
            _ => SlicedPacket::from_ip(packet),
        };
        if let Ok(sliced) = sliced {
            add(&mut flows, &sliced);
        }
    })?;
    Ok(flows.into_iter().map(Flow::assembled).collect())
}

fn add(flows: &mut Vec<Flow>, packet: &SlicedPacket<'_>) {
    let (source, destination): (IpAddr, IpAddr) = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        Some(NetSlice::Ipv6(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return,
    };
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return };
    let from = SocketAddr::new(source, tcp.source_port());
    let to = SocketAddr::new(destination, tcp.destination_port());
    if from.port() != PORT && to.port() != PORT {
        return;
    }
    // A SYN takes a number of its own.
    let number = tcp.sequence_number().wrapping_add(u32::from(tcp.syn()));
    let place = match flows.iter().position(|flow| flow.from == from && flow.to == to) {
        Some(place) if !tcp.syn() => place,
        // A new connection of the same ports is another stream.
        _ => {
            flows.push(Flow { from, to, first: number, segments: Vec::new() });
            flows.len() - 1
        }
    };
    if let Some(flow) = flows.get_mut(place)
        && !tcp.payload().is_empty()
    {
        flow.segments.push((number.wrapping_sub(flow.first), tcp.payload().to_vec()));
    }
}

impl Flow {
    fn assembled(mut self) -> Stream {
        self.segments.sort_by_key(|(at, _)| *at);
        let (mut octets, mut lost) = (Vec::new(), 0);
        for (at, segment) in self.segments {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            match octets.len().checked_sub(at) {
                // What was sent again is left out.
                Some(known) => octets.extend_from_slice(segment.get(known..).unwrap_or_default()),
                None => lost += segment.len(),
            }
        }
        Stream { from: self.from, to: self.to, octets, lost }
    }
}

fn for_each_packet(file: &[u8], mut each: impl FnMut(Linktype, &[u8])) -> Result<(), CaptureError> {
    let mut reader = create_reader(CAPACITY, file).map_err(|error| CaptureError::Format(error.to_string()))?;
    let (mut legacy, mut interfaces) = (Linktype::ETHERNET, Vec::new());
    loop {
        let used = match reader.next() {
            Ok((used, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => legacy = header.network,
                    PcapBlockOwned::Legacy(packet) => each(legacy, packet.data),
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => interfaces.push(interface.linktype),
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let interface = usize::try_from(packet.if_id).unwrap_or(usize::MAX);
                        let len = usize::try_from(packet.caplen).unwrap_or(usize::MAX);
                        let data = packet.data.get(..len).unwrap_or(packet.data);
                        each(interfaces.get(interface).copied().unwrap_or(Linktype::ETHERNET), data);
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                        each(interfaces.first().copied().unwrap_or(Linktype::ETHERNET), packet.data);
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                used
            }
            Err(PcapError::Eof | PcapError::UnexpectedEof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                if reader.reader_exhausted() {
                    return Ok(());
                }
                reader.refill().map_err(|error| CaptureError::Format(error.to_string()))?;
                continue;
            }
            Err(error) => return Err(CaptureError::Format(error.to_string())),
        };
        reader.consume(used);
    }
}

/// The port of BGP.
const PORT: u16 = 179;
/// The largest block that is read.
const CAPACITY: usize = 1 << 20;
