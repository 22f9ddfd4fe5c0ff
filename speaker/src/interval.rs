//! The time between announcements (RFC 4271 section 9.2.1.1): they wait, withdrawals do not.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bgp_fsm::{Instant, Jitter};
use bgp_wire::attr::NextHop;
use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{Context, Family, MAX_LEN_EXTENDED, Packer, PathId, UpdateView, frame};
use bytes::{Bytes, BytesMut};
use ipnet::IpNet;

/// What waits for one peer.
///
/// What comes while nothing waits goes through, until all that was due has been told; then the time begins, and what
/// is announced until its end is kept, each route once, with its last state. That is no more than the peer's table.
#[derive(Debug)]
pub(crate) struct Interval {
    phase: Phase,
    waiting: BTreeMap<(IpNet, Option<PathId>), Waiting>,
    /// Counts the attribute blocks.
    blocks: u64,
    jitter: Jitter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// What comes goes through.
    Open,
    /// Likewise, and some of it was an announcement.
    Telling,
    /// All has been told, but the socket has not taken it: announcements wait, and the time is yet to begin.
    Told,
    /// Announcements wait.
    Closed(Instant),
}

/// A route as it is to be announced.
#[derive(Debug)]
struct Waiting {
    /// Routes of one UPDATE have the same number, and go out in one again.
    block: u64,
    attributes: Arc<[u8]>,
    next_hop: NextHop,
}

impl Interval {
    pub(crate) fn new(seed: u64) -> Interval {
        Interval { phase: Phase::Open, waiting: BTreeMap::new(), blocks: 0, jitter: Jitter::new(seed) }
    }

    /// Whole messages on their way to the peer: what of them goes now.
    pub(crate) fn take(&mut self, messages: Bytes, context: &Context) -> Bytes {
        let sent = as_received(context);
        let mut packer = Packer::new(context);
        let (mut out, mut kept) = (BytesMut::new(), false);
        let mut rest: &[u8] = &messages;
        while let Ok(Some((message, tail))) = frame(rest, MAX_LEN_EXTENDED) {
            rest = tail;
            match UpdateView::decode(message, &sent) {
                Ok(update) if update.end_of_rib().is_none() => {
                    if update.announced().next().is_none() {
                        self.forget_withdrawn(&update);
                        out.extend_from_slice(message);
                    } else if !self.is_closed() {
                        self.phase = Phase::Telling;
                        out.extend_from_slice(message);
                    } else if update.announced().all(|announced| is_unicast(announced.family)) {
                        kept = true;
                        self.forget_withdrawn(&update);
                        for withdrawn in update.withdrawn() {
                            // It was packed for the same session.
                            let _ = packer.withdraw(&mut out, withdrawn.family, withdrawn.nlri);
                        }
                        self.keep(&update);
                    } else {
                        out.extend_from_slice(message);
                    }
                }
                // The answer to a ROUTE-REFRESH, and the end of a table: all before it is told before it.
                _ => {
                    if self.is_closed() {
                        self.phase = Phase::Telling;
                        self.flush(&mut packer, &mut out);
                    }
                    out.extend_from_slice(message);
                }
            }
        }
        // Mostly nothing is to wait.
        if kept || out.len() != messages.len() { out.freeze() } else { messages }
    }

    /// All that was due has been told.
    pub(crate) fn all_told(&mut self) {
        if self.phase == Phase::Telling {
            self.phase = Phase::Told;
        }
    }

    /// The socket has taken it: the time begins. False: it does not.
    pub(crate) fn begin(&mut self, now: Instant, interval: Duration, jittered: bool) -> bool {
        let begins = self.phase == Phase::Told;
        if begins {
            let time = if jittered { self.jitter.applied(interval) } else { interval };
            self.phase = now.checked_add(time).map_or(Phase::Open, Phase::Closed);
        }
        begins
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Told | Phase::Closed(_))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Closed(at) => Some(at),
            Phase::Open | Phase::Telling | Phase::Told => None,
        }
    }

    /// The time is over: what has waited.
    pub(crate) fn open(&mut self, context: &Context) -> Bytes {
        let mut out = BytesMut::new();
        self.phase = Phase::Open;
        self.flush(&mut Packer::new(context), &mut out);
        out.freeze()
    }

    /// The whole table is told again: nothing of what waits is needed.
    pub(crate) fn begin_anew(&mut self) {
        self.waiting.clear();
        self.phase = Phase::Telling;
    }

    fn keep(&mut self, update: &UpdateView<'_>) {
        let mut attributes = Vec::new();
        update.write_canonical(&mut attributes);
        let attributes: Arc<[u8]> = attributes.into();
        self.blocks = self.blocks.wrapping_add(1);
        for announced in update.announced() {
            for route in announced.nlri {
                if let Some(prefix) = route.nlri.prefix() {
                    let waiting =
                        Waiting { block: self.blocks, attributes: attributes.clone(), next_hop: announced.next_hop };
                    self.waiting.insert((prefix, route.path_id), waiting);
                }
            }
        }
    }

    fn forget_withdrawn(&mut self, update: &UpdateView<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        for route in update.withdrawn().flat_map(|withdrawn| withdrawn.nlri) {
            if let Some(prefix) = route.nlri.prefix() {
                self.waiting.remove(&(prefix, route.path_id));
            }
        }
    }

    fn flush(&mut self, packer: &mut Packer, out: &mut BytesMut) {
        let mut all: Vec<_> = core::mem::take(&mut self.waiting).into_iter().collect();
        if !all.is_empty() {
            self.phase = Phase::Telling;
        }
        let group = |((prefix, _), waiting): &((IpNet, Option<PathId>), Waiting)| (waiting.block, family(*prefix));
        all.sort_by_key(group);
        for routes in all.chunk_by(|one, other| group(one) == group(other)) {
            let Some(((first, _), waiting)) = routes.first() else { continue };
            let nlri = routes.iter().map(|((prefix, path_id), _)| path_nlri(*prefix, *path_id));
            // It was packed for the same session.
            let _ = packer.announce(out, &waiting.attributes, waiting.next_hop, family(*first), nlri);
        }
    }
}

/// What a peer has to know to read what is sent to it.
fn as_received(context: &Context) -> Context {
    context
        .with_add_path_receive(context.add_path_send())
        .with_max_receive(context.max_send())
        .with_reject_as_sets(false)
        .with_enforce_first_as(false)
}

fn is_unicast(family: Family) -> bool {
    matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST)
}

fn family(prefix: IpNet) -> Family {
    match prefix {
        IpNet::V4(_) => Family::IPV4_UNICAST,
        IpNet::V6(_) => Family::IPV6_UNICAST,
    }
}

fn path_nlri(prefix: IpNet, path_id: Option<PathId>) -> PathNlri<'static> {
    PathNlri { path_id, nlri: NlriRef::from(prefix) }
}
