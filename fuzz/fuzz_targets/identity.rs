//! USER, `/etc/passwd` and `/etc/group` out of any bytes: never a panic, ids in range, the group first. The first line is USER,
//! a zero byte divides the files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_runtime::identity::{Identity, look_up_group};

const LARGEST: u32 = i32::MAX as u32;

fuzz_target!(|data: &[u8]| {
    let line = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (user, files) = data.split_at(line);
    let Ok(user) = std::str::from_utf8(user) else { return };
    let middle = files.iter().position(|byte| *byte == 0).unwrap_or(files.len());
    let (passwd, group) = files.split_at(middle);
    if let Ok(identity) = Identity::look_up(user, passwd, group) {
        assert!(identity.uid <= LARGEST && identity.gid <= LARGEST);
        assert_eq!(identity.groups.first(), Some(&identity.gid));
        assert!(identity.groups.iter().all(|group| *group <= LARGEST) && !identity.home.is_empty());
    }
    if let Ok(gid) = look_up_group(user, group) {
        assert!(gid <= LARGEST);
    }
});
