//! Looks after the addresses in Calico's etcd; `--help` says how.

use std::process::ExitCode;

use clap::Parser;
use cni_ipam::commands::{self, Command, Options};

/// Hands out, takes back, shows, checks and cleans up addresses in etcd, in Calico's form.
///
/// Pools, nodes and reservations are those in etcd unless files or arguments name some.
///
/// Exit code: 0 done, 1 not all of it done, or something found that is not as it should be, 2 the arguments or the files
/// they name are wrong, 3 etcd does not work.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The servers.
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:2379", global = true)]
    endpoints: Vec<String>,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let Arguments { endpoints, options, command } = Arguments::parse();
    commands::main(&command, &options, || ipam_etcd::open(&endpoints))
}
