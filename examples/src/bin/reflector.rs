//! Reflects BGP routes between clients on real TCP connections; `--help` says how.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;

use clap::Parser;
use examples::reflector::{Arguments, Failure, Reflector, Settings};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some((address, question)) = arguments.question() {
        return match ask(address, &question) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(2),
            Err(error) => fail(&format_args!("{address}: {error}"), 1),
        };
    }
    let settings = match Settings::read(arguments) {
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
    if let Some(address) = reflector.metrics() {
        writeln!(out, "metrics {address}").and_then(|()| out.flush()).map_err(Failure::output)?;
    }
    drop(out);
    reflector.run()
}

/// Puts a question to a running reflector and prints the answer. False: it was a wrong question.
fn ask(address: SocketAddr, question: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {question} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let good = head.starts_with("HTTP/1.1 200 ");
    if good { io::stdout().write_all(body.as_bytes()) } else { io::stderr().write_all(body.as_bytes()) }?;
    Ok(good)
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // Nothing is left to do when standard error is closed too.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}
