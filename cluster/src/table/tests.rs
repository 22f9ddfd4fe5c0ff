//! The tables against what the operator of the seed cluster saw, octet for octet.

use alloc::string::String;
use alloc::vec;

use super::*;
use crate::plan::{PeerType, Planner};
use crate::seed;
use crate::status::{BgpState, NodeStatus, SessionStatus, TcpSession, TimeOfDay, TunnelDevice};

fn session(peer: &str, peer_type: PeerType, since: TimeOfDay) -> SessionStatus {
    SessionStatus {
        peer: peer.parse().unwrap(),
        port: 179,
        peer_type,
        state: BgpState::Established.protocol_state(),
        since,
        bgp_state: BgpState::Established,
        error: None,
    }
}

fn at(hours: u32, minutes: u32, seconds: u32) -> TimeOfDay {
    TimeOfDay(hours * 3600 + minutes * 60 + seconds)
}

#[test]
fn seed_ip_pools() {
    assert_eq!(
        ip_pools(&seed::cluster()),
        "NAME                  CIDR            NAT    IPIPMODE   VXLANMODE   DISABLED   SELECTOR   \n\
         default-ipv4-ippool   10.244.0.0/16   true   Always     Never       false      all()    \n"
    );
}

#[test]
fn seed_bgp_configurations() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    assert_eq!(
        bgp_configurations(&cluster),
        "NAME      LOGSEVERITY   MESHENABLED   ASNUMBER   \n\
         default   Info          false         64512    \n"
    );
}

#[test]
fn seed_nodes() {
    assert_eq!(
        nodes(&seed::cluster()),
        "NAME         ASN       IPV4                 IPV6   \n\
         k8s-master   (64512)   192.168.179.102/24          \n\
         k8s-node1    (64512)   192.168.179.103/24          \n\
         k8s-node2    (64512)   192.168.179.104/24          \n"
    );
}

#[test]
fn seed_bgp_peers() {
    assert_eq!(
        bgp_peers(&seed::reflected()),
        "NAME                         PEERIP   NODE    ASN   \n\
         peer-with-route-reflectors            all()   0   \n"
    );
}

#[test]
fn only_the_last_cell_of_the_last_row_is_shorter() {
    let mut cluster = crate::Cluster::new();
    for (name, cidr, zone) in [("a", "10.0.0.0/16", "kupchino"), ("b", "10.1.0.0/16", "parnas")] {
        let spec = alloc::format!(r#"{{"cidr":"{cidr}","nodeSelector":"zone == '{zone}'"}}"#);
        seed::apply::<crate::resource::IpPoolSpec>(&mut cluster, name, &spec);
    }
    let text = ip_pools(&cluster);
    let ends: vec::Vec<_> = text.lines().map(str::len).collect();
    assert_eq!([ends[0], ends[1]], [ends[2] + 2, ends[2] + 2], "{text}");
}

#[test]
fn seed_node_status_with_the_mesh() {
    let status = NodeStatus {
        sessions: vec![
            session("192.168.179.103", PeerType::Mesh, at(6, 49, 37)),
            session("192.168.179.104", PeerType::Mesh, at(6, 48, 39)),
        ],
    };
    assert_eq!(
        node_status(&status),
        "Calico process is running.

IPv4 BGP status
+-----------------+-------------------+-------+----------+-------------+
|  PEER ADDRESS   |     PEER TYPE     | STATE |  SINCE   |    INFO     |
+-----------------+-------------------+-------+----------+-------------+
| 192.168.179.103 | node-to-node mesh | up    | 06:49:37 | Established |
| 192.168.179.104 | node-to-node mesh | up    | 06:48:39 | Established |
+-----------------+-------------------+-------+----------+-------------+

IPv6 BGP status
No IPv6 peers found.
"
    );
}

#[test]
fn seed_node_status_with_a_reflector() {
    let status = NodeStatus { sessions: vec![session("192.168.179.104", PeerType::Node, at(8, 18, 0))] };
    assert!(
        node_status(&status).contains(
            "
+-----------------+---------------+-------+----------+-------------+
|  PEER ADDRESS   |   PEER TYPE   | STATE |  SINCE   |    INFO     |
+-----------------+---------------+-------+----------+-------------+
| 192.168.179.104 | node specific | up    | 08:18:00 | Established |
+-----------------+---------------+-------+----------+-------------+
"
        ),
        "{}",
        node_status(&status)
    );
}

#[test]
fn node_status_has_a_json_form() {
    let status = NodeStatus { sessions: vec![session("192.168.179.104", PeerType::Node, at(8, 18, 0))] };
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(
        json,
        r#"[{"peerIP":"192.168.179.104","port":179,"type":"NodePeer","state":"up","since":"08:18:00","info":"Established"}]"#
    );
    assert_eq!(serde_json::from_str::<NodeStatus>(&json).unwrap(), status);
}

#[test]
fn seed_tunnel_device() {
    let mut device = TunnelDevice { index: 4, mtu: 1440, addr: Some([10, 244, 235, 192].into()) };
    let with_address = "4: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1440 qdisc noqueue state UNKNOWN group default qlen 1000
    link/ipip 0.0.0.0 brd 0.0.0.0
    inet 10.244.235.192/32 brd 10.244.235.192 scope global tunl0
       valid_lft forever preferred_lft forever
";
    assert_eq!(tunnel_device(&device), with_address);
    device.addr = None;
    let without: String = with_address.lines().take(2).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(tunnel_device(&device), without);
}

#[test]
fn seed_tcp_session() {
    for (port, fd, line) in [
        (
            "192.168.179.104:36323",
            8,
            r#"ESTAB      0      0      192.168.179.102:179                192.168.179.104:36323               users:(("bird",pid=3517,fd=8))"#,
        ),
        (
            "192.168.179.103:33128",
            9,
            r#"ESTAB      0      0      192.168.179.102:179                192.168.179.103:33128               users:(("bird",pid=3517,fd=9))"#,
        ),
    ] {
        let session =
            TcpSession { local: "192.168.179.102:179".parse().unwrap(), remote: port.parse().unwrap(), pid: 3517, fd };
        assert_eq!(tcp_session(&session), line);
    }
}

#[test]
fn seed_mesh_is_dialled_by_the_larger_address() {
    let planner = Planner::new(&seed::cluster());
    let passive = |name: &str| -> vec::Vec<bool> {
        planner.node(name).unwrap().sessions.iter().map(|session| session.passive).collect()
    };
    assert_eq!(passive("k8s-master"), [true, true]);
    assert_eq!(passive("k8s-node1"), [false, true]);
    assert_eq!(passive("k8s-node2"), [false, false]);
}

#[test]
fn ping_counts_what_came_back() {
    use crate::status::{Ping, Probe, Reply};
    let probe =
        |sequence, micros: Option<u32>| Probe { sequence, reply: micros.map(|micros| Reply { ttl: 63, micros }) };
    let mut ping = Ping {
        target: "10.244.169.163".parse().unwrap(),
        payload: 56,
        probes: vec![probe(1, Some(389)), probe(2, None), probe(3, Some(1_239))],
        path: vec!["k8s-master".into(), "k8s-node2".into()],
        overhead: 0,
    };
    assert_eq!(
        super::ping(&ping),
        "PING 10.244.169.163 (10.244.169.163) 56(84) bytes of data.
64 bytes from 10.244.169.163: icmp_seq=1 ttl=63 time=0.389 ms
64 bytes from 10.244.169.163: icmp_seq=3 ttl=63 time=1.23 ms

--- 10.244.169.163 ping statistics ---
3 packets transmitted, 2 received, 33% packet loss, time 2000ms
rtt min/avg/max/mdev = 0.389/0.814/1.239/0.425 ms
path k8s-master -> k8s-node2, 84 octets without overhead
"
    );
    ping.probes = vec![probe(1, None)];
    ping.path.truncate(1);
    assert_eq!(
        super::ping(&ping),
        "PING 10.244.169.163 (10.244.169.163) 56(84) bytes of data.

--- 10.244.169.163 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms
path k8s-master -> lost, 84 octets without overhead
"
    );
}
