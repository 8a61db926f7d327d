//! USER, looked up.

use proptest::prelude::*;

use super::*;

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n# nobody\nbroken\napp:x:1000:1001:An app:/home/app:/bin/sh\n\
    huge:x:4294967296:0::/:/bin/sh\n5:x:7:7::/five:\n12:x:12:3::/twelve:\nweb:x:33:33\n";
const GROUP: &[u8] = b"root:x:0:\napp:x:1001:\nvideo:x:44:app,web\nstaff:x:50: app ,other\nbad:x:x:app\n";

fn look_up(user: &str) -> Result<(u32, u32, Vec<u32>, String), IdentityError> {
    Identity::look_up(user, PASSWD, GROUP).map(|found| (found.uid, found.gid, found.groups, found.home))
}

#[test]
fn users_and_groups_are_looked_up_as_runc_does() {
    type Row = (&'static str, (u32, u32, &'static [u32], &'static str));
    let table: &[Row] = &[
        ("", (0, 0, &[0], "/root")),
        ("root", (0, 0, &[0], "/root")),
        ("0", (0, 0, &[0], "/root")),
        ("app", (1000, 1001, &[1001, 44, 50], "/home/app")),
        ("1000", (1000, 1001, &[1001, 44, 50], "/home/app")),
        ("app:video", (1000, 44, &[44], "/home/app")),
        ("app:7", (1000, 7, &[7], "/home/app")),
        ("app:", (1000, 1001, &[1001, 44, 50], "/home/app")),
        (":video", (0, 44, &[44], "/root")),
        ("4711", (4711, 0, &[0], "/")),
        ("4711:4712", (4711, 4712, &[4712], "/")),
        ("5", (7, 7, &[7], "/five")),
        ("web", (33, 33, &[33, 44], "/")),
        ("2147483647", (2_147_483_647, 0, &[0], "/")),
    ];
    for (user, (uid, gid, groups, home)) in table {
        assert_eq!(look_up(user), Ok((*uid, *gid, groups.to_vec(), (*home).to_owned())), "{user}");
    }
}

#[test]
fn who_is_unknown_or_out_of_range_is_refused() {
    assert_eq!(
        look_up("nobodyx").unwrap_err().to_string(),
        "unable to find user nobodyx: no matching entries in passwd file"
    );
    assert_eq!(look_up("app:nogroupx"), Err(IdentityError::UnknownGroup("nogroupx".to_owned())));
    for user in ["-1", "2147483648", "4294967296", "99999999999999999999", "app:-1", "0:4294967295"] {
        assert!(matches!(look_up(user), Err(IdentityError::Range(_))), "{user}");
    }
    assert!(matches!(look_up("huge"), Err(IdentityError::UnknownUser(_))));
    assert!(Identity::look_up("root", b"", b"").is_err());
    assert_eq!(Identity::look_up("", b"", b"").unwrap().home, "/");
}

proptest! {
    #[test]
    fn whatever_is_in_the_files_ids_stay_in_range(user in ".{0,12}", passwd: Vec<u8>, group: Vec<u8>) {
        if let Ok(found) = Identity::look_up(&user, &passwd, &group) {
            prop_assert!(found.uid <= MAX_ID && found.groups.iter().all(|group| *group <= MAX_ID));
            prop_assert_eq!(found.groups[0], found.gid);
        }
    }
}
