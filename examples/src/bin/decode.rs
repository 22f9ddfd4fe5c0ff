//! BGP messages out of hexadecimal digits or a capture; `--help` says how.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bgp_wire::{Context, Family, FamilySet, SessionKind};
use clap::Parser;
use examples::decode::capture::{CaptureError, streams};
use examples::decode::report::{Report, reports};

/// Decodes BGP messages and says what RFC 7606 makes of each, with every reason.
///
/// Exit code: 0 all messages are good, 1 something is malformed, 2 the arguments are wrong.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Messages in hexadecimal digits, headers included; blanks, colons and line ends do not count. Without this and
    /// without --file they are read from the standard input.
    #[arg(conflicts_with = "file")]
    hex: Vec<String>,
    /// A capture (pcap, pcapng), of which the TCP connections of port 179 are read.
    #[arg(long, short)]
    file: Option<PathBuf>,
    /// One JSON object for each message.
    #[arg(long)]
    json: bool,
    /// What the session negotiated, with commas between: `ebgp` or `ibgp` or `confed`, `as2` or `as4`, `extended`
    /// (messages of up to 65535 octets), `add-path` (in every family) or `add-path=ipv4-unicast`, `family=ipv6-unicast`
    /// (only these; otherwise all), `next-hop` (RFC 8950, in every family), `labels` (stacks of labels).
    #[arg(long, value_delimiter = ',', default_value = "ebgp,as4")]
    context: Vec<Setting>,
}

#[derive(Debug, Clone, Copy)]
enum Setting {
    Kind(SessionKind),
    FourOctetAs(bool),
    Extended,
    AddPath(FamilySet),
    Only(Family),
    NextHop,
    Labels,
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let family = |name: &str| name.parse::<Family>().map_err(|error| error.to_string());
        Ok(match text.split_once('=') {
            Some(("add-path", name)) => Setting::AddPath(family(name)?.into()),
            Some(("family", name)) => Setting::Only(family(name)?),
            Some(_) => return Err(format!("no setting {text}")),
            None => match text {
                "ebgp" => Setting::Kind(SessionKind::Ebgp),
                "ibgp" => Setting::Kind(SessionKind::Ibgp),
                "confed" => Setting::Kind(SessionKind::ConfedExternal),
                "as2" => Setting::FourOctetAs(false),
                "as4" => Setting::FourOctetAs(true),
                "extended" => Setting::Extended,
                "add-path" => Setting::AddPath(FamilySet::ALL),
                "next-hop" => Setting::NextHop,
                "labels" => Setting::Labels,
                _ => return Err(format!("no setting {text}")),
            },
        })
    }
}

fn context(settings: &[Setting]) -> Context {
    let mut context = Context::new(SessionKind::Ebgp).with_families(FamilySet::ALL);
    let mut only = FamilySet::EMPTY;
    for setting in settings {
        context = match *setting {
            Setting::Kind(kind) => context.with_kind(kind),
            Setting::FourOctetAs(wide) => context.with_four_octet_as(wide),
            Setting::Extended => context.with_max_receive(u16::MAX),
            Setting::AddPath(families) => {
                let families = context.add_path_receive().iter().chain(families.iter()).collect();
                context.with_add_path_receive(families)
            }
            Setting::Only(family) => {
                only.insert(family);
                context.with_families(only)
            }
            Setting::NextHop => context.with_ext_next_hop(FamilySet::ALL),
            Setting::Labels => context.with_multiple_labels(FamilySet::ALL),
        };
    }
    context
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("not hexadecimal digits: {0}")]
    Hex(hex::FromHexError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", .path.display())]
    Capture { path: PathBuf, source: CaptureError },
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever closed the pipe has seen what it wanted.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(if matches!(error, Failure::Io(_)) { 1 } else { 2 })
        }
    }
}

/// Whether everything was good.
fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let context = context(&arguments.context);
    let mut out = io::stdout().lock();
    let mut good = true;
    let mut show = |reports: Vec<Report>, out: &mut dyn Write| -> io::Result<()> {
        for report in reports {
            good &= report.is_good();
            if arguments.json {
                serde_json::to_writer(&mut *out, &report)?;
                writeln!(out)?;
            } else {
                write!(out, "{}", report.text())?;
            }
        }
        Ok(())
    };
    if let Some(path) = &arguments.file {
        let octets = std::fs::read(path).map_err(|source| Failure::File { path: path.clone(), source })?;
        let streams = streams(&octets).map_err(|source| Failure::Capture { path: path.clone(), source })?;
        for stream in streams.iter().filter(|stream| !stream.octets.is_empty()) {
            if !arguments.json {
                writeln!(out, "{} -> {}", stream.from, stream.to)?;
            }
            if stream.lost > 0 {
                writeln!(io::stderr(), "warning: {} octets behind a gap are left out", stream.lost)?;
            }
            show(reports(&stream.octets, &context), &mut out)?;
        }
    } else {
        let mut text = arguments.hex.concat();
        if arguments.hex.is_empty() {
            io::stdin().read_to_string(&mut text)?;
        }
        text.retain(|c| !c.is_whitespace() && c != ':');
        let octets = hex::decode(&text).map_err(Failure::Hex)?;
        show(reports(&octets, &context), &mut out)?;
    }
    out.flush()?;
    Ok(good)
}
