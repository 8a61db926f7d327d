//! The OpenAPI document, made from the route table and the types of the bodies.

use std::collections::BTreeMap;

use axum::Json;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, HeaderBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::problem::{MEDIA_TYPE, ProblemBody};
use crate::route::{Gives, ROUTES, Route, Shape, Verb};

const DESCRIPTION: &str = "Manages projects, members, robot accounts, users, groups and signing keys, and shows the \
audit log. Log in with HTTP Basic, or with a token of scope `registry:management:*`. Lists come in pages: `next` of one \
is `after` of the following, which the `Link` header names, too. Errors are problem documents (RFC 9457).";

/// The ways to log in; each is enough.
const LOG_INS: [&str; 2] = ["basic", "bearer"];

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// `GET /api/v1/openapi.json`.
pub(crate) async fn show() -> Json<OpenApi> {
    Json(openapi())
}

/// The document.
pub fn openapi() -> OpenApi {
    let mut schemas = Schemas::from([(ProblemBody::name().into_owned(), ProblemBody::schema())]);
    let mut paths = PathsBuilder::new();
    for route in ROUTES {
        collect(route, &mut schemas);
        paths = paths.path(route.path, PathItem::new(http_method(route.verb), operation(route)));
    }
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(LOG_INS[0], SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
        .security_scheme(LOG_INS[1], SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .build();
    let info = InfoBuilder::new().title("Wharf").version("v1").description(Some(DESCRIPTION)).build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .security(Some(LOG_INS.map(log_in)))
        .build()
}

fn log_in(name: &str) -> SecurityRequirement {
    SecurityRequirement::new(name, [""; 0])
}

fn http_method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}

/// The schemas that a route's bodies need.
fn collect(route: &Route, schemas: &mut Schemas) {
    let given = match route.gives {
        Gives::Nothing | Gives::OpenApi => None,
        Gives::One(shape) | Gives::Created(shape) | Gives::Page(shape) => Some(shape),
    };
    for shape in route.takes.into_iter().chain(given) {
        let mut nested = Vec::new();
        (shape.nested)(&mut nested);
        schemas.extend(nested);
        schemas.insert((shape.name)().into_owned(), (shape.schema)());
    }
    if let Gives::Page(shape) = route.gives {
        schemas.insert(page_name(shape), page(shape));
    }
}

fn operation(route: &Route) -> Operation {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_query = route.parameters.iter().copied();
    let header = |is_heeded: bool, name| {
        is_heeded.then(|| parameter(name, (ParameterIn::Header, Required::False), meaning(name)))
    };
    let parameters: Vec<Parameter> = in_path
        .map(|name| parameter(name, (ParameterIn::Path, Required::True), meaning(name)))
        .chain(
            in_query
                .map(|name| parameter(name, (ParameterIn::Query, required_in(route, name)), meaning_in(route, name))),
        )
        .chain(header(route.is_conditional, "If-Match"))
        .chain(header(route.is_idempotent, "Idempotency-Key"))
        .collect();
    let everybody = [SecurityRequirement::default()].into_iter().chain(LOG_INS.map(log_in));
    OperationBuilder::new()
        .securities(route.is_for_everybody.then_some(everybody))
        .operation_id(Some(route.operation))
        .summary(Some(route.summary))
        .tag(route.noun())
        .parameters(Some(parameters))
        .request_body(route.takes.map(request_body))
        .responses(responses(route))
        .build()
}

fn request_body(shape: Shape) -> RequestBody {
    RequestBodyBuilder::new()
        .content("application/json", content(reference(shape)))
        .required(Some(Required::True))
        .build()
}

fn responses(route: &Route) -> ResponsesBuilder {
    let (status, response) = match route.gives {
        Gives::Nothing => ("204", Response::new("Done.")),
        Gives::One(shape) => ("200", document("Done.", reference(shape))),
        Gives::Created(shape) => ("201", with_header(document("Made.", reference(shape)), "Location", "Where it is.")),
        Gives::Page(shape) => {
            let page = document("A page of the list.", Ref::from_schema_name(page_name(shape)).into());
            ("200", with_header(page, "Link", "The next page, where there is one (RFC 8288)."))
        }
        Gives::OpenApi => ("200", document("This document.", ObjectBuilder::new().build().into())),
    };
    let problem = ResponseBuilder::new()
        .description("It was not done; the document says why.")
        .content(MEDIA_TYPE, content(Ref::from_schema_name(ProblemBody::name()).into()));
    ResponsesBuilder::new().response(status, response).response("default", problem.build())
}

fn document(description: &str, schema: RefOr<Schema>) -> Response {
    ResponseBuilder::new().description(description).content("application/json", content(schema)).build()
}

fn with_header(mut response: Response, name: &str, description: &str) -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let header = HeaderBuilder::new().schema(Some(text)).description(Some(description)).build();
    response.headers.insert(name.to_owned(), header.into());
    response
}

fn content(schema: RefOr<Schema>) -> Content {
    Content::new(Some(schema))
}

fn reference(shape: Shape) -> RefOr<Schema> {
    Ref::from_schema_name((shape.name)()).into()
}

fn page_name(shape: Shape) -> String {
    format!("{}Page", (shape.name)())
}

fn page(shape: Shape) -> RefOr<Schema> {
    let nullable = SchemaType::from_iter([Type::String, Type::Null]);
    let next = ObjectBuilder::new()
        .schema_type(nullable)
        .description(Some("What `after` takes for the page that follows; `null` on the last one."));
    ObjectBuilder::new()
        .property("entries", ArrayBuilder::new().items(reference(shape)))
        .property("next", next)
        .required("entries")
        .required("next")
        .build()
        .into()
}

fn parameter(name: &str, (place, required): (ParameterIn, Required), (description, schema): Meaning) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// A sentence, and what the value looks like.
type Meaning = (&'static str, ObjectBuilder);

const ENVIRONMENT: &str = "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$";
const MEMBER: &str = "^(user|group):[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$";

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// What a parameter means in the query of one route: positions are of its list.
fn meaning_in(route: &Route, name: &str) -> Meaning {
    let (description, schema) = meaning(name);
    match (name, route.operation) {
        ("action", "explain_access") => {
            ("What they would do: `pull`, `promotion.approve`.", text("^[a-z]+([.][a-z]+)?$"))
        }
        ("person", "list_audit") => ("Only what this user or robot did.", text("^[!-~]{1,1024}$")),
        ("after", "list_members") => (description, text(MEMBER)),
        ("after", "list_audit") => (description, text("^[0-9]{1,18}-[0-9]{1,18}$")),
        ("after", "list_chain" | "list_checkpoints" | "list_fsck_findings" | "list_dead_jobs" | "list_versions") => {
            (description, text("^[0-9]{1,18}$"))
        }
        ("after", "list_deliveries" | "list_commits" | "list_standing" | "list_rebuilds" | "list_promotions") => {
            (description, text("^[0-9]{1,18}$"))
        }
        ("after", "list_releases" | "list_reviews" | "list_exceptions") => (description, text("^[0-9]{1,18}$")),
        ("after", "verify_audit") => ("The row before the first to look at.", text("^[0-9]{1,18}$")),
        ("repository", "tag_history") => ("A repository of the project.", schema),
        ("after", "tag_history") => (description, text("^[0-9]{1,19}[.][0-9]{1,19}$")),
        ("after", "search") => (description, text("^[0-9]{1,19}-[0-9]{1,19}$")),
        ("to", "eligibility") => ("The environment that it is to go to.", text(ENVIRONMENT)),
        ("state", "list_archives") => {
            ("Only those in this state.", text("^(storing|archived|restoring|restored|failed|destroyed)$"))
        }
        ("state", "list_promotions") => (
            "Only those that stand there.",
            text(
                "^(checking|blocked|awaiting|approved|scheduled|transferring|done|rejected|expired|cancelled|failed|invalidated)$",
            ),
        ),
        ("repository", "eligibility" | "history") => ("A repository, by its name in development.", schema),
        ("after", "list_holds" | "list_retention" | "list_retention_items") => (description, text("^[0-9]{1,18}$")),
        ("repository", "explain_retention") => ("The repository of the tag.", schema),
        ("action", "list_retention_items") => ("Only verdicts with this action.", text("^(keep|delete)$")),
        ("run", "get_retention" | "list_retention_items") => ("The number of a run.", schema),
        _ => (description, schema),
    }
}

fn moment() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format))
}

/// Whether one route does nothing without a parameter of its query.
fn required_in(route: &Route, name: &str) -> Required {
    match (name, route.operation) {
        ("repository" | "tag", "tag_history") | ("who" | "action" | "on", "explain_access") => Required::True,
        ("pattern", "delete_reservation") => Required::True,
        _ => Required::False,
    }
}

/// What a parameter of this name means, wherever it stands.
fn meaning(name: &str) -> Meaning {
    const ACCOUNT: &str = "^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$";
    const VALUE: &str = "^[!-~]{1,1024}$";
    match name {
        "project" => ("A project's name.", text("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$").max_length(Some(255))),
        "member" => ("`user:NAME` or `group:NAME`.", text(MEMBER)),
        "robot" => ("A robot account's name within its project.", text(ACCOUNT)),
        "webhook" => ("A webhook's name within its project.", text("^[a-z0-9][a-z0-9._-]{0,62}$")),
        "q" => ("What an image must be; docs/guide/search.md has the language.", text("^[^\\x00]{0,1024}$")),
        "hook" => ("A hook's name within its project.", text("^[a-z0-9][a-z0-9._-]{0,62}$")),
        "revision" => ("Only the commit of this id, or whose id begins so.", text("^[0-9a-f]{4,64}$")),
        "delivery" => ("A delivery's number.", text("^[0-9]{1,18}$")),
        "state" => ("Only those in this state.", text("^(waiting|delivered|dead)$")),
        "user" => ("A user's name.", text(ACCOUNT)),
        "group" => ("A group's name.", text(ACCOUNT)),
        "role" => ("A role's name.", text(ACCOUNT)),
        "person" => ("A person's name.", text(ACCOUNT)),
        "account" => ("A user, or `PROJECT+ROBOT`.", text("^[A-Za-z0-9][A-Za-z0-9._@+-]{0,384}$")),
        "assignment" => ("The number under which a role was given.", text("^[0-9]{1,18}$")),
        "pattern" => ("The pattern of a reservation.", text("^[a-z0-9][a-z0-9._/*-]{0,254}$")),
        "who" => ("A user, `PROJECT+ROBOT`, or `anonymous`.", text("^[A-Za-z0-9][A-Za-z0-9._@+-]{0,384}$")),
        "on" => ("`REPOSITORY`, `REPOSITORY:TAG`, or a project alone.", text("^[a-z0-9][A-Za-z0-9._/:-]{0,383}$")),
        "digest" => ("`sha256:…` or `sha512:…`.", text("^sha(256|512):[0-9a-f]{64,128}$")),
        "repository" => ("One repository of the project; all of them where nothing is said.", text(VALUE)),
        "tag" => ("A tag.", text("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")),
        "environment" => ("An environment's name.", text(ENVIRONMENT)),
        "with" => ("The environment to compare with.", text(ENVIRONMENT)),
        "promotion" => ("A promotion's id.", text("^[!-.0-~]{1,128}$")),
        "inquiry" => ("An inquiry's id.", text("^[!-.0-~]{1,128}$")),
        "remote" => ("A remote's name within its project.", text("^[a-z0-9][a-z0-9._-]{0,62}$")),
        "release" => ("A release's version.", text("^[A-Za-z0-9._+-]{1,128}$")),
        "exception" => ("An exception's number.", text("^[0-9]{1,18}$")),
        "at" => ("A moment; now where nothing is said.", moment()),
        "Idempotency-Key" => (
            "A name of the client's for this request: sent again with it, it is answered as the first time, and nothing is done twice.",
            text("^[!#-~]{1,128}$"),
        ),
        "If-Match" => ("The revision that the change counts on, as `ETag` gave it.", text("^(\"[0-9]{1,18}\"|[*])$")),
        "after" => ("`next` of the page before.", text(VALUE)),
        "rebuild" => ("The number of a rebuild.", text("^[0-9]{1,18}$")),
        "reference" => ("A tag or a digest.", text("^[A-Za-z0-9_][A-Za-z0-9._:+-]{0,135}$")),
        "job" => ("The number of a job.", text("^[0-9]{1,18}$")),
        "run" => ("The number of a check; the last one where nothing is said.", text("^[0-9]{1,18}$")),
        "object" => ("Only what was done to this; `pay/*`: to all whose names begin with `pay/`.", text(VALUE)),
        "action" => ("Only this was done: `tag.delete`.", text(VALUE)),
        "outcome" => ("Only what ended so.", text("^(succeeded|denied|failed)$")),
        "from" => ("Not before.", moment()),
        "to" => ("Before.", moment()),
        "hold" => ("The number of a hold.", text("^[0-9]{1,18}$")),
        "archive" => ("The number of an archive.", text("^[0-9]{1,18}$")),
        "ended" => ("Whether those that have ended are listed, too.", text("^(true|false)$")),
        "limit" => {
            let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            ("How many entries at most: 100 where nothing is said, never more than 1,000.", number)
        }
        _ => ("", ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_meaning() {
        for route in ROUTES {
            let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            for name in in_path.chain(route.parameters.iter().copied()) {
                assert!(!meaning(name).0.is_empty(), "{name} of {}", route.path);
            }
        }
    }
}
