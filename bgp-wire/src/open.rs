//! OPEN (RFC 4271 section 4.2).

mod view;

#[cfg(feature = "alloc")]
mod owned;
#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;

#[cfg(feature = "alloc")]
pub use owned::Open;
pub use view::{Capabilities, OpenView};
