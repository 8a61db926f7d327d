//! Lists that a registry gives page by page.
//!
//! Spec: distribution-spec, "Listing Tags"; RFC 8288 for `Link`.

use std::future::Future;

use futures_util::stream::{self, Stream};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::call::Call;
use crate::error::Error;
use crate::registry::Registry;

/// The largest page.
const MAX_PAGE_BYTES: usize = 32 * 1024 * 1024;
/// The most pages of a list: a registry that has more sends us in a circle.
const MOST_PAGES: usize = 1_000_000;

/// Some of a list, and where more of it is.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<Url>,
}

/// What a list's stream does next.
enum Next {
    First,
    At(Url),
    End,
}

/// All pages, each fetched when it is asked for.
pub(crate) fn pages<T, F>(fetch: impl Fn(Option<Url>) -> F) -> impl Stream<Item = Result<Vec<T>, Error>>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    stream::try_unfold((Next::First, 0, fetch), |(next, count, fetch)| async move {
        let at = match next {
            Next::First => None,
            Next::At(url) => Some(url),
            Next::End => return Ok(None),
        };
        let page = fetch(at.clone()).await?;
        let is_circle = page.next.is_some() && (page.next == at || count >= MOST_PAGES);
        let next = page.next.filter(|_| !is_circle).map_or(Next::End, Next::At);
        Ok(Some((page.items, (next, count + 1, fetch))))
    })
}

/// Fetches one page: its document, and where the next is.
pub(crate) async fn read<D: DeserializeOwned>(registry: &Registry, call: &Call) -> Result<(D, Option<Url>), Error> {
    let (head, body) = registry.call(call).await?.into_parts();
    let line = registry.line().await?;
    let body = line.collect(&call.what, body, MAX_PAGE_BYTES).await?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Error::answer(&call.what, format!("the registry's answer is not the list: {error}")))?;
    let Some(target) = next(&head.headers) else { return Ok((document, None)) };
    let next = call.url.join(target).ok().and_then(|url| line.locate(url.as_str())).filter(|url| line.is_own(url));
    // What is elsewhere is not fetched, and a list is not cut short in silence.
    let next = next.ok_or_else(|| Error::answer(&call.what, "the list goes on at another server"))?;
    Ok((document, Some(next)))
}

/// The target of a `Link` with `rel="next"`.
fn next(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|text| text.split(", <")).find_map(|link| {
        let (target, parameters) = link.trim_start().trim_start_matches('<').split_once('>')?;
        let is_next = |parameter: &str| matches!(parameter.trim(), r#"rel="next""# | "rel=next" | r#"rel='next'"#);
        parameters.split([';', ',']).any(is_next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_link_says() {
        for (text, target) in [
            (r#"</v2/a/tags/list?last=x&n=2>; rel="next""#, Some("/v2/a/tags/list?last=x&n=2")),
            (r#"<https://r.example/v2/x>;rel=next"#, Some("https://r.example/v2/x")),
            (r#"</first>; rel="prev", </second>; rel="next""#, Some("/second")),
            (r#"</first>; title="a"; rel="next", </second>; rel="last""#, Some("/first")),
            (r#"</x>; rel="previous""#, None),
            ("</x>", None),
            ("nonsense", None),
            ("", None),
        ] {
            let headers = [(header::LINK, text.parse().expect("a header"))].into_iter().collect();
            assert_eq!(next(&headers), target, "{text}");
        }
    }
}
