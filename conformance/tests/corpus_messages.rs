//! Every captured message of the corpus against what tshark and bgpdump read in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use bgp_wire::mrt::{self, BgpMessage, Content, Timestamp};
use bgp_wire::{
    Action, Asn, AttrType, Context, FamilySet, Message as Decoded, MessageType, SessionKind, Update, UpdateView, frame,
};
use bytes::BytesMut;
use conformance::corpus::{Corpus, Differences, Message, Session};
use examples::mrt::lines::Printer;
use serde_json::Value;

/// The contexts that a capture leaves open: what it does not tell, it cannot be held against.
fn contexts(message: &Message) -> Vec<Context> {
    let either = |known: Option<bool>| known.map_or(vec![true, false], |known| vec![known]);
    let kinds = match message.session {
        Session::Ebgp => vec![SessionKind::Ebgp],
        Session::Ibgp => vec![SessionKind::Ibgp],
        Session::Unknown => vec![SessionKind::Ibgp, SessionKind::Ebgp, SessionKind::ConfedExternal],
    };
    let mut contexts = Vec::new();
    for kind in kinds {
        for four_octet_as in either(message.as4) {
            // "True" is said of a session where some family has them.
            for add_path in if message.add_path == Some(false) { vec![false] } else { vec![false, true] } {
                let families = if add_path { FamilySet::ALL } else { FamilySet::EMPTY };
                let context = message.context().with_kind(kind).with_four_octet_as(four_octet_as);
                contexts.push(context.with_add_path_receive(families).with_add_path_send(families));
            }
        }
    }
    contexts
}

/// The strongest treatment, `SessionReset` for what is no message at all.
fn treatment(octets: &[u8], context: &Context) -> Action {
    match frame(octets, usize::from(u16::MAX)) {
        Ok(Some((message, []))) => match Decoded::decode(message, context) {
            Ok(Decoded::Update(update)) => update.verdict().action,
            Ok(_) => Action::Accept,
            Err(error) => error.action(),
        },
        _ => Action::SessionReset,
    }
}

/// What the strongest treatment is for.
fn reason(octets: &[u8], context: &Context) -> String {
    match frame(octets, usize::from(u16::MAX)) {
        Ok(Some((message, []))) => match Decoded::decode(message, context) {
            Ok(Decoded::Update(update)) => {
                update.reasons().max_by_key(bgp_wire::Error::action).map_or_else(String::new, |error| error.to_string())
            }
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        },
        Ok(Some((_, rest))) => format!("{} octets behind it", rest.len()),
        Ok(None) => "cut off".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A whole message: not cut by the capture, and not one of several in a row.
fn whole(message: &Message) -> bool {
    !message.truncated && message.octets.len() == message.declared_len
}

#[test]
fn what_tshark_takes_is_taken_and_what_it_refuses_is_not_taken_silently() {
    let Some(corpus) = Corpus::for_test("what_tshark_takes_is_taken") else { return };
    let (mut found, mut taken, mut refused) = (Vec::new(), 0, 0);
    for message in corpus.messages().unwrap() {
        let Some(well_formed) = message.well_formed else { continue };
        let best = contexts(&message).iter().map(|context| treatment(&message.octets, context)).min().unwrap();
        let good = best < Action::TreatAsWithdraw;
        match (well_formed || message.doubtful, good) {
            (true, true) => taken += 1,
            (false, false) => refused += 1,
            (true, false) => {
                let reasons: BTreeSet<String> =
                    contexts(&message).iter().map(|context| reason(&message.octets, context)).collect();
                found.push((message.id, format!("tshark takes it, here it is {best:?}: {reasons:?}")));
            }
            (false, true) => found.push((message.id, format!("tshark refuses it, here it is {best:?}"))),
        }
    }
    println!("{taken} taken by both, {refused} by neither");
    Differences::parse("differences-verdicts.txt", include_str!("../differences-verdicts.txt")).settle(&found);
}

#[test]
fn every_update_says_what_tshark_reads_in_it() {
    let Some(corpus) = Corpus::for_test("every_update_says_what_tshark_reads_in_it") else { return };
    let (mut found, mut same) = (Vec::new(), 0);
    for message in corpus.messages().unwrap() {
        if message.ty != MessageType::UPDATE.0 || message.well_formed != Some(true) || !whole(&message) {
            continue;
        }
        let mut least: Option<Vec<String>> = None;
        for context in contexts(&message) {
            let Ok(view) = UpdateView::decode(&message.octets, &context) else { continue };
            if view.verdict().action >= Action::TreatAsWithdraw {
                continue;
            }
            let wrong = against_tshark(&view, &message.tshark);
            if least.as_ref().is_none_or(|least| wrong.len() < least.len()) {
                least = Some(wrong);
            }
        }
        match least {
            // What is not taken is a difference of the other test.
            None => {}
            Some(wrong) if wrong.is_empty() => same += 1,
            Some(wrong) => found.push((message.id, wrong.join("; "))),
        }
    }
    println!("{same} say the same");
    Differences::parse("differences-tshark.txt", include_str!("../differences-tshark.txt")).settle(&found);
}

/// `10.0.0.0/8` or `10.0.0.0/8#7` of a list where each is a text or a pair with the path identifier.
fn prefixes(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut texts: Vec<String> = list
        .iter()
        .map(|entry| match (entry.as_str(), entry.get(0).and_then(Value::as_str), entry.get(1)) {
            (Some(text), ..) => text.to_owned(),
            (None, Some(text), Some(path_id)) => format!("{text}#{path_id}"),
            _ => entry.to_string(),
        })
        .collect();
    texts.sort();
    texts
}

fn against_tshark(view: &UpdateView<'_>, tshark: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differs = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            wrong.push(format!("{what}: ours {ours}, theirs {theirs}"));
        }
    };
    let mut announced = BTreeMap::<String, Vec<String>>::new();
    let mut withdrawn = announced.clone();
    let texts = |nlri: bgp_wire::nlri::Nlris<'_>| nlri.map(|nlri| nlri.to_string()).collect::<Vec<_>>();
    let mut next_hops = BTreeMap::new();
    for part in view.announced() {
        next_hops.insert(part.family.to_string(), part.next_hop.to_string());
        announced.entry(part.family.to_string()).or_default().extend(texts(part.nlri));
    }
    for part in view.withdrawn() {
        withdrawn.entry(part.family.to_string()).or_default().extend(texts(part.nlri));
    }
    let attributes = view.attributes();
    let list = tshark.get("attrs").and_then(Value::as_array).cloned().unwrap_or_default();
    let present: BTreeSet<u64> = list.iter().filter_map(|attr| attr.get("type")?.as_u64()).collect();
    let mut expected_announced = BTreeMap::from([("1/1".to_owned(), prefixes(tshark.get("nlri")))]);
    let mut expected_withdrawn = BTreeMap::from([("1/1".to_owned(), prefixes(tshark.get("withdrawn")))]);
    for attr in &list {
        let ty = attr.get("type").and_then(Value::as_u64).unwrap_or(0);
        let discarded = u8::try_from(ty).is_ok_and(|ty| view.verdict().discarded.contains(AttrType(ty)));
        if discarded {
            continue;
        }
        let fields = attr.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
        let all = |name: &str| -> Vec<String> {
            let named = fields.iter().filter(|field| field.get(0).and_then(Value::as_str) == Some(name));
            named.filter_map(|field| field.get(1)?.as_str().map(str::to_owned)).collect()
        };
        let path = "update.path_attribute.as_path_segment";
        let value = |option: Option<String>| option.unwrap_or_default();
        match ty {
            1 => {
                let origin = attributes.origin().map(|origin| format!("{}", origin.code()));
                differs("origin", value(origin), all("update.path_attribute.origin").join(" "));
            }
            // AS4_PATH is merged here and told separately there.
            2 if !present.contains(&17) => {
                let asns = attributes.as_path().unwrap_or_default().asns().map(|asn| asn.0.to_string());
                let mut theirs = all(&format!("{path}.as4"));
                theirs.extend(all(&format!("{path}.as2")));
                differs("as path", asns.collect::<Vec<_>>().join(" "), theirs.join(" "));
                let kinds = attributes.as_path().unwrap_or_default().segments().map(|s| s.kind.code().to_string());
                differs("segments", kinds.collect::<Vec<_>>().join(" "), all(&format!("{path}.type")).join(" "));
            }
            3 => {
                let ours = attributes.get(AttrType::NEXT_HOP).and_then(|raw| <[u8; 4]>::try_from(raw.value).ok());
                let ours = ours.map(|octets| std::net::Ipv4Addr::from(octets).to_string());
                differs("next hop", value(ours), all("update.path_attribute.next_hop").join(" "));
            }
            4 => differs(
                "med",
                value(attributes.med().map(|med| med.to_string())),
                all("update.path_attribute.multi_exit_disc").join(" "),
            ),
            5 => differs(
                "local pref",
                value(attributes.local_pref().map(|value| value.to_string())),
                all("update.path_attribute.local_pref").join(" "),
            ),
            7 if !present.contains(&18) => {
                let ours =
                    attributes.aggregator().map(|aggregator| format!("{} {}", aggregator.asn.0, aggregator.bgp_id));
                let theirs =
                    [all("update.path_attribute.aggregator_as"), all("update.path_attribute.aggregator_origin")];
                differs("aggregator", value(ours), theirs.concat().join(" "));
            }
            8 => {
                let mut ours: Vec<String> =
                    attributes.communities().map(|c| format!("{}:{}", c.0 >> 16, c.0 & 0xffff)).collect();
                let high = all("update.path_attribute.community_as");
                let low = all("update.path_attribute.community_value");
                let mut theirs: Vec<String> =
                    high.iter().zip(&low).map(|(high, low)| format!("{high}:{low}")).collect();
                // Well-known ones have one number.
                theirs.extend(all("update.path_attribute.community_wellknown").iter().map(|text| well_known(text)));
                ours.sort();
                theirs.sort();
                differs("communities", ours.join(" "), theirs.join(" "));
            }
            9 => differs(
                "originator",
                value(attributes.originator_id().map(|id| id.to_string())),
                all("update.path_attribute.originator_id").join(" "),
            ),
            10 => differs(
                "clusters",
                attributes.cluster_list().map(|id| id.to_string()).collect::<Vec<_>>().join(" "),
                all("path_attribute.cluster_id").join(" "),
            ),
            14 | 15 => {
                let number = |key: &str| attr.get(key).and_then(Value::as_u64).unwrap_or(0);
                let family = format!("{}/{}", number("afi"), number("safi"));
                // Families whose NLRI tshark tells in other words have no list.
                if attr.get("prefixes").is_some() && matches!((number("afi"), number("safi")), (1 | 2, 1 | 2)) {
                    let expected = if ty == 14 { &mut expected_announced } else { &mut expected_withdrawn };
                    expected.entry(family.clone()).or_default().extend(prefixes(attr.get("prefixes")));
                    let hops = attr.get("next_hop").and_then(Value::as_array).cloned().unwrap_or_default();
                    let hops: Vec<&str> = hops.iter().filter_map(Value::as_str).collect();
                    if let Some(ours) =
                        next_hops.get(&family).filter(|_| ty == 14 && !hops.is_empty() && number("afi") == 2)
                    {
                        differs("mp next hop", ours.clone(), hops.join(" "));
                    }
                }
            }
            16 => differs(
                "extended communities",
                attributes.ext_communities().count().to_string(),
                all("ext_com.type").len().to_string(),
            ),
            32 => differs(
                "large communities",
                attributes.large_communities().map(|value| value.to_string()).collect::<Vec<_>>().join(" "),
                {
                    let parts = ["ga", "ldp1", "ldp2"].map(|part| all(&format!("large_communities.{part}")));
                    let rows = parts[0].iter().zip(&parts[1]).zip(&parts[2]);
                    rows.map(|((a, b), c)| format!("{a}:{b}:{c}")).collect::<Vec<_>>().join(" ")
                },
            ),
            _ => {}
        }
    }
    for (what, ours, theirs) in
        [("announced", &announced, &expected_announced), ("withdrawn", &withdrawn, &expected_withdrawn)]
    {
        for family in ["1/1", "1/2", "2/1", "2/2"] {
            let sorted = |map: &BTreeMap<String, Vec<String>>| {
                let mut list = map.get(family).cloned().unwrap_or_default();
                list.sort();
                list.join(" ")
            };
            differs(&format!("{what} {family}"), sorted(ours), sorted(theirs));
        }
    }
    wrong
}

fn well_known(text: &str) -> String {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let radix = if digits.len() == text.len() { 10 } else { 16 };
    u32::from_str_radix(digits, radix)
        .map_or_else(|_| text.to_owned(), |value| format!("{}:{}", value >> 16, value & 0xffff))
}

#[test]
fn every_update_says_what_bgpdump_reads_in_it() {
    let Some(corpus) = Corpus::for_test("every_update_says_what_bgpdump_reads_in_it") else { return };
    let (mut found, mut same) = (Vec::new(), 0);
    for message in corpus.messages().unwrap() {
        if message.bgpdump.is_null() || message.well_formed != Some(true) || !whole(&message) {
            continue;
        }
        let theirs = ["announce", "withdraw", "attrs"].map(|key| {
            let list = message.bgpdump.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<String>>()
        });
        let kinds = match message.session {
            Session::Ebgp => vec![false],
            Session::Ibgp => vec![true],
            Session::Unknown => vec![true, false],
        };
        let readings: Vec<_> = kinds.iter().map(|internal| lines(&message, *internal)).collect();
        if readings.contains(&theirs) {
            same += 1;
        } else {
            found.push((message.id, format!("ours {:?}, theirs {theirs:?}", readings.last().unwrap())));
        }
    }
    println!("{same} say the same");
    Differences::parse("differences-bgpdump.txt", include_str!("../differences-bgpdump.txt")).settle(&found);
}

/// Announced, withdrawn, attributes: the fields of the lines that the message has as a record of a collector.
fn lines(message: &Message, internal: bool) -> [BTreeSet<String>; 3] {
    let session = mrt::Session {
        peer_as: Asn(1),
        local_as: Asn(if internal { 1 } else { 2 }),
        interface: 0,
        peer_addr: [192, 0, 2, 1].into(),
        local_addr: [192, 0, 2, 2].into(),
    };
    let (four_octet_as, octets) = (message.as4 == Some(true), &message.octets);
    let content = BgpMessage { session, four_octet_as, local: false, add_path: false, message: octets };
    let mut out = BytesMut::new();
    Content::Message(content).encode(Timestamp::new(0), &mut out).unwrap();
    let (record, _) = mrt::frame(&out, mrt::DEFAULT_LIMIT).unwrap().unwrap();
    let mut text = String::new();
    let _ = Printer::new().print(&record, &mut text);
    let mut sets = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for line in text.lines() {
        let fields: Vec<&str> = line.splitn(7, '|').collect();
        match fields[..] {
            [_, _, "A", _, _, prefix, rest] => {
                sets[0].insert(prefix.to_owned());
                sets[2].insert(rest.strip_suffix('|').unwrap_or(rest).to_owned());
            }
            [_, _, "W", _, _, prefix] => {
                sets[1].insert(prefix.to_owned());
            }
            _ => {}
        }
    }
    sets
}

#[test]
fn every_real_update_is_given_back_octet_for_octet() {
    let Some(corpus) = Corpus::for_test("every_real_update_is_given_back_octet_for_octet") else { return };
    let (mut updates, mut rebuilt) = (0, 0);
    for message in corpus.messages().unwrap() {
        for context in contexts(&message) {
            let Ok(view) = UpdateView::decode(&message.octets, &context) else { continue };
            updates += 1;
            assert_eq!(view.as_bytes(), message.octets, "{}", message.id);
            if view.verdict().action != Action::Accept || view.reasons().next().is_some() {
                continue;
            }
            // The attributes one by one are the block that they came in.
            let mut block = Vec::new();
            for raw in view.attributes() {
                let len = u16::try_from(raw.value.len()).unwrap().to_be_bytes();
                let extended = raw.flags.0 & 0x10 != 0;
                block.extend([raw.flags.0, raw.ty.0]);
                block.extend(if extended { &len[..] } else { &len[1..] });
                block.extend(raw.value);
            }
            assert_eq!(block, view.attributes().as_bytes(), "{}", message.id);
            rebuilt += 1;
        }
    }
    assert!(rebuilt > 1000);
    println!("{updates} readings given back, {rebuilt} put together again");
}

#[test]
fn every_stream_is_the_same_decoded_encoded_and_decoded() {
    let Some(corpus) = Corpus::for_test("every_stream_is_the_same_decoded_encoded_and_decoded") else { return };
    for name in corpus.files("streams").unwrap() {
        let octets = corpus.read(&format!("streams/{name}")).unwrap();
        let context = Context::new(SessionKind::Ibgp);
        let context = if treatment_of_first(&octets, &context) < Action::TreatAsWithdraw {
            context
        } else {
            context.with_kind(SessionKind::Ebgp)
        };
        let (mut rest, mut messages, mut identical) = (&octets[..], 0, 0);
        let mut out = BytesMut::new();
        while let Some((message, behind)) = frame(rest, 4096).unwrap() {
            let view = UpdateView::decode(message, &context).unwrap();
            assert!(view.verdict().action < Action::TreatAsWithdraw, "{name}: {:?}", view.reasons().next());
            let owned = Update::from(&view);
            out.clear();
            if view.end_of_rib().is_none() {
                assert_eq!(owned.encode(&context, &mut out), Ok(1), "{name}: message {messages}");
                assert_eq!(Update::from(&UpdateView::decode(&out, &context).unwrap()), owned, "{name}: {messages}");
                identical += usize::from(out == message);
            }
            messages += 1;
            rest = behind;
        }
        assert!(rest.is_empty(), "{name}");
        println!("{name}: {messages} messages, {identical} of them identical octets");
    }
}

fn treatment_of_first(octets: &[u8], context: &Context) -> Action {
    let (message, _) = frame(octets, 4096).unwrap().unwrap();
    treatment(message, context)
}
