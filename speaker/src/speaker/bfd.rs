//! What BFD says about a peer (RFC 5882, RFC 9384, draft-ietf-idr-bgp-bfd-strict-mode).

use bgp_fsm::{Event as Input, Instant};
use bgp_rib::{AttrStore, PeerId};

use super::Speaker;
use crate::peer::Which;

impl Speaker {
    /// Says that the BFD session with a peer is up, or is not up any more. It counts where the session's `bfd` or
    /// `bfd_strict` is set: down ends the session with 6/10, and in strict mode no session is Established without it.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.set_bfd(&mut store, now, peer, true);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_bfd(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, up: bool) {
        let Some(known) = self.peer_mut(peer) else { return };
        known.bfd_up = up;
        let event = if up { Input::BfdUp } else { Input::BfdDown };
        for which in [Which::Second, Which::Main] {
            self.input(store, now, peer, which, event);
        }
    }
}
