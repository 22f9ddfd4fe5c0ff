//! The table of `calicoctl ipam show`: how much of each pool is in use.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::utilization::{ORPHANS, PoolUtilization};

/// The rows of [`utilization`](super::utilization) as `calicoctl ipam show` prints them; with `blocks` each block has a
/// row after its pool's (`--show-blocks`). Blocks in no pool have no row that sums them up.
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Pool, Resources, UnixTime};
/// let resources = Arc::new(Resources::default().with_pool(Pool::new("p", "10.0.0.0/14".parse()?)));
/// let rows = drive(op::utilization(None, &resources, UnixTime::default()), &mut MemoryStore::default())?;
/// let table = op::show(&rows, true).to_string();
/// assert_eq!(table.lines().nth(3), Some("| IP Pool  | 10.0.0.0/14 | 2.6214e+05 | 0 (0%)     | 0 (0%)       | 2.6214e+05 (100%) |"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "ipam show")]
#[must_use]
pub fn show(rows: &[PoolUtilization], blocks: bool) -> impl fmt::Display + use<> {
    let mut cells = Vec::new();
    for pool in rows {
        if pool.name != ORPHANS {
            cells.push(row(
                "IP Pool",
                &pool.cidr.to_string(),
                [pool.capacity, pool.in_use, pool.reserved, pool.available],
            ));
        }
        for block in pool.blocks.iter().filter(|_| blocks) {
            let figures = [block.capacity, block.in_use, block.reserved, block.available];
            cells.push(row("Block", &block.cidr.to_string(), figures));
        }
    }
    Table { rows: cells }
}

const COLUMNS: usize = 6;
const HEADER: [&str; COLUMNS] = ["GROUPING", "CIDR", "IPS TOTAL", "IPS IN USE", "IPS RESERVED", "IPS FREE"];
/// The column of plain numbers, which stand on the right.
const NUMBERS: usize = 2;

struct Table {
    rows: Vec<[String; COLUMNS]>,
}

fn row(kind: &str, cidr: &str, [total, in_use, reserved, free]: [u64; 4]) -> [String; COLUMNS] {
    let part = |figure| format!("{} ({}%)", short(figure), percent(figure, total));
    [kind.into(), cidr.into(), short(total), part(in_use), part(reserved), part(free)]
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = HEADER.map(str::len);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.len().max(*width);
            }
        }
        let rule = |f: &mut fmt::Formatter<'_>| {
            widths.iter().try_for_each(|width| write!(f, "+{:-<1$}", "", width.saturating_add(2)))?;
            writeln!(f, "+")
        };
        rule(f)?;
        for (title, width) in HEADER.iter().zip(widths) {
            write!(f, "| {title:^width$} ")?;
        }
        writeln!(f, "|")?;
        rule(f)?;
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                if column == NUMBERS { write!(f, "| {cell:>width$} ")? } else { write!(f, "| {cell:<width$} ")? }
            }
            writeln!(f, "|")?;
        }
        rule(f)
    }
}

/// A number as C's `%.5g` writes it: five significant digits, from 100,000 on with an exponent.
fn short(number: u64) -> String {
    let digits = number.checked_ilog10().unwrap_or(0);
    let Some(dropped) = digits.checked_sub(4).filter(|dropped| *dropped > 0) else { return number.to_string() };
    let mut exponent = digits;
    let mut kept = divide(number.into(), 10u128.saturating_pow(dropped));
    if kept == 100_000 {
        (kept, exponent) = (10_000, exponent.saturating_add(1));
    }
    let text = kept.to_string();
    let (first, rest) = text.split_at_checked(1).unwrap_or_default();
    match rest.trim_end_matches('0') {
        "" => format!("{first}e+{exponent:02}"),
        rest => format!("{first}.{rest}e+{exponent:02}"),
    }
}

/// A share in whole percent; of nothing it is none.
fn percent(part: u64, whole: u64) -> u128 {
    if whole == 0 { 0 } else { divide(u128::from(part).saturating_mul(100), whole.into()) }
}

/// Rounded to the nearest, halves to the even number, as C does.
fn divide(number: u128, by: u128) -> u128 {
    let (quotient, rest) = (number.checked_div(by).unwrap_or(0), number.checked_rem(by).unwrap_or(0));
    let twice = rest.saturating_mul(2);
    let up = twice > by || (twice == by && quotient & 1 == 1);
    quotient.saturating_add(u128::from(up))
}

/// An allocated address whose owner's node is not the block's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Borrowed {
    /// The address.
    pub address: core::net::IpAddr,
    /// The node that uses it.
    pub node: String,
    /// Its block.
    pub block: ipnet::IpNet,
    /// The owner of the block; none if nobody claims it.
    pub owner: Option<String>,
    /// What it is used for: the attribute `type`, or `Workload` for a pod, else empty.
    pub kind: String,
    /// The pod with its namespace, or else the handle.
    pub allocated_to: String,
}

/// The addresses that hosts have borrowed, ascending: `calicoctl ipam show --show-borrowed`.
///
/// ```
/// use ippool::audit::Snapshot;
/// use ippool::op;
/// assert!(op::borrowed(&Snapshot::default()).is_empty());
/// ```
#[must_use]
pub fn borrowed(snapshot: &crate::audit::Snapshot) -> Vec<Borrowed> {
    let mut found = vec![];
    for block in snapshot.blocks.values() {
        for (ordinal, attributes) in block.allocations().filter(|(_, attributes)| attributes.released_at.is_none()) {
            let owner = block.affinity().map(|owner| String::from(owner.name()));
            let text = |key: &str| attributes.active.get(key).map(String::as_str);
            let (Some(node), Some(address)) = (text("node"), block.address(ordinal)) else { continue };
            if owner.as_deref() == Some(node) {
                continue;
            }
            let pod = text("pod").zip(text("namespace"));
            found.push(Borrowed {
                address,
                node: node.into(),
                block: block.cidr(),
                owner,
                kind: text("type").or(pod.map(|_| "Workload")).unwrap_or_default().into(),
                allocated_to: match pod {
                    Some((pod, namespace)) => format!("{namespace}/{pod}"),
                    None => attributes.clean_handle().unwrap_or_default().into(),
                },
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::BlockUtilization;

    #[test]
    fn numbers_have_five_significant_digits_as_in_c() {
        let texts = [
            (0, "0"),
            (64, "64"),
            (65_536, "65536"),
            (99_999, "99999"),
            (100_000, "1e+05"),
            (131_072, "1.3107e+05"),
            (999_995, "1e+06"),
            (999_985, "9.9998e+05"),
            (16_777_216, "1.6777e+07"),
            (u64::MAX >> 1, "9.2234e+18"),
        ];
        for (number, text) in texts {
            assert_eq!(short(number), text, "{number}");
        }
        assert_eq!([percent(1, 200), percent(3, 200), percent(9, 0), percent(64, 64)], [0, 2, 0, 100]);
    }

    #[test]
    fn calico_1_11_the_table_of_ipam_show() {
        let block = BlockUtilization {
            cidr: "10.0.0.0/26".parse().unwrap(),
            capacity: 64,
            in_use: 9,
            reserved: 2,
            available: 53,
        };
        let pool = PoolUtilization {
            name: "p".into(),
            cidr: "10.0.0.0/16".parse().unwrap(),
            capacity: 65_536,
            in_use: 9,
            reserved: 2,
            available: 65_525,
            blocks: vec![block],
        };
        let wanted = "\
+----------+-------------+-----------+------------+--------------+--------------+
| GROUPING |    CIDR     | IPS TOTAL | IPS IN USE | IPS RESERVED |   IPS FREE   |
+----------+-------------+-----------+------------+--------------+--------------+
| IP Pool  | 10.0.0.0/16 |     65536 | 9 (0%)     | 2 (0%)       | 65525 (100%) |
| Block    | 10.0.0.0/26 |        64 | 9 (14%)    | 2 (3%)       | 53 (83%)     |
+----------+-------------+-----------+------------+--------------+--------------+
";
        assert_eq!(show(core::slice::from_ref(&pool), true).to_string(), wanted);
        assert_eq!(show(&[pool], false).to_string().lines().count(), 5);
    }
}
