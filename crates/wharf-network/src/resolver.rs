//! What a container finds in `/etc/resolv.conf` and `/etc/hosts`.

use std::fs;
use std::net::IpAddr;

#[cfg(test)]
mod tests;

/// Where systemd-resolved writes down the servers that it asks itself.
const BEHIND_RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// As Docker has it: what is asked if the machine has no server that a container could reach.
const FALLBACK: &str = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";

/// The machine's `/etc/resolv.conf`, as it is. Empty if it has none.
pub(crate) fn of_machine() -> String {
    fs::read_to_string("/etc/resolv.conf").unwrap_or_default()
}

/// `/etc/resolv.conf` for a container with a network of its own: servers on the machine's loopback are not there.
pub(crate) fn for_container() -> String {
    let text = of_machine();
    let behind = || fs::read_to_string(BEHIND_RESOLVED).unwrap_or_default();
    without_loopback(if only_resolved(&text) { behind() } else { text })
}

/// The same, with one server that answers for the machine's.
pub(crate) fn with_server(server: &str) -> String {
    format!("nameserver {server}\n{}", others(&of_machine()))
}

/// Whether systemd-resolved is all that is asked.
fn only_resolved(text: &str) -> bool {
    let mut servers = text.lines().filter_map(server).peekable();
    servers.peek().is_some() && servers.all(|server| server == "127.0.0.53" || server == "127.0.0.54")
}

fn without_loopback(text: String) -> String {
    // A container has no address of version 6.
    let reachable =
        |server: &str| server.parse::<IpAddr>().is_ok_and(|server| server.is_ipv4() && !server.is_loopback());
    let servers: String =
        text.lines().filter(|line| server(line).is_some_and(reachable)).map(|line| format!("{line}\n")).collect();
    let servers = if servers.is_empty() { FALLBACK.to_owned() } else { servers };
    servers + &others(&text)
}

fn server(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    (words.next() == Some("nameserver")).then(|| words.next()).flatten()
}

/// Search domains and options.
fn others(text: &str) -> String {
    let is_other =
        |line: &&str| matches!(line.split_whitespace().next(), Some("search" | "domain" | "options" | "sortlist"));
    text.lines().filter(is_other).map(|line| format!("{line}\n")).collect()
}

/// `/etc/hosts` of a container called `hostname`, with what the caller adds.
#[must_use]
pub fn hosts(hostname: &str, more: &[(String, IpAddr)]) -> String {
    let mut text = format!("127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (name, address) in more {
        text.push_str(&format!("{address}\t{name}\n"));
    }
    text
}
