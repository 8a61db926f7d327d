//! One repository before the judge: its tags, in the order in which they are judged and retired.

use std::collections::HashSet;
use std::time::Duration;

use wharf_context::{Govern, Timestamp};
use wharf_db::{Db, Tx};
use wharf_oci::{Digest, RepositoryName, Tag};
use wharf_registry::Registry;
use wharf_registry::keeping::{Governed, Tagged};

use super::facts::{carried, facts};
use super::rule::{Action, Facts, Judge, Labels, Moment, Protection, Verdict, follow};
use super::section::Retention;
use crate::error::Error;
use crate::governance::Governance;
use crate::tag_rule::TagPolicy;

/// How many tags are listed at a time.
const LISTED: usize = 1_000;
/// How many tags one transaction judges.
pub(super) const JUDGED: usize = 250;
/// The most tags of one repository: all of them are in memory while it is judged.
const MAX_TAGS: usize = 2_000_000;
/// How long what is attached may be there before its image: clients push the image first, so hardly ever.
const BEFORE_ITS_IMAGE: Duration = Duration::from_secs(24 * 3600);

/// A tag and what becomes of it.
pub(super) type Judged<'t> = (&'t Tagged, Verdict);

/// What a judge needs beside a repository's tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) registry: &'a Registry,
    pub(super) retention: &'a Retention,
    /// Which tags are of one form.
    pub(super) forms: &'a TagPolicy,
    pub(super) moment: Moment,
}

impl Bench<'_> {
    /// Containers that were seen since then run.
    fn seen_since(&self) -> Timestamp {
        self.moment.now.minus(self.retention.running_lease.duration())
    }
}

/// What is read about a tag before the transaction that judges it: bytes, and walks through the graph of images.
#[derive(Debug, Default)]
pub(super) struct ReadBefore {
    labels: Labels,
    carried: Option<Protection>,
}

/// All tags of one repository.
#[derive(Debug)]
pub(super) struct Docket {
    govern: Govern,
    pub(super) repository: RepositoryName,
    /// Indexes first: what an index lists goes only after it.
    ordinary: Vec<Tagged>,
    /// Tags that are attached to manifests.
    attached: Vec<Tagged>,
}

impl Docket {
    /// Lists a repository's tags.
    pub(super) async fn open(db: &Db, govern: Govern, repository: &RepositoryName) -> Result<Self, Error> {
        let mut tags: Vec<Tagged> = Vec::new();
        loop {
            let last = tags.last().map(|tagged| tagged.tag.to_string()).unwrap_or_default();
            let page = db
                .transaction(async |tx| {
                    Ok::<_, Error>(Registry::tagged(tx, (govern, repository), (&last, LISTED)).await?)
                })
                .await?;
            let is_end = page.len() < LISTED;
            tags.extend(page);
            if is_end {
                break;
            }
            if tags.len() > MAX_TAGS {
                return Err(Error::TooManyTags { repository: repository.clone(), max: MAX_TAGS });
            }
        }
        let (attached, mut ordinary): (Vec<_>, Vec<_>) =
            tags.into_iter().partition(|tagged| tagged.tag.attached_to().is_some());
        ordinary.sort_by_key(|tagged| !tagged.is_index);
        Ok(Self { govern, repository: repository.clone(), ordinary, attached })
    }

    fn place(&self) -> Governed<'_> {
        (self.govern, &self.repository)
    }

    /// The judge of this repository.
    pub(super) fn judge<'a>(&self, bench: Bench<'a>) -> Judge<'a> {
        Judge::new(bench.retention, &self.repository, (&self.ordinary, bench.forms), bench.moment)
    }

    /// The tags that rules judge.
    pub(super) fn ordinary(&self) -> &[Tagged] {
        &self.ordinary
    }

    /// Reads about some of the ordinary tags what no transaction reads.
    pub(super) async fn read_before(
        &self,
        governance: &Governance,
        (bench, judge): (Bench<'_>, &Judge<'_>),
        tags: &[Tagged],
    ) -> Result<Vec<ReadBefore>, Error> {
        let some: Vec<&Tagged> = tags.iter().collect();
        let times = (bench.seen_since(), bench.moment.now);
        let carried = carried(&mut &governance.db, &some, times).await?;
        let mut read = Vec::with_capacity(tags.len());
        for (tagged, carried) in tags.iter().zip(carried) {
            let labels = if judge.asks_for_labels(&tagged.tag) {
                governance.labels(self.govern.project(), &self.repository, &tagged.digest).await?
            } else {
                Labels::Unknown
            };
            read.push(ReadBefore { labels, carried });
        }
        Ok(read)
    }

    /// Judges some of the ordinary tags.
    pub(super) async fn judge_some<'t>(
        &self,
        tx: &mut Tx<'_>,
        (bench, judge): (Bench<'_>, &Judge<'_>),
        (tags, read): (&'t [Tagged], &[ReadBefore]),
    ) -> Result<Vec<Judged<'t>>, Error> {
        let some: Vec<&Tagged> = tags.iter().collect();
        let all = facts(tx, bench.registry, self.place(), (&some, bench.seen_since())).await?;
        let judged = tags.iter().zip(read).zip(all).map(|((tagged, read), mut facts)| {
            facts.labels = read.labels.clone();
            facts.protections.extend(read.carried.clone());
            (tagged, judge.judge(tagged, &facts))
        });
        Ok(judged.collect())
    }

    /// Judges what is attached, after all others: in the order in which it goes.
    pub(super) async fn judge_attached(
        &self,
        (db, bench): (&Db, Bench<'_>),
        fates: &Fates,
    ) -> Result<Vec<Judged<'_>>, Error> {
        let mut known = Known::default();
        let all: Vec<&Tagged> = self.attached.iter().collect();
        for some in all.chunks(JUDGED) {
            let found = db.transaction(async |tx| self.look(tx, bench, some).await).await?;
            known.verdicts.extend(found.verdicts);
            known.needed.extend(found.needed);
        }
        let (mut staying, going) = (fates.staying.clone(), fates.going.clone());
        let decided = self.attached.iter().zip(&known.verdicts);
        staying.extend(decided.filter_map(|(tagged, verdict)| stays(verdict.as_ref()).then_some(tagged.digest)));
        let open: Vec<(&Tagged, Digest)> = self
            .attached
            .iter()
            .zip(&known.verdicts)
            .filter(|(_, verdict)| verdict.is_none())
            .filter_map(|(tagged, _)| Some((tagged, tagged.tag.attached_to()?)))
            .collect();
        let following = follow(&open, staying, going, &known.needed);
        let mut following = open.iter().zip(following).map(|((_, image), (action, turn))| {
            let verdict = match action {
                Action::Delete => Verdict::with_its_image(image),
                Action::Keep => Verdict::stays_with(image),
            };
            (verdict, turn)
        });
        let mut judged: Vec<(usize, Judged<'_>)> = Vec::with_capacity(self.attached.len());
        for (tagged, verdict) in self.attached.iter().zip(known.verdicts) {
            let decided = verdict.map(|verdict| (verdict, 0)).or_else(|| following.next());
            let (verdict, turn) = decided.unwrap_or_else(|| (Verdict::keep("nothing is known of it".to_owned()), 0));
            judged.push((turn, (tagged, verdict)));
        }
        judged.sort_by_key(|(turn, _)| *turn);
        Ok(judged.into_iter().map(|(_, judged)| judged).collect())
    }

    /// What is known of attached tags without their images' fates.
    async fn look(&self, tx: &mut Tx<'_>, bench: Bench<'_>, tags: &[&Tagged]) -> Result<Known, Error> {
        let images: Vec<Digest> = tags.iter().filter_map(|tagged| tagged.tag.attached_to()).collect();
        let standing: HashSet<Digest> =
            Registry::those_standing(tx, self.place(), &images).await?.into_iter().collect();
        let needed = Registry::needed(tx, self.place(), &images).await?.into_iter().collect();
        let all = facts(tx, bench.registry, self.place(), (tags, bench.seen_since())).await?;
        let verdicts = tags.iter().zip(all).map(|(tagged, Facts { protections, .. })| {
            let image = tagged.tag.attached_to()?;
            let is_young = tagged.since.plus(BEFORE_ITS_IMAGE) > bench.moment.now;
            match Verdict::protected(&protections) {
                Some(verdict) => Some(verdict),
                None if standing.contains(&image) => None,
                None if is_young => Some(Verdict::keep(format!("its image `{image}` may still come"))),
                None => Some(Verdict::without_its_image(&image)),
            }
        });
        Ok(Known { verdicts: verdicts.collect(), needed })
    }

    /// Only what matters for one tag: itself, and, where it is attached, the tags of what it is attached to.
    pub(super) fn only(&mut self, tag: &Tag) {
        let mut wanted: HashSet<Digest> = HashSet::new();
        let mut image = tag.attached_to();
        while let Some(digest) = image.filter(|digest| wanted.insert(*digest)) {
            let carrier = self.attached.iter().find(|tagged| tagged.digest == digest);
            image = carrier.and_then(|tagged| tagged.tag.attached_to());
        }
        self.ordinary.retain(|tagged| tagged.tag == *tag || wanted.contains(&tagged.digest));
        self.attached.retain(|tagged| tagged.tag == *tag || wanted.contains(&tagged.digest));
    }
}

fn stays(verdict: Option<&Verdict>) -> bool {
    verdict.is_some_and(|verdict| verdict.action == Action::Keep)
}

/// What is known of attached tags before their images' fates are.
#[derive(Debug, Default)]
struct Known {
    /// `None` where it depends on the image.
    verdicts: Vec<Option<Verdict>>,
    needed: HashSet<Digest>,
}

/// What becomes of what ordinary tags point to, as far as something is attached to it.
#[derive(Debug, Default)]
pub(super) struct Fates {
    images: HashSet<Digest>,
    staying: HashSet<Digest>,
    going: HashSet<Digest>,
}

impl Fates {
    /// None yet.
    pub(super) fn of(docket: &Docket) -> Self {
        let images = docket.attached.iter().filter_map(|tagged| tagged.tag.attached_to()).collect();
        Self { images, ..Self::default() }
    }

    /// Notes what becomes of a tag.
    pub(super) fn note(&mut self, (tagged, verdict): &Judged<'_>) {
        if !self.images.contains(&tagged.digest) {
            return;
        }
        match verdict.action {
            Action::Keep => self.staying.insert(tagged.digest),
            Action::Delete => self.going.insert(tagged.digest),
        };
    }
}
