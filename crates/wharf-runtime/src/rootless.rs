//! Being root without being it: an ordinary user in a user namespace of their own.
//!
//! [`enter`] is called at the beginning of a program that builds. For root it does nothing. For anybody else it makes a user
//! namespace, in which they are root, and starts the program again in it, as the same process. From there on everything is
//! as for root, and differs only where the kernel says so: layers are then unpacked, and upper folders read, with the ids
//! of the namespace.
//!
//! The namespace has the user as 0, and from 1 on what `/etc/subuid` and `/etc/subgid` give them, mapped by `newuidmap` and
//! `newgidmap`. Without those there is the one id, and images whose files belong to others cannot be unpacked with their
//! owners.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, WaitOptions, getgid, getuid, waitpid};
use rustix::thread::UnshareFlags;

use crate::error::{Error, Refusal};
use crate::sys::{self, Forked};

#[cfg(test)]
mod tests;

/// Which user and group ids exist for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// All: it is in no user namespace.
    Machine,
    /// So many, counted from 0.
    Mapped(u64),
}

/// Which ids exist for this process: the fewer of users and groups.
#[must_use]
pub fn ids() -> Ids {
    let count = |file: &str| -> u64 {
        let map = fs::read_to_string(file).unwrap_or_default();
        map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum()
    };
    if crate::rootfs::in_user_namespace() {
        Ids::Mapped(count("/proc/self/uid_map").min(count("/proc/self/gid_map")))
    } else {
        Ids::Machine
    }
}

/// Becomes root of a user namespace, if we are not root: the program then begins anew, with the same arguments. To be
/// called first thing in `main`, with no thread beside.
pub fn enter() -> Result<(), Error> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let refuse = |action: &str, reason: String| Error::from(Refusal::machine(action, reason));
    let user = User::current();
    let (ours, helpers) = UnixStream::pair().map_err(|source| Error::Channel { action: "make a socket", source })?;
    let forked = sys::fork_into(0).map_err(|error| refuse("start what maps ids", error.to_string()))?;
    let Forked::Parent { pid: helper, .. } = forked else {
        drop(ours);
        map_for_parent(&helpers, &user)
    };
    drop(helpers);
    let hint = "may ordinary users make user namespaces here (`sysctl user.max_user_namespaces`, `kernel.unprivileged_userns_clone`, \
                `kernel.apparmor_restrict_unprivileged_userns`)?";
    sys::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)
        .map_err(|error| refuse("make a user namespace", format!("{error}; {hint}")))?;
    let mapped =
        wait_for_helper(ours, helper).map_err(|source| Error::Channel { action: "hear from what maps ids", source })?;
    if let Some(reason) = mapped {
        return Err(refuse("map ids into the user namespace", reason));
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| "wharf".into());
    // By its path, so that it is a file of the new mount namespace: of another one nothing can be mounted again.
    let again = std::env::current_exe().map(|program| Command::new(program).arg0(name).args(arguments).exec());
    let error = again.unwrap_or_else(|error| error);
    Err(refuse("start again in the user namespace", error.to_string()))
}

/// Tells the helper to begin, and waits for it: `None` is success.
fn wait_for_helper(mut helper: UnixStream, pid: Pid) -> io::Result<Option<String>> {
    helper.write_all(&[1])?;
    let mut reason = String::new();
    helper.read_to_string(&mut reason)?;
    waitpid(Some(pid), WaitOptions::empty())?;
    Ok((reason != "mapped").then_some(reason))
}

/// The helper: it stays outside, where the user may ask for ids, and maps them for its parent.
#[expect(clippy::exit, reason = "a copy of a process must not go on as the process that it is a copy of")]
fn map_for_parent(mut parent: &UnixStream, user: &User) -> ! {
    let said = match parent.read_exact(&mut [0]) {
        Ok(()) => map(user, rustix::process::getppid()).map_or_else(|reason| reason, |()| "mapped".to_owned()),
        Err(error) => error.to_string(),
    };
    // If the parent is gone, nobody asks.
    drop(parent.write_all(said.as_bytes()));
    std::process::exit(0)
}

fn map(user: &User, parent: Option<Pid>) -> Result<(), String> {
    let parent = parent.ok_or("the program has ended")?.as_raw_nonzero().get();
    let (uids, gids) = (user.ranges("/etc/subuid"), user.ranges("/etc/subgid"));
    if !uids.is_empty() && !gids.is_empty() {
        let uids = run("newuidmap", parent, user.uid, &uids)?;
        let gids = run("newgidmap", parent, user.gid, &gids)?;
        if uids && gids {
            return Ok(());
        }
        if uids || gids {
            return Err("of `newuidmap` and `newgidmap` only one is installed (Debian: `uidmap`)".to_owned());
        }
    }
    let write = |name: &str, text: String| {
        let path = format!("/proc/{parent}/{name}");
        fs::write(&path, text).map_err(|error| format!("{path}: {error}"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {} 1", user.uid))?;
    write("gid_map", format!("0 {} 1", user.gid))
}

/// Runs one of the two programs; whether it is installed.
fn run(program: &str, pid: i32, own: u32, ranges: &[Range]) -> Result<bool, String> {
    let mut command = Command::new(program);
    command.args([pid.to_string(), "0".to_owned(), own.to_string(), "1".to_owned()]);
    let mut inside = 1;
    for range in ranges {
        command.args([inside.to_string(), range.start.to_string(), range.count.to_string()]);
        inside += u64::from(range.count);
    }
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{program}: {error}")),
        Ok(done) if done.status.success() => Ok(true),
        Ok(done) => Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim())),
    }
}

/// Who we are outside.
struct User {
    name: Option<String>,
    uid: u32,
    gid: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: u32,
    count: u32,
}

impl User {
    fn current() -> Self {
        let uid = getuid().as_raw();
        let passwd = fs::read("/etc/passwd").unwrap_or_default();
        Self { name: crate::identity::name_of(uid, &passwd), uid, gid: getgid().as_raw() }
    }

    /// What a file gives this user.
    fn ranges(&self, path: &str) -> Vec<Range> {
        fs::read_to_string(path).map(|text| self.ranges_in(&text)).unwrap_or_default()
    }

    /// `name:first:count` or `uid:first:count`, as subuid(5) has it.
    fn ranges_in(&self, text: &str) -> Vec<Range> {
        let uid = self.uid.to_string();
        text.lines()
            .filter_map(|line| {
                let fields: Vec<&str> = line.trim().split(':').collect();
                let [who, start, count] = fields[..] else { return None };
                let (start, count) = (start.parse().ok()?, count.parse().ok()?);
                let ours = who == uid || self.name.as_deref() == Some(who);
                (ours && count > 0).then_some(Range { start, count })
            })
            .collect()
    }
}
