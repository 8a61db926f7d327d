//! `wharf project quota`: limits are set and shown, figures counted anew, and who pushes is warned and refused.

use super::management::administrator;
use super::server::Server;
use super::transfers::{ZEROS, push_zeros};

/// A project of [`push_zeros`].
const PROJECT: &str = "a";

#[test]
fn limits_are_set_one_by_one_and_shown_with_what_is_used() {
    let server = Server::start(&["--open"]);
    let admin = administrator(&server);
    push_zeros(&server, ZEROS.0, ZEROS.1);
    let fresh = admin.run(&format!("project quota get {PROJECT}")).done();
    assert!(fresh.contains("no limit"), "{fresh}");
    admin.run(&format!("project quota set {PROJECT} --bytes 10GB --warn-bytes 8GB")).done();
    let set = admin.run(&format!("project quota set {PROJECT} --manifests 5000 --warn-bytes none --json")).json();
    assert_eq!((&set["bytes"]["hard"], &set["bytes"]["warn"]), (&10_000_000_000_u64.into(), &().into()));
    assert_eq!((&set["manifests"]["hard"], &set["bytes"]["used"]), (&5_000.into(), &ZEROS.0.into()));
    let shown = admin.run(&format!("project quota get {PROJECT}")).done();
    assert!(shown.contains("10GB") && shown.contains("5000"), "{shown}");
    assert!(admin.run("project list").done().contains(" MB"), "administrators see what all projects use");

    let counted = admin.run(&format!("project quota recount {PROJECT} --json")).json();
    assert_eq!((&counted["bytes_off"], &counted["manifests_off"]), (&0.into(), &0.into()), "{counted}");
    assert_eq!(counted["quota"]["bytes"], set["bytes"]);
    let log = admin.run("audit list --json").json();
    assert_eq!(log[0]["action"], "quota.recount");
    assert_eq!(log[1]["action"], "quota.set");
}

#[test]
fn limits_that_make_no_sense_and_projects_that_are_not_there_are_refused() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    assert!(admin.run("project quota set shop --bytes 1GB --warn-bytes 2GB").failed(1).contains("warn"));
    assert_eq!(admin.run("project quota set shop").code, 2, "a limit must be named");
    assert_eq!(admin.run("project quota set shop --bytes lots").code, 2);
    assert!(admin.run("project quota get nowhere").failed(7).contains("nowhere"));
    assert!(admin.run("project quota recount nowhere").failed(7).contains("nowhere"));
}
