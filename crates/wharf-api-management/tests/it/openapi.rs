//! The OpenAPI document and the table of routes in the administrator's guide are those of the code.

use std::path::Path;

use wharf_api_management::{ROUTES, openapi};

use crate::fixture::Fixture;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/admin/api.md");
/// Between these lines of the guide stands what is made here.
const BEGIN: &str = "<!-- routes: made from the code; UPDATE_GOLDEN=1 writes them anew -->\n";
const END: &str = "<!-- end of routes -->";

fn compare(path: &str, wanted: &str) {
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_GOLDEN") {
        std::fs::write(path, wanted).expect("the file is written");
    }
    let found = std::fs::read_to_string(path).expect("the file is there");
    let name = Path::new(path).file_name().expect("a name").display();
    assert!(found == wanted, "{name} is not what the code says; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_document_is_that_of_the_code() {
    compare(DOCUMENT, &(openapi().to_pretty_json().expect("it is JSON") + "\n"));
}

#[test]
fn the_guide_lists_the_routes_of_the_code() {
    let guide = std::fs::read_to_string(GUIDE).expect("the guide is there");
    let (head, rest) = guide.split_once(BEGIN).expect("a beginning");
    let (_, tail) = rest.split_once(END).expect("an end");
    let mut table = String::from("| route | what it does |\n|---|---|\n");
    for route in ROUTES {
        table += &format!("| `{} {}` | {} |\n", route.verb.method(), route.path, route.summary);
    }
    compare(GUIDE, &format!("{head}{BEGIN}{table}{END}{tail}"));
}

#[tokio::test]
async fn the_server_shows_the_document_to_everybody() {
    let shown = Fixture::open().await.get("anonymous", "/api/v1/openapi.json").await.done(200);
    assert_eq!(shown["openapi"], "3.1.0");
    let routes =
        shown["paths"].as_object().expect("paths").values().map(|path| path.as_object().map_or(0, |p| p.len()));
    assert_eq!(routes.sum::<usize>(), ROUTES.len());
}
