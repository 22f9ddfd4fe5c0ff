//! What became of a write whose answer was lost.

use etcd_client::{GetOptions, KeyValue, KvClient};

use crate::call::{self, Caller};
use crate::store::EtcdError;

/// A write that was sent more than once and then found the object changed: by itself, or by others.
pub(crate) struct Lost<'w> {
    pub(crate) key: &'w str,
    /// What was written; none for a delete.
    pub(crate) value: Option<&'w str>,
    /// The `mod_revision` that was expected; 0 if there was to be no object.
    pub(crate) expected: i64,
    /// The latest revision that was seen before the write was sent first.
    pub(crate) before: i64,
}

/// So many later writes of the same object are looked through.
const MAX_STEPS: usize = 64;

impl Lost<'_> {
    /// The revision of the write if it took place.
    ///
    /// It did if what followed the expected state is what was written. Two processes that write the same octets over the
    /// same state cannot be told apart by that; they have the same handle and attributes then, so the same allocation.
    pub(crate) fn written(&self, current: Option<KeyValue>, caller: &mut Caller) -> Result<Option<i64>, EtcdError> {
        match (self.value, current) {
            // Somebody deleted it. An object that was written and deleted since is as if it had not been written.
            (None, None) => Ok(Some(caller.seen)),
            (Some(_), None) => Ok(None),
            (None, Some(current)) => {
                Ok((current.create_revision() > self.expected).then(|| current.create_revision() - 1))
            }
            (Some(value), Some(current)) => self.put(value, current, caller),
        }
    }

    fn put(&self, value: &str, current: KeyValue, caller: &mut Caller) -> Result<Option<i64>, EtcdError> {
        let first = if self.expected == 0 {
            if current.create_revision() <= self.before {
                return Ok(None);
            }
            self.at(current.create_revision(), caller)?
        } else if current.create_revision() > self.expected {
            None
        } else {
            self.after_expected(current, caller)?
        };
        Ok(first.filter(|first| first.value() == value.as_bytes()).map(|first| first.mod_revision()))
    }

    /// The state that followed the expected one: from the current one back.
    fn after_expected(&self, mut current: KeyValue, caller: &mut Caller) -> Result<Option<KeyValue>, EtcdError> {
        for _ in 0..MAX_STEPS {
            match self.at(current.mod_revision() - 1, caller)? {
                Some(earlier) if earlier.mod_revision() > self.expected => current = earlier,
                Some(_) => return Ok(Some(current)),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The object at a revision; none if it was not there or that is no longer known.
    fn at(&self, revision: i64, caller: &mut Caller) -> Result<Option<KeyValue>, EtcdError> {
        let options = GetOptions::new().with_revision(revision);
        let answer = caller.call(|mut client: KvClient| {
            let options = options.clone();
            async move { client.get(self.key, Some(options)).await }
        });
        match answer {
            Ok(mut answer) => Ok(answer.take_kvs().into_iter().next()),
            Err(EtcdError::Client(error)) if call::is_compacted(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
