//! What the kernel says about this process.

use serde::Serialize;

/// Memory and descriptors of the process; 0 where the kernel does not say.
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    /// Octets that are in memory.
    pub(super) resident_octets: u64,
    /// The most that were.
    pub(super) peak_resident_octets: u64,
    /// Different attribute blocks in use.
    pub(super) attribute_blocks: usize,
    /// Export groups.
    pub(super) export_groups: usize,
    /// Open file descriptors.
    pub(super) descriptors: usize,
}

impl Memory {
    pub(super) fn now(attribute_blocks: usize, export_groups: usize) -> Memory {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse::<u64>().ok());
            kib.unwrap_or(0).saturating_mul(1024)
        };
        Memory {
            resident_octets: value("VmRSS:"),
            peak_resident_octets: value("VmHWM:"),
            // The directory itself is one of them while it is read.
            descriptors: std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1)),
            attribute_blocks,
            export_groups,
        }
    }
}
