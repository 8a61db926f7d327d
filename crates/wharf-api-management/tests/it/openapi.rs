//! The OpenAPI document and the table of routes in the administrator's guide are those of the code.

use wharf_api_management::{ROUTES, openapi};

use crate::fixture::Fixture;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/admin/api.md");
#[test]
fn the_document_is_that_of_the_code() {
    let wanted = openapi().to_pretty_json().expect("it is JSON") + "\n";
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_GOLDEN") {
        std::fs::write(DOCUMENT, &wanted).expect("the file is written");
    }
    let found = std::fs::read_to_string(DOCUMENT).expect("the file is there");
    assert!(found == wanted, "{DOCUMENT} is not what the code says; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_guide_says_what_each_route_does() {
    let guide = std::fs::read_to_string(GUIDE).expect("the guide is there");
    for route in ROUTES {
        let line = format!("| `{} {}` | {} |", route.verb.method(), route.path, route.summary);
        assert!(guide.lines().any(|found| found == line), "{GUIDE} lacks\n{line}");
    }
}

#[tokio::test]
async fn the_server_shows_the_document_to_everybody() {
    let shown = Fixture::open().await.get("anonymous", "/api/v1/openapi.json").await.done(200);
    assert_eq!(shown["openapi"], "3.1.0");
    let routes =
        shown["paths"].as_object().expect("paths").values().map(|path| path.as_object().map_or(0, |p| p.len()));
    assert_eq!(routes.sum::<usize>(), ROUTES.len());
}
