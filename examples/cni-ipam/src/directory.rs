//! A store in a plain directory, for the processes of one host.
//!
//! ```text
//! DIRECTORY/lock                                           the lock of all writes, and the next revision
//!           next                                           the file that is being written
//!           assignment/ipv4%2Fblock%2F10.0.0.0-26          an object: revision, end of line, Calico's JSON
//!           handle/k8s-pod-network.abc
//!           host/n1%2Fipv4%2Fblock%2F10.0.0.0-26
//!           virtual/.. config/..
//! ```
//!
//! A write holds the lock (`flock`, which ends with its process), compares, writes `next`, brings it to the disk and
//! renames it: a file is always the whole old or the whole new object, whoever is killed when. What is left of a killed
//! write is `next`, which the next one overwrites. A read needs no lock, a list shares it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ippool::codec::{decode_key, decode_value, encode_key, encode_value};
use ippool::key::Prefix;
use ippool::store::{Answer, Request, Revision, Stored, Write};
use ippool::{DecodeError, Key, Store, Value};
use rustix::fs::{FlockOperation, flock};

use crate::driver::Driver;

mod counter;
mod name;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The file system.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// A key that cannot be a file's name, or a value that must not be written.
    #[error("{0} cannot be stored")]
    Unstorable(Key),
    /// A file that is too large to be an object.
    #[error("{}: more than {MAX_OBJECT} octets", .0.display())]
    TooLarge(PathBuf),
    /// It is too late.
    #[error("the time for the request is over")]
    Late,
}

/// A directory as a store.
///
/// ```
/// use cni_ipam::directory::DirectoryStore;
/// use ippool::{drive, op, UnixTime};
/// # let directory = std::env::temp_dir().join(format!("directory-doc-{}", std::process::id()));
/// let mut store = DirectoryStore::open(&directory)?;
/// let found = drive(op::ips_by_handle("h", UnixTime::default()), &mut store);
/// assert_eq!(found, Err(op::HandleError::NotFound));
/// # std::fs::remove_dir_all(directory).ok();
/// # Ok::<(), cni_ipam::directory::DirectoryError>(())
/// ```
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    lock: File,
    deadline: Option<Instant>,
    failure: Option<DirectoryError>,
}

/// What the keys begin with, and the folders for what stands behind it.
const ROOT: &str = "/calico/ipam/v2/";
const GROUPS: [&str; 5] = ["assignment", "config", "handle", "host", "virtual"];

/// No object is larger: a block of 4096 addresses with attributes of a kilobyte each.
const MAX_OBJECT: u64 = 8 << 20;

/// Files are their owner's alone to write.
const MODE: u32 = 0o644;

impl DirectoryStore {
    /// Opens a directory, and makes it if it is not there.
    ///
    /// # Errors
    /// [`DirectoryError::Io`].
    pub fn open(root: impl Into<PathBuf>) -> Result<DirectoryStore, DirectoryError> {
        let root = root.into();
        for group in GROUPS {
            let path = root.join(group);
            fs::create_dir_all(&path).map_err(io_at(&path))?;
        }
        let path = root.join("lock");
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(&path);
        let lock = lock.map_err(io_at(&path))?;
        let store = DirectoryStore { root, lock, deadline: None, failure: None };
        let _held = store.hold(FlockOperation::LockExclusive)?;
        store.sweep()?;
        drop(_held);
        Ok(store)
    }

    /// What failed last.
    #[must_use]
    pub fn error(&self) -> Option<&DirectoryError> {
        self.failure.as_ref()
    }

    /// Removes what a killed process has left half-written. Under the lock nobody else is writing it.
    fn sweep(&self) -> Result<(), DirectoryError> {
        let path = self.next_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DirectoryError::Io { path, error }),
            _ => Ok(()),
        }
    }

    fn hold(&self, operation: FlockOperation) -> Result<Held<'_>, DirectoryError> {
        loop {
            match flock(&self.lock, operation) {
                Ok(()) => return Ok(Held(&self.lock)),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(DirectoryError::Io { path: self.root.join("lock"), error: error.into() }),
            }
        }
    }

    fn carry_out(&self, request: &Request) -> Result<Answer, DirectoryError> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(DirectoryError::Late);
        }
        Ok(match request {
            Request::Read(keys) => Answer::Objects(self.read(keys)?),
            Request::List(prefix) => Answer::Listed(self.list(prefix)?),
            Request::ReadAndList(keys, prefix) => Answer::ObjectsAndListed(self.read(keys)?, self.list(prefix)?),
            // A directory knows no more than a list does.
            Request::Search(_) => Answer::NoIndex,
            Request::Commit(write) => self.commit(write)?.map_or(Answer::Conflict, Answer::Committed),
        })
    }

    fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, DirectoryError> {
        keys.iter().map(|key| Ok(read_file(&self.path(key)?)?.map(|octets| stored(key, &octets)))).collect()
    }

    /// The folder is read under the lock: what is renamed meanwhile could be missed or come twice.
    fn list(&self, prefix: &Prefix) -> Result<Vec<(Key, Stored)>, DirectoryError> {
        let text = prefix.to_string();
        let Some((group, rest)) = text.strip_prefix(ROOT).and_then(|text| text.split_once('/')) else {
            return Ok(Vec::new());
        };
        let path = self.root.join(group);
        let _held = self.hold(FlockOperation::LockShared)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(io_at(&path))? {
            let entry = entry.map_err(io_at(&path))?;
            let Some(name) = entry.file_name().to_str().and_then(name::unescape) else { continue };
            if !name.starts_with(rest) {
                continue;
            }
            // Whatever else lies there is none of ours.
            let Some(key) = decode_key(&format!("{ROOT}{group}/{name}")).map(|found| found.key) else { continue };
            if let Some(octets) = read_file(&entry.path())? {
                let stored = stored(&key, &octets);
                found.push((key, stored));
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// `None` if the object is not as it was expected.
    fn commit(&self, write: &Write) -> Result<Option<Revision>, DirectoryError> {
        let (key, value, expected) = match write {
            Write::Create(key, value) => (key, Some(value), None),
            Write::Update(key, value, revision) => (key, Some(value), Some(*revision)),
            Write::Delete(key, revision) => (key, None, Some(*revision)),
        };
        let path = self.path(key)?;
        let _held = self.hold(FlockOperation::LockExclusive)?;
        let current = read_file(&path)?;
        let as_expected = match (&current, expected) {
            (None, None) => true,
            (Some(octets), Some(expected)) => split(octets).is_some_and(|(revision, _)| revision == expected),
            _ => false,
        };
        if !as_expected {
            return Ok(None);
        }
        let revision = counter::next(&self.lock, || self.largest()).map_err(io_at(&self.root.join("lock")))?;
        match value {
            Some(value) => {
                let text = encode_value(value).ok_or_else(|| DirectoryError::Unstorable(key.clone()))?;
                self.replace(&path, format!("{}\n{text}", revision.0).as_bytes())?;
            }
            None => fs::remove_file(&path).map_err(io_at(&path))?,
        }
        // Others see the write already: an error from here on leaves it done though it is answered as failed, and what
        // that leaks is what garbage collection finds.
        let group = path.parent().unwrap_or(&self.root);
        File::open(group).and_then(|group| group.sync_all()).map_err(io_at(group))?;
        Ok(Some(revision))
    }

    fn replace(&self, path: &Path, octets: &[u8]) -> Result<(), DirectoryError> {
        let next = self.next_path();
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&next).map_err(io_at(&next))?;
        file.write_all(octets).and_then(|()| file.sync_all()).map_err(io_at(&next))?;
        fs::rename(&next, path).map_err(io_at(path))
    }

    /// The largest revision of all objects.
    fn largest(&self) -> io::Result<Revision> {
        let mut largest = Revision(0);
        for group in GROUPS {
            for entry in fs::read_dir(self.root.join(group))? {
                let octets = match read_file(&entry?.path()) {
                    Ok(octets) => octets.unwrap_or_default(),
                    Err(DirectoryError::Io { error, .. }) => return Err(error),
                    Err(_) => continue,
                };
                largest = largest.max(split(&octets).map_or(Revision(0), |(revision, _)| revision));
            }
        }
        Ok(largest)
    }

    fn path(&self, key: &Key) -> Result<PathBuf, DirectoryError> {
        let unstorable = || DirectoryError::Unstorable(key.clone());
        let text = encode_key(key).map_err(|_| unstorable())?;
        let rest = text.strip_prefix(ROOT).ok_or_else(unstorable)?;
        // The configuration stands alone.
        let (group, name) = rest.split_once('/').unwrap_or((rest, rest));
        let name = name::escape(name).ok_or_else(unstorable)?;
        Ok(self.root.join(group).join(name))
    }

    fn next_path(&self) -> PathBuf {
        self.root.join("next")
    }
}

impl Store for DirectoryStore {
    fn answer(&mut self, request: &Request) -> Answer {
        self.carry_out(request).unwrap_or_else(|error| {
            self.failure = Some(error);
            Answer::Failed
        })
    }
}

impl Driver for DirectoryStore {
    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(ToString::to_string)
    }
}

/// The lock, for as long as this lives.
struct Held<'f>(&'f File);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // It cannot fail on a lock that is held; if it did, the end of the process would do it.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

/// `None` if there is no such file.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, DirectoryError> {
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_OBJECT + 1).read_to_end(&mut octets));
    match read {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length <= MAX_OBJECT) => Ok(Some(octets)),
        Ok(_) => Err(DirectoryError::TooLarge(path.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DirectoryError::Io { path: path.into(), error }),
    }
}

/// Revision and value. No file that was written here lacks the revision.
fn split(octets: &[u8]) -> Option<(Revision, &[u8])> {
    let end = octets.iter().position(|octet| *octet == b'\n')?;
    let (revision, value) = octets.split_at_checked(end)?;
    let revision = std::str::from_utf8(revision).ok()?.parse().ok()?;
    Some((Revision(revision), value.get(1..)?))
}

/// The object of a file; a foreign file is invalid, with a revision that nothing was ever written at.
fn stored(key: &Key, octets: &[u8]) -> Stored {
    match split(octets) {
        Some((revision, value)) => Stored { value: decode_value(key, value).unwrap_or_else(Value::Invalid), revision },
        None => Stored { value: Value::Invalid(DecodeError::Missing("revision")), revision: Revision(0) },
    }
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> DirectoryError + '_ {
    move |error| DirectoryError::Io { path: path.into(), error }
}

#[cfg(test)]
mod tests;
