//! What an operator does with a reflector that runs: changes its file, looks at metrics, asks why, records messages.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use bgp_wire::mrt::{Content, frame};
use serde_json::Value;

use crate::client::{Client, announce};
use crate::daemon::{Net, Place, until, until_is};
use crate::ours::Reflector;

fn with_file(place: &Place, net: Net, text: &str) -> Reflector {
    let file = place.write("reflector.toml", text);
    Reflector::on(net.host(1).into(), &["--config", file.to_str().unwrap()])
}

fn ended(client: &mut Client) -> Option<(u8, u8)> {
    until("the end", || {
        client.read();
        client.closed
    });
    client.notification
}

#[test]
fn sighup_changes_what_the_file_changes_and_nothing_else() {
    let (net, place) = (Net::new(), Place::new("reload"));
    let peer = |number: u8, more: &str| {
        format!("[[peer]]\naddress = \"{}\"\nas = 64512\nclient = true\npassive = true\n{more}\n", net.host(number))
    };
    let range = |limit: u32| format!("[[client-range]]\nprefix = \"{}/28\"\nmax-prefixes = {limit}\n", net.host(16));
    let reflector = with_file(&place, net, &[range(10), peer(2, ""), peer(3, ""), peer(5, "")].concat());
    let mut stays = Client::established(net.host(2), reflector.address);
    let mut goes = Client::established(net.host(3), reflector.address);
    let mut changes = Client::established(net.host(5), reflector.address);
    let mut member = Client::established(net.host(17), reflector.address);
    stays.send(&announce(&[([10, 1, 0, 0].into(), 16)], [192, 0, 2, 2].into(), &[]));
    until_is("the route", &1, || reflector.number("/routes/ipv4_unicast"));

    // Another limit, one peer less, one more, one with another capability; the range is smaller.
    let new = [range(2), peer(2, "max-prefixes = 5"), peer(4, ""), peer(5, "add-path = true")].concat();
    place.write("reflector.toml", &new);
    reflector.process.signal("HUP");
    assert_eq!(ended(&mut goes), Some((6, 3)));
    assert_eq!(ended(&mut changes), Some((6, 6)));
    until("the new peer", || !reflector.peer(net.host(4)).is_null());
    assert!(reflector.peer(net.host(3)).is_null());
    let _added = Client::established(net.host(4), reflector.address);
    // Those that need no new session have noticed nothing, and what is new for them is in force.
    for host in [2, 17] {
        let peer = reflector.peer(net.host(host));
        assert_eq!((&peer["state"], &peer["flap_count"]), (&Value::from("Established"), &Value::from(0)));
    }
    assert_eq!(reflector.number("/routes/ipv4_unicast"), 1);
    let prefixes: Vec<_> = (0..3).map(|number| (Ipv4Addr::new(10, 3, number, 0), 24)).collect();
    member.send(&announce(&prefixes, [192, 0, 2, 17].into(), &[]));
    assert_eq!(ended(&mut member), Some((6, 1)));

    // What is wrong changes nothing, and says where.
    for (text, problem) in [
        (format!("{}hold-tim = 3\n", peer(6, "")), "line 7: unknown field `hold-tim`"),
        (format!("hold-time = 2\n{}", peer(6, "")), "line 1: hold-time 2 is neither 0 nor at least 3"),
        (peer(6, "ttl-security = 0"), "ttl-security is 1 to 255 hops"),
        (format!("{}{}", peer(6, ""), peer(6, "")), "line 7: peer 127."),
        (format!("router-id = \"10.0.0.9\"\n{new}{}", peer(6, "")), ""),
        ("local-as = \"x\"\n".into(), "line 1: invalid type: string \"x\""),
    ] {
        let file = place.write("reflector.toml", &text);
        reflector.process.signal("HUP");
        if problem.is_empty() {
            // The command line says which it is: the file counts for less.
            until("it is in force", || !reflector.peer(net.host(6)).is_null());
            place.write("reflector.toml", &new);
            reflector.process.signal("HUP");
            until("and not any more", || reflector.peer(net.host(6)).is_null());
            continue;
        }
        let expected = format!("{}: ", file.display());
        until(problem, || {
            let status = reflector.status();
            let told = status["reload_error"].as_str().unwrap_or_default();
            told.starts_with(&expected) && told.contains(problem)
        });
        assert!(reflector.peer(net.host(6)).is_null() && !reflector.peer(net.host(4)).is_null());
    }
    place.write("reflector.toml", &format!("graceful-restart = 60\n{new}"));
    reflector.process.signal("HUP");
    until("what cannot change is named", || {
        let status = reflector.status();
        let told = status["reload_error"].as_str().unwrap_or_default();
        told.ends_with("line 1: graceful-restart cannot change while the reflector runs")
    });
    place.write("reflector.toml", &new);
    reflector.process.signal("HUP");
    until("all is well", || reflector.status()["reload_error"].is_null());
    assert!(reflector.is_up(net.host(2)) && reflector.peer(net.host(2))["flap_count"] == 0);
}

/// A reflector that takes all of `net`, and where it answers HTTP.
fn with_metrics(net: Net) -> (Reflector, SocketAddr) {
    let address = format!("{}:0", net.host(1));
    let mut reflector = Reflector::with(net, &["--client-range", &net.range(), "--metrics", &address]);
    let mut line = String::new();
    reflector.out.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("metrics ").unwrap().parse().unwrap();
    (reflector, address)
}

fn get(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// The samples, after all rules of the text format have been looked at.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut types, mut done, mut current) =
        (BTreeMap::new(), BTreeMap::new(), BTreeSet::new(), String::new());
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let words: Vec<&str> = rest.splitn(3, ' ').collect();
            let [keyword, name, what] = words[..] else { panic!("{line}") };
            assert!(is_name(name) && !what.is_empty(), "{line}");
            if keyword == "TYPE" {
                assert!(["counter", "gauge"].contains(&what), "{line}");
                assert!(types.insert(name.to_owned(), what.to_owned()).is_none(), "typed twice: {line}");
            } else {
                assert_eq!(keyword, "HELP", "{line}");
                // All lines of a name stand together.
                assert!(done.insert(name.to_owned()), "{line}");
                name.clone_into(&mut current);
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(name == current && types.contains_key(name), "{line}");
        assert_eq!(types[name] == "counter", name.ends_with("_total"), "{line}");
        if let Some(labels) = series.strip_prefix(name).and_then(|rest| rest.strip_prefix('{')) {
            for label in labels.strip_suffix('}').unwrap().split(',') {
                let (key, value) = label.split_once('=').unwrap();
                assert!(is_name(key) && value.starts_with('"') && value.ends_with('"') && value.len() > 2, "{line}");
            }
        }
        assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    samples
}

#[test]
fn metrics_are_well_formed_and_slow_clients_hurt_nobody() {
    let net = Net::new();
    let (reflector, address) = with_metrics(net);
    let mut client = Client::established(net.host(2), reflector.address);
    client.send(&announce(&[([10, 1, 0, 0].into(), 16), ([10, 2, 0, 0].into(), 16)], [192, 0, 2, 2].into(), &[]));
    until_is("the routes", &2, || reflector.number("/routes/ipv4_unicast"));
    // These begin a request and say nothing more, or never read.
    let slow: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /metrics HT").unwrap();
            stream
        })
        .collect();
    let (status, body) = get(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let samples = samples(&body);
    let peer = format!("peer=\"{}\"", net.host(2));
    for (series, value) in [
        (format!("bgp_peer_up{{{peer}}}"), 1.0),
        (format!("bgp_peer_prefixes{{{peer},family=\"ipv4_unicast\"}}"), 2.0),
        (format!("bgp_peer_messages_received_total{{{peer},type=\"update\"}}"), 1.0),
        ("bgp_routes{family=\"ipv4_unicast\"}".to_owned(), 2.0),
        ("bgp_connections".to_owned(), 1.0),
    ] {
        assert_eq!(samples.get(&series), Some(&value), "{series} in {body}");
    }
    for (request, expected) in [
        ("GET /other HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
        ("what\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("GET /explain?prefix=x HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(get(address, request).0, expected, "{request}");
    }
    let (_, status) = get(address, "GET /status HTTP/1.1\r\n\r\n");
    assert_eq!(serde_json::from_str::<Value>(&status).unwrap()["routes"]["ipv4_unicast"], 2);
    // A few at a time are kept, and each for some seconds only.
    let descriptors = reflector.number("/memory/descriptors");
    assert!(descriptors < 40, "{descriptors}");
    until("they are dropped", || reflector.number("/memory/descriptors") + 10 < descriptors);
    drop(slow);
    assert!(reflector.is_up(net.host(2)));
}

#[test]
fn explain_says_why_a_route_is_used_and_sent_or_not() {
    let net = Net::new();
    let (reflector, address) = with_metrics(net);
    let mut first = Client::established(net.host(2), reflector.address);
    let mut second = Client::established(net.host(3), reflector.address);
    let _third = Client::established(net.host(4), reflector.address);
    let prefix = [([10, 1, 0, 0].into(), 16)];
    first.send(&announce(&prefix, [192, 0, 2, 2].into(), &[]));
    // One CLUSTER_ID more: the CLUSTER_LIST decides after the ORIGINATOR_ID.
    let longer = [0x80, 9, 4, 10, 0, 0, 1, 0x80, 10, 4, 9, 9, 9, 9];
    second.send(&announce(&prefix, [192, 0, 2, 3].into(), &longer));
    until("both", || reflector.peer(net.host(3))["paths"] == 1 && reflector.peer(net.host(2))["paths"] == 1);
    let explain = |to: Ipv4Addr| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_reflector"))
            .args(["--metrics", &address.to_string(), "--explain", "10.1.0.0/16", "--to", &to.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let told = explain(net.host(4));
    let paths = told["paths"].as_array().unwrap();
    // 10.0.0.1 is lower than 127.x.y.2.
    assert_eq!((&paths[0]["from"], &paths[0]["outcome"]), (&net.host(3).to_string().into(), &"best".into()));
    assert_eq!(
        (&paths[1]["from"], &paths[1]["against"]),
        (&net.host(2).to_string().into(), &net.host(3).to_string().into())
    );
    assert_eq!(paths[1]["outcome"], "lost: BgpIdentifier", "{told}");
    assert_eq!(
        (&told["to"]["paths"][0]["sent"], &told["to"]["paths"][1]["because"]),
        (&true.into(), &"NotBest".into())
    );
    assert_eq!(explain(net.host(3))["to"]["paths"][0]["because"], "OwnRoute");
    let (status, problem) = get(address, "GET /explain?prefix=10.1.0.0%2F16&to=192.0.2.77 HTTP/1.1\r\n\r\n");
    assert_eq!((status.as_str(), problem.as_str()), ("HTTP/1.1 400 Bad Request", "there is no peer 192.0.2.77\n"));
}

#[test]
fn rfc6396_4_4_every_message_of_a_session_is_recorded() {
    let (net, place) = (Net::new(), Place::new("mrt"));
    let file = place.file("messages.mrt");
    let mut reflector = Reflector::with(net, &["--client-range", &net.range(), "--mrt", file.to_str().unwrap()]);
    let mut client = Client::established(net.host(2), reflector.address);
    client.send(&announce(&[([10, 1, 0, 0].into(), 16)], [192, 0, 2, 2].into(), &[]));
    until_is("the route", &1, || reflector.number("/routes/ipv4_unicast"));
    reflector.process.signal("TERM");
    assert_eq!(reflector.end_without_signal(), Some(0));
    let octets = std::fs::read(&file).unwrap();
    let mut rest = &octets[..];
    let (mut received, mut sent) = (Vec::new(), Vec::new());
    while let Some((record, tail)) = frame(rest, 1 << 20).unwrap() {
        rest = tail;
        let Content::Message(message) = record.content().unwrap() else { panic!("{record:?}") };
        assert_eq!(message.session.peer_addr, net.host(2));
        assert_eq!(message.session.local_addr, net.host(1));
        assert_eq!((message.session.peer_as.0, message.session.local_as.0), (64512, 64512));
        let one = if message.local { &mut sent } else { &mut received };
        one.push(message.message[18]);
    }
    assert!(rest.is_empty());
    // OPEN, KEEPALIVE, UPDATE; and from us OPEN, KEEPALIVE, End-of-RIB, NOTIFICATION.
    assert_eq!(received, [1, 4, 2]);
    assert_eq!(sent, [1, 4, 2, 3]);
}
