//! The next revision, kept in the lock's own file: `NEXT LIMIT BOOT`.
//!
//! A process that is killed cannot tear one small write, so the number itself is not brought to the disk each time. After
//! a loss of power it could be an old one: then the machine has booted since, and numbers go on at the limit, which was
//! on the disk before any number below it was given out.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ippool::store::Revision;

/// So many numbers are given out between two waits for the disk.
const BATCH: u64 = 1024;

/// The next number, greater than all before; call it under the lock only. `largest` is asked if the file says nothing.
pub(super) fn next(file: &File, largest: impl FnOnce() -> io::Result<Revision>) -> io::Result<Revision> {
    let boot = boot();
    let mut text = [0; 128];
    let length = file.read_at(&mut text, 0)?;
    let found = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).and_then(parse);
    let (next, limit) = match found {
        Some((next, limit, of)) if boot.as_deref() == Some(of) => (next, limit),
        Some((_, limit, _)) => (limit, limit),
        None => {
            let after = largest()?.0.saturating_add(1);
            (after, after)
        }
    };
    let boot = boot.as_deref().unwrap_or("unknown");
    let safe = next < limit;
    let limit = if safe { limit } else { next.saturating_add(BATCH) };
    let line = format!("{:020} {limit:020} {boot}\n", next.saturating_add(1));
    file.write_all_at(line.as_bytes(), 0)?;
    if !safe {
        file.set_len(u64::try_from(line.len()).unwrap_or(u64::MAX))?;
        file.sync_all()?;
    }
    Ok(Revision(next))
}

fn parse(text: &str) -> Option<(u64, u64, &str)> {
    let line = text.strip_suffix('\n')?;
    let mut words = line.split(' ');
    let found = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
    (words.next().is_none() && found.0 <= found.1).then_some(found)
}

/// What tells one run of the machine from the next. Without it every number waits for the disk.
fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| text.len() == 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        let path = std::env::temp_dir().join(format!("counter-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    fn unasked() -> io::Result<Revision> {
        panic!("the file says where to go on")
    }

    #[test]
    fn numbers_only_grow_and_outlive_their_batch() {
        let file = file("grow", "");
        assert_eq!(next(&file, || Ok(Revision(41))).unwrap(), Revision(42));
        for number in 43..43 + 3 * BATCH {
            assert_eq!(next(&file, unasked).unwrap(), Revision(number));
        }
    }

    #[test]
    fn after_another_boot_numbers_go_on_at_the_limit() {
        let before = format!("{:020} {:020} 00000000-0000-0000-0000-000000000000\n", 7, 1030);
        let file = file("boot", &before);
        assert_eq!(next(&file, unasked).unwrap(), Revision(1030));
        assert_eq!(next(&file, unasked).unwrap(), Revision(1031));
    }

    #[test]
    fn a_damaged_file_is_set_right_by_what_is_stored() {
        for text in ["", "\0\0\0\0", "7 3 x\n", "12 30", "1 2 3 4\n"] {
            let file = file("damaged", text);
            assert_eq!(next(&file, || Ok(Revision(99))).unwrap(), Revision(100), "{text:?}");
            assert_eq!(next(&file, unasked).unwrap(), Revision(101), "{text:?}");
        }
    }
}
