//! `ping -c`, and below it the way of the packets, which the tool does not show.

use alloc::format;
use alloc::string::{String, ToString};

use crate::status::Ping;

/// The output of a ping that ended, with requests a second apart.
///
/// ```
/// use bgp_cluster::{status::{Ping, Probe, Reply}, table};
///
/// let ping = Ping {
///     target: "10.244.169.138".parse()?,
///     payload: 56,
///     probes: vec![Probe { sequence: 1, reply: Some(Reply { ttl: 63, micros: 389 }) }],
///     path: vec!["k8s-master".into(), "k8s-node2".into()],
///     overhead: 20,
/// };
/// assert_eq!(table::ping(&ping), "\
/// PING 10.244.169.138 (10.244.169.138) 56(84) bytes of data.
/// 64 bytes from 10.244.169.138: icmp_seq=1 ttl=63 time=0.389 ms
///
/// --- 10.244.169.138 ping statistics ---
/// 1 packets transmitted, 1 received, 0% packet loss, time 0ms
/// rtt min/avg/max/mdev = 0.389/0.389/0.389/0.000 ms
/// path k8s-master -> k8s-node2, 84 octets + 20 octets overhead
/// ");
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[must_use]
pub fn ping(ping: &Ping) -> String {
    let Ping { target, payload, .. } = ping;
    let (icmp, total) = (u32::from(*payload) + ICMP_HEADER, packet_len(ping));
    let mut text = format!("PING {target} ({target}) {payload}({total}) bytes of data.\n");
    for probe in &ping.probes {
        if let Some(reply) = probe.reply {
            let (sequence, ttl, time) = (probe.sequence, reply.ttl, short(reply.micros));
            text.push_str(&format!("{icmp} bytes from {target}: icmp_seq={sequence} ttl={ttl} time={time} ms\n"));
        }
    }
    let sent = ping.probes.len();
    let received = ping.probes.iter().filter(|probe| probe.reply.is_some()).count();
    // ping rounds down, too.
    let loss = ((sent - received) * 100).checked_div(sent).unwrap_or(0);
    let time = sent.saturating_sub(1).saturating_mul(1000);
    text.push_str(&format!("\n--- {target} ping statistics ---\n"));
    text.push_str(&format!("{sent} packets transmitted, {received} received, {loss}% packet loss, time {time}ms\n"));
    text.push_str(&times_line(ping));
    text.push_str(&path_line(ping));
    text
}

/// Least, mean and greatest time, and the standard deviation; nothing if nothing came back.
fn times_line(ping: &Ping) -> String {
    let times = || ping.probes.iter().filter_map(|probe| probe.reply).map(|reply| u64::from(reply.micros));
    let count = u64::try_from(times().count()).unwrap_or(u64::MAX);
    let (Some(least), Some(most)) = (times().min(), times().max()) else { return String::new() };
    let mean = |sum: u64| sum.checked_div(count).unwrap_or(0);
    let average = mean(times().sum());
    let squares = times().fold(0_u64, |sum, time| sum.saturating_add(time.saturating_mul(time)));
    let deviation = mean(squares).saturating_sub(average.saturating_mul(average)).isqrt();
    let [least, average, most, deviation] = [least, average, most, deviation].map(millis);
    format!("rtt min/avg/max/mdev = {least}/{average}/{most}/{deviation} ms\n")
}

fn path_line(ping: &Ping) -> String {
    if ping.path.is_empty() {
        return String::new();
    }
    let lost = if ping.probes.iter().all(|probe| probe.reply.is_none()) { " -> lost" } else { "" };
    let overhead = match ping.overhead {
        0 => String::from("without overhead"),
        octets => format!("+ {octets} octets overhead"),
    };
    format!("path {}{lost}, {} octets {overhead}\n", ping.path.join(" -> "), packet_len(ping))
}

/// The whole packet without encapsulation.
fn packet_len(ping: &Ping) -> u32 {
    let header = if ping.target.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
    u32::from(ping.payload) + ICMP_HEADER + header
}

fn millis(micros: u64) -> String {
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

/// Three digits that count, as in the lines of replies.
fn short(micros: u32) -> String {
    match micros {
        0..1_000 => millis(micros.into()),
        1_000..10_000 => format!("{}.{:02}", micros / 1000, micros % 1000 / 10),
        10_000..100_000 => format!("{}.{}", micros / 1000, micros % 1000 / 100),
        _ => (micros / 1000).to_string(),
    }
}

const ICMP_HEADER: u32 = 8;
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
