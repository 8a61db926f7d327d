//! Which addresses may be gone to when a stranger chose them. Pure, but for the question which ones are this machine's.
//!
//! The way in is often a second spelling: an IPv4 address inside an IPv6 one (mapped, compatible, translated, NAT64,
//! 6to4). Each is judged as what it leads to. Private networks (RFC 1918, `fc00::/7`) are where build servers live, and
//! are open unless an administrator closes them; what is never a receiver of webhooks is closed unless one opens it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use ipnet::IpNet;

/// Why an address is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// `127.0.0.0/8`, `::1`.
    #[error("a loopback address")]
    Loopback,
    /// One of this machine's own addresses: its own ports, and those of what runs beside it.
    #[error("an address of this machine")]
    ThisMachine,
    /// `169.254.0.0/16`, `fe80::/10`: neighbours, and most clouds' metadata.
    #[error("a link-local address")]
    LinkLocal,
    /// A cloud's metadata or platform service at an address of another sort.
    #[error("a cloud's metadata service")]
    Metadata,
    /// Nobody's or everybody's: unspecified, multicast, broadcast, reserved, translated by unknown rules.
    #[error("not the address of a server")]
    NoServer,
    /// In the administrator's list.
    #[error("in a network that `webhooks.deny_networks` names")]
    Denied,
}

/// What is closed whatever else is true, with why.
const CLOSED: &[(&str, Forbidden)] = &[
    ("127.0.0.0/8", Forbidden::Loopback),
    ("::1/128", Forbidden::Loopback),
    ("169.254.0.0/16", Forbidden::LinkLocal),
    ("fe80::/10", Forbidden::LinkLocal),
    ("100.100.100.200/32", Forbidden::Metadata), // Alibaba Cloud
    ("168.63.129.16/32", Forbidden::Metadata),   // Azure
    ("192.0.0.192/32", Forbidden::Metadata),     // Oracle Cloud
    ("fd00:ec2::/32", Forbidden::Metadata),      // AWS
    ("fd20:ce::/32", Forbidden::Metadata),       // Google Cloud
    ("fd00:42::/32", Forbidden::Metadata),       // Scaleway
    ("0.0.0.0/8", Forbidden::NoServer),          // on Linux, another name of this machine
    ("224.0.0.0/4", Forbidden::NoServer),
    ("240.0.0.0/4", Forbidden::NoServer),
    ("::/128", Forbidden::NoServer),
    ("ff00::/8", Forbidden::NoServer),
    ("fec0::/10", Forbidden::NoServer),
    ("100::/64", Forbidden::NoServer),
    ("2001::/32", Forbidden::NoServer), // Teredo: what it leads to is not to be read
    ("64:ff9b:1::/48", Forbidden::NoServer), // NAT64 by local rules
];

/// An administrator's lists. Opening wins over closing, and both over what is closed by itself.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    /// Open although they are closed by themselves.
    pub allow: Vec<IpNet>,
    /// Closed although they are open by themselves.
    pub deny: Vec<IpNet>,
}

impl Networks {
    /// Whether an address may be gone to.
    pub fn judge(&self, address: IpAddr) -> Result<(), Forbidden> {
        let meant = meant(address);
        let is_in = |networks: &[IpNet]| networks.iter().any(|one| one.contains(&address) || one.contains(&meant));
        if is_in(&self.allow) {
            return Ok(());
        }
        if is_in(&self.deny) {
            return Err(Forbidden::Denied);
        }
        let closed = CLOSED.iter().find(|(network, _)| {
            let network: IpNet = network.parse().expect("the table's own text, which a test reads");
            network.contains(&address) || network.contains(&meant)
        });
        match closed {
            Some((_, why)) => Err(*why),
            None if is_this_machine(meant) => Err(Forbidden::ThisMachine),
            None => Ok(()),
        }
    }
}

/// The address that packets end at: an IPv4 address that an IPv6 one contains, else the address itself.
fn meant(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => inner(address).map_or(IpAddr::V6(address), IpAddr::V4),
    }
}

fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |from: usize| Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3]);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped, compatible, translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff | 0, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            Some(at(12))
        }
        // 6to4 (RFC 3056).
        [0x2002, ..] => Some(at(2)),
        _ => None,
    }
}

/// Whether the address is one of this machine's: a packet there would leave from the very same address. No packet is
/// sent to find out.
fn is_this_machine(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn judge(networks: &Networks, address: &str) -> Result<(), Forbidden> {
        networks.judge(address.parse().expect(address))
    }

    #[test]
    fn what_is_never_a_receiver_is_closed_in_every_spelling() {
        use Forbidden::{LinkLocal, Loopback, Metadata, NoServer};
        let table = [
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("::127.0.0.1", Loopback),
            ("::ffff:0:127.0.0.1", Loopback),
            ("64:ff9b::127.0.0.1", Loopback),
            ("2002:7f00:1::", Loopback),
            ("169.254.169.254", LinkLocal),
            ("::ffff:169.254.169.254", LinkLocal),
            ("64:ff9b::a9fe:a9fe", LinkLocal),
            ("2002:a9fe:a9fe::1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("100.100.100.200", Metadata),
            ("168.63.129.16", Metadata),
            ("192.0.0.192", Metadata),
            ("fd00:ec2::254", Metadata),
            ("fd20:ce::254", Metadata),
            ("fd00:42::42", Metadata),
            ("0.0.0.0", NoServer),
            ("0.1.2.3", NoServer),
            ("::", NoServer),
            ("::ffff:0.0.0.0", NoServer),
            ("224.0.0.1", NoServer),
            ("255.255.255.255", NoServer),
            ("240.0.0.1", NoServer),
            ("ff02::1", NoServer),
            ("fec0::1", NoServer),
            ("2001:0:1::1", NoServer),
            ("64:ff9b:1::7f00:1", NoServer),
        ];
        for (address, why) in table {
            assert_eq!(judge(&Networks::default(), address), Err(why), "{address}");
        }
    }

    #[test]
    fn receivers_elsewhere_are_open_private_ones_too() {
        for address in ["192.0.2.7", "10.1.2.3", "172.16.0.9", "192.168.7.7", "2001:db8::7", "fd12:3456::7", "9.9.9.9"]
        {
            assert_eq!(judge(&Networks::default(), address), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_administrator_opens_and_closes() {
        let networks = |allow: &[&str], deny: &[&str]| {
            let parse = |list: &[&str]| list.iter().map(|text| text.parse().expect("a network")).collect();
            Networks { allow: parse(allow), deny: parse(deny) }
        };
        let open = networks(&["127.0.0.0/8"], &[]);
        assert_eq!((judge(&open, "127.0.0.1"), judge(&open, "::ffff:127.0.0.1")), (Ok(()), Ok(())));
        assert_eq!(judge(&open, "169.254.169.254"), Err(Forbidden::LinkLocal));
        let closed = networks(&["10.1.0.0/16"], &["10.0.0.0/8"]);
        assert_eq!((judge(&closed, "10.1.2.3"), judge(&closed, "10.2.2.3")), (Ok(()), Err(Forbidden::Denied)));
        assert_eq!(judge(&closed, "::ffff:10.2.2.3"), Err(Forbidden::Denied));
    }

    #[test]
    fn an_address_of_this_machine_is_known() {
        assert!(is_this_machine("127.0.0.1".parse().expect("an address")));
        assert!(!is_this_machine("192.0.2.1".parse().expect("an address")));
    }
}
