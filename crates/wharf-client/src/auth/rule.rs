//! Which realm may be trusted with the log-in for a registry.
//!
//! A registry names its realm in an answer; so whoever can forge that answer chooses who gets the password. An answer
//! that came by verified TLS is the registry's own word, and the realm only has to be safe to reach; any other answer may
//! send us back to the same host at most. (Registries have given passwords away this way: CVE-2026-33540.)

use url::{Host, Url};

/// Whether the log-in may go to `realm`, when the registry at `base` says so.
pub(super) fn may_log_in(base: &Url, is_verified: bool, realm: &Url) -> bool {
    let is_no_step_down = realm.scheme() == "https" || realm.scheme() == base.scheme();
    let is_known =
        matches!(realm.scheme(), "http" | "https") && realm.username().is_empty() && realm.password().is_none();
    let is_vouched_for = is_verified && base.scheme() == "https" && realm.scheme() == "https";
    is_known && is_no_step_down && (is_same_host(base, realm) || is_vouched_for)
}

fn is_same_host(base: &Url, realm: &Url) -> bool {
    base.host() == realm.host() || (is_this_machine(base) && is_this_machine(realm))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_goes_where_a_verified_registry_says_else_to_its_own_host() {
        for (base, is_verified, realm, may) in [
            ("https://r.example", true, "https://r.example/token", true),
            ("https://r.example", true, "https://auth.example/token", true),
            ("https://r.example", true, "https://r.example:8443/token", true),
            ("https://r.example", true, "http://r.example/token", false),
            ("https://r.example", true, "http://auth.example/token", false),
            ("https://r.example", true, "https://me:pw@auth.example/token", false),
            ("https://r.example", true, "file:///etc/passwd", false),
            ("https://r.example", false, "https://r.example/token", true),
            ("https://r.example", false, "https://auth.example/token", false),
            ("http://r.example:5000", true, "http://r.example:5001/token", true),
            ("http://r.example:5000", true, "https://r.example/token", true),
            ("http://r.example:5000", true, "https://evil.example/token", false),
            ("http://r.example:5000", true, "http://evil.example/token", false),
            ("http://127.0.0.1:5000", false, "http://localhost:5001/token", true),
            ("http://127.0.0.1:5000", false, "http://169.254.169.254/token", false),
        ] {
            let parse = |text: &str| text.parse::<Url>().expect("a URL");
            assert_eq!(may_log_in(&parse(base), is_verified, &parse(realm)), may, "{base} {is_verified} {realm}");
        }
    }
}
