//! What the kernel says of a process and those that it has started: time on the processor, memory.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// The unit of times in `/proc/PID/stat` is 1/100 s to every program, whatever the kernel's own clock does
/// (`USER_HZ`, proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

/// A process and all below it.
fn tree(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let mut next = 0;
    while let Some(id) = all.get(next).copied() {
        next += 1;
        let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { continue };
        for thread in threads.flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    all
}

/// Time on the processor since the processes began, all threads together.
pub(crate) fn cpu_time(id: u32) -> Result<Duration> {
    tree(id).into_iter().map(cpu_time_of_one).sum()
}

fn cpu_time_of_one(id: u32) -> Result<Duration> {
    let path = format!("/proc/{id}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
    ticks(&text).map(|ticks| TICK * ticks).with_context(|| format!("understand `{path}`"))
}

/// User and system time. The program's name stands in brackets and may hold anything, so it is skipped from the right.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some(next()? + next()?)
}

/// Resident memory of some processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    now_bytes: u64,
    /// At most since [`forget_peak`].
    peak_bytes: u64,
}

impl Memory {
    pub(crate) fn now_mebibytes(self) -> f64 {
        mebibytes(self.now_bytes)
    }

    pub(crate) fn peak_mebibytes(self) -> f64 {
        mebibytes(self.peak_bytes)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Resident memory of a process and all below it.
pub(crate) fn memory(id: u32) -> Result<Memory> {
    let mut sum = Memory::default();
    for id in tree(id) {
        let path = format!("/proc/{id}/status");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
        let both = line_bytes(&text, "VmRSS:").zip(line_bytes(&text, "VmHWM:"));
        let (now_bytes, peak_bytes) = both.with_context(|| format!("understand `{path}`"))?;
        sum = Memory { now_bytes: sum.now_bytes + now_bytes, peak_bytes: sum.peak_bytes + peak_bytes };
    }
    Ok(sum)
}

fn line_bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Begins a new highest mark of resident memory (proc_pid_clear_refs(5)).
pub(crate) fn forget_peak(id: u32) -> Result<()> {
    for id in tree(id) {
        std::fs::write(format!("/proc/{id}/clear_refs"), "5").context("begin a new highest mark of memory")?;
    }
    Ok(())
}

/// This process's own time on the processor.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    cpu_time_of_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_name() {
        let stat = "7 (a ) 9 (x) S 1 7 7 0 -1 4194560 88 0 0 0 12 30 0 0 20 0 3 0 512 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn memory_is_told_in_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(line_bytes(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(line_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn the_kernel_tells_of_this_process_and_its_children() {
        let memory = memory(std::process::id()).expect("is readable");
        assert!(memory.now_mebibytes() > 0.0 && memory.peak_bytes >= memory.now_bytes);
        assert!(own_cpu_time().is_ok());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleeps");
        assert!(tree(std::process::id()).contains(&child.id()));
        child.kill().expect("is there");
        child.wait().expect("ends");
    }
}
