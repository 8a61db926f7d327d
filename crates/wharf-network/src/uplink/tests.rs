//! Containers' networks for real: who reaches whom.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::*;
use crate::netlink::Netlink;

/// Whether this can be done here: by root, with `nft`.
fn possible() -> bool {
    let missing = match std::process::Command::new("nft").arg("--version").output() {
        _ if !rustix::process::geteuid().is_root() => "this takes root",
        Err(_) => "nftables is not installed",
        Ok(_) => return true,
    };
    #[expect(clippy::disallowed_methods, reason = "CI says by this variable that nothing may be skipped")]
    let required = std::env::var_os("WHARF_E2E_REQUIRE_CLIENTS").is_some();
    assert!(!required, "{missing}");
    eprintln!("skipped: {missing}");
    false
}

/// Runs `what` in a network namespace.
fn inside<T: Send>(namespace: OwnedFd, what: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let enter = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            what()
        };
        scope.spawn(enter).join().unwrap()
    })
}

fn connect(address: SocketAddr) -> io::Result<Ipv4Addr> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    let mut seen = [0; 4];
    stream.read_exact(&mut seen)?;
    Ok(seen.into())
}

/// Answers one connection with the address that it comes from.
fn answer(listener: &TcpListener) {
    let (mut stream, from) = listener.accept().unwrap();
    let IpAddr::V4(from) = from.ip() else { panic!("{from}") };
    stream.write_all(&from.octets()).unwrap();
}

#[test]
fn root_containers_reach_out_by_the_machines_address_and_not_each_other() {
    if !possible() {
        return;
    }
    // Of its own, so that it meets no other test and no build.
    let subnet = "10.213.64.0/20".parse().unwrap();
    let settings = Settings { subnet, ..Settings::new(Power::Machine, std::env::temp_dir()) };
    let uplink = Uplink::open(&settings).unwrap();
    let (one, two) = (uplink.lease().unwrap(), uplink.lease().unwrap());
    assert_ne!(one.gateway(), two.gateway());

    // A network beyond the machine that knows no way to containers' addresses.
    let outside = Namespace::make().unwrap();
    let netlink = Netlink::open().unwrap();
    let name = format!("wtest{}", std::process::id() % 100_000);
    netlink.make_cable(&name, "eth0", outside.file.as_fd()).unwrap();
    let (here, there) = (Ipv4Addr::new(10, 213, 80, 0), Ipv4Addr::new(10, 213, 80, 1));
    for (netlink, link, address) in [(&netlink, name.as_str(), here), (&outside.netlink, "eth0", there)] {
        let index = netlink.index(link).unwrap();
        netlink.add_address(index, address, 31).unwrap();
        netlink.switch_on(index).unwrap();
    }
    let server = inside(outside.file.try_clone().unwrap(), || TcpListener::bind("0.0.0.0:0").unwrap());
    let port = server.local_addr().unwrap().port();
    let answered = std::thread::spawn(move || answer(&server));
    let seen = inside(one.namespace().unwrap().unwrap(), || connect((there, port).into()));
    assert_eq!(seen.unwrap(), here, "{:?}", uplink.warning());
    answered.join().unwrap();

    let server = inside(two.namespace().unwrap().unwrap(), || TcpListener::bind("0.0.0.0:0").unwrap());
    let port = server.local_addr().unwrap().port();
    let Some(IpAddr::V4(gateway)) = two.gateway() else { panic!("no gateway") };
    let other = Ipv4Addr::from(u32::from(gateway) + 1);
    assert!(inside(one.namespace().unwrap().unwrap(), || connect((other, port).into())).is_err());
    assert!(inside(outside.file.try_clone().unwrap(), || connect((other, port).into())).is_err());
    netlink.delete(&name).unwrap();
}

#[test]
fn root_a_cable_goes_with_its_lease_and_with_its_namespace() {
    if !possible() {
        return;
    }
    let subnet = "10.213.96.0/30".parse().unwrap();
    let namespace = Namespace::make().unwrap();
    let take = || Cable::connect(&namespace, subnet);
    // Two pairs: whoever has both leaves none, unless other tests' names are in the way.
    let first = take().unwrap();
    let gateway = first.gateway;
    drop(first);
    let mut again = Vec::new();
    while let Ok(cable) = Namespace::make().map_err(Error::Namespace).and_then(|other| Cable::connect(&other, subnet)) {
        again.push(cable);
        assert!(again.len() <= 64);
    }
    assert!(!again.is_empty(), "{gateway} is free again");
}

#[test]
fn root_slirp4netns_speaks_for_a_container_that_may_make_no_links() {
    if !possible() || std::process::Command::new("slirp4netns").arg("--version").output().is_err() {
        return;
    }
    let namespace = Namespace::make().unwrap();
    let file = namespace.file.try_clone().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let helper = Helper::start(Program::Slirp4netns, &namespace, folder.path()).unwrap();
    let names = inside(file, || std::fs::read_to_string("/proc/thread-self/net/route").unwrap());
    assert!(names.contains("eth0"), "{names}");
    drop(helper);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn an_ordinary_user_gets_a_network_or_is_told() {
    let uplink = Uplink::open(&Settings::new(Power::UserNamespace, std::env::temp_dir())).unwrap();
    assert_eq!(uplink.warning().is_none(), Program::installed().is_some());
}
