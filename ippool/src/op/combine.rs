//! Operations made of others: with another form of the output, or one after the other.

use super::{Operation, Poll};
use crate::store::Answer;

/// An operation whose output is another form of that of `operation`.
#[derive(Debug, Clone)]
pub(crate) struct Mapped<O: Operation, T> {
    operation: O,
    map: fn(O::Output) -> T,
}

impl<O: Operation, T> Mapped<O, T> {
    pub(crate) fn new(operation: O, map: fn(O::Output) -> T) -> Mapped<O, T> {
        Mapped { operation, map }
    }
}

impl<O: Operation, T> Operation for Mapped<O, T> {
    type Output = T;

    fn poll(&mut self) -> Poll<T> {
        match self.operation.poll() {
            Poll::Ask(request) => Poll::Ask(request),
            Poll::Done(output) => Poll::Done((self.map)(output)),
        }
    }

    fn handle(&mut self, answer: Answer) {
        self.operation.handle(answer);
    }
}

/// One operation after the other; what both give is put together.
#[derive(Debug, Clone)]
pub(crate) struct Then<A: Operation, B: Operation, T> {
    first: A,
    second: B,
    /// What the first gave.
    output: Option<A::Output>,
    join: fn(A::Output, B::Output) -> T,
}

impl<A: Operation, B: Operation, T> Then<A, B, T> {
    pub(crate) fn new(first: A, second: B, join: fn(A::Output, B::Output) -> T) -> Then<A, B, T> {
        Then { first, second, output: None, join }
    }
}

impl<A: Operation<Output: Clone>, B: Operation, T> Operation for Then<A, B, T> {
    type Output = T;

    fn poll(&mut self) -> Poll<T> {
        let output = match &self.output {
            Some(output) => output,
            None => match self.first.poll() {
                Poll::Ask(request) => return Poll::Ask(request),
                Poll::Done(output) => self.output.insert(output),
            },
        };
        match self.second.poll() {
            Poll::Ask(request) => Poll::Ask(request),
            Poll::Done(second) => Poll::Done((self.join)(output.clone(), second)),
        }
    }

    fn handle(&mut self, answer: Answer) {
        if self.output.is_some() {
            self.second.handle(answer);
        } else {
            self.first.handle(answer);
        }
    }
}
