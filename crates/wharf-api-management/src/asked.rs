//! What a query asks for: which page of a list, and of which things.
//!
//! A parameter that is not known, or stands twice, is refused: it would be taken for something that was done.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use wharf_context::Power;
use wharf_identity::PageRequest;
use wharf_oci::{Digest, ProjectName, Reference, RepositoryName, RepositoryPattern, Tag};

use crate::archives::ArchiveStateWord;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::promotions::StateWord;
use crate::text;
use crate::words::{ActionWord, DeliveryStateWord};

/// The longest value that any list gives or takes.
const MAX_VALUE_BYTES: usize = 1024;

/// A request's query, read into what its list takes; and the request's URI, on which the next page's builds.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T, pub(crate) Uri);

impl<T: for<'de> Deserialize<'de> + Send, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(pairs);
        let query = T::deserialize(pairs);
        query
            .map(|query| Self(query, parts.uri.clone()))
            .map_err(|error| Problem::invalid(format!("the query is wrong: {error}")))
    }
}

/// `after` and `limit`, which every list takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    #[serde(default, deserialize_with = "value")]
    pub(crate) after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
}

/// What lists of a project take that can be asked for one repository alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositoryQuery {
    #[serde(default, deserialize_with = "value")]
    pub(crate) after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "repository")]
    pub(crate) repository: Option<RepositoryName>,
}

/// What the list of a project's versions takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionsQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "repository")]
    pub(crate) repository: Option<RepositoryName>,
}

/// What is asked about one tag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagQuery {
    #[serde(default, deserialize_with = "value")]
    pub(crate) after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) repository: RepositoryName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) tag: Tag,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { after: query.after, limit: query.limit }
    }
}

impl From<PageQuery> for wharf_governance::PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { after: query.after, limit: query.limit }
    }
}

/// What the list of promotions takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromotionsQuery {
    #[serde(default, deserialize_with = "value")]
    after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "text::some")]
    pub(crate) state: Option<StateWord>,
}

impl PromotionsQuery {
    pub(crate) fn page(&self) -> wharf_governance::PageRequest {
        wharf_governance::PageRequest { after: self.after.clone(), limit: self.limit }
    }
}

/// What the inventory of an environment takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InventoryQuery {
    #[serde(default, deserialize_with = "value")]
    after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "text::some")]
    pub(crate) at: Option<Moment>,
}

impl InventoryQuery {
    pub(crate) fn page(&self) -> wharf_governance::PageRequest {
        wharf_governance::PageRequest { after: self.after.clone(), limit: self.limit }
    }
}

/// What the findings of a check take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingsQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) run: Option<i64>,
}

/// What the deliveries of a webhook take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveriesQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default)]
    pub(crate) state: Option<DeliveryStateWord>,
}

/// What a search takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    #[serde(default)]
    pub(crate) q: String,
    #[serde(default, deserialize_with = "value")]
    pub(crate) after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
}

/// What the commits of a project take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommitsQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "revision")]
    pub(crate) revision: Option<String>,
}

/// What a question about one image takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineageQuery {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) repository: RepositoryName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) reference: Reference,
}

/// What a list of what stands on an image takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandingAsked {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) repository: RepositoryName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) reference: Reference,
    #[serde(default, deserialize_with = "value")]
    pub(crate) environment: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
}

/// A commit's id, or how it begins.
fn revision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_hex = (4..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then_some(Some(text)).ok_or_else(|| D::Error::custom("a revision is 4 to 64 hex digits"))
}

/// What a list takes whose entries have numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberedQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
}

/// What an explanation takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessQuery {
    pub(crate) who: String,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) action: Power,
    pub(crate) on: String,
}

/// What ends a reservation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatternQuery {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) pattern: RepositoryPattern,
}

/// What the list of archives takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArchivesAsked {
    #[serde(default, deserialize_with = "value")]
    after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "repository")]
    pub(crate) repository: Option<RepositoryName>,
    #[serde(default, deserialize_with = "text::some")]
    pub(crate) state: Option<ArchiveStateWord>,
}

impl ArchivesAsked {
    pub(crate) fn page(&self) -> wharf_governance::PageRequest {
        wharf_governance::PageRequest { after: self.after.clone(), limit: self.limit }
    }
}

/// What lists of a project take that also hold what has ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndedQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "repository")]
    pub(crate) repository: Option<RepositoryName>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) ended: bool,
}

/// What the list of running containers takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunningAsked {
    #[serde(default, deserialize_with = "value")]
    pub(crate) after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) project: Option<ProjectName>,
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) digest: Option<Digest>,
}

/// What the verdicts of a run of retention take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsAsked {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
    #[serde(default, deserialize_with = "limit")]
    pub(crate) limit: Option<usize>,
    #[serde(default, deserialize_with = "action")]
    pub(crate) action: Option<ActionWord>,
}

/// One tag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneTagQuery {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) repository: RepositoryName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) tag: Tag,
}

/// A text that means something: a query has no `null`.
fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    text::parse(deserializer).map(Some)
}

/// A verdict's action.
fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ActionWord>, D::Error> {
    ActionWord::deserialize(deserializer).map(Some)
}

/// `true` or `false`.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom("it is `true` or `false`"))
}

/// A row's number, as lists give them.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number.map(Some).ok_or_else(|| D::Error::custom("it takes the number that a list gave"))
}

/// A name or a number, as lists give them.
pub(crate) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > MAX_VALUE_BYTES || !is_printable {
        return Err(D::Error::custom(format!("a value is 1 to {MAX_VALUE_BYTES} printable characters of ASCII")));
    }
    Ok(Some(text))
}

/// A repository's name: a query has texts and no `null`.
fn repository<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RepositoryName>, D::Error> {
    text::parse(deserializer).map(Some)
}

/// A number of entries. One too large to hold is capped like any other large one.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err(D::Error::custom("`limit` is the number of entries wanted, 1 or more")),
        Ok(number) if is_number => Ok(Some(number)),
        Err(_) if is_number => Ok(Some(usize::MAX)),
        Ok(_) | Err(_) => Err(D::Error::custom("`limit` is the number of entries wanted, 1 or more")),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn ask(query: &str) -> Option<PageRequest> {
        let request = Request::builder().uri(format!("/x?{query}")).body(()).expect("a request");
        let asked = Asked::<PageQuery>::from_request_parts(&mut request.into_parts().0, &()).await;
        asked.ok().map(|Asked(query, _)| query.into())
    }

    #[tokio::test]
    async fn a_query_says_each_thing_once() {
        let page = |after: Option<&str>, limit| Some(PageRequest { after: after.map(str::to_owned), limit });
        let table = [
            ("", page(None, None)),
            ("after=a%3Ab&limit=7", page(Some("a:b"), Some(7))),
            ("limit=99999999999999999999999", page(None, Some(usize::MAX))),
            ("limit=0", None),
            ("limit=", None),
            ("limit=-1", None),
            ("limit=%2B1", None),
            ("limit=1&limit=1", None),
            ("limit=1&offset=2", None),
            ("after=%00", None),
            ("after=%FF", None),
            ("after=", None),
            ("after=a+b", None),
        ];
        for (query, wanted) in table {
            assert_eq!(ask(query).await, wanted, "{query}");
        }
        assert_eq!(ask(&format!("after={}", "a".repeat(MAX_VALUE_BYTES + 1))).await, None);
    }

    #[tokio::test]
    async fn a_list_is_asked_for_one_repository() {
        let ask = async |query: &str| {
            let request = Request::builder().uri(format!("/x?{query}")).body(()).expect("a request");
            let asked = Asked::<RepositoryQuery>::from_request_parts(&mut request.into_parts().0, &()).await;
            asked.ok().map(|Asked(query, _)| query.repository.map(|repository| repository.to_string()))
        };
        assert_eq!(ask("repository=shop%2Fweb&limit=1").await, Some(Some("shop/web".to_owned())));
        assert_eq!(ask("limit=1").await, Some(None));
        assert_eq!(ask("repository=Shop").await, None);
    }
}
