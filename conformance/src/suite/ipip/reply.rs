//! An ICMP message that was sent, against `icmp_reply` and `icmp_reply_hex`.

use std::net::Ipv4Addr;

use ipip::{ICMP_MAX_LEN, checksum};

use crate::{Fields, Mismatch};

use super::{compare_number, octets};

/// Compares the message sent with what `expect` names; where it names none, none may be sent.
pub(super) fn compare(sent: Option<&[u8]>, expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let named = expect.take("icmp_reply").filter(|value| !value.is_null());
    let form = expect.take("icmp_reply_hex").filter(|value| !value.is_null());
    let none = named.is_none() && form.is_none();
    let Some(sent) = sent else {
        let missing = Mismatch::new("expect.icmp_reply", "a message", "none");
        return Ok(if none { Vec::new() } else { vec![missing] });
    };
    if none {
        return Ok(vec![Mismatch::new("expect.icmp_reply", "none", hex::encode(sent))]);
    }
    let Some(sent) = Message::read(sent) else {
        return Ok(vec![Mismatch::new("expect.icmp_reply", "a well-formed message", hex::encode(sent))]);
    };
    let mut out = Vec::new();
    if let Some(named) = named {
        out.extend(sent.compare_fields(&Fields::new("expect.icmp_reply", named)?)?);
    }
    if let Some(form) = form {
        let form = octets("expect.icmp_reply_hex", form)?;
        let form = Message::read(&form).ok_or_else(|| Mismatch::unknown("expect.icmp_reply_hex"))?;
        out.extend(sent.compare_form(&form));
    }
    Ok(out)
}

/// An ICMP error message taken apart.
#[derive(Debug)]
struct Message {
    fragment: u16,
    destination: Ipv4Addr,
    kind: u8,
    code: u8,
    rest: [u8; 4],
    quote: Vec<u8>,
}

impl Message {
    /// `None` when lengths, checksums or the protocol are wrong, or it is longer than an error may be.
    fn read(octets: &[u8]) -> Option<Message> {
        let (header, icmp) = octets.split_first_chunk::<20>()?;
        let &[vi, _, l0, l1, _, _, f0, f1, _, protocol, _, _, _, _, _, _, d0, d1, d2, d3] = header;
        let (&[kind, code, _, _, r0, r1, r2, r3], quote) = icmp.split_first_chunk::<8>()?;
        let total = usize::from(u16::from_be_bytes([l0, l1]));
        let sane = vi == 0x45 && protocol == 1 && total == octets.len() && total <= ICMP_MAX_LEN;
        (sane && checksum(header) == 0 && checksum(icmp) == 0).then(|| Message {
            fragment: u16::from_be_bytes([f0, f1]),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
            kind,
            code,
            rest: [r0, r1, r2, r3],
            quote: quote.to_vec(),
        })
    }

    fn mtu(&self) -> u64 {
        let [_, _, high, low] = self.rest;
        u64::from(u16::from_be_bytes([high, low]))
    }

    fn compare_fields(&self, named: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
        let mut out = compare_number(named, "type", u64::from(self.kind))?;
        out.extend(compare_number(named, "code", u64::from(self.code))?);
        out.extend(compare_number(named, "mtu", self.mtu())?);
        if let Some(to) = named.text("to")?
            && to != self.destination.to_string()
        {
            out.push(Mismatch::new(named.path("to"), to, self.destination));
        }
        if let Some(prefix) = named.take("quote_prefix") {
            let prefix = octets(&named.path("quote_prefix"), prefix)?;
            if !self.quote.starts_with(&prefix) {
                let (expected, got) = (hex::encode(prefix), hex::encode(&self.quote));
                out.push(Mismatch::new(named.path("quote_prefix"), expected, got));
            }
        }
        out.extend(named.unread());
        Ok(out)
    }

    /// README: source, TTL, TOS, ID and length of the quote are free; the rest of the form is not.
    fn compare_form(&self, form: &Message) -> Option<Mismatch> {
        let fixed =
            |message: &Message| (message.fragment, message.destination, message.kind, message.code, message.rest);
        let quote = self.quote.starts_with(&form.quote) || form.quote.starts_with(&self.quote);
        (fixed(self) != fixed(form) || !quote)
            .then(|| Mismatch::new("expect.icmp_reply_hex", format!("{form:?}"), format!("{self:?}")))
    }
}
