//! Plays the story of the seed cluster, or of a generated one; `--help` says how.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::generated::LARGEST_MESH;
use examples::input::Reader;
use examples::story::{Script, StoryError, play};

/// Plays a Calico cluster's way from IPIP and a node-to-node mesh to route reflectors, in one process: real BGP octets
/// over in-memory links, real IP packets forwarded hop by hop, a virtual clock.
///
/// Exit code: 0 the story went as it must, 1 a step did not do what it is there to show, 2 the input is wrong.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The directory of the resources (YAML) and of lab.yaml.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/seed"), hide_default_value = true, conflicts_with = "nodes")]
    resources: PathBuf,
    /// An unknown field is a warning.
    #[arg(long)]
    lenient: bool,
    /// Plays a generated cluster of so many nodes.
    #[arg(long, requires = "reflectors", value_name = "N")]
    nodes: Option<u32>,
    /// How many of them become route reflectors.
    #[arg(long, requires = "nodes", value_name = "K")]
    reflectors: Option<u32>,
    /// The largest mesh that is played; a larger one is computed.
    #[arg(long, requires = "nodes", value_name = "N", default_value_t = LARGEST_MESH)]
    largest_mesh: usize,
    /// Prints nothing but the figures of each step, as JSON.
    #[arg(long)]
    json: bool,
    /// The seed of everything random: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has seen what it wanted.
        Err(StoryError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(if error.is_input() { 2 } else { 1 })
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), StoryError> {
    let script = match (arguments.nodes, arguments.reflectors) {
        (Some(nodes), Some(reflectors)) => Script::generated(nodes, reflectors, arguments.largest_mesh)?,
        _ => {
            let mut reader = Reader::new(arguments.lenient);
            let script = Script::from_directory(&arguments.resources, &mut reader)?;
            for warning in reader.warnings() {
                writeln!(io::stderr(), "warning: {warning}")?;
            }
            script
        }
    };
    let mut out = io::stdout().lock();
    if arguments.json {
        let report = play(script, arguments.seed, &mut io::sink())?;
        serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        play(script, arguments.seed, &mut out)?;
    }
    Ok(out.flush()?)
}
