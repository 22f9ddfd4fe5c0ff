//! Reading and writing the configuration.

use super::tape::{CONFLICT, Flow, Halt, Run, Script, StoreError, Tape};
use super::{Operation, RETRIES};
use crate::key::Key;
use crate::store::Write;
use crate::value::{Config, Value};

/// The configuration in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredConfig {
    /// The configuration.
    pub config: Config,
    /// Whether it is stored; if not, it is the default.
    pub stored: bool,
}

/// Why a configuration was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither borrowing nor new blocks: no host could get an address.
    #[error("strict affinity and automatic allocation of blocks cannot both be off")]
    NothingAllocated,
    /// A limit of blocks needs strict affinity.
    #[error("a limit of blocks per host needs strict affinity")]
    LimitNeedsStrictAffinity,
    /// Windows nodes cannot borrow addresses.
    #[error("strict affinity is required on Windows")]
    WindowsNeedsStrictAffinity,
    /// More than 1 000 000 blocks per host.
    #[error("limit of {0} blocks per host is above 1000000")]
    MaxBlocks(u32),
    /// A cooldown above 1200 seconds.
    #[error("cooldown of {0} s is above 1200 s")]
    Cooldown(u32),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the configuration.
///
/// Cost: R 1.
///
/// ```
/// use ippool::{drive, op, Config, MemoryStore};
/// let read = drive(op::read_config(), &mut MemoryStore::default());
/// assert_eq!(read.map(|read| (read.config, read.stored)), Ok((Config::default(), false)));
/// ```
///
/// # Errors
/// The output is a [`StoreError`].
#[doc(alias = "GetIPAMConfig")]
pub fn read_config()
-> impl Operation<Output = Result<StoredConfig, StoreError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Read, ())
}

#[derive(Debug, Clone)]
struct Read;

impl Script for Read {
    type State = ();
    type Output = Result<StoredConfig, StoreError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        let stored = io.stored_config()?;
        let found = stored.is_some();
        let config = stored.map(|(config, _)| config).unwrap_or_default();
        Ok(Flow::Done(Ok(StoredConfig { config, stored: found })))
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error)
    }
}

/// Writes the configuration; `windows` if there are Windows nodes.
///
/// Cost: R 1, W 1; R 1 if nothing changes.
///
/// ```
/// use ippool::{drive, op, Config, MemoryStore};
/// let mut config = Config::default();
/// config.auto_allocate_blocks = false;
/// let written = drive(op::write_config(config, false), &mut MemoryStore::default());
/// assert_eq!(written, Err(op::ConfigError::NothingAllocated));
/// ```
///
/// # Errors
/// The output is a [`ConfigError`].
#[doc(alias = "SetIPAMConfig")]
pub fn write_config(
    config: Config,
    windows: bool,
) -> impl Operation<Output = Result<(), ConfigError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Put { config, windows }, ())
}

#[derive(Debug, Clone)]
struct Put {
    config: Config,
    windows: bool,
}

impl Script for Put {
    type State = ();
    type Output = Result<(), ConfigError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        if let Err(error) = self.check() {
            return Ok(Flow::Done(Err(error)));
        }
        for _ in 0..RETRIES {
            let value = Value::Config(self.config.clone());
            let written = match io.stored_config()? {
                Some((stored, _)) if stored == self.config => return Ok(Flow::Done(Ok(()))),
                Some((_, revision)) => io.write(Write::Update(Key::Config, value, revision))?,
                None => io.write(Write::Create(Key::Config, value))?,
            };
            if written.is_some() {
                return Ok(Flow::Done(Ok(())));
            }
        }
        Err(CONFLICT)
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

impl Put {
    fn check(&self) -> Result<(), ConfigError> {
        let Config { strict_affinity, auto_allocate_blocks, max_blocks_per_host, cooldown_seconds, .. } = self.config;
        match () {
            () if self.windows && !strict_affinity => Err(ConfigError::WindowsNeedsStrictAffinity),
            () if !strict_affinity && !auto_allocate_blocks => Err(ConfigError::NothingAllocated),
            () if max_blocks_per_host > 1_000_000 => Err(ConfigError::MaxBlocks(max_blocks_per_host)),
            () if max_blocks_per_host > 0 && !strict_affinity => Err(ConfigError::LimitNeedsStrictAffinity),
            () if cooldown_seconds > 1200 => Err(ConfigError::Cooldown(cooldown_seconds)),
            () => Ok(()),
        }
    }
}
