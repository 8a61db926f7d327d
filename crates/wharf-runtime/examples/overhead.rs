//! What a container costs beside the program in it: `true` of busybox in a container, and as it is.
//!
//! `cargo run --release -p wharf-runtime --example overhead [COUNT [LAYERS]]`, as root, with Debian's `busybox-static`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use wharf_runtime::*;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == [entry::VERB] {
        return entry::hold();
    }
    let number = |index: usize, otherwise| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    match measure(number(0, 50), number(1, 5)) {
        Ok((container, bare)) => {
            eprintln!("in a container {container:?}, as it is {bare:?} (medians)");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(count: usize, layers: usize) -> Result<(Duration, Duration), Box<dyn std::error::Error>> {
    let folder = PathBuf::from("/var/tmp/wharf-overhead");
    drop(fs::remove_dir_all(&folder));
    let layers: Vec<PathBuf> = (0..layers.max(1)).map(|number| folder.join(number.to_string())).collect();
    for layer in &layers {
        for name in ["bin", "proc", "sys", "dev", "etc"] {
            fs::create_dir_all(layer.join(name))?;
        }
    }
    fs::copy("/bin/busybox", layers[0].join("bin/true"))?;
    let entry = Entry::this()?;
    let (mut containers, mut bare) = (Vec::new(), Vec::new());
    for number in 0..count {
        let [upper, work] = ["upper", "work"].map(|name| folder.join(format!("{name}{number}")));
        fs::create_dir(&upper)?;
        fs::create_dir(&work)?;
        let rootfs = Rootfs { layers: layers.clone(), upper, work, durability: Durability::Volatile };
        let start = Instant::now();
        let exit = spawn(&entry, &process(rootfs), &Handed::default())?.wait()?;
        containers.push(start.elapsed());
        assert!(exit.is_success(), "{exit:?}");
        let start = Instant::now();
        Command::new(layers[0].join("bin/true")).status()?;
        bare.push(start.elapsed());
    }
    fs::remove_dir_all(&folder)?;
    Ok((median(containers), median(bare)))
}

fn process(rootfs: Rootfs) -> Process {
    let contents = |text: &str| Source::File { contents: Contents(text.into()), uid: 0, gid: 0, mode: 0o644 };
    let mount = |target: &str, source| Mount { target: target.to_owned(), source };
    Process {
        rootfs,
        mounts: vec![
            mount("/etc/hosts", contents("127.0.0.1 localhost\n")),
            mount("/etc/resolv.conf", contents("nameserver 10.0.0.1\n")),
        ],
        arguments: vec!["/bin/true".to_owned()],
        environment: Vec::new(),
        working_directory: "/".to_owned(),
        user: String::new(),
        hostname: "buildkitsandbox".to_owned(),
        network: Network::None,
        security: Security::Sandbox,
        limits: Limits::default(),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
