//! Outer fragments of the tunnels with IPv6 (RFC 8200 section 4.5, RFC 5722; RFC 791 for 6in4).

use core::time::Duration;

use crate::reassembly::{Key, Piece};
use crate::{Reason, Reassembly};

use super::header::{Header, LEN};
use super::{Ends, Error, PeerSet, Tunnel};

impl<P: PeerSet> Tunnel<P> {
    /// Takes a fragment of an outer datagram, which [`Tunnel::decap`] refuses with `OuterFragment`. Gives the whole outer
    /// datagram, ready for `decap`, when this fragment completes it. A fragment that is whole in itself (RFC 6946) needs
    /// no reassembly: `decap` takes it.
    ///
    /// Options before the fragment header are checked with each fragment, and are not part of what is given.
    ///
    /// # Errors
    /// The fragment is dropped and counted. Of the outer header as in [`Tunnel::decap`], so that nobody but peers fills
    /// the buffer (with [`Embedding`](super::Embedding) anybody may); `OuterBadHeader` (length no multiple of 8),
    /// `OuterOverlap`, `OuterTooLong`, `EcnDrop`, with which what was held of the datagram is dropped too; `NotIpip` for
    /// an IPv6 datagram that is no fragment.
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{EcnMode, Reason, Reassembly, v6::{Config, Ends, Tunnel}};
    /// # let ends = Ends::V4 { local: Ipv4Addr::new(192, 0, 2, 1), remote: Ipv4Addr::new(192, 0, 2, 2) };
    /// let mut tunnel = Tunnel::new(Config::new(ends, EcnMode::Normal));
    /// let mut buffer = [0; 2048];
    /// let mut reassembly = Reassembly::new(&mut buffer);
    /// # let mut received = [0; 60];
    /// match tunnel.decap(&mut received) {
    ///     Err(error) if error.reason == Reason::OuterFragment => {
    ///         if let Some(whole) = tunnel.reassemble(&mut reassembly, Duration::ZERO, &received)? {
    ///             tunnel.decap(whole)?;
    ///         }
    ///     }
    ///     _ => {}
    /// }
    /// # Ok::<(), ipip::v6::Error>(())
    /// ```
    pub fn reassemble<'r>(
        &mut self,
        reassembly: &'r mut Reassembly<'_>,
        now: Duration,
        packet: &[u8],
    ) -> Result<Option<&'r mut [u8]>, Error> {
        let result = match self.config.ends {
            Ends::V4 { .. } => self.outer_v4(packet, true).and_then(|outer| {
                let payload = packet.get(outer.len()..outer.total()).unwrap_or_default();
                Ok(reassembly.push(now, &outer, payload)?)
            }),
            Ends::V6 { .. } => self.reassemble_v6(reassembly, now, packet),
        };
        if let Err(error) = &result {
            self.counters.drop_for(error.reason);
        }
        result
    }

    fn reassemble_v6<'r>(
        &self,
        reassembly: &'r mut Reassembly<'_>,
        now: Duration,
        packet: &[u8],
    ) -> Result<Option<&'r mut [u8]>, Error> {
        let Ends::V6 { local, .. } = self.config.ends else { return Err(Error::new(Reason::OuterNotIpv4, 0)) };
        let (outer, behind) = self.outer_v6(packet, local)?;
        let Some(fragment) = behind.fragment.filter(|fragment| !fragment.is_atomic()) else {
            return Err(Error::new(Reason::NotIpip, 6));
        };
        let piece = Piece {
            key: Key {
                source: outer.source.into(),
                destination: outer.destination.into(),
                ident: fragment.ident,
                protocol: 0,
            },
            header_len: LEN,
            most: u16::MAX.into(),
            timeout: Reassembly::TIMEOUT_V6,
            tos: outer.class,
            next: fragment.next,
            start: fragment.start(),
            more: fragment.more(),
            payload: packet.get(behind.offset..outer.total()).unwrap_or_default(),
            length: (4, outer.payload_len),
            field: (fragment.at + 2, fragment.field),
        };
        let Some(done) = reassembly.take(now, &piece)? else { return Ok(None) };
        let payload_len = u16::try_from(done.held).map_err(|_| Error::new(Reason::OuterTooLong, 4))?;
        let header = Header { class: done.tos, payload_len, next: done.next, ..outer };
        let whole = reassembly.room(LEN + done.held);
        header.write(whole).ok_or(Error::new(Reason::OuterTooLong, 4))?;
        Ok(Some(whole))
    }
}
