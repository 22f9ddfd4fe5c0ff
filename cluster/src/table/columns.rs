//! Columns of calicoctl's resource tables: each cell is padded to the widest of its column and three blanks.

use alloc::string::String;

/// A table of `N` columns, with its headings as the first row.
#[derive(Debug, Clone)]
pub(super) struct Columns<const N: usize> {
    rows: alloc::vec::Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    pub(super) fn new(headings: [&str; N]) -> Self {
        Self { rows: alloc::vec![headings.map(String::from)] }
    }

    pub(super) fn push(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The table as text, a line for each row.
    ///
    /// The very last cell is padded two blanks less, unless it is empty: so do all outputs of calicoctl's that were
    /// at hand (the columns `all()`, 64512 and 0 of the four tables this project began with; others' too).
    pub(super) fn finish(self) -> String {
        let mut widths = [0_usize; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count() + PADDING).max(MIN_WIDTH);
            }
        }
        let mut text = String::new();
        let last_row = self.rows.len().saturating_sub(1);
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let last = number == last_row && number != 0 && column + 1 == N && !cell.is_empty();
                let width = if last { width.saturating_sub(2) } else { width };
                text.push_str(cell);
                let blanks = width.saturating_sub(cell.chars().count());
                text.extend(core::iter::repeat_n(' ', blanks));
            }
            text.push('\n');
        }
        text
    }
}

/// Blanks behind the widest cell.
const PADDING: usize = 3;
/// The narrowest column.
const MIN_WIDTH: usize = 5;
