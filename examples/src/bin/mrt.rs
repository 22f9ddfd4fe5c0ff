//! MRT files as text, as counts, and as UPDATEs; `--help` says how.

use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use bgp_wire::mrt::Record;
use bytes::BytesMut;
use clap::{Parser, Subcommand};
use examples::mrt::lines::Printer;
use examples::mrt::source::{Source, SourceError};
use examples::mrt::stats::Stats;
use examples::mrt::updates::{Table, UpdatesError};

/// Reads MRT files (RFC 6396, RFC 8050), plain or packed by gzip, bzip2 or zstd; `-` is the standard input.
///
/// Exit code: 0 everything was read, 1 something is malformed or cut off (what can be read is there), 2 the arguments
/// are wrong.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One line for each route, as `bgpdump -m` prints it.
    Show {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// What the files hold, counted.
    Stats {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// The table of one peer as UPDATEs, one behind the other, with an End-of-RIB marker for each family.
    ToUpdates {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The file to write.
        #[arg(long, short)]
        output: PathBuf,
        /// The peer's address; without it the peer with the most routes.
        #[arg(long)]
        peer: Option<IpAddr>,
        /// Messages of up to 65535 octets (RFC 8654) instead of 4096.
        #[arg(long)]
        extended: bool,
    },
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Updates(#[from] UpdatesError),
    #[error("{}: {source}", .path.display())]
    Create { path: PathBuf, source: io::Error },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // Whoever closed the pipe has seen what it wanted.
        Err(Failure::Source(SourceError::Output(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says how much was malformed.
fn run(command: &Command) -> Result<u64, Failure> {
    match command {
        Command::Show { files } => Ok(show(files)?),
        Command::Stats { files } => Ok(stats(files)?),
        Command::ToUpdates { files, output, peer, extended } => {
            to_updates(files, output, *peer, if *extended { u16::MAX } else { 4096 })
        }
    }
}

fn show(files: &[PathBuf]) -> Result<u64, SourceError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = String::new();
    let malformed = each(
        files,
        |_| Printer::new(),
        |printer, record| {
            lines.clear();
            let result = printer.print(record, &mut lines);
            out.write_all(lines.as_bytes())?;
            Ok(result.err().map(|problem| problem.to_string()))
        },
    )?;
    out.flush()?;
    Ok(malformed)
}

fn stats(files: &[PathBuf]) -> Result<u64, SourceError> {
    let mut stats = Stats::new();
    let malformed = each(files, |_| (), |(), record| Ok((!stats.add(record)).then(|| "malformed".to_owned())))?;
    write!(io::stdout(), "{stats}")?;
    Ok(malformed)
}

fn to_updates(files: &[PathBuf], output: &PathBuf, peer: Option<IpAddr>, limit: u16) -> Result<u64, Failure> {
    let mut table = Table::new();
    let malformed = each(files, |_| (), |(), record| Ok(table.add(record).err().map(|error| error.to_string())))?;
    let mut octets = BytesMut::new();
    let written = table.write(peer, limit, &mut octets)?;
    std::fs::write(output, &octets).map_err(|source| Failure::Create { path: output.clone(), source })?;
    // Nothing is left to do when standard error is closed.
    let _ = writeln!(
        io::stderr(),
        "{} routes of {} in {} messages, {} sets of attributes, {} octets; {} routes left out",
        written.routes,
        written.peer,
        written.messages,
        written.groups,
        octets.len(),
        table.skipped()
    );
    Ok(malformed)
}

/// Gives the records of all files to `each`, which says what is wrong with one; says how much was.
fn each<S>(
    files: &[PathBuf],
    start: impl Fn(&PathBuf) -> S,
    mut each: impl FnMut(&mut S, &Record<'_>) -> Result<Option<String>, SourceError>,
) -> Result<u64, SourceError> {
    let mut malformed = 0;
    for file in files {
        let mut state = start(file);
        let result = Source::open(file).and_then(|mut source| {
            source.for_each(|placed| {
                if let Some(problem) = each(&mut state, &placed.record)? {
                    malformed += 1;
                    let (number, at) = (placed.number, placed.position);
                    complain(&format_args!("{}: record {number}, at octet {at}: {problem}", file.display()));
                }
                Ok(())
            })
        });
        match result {
            Err(SourceError::Output(error)) => return Err(error.into()),
            Err(error) => {
                malformed += 1;
                complain(&error);
            }
            Ok(()) => {}
        }
    }
    Ok(malformed)
}

fn complain(error: &dyn std::fmt::Display) {
    // Nothing is left to do when standard error is closed.
    let _ = writeln!(io::stderr(), "error: {error}");
}
