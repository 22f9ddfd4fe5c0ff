//! Lets a simulation settle, with a progress bar when that takes longer than a second.

use std::time::{Duration, Instant};

use bgp_cluster::sim::{Settled, Simulation};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long nothing is shown.
const QUIET: Duration = Duration::from_secs(1);
/// Happenings between two looks at the clock.
const SLICE: usize = 512;

/// Lets a simulation settle, at most `limit` of virtual time; the bar counts the sessions that are Established.
pub fn settle(simulation: &mut Simulation, what: &'static str, limit: Duration) -> Settled {
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    let mut settling = simulation.settling(limit);
    loop {
        if let Some(settled) = settling.run(SLICE) {
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
            return settled;
        }
        if started.elapsed() < QUIET {
            continue;
        }
        let (up, wanted) = settling.sessions();
        let bar = bar.get_or_insert_with(|| new_bar(what));
        bar.set_length(wanted);
        bar.set_position(up);
    }
}

fn new_bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // A template that does not parse leaves the default one: nothing to report.
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} session ends {elapsed}") {
        bar.set_style(style);
    }
    bar.with_message(what)
}
