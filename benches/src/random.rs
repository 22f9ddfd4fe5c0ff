//! Numbers that look random.

use std::net::{IpAddr, Ipv4Addr};

/// A small generator of numbers that look random, from a seed.
#[derive(Debug, Clone, Copy)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so an Option would only be in the way")]
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 32).unwrap_or(0)
    }

    /// An address.
    pub fn addr(&mut self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self.next()))
    }
}
