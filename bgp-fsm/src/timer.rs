//! The timers of one session: a table of their kinds, and their deadlines.

use core::fmt;
use core::time::Duration;

use crate::Instant;

macro_rules! timers {
    ($( $(#[$meta:meta])* $Name:ident, $jitter:literal; )*) => {
        /// A timer of the session (RFC 4271 section 8.1.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Timer { $( $(#[$meta])* $Name, )* }

        impl Timer {
            /// All timers; of those due at the same time, the first goes first.
            pub const ALL: &'static [Self] = &[$(Self::$Name),*];

            /// Whether the time is jittered, multiplied by a number from 0.75 to 1: where RFC 4271 section 10 asks for it, and
            /// for IdleHold.
            #[must_use]
            pub const fn has_jitter(self) -> bool {
                match self { $( Self::$Name => $jitter, )* }
            }

            /// The name without "Timer".
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Name => stringify!($Name), )* }
            }

            const COUNT: usize = [$(Self::$Name),*].len();

            const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

timers! {
    /// How long the peer may be silent; in OpenSent, how long its OPEN may take.
    Hold, false;
    /// How long our socket may take nothing (RFC 9687).
    SendHold, false;
    /// When the next KEEPALIVE is due.
    Keepalive, true;
    /// When the next attempt to connect is due.
    ConnectRetry, true;
    /// How long we wait for the peer's OPEN before we send ours.
    DelayOpen, false;
    /// How long a session that failed stays in Idle. Jittered, though RFC 4271 section 10 does not name it: two ends that
    /// failed together would else dial together for ever.
    IdleHold, true;
    /// How long BFD may take to come up (draft-ietf-idr-bgp-bfd-strict-mode).
    BfdHold, false;
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The deadlines of the timers that run.
///
/// HoldTimer, which every message of the peer moves, stands alone: moving it is one store, and the first of the others is
/// kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    hold: Option<Instant>,
    /// All but HoldTimer, whose place stays empty.
    others: [Option<Instant>; Timer::COUNT],
    /// The first of them.
    first_other: Option<Instant>,
}

impl Timers {
    /// When `timer` expires; `None` if it does not run.
    #[must_use]
    pub fn deadline(&self, timer: Timer) -> Option<Instant> {
        match timer {
            Timer::Hold => self.hold,
            other => self.others.get(other.index()).copied().flatten(),
        }
    }

    /// Whether `timer` runs.
    #[must_use]
    pub fn is_running(&self, timer: Timer) -> bool {
        self.deadline(timer).is_some()
    }

    /// The timer that expires first, and when.
    #[must_use]
    pub fn first(&self) -> Option<(Timer, Instant)> {
        let running = Timer::ALL.iter().filter_map(|timer| Some((*timer, self.deadline(*timer)?)));
        running.min_by_key(|(timer, deadline)| (*deadline, *timer))
    }

    /// The deadline of [`first`](Self::first).
    #[must_use]
    #[inline]
    pub fn next(&self) -> Option<Instant> {
        Instant::sooner(self.hold, self.first_other)
    }

    #[inline]
    pub(crate) const fn set_hold(&mut self, deadline: Option<Instant>) {
        self.hold = deadline;
    }

    pub(crate) fn set(&mut self, timer: Timer, deadline: Instant) {
        self.put(timer, Some(deadline));
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.put(timer, None);
    }

    pub(crate) fn stop_all(&mut self) {
        *self = Self::default();
    }

    /// The clock went back from `before` to `now`: what is left of each timer stays the same.
    pub(crate) fn rewind(&mut self, before: Instant, now: Instant) {
        for timer in Timer::ALL {
            if let Some(deadline) = self.deadline(*timer) {
                self.set(*timer, deadline.saturating_sub(before - now).max(now));
            }
        }
    }

    fn put(&mut self, timer: Timer, deadline: Option<Instant>) {
        match timer {
            Timer::Hold => self.hold = deadline,
            other => {
                if let Some(slot) = self.others.get_mut(other.index()) {
                    *slot = deadline;
                }
                self.first_other = self.others.iter().fold(None, |first, other| Instant::sooner(first, *other));
            }
        }
    }
}

/// The jitter of timers (RFC 4271 section 10), out of a seed.
///
/// ```
/// use bgp_fsm::Jitter;
/// use core::time::Duration;
/// let time = Jitter::new(7).applied(Duration::from_secs(30));
/// assert!((Duration::from_millis(22_500)..=Duration::from_secs(30)).contains(&time));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// A sequence that the seed decides.
    #[must_use]
    pub const fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    /// The time multiplied by the next number from 0.75 to 1.
    pub fn applied(&mut self, time: Duration) -> Duration {
        time.saturating_mul(self.thousandths()) / 1000
    }

    /// A number from 750 to 1000, by `SplitMix64`.
    fn thousandths(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        750 + u32::try_from(z % 251).unwrap_or(250)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4271_10_jitter_covers_three_quarters_to_one() {
        let mut random = Jitter::new(7);
        let drawn: alloc::vec::Vec<u32> = (0..10_000).map(|_| random.thousandths()).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&750), Some(&1000)));
    }

    #[test]
    fn the_first_deadline_wins_and_the_table_breaks_ties() {
        let mut timers = Timers::default();
        assert_eq!(timers.first(), None);
        timers.set(Timer::Keepalive, Instant::from_secs(9));
        timers.set(Timer::Hold, Instant::from_secs(9));
        assert_eq!(timers.first(), Some((Timer::Hold, Instant::from_secs(9))));
        timers.set(Timer::Keepalive, Instant::from_secs(8));
        assert_eq!(timers.first(), Some((Timer::Keepalive, Instant::from_secs(8))));
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_is_the_first_of_all(changes in proptest::collection::vec((0..Timer::COUNT, 0u64..20), 1..40)) {
            let mut timers = Timers::default();
            for (timer, nanos) in changes {
                match nanos {
                    0 => timers.stop(Timer::ALL[timer]),
                    _ => timers.set(Timer::ALL[timer], Instant::from_nanos(nanos)),
                }
                proptest::prop_assert_eq!(timers.next(), timers.first().map(|(_, deadline)| deadline));
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_leaves_what_is_left() {
        let mut timers = Timers::default();
        timers.set(Timer::Hold, Instant::from_secs(190));
        timers.rewind(Instant::from_secs(100), Instant::from_secs(1));
        let left = timers.deadline(Timer::Hold).map(|at| at - Instant::from_secs(1));
        assert_eq!(left, Some(Duration::from_secs(90)));
    }
}
