//! The program itself: what it prints, how it ends, what it says about wrong input.

use std::io::BufRead;
use std::process::Command;

use crate::client::{Client, announce};
use crate::daemon::{Net, Place, until};
use crate::ours::Reflector;

/// Standard error and exit code.
fn refused(arguments: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_reflector")).args(arguments).output().unwrap();
    assert!(output.stdout.is_empty());
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

const BASE: [&str; 6] = ["--listen", "127.0.0.1:0", "--local-as", "64512", "--router-id", "10.0.0.254"];

#[track_caller]
fn is_refused(more: &[&str], message: &str) {
    let (errors, code) = refused(&[&BASE, more].concat());
    assert!(errors.contains(message), "{errors:?}");
    assert_eq!(code, Some(2), "{errors}");
}

#[test]
fn wrong_input_is_named_and_the_exit_code_is_2() {
    assert_eq!(
        refused(&["--listen", "127.0.0.1:0", "--router-id", "10.0.0.1"]),
        ("error: command line: local-as is missing\n".into(), Some(2))
    );
    is_refused(&["--peer", "192.0.2.1,64512,clint"], "192.0.2.1,64512,clint: option \"clint\" is not known");
    is_refused(&["--peer", "192.0.2.1,65000,client"], "error: peer 192.0.2.1: a client is of the own AS\n");
    is_refused(
        &["--peer", "192.0.2.1,1", "--peer", "192.0.2.1,2"],
        "error: command line: peer 192.0.2.1 is there twice\n",
    );
    is_refused(&["--client-range", "127.0.0.0/33"], "127.0.0.0/33");
    is_refused(&["--hold-time", "2"], "hold-time 2 is neither 0 nor at least 3");
    is_refused(&["--listen", "192.0.2.77:0"], "error: listen 192.0.2.77:0: ");
    is_refused(&["--config", "/no/such.toml"], "error: /no/such.toml: ");
    is_refused(&["--status", "/no/such/socket"], "error: status /no/such/socket: ");
    let place = Place::new("wrong");
    let file = place.write("a.toml", "hold-time = 30\n\n[[peer]]\naddress = \"192.0.2.1\"\nas = 1\ncolour = 3\n");
    is_refused(&["--config", file.to_str().unwrap()], "a.toml: line 6: unknown field `colour`");
    let file = place.write("b.toml", "local-as = \"x\"\n");
    is_refused(&["--config", file.to_str().unwrap()], "b.toml: line 1: invalid type: string \"x\", expected u32");
}

#[test]
fn rfc4486_both_signals_end_with_a_cease_and_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let net = Net::new();
        let mut reflector = Reflector::start(net);
        let mut clients: Vec<Client> =
            (2..5).map(|number| Client::established(net.host(number), reflector.address)).collect();
        reflector.process.signal(signal);
        for client in &mut clients {
            until("the end", || {
                client.read();
                client.closed
            });
            assert_eq!(client.notification, Some((6, 2)), "{signal}");
        }
        assert_eq!(reflector.end_without_signal(), Some(0), "{signal}");
    }
}

#[test]
fn sigusr1_prints_the_sessions_in_a_box() {
    let net = Net::new();
    let mut reflector = Reflector::start(net);
    let _client = Client::established(net.host(2), reflector.address);
    until("the session", || reflector.is_up(net.host(2)));
    reflector.process.signal("USR1");
    let lines: Vec<String> = (0..18)
        .map(|_| {
            let mut line = String::new();
            reflector.out.read_line(&mut line).unwrap();
            line
        })
        .collect();
    assert_eq!(lines[0], "Route reflector is running.\n");
    assert_eq!(lines[2], "IPv4 BGP status\n");
    assert!(lines[4].starts_with("| PEER ADDRESS | PEER TYPE | STATE | "), "{lines:?}");
    assert!(
        lines[6].starts_with(&format!("| {} ", net.host(2))) && lines[6].ends_with("| Established |\n"),
        "{lines:?}"
    );
    let about = lines.iter().position(|line| line.starts_with(&format!("{} AS 64512: Established", net.host(2))));
    let about = &lines[about.unwrap()..];
    assert_eq!(about[1], "  sent: keepalive 1, notification 0, open 1, route_refresh 0, update 1\n");
    assert_eq!(about[2], "  received: keepalive 1, notification 0, open 1, route_refresh 0, update 0\n");
}

#[test]
fn the_status_tells_sessions_routes_and_memory() {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let _client = Client::established(net.host(2), reflector.address);
    until("the session", || reflector.is_up(net.host(2)));
    let status = reflector.status();
    for (pointer, value) in [
        ("/router_id", "\"10.0.0.254\""),
        ("/cluster_id", "\"244.0.0.1\""),
        ("/local_as", "64512"),
        ("/routes/ipv4_unicast", "0"),
        ("/peers/0/kind", "\"client\""),
        ("/peers/0/dynamic", "true"),
        ("/peers/0/established_count", "1"),
        ("/peers/0/negotiated/hold_time", "90"),
        ("/peers/0/negotiated/families", "[\"ipv4_unicast\"]"),
        ("/peers/0/messages_received/open", "1"),
        ("/peers/0/messages_sent/open", "1"),
        // End-of-RIB.
        ("/peers/0/messages_sent/update", "1"),
        ("/peers/0/flap_count", "0"),
        ("/peers/0/prefixes/ipv4_unicast", "0"),
        ("/peers/0/last_notification_received", "null"),
        ("/connections", "1"),
        ("/refused/unknown", "0"),
    ] {
        assert_eq!(status.pointer(pointer).map(ToString::to_string).as_deref(), Some(value), "{pointer}");
    }
    assert!(status["memory"]["resident_octets"].as_u64().unwrap() > 1 << 20);
    assert!(status["memory"]["descriptors"].as_u64().unwrap() > 5);
}

#[test]
fn rfc4271_9_1_2_next_hops_resolve_unless_the_configuration_says_otherwise() {
    let net = Net::new();
    let place = Place::new("unreachable");
    let file = place.write("config.toml", "unreachable-next-hops = [\"192.0.2.2\"]\n");
    let range = net.range();
    let reflector = Reflector::with(net, &["--client-range", &range, "--config", file.to_str().unwrap()]);
    let mut client = Client::established(net.host(2), reflector.address);
    client.send(&announce(&[([10, 1, 0, 0].into(), 16)], [192, 0, 2, 2].into(), &[]));
    client.send(&announce(&[([10, 2, 0, 0].into(), 16)], [192, 0, 2, 3].into(), &[]));
    until("both have come", || reflector.peer(net.host(2))["paths"] == 2);
    until("one is used", || reflector.number("/routes/ipv4_unicast") == 1);
}
