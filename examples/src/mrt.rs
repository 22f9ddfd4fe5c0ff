//! The program `mrt`: MRT files as text, as counts, and as UPDATEs.

pub mod lines;
pub mod source;
pub mod stats;
pub mod updates;
