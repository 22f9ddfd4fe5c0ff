//! The suites: one row per form of vector file.

use std::fmt;

use serde_json::Value;

use crate::Mismatch;

macro_rules! suites {
    ($($(#[$doc:meta])* $variant:ident, $module:ident, $name:literal;)+) => {
        $(pub mod $module;)+

        /// A form of vector file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
        #[non_exhaustive]
        pub enum Suite {
            $($(#[$doc])* #[value(name = $name)] $variant,)+
        }

        impl Suite {
            /// Every suite, in the order of the command line's help.
            pub const ALL: &'static [Suite] = &[$(Suite::$variant),+];

            /// The name on the command line, which is also the vector file's stem.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Suite::$variant => $name,)+ }
            }

            /// Runs one case; an empty list is a pass.
            #[must_use]
            pub fn run(self, case: &Value) -> Vec<Mismatch> {
                match self { $(Suite::$variant => $module::run(case),)+ }
            }
        }
    };
}

suites! {
    /// Session state machine steps.
    Fsm, fsm, "fsm";
    /// UPDATE messages and their RFC 7606 verdicts.
    UpdateErrors, update_errors, "update-errors";
    /// Announcements in, best paths and Adj-RIB-Out out.
    Rib, rib, "rib";
    /// IP-in-IP datagrams.
    Ipip, ipip, "ipip";
    /// Address allocation.
    Ipam, ipam, "ipam";
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
