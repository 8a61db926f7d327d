//! What becomes of the machine's resolver.

use super::*;

#[test]
fn servers_that_a_container_cannot_reach_are_left_out() {
    let table = [
        ("nameserver 10.0.0.1\nsearch a.example\n", "nameserver 10.0.0.1\nsearch a.example\n"),
        ("# x\nnameserver 127.0.0.1\nnameserver 9.9.9.9\noptions edns0\n", "nameserver 9.9.9.9\noptions edns0\n"),
        ("nameserver ::1\nnameserver fe80::1%eth0\ndomain x\n", "nameserver 8.8.8.8\nnameserver 8.8.4.4\ndomain x\n"),
        ("", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ("nameserver\nnameserverx 1.1.1.1\n", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
    ];
    for (machine, container) in table {
        assert_eq!(without_loopback(machine.to_owned()), container, "{machine}");
    }
}

#[test]
fn systemd_resolved_is_known_by_its_address() {
    assert!(only_resolved("nameserver 127.0.0.53\noptions edns0\n"));
    assert!(!only_resolved("nameserver 127.0.0.53\nnameserver 1.1.1.1\n"));
    assert!(!only_resolved("search x\n"));
}

#[test]
fn hosts_has_the_container_and_what_was_added() {
    let text = hosts("buildkitsandbox", &[("db".to_owned(), IpAddr::from([10, 1, 2, 3]))]);
    assert_eq!(text, "127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.2.3\tdb\n");
}
