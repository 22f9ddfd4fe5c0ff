//! Looks after the addresses in a directory; `--help` says how.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cni_ipam::commands::{self, Command, Options};
use cni_ipam::directory::DirectoryStore;
use cni_ipam::driver::Driver;

/// Hands out, takes back, shows, checks and cleans up the addresses in a directory, in Calico's form.
///
/// Exit code: 0 done, 1 not all of it done, or something found that is not as it should be, 2 the arguments or the files
/// they name are wrong, 3 the store does not work.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The directory.
    #[arg(long, default_value = "/var/lib/cni/cni-ipam", global = true)]
    directory: PathBuf,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let Arguments { directory, options, command } = Arguments::parse();
    commands::main(&command, &options, || {
        let store = DirectoryStore::open(directory).map_err(|error| error.to_string())?;
        Ok(Box::new(store) as Box<dyn Driver>)
    })
}
