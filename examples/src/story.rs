//! The story: IPIP with a mesh, IPIP off, mesh off, a route reflector, a second one and the death of the first.

mod script;
mod seed;
mod steps;

use std::fmt;
use std::io::{self, Write};

use bgp_cluster::ClusterError;
use bgp_cluster::sim::AddressError;
use serde::Serialize;

use crate::figures::Figures;
use crate::input::InputError;

pub use script::{Change, Script};

/// Why a story ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoryError {
    /// A file is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file's resource contradicts those before it.
    #[error("{file}: {error}")]
    Apply {
        /// The file.
        file: String,
        /// What is wrong.
        error: ClusterError,
    },
    /// The resources lack something that the story is about.
    #[error("{0}")]
    Unsuitable(String),
    /// The pools have no address for a pod.
    #[error("no address for a pod: {0}")]
    Address(#[from] AddressError),
    /// The cluster did not do what the step is there to show.
    #[error("step {step}: {problem}")]
    Unexpected {
        /// The step.
        step: &'static str,
        /// What was not as it must be.
        problem: String,
    },
    /// Nobody reads what is printed.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl StoryError {
    /// Whether the input is to blame: nothing was played.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self, StoryError::Input(_) | StoryError::Apply { .. } | StoryError::Unsuitable(_))
    }
}

/// The figures of a whole story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The seed from which everything random followed.
    pub seed: u64,
    /// Nodes at the beginning.
    pub nodes: usize,
    /// Reflectors at the end, had none died.
    pub reflectors: usize,
    /// One entry a step.
    pub steps: Vec<Figures>,
}

/// Plays a script to its end and prints what the operator looks at.
///
/// # Errors
/// The resources contradict each other, or a step did not do what it is there to show.
pub fn play(script: Script, seed: u64, out: &mut dyn Write) -> Result<Report, StoryError> {
    steps::Stage::new(script, seed)?.play(out)
}

/// A heading of the story.
struct Heading<'h>(&'static str, &'h str);

impl fmt::Display for Heading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}. {}", self.0, self.1);
        write!(f, "\n{line}\n{}\n", "=".repeat(line.chars().count()))
    }
}
