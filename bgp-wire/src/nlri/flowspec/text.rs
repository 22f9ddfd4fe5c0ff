//! The text of flow specifications.

use core::fmt;

use super::{Component, FlowSpec, Match, Operation, Operations};

impl fmt::Display for FlowSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ipv6() { "flow6 " } else { "flow4 " })?;
        self.rd().map_or(Ok(()), |rd| write!(f, "rd {rd} "))?;
        f.write_str("{ ")?;
        self.components().try_for_each(|component| write!(f, "{component}; "))?;
        f.write_str("}")
    }
}

impl fmt::Display for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.ty)?;
        match &self.matches {
            Match::Prefix { prefix, offset: 0 } => write!(f, "{prefix}"),
            Match::Prefix { prefix, offset } => write!(f, "{prefix} offset {offset}"),
            Match::Numeric(operations) => write_list(*operations, f, write_number),
            Match::Bitmask(operations) => write_list(*operations, f, write_bits),
        }
    }
}

fn write_list(
    operations: Operations<'_>,
    f: &mut fmt::Formatter<'_>,
    write: impl Fn(Operation, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    operations.enumerate().try_for_each(|(at, operation)| {
        f.write_str(match (at, operation.and) {
            (0, _) => "",
            (_, true) => " && ",
            (_, false) => ", ",
        })?;
        write(operation, f)?;
        let least = Operation::new(false, 0, operation.value).width;
        if operation.width == least { Ok(()) } else { write!(f, ":{}", operation.width) }
    })
}

fn write_number(operation: Operation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let place = NUMERIC.iter().position(|(operator, _)| *operator == operation.operator);
    let sign = place.and_then(|at| NUMERIC.get(at)).map_or("", |(_, sign)| sign);
    write!(f, "{sign}{}", operation.value)
}

/// The lower two bits; the third means nothing.
fn write_bits(operation: Operation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let sign = BITMASK.iter().find(|(operator, _)| *operator == operation.operator & 3).map_or("", |(_, sign)| sign);
    write!(f, "{sign}{:#x}", operation.value)
}

/// How numbers are compared (RFC 8955 section 4.2.1.1); what begins with another one comes first.
const NUMERIC: [(u8, &str); 8] =
    [(5, "<= "), (3, ">= "), (6, "!= "), (4, "< "), (2, "> "), (0, "false "), (7, "true "), (1, "")];

/// How bits are compared (RFC 8955 section 4.2.1.2).
const BITMASK: [(u8, &str); 4] = [(3, "!= "), (2, "! "), (1, "= "), (0, "")];

#[cfg(feature = "alloc")]
pub(crate) use self::reading::parse;

#[cfg(feature = "alloc")]
mod reading {
    use alloc::vec::Vec;

    use super::{BITMASK, NUMERIC};
    use crate::ParseError;
    use crate::nlri::NlriBuf;
    use crate::nlri::flowspec::{ComponentType, FlowSpecBuilder, Operation};

    /// Reads the text back.
    pub(crate) fn parse(text: &str) -> Result<NlriBuf, ParseError> {
        read(text).ok_or(ParseError::new("flow specification"))
    }

    fn read(text: &str) -> Option<NlriBuf> {
        let (head, body) = text.split_once('{')?;
        let mut words = head.split_ascii_whitespace();
        let ipv6 = match words.next()? {
            "flow4" => false,
            "flow6" => true,
            _ => return None,
        };
        let rule = if ipv6 { FlowSpecBuilder::ipv6() } else { FlowSpecBuilder::ipv4() };
        let rule = match (words.next(), words.next(), words.next()) {
            (None, ..) => rule,
            (Some("rd"), Some(rd), None) => rule.rd(rd.parse().ok()?),
            _ => return None,
        };
        let components = body.trim_end().strip_suffix('}')?.trim().strip_suffix(';')?;
        components.split(';').try_fold(rule, |rule, component| read_component(rule, component.trim()))?.build()
    }

    fn read_component(rule: FlowSpecBuilder, text: &str) -> Option<FlowSpecBuilder> {
        let (name, rest) = text.split_once(' ')?;
        let ty: ComponentType = name.parse().ok()?;
        if matches!(ty, ComponentType::DESTINATION | ComponentType::SOURCE) {
            let (prefix, offset) = match rest.split_once(" offset ") {
                Some((prefix, offset)) => (prefix, offset.trim().parse().ok()?),
                None => (rest, 0),
            };
            return Some(rule.prefix(ty, prefix.trim().parse().ok()?, offset));
        }
        let signs: &[(u8, &str)] =
            if matches!(ty, ComponentType::TCP_FLAGS | ComponentType::FRAGMENT) { &BITMASK } else { &NUMERIC };
        let mut operations = Vec::new();
        for alternative in rest.split(',') {
            for (at, part) in alternative.split("&&").enumerate() {
                operations.push(read_operation(at > 0, part.trim(), signs)?);
            }
        }
        Some(rule.operations(ty, &operations))
    }

    fn read_operation(and: bool, text: &str, signs: &[(u8, &str)]) -> Option<Operation> {
        // Signs may stand without a blank behind them; `=` may stand before a number.
        let matching = signs.iter().find_map(|(operator, sign)| {
            let sign = sign.trim_end();
            if sign.is_empty() {
                Some((*operator, text))
            } else {
                text.strip_prefix(sign).map(|rest| (*operator, rest))
            }
        });
        let (operator, rest) = matching?;
        let rest = rest.trim();
        let rest = if operator == 1 { rest.strip_prefix('=').unwrap_or(rest).trim() } else { rest };
        let (value, width) = match rest.split_once(':') {
            Some((value, width)) => (value, Some(width.parse::<u8>().ok()?)),
            None => (rest, None),
        };
        let value = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => value.parse().ok()?,
        };
        let operation = Operation::new(and, operator, value);
        match width {
            None => Some(operation),
            Some(width @ (1 | 2 | 4 | 8)) if width >= operation.width => Some(Operation { width, ..operation }),
            Some(_) => None,
        }
    }
}
