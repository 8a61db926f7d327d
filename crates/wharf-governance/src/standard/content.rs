//! What files in an image say: packages, users. Pure; bytes of strangers, read as far as they make sense.

use std::collections::BTreeSet;

/// How many names are read out of one file.
const MAX_NAMES: usize = 200_000;

/// The packages that dpkg says are installed: paragraphs of `/var/lib/dpkg/status`, or one of `status.d`.
pub(crate) fn dpkg(status: &[u8], names: &mut BTreeSet<String>) {
    let text = String::from_utf8_lossy(status);
    for paragraph in text.split("\n\n") {
        let field =
            |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        // A file of `status.d` has no status: it is there because it is installed.
        let is_installed = field("Status").is_none_or(|status| status.ends_with(" installed"));
        if let Some(package) = field("Package").filter(|_| is_installed) {
            add(names, package);
        }
    }
}

/// The packages that apk says are installed: lines `P:` of `/lib/apk/db/installed`.
pub(crate) fn apk(installed: &[u8], names: &mut BTreeSet<String>) {
    let text = String::from_utf8_lossy(installed);
    text.lines().filter_map(|line| line.strip_prefix("P:")).for_each(|package| add(names, package.trim()));
}

/// The users of `/etc/passwd`, by their names.
pub(crate) fn users(passwd: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(passwd);
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| line.split(':').count() >= 7) {
        add(&mut names, line.split(':').next().unwrap_or_default());
    }
    names
}

/// The number of a user in `/etc/passwd`.
pub(crate) fn user_id(passwd: &[u8], user: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(passwd);
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.first() == Some(&user)).and_then(|fields| fields.get(2)?.parse().ok())
}

fn add(names: &mut BTreeSet<String>, name: &str) {
    if !name.is_empty() && name.len() <= 256 && names.len() < MAX_NAMES {
        names.insert(name.replace('\0', ""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_read_and_what_was_removed_is_not() {
        let status = "Package: bash\nStatus: install ok installed\nVersion: 5\n\nPackage: gone\nStatus: deinstall ok config-files\n\
             \nPackage: half\nDescription: a\n Package: not me\nStatus: install ok unpacked\n";
        let mut names = BTreeSet::new();
        dpkg(status.as_bytes(), &mut names);
        dpkg(b"Package: tzdata\nVersion: 2024\n", &mut names);
        apk(b"C:Q1\nP:musl\nV:1\n\nP:busybox\n", &mut names);
        dpkg(b"\xff\xfe\n\n::::", &mut names);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["bash", "busybox", "musl", "tzdata"]);
    }

    #[test]
    fn users_have_names_and_numbers() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/app:/bin/false\nbroken:x\n";
        assert_eq!(users(passwd).into_iter().collect::<Vec<_>>(), ["app", "root"]);
        assert_eq!(
            (user_id(passwd, "app"), user_id(passwd, "root"), user_id(passwd, "x")),
            (Some(1000), Some(0), None)
        );
    }
}
