//! The full list of what is wrong with an UPDATE, found by a second pass.

use crate::attr::scan::{Scan, Step};
use crate::update::UpdateView;
use crate::{Context, Error};

/// An iterator over everything that is wrong with an UPDATE, in the order of the octets; what is missing comes behind it, what means nothing last.
#[derive(Debug, Clone)]
pub struct Reasons<'m> {
    view: UpdateView<'m>,
    ctx: Context,
    scan: Scan<'m>,
    /// How many of the missing attributes were handed out.
    missing: usize,
}

impl<'m> Reasons<'m> {
    pub(crate) fn new(view: &UpdateView<'m>) -> Reasons<'m> {
        let (start, end) = view.attributes.span();
        Reasons { view: *view, ctx: view.ctx, scan: Scan::new(view.as_bytes(), start, end), missing: 0 }
    }
}

impl Iterator for Reasons<'_> {
    type Item = Error;

    fn next(&mut self) -> Option<Error> {
        loop {
            match self.scan.step(&self.ctx) {
                Step::Fine => {}
                Step::Error(error) => return Some(self.view.eased(error)),
                Step::Done => break,
            }
        }
        if !self.view.has_reachable() {
            return None;
        }
        let missing = self.view.missing(self.scan.seen).iter().map(|ty| self.view.lacks(ty));
        let error = missing.chain(self.view.meaningless()).nth(self.missing)?;
        self.missing += 1;
        Some(error)
    }
}
