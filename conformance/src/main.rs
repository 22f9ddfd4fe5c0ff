//! `conformance SUITE FILE.jsonl [--json]`: runs a vector file; see the crate's README in `docs/conformance.md`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use conformance::{Report, Suite};

/// Runs a vector file against the public API of the crates.
///
/// Prints one line per failed case and last `N passed, N failed`. Exit code: 0 all passed, 1 some failed, 2 the file
/// cannot be used or is empty.
#[derive(Debug, Parser)]
struct Arguments {
    /// The form of the vectors.
    suite: Suite,
    /// The vector file: one JSON object a line.
    file: PathBuf,
    /// One JSON object per case and a last one with the totals.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let text = match std::fs::read(&arguments.file) {
        Ok(text) => text,
        Err(error) => return unusable(&format!("{}: {error}", arguments.file.display())),
    };
    let report = Report::run(arguments.suite, &text);
    if report.cases.is_empty() {
        return unusable(&format!("{}: no cases", arguments.file.display()));
    }
    match print(&report, arguments.json) {
        Ok(()) if report.summary().failed == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        // A reader that closed the pipe has seen what it wanted; the answer stays in the exit code.
        Err(_) if report.summary().failed == 0 => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for case in &report.cases {
        if json {
            writeln!(out, "{}", case.to_json())?;
        } else if !case.passed() {
            writeln!(out, "{case}")?;
        }
    }
    if json {
        writeln!(out, "{}", report.summary().to_json())?;
    } else {
        writeln!(out, "{}", report.summary())?;
    }
    out.flush()
}

fn unusable(message: &str) -> ExitCode {
    // Nothing is left to do when standard error is closed too.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(2)
}
