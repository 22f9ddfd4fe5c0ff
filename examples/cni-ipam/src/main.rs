//! The CNI plugin over a directory: what a container runtime calls; the specification says how.

use std::process::ExitCode;

use cni_ipam::cni::{self, Stores};

fn main() -> ExitCode {
    cni::main(&Stores::default())
}
