//! What extended communities say: the forms that their 6 octets have.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use crate::community::decimal;

/// Who assigned the number in a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_enums, reason = "RFC 4360 section 3 and RFC 5668 have these three")]
pub enum ExtAdmin {
    /// An AS number of 2 octets; the assigned number has 4.
    As2(u16),
    /// An IPv4 address; the assigned number has 2 octets.
    Ipv4(Ipv4Addr),
    /// An AS number of 4 octets; the assigned number has 2.
    As4(u32),
}

/// The outcome of origin validation (RFC 8097 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_enums, reason = "RFC 8097 section 2 closes the set")]
pub enum OriginValidation {
    /// 0.
    Valid,
    /// 1.
    NotFound,
    /// 2.
    Invalid,
}

/// What an extended community says.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum ExtValue {
    /// Nothing but its kind.
    Nothing,
    /// A number that somebody assigned: `ADMIN:NUMBER`.
    Assigned {
        /// Who assigned it.
        admin: ExtAdmin,
        /// The number, of 2 octets where the administrator has 4.
        number: u32,
    },
    /// A rate, in octets (or packets) per second: `AS:RATE`.
    Rate {
        /// The AS that says so; 0 or 23456 where it has no 2-octet number.
        asn: u16,
        /// The rate; a community whose rate is no number has no value here.
        rate: f32,
    },
    /// A number: a tunnel type (RFC 9012 section 4.1), a DSCP (RFC 8955 section 7.5).
    Number(u16),
    /// A color (RFC 9012 section 4.3): `COLOR`, or `COLOR:0xFLAGS`.
    Color {
        /// The flags field.
        flags: u16,
        /// The color.
        color: u32,
    },
    /// An OSPF route type (RFC 4577 section 4.2.6): `AREA:TYPE:OPTIONS`.
    OspfRouteType {
        /// The area.
        area: Ipv4Addr,
        /// The type of the route.
        ty: u8,
        /// The options octet.
        options: u8,
    },
    /// MAC mobility (RFC 7432 section 7.7): `SEQUENCE`, or `SEQUENCE:sticky`.
    MacMobility {
        /// Whether the address must not move.
        sticky: bool,
        /// How often it moved.
        sequence: u32,
    },
    /// An ESI label (RFC 7432 section 7.5): `LABEL:0xFLAGS`; the label has all 24 bits.
    EsiLabel {
        /// The flags octet: bit 0 is Single-Active.
        flags: u8,
        /// The label field.
        label: u32,
    },
    /// A MAC address.
    Mac([u8; 6]),
    /// Layer 2 attributes (RFC 8214 section 3.1): `MTU:0xFLAGS`.
    L2Attributes {
        /// The control flags.
        flags: u16,
        /// The MTU, 0 for none.
        mtu: u16,
    },
    /// DF election (RFC 8584 section 2.2, RFC 9785 section 3): `ALGORITHM:0xBITMAP:PREFERENCE`.
    DfElection {
        /// The algorithm, and the three bits in front of it.
        algorithm: u8,
        /// What the router can.
        bitmap: u16,
        /// The preference.
        preference: u16,
    },
    /// Origin validation (RFC 8097 section 2): `valid`, `not-found` or `invalid`.
    OriginValidation(OriginValidation),
    /// A traffic action (RFC 8955 section 7.3): bit 0 is Terminal, bit 1 Sample.
    TrafficAction(u8),
}

/// How the 6 octets of a kind are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    As2,
    Ipv4,
    As4,
    Rate,
    Nothing,
    /// A number in the last octet.
    Last1,
    /// A number in the last two octets.
    Last2,
    Color,
    OspfRouteType,
    MacMobility,
    EsiLabel,
    Mac,
    L2Attributes,
    DfElection,
    OriginValidation,
    TrafficAction,
}

impl Form {
    /// `None`: the octets say something that the value cannot, in a reserved field for one.
    pub(super) fn decode(self, octets: [u8; 6]) -> Option<ExtValue> {
        let [a, b, c, d, e, f] = octets;
        let (first, second, third) =
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), u16::from_be_bytes([e, f]));
        let (front, back) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([c, d, e, f]));
        let value = match self {
            Form::As2 => ExtValue::Assigned { admin: ExtAdmin::As2(first), number: back },
            Form::Ipv4 => {
                ExtValue::Assigned { admin: ExtAdmin::Ipv4(Ipv4Addr::from_bits(front)), number: u32::from(third) }
            }
            Form::As4 => ExtValue::Assigned { admin: ExtAdmin::As4(front), number: u32::from(third) },
            Form::Rate if f32::from_bits(back).is_nan() => return None,
            Form::Rate => ExtValue::Rate { asn: first, rate: f32::from_bits(back) },
            Form::Nothing => ExtValue::Nothing,
            Form::Last1 => ExtValue::Number(u16::from(f)),
            Form::Last2 => ExtValue::Number(third),
            Form::Color => ExtValue::Color { flags: first, color: back },
            Form::OspfRouteType => ExtValue::OspfRouteType { area: Ipv4Addr::from_bits(front), ty: e, options: f },
            Form::MacMobility => ExtValue::MacMobility { sticky: a == 1, sequence: back },
            Form::EsiLabel => ExtValue::EsiLabel { flags: a, label: u32::from_be_bytes([0, d, e, f]) },
            Form::Mac => ExtValue::Mac(octets),
            Form::L2Attributes => ExtValue::L2Attributes { flags: first, mtu: second },
            Form::DfElection => {
                ExtValue::DfElection { algorithm: a, bitmap: u16::from_be_bytes([b, c]), preference: third }
            }
            Form::OriginValidation => ExtValue::OriginValidation(match f {
                0 => OriginValidation::Valid,
                1 => OriginValidation::NotFound,
                2 => OriginValidation::Invalid,
                _ => return None,
            }),
            Form::TrafficAction => ExtValue::TrafficAction(f),
        };
        (value.encode() == octets).then_some(value)
    }

    pub(super) fn parse(self, text: &str) -> Option<ExtValue> {
        let mut fields = text.split(':');
        let value = match self {
            Form::Nothing => {
                fields.next().filter(|field| field.is_empty())?;
                ExtValue::Nothing
            }
            Form::As2 => {
                ExtValue::Assigned { admin: ExtAdmin::As2(number(&mut fields)?), number: number(&mut fields)? }
            }
            Form::Ipv4 => {
                let admin = ExtAdmin::Ipv4(fields.next()?.parse().ok()?);
                ExtValue::Assigned { admin, number: u32::from(number::<u16>(&mut fields)?) }
            }
            Form::As4 => {
                let field = fields.next()?;
                let asn: u32 = decimal(field.strip_suffix('L').unwrap_or(field)).ok()?;
                if asn <= u32::from(u16::MAX) && !field.ends_with('L') {
                    return None;
                }
                ExtValue::Assigned { admin: ExtAdmin::As4(asn), number: u32::from(number::<u16>(&mut fields)?) }
            }
            Form::Rate => {
                let (asn, rate) = (number(&mut fields)?, fields.next()?.parse::<f32>().ok()?);
                ExtValue::Rate { asn, rate: Some(rate).filter(|rate| !rate.is_nan())? }
            }
            Form::Last1 => ExtValue::Number(u16::from(number::<u8>(&mut fields)?)),
            Form::Last2 => ExtValue::Number(number(&mut fields)?),
            Form::Color => {
                let color = number(&mut fields)?;
                ExtValue::Color { flags: fields.next().map_or(Some(0), bits)?, color }
            }
            Form::OspfRouteType => ExtValue::OspfRouteType {
                area: fields.next()?.parse().ok()?,
                ty: number(&mut fields)?,
                options: number(&mut fields)?,
            },
            Form::MacMobility => {
                let sequence = number(&mut fields)?;
                let sticky = match fields.next() {
                    None => false,
                    Some("sticky") => true,
                    Some(_) => return None,
                };
                ExtValue::MacMobility { sticky, sequence }
            }
            Form::EsiLabel => {
                let label = Some(number(&mut fields)?).filter(|label: &u32| *label < 1 << 24)?;
                ExtValue::EsiLabel { flags: u8::try_from(bits(fields.next()?)?).ok()?, label }
            }
            Form::Mac => {
                let mut mac = [0; 6];
                for octet in &mut mac {
                    let field = fields.next().filter(|field| field.len() == 2)?;
                    *octet = u8::from_str_radix(field, 16).ok()?;
                }
                ExtValue::Mac(mac)
            }
            Form::L2Attributes => {
                let mtu = number(&mut fields)?;
                ExtValue::L2Attributes { flags: bits(fields.next()?)?, mtu }
            }
            Form::DfElection => {
                let (algorithm, bitmap) = (number(&mut fields)?, bits(fields.next()?)?);
                ExtValue::DfElection { algorithm, bitmap, preference: number(&mut fields)? }
            }
            Form::OriginValidation => ExtValue::OriginValidation(match fields.next()? {
                "valid" => OriginValidation::Valid,
                "not-found" => OriginValidation::NotFound,
                "invalid" => OriginValidation::Invalid,
                _ => return None,
            }),
            Form::TrafficAction => ExtValue::TrafficAction(u8::try_from(bits(fields.next()?)?).ok()?),
        };
        fields.next().is_none().then_some(value)
    }
}

impl ExtValue {
    pub(super) fn encode(self) -> [u8; 6] {
        let four_two = |[a, b, c, d]: [u8; 4], [e, f]: [u8; 2]| [a, b, c, d, e, f];
        let two_four = |[a, b]: [u8; 2], [c, d, e, f]: [u8; 4]| [a, b, c, d, e, f];
        match self {
            ExtValue::Nothing => [0; 6],
            ExtValue::Assigned { admin: ExtAdmin::As2(asn), number } => {
                two_four(asn.to_be_bytes(), number.to_be_bytes())
            }
            ExtValue::Assigned { admin: ExtAdmin::Ipv4(address), number } => four_two(address.octets(), low(number)),
            ExtValue::Assigned { admin: ExtAdmin::As4(asn), number } => four_two(asn.to_be_bytes(), low(number)),
            ExtValue::Rate { asn, rate } => two_four(asn.to_be_bytes(), rate.to_be_bytes()),
            ExtValue::Number(number) => four_two([0; 4], number.to_be_bytes()),
            ExtValue::Color { flags, color } => two_four(flags.to_be_bytes(), color.to_be_bytes()),
            ExtValue::OspfRouteType { area, ty, options } => four_two(area.octets(), [ty, options]),
            ExtValue::MacMobility { sticky, sequence } => two_four([u8::from(sticky), 0], sequence.to_be_bytes()),
            ExtValue::EsiLabel { flags, label } => {
                let [_, d, e, f] = label.to_be_bytes();
                [flags, 0, 0, d, e, f]
            }
            ExtValue::Mac(mac) => mac,
            ExtValue::L2Attributes { flags, mtu } => {
                let ([a, b], [c, d]) = (flags.to_be_bytes(), mtu.to_be_bytes());
                [a, b, c, d, 0, 0]
            }
            ExtValue::DfElection { algorithm, bitmap, preference } => {
                let ([b, c], [e, f]) = (bitmap.to_be_bytes(), preference.to_be_bytes());
                [algorithm, b, c, 0, e, f]
            }
            ExtValue::OriginValidation(state) => [
                0,
                0,
                0,
                0,
                0,
                match state {
                    OriginValidation::Valid => 0,
                    OriginValidation::NotFound => 1,
                    OriginValidation::Invalid => 2,
                },
            ],
            ExtValue::TrafficAction(flags) => [0, 0, 0, 0, 0, flags],
        }
    }
}

impl fmt::Display for ExtValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExtValue::Nothing => Ok(()),
            ExtValue::Assigned { admin: ExtAdmin::As2(asn), number } => write!(f, "{asn}:{number}"),
            ExtValue::Assigned { admin: ExtAdmin::Ipv4(address), number } => write!(f, "{address}:{number}"),
            ExtValue::Assigned { admin: ExtAdmin::As4(asn), number } => {
                let long = if *asn <= u32::from(u16::MAX) { "L" } else { "" };
                write!(f, "{asn}{long}:{number}")
            }
            ExtValue::Rate { asn, rate } => write!(f, "{asn}:{rate}"),
            ExtValue::Number(number) => write!(f, "{number}"),
            ExtValue::Color { flags: 0, color } => write!(f, "{color}"),
            ExtValue::Color { flags, color } => write!(f, "{color}:{flags:#06x}"),
            ExtValue::OspfRouteType { area, ty, options } => write!(f, "{area}:{ty}:{options}"),
            ExtValue::MacMobility { sticky, sequence } => {
                write!(f, "{sequence}{}", if *sticky { ":sticky" } else { "" })
            }
            ExtValue::EsiLabel { flags, label } => write!(f, "{label}:{flags:#04x}"),
            ExtValue::Mac([a, b, c, d, e, g]) => write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
            ExtValue::L2Attributes { flags, mtu } => write!(f, "{mtu}:{flags:#06x}"),
            ExtValue::DfElection { algorithm, bitmap, preference } => {
                write!(f, "{algorithm}:{bitmap:#06x}:{preference}")
            }
            ExtValue::OriginValidation(state) => f.write_str(match state {
                OriginValidation::Valid => "valid",
                OriginValidation::NotFound => "not-found",
                OriginValidation::Invalid => "invalid",
            }),
            ExtValue::TrafficAction(flags) => write!(f, "{flags:#04x}"),
        }
    }
}

fn number<'t, T: FromStr>(fields: &mut impl Iterator<Item = &'t str>) -> Option<T> {
    decimal(fields.next()?).ok()
}

/// A number in hexadecimal behind `0x`.
fn bits(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn low(number: u32) -> [u8; 2] {
    let [_, _, c, d] = number.to_be_bytes();
    [c, d]
}
