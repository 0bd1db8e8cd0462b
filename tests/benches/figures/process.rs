//! What a process costs, as the kernel counts it.

use std::fs;

/// Ticks a second in `/proc/<pid>/stat`; the same on every Linux of today.
const TICKS: f64 = 100.0;

/// CPU seconds a running process has used, in user and kernel mode.
pub(crate) fn cpu_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("a running process");
    // The name in brackets may hold anything, blanks too.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |field: usize| fields[field].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / TICKS
}

/// Bytes of memory a process holds now.
pub(crate) fn resident(id: u32) -> f64 {
    status(id, "VmRSS:")
}

/// How many files and sockets it has open.
pub(crate) fn open_files(id: u32) -> f64 {
    let open = fs::read_dir(format!("/proc/{id}/fd")).expect("a running process");
    open.count() as f64
}

/// The most bytes of memory it ever held.
pub(crate) fn most_resident(id: u32) -> f64 {
    status(id, "VmHWM:")
}

fn status(id: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a running process");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("the kernel tells of memory");
    let kilobytes = line.trim().trim_end_matches(" kB").parse::<f64>();
    kilobytes.expect("a number") * 1024.0
}
