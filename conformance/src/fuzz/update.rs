//! UPDATE: decode, every iterator and every attribute, the verdict, the canonical form.

use bgp_wire::attr::{AttrBuilder, Attributes};
use bgp_wire::nlri::{NlriBuf, NlriRef, Nlris, TypedNlri};
use bgp_wire::{Action, Context, MessageType, Rewrite, UpdateView, rewrite};

use super::{check_error, context, message};

/// The first octet chooses the context, the rest is what follows the header of an UPDATE.
///
/// # Panics
/// If the verdict is not the strongest of its reasons, a route is of no negotiated family or has host bits, an
/// attribute is told and discarded, or the canonical form is no fixpoint and says something else than the message.
pub fn update(data: &[u8]) {
    let Some((bits, body)) = data.split_first() else { return };
    let context = context(*bits);
    let octets = message(MessageType::UPDATE, body);
    match UpdateView::decode(&octets, &context) {
        Ok(view) => check(&view, &context),
        Err(error) => {
            assert_eq!(error.action(), Action::SessionReset, "{error}");
            // Fewer octets than the two length fields are not framed, so the header may be blamed.
            check_error(&error, &octets, if body.len() < 4 { &[1, 3] } else { &[3] });
        }
    }
}

fn check(view: &UpdateView<'_>, context: &Context) {
    let verdict = view.verdict();
    assert!(verdict.action < Action::SessionReset);
    let mut strongest = Action::Accept;
    for reason in view.reasons() {
        strongest = strongest.max(reason.action());
        assert!(!reason.to_string().is_empty());
        let _ = reason.notification(view.as_bytes());
    }
    assert_eq!(strongest, verdict.action);
    routes(view, context);
    let attributes = view.attributes();
    walk(attributes);
    for raw in attributes {
        assert!(!verdict.discarded.contains(raw.ty), "attribute {} is there and discarded", raw.ty);
        assert_eq!(attributes.get(raw.ty), Some(raw));
    }
    if verdict.action < Action::TreatAsWithdraw {
        canonical(view);
    }
    let _ = format!("{view:?}");
}

fn routes(view: &UpdateView<'_>, context: &Context) {
    let withdraw_all = view.verdict().action >= Action::TreatAsWithdraw;
    let (mut announced, mut withdrawn) = (0, 0);
    for part in view.announced() {
        assert!(!withdraw_all);
        assert_eq!(part.family, part.nlri.family());
        announced += count(part.nlri, context);
        let _ = part.next_hop.to_string();
    }
    for part in view.withdrawn() {
        assert_eq!(part.family, part.nlri.family());
        withdrawn += count(part.nlri, context);
    }
    if let Some(family) = view.end_of_rib() {
        assert_eq!((announced, withdrawn, withdraw_all), (0, 0, false));
        assert!(context.families().contains(family));
    }
}

/// The number of NLRI, each looked at.
fn count(nlris: Nlris<'_>, context: &Context) -> usize {
    let family = nlris.family();
    assert!(context.families().contains(family));
    let path_ids = context.add_path_receive().contains(family);
    let octets = nlris.as_bytes().len();
    let mut count = 0;
    for nlri in nlris {
        count += 1;
        match nlri.nlri {
            NlriRef::Ipv4(net) => assert_eq!(net, net.trunc()),
            NlriRef::Ipv6(net) => assert_eq!(net, net.trunc()),
            NlriRef::Typed(nlri) => check_typed(nlri),
            _ => continue,
        }
        assert_eq!(nlri.path_id.is_some(), path_ids);
    }
    assert!(count <= octets);
    count
}

/// Text and key of an NLRI, which owned forms have in common.
fn check_typed(nlri: TypedNlri<'_>) {
    let owned = NlriBuf::from(nlri);
    let text = owned.to_string();
    assert_eq!(text.parse().as_ref(), Ok(&owned), "{text}");
    let (mut key, mut again) = (Vec::new(), Vec::new());
    nlri.write_key(&mut key);
    let Some(withdrawal) = TypedNlri::from_key(nlri.family(), &key) else { unreachable!("{text}: {key:x?}") };
    withdrawal.write_key(&mut again);
    assert_eq!(key, again, "{text}");
}

/// Every typed attribute; a number that changes with each value.
fn walk(attributes: &Attributes<'_>) -> Vec<String> {
    let path = attributes.as_path();
    if let Some(path) = path {
        let counted: usize = path.segments().map(|segment| segment.asns.count()).sum();
        assert_eq!(counted, path.asns().count());
        assert!(path.neighbor().is_none_or(|asn| path.count(asn) > 0));
        let _ = (path.hops(), path.has_set(), path.origin(), path.first(), path.is_empty());
    }
    vec![
        format!("{:?}", attributes.origin()),
        format!("{:?}", path.map(|path| path.to_string())),
        format!("{:?}", attributes.med()),
        format!("{:?}", attributes.local_pref()),
        format!("{:?}", attributes.atomic_aggregate()),
        format!("{:?}", attributes.aggregator()),
        format!("{:?}", attributes.communities().map(|value| value.to_string()).collect::<Vec<_>>()),
        format!("{:?}", attributes.originator_id()),
        format!("{:?}", attributes.cluster_list().collect::<Vec<_>>()),
        format!("{:?}", attributes.ext_communities().map(|value| value.to_string()).collect::<Vec<_>>()),
        format!("{:?}", attributes.ipv6_ext_communities().map(|value| value.to_string()).collect::<Vec<_>>()),
        format!("{:?}", attributes.otc()),
    ]
}

fn canonical(view: &UpdateView<'_>) {
    let mut block = Vec::new();
    view.write_canonical(&mut block);
    let attributes = match Attributes::from_canonical(&block) {
        Ok(attributes) => attributes,
        Err(error) => unreachable!("canonical form is refused: {error}: {view:?}"),
    };
    let mut again = Vec::new();
    attributes.write_canonical(&mut again);
    assert_eq!(again, block, "canonical form is no fixpoint");
    assert_eq!(walk(view.attributes()), walk(&attributes));
    assert_eq!(AttrBuilder::from_attributes(&attributes).build().as_ref(), Ok(&block));

    // Nothing is to be changed, so nothing changes; what passes it on gives a canonical block, too.
    let mut same = Vec::new();
    rewrite(&block, &Rewrite::new(), &mut same);
    assert_eq!(same, block);
    let mut edits = Rewrite::new();
    edits.pass_on = true;
    let mut passed = Vec::new();
    rewrite(&block, &edits, &mut passed);
    assert!(Attributes::from_canonical(&passed).is_ok());
}
