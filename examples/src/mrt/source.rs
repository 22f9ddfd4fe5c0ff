//! MRT files, unpacked by what they begin with, record by record; a progress bar when that takes longer than a second.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bgp_wire::mrt::{self, Buffer, Record};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A file of records.
pub struct Source {
    path: PathBuf,
    input: Box<dyn Read>,
    buffer: Buffer,
    records: u64,
    /// Octets of the packed file, all of them and those that were read.
    packed: (Option<u64>, Arc<AtomicU64>),
    started: Instant,
    bar: Option<ProgressBar>,
}

/// Why a file is not read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It cannot be opened.
    #[error("{}: {source}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be read or unpacked further.
    #[error("{}: octet {position} of the unpacked file, behind record {records}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Octets that were unpacked.
        position: u64,
        /// Whole records in them.
        records: u64,
        /// What the system or the unpacker says.
        source: io::Error,
    },
    /// A record is cut off, or so long that it cannot be one.
    #[error("{}: record {record}, at octet {position}: {error}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Which record, counted from 1.
        record: u64,
        /// Where it begins in the unpacked file.
        position: u64,
        /// What is wrong.
        error: mrt::Error,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// A record and its place.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Placed<'m> {
    /// The record.
    pub record: Record<'m>,
    /// Which one, counted from 1.
    pub number: u64,
    /// Where it begins in the unpacked file.
    pub position: u64,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("records", &self.records).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a file; `-` is the standard input.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Source, SourceError> {
        let error = |source| SourceError::Open { path: path.to_owned(), source };
        let (raw, len): (Box<dyn Read>, _) = if path == Path::new("-") {
            (Box::new(io::stdin().lock()), None)
        } else {
            let file = File::open(path).map_err(error)?;
            let len = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
            (Box::new(file), len)
        };
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { input: raw, read: Arc::clone(&read) };
        Ok(Source {
            path: path.to_owned(),
            input: unpacked(counted).map_err(error)?,
            buffer: Buffer::new(mrt::DEFAULT_LIMIT),
            records: 0,
            packed: (len, read),
            started: Instant::now(),
            bar: None,
        })
    }

    /// Gives every record to `each`, in order; what is there before an error is given first.
    ///
    /// # Errors
    /// What `each` says, or why the file is not read to its end.
    pub fn for_each<F>(&mut self, mut each: F) -> Result<(), SourceError>
    where
        F: FnMut(&Placed<'_>) -> Result<(), SourceError>,
    {
        let result = self.walk(&mut each);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        result
    }

    fn walk(&mut self, each: &mut dyn FnMut(&Placed<'_>) -> Result<(), SourceError>) -> Result<(), SourceError> {
        let mut piece = vec![0; PIECE];
        loop {
            let len = match self.input.read(&mut piece) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    let left = self.buffer.finish().err().map_or(0, |error| u64::from(error.offset));
                    let position = self.buffer.position() + left;
                    return Err(SourceError::Read { path: self.path.clone(), position, records: self.records, source });
                }
            };
            if len == 0 {
                return self.buffer.finish().map_err(|error| self.broken(error));
            }
            self.buffer.feed(piece.get(..len).unwrap_or_default());
            loop {
                let position = self.buffer.position();
                match self.buffer.record() {
                    Ok(None) => break,
                    Ok(Some(record)) => {
                        self.records += 1;
                        each(&Placed { record, number: self.records, position })?;
                    }
                    Err(error) => {
                        let (path, record) = (self.path.clone(), self.records + 1);
                        return Err(SourceError::Record { path, record, position, error });
                    }
                }
            }
            self.show();
        }
    }

    fn broken(&self, error: mrt::Error) -> SourceError {
        let (record, position) = (self.records + 1, self.buffer.position());
        SourceError::Record { path: self.path.clone(), record, position, error }
    }

    /// Moves the bar, which only a terminal shows.
    fn show(&mut self) {
        if self.started.elapsed() < QUIET || !io::stderr().is_terminal() {
            return;
        }
        let (len, read) = (self.packed.0, self.packed.1.load(Ordering::Relaxed));
        let name = self.path.display().to_string();
        let bar = self.bar.get_or_insert_with(|| new_bar(len, name));
        bar.set_position(read);
    }
}

fn new_bar(len: Option<u64>, name: String) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::stderr());
    let template =
        if len.is_some() { "{msg} [{bar:30}] {bytes}/{total_bytes} {eta}" } else { "{msg} {bytes} {elapsed}" };
    // A template that does not parse leaves the default one: nothing to report.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(name)
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.input.read(buf)?;
        self.read.fetch_add(u64::try_from(len).unwrap_or(0), Ordering::Relaxed);
        Ok(len)
    }
}

/// Looks at the first octets and chooses the unpacker.
fn unpacked(input: Counted<Box<dyn Read>>) -> io::Result<Box<dyn Read>> {
    let mut input = io::BufReader::with_capacity(PIECE, input);
    let front = io::BufRead::fill_buf(&mut input)?;
    Ok(match front {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(input);
            Box::new(decoder.map_err(|error| io::Error::other(error.to_string()))?)
        }
        _ => Box::new(input),
    })
}

/// Octets that are read at once.
const PIECE: usize = 1 << 16;
/// How long nothing is shown.
const QUIET: Duration = Duration::from_secs(1);
