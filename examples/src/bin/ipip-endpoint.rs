//! One end of an IP-in-IP tunnel over a TUN device; `--help` says how.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use examples::endpoint::{Arguments, Endpoint, Settings, SettingsError};

fn main() -> ExitCode {
    let settings = match Settings::read(Arguments::parse()) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, 2),
    };
    match serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn serve(settings: Settings) -> Result<(), SettingsError> {
    let mut endpoint = Endpoint::open(settings)?;
    let mut out = io::stdout().lock();
    writeln!(out, "ready {}", endpoint.name())
        .and_then(|()| out.flush())
        .map_err(|error| SettingsError::System { what: "standard output", error })?;
    drop(out);
    endpoint.run()
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // Nothing is left to do when standard error is closed too.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}
