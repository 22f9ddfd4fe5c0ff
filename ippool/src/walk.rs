//! The order in which a host looks through the blocks of a pool, Calico's to the bit.
//!
//! The walk starts at a block that depends on the host's name and the number of blocks only, and goes up from there
//! with wrap-around. So each host finds its own blocks again, and hosts that start together seldom meet.

mod random;
mod table;
#[cfg(test)]
mod tests;

use core::iter::FusedIterator;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::key::IpVersion;
use random::Random;

/// A pool and a block length that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The blocks would be larger than the pool.
    #[error("block length {block_len} is shorter than the pool's {pool_len}")]
    BlockLargerThanPool {
        /// The length of the blocks' prefix.
        block_len: u8,
        /// The length of the pool's prefix.
        pool_len: u8,
    },
    /// The blocks would be smaller than an address.
    #[error("block length {block_len} is longer than an address of {width} bits")]
    BlockSmallerThanAddress {
        /// The length of the blocks' prefix.
        block_len: u8,
        /// The length of an address: 32 or 128.
        width: u8,
    },
}

/// The blocks of a pool in the order of one host, each once.
///
/// Making one costs some hundred instructions (a generator of 607 words jumps to those it needs), each block a few;
/// [`nth`](Iterator::nth) takes constant time and nothing allocates. All pools are walked exactly, also an IPv6 pool
/// with more than 2^64 blocks.
///
/// # Examples
///
/// ```
/// use ippool::walk::BlockWalk;
///
/// let mut walk = BlockWalk::new("10.244.0.0/16".parse()?, 26, "k8s-node1")?;
/// assert_eq!(walk.index_of_start(), 145);
/// assert_eq!(walk.next(), Some("10.244.36.64/26".parse()?));
/// assert_eq!(walk.next(), Some("10.244.36.128/26".parse()?));
/// assert_eq!(walk.last(), Some("10.244.36.0/26".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a walk does nothing until it is iterated"]
pub struct BlockWalk {
    /// The pool's network address.
    network: u128,
    /// IPv4 or not.
    v4: bool,
    block_len: u8,
    /// Bits of an address below the block.
    shift: u8,
    /// The largest index: the number of blocks may not fit.
    last: u128,
    start: u128,
    /// Blocks gone by; `None` when all are.
    step: Option<u128>,
}

impl BlockWalk {
    /// The walk of a host; host bits of the pool's address are ignored.
    ///
    /// For blocks of one address Calico starts from the clock instead, so that the hosts do not scan the same full
    /// blocks one after the other: use [`with_seed`](Self::with_seed) there.
    ///
    /// # Errors
    ///
    /// [`Error`] unless the block length lies between the pool's length and that of an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::walk::BlockWalk;
    ///
    /// let mut walk = BlockWalk::new("fd80:24e2:f998:72d6::/112".parse()?, 122, "node1")?;
    /// assert_eq!(walk.next(), Some("fd80:24e2:f998:72d6::a680/122".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(pool: IpNet, block_len: u8, host: &str) -> Result<Self, Error> {
        Self::with_seed(pool, block_len, u64::from(fnv1_32(host.as_bytes())))
    }

    /// The walk from a seed instead of a host name.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::walk::BlockWalk;
    ///
    /// let walk = BlockWalk::with_seed("10.0.0.0/30".parse()?, 32, 1_767_225_600_000_000_000)?;
    /// assert_eq!(walk.count(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_seed(pool: IpNet, block_len: u8, seed: u64) -> Result<Self, Error> {
        let (pool_len, width) = (pool.prefix_len(), pool.max_prefix_len());
        let Some(shift) = width.checked_sub(block_len) else {
            return Err(Error::BlockSmallerThanAddress { block_len, width });
        };
        let Some(bits) = block_len.checked_sub(pool_len) else {
            return Err(Error::BlockLargerThanPool { block_len, pool_len });
        };
        let (network, v4) = match pool.network() {
            IpAddr::V4(network) => (u128::from(network.to_bits()), true),
            IpAddr::V6(network) => (network.to_bits(), false),
        };
        let last = u128::MAX.checked_shr(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0);
        let start = Random::new(seed).below_power_of_two(bits);
        Ok(Self { network, v4, block_len, shift, last, start, step: Some(0) })
    }

    /// The index of the first block of the walk in the pool, counted from 0 in the order of the addresses.
    #[must_use]
    pub const fn index_of_start(&self) -> u128 {
        self.start
    }

    /// The index of the pool's last block: one less than the number of blocks, which can be 2^128.
    #[must_use]
    pub const fn last_index(&self) -> u128 {
        self.last
    }

    /// The block of an index in the pool, in the order of the addresses; `None` beyond [`last_index`](Self::last_index).
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::walk::BlockWalk;
    ///
    /// let walk = BlockWalk::new("10.244.0.0/16".parse()?, 26, "k8s-master")?;
    /// assert_eq!(walk.block(943), Some("10.244.235.192/26".parse()?));
    /// assert_eq!(walk.block(1024), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn block(&self, index: u128) -> Option<IpNet> {
        if index > self.last {
            return None;
        }
        // A block of all addresses has the index 0 only, and a shift that is as wide as the word.
        let address = self.network | index.checked_shl(u32::from(self.shift)).unwrap_or(0);
        self.net(address, self.block_len)
    }

    /// A walk of no blocks.
    pub(crate) fn none(version: IpVersion) -> Self {
        let v4 = version == IpVersion::V4;
        Self { network: 0, v4, block_len: 0, shift: version.width(), last: 0, start: 1, step: None }
    }

    /// Bits of an address below the block.
    pub(crate) fn shift(&self) -> u32 {
        self.shift.into()
    }

    /// The pool.
    pub(crate) fn pool(&self) -> Option<IpNet> {
        self.block(self.start)?;
        let bits = 128_u32.saturating_sub(self.last.leading_zeros());
        let len = u32::from(self.block_len).checked_sub(bits)?;
        self.net(self.network, u8::try_from(len).ok()?)
    }

    /// The index of a block of the walk that begins at `number` and has `len` bits, and the block itself.
    pub(crate) fn index_of(&self, version: IpVersion, (number, len): (u128, u8)) -> Option<(u128, IpNet)> {
        if len != self.block_len || (version == IpVersion::V4) != self.v4 {
            return None;
        }
        let index = number.checked_sub(self.network)?.checked_shr(self.shift()).unwrap_or(0);
        Some((index, self.block(index)?))
    }

    fn net(&self, address: u128, len: u8) -> Option<IpNet> {
        let address = if self.v4 {
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(address).ok()?))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(address))
        };
        IpNet::new(address, len).ok()
    }

    /// How many blocks are still to come, less one; `None` when the walk is over.
    fn left(&self) -> Option<u128> {
        self.step.map(|step| self.last.saturating_sub(step))
    }
}

impl Iterator for BlockWalk {
    type Item = IpNet;

    fn next(&mut self) -> Option<IpNet> {
        self.nth(0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.left() {
            None => (0, Some(0)),
            Some(left) => match usize::try_from(left).ok().and_then(|left| left.checked_add(1)) {
                Some(count) => (count, Some(count)),
                None => (usize::MAX, None),
            },
        }
    }

    fn nth(&mut self, skip: usize) -> Option<IpNet> {
        let skip = u128::try_from(skip).unwrap_or(u128::MAX);
        let step = self.step?.checked_add(skip).filter(|step| *step <= self.last);
        self.step = step.and_then(|step| step.checked_add(1)).filter(|step| *step <= self.last);
        // The number of blocks is a power of two, so that wrapping round is masking.
        self.block(self.start.wrapping_add(step?) & self.last)
    }

    fn last(self) -> Option<IpNet> {
        self.step?;
        self.block(self.start.wrapping_add(self.last) & self.last)
    }
}

impl FusedIterator for BlockWalk {}

/// FNV-1, 32 bits (not FNV-1a: the product comes before the exclusive or).
fn fnv1_32(octets: &[u8]) -> u32 {
    octets.iter().fold(2_166_136_261, |hash: u32, octet| hash.wrapping_mul(16_777_619) ^ u32::from(*octet))
}
