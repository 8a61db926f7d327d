//! What a project's rules mean for the tags of one repository. Pure: given tags, facts and a moment, the same verdicts.

mod facts;
mod line;
mod matching;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt;

use wharf_context::Timestamp;
use wharf_oci::{Digest, RepositoryName, Tag};
use wharf_registry::keeping::Tagged;

pub use self::facts::{Facts, Labels, Stay};
use self::matching::is_about_tag;
pub(crate) use self::matching::still_matches;
use super::section::{RankBy, Retention, Rule, RuleAction};
use super::semver::Semver;
use crate::tag_rule::{Form, TagPolicy};

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It stays.
    Keep,
    /// It goes to the bin.
    Delete,
}

impl Action {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}

/// Why a tag stays whatever the rules say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// A hold is on it, on what it points to, or on its repository.
    Held {
        /// The hold's number.
        hold: i64,
        /// Why it was set.
        reason: String,
    },
    /// It stands in an environment.
    Placed {
        /// Which.
        environment: String,
    },
    /// A rollback would bring it back.
    RollbackTarget {
        /// To which environment.
        environment: String,
    },
    /// It runs.
    Running {
        /// On which host; the first of them in byte order.
        host: String,
        /// In how many containers, on all hosts.
        containers: i64,
    },
    /// Something stands on it that must stay.
    Base {
        /// What.
        of: Digest,
        /// Why that must stay, in a sentence's part.
        because: String,
    },
    /// Nobody can say yet.
    Unknown {
        /// What is not known, in a sentence's part.
        what: String,
    },
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { hold, reason } => write!(f, "hold {hold} is on it: {reason}"),
            Self::Placed { environment } => write!(f, "it stands in environment `{environment}`"),
            Self::RollbackTarget { environment } => {
                write!(f, "a rollback of environment `{environment}` brings it back")
            }
            Self::Base { of, because } => write!(f, "it is the base of `{of}`, {because}"),
            Self::Unknown { what } => f.write_str(what),
            Self::Running { host, containers: 1 } => write!(f, "it runs on `{host}`"),
            Self::Running { host, containers } => write!(f, "it runs in {containers} containers, one on `{host}`"),
        }
    }
}

/// What becomes of a tag, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub action: Action,
    /// The rule that decided, by its name.
    pub rule: Option<String>,
    /// Why, in a sentence's part.
    pub because: String,
}

impl Verdict {
    pub(crate) fn keep(because: String) -> Self {
        Self { action: Action::Keep, rule: None, because }
    }

    /// The tag is attached to a manifest, and goes with it.
    pub(crate) fn with_its_image(image: &Digest) -> Self {
        Self { action: Action::Delete, rule: None, because: format!("it is attached to `{image}`, which goes") }
    }

    /// The tag is attached to a manifest that is not there any more.
    pub(crate) fn without_its_image(image: &Digest) -> Self {
        Self { action: Action::Delete, rule: None, because: format!("it is attached to `{image}`, which is gone") }
    }

    /// The tag is attached to a manifest, and stays with it.
    pub(crate) fn stays_with(image: &Digest) -> Self {
        Self::keep(format!("it is attached to `{image}`, which stays"))
    }

    pub(crate) fn protected(protections: &[Protection]) -> Option<Self> {
        let first = protections.iter().min()?;
        let more = protections.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more reasons)") };
        Some(Self::keep(format!("{first}{more}")))
    }
}

/// What is the same for all tags of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub now: Timestamp,
    /// How much of the bytes that the project may use it uses; `None` where it may use any number.
    pub fill_percent: Option<u32>,
}

/// The rules as they are for one repository.
#[derive(Debug)]
pub struct Judge<'a> {
    rules: Vec<Prepared<'a>>,
    moment: Moment,
}

/// A rule, and what it has to know of all tags of a repository.
#[derive(Debug)]
struct Prepared<'a> {
    rule: &'a Rule,
    ranks: Ranks,
    /// When tags were superseded by others, where the rule asks.
    superseded: HashMap<Tag, Timestamp>,
}

/// The rank of each tag that a rule counts, from 1.
type Ranks = HashMap<Tag, u32>;

impl<'a> Judge<'a> {
    /// The judge of a repository with these tags, all of them: what is newest depends on every one. Which tags are of one
    /// form, `forms` says.
    pub fn new(
        retention: &'a Retention,
        repository: &RepositoryName,
        (tags, forms): (&[Tagged], &TagPolicy),
        moment: Moment,
    ) -> Self {
        let forms: &[Form] = forms.rule_of(repository).map_or(&[], |numbered| &numbered.rule.accept);
        let rules = retention.rules.iter().filter(|rule| is_about(rule, repository));
        let rules = rules.map(|rule| Prepared {
            rule,
            ranks: if rule.is_ranked() { ranks(rule, tags) } else { Ranks::new() },
            superseded: if line::asks(rule) { line::superseded(rule, tags, forms) } else { HashMap::new() },
        });
        Self { rules: rules.collect(), moment }
    }

    /// Whether what becomes of a tag may depend on labels.
    pub(crate) fn asks_for_labels(&self, tag: &Tag) -> bool {
        let asks = |rule: &Rule| !rule.labels.is_empty() && is_about_tag(rule, tag);
        self.rules.iter().any(|prepared| asks(prepared.rule))
    }

    /// What becomes of a tag. What must stay is said before any rule.
    pub fn judge(&self, tagged: &Tagged, facts: &Facts) -> Verdict {
        if let Some(verdict) = Verdict::protected(&facts.protections) {
            return verdict;
        }
        for prepared in &self.rules {
            match self.matches(prepared, tagged, facts) {
                Some(true) => return Verdict::by(prepared.rule),
                Some(false) => {}
                None => {
                    return Verdict::keep(format!("rule `{}` asks for labels that cannot be read", prepared.rule.name));
                }
            }
        }
        match facts.left.first() {
            Some(environment) => Verdict::keep(format!(
                "it lies in environment `{environment}`, and no rule for what left that is about it"
            )),
            None => Verdict::keep("no rule is about it".to_owned()),
        }
    }

    /// Whether all that a rule says holds; `None` where it depends on labels that nobody knows.
    fn matches(&self, prepared: &Prepared<'_>, tagged: &Tagged, facts: &Facts) -> Option<bool> {
        let Prepared { rule, ranks, superseded } = prepared;
        let is_meant = is_about_tag(rule, &tagged.tag)
            && (!rule.is_ranked() || is_in_rank(rule, ranks.get(&tagged.tag)))
            && matching::has_age(rule, tagged.since, self.moment.now)
            && matching::is_full(rule, self.moment.fill_percent)
            && (!line::asks(rule)
                || matching::is_superseded(rule, superseded.get(&tagged.tag).copied(), self.moment.now))
            && still_matches(rule, (tagged, facts), self.moment.now);
        if is_meant { facts.labels.have(&rule.labels) } else { Some(false) }
    }
}

impl Verdict {
    fn by(rule: &Rule) -> Self {
        let action = match rule.action {
            RuleAction::Protect => Action::Keep,
            RuleAction::Delete => Action::Delete,
        };
        Self { action, rule: Some(rule.name.clone()), because: format!("rule `{}`", rule.name) }
    }
}

fn is_about(rule: &Rule, repository: &RepositoryName) -> bool {
    rule.repositories.is_empty() || rule.repositories.iter().any(|pattern| pattern.matches(repository.as_str()))
}

/// A tag without a rank is neither among the newest nor beyond them.
fn is_in_rank(rule: &Rule, rank: Option<&u32>) -> bool {
    let Some(rank) = rank else { return false };
    rule.newest.is_none_or(|count| *rank <= count) && rule.beyond.is_none_or(|count| *rank > count)
}

/// Ranks the tags that a rule's patterns are about, whatever rules before it say of them. What is attached to something
/// is no version of anything.
fn ranks(rule: &Rule, tags: &[Tagged]) -> Ranks {
    let counted = tags.iter().filter(|tagged| tagged.tag.attached_to().is_none() && is_about_tag(rule, &tagged.tag));
    let mut order: Vec<&Tagged> = match rule.by {
        RankBy::Push => counted.collect(),
        RankBy::Semver => counted.filter(|tagged| Semver::parse(tagged.tag.as_str()).is_some()).collect(),
    };
    match rule.by {
        RankBy::Push => order.sort_by_key(|tagged| Reverse((tagged.since, &tagged.tag))),
        RankBy::Semver => order.sort_by_key(|tagged| Reverse((Semver::parse(tagged.tag.as_str()), &tagged.tag))),
    }
    order.into_iter().zip(1..).map(|(tagged, rank)| (tagged.tag.clone(), rank)).collect()
}

/// What becomes of a tag that is attached to another manifest, and at which turn that is known: what is attached to
/// something attached comes after it.
pub(crate) type Following = (Action, usize);

/// What becomes of tags that are attached to other manifests: each goes when all tags of its image go, because nothing
/// could find it any more.
///
/// `attached` are these tags, each with what it is attached to; `staying` and `going`, the digests that other tags point to
/// by what becomes of those; `needed`, the digests that something else than a tag needs.
pub(crate) fn follow(
    attached: &[(&Tagged, Digest)],
    mut staying: HashSet<Digest>,
    mut going: HashSet<Digest>,
    needed: &HashSet<Digest>,
) -> Vec<Following> {
    let mut decided: Vec<Option<Following>> = vec![None; attached.len()];
    // Nothing is attached to itself, by however many turns: digests make no circles.
    for turn in 0..=attached.len() {
        let open: HashSet<Digest> = undecided(attached, &decided).map(|at| attached[at].0.digest).collect();
        let ready: Vec<usize> = undecided(attached, &decided).filter(|at| !open.contains(&attached[*at].1)).collect();
        if ready.is_empty() {
            break;
        }
        for at in &ready {
            let image = &attached[*at].1;
            let goes = going.contains(image) && !staying.contains(image) && !needed.contains(image);
            decided[*at] = Some((if goes { Action::Delete } else { Action::Keep }, turn));
        }
        for at in &ready {
            let goes = decided[*at].is_some_and(|(action, _)| action == Action::Delete);
            if goes {
                going.insert(attached[*at].0.digest)
            } else {
                staying.insert(attached[*at].0.digest)
            };
        }
    }
    decided.into_iter().map(|following| following.unwrap_or((Action::Keep, 0))).collect()
}

fn undecided(attached: &[(&Tagged, Digest)], decided: &[Option<Following>]) -> impl Iterator<Item = usize> {
    let open: Vec<usize> = (0..attached.len()).filter(|at| decided[*at].is_none()).collect();
    open.into_iter()
}

#[cfg(test)]
mod tests;
