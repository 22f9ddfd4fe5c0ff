//! The program `decode`: BGP messages out of hexadecimal digits or captures, with their verdicts.

pub mod capture;
pub mod report;
