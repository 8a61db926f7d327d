//! On what it was measured, for those who compare.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

/// The lines of the description.
pub(crate) fn describe(folder: &Path) -> Result<Vec<String>> {
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let memory = read("/proc/meminfo");
    let memory =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let memory: u64 = memory.unwrap_or_default();
    let system = read("/etc/os-release");
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("?").trim_matches('"');
    let cores = std::thread::available_parallelism()?;
    Ok(vec![
        format!("{cores} cores of {model}, {} GiB of memory, all shared by server and load generator", memory >> 20),
        format!("{system}, Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        format!("data on {}", file_system(&folder.canonicalize()?)),
    ])
}

/// The mount that a folder lies on: its type and its device.
fn file_system(folder: &Path) -> String {
    let mounts = read("/proc/self/mounts");
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(point).then(|| (point.len(), format!("{kind} ({device})")))
    });
    mounts.max_by_key(|(length, _)| *length).map_or_else(|| "?".to_owned(), |(_, text)| text)
}

/// How busy the machine is: processes that wanted to run in the last minute.
pub(crate) fn load_average() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned()
}

/// The commit that lies here, where there is one.
pub(crate) fn commit() -> Option<String> {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_described() {
        let lines = describe(Path::new(".")).expect("is described");
        assert_eq!(lines.len(), 3);
        assert!(!lines[2].ends_with('?'), "{lines:?}");
    }
}
