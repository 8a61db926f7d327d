//! Referrers of a manifest: by the registry's list, else by the tag that stands in for it.
//!
//! Spec: distribution-spec, end-12, and "Referrers Tag Schema" for registries without it.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{Method, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;
use wharf_oci::ports::MAX_REFERRERS;
use wharf_oci::{ContentErrorKind, Descriptor, Digest, MediaType, Reference, Tag, index};

use super::{Action, Repository, manifest};
use crate::call::Call;
use crate::error::Error;
use crate::page::{self, Page};

#[derive(Deserialize)]
struct List {
    manifests: Option<Vec<Box<RawValue>>>,
}

impl Repository {
    /// The manifests whose subject is `subject`, at most [`MAX_REFERRERS`].
    pub async fn list_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        match self.listed_referrers(subject).await {
            Ok(referrers) => Ok(referrers),
            // A registry without the list has no such path, or its own idea of an answer.
            Err(error) if matches!(error.kind(), ContentErrorKind::NotFound | ContentErrorKind::Invalid) => {
                self.tagged_referrers(subject).await
            }
            Err(error) => Err(error),
        }
    }

    async fn listed_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let pages = page::pages(|next| self.page_of_referrers(subject, next));
        let mut pages = std::pin::pin!(pages);
        let (mut referrers, mut known) = (Vec::new(), HashSet::new());
        while let Some(page) = pages.try_next().await? {
            referrers.extend(page.into_iter().filter(|referrer: &Descriptor| known.insert(referrer.digest)));
            if referrers.len() > MAX_REFERRERS {
                let what = format!("list {}", self.of(&format!("the referrers of `{subject}`")));
                return Err(Error::answer(&what, format!("there are more than {MAX_REFERRERS}")));
            }
        }
        Ok(referrers)
    }

    async fn page_of_referrers(&self, subject: &Digest, next: Option<Url>) -> Result<Page<Descriptor>, Error> {
        let url = match next {
            Some(next) => next,
            None => self.url(&format!("referrers/{subject}")).await?,
        };
        let what = format!("list {}", self.of(&format!("the referrers of `{subject}`")));
        let call = Call::new(what, Method::GET, url, self.scope(Action::Pull));
        let call = call.with(header::ACCEPT, MediaType::OciIndex.as_str());
        let (list, next) = page::read::<List>(&self.registry, &call).await?;
        let listed = list.manifests.ok_or_else(|| Error::answer(&call.what, "the answer is no index"))?;
        let parse = |text: Box<RawValue>| {
            Descriptor::parse(text.get().as_bytes()).map_err(|error| Error::answer(&call.what, error.to_string()))
        };
        Ok(Page { items: listed.into_iter().map(parse).collect::<Result<_, _>>()?, next })
    }

    async fn tagged_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let tag = Reference::Tag(tag_of(subject));
        let (descriptor, bytes) = match self.get_manifest(&tag).await {
            Ok(found) => found,
            Err(error) if error.kind() == ContentErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let what = format!("read {}", self.of(&format!("the referrers `{tag}`")));
        Ok(manifest::parse(&what, &descriptor, &bytes)?.children().to_vec())
    }

    /// Writes a referrer into the tag that stands in for the registry's own list.
    pub(super) async fn list_under_tag(&self, subject: &Digest, referrer: Descriptor) -> Result<(), Error> {
        let _alone = self.list.lock().await;
        let mut referrers = self.tagged_referrers(subject).await?;
        if referrers.iter().any(|listed| listed.digest == referrer.digest) {
            return Ok(());
        }
        referrers.push(referrer);
        let bytes = Bytes::from(index::referrers(&referrers));
        let tag = Reference::Tag(tag_of(subject));
        self.put_manifest_at(&tag, MediaType::OciIndex.as_str(), bytes).await.map(drop)
    }
}

/// The tag that lists the referrers of `subject` where the registry does not: `sha256-…`, of at most 64 digits.
fn tag_of(subject: &Digest) -> Tag {
    let hex = subject.hex();
    let text = format!("{}-{}", subject.algorithm(), &hex[..hex.len().min(64)]);
    text.parse().expect("letters, digits and a dash are a tag")
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    #[test]
    fn the_tag_of_a_long_digest_is_cut() {
        let digest = |algorithm| Digest::of(algorithm, b"x");
        let short = digest(Algorithm::Sha256);
        assert_eq!(tag_of(&short).as_str(), format!("sha256-{}", short.hex()));
        assert_eq!(tag_of(&digest(Algorithm::Sha512)).as_str().len(), "sha512-".len() + 64);
    }
}
