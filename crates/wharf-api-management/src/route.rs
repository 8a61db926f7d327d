//! The route table: each method and path once, with what it does, takes and gives.

mod access;
mod audit;
mod events;
mod governance;
mod keeping;
mod lineage;
mod storage;

use std::borrow::Cow;

use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::api::Api;
use crate::{
    data_keys, fsck, groups, idempotent, imports, jobs, keys, me, members, openapi, projects, quotas, robots, server,
    users,
};

/// What every path begins with.
pub const PREFIX: &str = "/api/v1";

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Reads; HEAD goes with it.
    Get,
    /// Makes something whose place the server chooses.
    Post,
    /// Puts something in its place.
    Put,
    /// Changes a part.
    Patch,
    /// Takes it away.
    Delete,
}

impl Verb {
    /// The method.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// A type as the OpenAPI document shows it.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: fn() -> Cow<'static, str>,
    pub(crate) schema: fn() -> RefOr<Schema>,
    pub(crate) nested: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    const fn of<T: ToSchema>() -> Self {
        Self { name: T::name, schema: T::schema, nested: T::schemas }
    }
}

/// What a successful answer holds.
#[derive(Clone, Copy)]
pub(crate) enum Gives {
    /// 204.
    Nothing,
    /// 200 with a document.
    One(Shape),
    /// 201 with a document and its place.
    Created(Shape),
    /// 200 with a page of a list.
    Page(Shape),
    /// 200 with this document itself.
    OpenApi,
}

type Handler = fn(MethodFilter) -> MethodRouter<Api>;

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method.
    pub verb: Verb,
    /// The path; names in braces are parameters.
    pub path: &'static str,
    /// The use case, a method of `wharf_identity::Identity` where there is one of that name. Unique.
    pub operation: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether callers who have not logged in may be answered; all others are asked to log in before anything else.
    pub is_for_everybody: bool,
    pub(crate) parameters: &'static [&'static str],
    /// Whether `If-Match` is heeded.
    pub(crate) is_conditional: bool,
    /// Whether `Idempotency-Key` is heeded.
    pub(crate) is_idempotent: bool,
    pub(crate) takes: Option<Shape>,
    pub(crate) gives: Gives,
    handler: Handler,
}

impl Route {
    const fn new(verb: Verb, path: &'static str, handler: Handler) -> Self {
        Self {
            verb,
            path,
            operation: "",
            summary: "",
            is_for_everybody: false,
            parameters: &[],
            is_conditional: false,
            is_idempotent: false,
            takes: None,
            gives: Gives::Nothing,
            handler,
        }
    }

    const fn does(self, operation: &'static str, summary: &'static str) -> Self {
        Self { operation, summary, ..self }
    }

    const fn takes<T: ToSchema>(self) -> Self {
        Self { takes: Some(Shape::of::<T>()), ..self }
    }

    const fn gives<T: ToSchema>(self) -> Self {
        Self { gives: Gives::One(Shape::of::<T>()), ..self }
    }

    const fn creates<T: ToSchema>(self) -> Self {
        Self { gives: Gives::Created(Shape::of::<T>()), ..self }
    }

    const fn lists<T: ToSchema>(self) -> Self {
        Self { gives: Gives::Page(Shape::of::<T>()), parameters: &["after", "limit"], ..self }
    }

    const fn with_parameters(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    const fn conditional(self) -> Self {
        Self { is_conditional: true, ..self }
    }

    const fn idempotent(self) -> Self {
        Self { is_idempotent: true, ..self }
    }

    const fn for_everybody(self) -> Self {
        Self { is_for_everybody: true, ..self }
    }

    const fn gives_openapi(self) -> Self {
        Self { gives: Gives::OpenApi, ..self }
    }

    /// The noun that the path is about.
    pub fn noun(&self) -> &'static str {
        let parts = || self.path.split('/').skip(3).filter(|part| !part.starts_with('{'));
        let is_of_project = parts().next() == Some("projects");
        parts().nth(usize::from(is_of_project && parts().count() > 1)).unwrap_or_default()
    }

    pub(crate) fn method_router(&self, api: &Api) -> MethodRouter<Api> {
        let router = (self.handler)(self.verb.filter());
        if self.is_idempotent { router.layer(from_fn_with_state(api.clone(), idempotent::replay)) } else { router }
    }
}

/// The line of one handler.
macro_rules! route {
    ($verb:ident $path:literal $handler:path) => {
        Route::new(Verb::$verb, concat!("/api/v1", $path), |filter| on(filter, $handler))
    };
}
use route;

/// Every route.
pub const ROUTES: &[Route] = &joined::<{ count() }>();

const LISTS: [&[Route]; 8] = [
    GENERAL,
    storage::ROUTES,
    access::ROUTES,
    governance::ROUTES,
    lineage::ROUTES,
    events::ROUTES,
    keeping::ROUTES,
    audit::ROUTES,
];

const fn count() -> usize {
    let (mut list, mut count) = (0, 0);
    while list < LISTS.len() {
        count += LISTS[list].len();
        list += 1;
    }
    count
}

const fn joined<const COUNT: usize>() -> [Route; COUNT] {
    let mut all = [GENERAL[0]; COUNT];
    let (mut list, mut count) = (0, 0);
    while list < LISTS.len() {
        let mut at = 0;
        while at < LISTS[list].len() {
            all[count] = LISTS[list][at];
            (at, count) = (at + 1, count + 1);
        }
        list += 1;
    }
    all
}

/// Routes of accounts, projects, and the registry as a whole.
const GENERAL: &[Route] = &[
    route!(Get "/openapi.json" openapi::show).does("openapi", "This document.").for_everybody().gives_openapi(),
    route!(Get "/server" server::show).does("server", "Which server this is.").gives::<server::ServerBody>(),
    route!(Get "/me" me::show).does("me", "Who the caller is.").gives::<me::MeBody>(),
    route!(Put "/me/password" me::change_password)
        .does("change_password", "Changes the caller's own password. Refresh tokens end with it.")
        .takes::<me::PasswordChangeBody>(),
    route!(Get "/projects" projects::list)
        .does("list_projects", "The projects that the caller sees, in the order of their names.")
        .for_everybody()
        .lists::<projects::ProjectBody>(),
    route!(Post "/projects" projects::create)
        .does("create_project", "Makes a project without members.")
        .for_everybody()
        .takes::<projects::NewProjectBody>()
        .creates::<projects::ProjectBody>(),
    route!(Get "/projects/{project}" projects::show)
        .does("get_project", "One project, with the caller's role in it.")
        .for_everybody()
        .gives::<projects::ProjectBody>(),
    route!(Patch "/projects/{project}" projects::update)
        .does("update_project", "Changes a project's settings; fields that are left out stay as they are.")
        .takes::<projects::ProjectChangeBody>()
        .gives::<projects::ProjectBody>(),
    route!(Delete "/projects/{project}" projects::delete)
        .does("delete_project", "Deletes a project with its members and robots. One that has repositories stays."),
    route!(Get "/projects/{project}/quota" quotas::show)
        .does("get_quota", "What a project may use, and what it uses.")
        .gives::<quotas::QuotaBody>(),
    route!(Put "/projects/{project}/quota" quotas::set)
        .does("set_quota", "Sets what a project may use. More than that is refused; what is there stays.")
        .takes::<quotas::LimitsBody>()
        .gives::<quotas::QuotaBody>(),
    route!(Post "/projects/{project}/quota/recount" quotas::recount)
        .does("recount_quota", "Counts what a project uses anew, and repairs its figures.")
        .gives::<quotas::RecountBody>(),
    route!(Get "/projects/{project}/members" members::list)
        .does("list_members", "A project's members: users, then groups, in the order of their names.")
        .lists::<members::MemberBody>(),
    route!(Put "/projects/{project}/members/{member}" members::put)
        .does("put_member", "Gives a user or a group a role in a project, or another one.")
        .takes::<members::MemberRoleBody>()
        .gives::<members::MemberBody>(),
    route!(Delete "/projects/{project}/members/{member}" members::delete).does("delete_member", "Takes a role away."),
    route!(Get "/projects/{project}/robots" robots::list)
        .does("list_robots", "A project's robot accounts in the order of their names.")
        .lists::<robots::RobotBody>(),
    route!(Post "/projects/{project}/robots" robots::create)
        .does("create_robot", "Makes a robot account. Its secret is in this answer and never again.")
        .takes::<robots::NewRobotBody>()
        .creates::<robots::CreatedRobotBody>(),
    route!(Get "/projects/{project}/robots/{robot}" robots::show)
        .does("get_robot", "One robot account.")
        .gives::<robots::RobotBody>(),
    route!(Patch "/projects/{project}/robots/{robot}" robots::update)
        .does("update_robot", "Changes a robot account; fields that are left out stay as they are.")
        .takes::<robots::RobotChangeBody>()
        .gives::<robots::RobotBody>(),
    route!(Delete "/projects/{project}/robots/{robot}" robots::delete).does("delete_robot", "Deletes a robot account."),
    route!(Post "/projects/{project}/robots/{robot}/secret" robots::rotate)
        .does("rotate_robot_secret", "Gives a robot another secret, shown this one time. The old one ends at once.")
        .gives::<robots::SecretBody>(),
    route!(Get "/users" users::list)
        .does("list_users", "Users in the order of their names.")
        .lists::<users::UserBody>(),
    route!(Post "/users" users::create)
        .does("create_user", "Makes a user.")
        .takes::<users::NewUserBody>()
        .creates::<users::UserBody>(),
    route!(Get "/users/{user}" users::show)
        .does("get_user", "One user: oneself, or any for who may see users.")
        .gives::<users::UserBody>(),
    route!(Patch "/users/{user}" users::update)
        .does("update_user", "Changes a user's role, or whether they may log in; what is left out stays.")
        .takes::<users::UserChangeBody>()
        .gives::<users::UserBody>(),
    route!(Delete "/users/{user}" users::delete)
        .does("delete_user", "Deletes a user with their memberships and refresh tokens."),
    route!(Put "/users/{user}/password" users::set_password)
        .does("set_password", "Gives a user another password. Refresh tokens end with it.")
        .takes::<users::PasswordBody>(),
    route!(Delete "/users/{user}/refresh-tokens" users::revoke_refresh_tokens)
        .does("revoke_refresh_tokens", "Ends all refresh tokens of a user: logs them out everywhere."),
    route!(Post "/imports/htpasswd" imports::htpasswd)
        .does("import_htpasswd", "Makes a user of each entry of an htpasswd file with bcrypt hashes, all or none.")
        .takes::<imports::HtpasswdBody>()
        .gives::<imports::ImportedBody>(),
    route!(Get "/groups" groups::list)
        .does("list_groups", "Groups in the order of their names.")
        .lists::<groups::GroupBody>(),
    route!(Post "/groups" groups::create)
        .does("create_group", "Makes an empty group.")
        .takes::<groups::NewGroupBody>()
        .creates::<groups::GroupBody>(),
    route!(Get "/groups/{group}" groups::show).does("get_group", "One group.").gives::<groups::GroupBody>(),
    route!(Delete "/groups/{group}" groups::delete)
        .does("delete_group", "Deletes a group with its roles in projects. Its users stay."),
    route!(Get "/groups/{group}/users" groups::list_users)
        .does("list_group_users", "A group's users in the order of their names.")
        .lists::<groups::GroupUserBody>(),
    route!(Put "/groups/{group}/users/{user}" groups::add_user).does("add_group_user", "Puts a user into a group."),
    route!(Delete "/groups/{group}/users/{user}" groups::remove_user)
        .does("remove_group_user", "Takes a user out of a group."),
    route!(Get "/keys" keys::list)
        .does("list_keys", "The keys that sign tokens, the newest first.")
        .gives::<keys::KeysBody>(),
    route!(Post "/keys" keys::rotate)
        .does("rotate_keys", "Makes a new key that signs from now on.")
        .takes::<keys::RotationBody>()
        .gives::<keys::NewKeyBody>(),
    route!(Get "/data-keys" data_keys::list)
        .does("list_data_keys", "The keys that secrets and blobs are sealed under, the newest first.")
        .gives::<data_keys::DataKeysBody>(),
    route!(Post "/data-keys" data_keys::rotate)
        .does("rotate_data_key", "Makes a new key for what is sealed from now on.")
        .takes::<data_keys::DataKeyRotationBody>()
        .gives::<data_keys::NewDataKeyBody>(),
    route!(Post "/data-keys/rewrap" data_keys::rewrap)
        .does("rewrap_data_keys", "Wraps all data keys by the master key that the server was given last.")
        .gives::<data_keys::RewrappedBody>(),
    route!(Get "/fsck" fsck::show)
        .does("get_fsck", "The check of the whole registry that goes on, or else the last one.")
        .gives::<fsck::RunBody>(),
    route!(Post "/fsck" fsck::start)
        .does("start_fsck", "Starts a check of the whole registry. It damages and deletes nothing.")
        .takes::<fsck::OptionsBody>()
        .creates::<fsck::RunBody>(),
    route!(Delete "/fsck" fsck::cancel).does("cancel_fsck", "Ends the check that goes on. What it found stays."),
    route!(Get "/fsck/findings" fsck::list_findings)
        .does("list_fsck_findings", "What a check has found, in the order of its finding: the last one, or `run`.")
        .lists::<fsck::FindingBody>()
        .with_parameters(&["after", "limit", "run"]),
    route!(Get "/jobs/dead" jobs::list)
        .does("list_dead_jobs", "What failed too often and waits for people to decide, the oldest first.")
        .lists::<jobs::DeadJobBody>(),
    route!(Post "/jobs/dead/{job}/retry" jobs::retry)
        .does("retry_job", "Gives a job that was given up all its attempts again."),
    route!(Delete "/jobs/dead/{job}" jobs::discard)
        .does("discard_job", "Forgets a job that was given up. What it was for is not done."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_complete_and_stands_once() {
        let places: BTreeSet<_> = ROUTES.iter().map(|route| (route.path, route.verb)).collect();
        let operations: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!((places.len(), operations.len()), (ROUTES.len(), ROUTES.len()));
        for route in ROUTES {
            assert!(route.path.starts_with(PREFIX) && route.summary.ends_with('.'), "{}", route.path);
            assert!(!route.noun().is_empty(), "{}", route.path);
        }
    }

    #[test]
    fn a_path_is_about_its_last_noun_within_a_project_and_its_first_elsewhere() {
        let noun = |path: &str| ROUTES.iter().find(|route| route.path == path).map(Route::noun);
        assert_eq!(noun("/api/v1/projects/{project}"), Some("projects"));
        assert_eq!(noun("/api/v1/projects/{project}/robots/{robot}/secret"), Some("robots"));
        assert_eq!(noun("/api/v1/groups/{group}/users/{user}"), Some("groups"));
    }
}
