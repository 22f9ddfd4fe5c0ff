//! All public types can go to another thread and be shared.

fn check<T: Send + Sync>() {}

#[test]
fn every_public_type_is_send_and_sync() {
    check::<bgp_speaker::AddPeerError>();
    check::<bgp_speaker::AttrStore>();
    check::<bgp_speaker::Config>();
    check::<bgp_speaker::ConnId>();
    check::<bgp_speaker::Counters>();
    check::<bgp_speaker::Direction>();
    check::<bgp_speaker::Event>();
    check::<bgp_speaker::PeerConfig>();
    check::<bgp_speaker::PeerId>();
    check::<bgp_speaker::PeerStatus<'_>>();
    check::<bgp_speaker::LastError>();
    check::<bgp_speaker::MessageCounters>();
    check::<bgp_speaker::AttributeLimit>();
    check::<bgp_speaker::LimitAction>();
    check::<bgp_speaker::PrefixLimit>();
    check::<bgp_speaker::Range>();
    check::<bgp_speaker::Refused>();
    check::<bgp_speaker::Speaker>();
    check::<bgp_speaker::UpdatePeerError>();
}
