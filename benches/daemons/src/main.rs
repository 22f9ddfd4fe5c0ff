//! Route reflectors side by side: starts BIRD, FRR, GoBGP, OpenBGPD and ours by turns on loopback addresses, plays all
//! clients, and prints one table for all of them.
//!
//! Each daemon has the first processor to itself; the clients, which are one thread, have the second.

mod client;
mod daemon;
mod play;
mod plot;
mod scenario;
mod stream;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use serde::Serialize;

use crate::daemon::KINDS;
use crate::play::{Cost, Outcome};
use crate::scenario::SCENARIOS;

/// Run it from the root of the repository, after `cargo build --release -p examples --bin reflector`.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Runs of each scenario with each daemon; the median is printed.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these daemons.
    #[arg(long, value_name = "NAME")]
    daemon: Vec<String>,
    /// Only these scenarios; without it, all but the ones with half a million routes and more.
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// All scenarios.
    #[arg(long)]
    long: bool,
    /// Writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes a picture as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// The figures of one daemon in one scenario.
#[derive(Debug, Serialize)]
struct Row {
    scenario: &'static str,
    daemon: &'static str,
    version: String,
    /// The run whose processor time to announce is the median.
    median: Outcome,
    runs: Vec<Outcome>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut second = rustix::thread::CpuSet::new();
    second.set(1);
    rustix::thread::sched_setaffinity(None, &second)?;

    println!(
        "| scenario | daemon | announce CPU s | wall s | UPDATEs | churn CPU s | wall s | late joiner CPU s | wall s | \
         UPDATEs | withdraw CPU s | wall s | peak MiB | echoed |"
    );
    println!("|{}", " --- |".repeat(14));
    let mut rows = Vec::new();
    let picked = |names: &[String], name: &str| names.iter().any(|picked| picked == name);
    for scenario in &SCENARIOS {
        let wanted = if options.scenario.is_empty() {
            options.long || !scenario.long
        } else {
            picked(&options.scenario, scenario.name)
        };
        if !wanted {
            continue;
        }
        let routes = scenario.routes();
        for kind in &KINDS {
            if !options.daemon.is_empty() && !picked(&options.daemon, kind.name) {
                continue;
            }
            if !kind.is_there() {
                println!("| {} | {} is not installed |", scenario.title, kind.name);
                continue;
            }
            let mut runs = Vec::new();
            let mut failed = None;
            for _ in 0..options.runs {
                match play::run(kind, scenario, &routes) {
                    Ok(outcome) => runs.push(outcome),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            if let Some(error) = failed {
                println!("| {} | {} {} | {error} |", scenario.title, kind.name, kind.version());
                continue;
            }
            let mut sorted = runs.clone();
            sorted.sort_by(|one, other| one.announce.cpu.total_cmp(&other.announce.cpu));
            let Some(median) = sorted.get(sorted.len() / 2).copied() else { continue };
            let row = Row { scenario: scenario.title, daemon: kind.name, version: kind.version(), median, runs };
            print(&row);
            rows.push(row);
        }
    }
    if let Some(file) = options.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")?;
    }
    if let Some(file) = options.plot {
        plot::write(&file, &rows)?;
    }
    Ok(())
}

fn print(row: &Row) {
    let Outcome { announce, churn, late, withdraw, peak, echoed } = row.median;
    let cost = |cost: Cost| format!("{:.3} | {:.3}", cost.cpu, cost.wall);
    println!(
        "| {} | {} {} | {} | {} | {} | {} | {} | {} | {peak:.0} | {echoed} |",
        row.scenario,
        row.daemon,
        row.version,
        cost(announce),
        announce.updates,
        cost(churn),
        cost(late),
        late.updates,
        cost(withdraw),
    );
}
