//! From the registry into a cold folder and back, as people with Wharf's command line and machines with skopeo go.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::skopeo;
use crate::command::{Program, has};
use crate::layout::{self, TAG};
use crate::server::{Server, Settings, binary};

const PASSWORD: &str = "correct horse battery staple";

/// A server with a cold folder, project `pay`, and people in it.
struct Bank {
    server: Server,
    home: PathBuf,
    cold: PathBuf,
}

impl Bank {
    fn open(variables: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let cold = folder.join("cold");
        let mut all = vec![("WHARF_ARCHIVE_URL", format!("file://{}", cold.display()))];
        all.extend(variables);
        let server = Server::with(Settings { variables: all, ..Settings::default() });
        server.manage("POST", "projects", &json!({ "name": "pay" }));
        for (user, role) in [("dev", "developer"), ("ada", "maintainer"), ("bob", "owner"), ("cyd", "owner")] {
            server.manage("POST", "users", &json!({ "name": user, "password": PASSWORD }));
            server.manage("PUT", &format!("projects/pay/members/user:{user}"), &json!({ "role": role }));
        }
        let home = server.subfolder("home");
        skopeo::log_in(&server, &home);
        Self { server, home, cold }
    }

    /// `wharf` as one of the project's people.
    fn wharf(&self, user: &str, words: &[&str]) -> Program {
        let file = self.home.join(format!("{user}.password"));
        std::fs::write(&file, PASSWORD).expect("written");
        let server = format!("WHARF_SERVER=http://{}", self.server.address);
        let password = format!("WHARF_PASSWORD_FILE={}", file.display());
        let first = [server, format!("WHARF_USERNAME={user}"), password, binary().display().to_string()];
        Program::new("env", &self.home).args(first).args(words)
    }

    fn json(&self, user: &str, words: &[&str]) -> Value {
        serde_json::from_str(&self.wharf(user, words).args(["--json"]).run()).expect("JSON")
    }

    fn copy(&self, from: &str, to: &str) -> Program {
        let words = ["copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", from, to];
        Program::new("skopeo", &self.home).args(words)
    }

    fn remote(&self, tag: &str) -> String {
        format!("docker://{}/pay/app:{tag}", self.server.address)
    }

    fn bundle(&self, digest: &str) -> PathBuf {
        self.cold.join("pay/app/OCI").join(digest.replace(':', "-"))
    }

    /// The digest that skopeo finds.
    fn inspect(&self, image: &str) -> String {
        let words = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", image];
        Program::new("skopeo", &self.home).args(words).run()
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        let folder: &Path = self.cold.parent().unwrap_or(&self.cold);
        // What is left in the temporary folder does not make the test fail.
        drop(std::fs::remove_dir_all(folder));
    }
}

#[test]
fn an_image_is_archived_read_by_skopeo_in_the_cold_and_restored() {
    if !has(&["skopeo"]) {
        return;
    }
    let bank = Bank::open(Vec::new());
    let made = layout::index(&bank.home);
    bank.copy(&format!("oci:{}:{TAG}", made.path.display()), &bank.remote("1.0")).run();
    bank.wharf("dev", &["archive", "put", "pay/app:1.0"]).refused();
    let archived = bank.json("ada", &["archive", "put", "pay/app:1.0", "--reason", "the project ends"]);
    assert_eq!((&archived["state"], &archived["digest"]), (&"archived".into(), &made.digest.as_str().into()));
    // Without Wharf, from the folder alone.
    let cold = bank.bundle(&made.digest);
    assert_eq!(bank.inspect(&format!("oci:{}:1.0", cold.display())), made.digest);
    let said = bank.copy(&bank.remote("1.0"), &format!("oci:{}:x", bank.home.join("early").display())).refused();
    assert!(said.contains("is in archive 1") && said.contains("wharf restore pay/app:1.0"), "{said}");
    let found = bank.json("dev", &["search", "is:archived"]);
    assert_eq!((&found[0]["digest"], &found[0]["tags"][0]), (&made.digest.as_str().into(), &"1.0".into()), "{found}");
    let listed = bank.wharf("dev", &["archive", "ls", "pay", "--state", "archived"]).run();
    assert!(listed.contains(&made.digest), "{listed}");
    bank.wharf("ada", &["restore", "pay/app:2.0"]).refused();
    let restored = bank.json("ada", &["restore", "pay/app:1.0"]);
    assert_eq!(restored["state"], "restored", "{restored}");
    let back = bank.home.join("back");
    bank.copy(&bank.remote("1.0"), &format!("oci:{}:{TAG}", back.display())).run();
    layout::same(&made.path, &back);
    let history = bank.json("dev", &["history", &format!("pay/app@{}", made.digest)]);
    assert_eq!(history["archives"][0]["state"], "restored", "{history}");
    bank.wharf("dev", &["archive", "show", "pay", "1"]).run();
}
