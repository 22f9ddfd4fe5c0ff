//! What is kept as it came: other policies, other ROAs, and what views and explanations show of it. And why a peer is
//! sent a path or not.

use bgp_rib::policy::{Action, Condition, PrefixList, Rule, Rules, Verdict};
use bgp_rib::{
    AddPathTx, Config, Exported, Ineligible, Outcome, PeerConfig, PeerKind, PeerPolicy, Roa, RovState, Withheld,
};
use bgp_wire::attr::{AttrBuilder, Origin};
use bgp_wire::capability::Role;
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};

use crate::bench::Bench;

const P: &str = "203.0.113.0/24";
const Q: &str = "198.51.100.0/24";

fn bench() -> Bench {
    Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn ebgp(last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::Ebgp, Asn(65000 + u32::from(last)), [192, 0, 2, last].into())
}

fn path(asns: &[u32]) -> AttrBuilder {
    AttrBuilder::new().origin(Origin::Igp).as_path(&asns.iter().map(|asn| Asn(*asn)).collect::<Vec<_>>())
}

fn block(asns: &[u32]) -> Vec<u8> {
    path(asns).build().unwrap()
}

fn reject(condition: Condition) -> Rules {
    Rules::new().import(Rule::new(Verdict::Reject).when(condition))
}

#[test]
fn another_policy_acts_on_what_was_kept_without_asking_the_peer() {
    let mut bench = bench();
    let list = |text: &str| Condition::Prefix(PrefixList::new().exact(text.parse().unwrap()));
    let policy = bench.rib.add_policy(reject(list(P)));
    let config = ebgp(1).with_policy(PeerPolicy::Use(policy)).with_soft_reconfiguration(true);
    let from = bench.add(config, SessionKind::Ebgp);
    let to = bench.add(ebgp(2), SessionKind::Ebgp);
    let id = bench.peers[from].id;
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.announce(from, Q, &block(&[65001]), "192.0.2.1");
    bench.settle();
    assert_eq!((bench.holds(to, P).is_some(), bench.holds(to, Q).is_some()), (false, true));
    let received: Vec<_> =
        bench.rib.adj_rib_in_received(id).map(|(path, why)| (path.prefix.to_string(), why)).collect();
    assert_eq!(received, [(Q.to_owned(), None), (P.to_owned(), Some(Ineligible::Policy))]);
    let explained = bench.rib.explain(&bench.store, P.parse().unwrap());
    assert_eq!(explained[0].outcome, Outcome::Ineligible(Ineligible::Policy));

    bench.rib.replace_policy(policy, reject(list(Q)));
    assert_eq!(bench.rib.policy_changed(id), FamilySet::EMPTY, "nobody has to be asked");
    bench.settle();
    assert_eq!((bench.holds(to, P).is_some(), bench.holds(to, Q).is_some()), (true, false));

    let prefer = Rules::new().import(Rule::new(Verdict::Accept).then(Action::LocalPref(300)));
    bench.rib.replace_policy(policy, prefer);
    let _ = bench.rib.policy_changed(id);
    bench.settle();
    let best = bench.rib.best(&bench.store, Q.parse().unwrap()).unwrap();
    assert_eq!(bench.store.attributes(best.attr).unwrap().local_pref(), Some(300));
    // A withdrawal takes what was kept too; the end of the session all of it.
    bench.withdraw(from, P);
    assert_eq!(bench.rib.adj_rib_in_received(id).count(), 1);
    bench.down(from);
    bench.settle();
    assert_eq!(bench.rib.adj_rib_in_received(id).count(), 0);
    assert!(bench.store.is_empty(), "{} blocks are left", bench.store.len());
}

#[test]
fn rfc6811_3_other_roas_change_the_state_of_what_is_there() {
    let mut bench = bench();
    let policy = bench.rib.add_policy(
        reject(Condition::Rov(RovState::Invalid))
            .import(Rule::new(Verdict::Accept).when(Condition::Rov(RovState::Valid)).then(Action::LocalPref(200))),
    );
    let config = ebgp(1).with_policy(PeerPolicy::Use(policy));
    let kept = bench.add(config.with_soft_reconfiguration(true), SessionKind::Ebgp);
    let plain = bench.add(ebgp(2).with_policy(PeerPolicy::Use(policy)), SessionKind::Ebgp);
    let roa = |asn| Roa { prefix: P.parse().unwrap(), max_len: 24, asn: Asn(asn) };
    bench.announce(kept, P, &block(&[65001, 7]), "192.0.2.1");
    bench.settle();
    let pref = |bench: &Bench| {
        let best = bench.rib.best(&bench.store, P.parse().unwrap())?;
        Some(bench.store.attributes(best.attr).unwrap().local_pref().unwrap_or(100))
    };
    assert_eq!(pref(&bench), Some(100), "not found");
    assert_eq!(bench.rib.change_roas([roa(8)], []), [bench.peers[plain].id], "who is not kept is to be asked");
    bench.settle();
    assert_eq!(pref(&bench), None, "invalid");
    let _ = bench.rib.change_roas([roa(7)], []);
    bench.settle();
    assert_eq!(pref(&bench), Some(200), "valid");
    let _ = bench.rib.change_roas([], [roa(7), roa(8)]);
    bench.settle();
    assert_eq!(pref(&bench), Some(100));
    assert!(bench.rib.change_roas([], [roa(7)]).is_empty() && bench.rib.roas().is_empty());
}

#[test]
fn rfc4724_4_2_what_was_kept_of_a_session_goes_with_its_stale_routes() {
    let mut bench = bench();
    let policy = bench.rib.add_policy(reject(Condition::AsPathContains(Asn(7))));
    let config = ebgp(1).with_policy(PeerPolicy::Use(policy)).with_soft_reconfiguration(true);
    let from = bench.add(config, SessionKind::Ebgp);
    let id = bench.peers[from].id;
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.announce(from, Q, &block(&[65001, 7]), "192.0.2.1");
    bench.restart(from);
    bench.up(from);
    assert_eq!(bench.rib.adj_rib_in_received(id).filter(|(path, _)| path.stale).count(), 2);
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.rib.sweep_stale(&mut bench.store, id, Family::IPV4_UNICAST);
    assert_eq!(bench.rib.adj_rib_in_received(id).count(), 1);
    bench.rib.begin_refresh(id, Family::IPV4_UNICAST);
    bench.rib.end_refresh(&mut bench.store, id, Family::IPV4_UNICAST);
    assert_eq!((bench.rib.adj_rib_in_received(id).count(), bench.rib.path_count(id)), (0, 0));
    bench.rib.clear(&mut bench.store);
    assert!(bench.store.is_empty());
}

fn why(bench: &mut Bench, from: usize, to: usize) -> Exported {
    let (from, to) = (bench.peers[from].id, bench.peers[to].id);
    let all = bench.rib.explain_export(&mut bench.store, to, P.parse().unwrap());
    all.into_iter().find(|(path, _)| path.peer == Some(from)).unwrap().1
}

#[test]
fn each_reason_not_to_send_a_path_is_told() {
    use Withheld::{Down, NoAdvertise, NoExport, NoPolicy, NotBest, NotReflected, OnlyToCustomer, OwnRoute, Policy};
    let mut bench = bench();
    let policy = bench.rib.add_policy(Rules::new().export(Rule::new(Verdict::Reject)));
    let internal = |kind, last: u8| PeerConfig::new(kind, Asn(64512), [192, 0, 2, last].into());
    let non_client = bench.add(internal(PeerKind::Ibgp, 1), SessionKind::Ibgp);
    let other = bench.add(internal(PeerKind::Ibgp, 2), SessionKind::Ibgp);
    let client = bench.add(internal(PeerKind::RrClient, 3), SessionKind::Ibgp);
    let out = bench.add(ebgp(4), SessionKind::Ebgp);
    let bare = bench.add(ebgp(5).with_policy(PeerPolicy::None), SessionKind::Ebgp);
    let closed = bench.add(ebgp(6).with_policy(PeerPolicy::Use(policy)), SessionKind::Ebgp);
    let peer = bench.add(ebgp(7).with_role(Role::PEER), SessionKind::Ebgp);
    let v6 = Context::new(SessionKind::Ibgp).with_families(FamilySet::EMPTY.with(Family::IPV6_UNICAST));
    let v6 = bench.add_with(internal(PeerKind::RrClient, 8), v6);
    let builder = || path(&[]).local_pref(100);
    bench.announce(non_client, P, &builder().build().unwrap(), "192.0.2.1");
    bench.settle();
    let withheld = |bench: &mut Bench, to| match why(bench, non_client, to) {
        Exported::Withheld(reason) => Some(reason),
        Exported::Sent { attr, path_id } => {
            assert_eq!(path_id, None);
            assert_eq!(bench.rib.adj_rib_out(bench.peers[to].id).next().map(|sent| sent.1), Some(attr));
            None
        }
        _ => unreachable!(),
    };
    for (to, reason) in [
        (non_client, Some(NotReflected)),
        (other, Some(NotReflected)),
        (client, None),
        (out, None),
        (bare, Some(NoPolicy)),
        (closed, Some(Policy)),
        (v6, Some(Withheld::Family)),
    ] {
        assert_eq!(withheld(&mut bench, to), reason, "{to}");
    }
    for (community, to_client, to_out) in
        [(Community::NO_EXPORT, None, Some(NoExport)), (Community::NO_ADVERTISE, Some(NoAdvertise), Some(NoAdvertise))]
    {
        bench.announce(non_client, P, &builder().communities(&[community]).build().unwrap(), "192.0.2.1");
        assert_eq!(withheld(&mut bench, client), Some(Withheld::Pending));
        bench.settle();
        assert_eq!((withheld(&mut bench, client), withheld(&mut bench, out)), (to_client, to_out));
    }
    bench.announce(non_client, P, &builder().otc(Asn(1)).build().unwrap(), "192.0.2.1");
    bench.announce(client, P, &builder().local_pref(50).build().unwrap(), "192.0.2.3");
    bench.settle();
    assert_eq!(withheld(&mut bench, peer), Some(OnlyToCustomer));
    assert_eq!(why(&mut bench, client, out), Exported::Withheld(NotBest));
    bench.rib.set_unreachable("192.0.2.3".parse().unwrap(), true);
    bench.settle();
    assert_eq!(why(&mut bench, client, out), Exported::Withheld(Withheld::Unreachable));
    bench.rib.set_unreachable("192.0.2.3".parse().unwrap(), false);
    bench.withdraw(non_client, P);
    bench.settle();
    assert_eq!(why(&mut bench, client, client), Exported::Withheld(OwnRoute));
    bench.down(out);
    assert_eq!(why(&mut bench, client, out), Exported::Withheld(Down));
}

#[test]
fn rfc7911_each_path_that_was_sent_has_its_identifier() {
    let mut bench = bench();
    let client = |last: u8| PeerConfig::new(PeerKind::RrClient, Asn(64512), [192, 0, 2, last].into());
    let from = [1, 2].map(|last| bench.add(client(last), SessionKind::Ibgp));
    let context = Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::UNICAST);
    let to = bench.add_with(client(3).with_add_path_tx(AddPathTx::All), context);
    for index in from {
        bench.announce(index, P, &path(&[]).local_pref(100).build().unwrap(), "192.0.2.1");
    }
    bench.settle();
    let mut ids: Vec<_> = from
        .map(|index| match why(&mut bench, index, to) {
            Exported::Sent { path_id, .. } => path_id.unwrap(),
            other => panic!("{other:?}"),
        })
        .into();
    ids.sort();
    assert!(ids.iter().eq(bench.peers[to].paths.keys().map(|(_, path_id)| path_id)));
}
