//! The additive lagged Fibonacci generator of Go's `math/rand`, which chooses where a walk starts.

use super::table::ADVANCED;

/// The longer lag: the words of state.
pub(super) const LEN: usize = 607;

/// Where the second of the two words starts that are added: `LEN` less the shorter lag, 273.
pub(super) const FEED: usize = 334;

/// The generator's state.
///
/// The first [`FRESH`] numbers add words that nothing was written to yet, and the linear generator can jump to each of
/// those: a walk, which draws two to six numbers, never fills the whole state.
pub(super) struct Random {
    seed: u64,
    drawn: usize,
    /// All words, from the moment that one is needed that was written to.
    words: Option<[u64; LEN]>,
}

/// So many numbers can be drawn before a word is read that was written to.
const FRESH: usize = LEN - FEED;

impl Random {
    /// The state that follows from a seed: the words of the linear generator, mixed into those of an additive
    /// generator that is far advanced.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0, words: None }
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
        let (tap, feed) = (place(0, self.drawn), place(FEED, self.drawn));
        self.drawn = self.drawn.wrapping_add(1);
        if self.drawn <= FRESH {
            return initial(self.seed, tap).wrapping_add(initial(self.seed, feed));
        }
        let words = self.words.get_or_insert_with(|| {
            let mut linear = Linear::new(self.seed);
            let mut words = ADVANCED.map(|advanced| linear.word(40, 20) ^ advanced);
            for drawn in 0..FRESH {
                add(&mut words, place(0, drawn), place(FEED, drawn));
            }
            words
        });
        add(words, tap, feed)
    }
}

/// The index that started at `start` and was lowered once for each number drawn, and once for this one.
fn place(start: usize, drawn: usize) -> usize {
    (start + LEN - 1 - drawn % LEN) % LEN
}

/// A word of the state as it is seeded.
fn initial(seed: u64, index: usize) -> u64 {
    Linear::at(seed, index).word(40, 20) ^ ADVANCED.get(index).copied().unwrap_or(0)
}

fn add(words: &mut [u64; LEN], tap: usize, feed: usize) -> u64 {
    let tapped = words.get(tap).copied().unwrap_or(0);
    let Some(fed) = words.get_mut(feed) else { return tapped };
    *fed = fed.wrapping_add(tapped);
    *fed
}

/// The linear congruential generator that fills the state: x := 48271 x mod 2^31-1.
pub(super) struct Linear(u64);

impl Linear {
    const MODULUS: u64 = (1 << 31) - 1;
    const FACTOR: u64 = 48_271;

    /// Seeded, and with the first 20 numbers thrown away.
    pub(super) fn new(seed: u64) -> Self {
        Self::at(seed, 0)
    }

    /// The generator before its word number `index`: 20 numbers on, and three for each word.
    fn at(seed: u64, index: usize) -> Self {
        let seed = seed % Self::MODULUS;
        // Zero would stay zero.
        let mut number = if seed == 0 { 89_482_311 } else { seed };
        let mut factor = Self::FACTOR;
        let mut steps = index.saturating_mul(3).saturating_add(20);
        while steps > 0 {
            if steps % 2 == 1 {
                number = number.wrapping_mul(factor) % Self::MODULUS;
            }
            factor = factor.wrapping_mul(factor) % Self::MODULUS;
            steps /= 2;
        }
        Self(number)
    }

    /// A word of three numbers, the first two shifted to the left.
    pub(super) fn word(&mut self, first: u32, second: u32) -> u64 {
        let high = self.step() << first;
        let middle = self.step() << second;
        high ^ middle ^ self.step()
    }

    fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(Self::FACTOR) % Self::MODULUS;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calico_1_7_jumping_to_words_gives_the_numbers_of_the_whole_state() {
        for seed in [0, 1, 89_482_311, u64::MAX, 0xdead_beef] {
            let mut linear = Linear::new(seed);
            let mut words = ADVANCED.map(|advanced| linear.word(40, 20) ^ advanced);
            let (mut tap, mut feed) = (0, FEED);
            let mut random = Random::new(seed);
            for number in 0..3 * LEN {
                tap = if tap == 0 { LEN - 1 } else { tap - 1 };
                feed = if feed == 0 { LEN - 1 } else { feed - 1 };
                assert_eq!(random.step(), add(&mut words, tap, feed), "number {number} of seed {seed}");
            }
        }
    }
}
