//! Tags of a repository.
//!
//! Spec: distribution-spec, end-8 (list).

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http::Method;
use serde::Deserialize;
use url::Url;
use wharf_oci::Tag;

use super::{Action, Repository};
use crate::call::Call;
use crate::error::Error;
use crate::page::{self, Page};

#[derive(Deserialize)]
struct Tags {
    // `null` where there are none.
    tags: Option<Vec<String>>,
}

impl Repository {
    /// All tags, as the registry tells them page by page.
    pub fn list_tags(&self) -> BoxStream<'static, Result<Tag, Error>> {
        let this = self.clone();
        let pages = page::pages(move |next| {
            let this = this.clone();
            async move { this.page_of_tags(next).await }
        });
        pages.map_ok(|tags| stream::iter(tags.into_iter().map(Ok))).try_flatten().boxed()
    }

    async fn page_of_tags(&self, next: Option<Url>) -> Result<Page<Tag>, Error> {
        let url = match next {
            Some(next) => next,
            None => self.url("tags/list?n=1000").await?,
        };
        let what = format!("list {}", self.of("the tags"));
        let call = Call::new(what, Method::GET, url, self.scope(Action::Pull));
        let (page, next) = page::read::<Tags>(&self.registry, &call).await?;
        // A tag that nobody can ask for is none.
        let tags = page.tags.unwrap_or_default();
        Ok(Page { items: tags.iter().filter_map(|tag| tag.parse().ok()).collect(), next })
    }
}
