//! The commands of the programs that look after a store, whichever it is.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use ippool::Resources;
use ippool::op::StoreError;
use serde_json::Value as Json;

use crate::driver::Driver;
use crate::resources::{Found, ResourcesError, Sources};

mod assign;
mod check;
mod gc;
mod inventory;
mod load;
mod release;
mod show;
mod table;

/// What is to be done.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Assigns addresses to a node, or one given address.
    Assign(assign::Assign),
    /// Releases addresses.
    Release(release::Release),
    /// Releases all addresses of a handle.
    ReleaseByHandle(release::ReleaseByHandle),
    /// Shows how full pools and blocks are, who has an address, or the configuration.
    Show(show::Show),
    /// Compares what is stored with what is in use and with itself; exit code 1 if something is found.
    Check(check::Check),
    /// Puts in order what was out of order for a whole grace period.
    Gc(gc::Gc),
    /// Assigns and releases as fast as the store goes, and says how fast that is.
    Load(load::Load),
}

/// What all commands take.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct Options {
    #[command(flatten)]
    sources: Sources,
    /// The form of the output.
    #[arg(long, short, value_enum, default_value_t = Form::Text, global = true)]
    output: Form,
    /// For how many seconds an operation is tried while the store does not answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, global = true)]
    timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Why a command ended before its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Resources(#[from] ResourcesError),
    #[error("{0}")]
    Input(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Store(String),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs a command; the store is opened if it is needed.
pub fn main(command: &Command, options: &Options, open: impl FnOnce() -> Result<Box<dyn Driver>, String>) -> ExitCode {
    let mut out = io::stdout().lock();
    let outcome = run(command, options, open, &mut out).and_then(|complete| {
        out.flush()?;
        Ok(complete)
    });
    let code = match &outcome {
        Ok(true) => 0,
        Ok(false) | Err(Failure::Refused(_)) => 1,
        // Whoever closed the pipe has seen what it wanted.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(Failure::Resources(ResourcesError::Store(_)) | Failure::Store(_) | Failure::Output(_)) => 3,
        Err(Failure::Resources(_) | Failure::Input(_)) => 2,
    };
    if let Err(error) = outcome {
        // Nothing is left to do when standard error is closed.
        let _ = writeln!(io::stderr(), "error: {error}");
    }
    ExitCode::from(code)
}

fn run(
    command: &Command,
    options: &Options,
    open: impl FnOnce() -> Result<Box<dyn Driver>, String>,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    if let Command::Check(check) = command
        && let Some(dump) = &check.dump
    {
        let found = options.sources.read(None)?;
        return check.over_dump(dump, &found, options, out);
    }
    let mut driver = open().map_err(Failure::Store)?;
    let mut context = Context::new(driver.as_mut(), options, out)?;
    match command {
        Command::Assign(assign) => assign.run(&mut context),
        Command::Release(release) => release.run(&mut context),
        Command::ReleaseByHandle(release) => release.run(&mut context),
        Command::Show(show) => show.run(&mut context),
        Command::Check(check) => check.run(&mut context),
        Command::Gc(gc) => gc.run(&mut context),
        Command::Load(load) => load.run(&mut context),
    }
}

/// What a command works with.
struct Context<'c> {
    driver: &'c mut dyn Driver,
    resources: Arc<Resources>,
    nodes: Vec<String>,
    options: &'c Options,
    out: &'c mut dyn Write,
}

impl<'c> Context<'c> {
    fn new(driver: &'c mut dyn Driver, options: &'c Options, out: &'c mut dyn Write) -> Result<Context<'c>, Failure> {
        driver.set_deadline(deadline(options));
        let Found { resources, nodes } = options.sources.read(Some(driver))?;
        Ok(Context { driver, resources: Arc::new(resources), nodes, options, out })
    }

    /// Runs an operation to its end.
    fn drive<O: ippool::op::Operation>(&mut self, operation: O) -> O::Output {
        self.driver.set_deadline(deadline(self.options));
        ippool::drive(operation, &mut &mut *self.driver)
    }

    /// What failed in the store, with the store's own words.
    fn store(&self, error: &StoreError) -> Failure {
        match (error, self.driver.failure()) {
            (StoreError::Failed, Some(failure)) => Failure::Store(failure),
            _ => Failure::Store(error.to_string()),
        }
    }
}

fn deadline(options: &Options) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_secs(options.timeout))
}

impl Options {
    /// Prints a result in the form that was asked for.
    fn print(&self, out: &mut dyn Write, text: &str, json: &Json) -> Result<(), Failure> {
        match self.output {
            Form::Text => write!(out, "{text}")?,
            Form::Json => writeln!(out, "{json}")?,
        }
        Ok(())
    }
}
