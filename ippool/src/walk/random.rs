//! The additive lagged Fibonacci generator of Go's `math/rand`, which chooses where a walk starts.

use super::table::ADVANCED;

/// The longer lag: the words of state.
pub(super) const LEN: usize = 607;

/// Where the second of the two words starts that are added: `LEN` less the shorter lag, 273.
pub(super) const FEED: usize = 334;

/// The generator's state.
pub(super) struct Random {
    words: [u64; LEN],
    tap: usize,
    feed: usize,
}

impl Random {
    /// The state that follows from a seed: the words of the linear generator, mixed into those of an additive
    /// generator that is far advanced.
    pub(super) fn new(seed: u64) -> Self {
        let mut linear = Linear::new(seed);
        Self { words: ADVANCED.map(|advanced| linear.word(40, 20) ^ advanced), tap: 0, feed: FEED }
    }

    /// A number of that many bits, all equally likely: Go's draw below 2^bits from a big integer.
    ///
    /// Its limit has one bit more than the result, so that a draw has too, and is thrown away if that bit is set. At
    /// 128 bits that is the lowest bit of a third word.
    pub(super) fn below_power_of_two(&mut self, bits: u8) -> u128 {
        loop {
            let mut draw = u128::from(self.word());
            let mut above = 0;
            if bits >= 64 {
                draw |= u128::from(self.word()) << 64;
            }
            if bits >= 128 {
                above = self.word() & 1;
            }
            let in_range = u128::MAX.checked_shr(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0);
            let drawn = in_range.wrapping_shl(1) | 1;
            let draw = draw & if bits >= 128 { u128::MAX } else { drawn };
            if draw <= in_range && above == 0 {
                return draw;
            }
        }
    }

    /// A word of two draws, the lower half first.
    fn word(&mut self) -> u64 {
        let low = self.half();
        low | self.half() << 32
    }

    /// A draw of 32 bits: of 63 bits those at the top.
    fn half(&mut self) -> u64 {
        (self.step() & (u64::MAX >> 1)) >> 31
    }

    /// The next word of the sequence: the sum of two earlier ones, which takes the place of the older.
    fn step(&mut self) -> u64 {
        self.tap = self.tap.checked_sub(1).unwrap_or(LEN - 1);
        self.feed = self.feed.checked_sub(1).unwrap_or(LEN - 1);
        let tapped = self.words.get(self.tap).copied().unwrap_or(0);
        let Some(fed) = self.words.get_mut(self.feed) else { return tapped };
        *fed = fed.wrapping_add(tapped);
        *fed
    }
}

/// The linear congruential generator that fills the state: x := 48271 x mod 2^31-1.
pub(super) struct Linear(u64);

impl Linear {
    const MODULUS: u64 = (1 << 31) - 1;

    /// Seeded, and with the first 20 numbers thrown away.
    pub(super) fn new(seed: u64) -> Self {
        let seed = seed % Self::MODULUS;
        // Zero would stay zero.
        let mut linear = Self(if seed == 0 { 89_482_311 } else { seed });
        for _ in 0..20 {
            linear.step();
        }
        linear
    }

    /// A word of three numbers, the first two shifted to the left.
    pub(super) fn word(&mut self, first: u32, second: u32) -> u64 {
        let high = self.step() << first;
        let middle = self.step() << second;
        high ^ middle ^ self.step()
    }

    fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(48_271) % Self::MODULUS;
        self.0
    }
}
