//! The way out through this machine: forwarding, and one address for all.
//!
//! One table of our own, `inet wharf`; no rule of others is changed, but one: where Docker is, it lets nothing through that
//! it does not know, and has the chain `DOCKER-USER` for what it should know.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

use crate::error::Error;
use crate::veth::PREFIX;

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const HINT: &str = "without it only `--network=host` and `--network=none` work";

/// What is told where others let nothing through.
const CLOSED: &str = "the firewall of this machine forwards nothing that it does not know (`iptables -S FORWARD`): \
     let through what comes from and goes to `wharf+`, or use `--network=host`";

/// Lets containers of `subnet` out, once for all. What people should be told, if anything.
pub(crate) fn open(subnet: ipnet::Ipv4Net) -> Result<Option<&'static str>, Error> {
    let rules = rules(subnet);
    let done = run("nft", &["-f", "-"], &rules).map_err(|source| Error::Program {
        program: "nft".to_owned(),
        hint: HINT,
        source,
    })?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        return Err(Error::Refused { program: "nft".to_owned(), said, hint: HINT });
    }
    if std::fs::read_to_string(FORWARD).is_ok_and(|text| text.trim() == "1") {
        return Ok(beside_others());
    }
    std::fs::write(FORWARD, "1").map_err(|source| Error::Setting { path: FORWARD, value: "1", source })?;
    Ok(beside_others())
}

/// The whole table: its rules are replaced as one, and networks only added, so that several of us at once do no harm.
fn rules(subnet: ipnet::Ipv4Net) -> String {
    format!(
        "table inet wharf {{
    set build-sources {{ type ipv4_addr; flags interval; auto-merge; }}
    chain build-forward {{ type filter hook forward priority filter; policy accept; }}
    chain build-out {{ type nat hook postrouting priority srcnat; policy accept; }}
}}
flush chain inet wharf build-forward
flush chain inet wharf build-out
add rule inet wharf build-forward iifname \"{PREFIX}*\" oifname \"{PREFIX}*\" drop
add rule inet wharf build-forward oifname \"{PREFIX}*\" ct state established,related accept
add rule inet wharf build-forward oifname \"{PREFIX}*\" drop
add element inet wharf build-sources {{ {subnet} }}
add rule inet wharf build-out ip saddr @build-sources oifname != \"{PREFIX}*\" masquerade
"
    )
}

/// Makes Docker let our packets through, if it is there; says so if somebody else does not.
fn beside_others() -> Option<&'static str> {
    let iptables = |arguments: &[&str]| run("iptables", &[&["-w", "5"], arguments].concat(), "");
    let forward = iptables(&["-S", "FORWARD"]).ok().filter(|done| done.status.success())?;
    if !String::from_utf8_lossy(&forward.stdout).contains("-P FORWARD DROP") {
        return None;
    }
    let all = format!("{PREFIX}+");
    let ours: [&[&str]; 2] = [
        &["-i", &all, "-j", "ACCEPT"],
        &["-o", &all, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
    ];
    for rule in ours {
        let succeeds =
            |verb: &str| iptables(&[&[verb, "DOCKER-USER"], rule].concat()).is_ok_and(|done| done.status.success());
        if !succeeds("-C") && !succeeds("-I") {
            return Some(CLOSED);
        }
    }
    None
}

fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // If it does not read, it says why when it ends.
        drop(stdin.write_all(input.as_bytes()));
    }
    child.wait_with_output()
}
