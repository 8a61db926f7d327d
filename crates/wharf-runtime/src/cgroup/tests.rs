//! Finding controllers and what is written to them.

use super::*;

const HYBRID: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

#[test]
fn hierarchies_are_found_one_by_one() {
    let found: Vec<_> =
        hierarchies(HYBRID).map(|(path, version, names)| (path.display().to_string(), version, names)).collect();
    assert_eq!(
        found,
        [
            ("/sys/fs/cgroup/memory".to_owned(), Version::One, "rw,memory".to_owned()),
            ("/sys/fs/cgroup/cpu,cpuacct".to_owned(), Version::One, "rw,cpu,cpuacct".to_owned()),
            ("/sys/fs/cgroup/unified".to_owned(), Version::Two, "rw".to_owned()),
        ]
    );
}

#[test]
fn limits_become_what_each_version_reads() {
    let limits =
        Limits { memory_bytes: Some(1 << 20), processes: Some(7), cpu_millis: Some(1500), ..Limits::default() };
    assert_eq!(wanted(&limits), ["memory", "pids", "cpu"]);
    assert_eq!(settings("memory", Version::Two, &limits)[0], ("memory.max", "1048576".to_owned()));
    assert_eq!(settings("memory", Version::One, &limits)[1], ("memory.memsw.limit_in_bytes", "1048576".to_owned()));
    assert_eq!(settings("cpu", Version::One, &limits)[1], ("cpu.cfs_quota_us", "150000".to_owned()));
    assert_eq!(settings("cpu", Version::Two, &limits), [("cpu.max", "150000 100000".to_owned())]);
    assert_eq!(settings("pids", Version::One, &limits), [("pids.max", "7".to_owned())]);
    assert!(wanted(&Limits::default()).is_empty());
}
