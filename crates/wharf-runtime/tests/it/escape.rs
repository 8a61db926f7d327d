//! What an image or a process could try to get out, each once.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use wharf_runtime::*;

use crate::rig::{Rig, refusal};

fn mount(target: &str, source: Source) -> Mount {
    Mount { target: target.to_owned(), source }
}

fn secret() -> Source {
    Source::File { contents: Contents(b"secret".to_vec()), uid: 0, gid: 0, mode: 0o400 }
}

/// What `script` writes, whatever it ends with.
fn says(rig: &Rig, script: &str) -> String {
    rig.run(&rig.shell(script)).stdout
}

#[test]
fn root_links_at_proc_sys_and_dev_are_refused() {
    for name in ["proc", "sys", "dev"] {
        let Some(rig) = Rig::new() else { return };
        fs::remove_dir(rig.base(name)).unwrap();
        fs::create_dir(rig.base("elsewhere")).unwrap();
        symlink("/elsewhere", rig.base(name)).unwrap();
        let refused = refusal(rig.run(&rig.shell("true")));
        assert_eq!(refused.fault, Fault::Image);
        assert!(refused.to_string().contains(&format!("mount `/{name}`")), "{refused}");
        assert!(fs::read_dir(rig.base("elsewhere")).unwrap().next().is_none());
    }
}

#[test]
fn root_a_passwd_that_leads_out_or_is_no_file_gives_nothing() {
    let Some(rig) = Rig::new() else { return };
    let path = rig.base("etc/passwd");
    let outside = rig.path("outside");
    fs::write(&outside, "app:x:0:0::/:/bin/sh\n").unwrap();
    let mut process = rig.shell("id -u");
    process.user = "app".to_owned();
    for target in [outside.display().to_string(), format!("../../../../../../..{}", outside.display())] {
        fs::remove_file(&path).unwrap();
        symlink(target, &path).unwrap();
        assert_eq!(refusal(rig.run(&process)).fault, Fault::User);
    }
    fs::remove_file(&path).unwrap();
    symlink("passwd", &path).unwrap();
    assert_eq!(refusal(rig.run(&process)).fault, Fault::Image);
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    assert_eq!(refusal(rig.run(&process)).fault, Fault::Image);
}

#[test]
fn root_mount_targets_stay_inside_of_the_root() {
    let Some(rig) = Rig::new() else { return };
    let outside = rig.path("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, rig.base("absolute")).unwrap();
    symlink(format!("../../../../../..{}", outside.display()), rig.base("relative")).unwrap();
    let mut process = rig.shell("cat /absolute/key /relative/key /up/key");
    process.mounts =
        vec![mount("/absolute/key", secret()), mount("/relative/key", secret()), mount("/../../up/key", secret())];
    assert_eq!(rig.output(&process), "secretsecretsecret");
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    assert!(!std::path::Path::new("/up").exists());
    assert_eq!(rig.changes(), <[&str; 0]>::default());
}

#[test]
fn root_mounts_on_the_root_or_into_proc_are_refused() {
    let Some(rig) = Rig::new() else { return };
    symlink("/proc/self", rig.base("self")).unwrap();
    for target in ["/", "/tmp/..", "/proc/version", "/proc/sys", "/self/attr", "/sys/kernel"] {
        let mut process = rig.shell("true");
        let source = if target == "/proc/version" { secret() } else { Source::Tmpfs { size_bytes: None, mode: 0o755 } };
        process.mounts = vec![mount(target, source)];
        assert_eq!(refusal(rig.run(&process)).fault, Fault::Image, "{target}");
    }
}

#[test]
fn root_sources_of_trees_stay_inside_of_their_layers() {
    let Some(rig) = Rig::new() else { return };
    let layer = rig.path("layer");
    fs::create_dir_all(layer.join("etc")).unwrap();
    fs::write(layer.join("etc/passwd"), "the layer's own").unwrap();
    symlink("/etc/passwd", layer.join("link")).unwrap();
    for path in ["/link", "../../etc/passwd", "/etc/../../../etc/passwd"] {
        let mut process = rig.shell("cat /seen");
        process.mounts =
            vec![mount("/seen", Source::Tree { layers: vec![layer.clone()], path: path.to_owned(), scratch: None })];
        assert_eq!(rig.output(&process), "the layer's own", "{path}");
    }
}

#[test]
fn root_the_working_folder_cannot_be_an_open_file_of_ours() {
    let Some(rig) = Rig::new() else { return };
    for number in 0..16 {
        let mut process = rig.shell("pwd");
        process.working_directory = format!("/proc/self/fd/{number}");
        assert_eq!(refusal(rig.run(&process)).fault, Fault::Image);
    }
    assert_eq!(rig.changes(), <[&str; 0]>::default());
}

#[test]
fn root_nothing_of_ours_is_open() {
    let Some(rig) = Rig::new() else { return };
    assert_eq!(says(&rig, "ls /proc/self/fd"), "0\n1\n2\n3\n");
    assert!(!says(&rig, "cat /proc/1/mountinfo").contains("/home"));
}

#[test]
fn root_the_program_that_holds_the_container_cannot_be_overwritten() {
    let Some(rig) = Rig::new() else { return };
    // A script whose interpreter is what executes it: our own program, inside of the container (CVE-2019-5736).
    let script = rig.base("bin/again");
    fs::write(&script, "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let before = fs::metadata("/proc/self/exe").unwrap();
    let mut process = rig.shell(
        "i=0; while [ $i -lt 200 ]; do i=$((i+1)); (echo x > /proc/1/exe) 2>/dev/null && echo written; done; true",
    );
    rig.output(&process);
    process.arguments = vec!["/bin/again".to_owned()];
    drop(rig.run(&process));
    let after = fs::metadata("/proc/self/exe").unwrap();
    assert_eq!((before.len(), before.modified().unwrap()), (after.len(), after.modified().unwrap()));
}

#[test]
fn root_devices_can_be_made_but_not_opened() {
    let Some(rig) = Rig::new() else { return };
    let script = "for place in /tmp /dev /dev/shm; do mknod $place/mem c 1 1; mknod $place/zero2 c 1 5; done; ls /tmp; \
        head -c 1 /tmp/zero2 || head -c 1 /dev/zero2 || head -c 1 /dev/shm/zero2 || echo refused; head -c 3 /dev/zero | wc -c";
    // In a user namespace they cannot even be made.
    let made = if rootless::ids() == rootless::Ids::Machine { "mem\nzero2\n" } else { "" };
    assert_eq!(says(&rig, script), format!("{made}refused\n3\n"));
}

#[test]
fn root_the_machine_cannot_be_changed_through_proc_and_sys() {
    let Some(rig) = Rig::new() else { return };
    let script = "for file in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/profiling /proc/irq/default_smp_affinity; \
        do (echo 1 > $file) 2>/dev/null && echo $file; done; cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; ls /sys/firmware /proc/scsi";
    assert_eq!(says(&rig, script).replace("/sys/firmware:\n", "").replace("/proc/scsi:\n", "").trim(), "");
}

#[test]
fn root_system_calls_are_filtered_unless_everything_is_allowed() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("grep -E '^(Seccomp|NoNewPrivs|CapBnd|CapInh|CapAmb):' /proc/self/status");
    let none = "0000000000000000";
    let expected =
        format!("CapInh:\t{none}\nCapBnd:\t00000000a80425fb\nCapAmb:\t{none}\nNoNewPrivs:\t0\nSeccomp:\t2\n");
    assert_eq!(rig.output(&process), expected);
    process.security = Security::Insecure;
    assert!(rig.output(&process).ends_with("NoNewPrivs:\t0\nSeccomp:\t0\n"));
}

#[test]
fn root_mounts_and_namespaces_cannot_be_made() {
    let Some(rig) = Rig::new() else { return };
    let script = "mount -t tmpfs x /tmp 2>&1 | grep -c ermi; mount -o remount,rw /proc/sys 2>&1 | grep -c ermi; \
        unshare -U true 2>&1 | grep -c ermi; unshare -m true 2>&1 | grep -c ermi; hostname other 2>&1 | grep -c ermi";
    assert_eq!(says(&rig, script), "1\n1\n1\n1\n1\n");
    let mut process = rig.shell("unshare -U true && mount -t tmpfs x /tmp && echo done");
    process.security = Security::Insecure;
    assert_eq!(rig.output(&process), "done\n");
}

#[test]
fn root_a_root_that_was_changed_to_leads_nowhere_else() {
    let Some(rig) = Rig::new() else { return };
    // Two folders deep out of a changed root, the old way.
    let script = "mkdir -p /tmp/a/bin /tmp/a/b; cp /bin/busybox /tmp/a/bin/sh 2>/dev/null || cat /bin/busybox > /tmp/a/bin/sh; chmod 755 /tmp/a/bin/sh; \
        cd /; chroot /tmp/a /bin/sh -c 'cd ../../../../../..; echo *'";
    assert!(says(&rig, script).lines().all(|line| line == "b bin"));
    assert_eq!(says(&rig, "cd /proc/1/root/../../..; echo *; readlink /proc/1/cwd").lines().last(), Some("/"));
}

#[test]
fn root_what_is_left_in_upper_cannot_lead_the_cleaning_outside() {
    let Some(rig) = Rig::new() else { return };
    let outside = rig.path("outside");
    fs::create_dir_all(outside.join("secrets")).unwrap();
    fs::write(outside.join("secrets/key"), "").unwrap();
    fs::set_permissions(outside.join("secrets/key"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut process = rig.shell(&format!("rm -rf /opt; mv /opt /moved; ln -s {} /opt; ls /opt", outside.display()));
    process.mounts = vec![mount("/opt/secrets/key", secret())];
    drop(rig.run(&process));
    assert!(outside.join("secrets/key").exists());
}

#[test]
fn root_secrets_are_not_seen_from_outside() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("echo $TOKEN; cat /run/secrets/key");
    process.environment.push(Variable { name: "TOKEN".to_owned(), value: "a-token-in-a-variable".to_owned() });
    process.mounts = vec![mount("/run/secrets/key", secret())];
    let described = format!("{process:?}");
    assert!(!described.contains("a-token-in-a-variable") && !described.contains("secret\""), "{described}");
    assert_eq!(rig.output(&process), "a-token-in-a-variable\nsecret");
    assert_eq!(rig.changes(), <[&str; 0]>::default());
}
