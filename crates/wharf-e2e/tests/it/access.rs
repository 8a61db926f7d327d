//! Roles as real clients meet them: who may push, move and see, with the accounts that the management API made.

use serde_json::{Value, json};

use crate::command::{Program, has};
use crate::http::Payload;
use crate::layout::{self, TAG};
use crate::random;
use crate::server::Server;

const PASSWORD: &str = "correct horse battery";

/// A project `demo` with one image, and an account for each role.
struct Project {
    server: Server,
    home: std::path::PathBuf,
}

impl Project {
    fn new() -> Self {
        let server = Server::start();
        let home = server.subfolder("home");
        let project = Self { server, home };
        project.manage("POST", "/projects", &json!({ "name": "demo", "is_public": false }), 201);
        for role in ["guest", "developer", "maintainer"] {
            project.manage("POST", "/users", &json!({ "name": role, "password": PASSWORD }), 201);
            project.manage("PUT", &format!("/projects/demo/members/user:{role}"), &json!({ "role": role }), 200);
        }
        project
    }

    /// One call of the management API by the administrator.
    #[track_caller]
    fn manage(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let body = body.to_string();
        let headers = [("Content-Type", "application/json"), ("Authorization", &self.server.basic())];
        let target = format!("/api/v1{path}");
        let answer = self.server.anonymous().exchange(method, &target, &headers, Payload::Sized(body.as_bytes()));
        answer.unwrap_or_else(|error| panic!("{method} {target}: {error}")).expect(status).json()
    }

    /// `skopeo copy` of a new image to a reference, with somebody's credentials.
    fn push(&self, credentials: &str, reference: &str) -> Program {
        let made = layout::image(&self.home);
        let source = format!("oci:{}:{TAG}", made.path.display());
        let target = format!("docker://{}/{reference}", self.server.address);
        Program::new("skopeo", &self.home).args([
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            credentials,
            &source,
            &target,
        ])
    }

    fn inspect(&self, credentials: Option<&str>, reference: &str) -> Program {
        let target = format!("docker://{}/{reference}", self.server.address);
        let inspect = Program::new("skopeo", &self.home).args(["inspect", "--raw", "--tls-verify=false"]);
        inspect
            .args(credentials.map_or_else(|| vec!["--no-creds"], |credentials| vec!["--creds", credentials]))
            .args([target])
    }
}

fn login(role: &str) -> String {
    format!("{role}:{PASSWORD}")
}

#[test]
fn a_guest_pulls_and_cannot_push() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    project.push(&login("maintainer"), "demo/app:v1").run();
    project.inspect(Some(&login("guest")), "demo/app:v1").run();
    project.push(&login("guest"), "demo/app:v2").refused();
    project.push(&login("guest"), "demo/other:v1").refused();
}

#[test]
fn a_developer_adds_a_tag_and_cannot_move_it() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    project.push(&login("developer"), "demo/app:v1").run();
    let before = project.inspect(Some(&login("developer")), "demo/app:v1").run();
    project.push(&login("developer"), "demo/app:v1").refused();
    assert_eq!(project.inspect(Some(&login("developer")), "demo/app:v1").run(), before);
    project.push(&login("maintainer"), "demo/app:v1").run();
    assert_ne!(project.inspect(Some(&login("developer")), "demo/app:v1").run(), before);
}

#[test]
fn everybody_pulls_from_a_public_project_and_nobody_unknown_from_a_private_one() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    project.push(&login("developer"), "demo/app:v1").run();
    project.inspect(None, "demo/app:v1").refused();
    project.manage("PATCH", "/projects/demo", &json!({ "is_public": true }), 200);
    project.inspect(None, "demo/app:v1").run();
}

#[test]
fn a_robot_does_what_it_was_made_for_and_no_more() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    let name = format!("ci-{}", random::word());
    let robot = json!({ "name": name, "permissions": ["pull", "push"], "repositories": ["demo/app"] });
    let robot = project.manage("POST", "/projects/demo/robots", &robot, 201);
    let word = |member: &str| robot[member].as_str().expect("a text").to_owned();
    let credentials = format!("{}:{}", word("login"), word("secret"));
    project.push(&credentials, "demo/app:v1").run();
    project.push(&credentials, "demo/app:v1").refused();
    project.push(&credentials, "demo/other:v1").refused();
    project.manage("POST", &format!("/projects/demo/robots/{name}/secret"), &json!({}), 200);
    project.push(&credentials, "demo/app:v2").refused();
}

#[test]
fn what_is_reserved_for_builders_is_pulled_by_builders_only() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    for name in ["compile-osbase", "prod-osbase"] {
        project.push(&login("maintainer"), &format!("demo/{name}:12")).run();
    }
    project.manage("PUT", "/projects/demo/roles/builders", &json!({ "powers": ["pull"] }), 200);
    let reservation = json!({ "pattern": "demo/compile-*", "role": "builders" });
    project.manage("PUT", "/projects/demo/reservations", &reservation, 200);
    let robot = project.manage("POST", "/projects/demo/robots", &json!({ "name": "ci", "permissions": ["pull"] }), 201);
    let builder = format!("demo+ci:{}", robot["secret"].as_str().expect("a text"));
    project.inspect(Some(&builder), "demo/compile-osbase:12").refused();
    let given = json!({ "holder": "robot:ci", "role": "builders" });
    project.manage("POST", "/projects/demo/assignments", &given, 201);
    project.inspect(Some(&builder), "demo/compile-osbase:12").run();
    for role in ["guest", "maintainer"] {
        project.inspect(Some(&login(role)), "demo/compile-osbase:12").refused();
        project.inspect(Some(&login(role)), "demo/prod-osbase:12").run();
    }
    let why = "/access/why?who=guest&action=pull&on=demo/compile-osbase";
    let told = project.manage("GET", why, &Value::Null, 200);
    assert_eq!(told["is_allowed"], false);
    assert!(told["missing"].to_string().contains("only members of the role `builders` pull from it"), "{told}");
}

#[test]
fn a_role_for_some_tags_pushes_these_alone() {
    if !has(&["skopeo"]) {
        return;
    }
    let project = Project::new();
    project.manage("POST", "/users", &json!({ "name": "release", "password": PASSWORD }), 201);
    let given = json!({ "holder": "user:release", "role": "developer", "repositories": ["demo/app"], "tags": ["1.*"] });
    project.manage("POST", "/projects/demo/assignments", &given, 201);
    project.push(&login("release"), "demo/app:1.0").run();
    let said = project.push(&login("release"), "demo/app:latest").refused();
    assert!(said.contains("your role is for other tags"), "{said}");
    project.push(&login("release"), "demo/other:1.0").refused();
}
