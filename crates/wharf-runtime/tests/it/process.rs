//! What a process sees, and what it leaves.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::path::PathBuf;

use wharf_runtime::*;

use crate::rig::{Rig, finish, refusal};

#[test]
fn root_a_process_runs_as_first_of_its_own_container() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("echo $$ $(hostname) $(id -u) $HOME $GREETING; pwd; echo to stderr >&2; exit 3");
    process.environment.push(Variable { name: "GREETING".to_owned(), value: "hello".to_owned() });
    process.working_directory = "/made/on/the/way".to_owned();
    let done = rig.run(&process);
    assert_eq!(done.stdout, "1 buildkitsandbox 0 /root hello\n/made/on/the/way\n");
    assert_eq!(done.stderr, "to stderr\n");
    let exit = done.exit.unwrap();
    assert_eq!((exit.status, exit.code(), exit.out_of_memory), (Status::Code(3), 3, false));
    assert_eq!(rig.changes(), ["/made", "/made/on", "/made/on/the", "/made/on/the/way"]);
}

#[test]
fn root_upper_holds_what_was_changed_and_nothing_else() {
    let Some(rig) = Rig::new() else { return };
    fs::create_dir(rig.base("lib")).unwrap();
    fs::write(rig.base("lib/old"), "old").unwrap();
    let mut process = rig.shell(
        "echo new > /tmp/new; rm /etc/group; rm -r /lib; mkdir /lib; cat /etc/hosts /run/secrets/key /var/cache/x/marker; \
         echo kept > /var/cache/x/kept; touch /dev/shm/x /run/lock/y",
    );
    fs::create_dir(rig.path("cache")).unwrap();
    fs::write(rig.path("cache/marker"), "from the cache\n").unwrap();
    let file = |text: &str| Source::File { contents: Contents(text.into()), uid: 0, gid: 0, mode: 0o400 };
    let mount = |target: &str, source| Mount { target: target.to_owned(), source };
    process.mounts = vec![
        mount("/etc/hosts", file("127.0.0.1 localhost\n")),
        mount("/run/secrets/key", file("secret\n")),
        mount("/var/cache/x", Source::Bind { path: rig.path("cache"), access: Access::ReadWrite }),
        mount("/run/lock", Source::Tmpfs { size_bytes: Some(1 << 20), mode: 0o1777 }),
    ];
    assert_eq!(rig.output(&process), "127.0.0.1 localhost\nsecret\nfrom the cache\n");
    assert_eq!(rig.changes(), ["/etc", "/etc/group", "/lib", "/tmp", "/tmp/new"]);
    let whiteout = rig.upper("etc/group").symlink_metadata().unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    let mut opaque = [0u8; 8];
    let attribute = match rootless::ids() {
        rootless::Ids::Machine => "trusted.overlay.opaque",
        rootless::Ids::Mapped(_) => "user.overlay.opaque",
    };
    let length = rustix::fs::getxattr(rig.upper("lib"), attribute, &mut opaque).unwrap();
    assert_eq!(&opaque[..length], b"y");
    assert_eq!(fs::read_to_string(rig.path("cache/kept")).unwrap(), "kept\n");
}

#[test]
fn root_a_folder_made_for_a_mount_stays_if_the_process_used_it() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("touch /opt/app/beside; chmod 700 /srv");
    fs::create_dir(rig.base("srv")).unwrap();
    let mount =
        |target: &str| Mount { target: target.to_owned(), source: Source::Tmpfs { size_bytes: None, mode: 0o755 } };
    process.mounts = vec![mount("/opt/app/cache"), mount("/srv/data")];
    rig.output(&process);
    assert_eq!(rig.changes(), ["/opt", "/opt/app", "/opt/app/beside", "/srv"]);
}

#[test]
fn root_users_are_the_images_own() {
    let Some(rig) = Rig::new() else { return };
    let as_user = |user: &str| {
        let mut process =
            rig.shell("echo $(id -u) $(id -g) $(id -G) $HOME; grep CapEff /proc/self/status; echo x > /dev/stdout");
        process.user = user.to_owned();
        process
    };
    assert_eq!(rig.output(&as_user("app")), "1000 1000 1000 44 /home/app\nCapEff:\t0000000000000000\nx\n");
    assert_eq!(rig.output(&as_user("app:video")), "1000 44 44 /home/app\nCapEff:\t0000000000000000\nx\n");
    assert_eq!(rig.output(&as_user("4711")), "4711 0 0 /\nCapEff:\t0000000000000000\nx\n");
    // Docker's fourteen.
    assert_eq!(rig.output(&as_user("")), "0 0 0 /root\nCapEff:\t00000000a80425fb\nx\n");
    let refused = refusal(rig.run(&as_user("nobodyx")));
    assert_eq!(refused.fault, Fault::User);
    assert!(refused.to_string().contains("unable to find user nobodyx"), "{refused}");
}

#[test]
fn root_a_command_that_is_not_there_is_told_apart_from_one_that_fails() {
    let Some(rig) = Rig::new() else { return };
    let fault = |command: &str| refusal(rig.run(&rig.process(&[command]))).fault;
    fs::write(rig.base("bin/text"), "no program").unwrap();
    assert_eq!(fault("nothing-like-this"), Fault::CommandNotFound);
    assert_eq!(fault("/bin/nothing"), Fault::CommandNotFound);
    assert_eq!(fault("/etc/passwd"), Fault::CommandNotExecutable);
    assert_eq!(fault("/etc"), Fault::CommandNotExecutable);
    assert_eq!(rig.run(&rig.shell("nothing-like-this")).exit.unwrap().code(), 127);
    assert_eq!(rig.run(&rig.shell("kill -9 $$; kill -TERM 1; sleep 0.1; exit 5")).exit.unwrap().code(), 5);
}

#[test]
fn root_standard_input_is_what_was_handed_over() {
    let Some(rig) = Rig::new() else { return };
    let handed = Handed { stdin: Some(launch::input(b"line one\nline two\n").unwrap()), network_namespace: None };
    let done = finish(rig.start_with(&rig.process(&["cat"]), &handed));
    assert_eq!(done.stdout, "line one\nline two\n");
    assert_eq!(rig.output(&rig.process(&["cat"])), "");
}

#[test]
fn root_hundreds_of_layers_lie_on_each_other() {
    let Some(mut rig) = Rig::new() else { return };
    let long = "a-folder-with-a-name-that-is-as-long-as-those-of-content-stores-are-0123456789";
    for number in 1..rootfs::MAX_LAYERS {
        let layer = rig.path(&format!("{long}/{number}"));
        fs::create_dir_all(layer.join("tmp")).unwrap();
        fs::write(layer.join("tmp/top"), number.to_string()).unwrap();
        fs::write(layer.join(format!("tmp/{number}")), "").unwrap();
        rig.layers.push(layer);
    }
    assert_eq!(rig.output(&rig.shell("cat /tmp/top; echo; ls /tmp | wc -l")), "489\n490\n");
    rig.layers.push(rig.path("upper"));
    assert_eq!(refusal(rig.run(&rig.shell("true"))).fault, Fault::Image);
}

#[test]
fn root_without_layers_the_root_is_empty() {
    let Some(mut rig) = Rig::new() else { return };
    fs::copy(rig.base("bin/busybox"), rig.upper("busybox")).unwrap();
    rig.layers.clear();
    assert_eq!(rig.output(&rig.process(&["/busybox", "ls", "/"])), "busybox\ndev\nproc\nsys\n");
    assert_eq!(rig.changes(), ["/busybox"]);
}

#[test]
fn root_trees_show_a_part_of_other_layers() {
    let Some(rig) = Rig::new() else { return };
    let layers: Vec<PathBuf> = ["one", "two"].iter().map(|name| rig.path(name)).collect();
    for (layer, text) in layers.iter().zip(["one", "two"]) {
        fs::create_dir_all(layer.join("src/inner")).unwrap();
        fs::write(layer.join("src/inner").join(text), text).unwrap();
    }
    symlink("/src/inner", layers[1].join("link")).unwrap();
    let tree = |layers: &[PathBuf], path: &str, scratch| Mount {
        target: "/src".to_owned(),
        source: Source::Tree { layers: layers.to_vec(), path: path.to_owned(), scratch },
    };
    let mut process = rig.shell("ls /src; if touch /src/new 2>/dev/null; then ls /src; fi");
    process.mounts = vec![tree(&layers, "/link", None)];
    assert_eq!(rig.output(&process), "one\ntwo\n");
    process.mounts = vec![tree(&layers[..1], "src/inner", None)];
    assert_eq!(rig.output(&process), "one\n");
    fs::create_dir(rig.path("scratch")).unwrap();
    process.mounts = vec![tree(&layers, "/link", Some(rig.path("scratch")))];
    assert_eq!(rig.output(&process), "one\ntwo\nnew\none\ntwo\n");
    assert!(!layers[1].join("src/inner/new").exists());
    assert_eq!(rig.changes(), <[&str; 0]>::default());
}

#[test]
fn root_a_process_without_a_network_has_its_loopback_only() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("ls /sys/class/net; ip addr show lo | grep -c 127.0.0.1");
    assert_eq!(rig.output(&process), "lo\n1\n");
    process.network = Network::Host;
    let host = rig.output(&process);
    process.network = Network::Namespace;
    let handed = Handed { network_namespace: Some(fs::File::open("/proc/self/ns/net").unwrap().into()), stdin: None };
    assert_eq!(finish(rig.start_with(&process, &handed)).stdout, host);
    assert_eq!(refusal(rig.run(&process)).fault, Fault::Machine);
}

#[test]
fn root_limits_hold() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("ulimit -n; dd if=/dev/zero of=/dev/null bs=64M count=1");
    process.limits =
        Limits { memory_bytes: Some(16 << 20), processes: Some(50), open_files: Some((77, 99)), ..Limits::default() };
    let done = rig.run(&process);
    assert_eq!(done.stdout, "77\n");
    let exit = done.exit.unwrap();
    assert!(exit.out_of_memory, "{exit:?}");
    let process = Process { limits: Limits { cpu_millis: Some(500), ..Limits::default() }, ..rig.shell("true") };
    assert_eq!(rig.output(&process), "");
}
