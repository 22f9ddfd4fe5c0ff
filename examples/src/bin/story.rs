//! Plays the story of the seed cluster.

fn main() {}
