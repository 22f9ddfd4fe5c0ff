//! Reflects BGP routes between clients on real TCP connections; `--help` says how.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use examples::reflector::{Arguments, Failure, Reflector, Settings};

fn main() -> ExitCode {
    let settings = match Settings::read(Arguments::parse()) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, 2),
    };
    match serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, if error.is_input() { 2 } else { 1 }),
    }
}

fn serve(settings: Settings) -> Result<(), Failure> {
    let mut reflector = Reflector::bind(settings)?;
    let mut out = io::stdout().lock();
    for address in reflector.listening() {
        writeln!(out, "listening {address}").and_then(|()| out.flush()).map_err(Failure::output)?;
    }
    drop(out);
    reflector.run()
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // Nothing is left to do when standard error is closed too.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}
