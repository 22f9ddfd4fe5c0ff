//! The program `ipip-endpoint` between network namespaces: needs root, iproute2, ping, python3 and tshark.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

#[path = "endpoint/lab.rs"]
mod lab;

use lab::{FAR, FAR_INSIDE, Lab, NEAR, NEAR_INSIDE, ROUTER, Running, Stream};

/// Sends one datagram over a raw socket: outer TOS, outer source, and an inner UDP datagram to port 7777.
fn inject(lab: &Lab, namespace: &str, source: &str, outer_tos: u8, inner_tos: u8, inner_source: &str) {
    let script = format!(
        "import socket, struct\n\
         def sum16(b):\n\
         \x20   s = sum(struct.unpack('!%dH' % (len(b) // 2), b))\n\
         \x20   s = (s >> 16) + (s & 65535)\n\
         \x20   return ~(s + (s >> 16)) & 65535\n\
         def ip(tos, proto, src, dst, body):\n\
         \x20   h = struct.pack('!BBHHHBBH4s4s', 69, tos, 20 + len(body), 1, 0, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))\n\
         \x20   return h[:10] + struct.pack('!H', sum16(h)) + h[12:] + body\n\
         udp = struct.pack('!HHHH', 4444, 7777, 12, 0) + b'hall'\n\
         inner = ip({inner_tos}, 17, '{inner_source}', '{FAR_INSIDE}', udp)\n\
         s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)\n\
         s.sendto(ip({outer_tos}, 4, '{source}', '{FAR}', inner), ('{FAR}', 0))\n"
    );
    lab.run(namespace, &["python3", "-c", &script]);
}

/// Prints the TOS of each datagram that comes to UDP port 7777, until one has the payload `stop`.
const RECEIVER: &str = "import socket\n\
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
    s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)\n\
    s.bind(('0.0.0.0', 7777))\n\
    s.settimeout(20)\n\
    print('ready', flush=True)\n\
    while True:\n\
    \x20   data, more, _, _ = s.recvmsg(100, 100)\n\
    \x20   if data == b'stop': break\n\
    \x20   print('tos', more[0][2][0], flush=True)\n";

fn send_udp(lab: &Lab, tos: u8, payload: &str) {
    let script = format!(
        "import socket\n\
         s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, {tos})\n\
         s.sendto(b'{payload}', ('{FAR_INSIDE}', 7777))\n"
    );
    lab.run(&lab.near, &["python3", "-c", &script]);
}

fn ping(lab: &Lab, options: &[&str]) -> (bool, String) {
    lab.output(&lab.near, &[&["ping", "-n", "-c", "1", "-W", "3"], options, &[FAR_INSIDE]].concat())
}

/// Carries 3 MB over TCP from the near end to the far one, and compares the checksums.
fn transfer(lab: &Lab) {
    let mut server = lab.python(
        &lab.far,
        "import hashlib, socket\n\
         s = socket.create_server(('0.0.0.0', 7000))\n\
         s.settimeout(20)\n\
         print('ready', flush=True)\n\
         c, _ = s.accept()\n\
         h = hashlib.sha256()\n\
         while data := c.recv(65536): h.update(data)\n\
         print(h.hexdigest(), flush=True)\n",
    );
    let client = format!(
        "import hashlib, random, socket\n\
         data = random.Random(8).randbytes(3000000)\n\
         s = socket.create_connection(('{FAR_INSIDE}', 7000), 20)\n\
         s.sendall(data)\n\
         s.close()\n\
         print(hashlib.sha256(data).hexdigest())\n"
    );
    let sent = lab.run(&lab.near, &["python3", "-c", &client]);
    assert_eq!(server.wait().trim(), sent.trim());
}

#[test]
fn rfc2003_3_1_ping_and_tcp_pass_and_tshark_agrees() {
    let Some(lab) = Lab::new() else { return };
    let [near, far] = lab.endpoints(&[]);
    let file = std::env::temp_dir().join(format!("{}.pcap", lab.near));
    let path = file.to_str().unwrap();
    let capture = lab.command(&lab.router, &["tshark", "-n", "-i", "wa", "-f", "ip proto 4", "-c", "40", "-w", path]);
    let mut capture = Running::new(capture, Stream::Err);
    while !capture.first.contains("Capturing") {
        capture.next_line();
    }
    // The line comes before the filter is in place.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let (passed, text) = ping(&lab, &[]);
    assert!(passed, "{text}");
    transfer(&lab);
    capture.wait();
    let fields = ["-T", "fields", "-e", "frame.protocols", "-e", "ip.checksum.status", "-e", "tcp.checksum.status"];
    let checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
    let seen = lab.run(&lab.router, &[&["tshark", "-n", "-r", path], &checks[..], &fields[..]].concat());
    let _ = std::fs::remove_file(&file);
    let frames: Vec<&str> = seen.lines().filter(|line| line.contains("ip:ip:")).collect();
    assert!(frames.len() >= 40, "{seen}");
    for frame in &frames {
        let columns: Vec<&str> = frame.split('\t').collect();
        // 1 is good: both IP headers, and TCP where it is TCP.
        assert_eq!(columns[1], "1,1", "{frame}");
        assert!(columns[2].is_empty() || columns[2] == "1", "{frame}");
    }
    assert!(frames.iter().any(|frame| frame.contains("ip:ip:icmp")), "{seen}");
    assert!(frames.iter().any(|frame| frame.contains("ip:ip:tcp")), "{seen}");
    let said = near.end();
    assert!(said.contains("encapsulated"), "{said}");
    far.end();
}

#[test]
fn rfc2003_3_1_mtu_and_df() {
    let Some(lab) = Lab::new() else { return };
    let [near, _far] = lab.endpoints(&[]);
    let link = lab.run(&lab.near, &["ip", "-o", "link", "show", "tun0"]);
    assert!(link.contains("mtu 1480"), "{link}");
    let (passed, text) = ping(&lab, &["-M", "do", "-s", "1452"]);
    assert!(passed, "{text}");
    // The device lets it pass, so that the tunnel has to speak.
    lab.run(&lab.near, &["ip", "link", "set", "tun0", "mtu", "1500"]);
    let (passed, text) = ping(&lab, &["-M", "do", "-s", "1472"]);
    assert!(!passed && text.contains("mtu = 1480"), "{text}");
    let (passed, text) = ping(&lab, &["-M", "dont", "-s", "1472"]);
    assert!(passed, "fragments of the outer datagram: {text}");
    let (passed, text) = ping(&lab, &["-M", "dont", "-s", "4000"]);
    assert!(passed, "fragments inside: {text}");
    let said = near.end();
    assert!(said.contains("dropped too_big 1"), "{said}");
}

#[test]
fn rfc1191_6_3_a_smaller_path_mtu_is_learned_and_told() {
    let Some(lab) = Lab::new() else { return };
    let [_near, _far] = lab.endpoints(&[]);
    assert!(ping(&lab, &["-M", "do", "-s", "1452"]).0);
    lab.run(&lab.router, &["ip", "link", "set", "wb", "mtu", "1400"]);
    let (passed, text) = ping(&lab, &["-M", "do", "-s", "1452"]);
    assert!(!passed && text.contains("mtu = 1380"), "{text}");
    let (passed, text) = ping(&lab, &["-M", "do", "-s", "1352"]);
    assert!(passed, "{text}");
    transfer(&lab);
}

#[test]
fn rfc6040_4_ecn_marks_go_in_and_come_out() {
    let Some(lab) = Lab::new() else { return };
    let [_near, far] = lab.endpoints(&[]);
    let mut receiver = lab.python(&lab.far, RECEIVER);
    send_udp(&lab, 2, "ect0");
    // Marked on the way, between ends that know ECN and of ends that do not.
    inject(&lab, &lab.near, NEAR, 3, 2, NEAR_INSIDE);
    inject(&lab, &lab.near, NEAR, 3, 0, NEAR_INSIDE);
    send_udp(&lab, 0xb8, "stop");
    assert_eq!(receiver.wait(), "tos 2\ntos 3\n");
    let said = far.end();
    assert!(said.contains("dropped ecn_drop 1"), "{said}");
}

#[test]
fn vu636397_a_rogue_source_is_refused() {
    let Some(lab) = Lab::new() else { return };
    let [_near, far] = lab.endpoints(&[]);
    let mut receiver = lab.python(&lab.far, RECEIVER);
    inject(&lab, &lab.router, ROUTER, 0, 0, NEAR_INSIDE);
    inject(&lab, &lab.near, NEAR, 0, 0, FAR);
    inject(&lab, &lab.near, NEAR, 0, 0, "127.0.0.1");
    send_udp(&lab, 0, "stop");
    assert_eq!(receiver.wait(), "");
    let said = far.end();
    assert!(said.contains("dropped source_not_allowed 1"), "{said}");
    assert!(said.contains("dropped inner_martian 2"), "{said}");
}

#[test]
fn a_range_of_remotes_is_accepted_and_no_more() {
    let Some(lab) = Lab::new() else { return };
    let program = env!("CARGO_BIN_EXE_ipip-endpoint");
    let near = [program, "--local", NEAR, "--remote", FAR, "--addr", "10.9.0.1/24", "--tun", "tun0"];
    let _near = Running::new(lab.command(&lab.near, &near), Stream::Out);
    let range = ["--remote-range", "192.0.2.0/30", "--remote", "203.0.113.1", "--mtu", "1500"];
    let far = [&[program, "--local", FAR, "--addr", "10.9.0.2/24", "--tun", "tun0"], &range[..]].concat();
    let far = Running::new(lab.command(&lab.far, &far), Stream::Out);
    let mut receiver = lab.python(&lab.far, RECEIVER);
    inject(&lab, &lab.router, ROUTER, 0, 0, NEAR_INSIDE);
    inject(&lab, &lab.near, NEAR, 0, 0x28, NEAR_INSIDE);
    send_udp(&lab, 0, "stop");
    assert_eq!(receiver.wait(), "tos 40\n");
    let said = far.end();
    assert!(said.contains("dropped source_not_allowed 1"), "{said}");
}

#[test]
fn it_is_ready_once_has_no_address_unless_asked_and_ends_well() {
    let Some(lab) = Lab::new() else { return };
    let program = env!("CARGO_BIN_EXE_ipip-endpoint");
    let arguments = [program, "--mtu", "1400", "--remote", FAR, "--tun", "ipip-near.1", "--local", NEAR];
    let endpoint = Running::new(lab.command(&lab.near, &arguments), Stream::Out);
    assert_eq!(endpoint.first, "ready ipip-near.1");
    let link = lab.run(&lab.near, &["ip", "-o", "link", "show", "ipip-near.1"]);
    assert!(link.contains("mtu 1380") && link.contains(",UP,"), "{link}");
    assert_eq!(lab.run(&lab.near, &["ip", "-o", "-4", "addr", "show", "dev", "ipip-near.1"]), "");
    // A reload without routes ends nothing, and says nothing.
    endpoint.signal("-HUP");
    std::thread::sleep(std::time::Duration::from_millis(100));
    // `end` holds that the exit code is 0.
    assert_eq!(endpoint.end(), "encapsulated 0, decapsulated 0\n");
    assert!(!lab.output(&lab.near, &["ip", "link", "show", "ipip-near.1"]).0, "the device goes with it");
}

#[test]
fn wrong_arguments_are_named_and_the_code_is_2() {
    let ends = ["--local", "192.0.2.1", "--remote", "192.0.2.2"];
    let tun = ["--tun", "t0"];
    for (arguments, message) in [
        (&["--tun", "t0", "--local", "192.0.2.1"][..], "error: neither --remote nor --routes names another end\n"),
        (
            &[&["--tun", "a/b"], &ends[..]].concat(),
            "error: \"a/b\" is no name of a device: 1 to 15 octets without blanks, / and %\n",
        ),
        (&ends, "error: the following required arguments were not provided:\n  --tun <NAME>\n"),
        (
            &[&tun, &ends[..], &["--mtu", "87"]].concat(),
            "error: invalid value '87' for '--mtu <N>': 87 is not in 88..=",
        ),
        (
            &[&tun, &ends[..], &["--addr", "10.0.0.1/33"]].concat(),
            "error: invalid value '10.0.0.1/33' for '--addr <A/L>'",
        ),
        (&["--tun", "t0", "--local", "here"], "error: invalid value 'here' for '--local <A>'"),
        (&[&tun, &ends[..], &["--ttl", "9"]].concat(), "error: unexpected argument '--ttl' found\n"),
        (
            &[&tun, &ends[..], &["--routes", "/nowhere/routes"]].concat(),
            "error: /nowhere/routes: No such file or directory (os error 2)\n",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ipip-endpoint")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with(message), "{said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
    }
}

#[test]
fn routes_name_the_exits_and_are_read_again() {
    let Some(lab) = Lab::new() else { return };
    let file = std::env::temp_dir().join(format!("{}.routes", lab.near));
    std::fs::write(&file, "10.8.0.0/24 via 198.51.100.2\n").unwrap();
    let program = env!("CARGO_BIN_EXE_ipip-endpoint");
    let routes = ["--local", NEAR, "--routes", file.to_str().unwrap(), "--addr", "10.9.0.1/24", "--tun", "tun0"];
    let near = Running::new(lab.command(&lab.near, &[&[program], &routes[..]].concat()), Stream::Out);
    let far = [program, "--local", FAR, "--remote", NEAR, "--addr", "10.9.0.2/24", "--tun", "tun0"];
    let _far = Running::new(lab.command(&lab.far, &far), Stream::Out);
    assert!(!ping(&lab, &["-W", "1"]).0, "there is no route yet");
    std::fs::write(&file, "10.9.0.0/24 via 198.51.100.2 # now\n").unwrap();
    near.signal("-HUP");
    std::thread::sleep(std::time::Duration::from_millis(200));
    let (passed, text) = ping(&lab, &[]);
    let _ = std::fs::remove_file(&file);
    assert!(passed, "{text}");
    near.end();
}
