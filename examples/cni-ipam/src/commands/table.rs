//! Tables as `calicoctl` draws them.

use std::fmt::Write as _;

/// Rows under headings, each column as wide as its widest cell, cells in the middle or at the right.
pub(super) fn draw(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        cells.chain(headings.get(column).copied()).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    let line = |text: &mut String| {
        widths.iter().for_each(|width| text.push_str(&format!("+{}", "-".repeat(width + 2))));
        text.push_str("+\n");
    };
    line(&mut text);
    for (heading, width) in headings.iter().zip(&widths) {
        // Writing to a text cannot fail, here and below.
        let _ = write!(text, "| {heading:^width$} ");
    }
    text.push_str("|\n");
    line(&mut text);
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
    }
    line(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let drawn = draw(&["A", "CIDR"], &[vec!["IP Pool".into(), "10.0.0.0/8".into()]]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], "+---------+------------+");
        assert_eq!(lines[1], "|    A    |    CIDR    |");
        assert_eq!(lines[3], "| IP Pool | 10.0.0.0/8 |");
    }
}
