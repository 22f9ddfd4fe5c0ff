//! Reflectors and their clients (RFC 4456), whole: from one speaker's route to another's table.

use std::time::Duration;

use bgp_fsm::State;
use bgp_rib::PeerKind::{Ibgp, RrClient};
use bgp_speaker::Event;
use bgp_wire::{ClusterId, Context, SessionKind, UpdateView, frame};

use crate::net::{Net, id, prefix};
use crate::one::seconds;

/// One reflector, host 0, of cluster 244.0.0.1, with `clients`.
fn star(clients: usize) -> Net {
    let mut net = Net::new(5);
    net.host(64512, |rib| rib.with_cluster_id(ClusterId(0xf400_0001)));
    for client in 1..=clients {
        net.host(64512, |rib| rib);
        net.link(0, client, Ibgp, RrClient);
    }
    net.run(seconds(30));
    (1..=clients).for_each(|client| assert_eq!(net.state(0, client), State::Established));
    net
}

fn has(net: &Net, host: usize, number: u32) -> bool {
    net.hosts[host].speaker.rib().best(&net.store, prefix(number)).is_some()
}

/// ORIGINATOR_ID and CLUSTER_LIST of the UPDATEs that announce something, as `host` sent them to `peer`.
fn reflected(net: &Net, host: usize, peer: usize) -> Vec<(Option<u32>, Vec<u32>)> {
    let (mut rest, mut found) = (net.carried(host, peer), Vec::new());
    while let Some((message, tail)) = frame(rest, 4096).unwrap() {
        rest = tail;
        if message[18] != 2 {
            continue;
        }
        let update = UpdateView::decode(message, &Context::new(SessionKind::Ibgp)).unwrap();
        if update.announced().next().is_some() {
            let attributes = update.attributes();
            let list = attributes.cluster_list().map(|cluster| cluster.0).collect();
            found.push((attributes.originator_id().map(|id| id.0), list));
        }
    }
    found
}

#[test]
fn rfc4456_8_a_reflected_route_names_its_originator_and_the_cluster() {
    let mut net = star(3);
    net.originate(1, 7);
    net.run(seconds(2));
    assert!((0..4).all(|host| has(&net, host, 7)));
    for client in [2, 3] {
        assert_eq!(reflected(&net, 0, client), [(Some(id(1).0), vec![0xf400_0001])]);
    }
    assert_eq!(reflected(&net, 0, 1), [], "not back to the client that sent it");
    assert_eq!(reflected(&net, 1, 0), [(None, vec![])], "the client itself adds nothing");
    net.withdraw(1, 7);
    net.run(seconds(2));
    assert!((0..4).all(|host| !has(&net, host, 7)));
}

#[test]
fn rfc4456_6_plain_peers_of_a_reflector_hear_clients_but_not_each_other() {
    let mut net = Net::new(6);
    (0..4).for_each(|_| {
        net.host(64512, |rib| rib);
    });
    net.link(0, 1, Ibgp, RrClient);
    net.link(0, 2, Ibgp, Ibgp);
    net.link(0, 3, Ibgp, Ibgp);
    net.run(seconds(30));
    [1, 2, 3].into_iter().zip(1..).for_each(|(host, number)| net.originate(host, number));
    net.run(seconds(2));
    let sees = |host: usize| (1..4).map(|number| has(&net, host, number)).collect::<Vec<_>>();
    assert_eq!(sees(1), [true, true, true]);
    assert_eq!(sees(2), [true, true, false]);
    assert_eq!(sees(3), [true, false, true]);
}

#[test]
fn rfc4456_7_redundant_reflectors_neither_loop_nor_lose_a_route() {
    // Hosts 0 and 1 reflect for 2, 3 and 4 and peer with each other.
    for same_cluster in [true, false] {
        let mut net = Net::new(8);
        for reflector in 0..2u32 {
            let cluster = ClusterId(if same_cluster { 0xf400_0001 } else { 0xf400_0001 + reflector });
            net.host(64512, |rib| rib.with_cluster_id(cluster));
        }
        net.link(0, 1, Ibgp, Ibgp);
        for client in 2..5 {
            net.host(64512, |rib| rib);
            net.link(0, client, Ibgp, RrClient);
            net.link(1, client, Ibgp, RrClient);
        }
        net.run(seconds(30));
        net.originate(2, 1);
        net.run(seconds(5));
        assert!((0..5).all(|host| has(&net, host, 1)));
        // RFC 4456 section 8: a list with the own cluster is not taken, so nothing has gone round.
        let between = net.id_of(0, 1);
        let paths = net.hosts[0].speaker.rib().adj_rib_in(between).count();
        assert_eq!(paths, if same_cluster { 0 } else { 1 });
        // One reflector stops: the other serves on.
        (1..5).for_each(|peer| net.stop(0, peer));
        net.run(seconds(2));
        assert!((1..5).all(|host| has(&net, host, 1)));
        assert!(!has(&net, 0, 1));
        net.withdraw(2, 1);
        net.run(seconds(2));
        assert!((0..5).all(|host| !has(&net, host, 1)));
    }
}

#[test]
fn rfc4271_8_2_2_what_a_lost_peer_announced_goes_everywhere() {
    let mut net = star(3);
    net.originate(1, 1);
    net.run(seconds(2));
    let (pipe, _) = net.pipe(0, 1).unwrap();
    net.cut(pipe);
    net.run(Duration::from_millis(500));
    assert!(!has(&net, 0, 1) && !has(&net, 2, 1) && !has(&net, 3, 1));
    assert!(has(&net, 1, 1), "its own");
    net.run(seconds(30));
    assert!((0..4).all(|host| has(&net, host, 1)));
}

#[test]
fn rfc4271_6_5_a_silent_client_is_dropped_everywhere_after_its_hold_time() {
    let mut net = star(3);
    net.originate(1, 1);
    net.run(seconds(2));
    let since = net.now;
    // It hears nothing and so, soon, says nothing: its own hold timer fires, but nobody learns of it.
    let (pipe, _) = net.pipe(0, 1).unwrap();
    net.silence(pipe);
    let gone = |net: &Net| net.now - since;
    while has(&net, 2, 1) {
        net.run(seconds(1));
        assert!(gone(&net) < seconds(40));
    }
    assert!(gone(&net) >= seconds(19), "hold time 30, a KEEPALIVE may have come up to 10 s before");
    let down = net.hosts[0].events.iter().rev().find_map(|event| match event {
        Event::Down { reason, .. } => Some(reason.to_string()),
        _ => None,
    });
    assert_eq!(down.as_deref(), Some("sent 4/0 hold timer expired in Established"));
}

#[test]
fn a_full_table_reaches_a_slow_reader_and_the_others_do_not_wait() {
    let mut net = star(3);
    net.hosts[2].deaf = true;
    let numbers = 0..4000u32;
    numbers.clone().for_each(|number| net.originate(1, number));
    net.run(seconds(5));
    let count = |net: &Net, host: usize| net.hosts[host].speaker.rib().loc_rib().count();
    assert_eq!((count(&net, 3), count(&net, 2)), (4000, 0));
    // It changes while the slow one does not look.
    numbers.filter(|number| number % 2 == 0).for_each(|number| net.withdraw(1, number));
    net.run(seconds(5));
    net.hears(2);
    net.run(seconds(5));
    assert_eq!((count(&net, 3), count(&net, 2), count(&net, 0)), (2000, 2000, 2000));
    assert_eq!(net.state(0, 2), State::Established);
}
