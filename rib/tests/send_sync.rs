//! Every public type is Send and Sync.

fn is<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is::<bgp_rib::AddPathTx>();
    is::<bgp_rib::AddPeerError>();
    is::<bgp_rib::AttrId>();
    is::<bgp_rib::AttrStore>();
    is::<bgp_rib::Config>();
    is::<bgp_rib::DecisionOptions>();
    is::<bgp_rib::Explained>();
    is::<bgp_rib::Fib<u32>>();
    is::<bgp_rib::Ineligible>();
    is::<bgp_rib::NextHop>();
    is::<bgp_rib::OriginateError>();
    is::<bgp_rib::Outcome>();
    is::<bgp_rib::PathRef>();
    is::<bgp_rib::PeerConfig>();
    is::<bgp_rib::PeerId>();
    is::<bgp_rib::PeerKind>();
    is::<bgp_rib::PeerPolicy>();
    is::<bgp_rib::PolicyId>();
    is::<bgp_rib::policy::Action>();
    is::<bgp_rib::policy::Chain>();
    is::<bgp_rib::policy::Condition>();
    is::<bgp_rib::policy::Party>();
    is::<bgp_rib::policy::PrefixList>();
    is::<bgp_rib::policy::Route<'_>>();
    is::<bgp_rib::policy::Rule>();
    is::<bgp_rib::policy::Rules>();
    is::<bgp_rib::policy::Verdict>();
    is::<bgp_rib::Rib>();
    is::<bgp_rib::RibEvent>();
    is::<bgp_rib::Selected>();
    is::<bgp_rib::Step>();
    is::<bgp_rib::Exported>();
    is::<bgp_rib::FrozenFib<u32>>();
    is::<bgp_rib::LocalAs>();
    is::<bgp_rib::Roa>();
    is::<bgp_rib::RoaTable>();
    is::<bgp_rib::RovState>();
    is::<bgp_rib::RowRef>();
    is::<bgp_rib::Vantage>();
    is::<bgp_rib::Withheld>();
    is::<bgp_rib::policy::AnyCommunity>();
    is::<bgp_rib::policy::BgpFilter>();
    is::<bgp_rib::policy::BgpFilterRule>();
    is::<bgp_rib::policy::MatchOperator>();
    is::<bgp_rib::policy::Operation>();
    is::<bgp_rib::policy::PeerType>();
    is::<bgp_rib::policy::RouteSource>();
    is::<bgp_rib::UpdateOutcome>();
}
