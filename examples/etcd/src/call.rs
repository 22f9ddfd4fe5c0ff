//! Requests to etcd, repeated until they are answered or it is too late.

use std::future::Future;
use std::time::{Duration, Instant};

use etcd_client::{Client, ConnectOptions, Error, KvClient, ResponseHeader};
use tokio::runtime::Runtime;

use crate::store::EtcdError;

/// A client with a deadline.
pub(crate) struct Caller {
    runtime: Runtime,
    client: KvClient,
    pub(crate) deadline: Option<Instant>,
    /// The latest revision of the store that was seen.
    pub(crate) seen: i64,
    /// How many requests were sent.
    pub(crate) calls: u64,
    /// How many of them because the answer to the one before was lost.
    pub(crate) repeated: u64,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("deadline", &self.deadline).field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// One request is given up after this long, and sent again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long is waited before a request is sent again: at first, and at most.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// No answer is larger, in octets.
const MAX_ANSWER: usize = 512 << 20;

impl Caller {
    pub(crate) fn new(endpoints: &[String]) -> Result<Caller, EtcdError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(EtcdError::Runtime)?;
        let options = ConnectOptions::new().with_connect_timeout(Duration::from_secs(2));
        let client = runtime.block_on(Client::connect(endpoints, Some(options)))?;
        let client = client.kv_client().max_decoding_message_size(MAX_ANSWER);
        Ok(Caller { runtime, client, deadline: None, seen: 0, calls: 0, repeated: 0 })
    }

    /// Sends a request until it is answered, refused for good, or late.
    pub(crate) fn call<T, F: Future<Output = Result<T, Error>>>(
        &mut self,
        request: impl Fn(KvClient) -> F,
    ) -> Result<T, EtcdError> {
        let mut last = None;
        let mut pause = PAUSE;
        loop {
            let left = self.deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(EtcdError::Late(last));
            }
            self.calls = self.calls.saturating_add(1);
            let attempt = request(self.client.clone());
            let outcome = self.runtime.block_on(async { tokio::time::timeout(left.min(PATIENCE), attempt).await });
            last = match outcome {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if is_final(&error) => return Err(error.into()),
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => last,
            };
            self.repeated = self.repeated.saturating_add(1);
            // The runtime sleeps, so that the connection is mended meanwhile.
            self.runtime.block_on(async { tokio::time::sleep(pause.min(left)).await });
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Notes the revision of an answer.
    pub(crate) fn saw(&mut self, header: Option<&ResponseHeader>) {
        self.seen = self.seen.max(header.map_or(0, ResponseHeader::revision));
    }
}

/// Codes of gRPC that say the same again if asked again: wrong arguments, not found, not allowed, not in this state,
/// compacted, not known, not logged in. After all others the request may be carried out, or have been.
const FINAL: [i32; 7] = [3, 5, 7, 9, COMPACTED, 12, 16];

/// gRPC's code for a revision that is not kept any more.
const COMPACTED: i32 = 11;

fn is_final(error: &Error) -> bool {
    match error {
        Error::GRpcStatus(status) => FINAL.contains(&i32::from(status.code())),
        Error::TransportError(_) | Error::IoError(_) => false,
        _ => true,
    }
}

pub(crate) fn is_compacted(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if i32::from(status.code()) == COMPACTED)
}

/// The first key after all that begin with a prefix.
pub(crate) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    // No such key: from the prefix to the end of all.
    vec![0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_key_that_does_not_begin_with_it() {
        assert_eq!(end_of(b"/a/"), b"/a0");
        assert_eq!(end_of(b"a\xff"), b"b");
        assert_eq!(end_of(b"\xff"), b"\0");
    }
}
