//! A router over a fresh catalog and a store in memory, with projects and people in every role.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use data_encoding::BASE64;
use http_body_util::BodyExt;
use tower::ServiceExt;
use wharf_api_distribution::{Naming, Settings};
use wharf_context::{Caller, Context, FakeClock, Govern, Grants, Permission, Permissions, RequestId};
use wharf_identity::{Hashing, Identity, MemberName, NewRobot, NewUser, Openness, Role, Secret, SystemRole};
use wharf_oci::{Algorithm, Digest, ProjectName};
use wharf_registry::{Placing, Registry};
use wharf_testkit::Database;

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Everybody who may knock: the name in the table, and how they log in.
pub(crate) const CALLERS: [&str; 10] = [
    "anonymous",
    "stranger",
    "guest",
    "developer",
    "maintainer",
    "owner",
    "robot-pull",
    "robot-push",
    "auditor",
    "administrator",
];

pub(crate) struct Fixture {
    router: Router,
    pub(crate) robots: Vec<(String, String)>,
    pub(crate) identity: Identity,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<FakeClock>,
    database: Database,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with(
            Settings { public_url: None, service: "wharf".to_owned(), redirect: None, naming: Naming::default() },
            false,
        )
        .await
    }

    pub(crate) async fn with(settings: Settings, is_open: bool) -> Self {
        let database = Database::open().await;
        let clock = Arc::clone(&database.clock);
        let hashing = Hashing { memory_kib: 64, passes: 1, ..Hashing::default() };
        let identity_settings = wharf_identity::Settings { is_open, hashing, ..wharf_identity::Settings::default() };
        let identity =
            Identity::new(identity_settings, database.db.clone(), Arc::clone(&clock) as _).expect("settings work");
        let store = Arc::new(wharf_blob_memory());
        let registry =
            Registry::new(wharf_registry::Settings::default(), database.db.clone(), store, Arc::clone(&clock) as _);
        let router = wharf_api_distribution::router(registry.clone(), identity.clone(), settings);
        let mut this = Self { router, robots: Vec::new(), identity, registry, clock, database };
        this.people().await;
        this
    }

    async fn people(&mut self) {
        let ctx = system();
        for (name, system_role) in [
            ("stranger", None),
            ("guest", None),
            ("developer", None),
            ("maintainer", None),
            ("owner", None),
            ("auditor", Some(SystemRole::Auditor)),
            ("administrator", Some(SystemRole::Administrator)),
        ] {
            let user =
                NewUser { name: name.parse().expect("valid"), password: Some(Secret::new(PASSWORD)), system_role };
            self.identity.create_user(&ctx, &user).await.expect("user is made");
        }
        for (project, openness) in [("private", Openness::Private), ("public", Openness::Public)] {
            let project = project.parse().expect("valid");
            self.identity.create_project(&ctx, &project, openness).await.expect("project is made");
            for (name, role) in [
                ("guest", Role::Guest),
                ("developer", Role::Developer),
                ("maintainer", Role::Maintainer),
                ("owner", Role::Owner),
            ] {
                let name = MemberName::User(name.parse().expect("valid"));
                self.identity.put_member(&ctx, &project, &name, role).await.expect("member is added");
            }
            for (name, permissions) in
                [("robot-pull", &[Permission::Pull][..]), ("robot-push", &[Permission::Pull, Permission::Push])]
            {
                let robot = NewRobot {
                    name: name.parse().expect("valid"),
                    permissions: Permissions::of(permissions),
                    repositories: Vec::new(),
                    expires_at: None,
                };
                let (robot, secret) = self.identity.create_robot(&ctx, &project, &robot).await.expect("robot is made");
                self.robots.push((robot.login(), secret.expose().to_owned()));
            }
        }
    }

    /// The Authorization header of a caller who works on `project`.
    pub(crate) fn basic(&self, caller: &str, project: &str) -> Option<String> {
        if caller == "anonymous" {
            return None;
        }
        let robot = format!("{project}+{caller}");
        let robot = self.robots.iter().find(|(login, _)| *login == robot);
        let pair = match robot {
            Some((login, secret)) => format!("{login}:{secret}"),
            None => format!("{caller}:{PASSWORD}"),
        };
        Some(format!("Basic {}", BASE64.encode(pair.as_bytes())))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the answer arrives whole").to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Places what a tag of development points to in environment `t`, under the same tag.
    pub(crate) async fn promote(&self, repository: &str, tag: &str, digest: &Digest) {
        let project: ProjectName = repository.split('/').next().unwrap_or_default().parse().expect("valid");
        let (project, _) = self.identity.get_project(&system(), &project).await.expect("there");
        let (from, to) = (repository.parse().expect("valid"), format!("t/{repository}").parse().expect("valid"));
        let tags = [tag.parse().expect("valid")];
        let placing = Placing { govern: Govern::decided(project.id), from: &from, digest, to: &to, tags: &tags };
        let ctx = &system();
        let placed = self.database.db.transaction(async |tx| self.registry.place(tx, ctx, &placing).await).await;
        placed.expect("placed");
    }

    /// A request of the administrator.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let authorization = self.basic("administrator", "private").expect("not anonymous");
        let mut request = Request::builder().method(method).uri(path).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    pub(crate) async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = sha256(content);
        let answer =
            self.ask("POST", &format!("/v2/{repository}/blobs/uploads/?digest={digest}"), &[], content.to_vec()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&answer.body));
        digest
    }

    /// Pushes an image of the config `{}` and one layer.
    pub(crate) async fn push_image(&self, repository: &str, reference: &str, layer: &[u8]) -> Digest {
        self.push_blob(repository, b"{}").await;
        self.push_blob(repository, layer).await;
        let body = image(layer);
        let answer = self
            .ask("PUT", &format!("/v2/{repository}/manifests/{reference}"), &[("content-type", IMAGE)], body.clone())
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&answer.body));
        sha256(body.as_bytes())
    }
}

fn wharf_blob_memory() -> wharf_testkit::Memory {
    wharf_testkit::Memory::new()
}

/// Wharf itself, which may manage everything.
pub(crate) fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}

pub(crate) fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

/// A cosign signature: a manifest whose layer is what was signed.
pub(crate) fn signature() -> String {
    image(b"base").replace("application/vnd.oci.image.layer.v1.tar", "application/vnd.dev.cosign.simplesigning.v1+json")
}

pub(crate) fn image(layer: &[u8]) -> String {
    let descriptor = |kind: &str, content: &[u8]| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{}}}"#,
            sha256(content),
            content.len()
        )
    };
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{},"layers":[{}]}}"#,
        descriptor("config.v1+json", b"{}"),
        descriptor("layer.v1.tar", layer)
    )
}
