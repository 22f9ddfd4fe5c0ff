//! Two ends that dial each other over a TCP that loses connections: all interleavings, states that are the same taken as
//! one. Exactly one connection survives, and both ends are Established on it within two ConnectRetry periods after the last
//! loss.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod end;
mod network;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use bgp_fsm::{Config, PeerAs};
use bgp_wire::{Asn, BgpId};
use network::{CONNECT_RETRY, Network, Step};

/// The two configurations: the second end has the higher identifier, so that its connection stays.
fn configs() -> [Config; 2] {
    [(64512, 1, 64513), (64513, 2, 64512)].map(|(asn, id, peer)| {
        Config::new(Asn(asn), BgpId(id), PeerAs::Exact(Asn(peer)))
            .with_jitter(false)
            .with_connect_retry(CONNECT_RETRY)
            .with_damp_peer_oscillations(true)
    })
}

struct Explored {
    states: usize,
    steps: usize,
    /// States in which nothing is on its way and both ends are Established.
    settled: usize,
}

/// Everything that can happen, with at most `losses` connections or dials that are lost.
fn explore(configs: [Config; 2], losses: u32) -> Explored {
    let fingerprint = |network: &mut Network| {
        let mut hasher = DefaultHasher::new();
        network.rebase().hash(&mut hasher);
        hasher.finish()
    };
    let mut root = Network::new(configs, losses);
    let mut explored = Explored { states: 1, steps: 0, settled: 0 };
    let mut seen = HashSet::from([fingerprint(&mut root)]);
    let mut open = vec![root];
    while let Some(network) = open.pop() {
        let steps = network.steps();
        explored.settled += usize::from(network.is_settled());
        assert!(
            network.is_settled() || steps.iter().any(|step| !step.is_loss()),
            "nothing more happens, and the ends are not Established\n{}",
            network.story()
        );
        for step in steps {
            let mut next = network.clone();
            next.take(step);
            explored.steps += 1;
            if seen.insert(fingerprint(&mut next)) {
                explored.states += 1;
                open.push(next);
            }
        }
    }
    explored
}

#[test]
fn rfc4271_6_8_one_connection_survives_whatever_crosses_or_is_lost() {
    for losses in 0..=1 {
        let Explored { states, steps, settled } = explore(configs(), losses);
        println!("both dial, {losses} losses: {states} states, {steps} steps, {settled} settled states");
        assert!(settled > 0 && states > 50);
    }
}

/// FRR issues 1053 and 1219, `SONiC` 11268, maghemite 563: simultaneous dials that never end in a session, ends that fail and
/// dial in lock step. Both have the same times and no jitter here, whoever is started first; a scheduler that is against
/// them loses in `network.rs`, after two ConnectRetry periods.
#[test]
fn frr_1053_1219_and_sonic_11268_and_maghemite_563_lock_step_ends() {
    let quick = configs().map(|config| config.with_idle_hold_time(std::time::Duration::from_secs(1)));
    let slow = configs().map(|config| config.with_idle_hold_time(std::time::Duration::from_secs(60)));
    for configs in [quick, slow] {
        let Explored { states, steps, settled } = explore(configs, 0);
        println!("lock step: {states} states, {steps} steps, {settled} settled states");
        assert!(settled > 0);
    }
}

#[test]
fn rfc4271_6_8_one_connection_survives_with_delayed_opens() {
    let configs = configs().map(|config| config.with_delay_open_time(std::time::Duration::from_secs(3)));
    let Explored { states, steps, settled } = explore(configs, 1);
    println!("both dial, DelayOpen, 1 loss: {states} states, {steps} steps, {settled} settled states");
    assert!(settled > 0);
}

#[test]
fn rfc4271_8_1_1_a_passive_end_waits_for_the_other() {
    let [one, other] = configs();
    let Explored { states, steps, settled } = explore([one.with_passive(true).with_never_dial(true), other], 2);
    println!("one end dials, 2 losses: {states} states, {steps} steps, {settled} settled states");
    assert!(settled > 0);
}

#[test]
fn a_loss_is_told_from_other_steps() {
    assert!(Step::Break(0).is_loss() && Step::DialFails(0).is_loss() && !Step::Timeout(0).is_loss());
}
