//! The scenarios of the codec for `counted`: one UPDATE per iteration, out of a mixture.

use std::error::Error;
use std::hint::black_box;

use bgp_wire::{
    AsPathEdit, Asn, BgpId, ClusterId, ClusterListEdit, Context, Edit, Rewrite, Rewriter, UpdateBuf, UpdateView,
};
use bytes::BytesMut;

use crate::collector::Sample;

pub mod values;

/// What a scenario does so many times with the UPDATEs of a mixture.
pub type Scenario = fn(&[Sample], u64) -> Result<(), Box<dyn Error>>;

/// The scenarios, each with its name.
pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("update-loop", floor),
    ("update-walk", walk),
    ("update-decode", decode),
    ("update-iterate", iterate),
    ("update-owned", owned),
    ("update-owned-again", owned_again),
    ("update-canonical", canonical),
    ("update-encode", encode),
    ("forward-reflect", forward_reflect),
    ("forward-ebgp", forward_ebgp),
];

/// Does so many times something with the next of `items`; the loop itself takes four instructions.
#[inline(always)]
fn each<T>(items: &[T], iterations: u64, mut once: impl FnMut(&T)) {
    let mut left = usize::try_from(iterations).unwrap_or(usize::MAX);
    while left > 0 && !items.is_empty() {
        let round = items.get(..left).unwrap_or(items);
        left -= round.len();
        round.iter().for_each(&mut once);
    }
}

/// What the loop itself takes.
fn floor(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    each(samples, iterations, |sample| {
        black_box(&*sample.message);
    });
    Ok(())
}

/// A walk over the lengths, without a look at any value: the least that a reader can do.
fn walk(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    each(samples, iterations, |sample| {
        black_box(values::walked(black_box(&sample.message)));
    });
    Ok(())
}

/// One validating pass.
fn decode(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    each(samples, iterations, |sample| {
        black_box(&UpdateView::decode(black_box(&sample.message), &sample.context));
    });
    Ok(())
}

/// The same, and every value is handed over.
fn iterate(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    each(samples, iterations, |sample| {
        if let Ok(view) = &UpdateView::decode(black_box(&sample.message), &sample.context) {
            values::hand_over(view);
        }
    });
    Ok(())
}

/// The same as an owned value, made anew.
fn owned(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    each(samples, iterations, |sample| {
        let mut update = UpdateBuf::new();
        let _ = update.decode(black_box(&sample.message), &sample.context);
        black_box(&update);
    });
    Ok(())
}

/// The same into one that was used before.
fn owned_again(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut update = UpdateBuf::new();
    each(samples, iterations, |sample| {
        let _ = update.decode(black_box(&sample.message), &sample.context);
        black_box(&update);
    });
    Ok(())
}

/// The attribute block that a rib interns, into a buffer that is used again; without the decoding.
fn canonical(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    let views: Vec<_> = views(samples).map(|(view, _)| view).collect();
    let mut out = Vec::new();
    each(&views, iterations, |view| {
        out.clear();
        black_box(view).write_canonical(&mut out);
        black_box(&out);
    });
    Ok(())
}

/// From owned values to octets, into a buffer that is used again.
fn encode(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    let owned: Vec<_> = views(samples).map(|(view, context)| (UpdateBuf::from(&view), context)).collect();
    let mut out = BytesMut::with_capacity(65535);
    each(&owned, iterations, |(update, context)| {
        out.clear();
        let _ = black_box(update).encode(context, &mut out);
        black_box(&out);
    });
    Ok(())
}

/// What can be decoded.
fn views(samples: &[Sample]) -> impl Iterator<Item = (UpdateView<'_>, &Context)> {
    samples
        .iter()
        .filter_map(|sample| Some((UpdateView::decode(&sample.message, &sample.context).ok()?, &sample.context)))
}

/// What a route reflector changes in an attribute block.
fn forward_reflect(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut edits = Rewrite::new();
    edits.originator_id = Edit::SetIfMissing(BgpId(1));
    edits.cluster_list = ClusterListEdit::Prepend(ClusterId(2));
    edits.pass_on = true;
    forward(samples, &edits, iterations)
}

/// What goes to a peer in another AS.
fn forward_ebgp(samples: &[Sample], iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut edits = Rewrite::new();
    edits.as_path = AsPathEdit::Prepend { asn: Asn(64512), strip_confed: false };
    edits.local_pref = Edit::Remove;
    edits.med = Edit::Remove;
    edits.originator_id = Edit::Remove;
    edits.cluster_list = ClusterListEdit::Remove;
    edits.pass_on = true;
    forward(samples, &edits, iterations)
}

fn forward(samples: &[Sample], edits: &Rewrite<'_>, iterations: u64) -> Result<(), Box<dyn Error>> {
    let blocks: Vec<_> = views(samples)
        .map(|(view, _)| {
            let mut block = Vec::new();
            view.write_canonical(&mut block);
            block
        })
        .collect();
    let mut out = Vec::with_capacity(4096);
    let rewriter = Rewriter::new(edits);
    each(&blocks, iterations, |block| {
        out.clear();
        rewriter.apply(black_box(block), &mut out);
        black_box(&out);
    });
    Ok(())
}
