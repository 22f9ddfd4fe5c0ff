//! The corpus of real octets that nobody here made: where it is, and its files, unpacked.
//!
//! It is not in the repository but beside it, at `../shared/corpus`, or where the environment variable `BGP_CORPUS`
//! says. Tests that need it print one line and pass where it is missing; where `CI` is `true` they fail.

mod differences;
mod message;

pub use differences::Differences;
pub use message::{Message, Session};

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The corpus: a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    folder: PathBuf,
}

/// Why a file of the corpus cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not what the corpus' README says.
    #[error("{file}, line {line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Corpus {
    /// The corpus, if it is there.
    #[must_use]
    pub fn find() -> Option<Corpus> {
        let folder = match std::env::var_os("BGP_CORPUS") {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        };
        folder.is_dir().then_some(Corpus { folder })
    }

    /// The corpus for a test called `test`; without one it says that the test is skipped.
    ///
    /// # Panics
    /// If there is no corpus and the environment variable `CI` is `true`.
    #[must_use]
    pub fn for_test(test: &str) -> Option<Corpus> {
        let corpus = Corpus::find();
        if corpus.is_none() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{test}: there is no corpus, and CI is true");
            println!("skipped: {test}, for there is no corpus at ../shared/corpus and BGP_CORPUS is not set");
        }
        corpus
    }

    /// The octets of a file, by its path in the corpus; what ends in `.zst` is unpacked.
    ///
    /// # Errors
    /// If it cannot be read or unpacked.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, Error> {
        let error = |source| Error::Read { file: file.to_owned(), source };
        let packed = fs::read(self.folder.join(file)).map_err(error)?;
        if !file.ends_with(".zst") {
            return Ok(packed);
        }
        let broken = |e: ruzstd::decoding::errors::FrameDecoderError| error(std::io::Error::other(e.to_string()));
        let mut unpacked = Vec::new();
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(&packed[..]).map_err(broken)?;
        decoder.read_to_end(&mut unpacked).map_err(error)?;
        Ok(unpacked)
    }

    /// The names of the files in a folder of the corpus, in order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn files(&self, folder: &str) -> Result<Vec<String>, Error> {
        let error = |source| Error::Read { file: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join(folder)).map_err(error)? {
            names.push(entry.map_err(error)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// The objects of a file with one JSON object a line.
    ///
    /// # Errors
    /// If it cannot be read, or a line is no JSON.
    pub fn objects(&self, file: &str) -> Result<Vec<Value>, Error> {
        let octets = self.read(file)?;
        let lines = octets.split(|octet| *octet == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        lines
            .map(|(index, line)| serde_json::from_slice(line).map_err(|e| line_error(file, index, e.to_string())))
            .collect()
    }

    /// The messages of `messages/messages.jsonl.zst`, in their order.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not one of its form.
    pub fn messages(&self) -> Result<Vec<Message>, Error> {
        let objects = self.objects(MESSAGES)?;
        let read = |(index, object)| Message::read(object).map_err(|what| line_error(MESSAGES, index, what));
        objects.into_iter().enumerate().map(read).collect()
    }
}

fn line_error(file: &str, index: usize, what: String) -> Error {
    Error::Line { file: file.to_owned(), line: index + 1, what }
}

const MESSAGES: &str = "messages/messages.jsonl.zst";
