//! Errors as a container runtime reads them.

use serde_json::{Value as Json, json};

/// What went wrong, as a number of the specification (1 to 99) or of this plugin (from 100).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// The version of the configuration.
    Version,
    /// A field of the configuration that this plugin cannot serve.
    Field,
    /// A variable of the environment.
    Environment,
    /// Reading or writing.
    Io,
    /// What comes in is no JSON of the right form.
    Decode,
    /// The configuration contradicts itself.
    Config,
    /// The same may work in a moment.
    Later,
    /// No address could be given out now (STATUS).
    NotAvailable,
    /// There is no address.
    NoAddress,
    /// The container has not what it should have (CHECK).
    Missing,
    /// A stored object cannot be used.
    Stored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) details: String,
}

impl Error {
    pub(super) fn new(code: Code, message: impl Into<String>, details: impl ToString) -> Error {
        Error { code, message: message.into(), details: details.to_string() }
    }

    pub(super) fn to_json(&self, version: &str) -> Json {
        let Error { code, message, details } = self;
        json!({ "cniVersion": version, "code": code.number(), "msg": message, "details": details })
    }
}

impl Code {
    pub(super) fn number(self) -> u8 {
        match self {
            Code::Version => 1,
            Code::Field => 2,
            Code::Environment => 4,
            Code::Io => 5,
            Code::Decode => 6,
            Code::Config => 7,
            Code::Later => 11,
            Code::NotAvailable => 50,
            Code::NoAddress => 100,
            Code::Missing => 101,
            Code::Stored => 102,
        }
    }
}
