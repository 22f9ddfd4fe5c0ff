//! How operations are written: steps that read answers from a tape and are run again when a new one is there.
//!
//! A step is a pure function of its state and of the answers so far. When it needs an answer that is not on the tape
//! it stops with the request; with the answer appended it runs again from its start and comes one request further.
//! A finished step gives the next state and the tape begins anew, so a step should make few requests.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::{Operation, Poll};
use crate::block::Block;
use crate::index::{Found, Index, Search, at_time};
use crate::invalid::{BadValue, DecodeError};
use crate::key::{IpVersion, Key, Owner, Prefix};
use crate::store::{Answer, Request, Revision, Stored, Write};
use crate::time::UnixTime;
use crate::value::{Affinity, AffinityState, Config, Handle, Value};

/// What can go wrong in every operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store does not work.
    #[error("the store failed")]
    Failed,
    /// A stored object cannot be decoded or contradicts itself: which, and in which field.
    #[error("a stored value is invalid: {0}")]
    BadValue(Arc<BadValue>),
    /// Other operations changed the same objects each time.
    #[error("max retries hit - excessive concurrent requests")]
    Conflict,
}

/// Why a step stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It needs an answer.
    Wait,
    /// It cannot go on.
    Fault(StoreError),
}

pub(crate) const CONFLICT: Halt = Halt::Fault(StoreError::Conflict);

/// Where a finished step leads.
#[derive(Debug, Clone)]
pub(crate) enum Flow<S, T> {
    Next(S),
    Done(T),
}

/// An operation as steps.
pub(crate) trait Script {
    type State: Clone;
    type Output: Clone;

    fn step(&self, state: &Self::State, io: &mut Tape) -> Result<Flow<Self::State, Self::Output>, Halt>;

    /// The output after a fault that no step dealt with.
    fn fault(&self, state: &Self::State, error: StoreError) -> Self::Output;
}

/// Drives a [`Script`].
#[derive(Debug, Clone)]
pub(crate) struct Run<S: Script> {
    script: S,
    state: S::State,
    tape: Tape,
    output: Option<S::Output>,
}

impl<S: Script> Run<S> {
    pub(crate) fn new(script: S, state: S::State) -> Run<S> {
        Run { script, state, tape: Tape::default(), output: None }
    }
}

impl<S: Script> Operation for Run<S> {
    type Output = S::Output;

    fn poll(&mut self) -> Poll<S::Output> {
        loop {
            if let Some(output) = &self.output {
                return Poll::Done(output.clone());
            }
            if let Some(request) = &self.tape.request {
                return Poll::Ask(request.clone());
            }
            self.tape.next = 0;
            self.tape.tombstones.clear();
            match self.script.step(&self.state, &mut self.tape) {
                Ok(Flow::Next(state)) => {
                    self.state = state;
                    self.tape = Tape::default();
                }
                Ok(Flow::Done(output)) => self.output = Some(output),
                Err(Halt::Fault(error)) => self.output = Some(self.script.fault(&self.state, error)),
                Err(Halt::Wait) if self.tape.request.is_some() => {}
                // A step that waits without asking cannot be written: only the tape makes `Wait`.
                Err(Halt::Wait) => self.output = Some(self.script.fault(&self.state, StoreError::Failed)),
            }
        }
    }

    fn handle(&mut self, answer: Answer) {
        let Some(request) = self.tape.request.take() else { return };
        let fits = match (&request, &answer) {
            (Request::Read(keys), Answer::Objects(objects)) => keys.len() == objects.len(),
            (Request::ReadAndList(keys, _), Answer::ObjectsAndListed(objects, _)) => keys.len() == objects.len(),
            (Request::List(_), Answer::Listed(_))
            | (Request::Search(_), Answer::Found(_) | Answer::NoIndex)
            | (Request::Commit(_), Answer::Committed(_) | Answer::Conflict)
            | (_, Answer::Failed) => true,
            _ => false,
        };
        self.tape.answers.push(if fits { answer } else { Answer::Failed });
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Done(Revision),
    Conflict,
    Failed,
}

/// The answers of a step so far, and the request it waits for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tape {
    answers: Vec<Answer>,
    next: usize,
    request: Option<Request>,
    /// Objects read in this run of the step that are being deleted: absent, but their keys are taken.
    tombstones: Vec<(Key, Revision)>,
}

/// When an operation runs, and how long released addresses cool down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) now: UnixTime,
    pub(crate) cooldown: i64,
}

impl Clock {
    pub(crate) fn new(now: UnixTime, config: &Config) -> Clock {
        Clock { now, cooldown: config.cooldown_seconds.into() }
    }
}

/// A block as it was read, with addresses whose cooldown is over already freed.
#[derive(Debug, Clone)]
pub(crate) struct ReadBlock {
    pub(crate) block: Arc<Block>,
    pub(crate) revision: Revision,
    /// Whether reading freed addresses, so that a write would be of use.
    pub(crate) freed: bool,
}

/// A block as it was listed, or what is wrong with it.
pub(crate) type Listed = (IpNet, Result<ReadBlock, Halt>);

impl Tape {
    fn ask(&mut self, request: impl FnOnce() -> Request) -> Result<&Answer, Halt> {
        let index = self.next;
        self.next += 1;
        if index >= self.answers.len() {
            self.request = Some(request());
            return Err(Halt::Wait);
        }
        self.answers.get(index).ok_or(Halt::Wait)
    }

    pub(crate) fn read(&mut self, keys: Vec<Key>) -> Result<Vec<Option<Stored>>, Halt> {
        let Answer::Objects(objects) = self.ask(|| Request::Read(keys.clone()))? else {
            return Err(Halt::Fault(StoreError::Failed));
        };
        let objects = objects.clone();
        Ok(self.without_deleted(objects, keys))
    }

    fn without_deleted(&mut self, mut objects: Vec<Option<Stored>>, keys: Vec<Key>) -> Vec<Option<Stored>> {
        for (object, key) in objects.iter_mut().zip(keys) {
            if let Some(deleted) = object.take_if(|object| object.value.is_deleted()) {
                self.tombstones.push((key, deleted.revision));
            }
        }
        objects
    }

    pub(crate) fn list(&mut self, prefix: impl FnOnce() -> Prefix) -> Result<Vec<(Key, Stored)>, Halt> {
        match self.ask(|| Request::List(prefix()))? {
            Answer::Listed(objects) => Ok(live(objects)),
            _ => Err(Halt::Fault(StoreError::Failed)),
        }
    }

    /// The configuration, and what an owner claims, in key order.
    pub(crate) fn config_and_claims(
        &mut self,
        owner: &Owner,
        version: IpVersion,
    ) -> Result<(Config, Vec<IpNet>), Halt> {
        let request = || Request::ReadAndList(vec![Key::Config], Prefix::Affinities(owner.clone(), version));
        let Answer::ObjectsAndListed(objects, listed) = self.ask(request)? else {
            return Err(Halt::Fault(StoreError::Failed));
        };
        let config = objects.first().cloned().flatten().map(as_config).transpose()?;
        let claims = live(listed).into_iter().filter_map(|(key, _)| affinity_key(key)).map(|(_, cidr)| cidr).collect();
        Ok((config.map(|(config, _)| config).unwrap_or_default(), claims))
    }

    /// Searches among blocks: the store does, or all blocks are listed and searched here.
    pub(crate) fn search(&mut self, search: Search) -> Result<Vec<Found>, Halt> {
        match self.ask(|| Request::Search(search.clone()))? {
            Answer::Found(found) => Ok(found.clone()),
            Answer::NoIndex => {
                let blocks: Index = self.list(|| Prefix::Blocks(search.version))?.into_iter().collect();
                Ok(blocks.search(&search))
            }
            _ => Err(Halt::Fault(StoreError::Failed)),
        }
    }

    /// A write whose failure is not the end of the operation.
    pub(crate) fn try_write(&mut self, write: Write) -> Result<Written, Halt> {
        let write = match write {
            Write::Create(key, value) => match self.tombstones.iter().rev().find(|(other, _)| *other == key) {
                Some((_, revision)) => Write::Update(key, value, *revision),
                None => Write::Create(key, value),
            },
            other => other,
        };
        Ok(match self.ask(|| Request::Commit(write))? {
            Answer::Committed(revision) => Written::Done(*revision),
            Answer::Conflict => Written::Conflict,
            _ => Written::Failed,
        })
    }

    /// A write; `None` is a conflict.
    pub(crate) fn write(&mut self, write: Write) -> Result<Option<Revision>, Halt> {
        match self.try_write(write)? {
            Written::Done(revision) => Ok(Some(revision)),
            Written::Conflict => Ok(None),
            Written::Failed => Err(Halt::Fault(StoreError::Failed)),
        }
    }

    pub(crate) fn config(&mut self) -> Result<Config, Halt> {
        Ok(self.stored_config()?.map(|(config, _)| config).unwrap_or_default())
    }

    pub(crate) fn stored_config(&mut self) -> Result<Option<(Config, Revision)>, Halt> {
        self.read(vec![Key::Config])?.pop().flatten().map(as_config).transpose()
    }

    pub(crate) fn handle(&mut self, id: &str) -> Result<Option<(Handle, Revision)>, Halt> {
        self.read(vec![Key::Handle(id.into())])?.pop().flatten().map(|stored| as_handle(id, stored)).transpose()
    }

    /// The configuration and a handle.
    pub(crate) fn config_and_handle(&mut self, id: &str) -> Result<(Config, Option<(Handle, Revision)>), Halt> {
        let mut objects = self.read(vec![Key::Config, Key::Handle(id.into())])?.into_iter();
        let config = objects.next().flatten().map(as_config).transpose()?;
        let handle = objects.next().flatten().map(|stored| as_handle(id, stored)).transpose()?;
        Ok((config.map(|(config, _)| config).unwrap_or_default(), handle))
    }

    /// The configuration and some blocks as they are stored.
    pub(crate) fn config_and_blocks(&mut self, cidrs: &[IpNet]) -> Result<(Config, Vec<Option<Stored>>), Halt> {
        let keys = [Key::Config].into_iter().chain(cidrs.iter().map(|cidr| Key::Block(*cidr)));
        let mut objects = self.read(keys.collect())?.into_iter();
        let config = objects.next().flatten().map(as_config).transpose()?;
        Ok((config.map(|(config, _)| config).unwrap_or_default(), objects.collect()))
    }

    /// Several handles; those that are missing or invalid are none.
    pub(crate) fn handles<'i>(
        &mut self,
        ids: impl Iterator<Item = &'i str> + Clone,
    ) -> Result<Vec<Option<(Handle, Revision)>>, Halt> {
        let objects = self.read(ids.clone().map(|id| Key::Handle(id.into())).collect())?;
        Ok(objects.into_iter().zip(ids).map(|(stored, id)| as_handle(id, stored?).ok()).collect())
    }

    pub(crate) fn block(&mut self, cidr: IpNet, clock: Clock) -> Result<Option<ReadBlock>, Halt> {
        self.read(vec![Key::Block(cidr)])?.pop().flatten().map(|stored| loaded(cidr, stored, clock)).transpose()
    }

    pub(crate) fn blocks(&mut self, cidrs: &[IpNet], clock: Clock) -> Result<Vec<Option<ReadBlock>>, Halt> {
        if cidrs.is_empty() {
            return Ok(Vec::new());
        }
        let objects = self.read(cidrs.iter().map(|cidr| Key::Block(*cidr)).collect())?;
        let load =
            |(object, cidr): (Option<Stored>, &IpNet)| object.map(|stored| loaded(*cidr, stored, clock)).transpose();
        objects.into_iter().zip(cidrs).map(load).collect()
    }

    /// An affinity and its block.
    #[expect(clippy::type_complexity, reason = "two optional objects")]
    pub(crate) fn claimed(
        &mut self,
        owner: &Owner,
        cidr: IpNet,
        clock: Clock,
    ) -> Result<(Option<(AffinityState, Revision)>, Option<ReadBlock>), Halt> {
        let objects = self.read(vec![Key::Affinity(owner.clone(), cidr), Key::Block(cidr)])?;
        let mut objects = objects.into_iter();
        let affinity = match objects.next().flatten() {
            None => None,
            Some(Stored { value: Value::Affinity(affinity), revision }) => Some((affinity.state, revision)),
            Some(other) => return Err(bad(Key::Affinity(owner.clone(), cidr), &other.value)),
        };
        let block = objects.next().flatten().map(|stored| loaded(cidr, stored, clock)).transpose()?;
        Ok((affinity, block))
    }

    /// All blocks of a version in key order, each with what is wrong with it if something is.
    pub(crate) fn list_blocks(&mut self, version: IpVersion, clock: Clock) -> Result<Vec<Listed>, Halt> {
        let objects = self.list(|| Prefix::Blocks(version))?;
        Ok(objects
            .into_iter()
            .filter_map(|(key, stored)| match key {
                Key::Block(cidr) => Some((cidr, loaded(cidr, stored, clock))),
                _ => None,
            })
            .collect())
    }

    /// The CIDRs that an owner claims, in key order.
    pub(crate) fn list_affinities(&mut self, owner: &Owner, version: IpVersion) -> Result<Vec<IpNet>, Halt> {
        let objects = self.list(|| Prefix::Affinities(owner.clone(), version))?;
        Ok(objects.into_iter().filter_map(|(key, _)| affinity_key(key)).map(|(_, cidr)| cidr).collect())
    }

    /// All claims of hosts (or of virtual owners), in key order.
    pub(crate) fn list_all_affinities(&mut self, hosts: bool) -> Result<Vec<(Owner, IpNet)>, Halt> {
        let objects = self.list(|| if hosts { Prefix::Hosts } else { Prefix::Virtuals })?;
        Ok(objects.into_iter().filter_map(|(key, _)| affinity_key(key)).collect())
    }

    /// Writes an affinity: creates it, or replaces the one of `revision`.
    pub(crate) fn write_affinity(
        &mut self,
        owner: &Owner,
        cidr: IpNet,
        state: AffinityState,
        revision: Option<Revision>,
    ) -> Result<Option<Revision>, Halt> {
        let key = Key::Affinity(owner.clone(), cidr);
        let value = Value::Affinity(Affinity::new(state));
        self.write(match revision {
            None => Write::Create(key, value),
            Some(revision) => Write::Update(key, value, revision),
        })
    }

    /// Writes a changed block; `None` is a conflict.
    pub(crate) fn update_block(&mut self, block: Block, revision: Revision) -> Result<Option<ReadBlock>, Halt> {
        let (block, written) = self.try_update_block(block, revision)?;
        match written {
            Written::Done(revision) => Ok(Some(ReadBlock { block, revision, freed: false })),
            Written::Conflict => Ok(None),
            Written::Failed => Err(Halt::Fault(StoreError::Failed)),
        }
    }

    pub(crate) fn try_update_block(
        &mut self,
        mut block: Block,
        revision: Revision,
    ) -> Result<(Arc<Block>, Written), Halt> {
        block.bump();
        let block = Arc::new(block);
        let written =
            self.try_write(Write::Update(Key::Block(block.cidr()), Value::Block(Arc::clone(&block)), revision))?;
        Ok((block, written))
    }
}

fn affinity_key(key: Key) -> Option<(Owner, IpNet)> {
    match key {
        Key::Affinity(owner, cidr) => Some((owner, cidr)),
        _ => None,
    }
}

fn as_config(stored: Stored) -> Result<(Config, Revision), Halt> {
    match stored.value {
        Value::Config(config) => Ok((config, stored.revision)),
        other => Err(bad(Key::Config, &other)),
    }
}

fn as_handle(id: &str, stored: Stored) -> Result<(Handle, Revision), Halt> {
    match stored.value {
        Value::Handle(handle) => Ok((handle, stored.revision)),
        other => Err(bad(Key::Handle(id.into()), &other)),
    }
}

pub(crate) fn loaded(cidr: IpNet, stored: Stored, clock: Clock) -> Result<ReadBlock, Halt> {
    match stored.value {
        Value::Block(block) if block.cidr() == cidr => {
            let (block, freed) = at_time(&block, clock.cooldown, clock.now);
            Ok(ReadBlock { block, revision: stored.revision, freed })
        }
        other => Err(bad(Key::Block(cidr), &other)),
    }
}

/// The end of an operation that needs what cannot be used.
pub(crate) fn bad(key: Key, value: &Value) -> Halt {
    let error = match value {
        Value::Invalid(error) => *error,
        _ => DecodeError::Misplaced,
    };
    Halt::Fault(StoreError::BadValue(BadValue::new(key, error)))
}

/// The result of something that may fail without harm.
pub(crate) fn ignore_fault<T>(result: Result<T, Halt>) -> Result<Option<T>, Halt> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Halt::Fault(_)) => Ok(None),
        Err(Halt::Wait) => Err(Halt::Wait),
    }
}

fn live(objects: &[(Key, Stored)]) -> Vec<(Key, Stored)> {
    objects.iter().filter(|(_, object)| !object.value.is_deleted()).cloned().collect()
}
