//! Whose ids are whose.

use super::*;

#[test]
fn ranges_are_those_of_the_user_by_name_or_number() {
    let user = User { name: Some("ann".to_owned()), uid: 1000, gid: 1000 };
    let text = "ann:100000:65536\nbob:200000:65536\n1000:300000:10\nann:x:1\nann:1\n\n100:5:5\nann:7:0\n";
    assert_eq!(user.ranges_in(text), [Range { start: 100_000, count: 65_536 }, Range { start: 300_000, count: 10 }]);
    let nameless = User { name: None, uid: 100, gid: 100 };
    assert_eq!(nameless.ranges_in(text), [Range { start: 5, count: 5 }]);
}
