//! What the programs share: reading resources, the story of the seed cluster, and the route reflector.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]

pub mod decode;
pub mod endpoint;
pub mod figures;
pub mod generated;
pub mod input;
pub mod mrt;
pub mod progress;
pub mod reflector;
pub mod story;
