//! Becoming the program: its environment, its folder, its input and output, and finding it.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use crate::error::{Doing as _, Fault, Refusal};
use crate::identity::Identity;
use crate::process::{Process, Variable};
use crate::sys;
use crate::walk::{self, Make};

/// Where a program is looked for if the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Goes to the folder that the process starts in.
///
/// It is walked to from the root: a folder such as `/proc/self/fd/9` could lead out to the machine (CVE-2024-21626).
pub(crate) fn enter_folder(process: &Process, root: &OwnedFd) -> Result<(), Refusal> {
    let folder = process.working_directory.as_str();
    let found = walk::make(root, folder, Make::Folder, &mut walk::Nobody);
    found
        .and_then(|found| Ok(rustix::process::fchdir(found)?))
        .map_err(|error| Refusal::image(format!("start in the folder `{folder}`"), error))
}

/// Connects standard input, and gives all three to the process' user: it may want to open `/dev/stdout` again.
pub(crate) fn connect(stdin: Option<OwnedFd>, identity: &Identity) -> Result<(), Refusal> {
    let stdin = match stdin {
        Some(stdin) => stdin,
        None => rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .doing_to("open", "/dev/null")?,
    };
    rustix::stdio::dup2_stdin(stdin).doing("connect standard input")?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for stream in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        let is_pipe = rustix::fs::fstat(stream).is_ok_and(|stat| {
            matches!(
                rustix::fs::FileType::from_raw_mode(stat.st_mode),
                rustix::fs::FileType::Fifo | rustix::fs::FileType::Socket
            )
        });
        if is_pipe {
            // A stream that cannot be given away still works; only opening it again by name does not.
            rustix::fs::fchown(stream, Some(Uid::from_raw(identity.uid)), None::<Gid>).ok();
        }
    }
    Ok(())
}

/// What is executed: every string as the kernel wants it, so that nothing can fail later but the call itself.
pub(crate) struct Program {
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    name: String,
}

impl Program {
    /// The program of `process`, run as `identity`.
    pub(crate) fn prepare(process: &Process, identity: &Identity) -> Result<Self, Refusal> {
        let missing = || Refusal::new(Fault::CommandNotFound, "run a command", "there is none");
        let name = process.arguments.first().filter(|name| !name.is_empty()).ok_or_else(missing)?;
        let strings = |texts: Vec<String>| texts.into_iter().map(string).collect::<Result<Vec<_>, _>>();
        let mut variables: Vec<String> =
            process.environment.iter().map(|Variable { name, value }| format!("{name}={value}")).collect();
        if !process.environment.iter().any(|variable| variable.name == "HOME") {
            variables.push(format!("HOME={}", identity.home));
        }
        Ok(Self {
            candidates: strings(candidates(name, &process.environment))?,
            arguments: strings(process.arguments.clone())?,
            environment: strings(variables)?,
            name: name.clone(),
        })
    }

    /// Becomes it. What comes back is why not.
    pub(crate) fn execute(&self) -> Refusal {
        let mut denied = None;
        for candidate in &self.candidates {
            let error = sys::execute(candidate, &self.arguments, &self.environment);
            match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) => {}
                Some(Errno::ACCESS) => denied = Some(error),
                _ => return self.not_executable(&error),
            }
        }
        match denied {
            Some(error) => self.not_executable(&error),
            None if self.name.contains('/') => {
                let reason = "no such file in the container, or its interpreter (`#!`, or the C library) is not there";
                Refusal::new(Fault::CommandNotFound, format!("run `{}`", self.name), reason)
            }
            None => Refusal::new(
                Fault::CommandNotFound,
                format!("run `{}`", self.name),
                "executable file not found in $PATH",
            ),
        }
    }

    fn not_executable(&self, error: &io::Error) -> Refusal {
        let hint = match Errno::from_io_error(error) {
            Some(Errno::NOEXEC) => "; is it for another processor, or a script without `#!`?",
            _ => "",
        };
        Refusal::new(Fault::CommandNotExecutable, format!("run `{}`", self.name), format!("{error}{hint}"))
    }
}

fn string(text: String) -> Result<CString, Refusal> {
    CString::new(text).map_err(|_| Refusal::image("run the command", "an argument or a variable has a zero byte in it"))
}

/// The files that `name` could be, in order.
fn candidates(name: &str, environment: &[Variable]) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    let path =
        environment.iter().rev().find(|variable| variable.name == "PATH").map_or(DEFAULT_PATH, |path| &path.value);
    path.split(':')
        .map(|folder| if folder.is_empty() { format!("./{name}") } else { format!("{folder}/{name}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_the_path_and_a_file_is_not() {
        let path = |value: &str| vec![Variable { name: "PATH".to_owned(), value: value.to_owned() }];
        assert_eq!(candidates("sh", &path("/bin::/usr/bin")), ["/bin/sh", "./sh", "/usr/bin/sh"]);
        assert_eq!(candidates("./sh", &path("/bin")), ["./sh"]);
        assert_eq!(candidates("sh", &[]).len(), 6);
    }
}
