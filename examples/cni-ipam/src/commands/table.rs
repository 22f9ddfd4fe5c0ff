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

/// A number with five significant digits (C's `%.5g`), and which part of the whole it is.
pub(super) fn part(number: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0 } else { rounded(u128::from(number) * 100, u128::from(whole)) };
    format!("{} ({percent}%)", five_digits(number))
}

/// C's `%.5g` of a whole number.
pub(super) fn five_digits(number: u64) -> String {
    if number < 100_000 {
        return number.to_string();
    }
    let mut exponent = number.ilog10();
    let mut digits = rounded(u128::from(number), 10u128.pow(exponent - 4));
    if digits == 100_000 {
        (digits, exponent) = (10_000, exponent + 1);
    }
    if exponent < 5 {
        return digits.to_string();
    }
    let fraction = format!("{:04}", digits % 10_000);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}e+{exponent:02}", digits / 10_000)
}

fn rounded(part: u128, whole: u128) -> u128 {
    // Halves go to the even number, as in C.
    let (quotient, rest) = (part / whole, part % whole);
    match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calico_1_11_numbers_have_five_digits() {
        let cases = [
            (0, "0"),
            (65_536, "65536"),
            (99_999, "99999"),
            (100_000, "1e+05"),
            (1_048_576, "1.0486e+06"),
            (999_996, "1e+06"),
            (u64::MAX, "1.8447e+19"),
        ];
        for (number, text) in cases {
            assert_eq!(five_digits(number), text);
        }
        assert_eq!(part(3, 65_536), "3 (0%)");
        assert_eq!(part(65_533, 65_536), "65533 (100%)");
        assert_eq!(part(0, 0), "0 (0%)");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let drawn = draw(&["A", "CIDR"], &[vec!["IP Pool".into(), "10.0.0.0/8".into()]]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], "+---------+------------+");
        assert_eq!(lines[1], "|    A    |    CIDR    |");
        assert_eq!(lines[3], "| IP Pool | 10.0.0.0/8 |");
    }
}
