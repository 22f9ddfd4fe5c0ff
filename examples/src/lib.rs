//! What the programs share: reading resources, and the story of the seed cluster.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]

pub mod figures;
pub mod generated;
pub mod input;
pub mod progress;
pub mod story;
