//! Keys and values in etcd as Calico has them there, written by transactions that compare `mod_revision`.

use std::time::Instant;

use cni_ipam::driver::Driver;
use etcd_client::{Compare, CompareOp, GetOptions, KeyValue, KvClient, Txn, TxnOp, TxnOpResponse};
use ippool::codec::{decode_key, decode_value, encode_key, encode_value};
use ippool::store::{Answer, Request, Revision, Stored, Write};
use ippool::{Key, Store, Value};

use crate::call::{self, Caller};
use crate::doubt;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EtcdError {
    /// What etcd or its client says.
    #[error("etcd: {0}")]
    Client(#[from] etcd_client::Error),
    /// The runtime of the client did not start.
    #[error("etcd's client does not start: {0}")]
    Runtime(std::io::Error),
    /// Nothing came back until the deadline; the last error if there was one.
    #[error("etcd does not answer in time{}", .0.as_ref().map(|last| format!(": {last}")).unwrap_or_default())]
    Late(Option<String>),
    /// A key without a name, or a value that must not be written.
    #[error("{0} cannot be stored")]
    Unstorable(Key),
    /// An answer of another form than the question.
    #[error("etcd: unexpected answer")]
    Unexpected,
}

/// A store over etcd.
///
/// Requests that fail for a reason that may pass (no connection, no leader, a restart) are repeated until the deadline.
/// A write whose outcome was lost is repeated too, and if the object has changed by then, its history says whether that
/// was this write. Only a write that is still in doubt at the deadline is answered by `Failed` although it may have taken
/// place: what leaks by that is found by garbage collection.
#[derive(Debug)]
pub struct EtcdStore {
    caller: Caller,
    failure: Option<EtcdError>,
}

/// The objects at some keys, and a list.
type Both = (Vec<Option<Stored>>, Vec<(Key, Stored)>);

/// So many objects come in one answer.
const PAGE: i64 = 256;

/// So many operations are allowed in one transaction unless etcd is told otherwise.
const MAX_OPS: usize = 128;

/// Where Calico keeps what the operations need besides.
const RESOURCES: [&str; 3] = [
    "/calico/resources/v3/projectcalico.org/ippools/",
    "/calico/resources/v3/projectcalico.org/ipreservations/",
    "/calico/resources/v3/projectcalico.org/nodes/",
];

impl EtcdStore {
    /// A store on these servers, `[http://]HOST:PORT`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub fn open(endpoints: &[String]) -> Result<EtcdStore, EtcdError> {
        Ok(EtcdStore { caller: Caller::new(endpoints)?, failure: None })
    }

    /// What failed last.
    #[must_use]
    pub fn error(&self) -> Option<&EtcdError> {
        self.failure.as_ref()
    }

    /// How many requests were sent, repeated ones included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.caller.calls
    }

    fn carry_out(&mut self, request: &Request) -> Result<Answer, EtcdError> {
        Ok(match request {
            Request::Read(keys) => Answer::Objects(self.read(keys)?),
            Request::List(prefix) => Answer::Listed(self.list(&prefix.to_string())?),
            Request::ReadAndList(keys, prefix) => {
                let (objects, listed) = self.read_and_list(keys, &prefix.to_string())?;
                Answer::ObjectsAndListed(objects, listed)
            }
            // etcd knows keys by their order only: free space is looked for in a list.
            Request::Search(_) => Answer::NoIndex,
            Request::Commit(write) => self.commit(write)?.map_or(Answer::Conflict, Answer::Committed),
        })
    }

    fn read(&mut self, keys: &[Key]) -> Result<Vec<Option<Stored>>, EtcdError> {
        let mut objects = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_OPS) {
            let ops = keys.iter().map(|key| Ok(TxnOp::get(text(key)?, None))).collect::<Result<Vec<_>, EtcdError>>()?;
            let answers = self.reads(ops)?;
            objects.extend(keys.iter().zip(answers).map(|(key, found)| found.first().map(|found| stored(key, found))));
        }
        Ok(objects)
    }

    /// All reads of one transaction, which see one revision.
    fn reads(&mut self, ops: Vec<TxnOp>) -> Result<Vec<Vec<KeyValue>>, EtcdError> {
        let count = ops.len();
        let answer = self.caller.call(move |mut client: KvClient| {
            let ops = ops.clone();
            async move { client.txn(Txn::new().and_then(ops)).await }
        })?;
        self.caller.saw(answer.header());
        let mut found = Vec::with_capacity(count);
        for answer in answer.op_responses() {
            let TxnOpResponse::Get(mut answer) = answer else { return Err(EtcdError::Unexpected) };
            found.push(answer.take_kvs());
        }
        if found.len() == count { Ok(found) } else { Err(EtcdError::Unexpected) }
    }

    /// Both in one round trip while the list fits on a page.
    fn read_and_list(&mut self, keys: &[Key], prefix: &str) -> Result<Both, EtcdError> {
        let (now, later) = keys.split_at(keys.len().min(MAX_OPS - 1));
        let mut ops = now.iter().map(|key| Ok(TxnOp::get(text(key)?, None))).collect::<Result<Vec<_>, EtcdError>>()?;
        ops.push(TxnOp::get(prefix, Some(GetOptions::new().with_prefix().with_limit(PAGE))));
        let mut answers = self.reads(ops)?;
        let first = answers.pop().unwrap_or_default();
        let found = now.iter().zip(&answers).map(|(key, found)| found.first().map(|found| stored(key, found)));
        let mut objects: Vec<Option<Stored>> = found.collect();
        objects.extend(self.read(later)?);
        let full = i64::try_from(first.len()).is_ok_and(|length| length >= PAGE);
        let listed = if full { self.list(prefix)? } else { objects_of(&first) };
        Ok((objects, listed))
    }

    fn list(&mut self, prefix: &str) -> Result<Vec<(Key, Stored)>, EtcdError> {
        Ok(objects_of(&self.pages(prefix)?))
    }

    /// Page by page, all of one revision; from the start if that is compacted on the way.
    fn pages(&mut self, prefix: &str) -> Result<Vec<KeyValue>, EtcdError> {
        let end = call::end_of(prefix.as_bytes());
        'list: loop {
            let mut found: Vec<KeyValue> = Vec::new();
            let mut revision = 0;
            loop {
                let mut from = found.last().map_or_else(|| prefix.as_bytes().to_vec(), |last| last.key().to_vec());
                if !found.is_empty() {
                    from.push(0);
                }
                let options = GetOptions::new().with_range(end.clone()).with_limit(PAGE).with_revision(revision);
                let answer = self.caller.call(move |mut client: KvClient| {
                    let (from, options) = (from.clone(), options.clone());
                    async move { client.get(from, Some(options)).await }
                });
                let mut answer = match answer {
                    Err(EtcdError::Client(error)) if call::is_compacted(&error) && revision > 0 => continue 'list,
                    answer => answer?,
                };
                self.caller.saw(answer.header());
                if revision == 0 {
                    revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
                }
                let more = answer.more();
                found.extend(answer.take_kvs());
                if !more {
                    return Ok(found);
                }
            }
        }
    }

    /// `None` if the object is not as it was expected.
    fn commit(&mut self, write: &Write) -> Result<Option<Revision>, EtcdError> {
        let (key, value, expected) = match write {
            Write::Create(key, value) => (key, Some(value), 0),
            Write::Update(key, value, revision) => (key, Some(value), revision.0),
            Write::Delete(key, revision) => (key, None, revision.0),
        };
        let unstorable = || EtcdError::Unstorable(key.clone());
        let name = text(key)?;
        let value = value.map(|value| encode_value(value).ok_or_else(unstorable)).transpose()?;
        // No object has a revision beyond what etcd can count.
        let Ok(expected) = i64::try_from(expected) else { return Ok(None) };
        let change = match &value {
            Some(value) => TxnOp::put(name.as_str(), value.as_str(), None),
            None => TxnOp::delete(name.as_str(), None),
        };
        let txn = Txn::new()
            .when([Compare::mod_revision(name.as_str(), CompareOp::Equal, expected)])
            .and_then([change])
            .or_else([TxnOp::get(name.as_str(), None)]);
        let before = self.caller.seen;
        let repeated = self.caller.repeated;
        let answer = self.caller.call(move |mut client: KvClient| {
            let txn = txn.clone();
            async move { client.txn(txn).await }
        })?;
        self.caller.saw(answer.header());
        let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        if answer.succeeded() {
            return Ok(Some(Revision(u64::try_from(revision).unwrap_or(0))));
        }
        if self.caller.repeated == repeated {
            return Ok(None);
        }
        let current = answer.op_responses().into_iter().find_map(|answer| match answer {
            TxnOpResponse::Get(mut answer) => Some(answer.take_kvs()),
            _ => None,
        });
        let current = current.and_then(|found| found.into_iter().next());
        let lost = doubt::Lost { key: &name, value: value.as_deref(), expected, before };
        Ok(lost.written(current, &mut self.caller)?.map(|at| Revision(u64::try_from(at.max(0)).unwrap_or(0))))
    }
}

impl Store for EtcdStore {
    fn answer(&mut self, request: &Request) -> Answer {
        self.carry_out(request).unwrap_or_else(|error| {
            self.failure = Some(error);
            Answer::Failed
        })
    }
}

impl Driver for EtcdStore {
    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.caller.deadline = deadline;
    }

    fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(ToString::to_string)
    }

    fn resources(&mut self) -> Result<Vec<Vec<u8>>, String> {
        let mut texts = Vec::new();
        for prefix in RESOURCES {
            let found = self.pages(prefix).map_err(|error| error.to_string())?;
            texts.extend(found.iter().map(|found| found.value().to_vec()));
        }
        Ok(texts)
    }
}

fn text(key: &Key) -> Result<String, EtcdError> {
    encode_key(key).map_err(|_| EtcdError::Unstorable(key.clone()))
}

fn stored(key: &Key, found: &KeyValue) -> Stored {
    let value = decode_value(key, found.value()).unwrap_or_else(Value::Invalid);
    Stored { value, revision: Revision(u64::try_from(found.mod_revision()).unwrap_or(0)) }
}

/// The objects among what was listed; records of hosts and foreign keys are passed over, as Calico does.
fn objects_of(found: &[KeyValue]) -> Vec<(Key, Stored)> {
    let object = |found: &KeyValue| {
        let key = decode_key(found.key_str().ok()?)?.key;
        let stored = stored(&key, found);
        Some((key, stored))
    };
    found.iter().filter_map(object).collect()
}
