//! Limits of a container as a whole, by control groups, version 1 or 2.
//!
//! A group is made only if there is something to limit: without one, everything in a container still ends with its first
//! process. Where each controller lives is found in `/proc/self/mountinfo`, one by one: on many machines some are of
//! version 1 and some of version 2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::error::{Doing as _, Refusal};
use crate::process::Limits;

#[cfg(test)]
mod tests;

/// The length of a period of processor time, in microseconds.
const PERIOD_MICROS: u64 = 100_000;

/// The groups of one container, one per hierarchy.
pub(crate) struct Cgroup {
    groups: Vec<Group>,
}

struct Group {
    path: PathBuf,
    version: Version,
    memory: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A file of a group and what is written to it.
type Setting = (&'static str, String);

impl Cgroup {
    /// Makes what `limits` need; nothing if they are none.
    pub(crate) fn make(limits: &Limits) -> Result<Option<Self>, Refusal> {
        let wanted: Vec<&str> = wanted(limits);
        if wanted.is_empty() {
            return Ok(None);
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").doing_to("read", "/proc/self/mountinfo")?;
        let mut cgroup = Self { groups: Vec::new() };
        for controller in wanted {
            let made = cgroup.add(controller, &mounts, limits);
            if let Err(refusal) = made {
                cgroup.end();
                return Err(refusal);
            }
        }
        Ok(Some(cgroup))
    }

    fn add(&mut self, controller: &str, mounts: &str, limits: &Limits) -> Result<(), Refusal> {
        let refuse = |reason: String| Refusal::machine(format!("limit {controller} of the container"), reason);
        let (hierarchy, version) = hierarchies(mounts)
            .find(|(hierarchy, version, names)| match version {
                Version::One => names.split(',').any(|name| name == controller),
                Version::Two => fs::read_to_string(hierarchy.join("cgroup.controllers"))
                    .is_ok_and(|controllers| controllers.split_whitespace().any(|name| name == controller)),
            })
            .map(|(hierarchy, version, _)| (hierarchy, version))
            .ok_or_else(|| refuse(format!("this machine has no control group `{controller}` where we see it")))?;
        let parent = hierarchy.join("wharf");
        let path = parent.join(format!("build-{}", std::process::id()));
        if !self.groups.iter().any(|group| group.path == path) {
            make_folder(&parent)
                .and_then(|()| make_folder(&path))
                .map_err(|error| refuse(format!("{}: {error}", path.display())))?;
            self.groups.push(Group { path: path.clone(), version, memory: false });
        }
        if version == Version::Two {
            for folder in [&hierarchy, &parent] {
                fs::write(folder.join("cgroup.subtree_control"), format!("+{controller}"))
                    .map_err(|error| refuse(format!("{}: {error}", folder.display())))?;
            }
        }
        for (file, value) in settings(controller, version, limits) {
            let written = fs::write(path.join(file), &value);
            // Swap cannot be limited where the kernel does not count it.
            let optional = file.contains("sw");
            match written {
                Err(error) if !optional => return Err(refuse(format!("{file}={value}: {error}"))),
                _ => {}
            }
        }
        if let Some(group) = self.groups.iter_mut().find(|group| group.path == path) {
            group.memory |= controller == "memory";
        }
        Ok(())
    }

    /// Puts a process into the groups, and all that it starts.
    pub(crate) fn join(&self, pid: Pid) -> Result<(), Refusal> {
        for group in &self.groups {
            fs::write(group.path.join("cgroup.procs"), pid.as_raw_nonzero().to_string())
                .doing_to("put the container into", group.path.display())?;
        }
        Ok(())
    }

    /// Takes the groups away again: nothing is in them any more. Says whether something was killed for want of memory.
    pub(crate) fn end(self) -> bool {
        let mut out_of_memory = false;
        for group in &self.groups {
            out_of_memory |= group.memory && group.ran_out();
            // Another one may be using the folder above; it stays.
            drop(fs::remove_dir(&group.path));
        }
        out_of_memory
    }
}

impl Group {
    fn ran_out(&self) -> bool {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = fs::read_to_string(self.path.join(file)).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn wanted(limits: &Limits) -> Vec<&'static str> {
    let controllers = [
        ("memory", limits.memory_bytes.is_some()),
        ("pids", limits.processes.is_some()),
        ("cpu", limits.cpu_millis.is_some()),
    ];
    controllers.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect()
}

/// Where hierarchies are mounted, their version, and the controllers that version 1 names there.
fn hierarchies(mounts: &str) -> impl Iterator<Item = (PathBuf, Version, String)> {
    mounts.lines().filter_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let place = place.split(' ').nth(4)?;
        let mut system = system.split(' ');
        let version = match system.next()? {
            "cgroup" => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        Some((PathBuf::from(place), version, system.nth(1)?.to_owned()))
    })
}

fn settings(controller: &str, version: Version, limits: &Limits) -> Vec<Setting> {
    let memory = limits.memory_bytes.unwrap_or(u64::MAX).to_string();
    let quota = limits.cpu_millis.unwrap_or(1000).max(10) * PERIOD_MICROS / 1000;
    match (controller, version) {
        ("memory", Version::One) => {
            vec![("memory.limit_in_bytes", memory.clone()), ("memory.memsw.limit_in_bytes", memory)]
        }
        ("memory", Version::Two) => vec![("memory.max", memory), ("memory.swap.max", "0".to_owned())],
        ("cpu", Version::One) => {
            vec![("cpu.cfs_period_us", PERIOD_MICROS.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
        }
        ("cpu", Version::Two) => vec![("cpu.max", format!("{quota} {PERIOD_MICROS}"))],
        _ => vec![("pids.max", limits.processes.unwrap_or(u64::MAX).to_string())],
    }
}
