//! A root made of busybox, and running something in it.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use wharf_runtime::*;

const APPLETS: &[&str] = &[
    "sh", "cat", "ls", "id", "env", "mkdir", "rm", "mv", "mount", "mknod", "chroot", "hostname", "sleep", "touch",
    "stat", "ip", "head", "dd", "echo", "test", "true", "chmod", "chown", "su", "wc", "grep", "readlink", "unshare",
    "ulimit", "kill", "find",
];

/// Folders of one container.
pub(crate) struct Rig {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) layers: Vec<PathBuf>,
    entry: Entry,
}

/// What a process did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) exit: Result<Exit, Error>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Rig {
    /// Busybox, `/etc/passwd` and what else an image has. `None`: this cannot be done here.
    pub(crate) fn new() -> Option<Self> {
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| Path::new(path).exists());
        let missing = match busybox {
            _ if !rustix::process::geteuid().is_root() => "this takes root",
            None => "busybox-static is not installed",
            Some(busybox) => return Some(Self::of(busybox)),
        };
        #[expect(clippy::disallowed_methods, reason = "CI says by this variable that nothing may be skipped")]
        let required = std::env::var_os("WHARF_E2E_REQUIRE_CLIENTS").is_some();
        assert!(!required, "{missing}");
        eprintln!("skipped: {missing}");
        None
    }

    fn of(busybox: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base");
        for name in ["bin", "etc", "tmp", "root", "home/app", "proc", "sys", "dev", "run", "usr/bin"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        fs::copy(busybox, base.join("bin/busybox")).unwrap();
        for applet in APPLETS {
            symlink("busybox", base.join("bin").join(applet)).unwrap();
        }
        fs::write(base.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n").unwrap();
        fs::write(base.join("etc/group"), "root:x:0:\napp:x:1000:\nvideo:x:44:app\n").unwrap();
        for name in ["upper", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { layers: vec![base], folder, entry: Entry::this().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lowest layer.
    pub(crate) fn base(&self, name: &str) -> PathBuf {
        self.layers[0].join(name)
    }

    pub(crate) fn upper(&self, name: &str) -> PathBuf {
        self.path("upper").join(name)
    }

    /// All that was changed: paths in `upper`, sorted.
    pub(crate) fn changes(&self) -> Vec<String> {
        fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
                found.push(path.clone());
                if entry.file_type().unwrap().is_dir() {
                    list(&entry.path(), &path, found);
                }
            }
        }
        let mut found = Vec::new();
        list(&self.path("upper"), "", &mut found);
        found.sort();
        found
    }

    /// `sh -c script`, as the plainest process.
    pub(crate) fn shell(&self, script: &str) -> Process {
        self.process(&["/bin/sh", "-c", script])
    }

    pub(crate) fn process(&self, arguments: &[&str]) -> Process {
        Process {
            rootfs: Rootfs {
                layers: self.layers.clone(),
                upper: self.path("upper"),
                work: self.path("work"),
                durability: Durability::Volatile,
            },
            mounts: Vec::new(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: vec![Variable { name: "PATH".to_owned(), value: "/usr/bin:/bin".to_owned() }],
            working_directory: "/".to_owned(),
            user: String::new(),
            hostname: "buildkitsandbox".to_owned(),
            network: Network::None,
            security: Security::Sandbox,
            limits: Limits::default(),
        }
    }

    pub(crate) fn start(&self, process: &Process) -> Running {
        self.start_with(process, &Handed::default())
    }

    pub(crate) fn start_with(&self, process: &Process, handed: &Handed) -> Running {
        // overlayfs leaves a mark that a volatile upper folder may not be used a second time.
        drop(fs::remove_dir_all(self.path("work")));
        fs::create_dir(self.path("work")).unwrap();
        spawn(&self.entry, process, handed).unwrap()
    }

    pub(crate) fn run(&self, process: &Process) -> Done {
        finish(self.start(process))
    }

    /// Runs a script, and says what it wrote; it must succeed.
    pub(crate) fn output(&self, process: &Process) -> String {
        let done = self.run(process);
        assert!(done.exit.as_ref().is_ok_and(|exit| exit.is_success()), "{done:?}");
        done.stdout
    }
}

/// Reads all that it writes, and waits.
pub(crate) fn finish(mut running: Running) -> Done {
    let read = |stream: Option<std::os::fd::OwnedFd>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            fs::File::from(stream.unwrap()).read_to_string(&mut text).unwrap();
            text
        })
    };
    let (stdout, stderr) = (read(running.stdout.take()), read(running.stderr.take()));
    let exit = running.wait();
    Done { exit, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Why it was not started.
pub(crate) fn refusal(done: Done) -> Refusal {
    match done.exit {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}: {}{}", done.stdout, done.stderr),
    }
}
