//! Addresses that embed the exit: 6to4 (RFC 3056), 6rd (RFC 5969), ISATAP (RFC 5214).

use core::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

/// Where IPv6 addresses hold the IPv4 address of the exit behind which they are.
///
/// With one, what goes to such an address goes to the exit in it and all else to the remote end; and an inner source
/// that is such an address is taken from the exit in it alone, which is what keeps others from speaking in its name
/// (RFC 3964 section 4.1, RFC 5969 section 9.2, RFC 5214 section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Embedding(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// Behind a prefix, without so many first bits, which are those of our own end.
    Prefix { prefix: Ipv6Net, common: u8 },
    /// In the last 32 bits.
    Isatap,
}

impl Embedding {
    /// 6to4: the 32 bits behind `2002::/16`.
    #[must_use]
    pub fn six_to_four() -> Embedding {
        let prefix = Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);
        Embedding(Form::Prefix { prefix, common: 0 })
    }

    /// 6rd: behind `prefix` without the first `common` bits, which all exits share (`IPv4MaskLen`). `None` when `common`
    /// is above 32, or prefix and address have no room in 128 bits.
    ///
    /// ```
    /// use ipip::v6::Embedding;
    /// let rd = Embedding::six_rd("2001:db8::/32".parse()?, 8).ok_or("no room")?;
    /// assert_eq!(rd.exit("2001:db8:0102:0300::1".parse()?, "10.9.9.9".parse()?), Some("10.1.2.3".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn six_rd(prefix: Ipv6Net, common: u8) -> Option<Embedding> {
        let room = 128 - prefix.prefix_len();
        (common <= 32 && 32 - common <= room).then(|| Embedding(Form::Prefix { prefix: prefix.trunc(), common }))
    }

    /// ISATAP: interface identifiers 0000:5efe and 0200:5efe with the address behind them.
    #[must_use]
    pub fn isatap() -> Embedding {
        Embedding(Form::Isatap)
    }

    /// The exit that `address` embeds, if it is such an address; `local` is our end, of which 6rd takes the common bits.
    ///
    /// ```
    /// use ipip::v6::Embedding;
    /// let exit = Embedding::six_to_four().exit("2002:c000:201::1".parse()?, "192.0.2.9".parse()?);
    /// assert_eq!(exit, Some("192.0.2.1".parse()?));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn exit(&self, address: Ipv6Addr, local: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.0 {
            Form::Prefix { prefix, common } => {
                if !prefix.contains(&address) {
                    return None;
                }
                let own = u32::MAX.checked_shl(32 - u32::from(common)).unwrap_or(0);
                let [_, _, .., a, b, c, d] =
                    address.to_bits().checked_shr(place(prefix, common)).unwrap_or(0).to_be_bytes();
                let bits = (u32::from_be_bytes([a, b, c, d]) & !own) | (local.to_bits() & own);
                Some(Ipv4Addr::from_bits(bits))
            }
            Form::Isatap => match address.segments() {
                [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => {
                    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
                }
                _ => None,
            },
        }
    }
}

/// How many bits are behind the address.
fn place(prefix: Ipv6Net, common: u8) -> u32 {
    128 - u32::from(prefix.prefix_len()) - (32 - u32::from(common))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5969_4_any_prefix_and_any_common_bits() {
        let (exit, local) = (Ipv4Addr::new(10, 20, 30, 40), Ipv4Addr::new(10, 20, 30, 41));
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff);
        for len in 0..=128_u8 {
            let net = Ipv6Net::new_assert(prefix, len).trunc();
            for common in 0..=31_u8 {
                let Some(rd) = Embedding::six_rd(net, common) else {
                    assert!(u16::from(len) + 32 - u16::from(common) > 128);
                    continue;
                };
                let suffix = u128::from(exit.to_bits() & (u32::MAX >> common)) << place(net, common);
                assert_eq!(
                    rd.exit(Ipv6Addr::from_bits(net.addr().to_bits() | suffix), local),
                    Some(exit),
                    "{net} {common}"
                );
            }
        }
        let all = Embedding::six_rd(Ipv6Net::new_assert(prefix, 64).trunc(), 32).unwrap();
        assert_eq!(all.exit(prefix, local), Some(local));
        assert_eq!(Embedding::six_rd(Ipv6Net::default(), 33), None);
    }

    #[test]
    fn rfc5214_6_1_both_forms_of_the_identifier() {
        let isatap = Embedding::isatap();
        for (address, exit) in [
            ("fe80::5efe:c000:201", Some(Ipv4Addr::new(192, 0, 2, 1))),
            ("2001:db8::200:5efe:a01:203", Some(Ipv4Addr::new(10, 1, 2, 3))),
            ("2001:db8::100:5efe:a01:203", None),
        ] {
            assert_eq!(isatap.exit(address.parse().unwrap(), Ipv4Addr::LOCALHOST), exit);
        }
    }
}
