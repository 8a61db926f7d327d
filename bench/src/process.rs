//! What the kernel says of a process: time on the processor, memory.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// The unit of times in `/proc/PID/stat` is 1/100 s to every program, whatever the kernel's own clock does
/// (`USER_HZ`, proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

/// Time on the processor since the process began, all threads together.
pub(crate) fn cpu_time(id: u32) -> Result<Duration> {
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

/// Resident memory now, and the most since [`forget_peak`], in bytes.
pub(crate) fn memory(id: u32) -> Result<(u64, u64)> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
    let both = line_bytes(&text, "VmRSS:").zip(line_bytes(&text, "VmHWM:"));
    both.with_context(|| format!("understand `{path}`"))
}

fn line_bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Begins a new highest mark of resident memory (proc_pid_clear_refs(5)).
pub(crate) fn forget_peak(id: u32) -> Result<()> {
    std::fs::write(format!("/proc/{id}/clear_refs"), "5").context("begin a new highest mark of memory")
}

/// This process's own time on the processor.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    cpu_time(std::process::id())
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
    fn the_kernel_tells_of_this_process() {
        let (now, most) = memory(std::process::id()).expect("is readable");
        assert!(now > 0 && most >= now);
        assert!(own_cpu_time().is_ok());
    }
}
