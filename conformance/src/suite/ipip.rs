//! `ipip.jsonl`: datagrams into and out of an IP-in-IP tunnel, and ICMP errors from inside it.

mod config;
mod reply;

use core::time::Duration;

use ipip::{Error, HEADROOM, ICMP_MAX_LEN, Path, Reason, Reassembly};
use serde_json::Value;

use crate::{Fields, Mismatch};

use config::Setup;

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    run_case(case).unwrap_or_else(|mismatch| vec![mismatch])
}

fn run_case(case: &Value) -> Result<Vec<Mismatch>, Mismatch> {
    let fields = Fields::new("", case)?;
    fields.ignore(&["id", "rfc", "section", "title", "why", "note", "from", "verified", "known_differences"]);
    let op = fields.text("op")?;
    let setup = Setup::read(Fields::new("config", fields.need("config")?)?)?;
    let input = octets("input", fields.need("input")?)?;
    let expect = Fields::new("expect", fields.need("expect")?)?;
    let mut out = match op {
        Some("encap") => encap(&setup, &input, &expect)?,
        Some("decap") => decap(&setup, input, &expect)?,
        Some("icmp") => icmp(&setup, &input, &expect)?,
        _ => return Err(Mismatch::unknown("op")),
    };
    out.extend(expect.unread());
    out.extend(fields.unread());
    Ok(out)
}

/// The datagrams that go out for an inner one, or the error, and the ICMP message to the inner source.
fn encap(setup: &Setup, input: &[u8], expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let mut tunnel = setup.tunnel();
    let path = Path::new(setup.remote);
    let mut buffer = vec![0; HEADROOM];
    buffer.extend(input);
    let result = tunnel.encap(&path, NOW, &mut buffer).map(|sent| {
        let datagram = |fragment: ipip::Fragment| {
            let payload = sent.inner().get(fragment.payload()).unwrap_or_default();
            [fragment.header(), payload].concat()
        };
        sent.fragments().map(datagram).collect::<Vec<_>>()
    });
    let mut out = compare_result(&result, expect)?;
    let mut space = [0; ICMP_MAX_LEN];
    let sent = match &result {
        Ok(_) => None,
        Err(error) => tunnel.icmp_reply(error, &path, NOW, input, &mut space),
    };
    // README: for encap, no ICMP may be sent where none is named.
    out.extend(reply::compare(sent, expect)?);
    Ok(out)
}

/// The inner datagram, or the error, and whether the ECN fields were an anomaly.
fn decap(setup: &Setup, mut input: Vec<u8>, expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let mut tunnel = setup.tunnel();
    let mut space = vec![0; usize::from(u16::MAX)];
    let mut reassembly = Reassembly::new(&mut space);
    let mut result = tunnel.decap(&mut input).map(|decapsulated| vec![decapsulated.inner.to_vec()]);
    if setup.reassemble && result.as_ref().is_err_and(|error| error.reason == Reason::OuterFragment) {
        result = match tunnel.reassemble(&mut reassembly, NOW, &input) {
            Ok(Some(whole)) => tunnel.decap(whole).map(|decapsulated| vec![decapsulated.inner.to_vec()]),
            // It is kept, and nothing comes out yet.
            Ok(None) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
    }
    let mut out = compare_result(&result, expect)?;
    if let Some(anomaly) = expect.truth("anomaly")? {
        let counted = tunnel.counters().ecn_anomalies > 0;
        if anomaly != counted {
            out.push(Mismatch::new("expect.anomaly", anomaly, counted));
        }
    }
    Ok(out)
}

/// What is relayed of an ICMP error, and what the tunnel learned from it.
fn icmp(setup: &Setup, input: &[u8], expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let mut tunnel = setup.tunnel();
    let mut path = Path::new(setup.remote);
    let mut space = [0; ICMP_MAX_LEN];
    let notice = tunnel.notice(input).ok();
    let sent = match &notice {
        Some(notice) => tunnel.relay(notice, &mut path, NOW, &mut space),
        None => None,
    };
    let mut out = Vec::new();
    if let Some(relay) = expect.truth("relay")?
        && relay != sent.is_some()
    {
        out.push(Mismatch::new("expect.relay", relay, sent.is_some()));
    }
    if expect.take("icmp_reply").is_some() || expect.take("icmp_reply_hex").is_some() {
        out.extend(reply::compare(sent, expect)?);
    }
    out.extend(compare_state(setup, &path, expect)?);
    Ok(out)
}

fn compare_state(setup: &Setup, path: &Path, expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let mut out = compare_number(expect, "pmtu", u64::from(path.mtu(&setup.config, NOW)))?;
    if let Some(state) = expect.take("soft_state") {
        let unreachable = path.unreachable(NOW).is_some();
        match state {
            Value::Null if unreachable => out.push(Mismatch::new("expect.soft_state", "none", "unreachable")),
            Value::Null => {}
            Value::String(word) if word == "unreachable" => {
                if !unreachable {
                    out.push(Mismatch::new("expect.soft_state", "unreachable", "none"));
                }
            }
            _ => out.push(Mismatch::unknown("expect.soft_state")),
        }
    }
    Ok(out)
}

/// Compares exactly one of `output`, `outputs` and `error`.
fn compare_result(result: &Result<Vec<Vec<u8>>, Error>, expect: &Fields<'_>) -> Result<Vec<Mismatch>, Mismatch> {
    let got = match result {
        Ok(datagrams) => datagrams.iter().map(hex::encode).collect::<Vec<_>>().join(" "),
        Err(error) => error.reason.name().to_owned(),
    };
    let named = [expect.take("output"), expect.take("outputs"), expect.take("error")];
    let (key, expected) = match named {
        [Some(output), None, None] => ("expect.output", hex::encode(octets("expect.output", output)?)),
        [None, Some(Value::Array(outputs)), None] => {
            let datagrams = outputs.iter().map(|output| octets("expect.outputs", output).map(hex::encode));
            ("expect.outputs", datagrams.collect::<Result<Vec<_>, _>>()?.join(" "))
        }
        [None, None, Some(Value::String(name))] => match Reason::ALL.iter().find(|reason| reason.name() == name) {
            Some(reason) => ("expect.error", reason.name().to_owned()),
            None => return Err(Mismatch::unknown("expect.error")),
        },
        _ => return Err(Mismatch::new("expect", "exactly one of output, outputs, error", "another form")),
    };
    Ok(if expected == got { Vec::new() } else { vec![Mismatch::new(key, expected, got)] })
}

/// Compares a number with the keys `name`, `name_min` and `name_max`, the bounds included.
fn compare_number(fields: &Fields<'_>, name: &str, got: u64) -> Result<Vec<Mismatch>, Mismatch> {
    let (least, most) = (format!("{name}_min"), format!("{name}_max"));
    let holds = [
        (name, fields.number(name)?.map(|named| (named, got == named))),
        (&least, fields.number(&least)?.map(|named| (named, got >= named))),
        (&most, fields.number(&most)?.map(|named| (named, got <= named))),
    ];
    let wrong = holds.into_iter().filter_map(|(key, named)| match named {
        Some((named, false)) => Some(Mismatch::new(fields.path(key), named, got)),
        _ => None,
    });
    Ok(wrong.collect())
}

/// Hex as octets.
fn octets(key: &str, value: &Value) -> Result<Vec<u8>, Mismatch> {
    value
        .as_str()
        .and_then(|text| hex::decode(text).ok())
        .ok_or_else(|| Mismatch::malformed(key, "octets in hexadecimal", value))
}

/// Every case is one moment.
const NOW: Duration = Duration::ZERO;

#[cfg(test)]
mod tests;
