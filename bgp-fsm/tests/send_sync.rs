//! All public types can go to another thread and be shared.

fn check<T: Send + Sync>() {}

#[test]
fn every_public_type_is_send_and_sync() {
    check::<bgp_fsm::Cause>();
    check::<bgp_fsm::Cease>();
    check::<bgp_fsm::Change>();
    check::<bgp_fsm::Confederation>();
    check::<bgp_fsm::Config>();
    check::<bgp_fsm::Counters>();
    check::<bgp_fsm::Down>();
    check::<bgp_fsm::Event>();
    check::<bgp_fsm::Expired>();
    check::<bgp_fsm::Instant>();
    check::<bgp_fsm::Jitter>();
    check::<bgp_fsm::Negotiated>();
    check::<bgp_fsm::PeerAs>();
    check::<bgp_fsm::Received<'_>>();
    check::<bgp_fsm::Restart>();
    check::<bgp_fsm::Session>();
    check::<bgp_fsm::SessionEvent>();
    check::<bgp_fsm::State>();
    check::<bgp_fsm::Survivor>();
    check::<bgp_fsm::TcpAction>();
    check::<bgp_fsm::Timer>();
    check::<bgp_fsm::Timers>();
    check::<bgp_fsm::Secret>();
    check::<bgp_fsm::TcpAo>();
    check::<bgp_fsm::Transport>();
}
