//! The configuration as a value for a BPF map: a plain struct of fixed layout, shared with programs in the kernel.

use core::net::Ipv4Addr;

use crate::{Config, Df, DscpDecap, EcnMode, Fragmentation, Mode, OuterOptions, Tos, Ttl};

/// A [`Config`] of fixed layout: 68 octets, aligned to 4, no padding. Its image is [`BpfConfig::to_bytes`], so that no
/// one needs to look at memory; as a C struct:
///
/// ```c
/// struct ipip_config {
///     __be32 local;        /* our end */
///     __be32 remote;       /* the other end, 0 = NBMA */
///     __be32 icmp_source;  /* 0 = local */
///     __u16  mtu;          /* path MTU, host order */
///     __u16  ident;        /* the first outer ID, host order */
///     __u8   ttl;          /* with IPIP_TTL_INHERIT: unused */
///     __u8   tos;          /* with IPIP_TOS_INHERIT: unused */
///     __u8   ecn;          /* 0 normal, 1 compat, 2 rfc3168 */
///     __u8   df;           /* 0 inherit, 1 always, 2 never */
///     __u8   fragmentation;/* 0 outer, 1 inner, 2 refuse */
///     __u8   max_nesting;
///     __u16  flags;        /* IPIP_*, host order */
///     __u8   mode;         /* 0 ipip, 1 mplsip, 2 any */
///     __u8   options_len;  /* a multiple of 4 */
///     __u8   reserved[2];  /* 0 */
///     __u8   options[40];  /* of the outer header, 0 behind options_len */
/// };
/// ```
///
/// | flag | bit |
/// | --- | --- |
/// | `IPIP_TTL_INHERIT` | 0 |
/// | `IPIP_TOS_INHERIT` | 1 |
/// | `IPIP_DSCP_UNIFORM` | 2 |
/// | `IPIP_FORWARDED` | 3 |
/// | `IPIP_VERIFY_INNER` | 4 |
/// | `IPIP_VERIFY_OUTER` | 5 |
/// | `IPIP_COUNT_GRE` | 6 |
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{BpfConfig, Config, EcnMode};
///
/// let config = Config::new(Ipv4Addr::new(192, 168, 179, 102), EcnMode::Normal);
/// let image = BpfConfig::from(&config).to_bytes();
/// assert_eq!(image[..4], [192, 168, 179, 102]);
/// assert_eq!(Config::try_from(BpfConfig::from_bytes(image)), Ok(config));
/// # Ok::<(), ipip::BpfError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
#[expect(clippy::exhaustive_structs, reason = "the layout is the interface")]
pub struct BpfConfig {
    /// Our end, network order.
    pub local: [u8; 4],
    /// The other end, network order; 0.0.0.0 = the next hop of the route.
    pub remote: [u8; 4],
    /// Source of ICMP errors, network order; 0.0.0.0 = `local`.
    pub icmp_source: [u8; 4],
    /// Path MTU in octets.
    pub mtu: u16,
    /// The first outer ID.
    pub ident: u16,
    /// Outer TTL, unless inherited.
    pub ttl: u8,
    /// Outer TOS, unless inherited.
    pub tos: u8,
    /// 0 normal, 1 compatibility, 2 RFC 3168.
    pub ecn: u8,
    /// 0 inherit, 1 always, 2 never.
    pub df: u8,
    /// 0 outer, 1 inner, 2 refuse.
    pub fragmentation: u8,
    /// Tunnel headers that may follow inside.
    pub max_nesting: u8,
    /// The bits of the table above.
    pub flags: u16,
    /// 0 `ipip`, 1 `mplsip`, 2 `any`.
    pub mode: u8,
    /// Octets of options of the outer header, a multiple of 4.
    pub options_len: u8,
    /// 0.
    pub reserved: [u8; 2],
    /// Options of the outer header, 0 behind `options_len`.
    pub options: [u8; OuterOptions::MAX_LEN],
}

const _: () = assert!(size_of::<BpfConfig>() == BpfConfig::LEN && align_of::<BpfConfig>() <= 4);

impl BpfConfig {
    /// Octets of the value: what the map is made with.
    pub const LEN: usize = 68;

    /// The octets as they are in memory, numbers in the host's order.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; BpfConfig::LEN] {
        let BpfConfig { ttl, tos, ecn, df, fragmentation, max_nesting, mode, options_len, .. } = *self;
        let addresses = [self.local, self.remote, self.icmp_source].into_iter().flatten();
        let numbers = [self.mtu, self.ident].map(u16::to_ne_bytes).into_iter().flatten();
        let fields = addresses
            .chain(numbers)
            .chain([ttl, tos, ecn, df, fragmentation, max_nesting])
            .chain(self.flags.to_ne_bytes())
            .chain([mode, options_len])
            .chain(self.reserved)
            .chain(self.options);
        let mut octets = [0; BpfConfig::LEN];
        for (octet, field) in octets.iter_mut().zip(fields) {
            *octet = field;
        }
        octets
    }

    /// The value that has these octets in memory.
    #[must_use]
    pub fn from_bytes(octets: [u8; BpfConfig::LEN]) -> BpfConfig {
        let [
            l0,
            l1,
            l2,
            l3,
            r0,
            r1,
            r2,
            r3,
            s0,
            s1,
            s2,
            s3,
            m0,
            m1,
            i0,
            i1,
            ttl,
            tos,
            ecn,
            df,
            fragmentation,
            max_nesting,
            f0,
            f1,
            mode,
            options_len,
            v0,
            v1,
            options @ ..,
        ] = octets;
        BpfConfig {
            local: [l0, l1, l2, l3],
            remote: [r0, r1, r2, r3],
            icmp_source: [s0, s1, s2, s3],
            mtu: u16::from_ne_bytes([m0, m1]),
            ident: u16::from_ne_bytes([i0, i1]),
            ttl,
            tos,
            ecn,
            df,
            fragmentation,
            max_nesting,
            flags: u16::from_ne_bytes([f0, f1]),
            mode,
            options_len,
            reserved: [v0, v1],
            options,
        }
    }
}

impl From<&Config> for BpfConfig {
    fn from(config: &Config) -> BpfConfig {
        let (ttl, ttl_inherit) = match config.ttl {
            Ttl::Fixed(ttl) => (ttl, false),
            Ttl::Inherit => (0, true),
        };
        let (tos, tos_inherit) = match config.tos {
            Tos::Fixed(tos) => (tos, false),
            Tos::Inherit => (0, true),
        };
        let bits = [
            (ttl_inherit, TTL_INHERIT),
            (tos_inherit, TOS_INHERIT),
            (config.dscp_decap == DscpDecap::Uniform, DSCP_UNIFORM),
            (config.forwarded, FORWARDED),
            (config.verify_inner_checksum, VERIFY_INNER),
            (config.verify_outer_checksum, VERIFY_OUTER),
            (config.count_gre, COUNT_GRE),
        ];
        BpfConfig {
            local: config.local.octets(),
            remote: config.remote.unwrap_or(Ipv4Addr::UNSPECIFIED).octets(),
            icmp_source: config.icmp_source.unwrap_or(Ipv4Addr::UNSPECIFIED).octets(),
            mtu: config.mtu,
            ident: config.ident,
            ttl,
            tos,
            ecn: match config.ecn {
                EcnMode::Normal => 0,
                EcnMode::Compat => 1,
                EcnMode::Rfc3168 => 2,
            },
            df: match config.df {
                Df::Inherit => 0,
                Df::Always => 1,
                Df::Never => 2,
            },
            fragmentation: match config.fragmentation {
                Fragmentation::Outer => 0,
                Fragmentation::Inner => 1,
                Fragmentation::Refuse => 2,
            },
            max_nesting: config.max_nesting,
            flags: bits.iter().filter(|(set, _)| *set).fold(0, |flags, (_, bit)| flags | bit),
            mode: match config.mode {
                Mode::Ipip => 0,
                Mode::Mplsip => 1,
                Mode::Any => 2,
            },
            options_len: u8::try_from(config.options.len()).unwrap_or_default(),
            reserved: [0; 2],
            options: {
                let mut room = [0; OuterOptions::MAX_LEN];
                for (octet, option) in room.iter_mut().zip(config.options.as_bytes()) {
                    *octet = *option;
                }
                room
            },
        }
    }
}

/// A value of a BPF map that is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BpfError {
    /// An ECN mode that does not exist.
    #[error("ecn mode {0} does not exist")]
    Ecn(u8),
    /// A DF mode that does not exist.
    #[error("df mode {0} does not exist")]
    Df(u8),
    /// A way of fragmentation that does not exist.
    #[error("fragmentation {0} does not exist")]
    Fragmentation(u8),
    /// Flags that do not exist.
    #[error("flags {0:#06x} are not all known")]
    Flags(u16),
    /// A mode that does not exist.
    #[error("mode {0} does not exist")]
    Mode(u8),
    /// Options that cannot be. Value: their length.
    #[error("{0} octets of options are no options of a header")]
    Options(u8),
    /// Octets that are reserved and not 0.
    #[error("reserved octets are not 0")]
    Reserved,
}

impl TryFrom<BpfConfig> for Config {
    type Error = BpfError;

    fn try_from(value: BpfConfig) -> Result<Config, BpfError> {
        if value.flags >= COUNT_GRE << 1 {
            return Err(BpfError::Flags(value.flags));
        }
        if value.reserved != [0; 2] {
            return Err(BpfError::Reserved);
        }
        let options = options(&value).ok_or(BpfError::Options(value.options_len))?;
        let is = |bit: u16| value.flags & bit != 0;
        let some = |octets: [u8; 4]| (octets != [0; 4]).then_some(Ipv4Addr::from(octets));
        Ok(Config {
            local: value.local.into(),
            remote: some(value.remote),
            ttl: if is(TTL_INHERIT) { Ttl::Inherit } else { Ttl::Fixed(value.ttl) },
            tos: if is(TOS_INHERIT) { Tos::Inherit } else { Tos::Fixed(value.tos) },
            ecn: match value.ecn {
                0 => EcnMode::Normal,
                1 => EcnMode::Compat,
                2 => EcnMode::Rfc3168,
                other => return Err(BpfError::Ecn(other)),
            },
            dscp_decap: if is(DSCP_UNIFORM) { DscpDecap::Uniform } else { DscpDecap::Pipe },
            df: match value.df {
                0 => Df::Inherit,
                1 => Df::Always,
                2 => Df::Never,
                other => return Err(BpfError::Df(other)),
            },
            mode: match value.mode {
                0 => Mode::Ipip,
                1 => Mode::Mplsip,
                2 => Mode::Any,
                other => return Err(BpfError::Mode(other)),
            },
            options,
            mtu: value.mtu,
            fragmentation: match value.fragmentation {
                0 => Fragmentation::Outer,
                1 => Fragmentation::Inner,
                2 => Fragmentation::Refuse,
                other => return Err(BpfError::Fragmentation(other)),
            },
            ident: value.ident,
            forwarded: is(FORWARDED),
            icmp_source: some(value.icmp_source),
            verify_inner_checksum: is(VERIFY_INNER),
            verify_outer_checksum: is(VERIFY_OUTER),
            max_nesting: value.max_nesting,
            count_gre: is(COUNT_GRE),
        })
    }
}

/// The options, which must be whole words with nothing behind them.
fn options(value: &BpfConfig) -> Option<OuterOptions> {
    let (octets, behind) = value.options.split_at_checked(value.options_len.into())?;
    let whole = octets.len().is_multiple_of(4) && behind.iter().all(|octet| *octet == 0);
    OuterOptions::new(octets).ok().filter(|_| whole)
}

const TTL_INHERIT: u16 = 1 << 0;
const TOS_INHERIT: u16 = 1 << 1;
const DSCP_UNIFORM: u16 = 1 << 2;
const FORWARDED: u16 = 1 << 3;
const VERIFY_INNER: u16 = 1 << 4;
const VERIFY_OUTER: u16 = 1 << 5;
const COUNT_GRE: u16 = 1 << 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_the_documented_one() {
        assert_eq!(core::mem::offset_of!(BpfConfig, remote), 4);
        assert_eq!(core::mem::offset_of!(BpfConfig, icmp_source), 8);
        assert_eq!(core::mem::offset_of!(BpfConfig, mtu), 12);
        assert_eq!(core::mem::offset_of!(BpfConfig, ident), 14);
        assert_eq!(core::mem::offset_of!(BpfConfig, ttl), 16);
        assert_eq!(core::mem::offset_of!(BpfConfig, fragmentation), 20);
        assert_eq!(core::mem::offset_of!(BpfConfig, flags), 22);
        assert_eq!(core::mem::offset_of!(BpfConfig, mode), 24);
        assert_eq!(core::mem::offset_of!(BpfConfig, options), 28);
    }

    #[test]
    fn every_octet_reads_back_or_is_refused() {
        let mut config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Rfc3168);
        config.remote = Some(Ipv4Addr::new(192, 0, 2, 2));
        config.icmp_source = Some(Ipv4Addr::new(10, 0, 0, 1));
        (config.ttl, config.tos, config.df) = (Ttl::Inherit, Tos::Fixed(0xb8), Df::Never);
        (config.mtu, config.ident, config.max_nesting) = (1460, 0xabcd, 3);
        (config.mode, config.options) = (Mode::Any, OuterOptions::router_alert());
        let value = BpfConfig::from(&config);
        let image = value.to_bytes();
        assert_eq!(BpfConfig::from_bytes(image), value);
        assert_eq!(Config::try_from(value), Ok(config));
        for at in 0..BpfConfig::LEN {
            for octet in 0..=u8::MAX {
                let mut image = image;
                image[at] = octet;
                let value = BpfConfig::from_bytes(image);
                if let Ok(config) = Config::try_from(value) {
                    // What inheriting leaves unused is written as 0.
                    let ttl = if config.ttl == Ttl::Inherit { 0 } else { value.ttl };
                    let tos = if config.tos == Tos::Inherit { 0 } else { value.tos };
                    assert_eq!(BpfConfig { ttl, tos, ..value }, BpfConfig::from(&config));
                }
            }
        }
        assert_eq!(Config::try_from(BpfConfig { ecn: 3, ..value }), Err(BpfError::Ecn(3)));
        assert_eq!(Config::try_from(BpfConfig { flags: 0x80, ..value }), Err(BpfError::Flags(0x80)));
        assert_eq!(Config::try_from(BpfConfig { mode: 3, ..value }), Err(BpfError::Mode(3)));
        assert_eq!(Config::try_from(BpfConfig { reserved: [0, 1], ..value }), Err(BpfError::Reserved));
        for options_len in [0, 1, 3, 41, 255] {
            assert_eq!(Config::try_from(BpfConfig { options_len, ..value }), Err(BpfError::Options(options_len)));
        }
    }
}
