//! The rows of the report: which work, with how many clients, beside whom, and what it has to reach.

use crate::figure::Quantity;
use crate::goal::Goal;
use crate::measure::{By, Work};
use crate::server::Maker::{self, Distribution, Nginx, Pipe, Sealed};

/// With how many clients most things are measured.
const CLIENTS: [usize; 3] = [1, 16, 64];

/// How many tags the largest repository has.
pub(crate) const TAGS: usize = 100_000;

/// How many the other one has, to show that a page costs the same.
pub(crate) const FEW_TAGS: usize = 1_000;

/// How many repositories the list of repositories holds, and its one page.
pub(crate) const REPOSITORIES: usize = 5_000;

/// One kind of work.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What `--only` looks at, too.
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    pub(crate) clients: Vec<usize>,
    pub(crate) peers: Vec<Maker>,
    pub(crate) goals: Vec<Goal>,
}

fn row(name: &'static str, work: Work, goals: &[Goal]) -> Row {
    Row { name, work, clients: CLIENTS.to_vec(), peers: vec![Distribution], goals: goals.to_vec() }
}

impl Row {
    fn beside(self, maker: Maker) -> Self {
        Self { peers: [self.peers, vec![maker]].concat(), ..self }
    }

    fn alone(self) -> Self {
        Self { clients: vec![1], ..self }
    }
}

/// All rows, in the order of the report.
pub(crate) fn rows() -> Vec<Row> {
    [pulls(), manifests(), pushes(), lists(), memory(), encryption()].concat()
}

fn pulls() -> Vec<Row> {
    let (rate, cpu) = (Goal::rate, Goal::cpu);
    let pull = |kibibytes| Work::PullBlob { kibibytes };
    vec![
        row("pull of a 1 KiB blob", pull(1), &[rate(10.0, Distribution), cpu(0.1, Distribution)]),
        row("pull of a 1 MiB blob", pull(1 << 10), &[rate(2.2, Distribution), cpu(0.6, Distribution)]),
        row("pull of a 10 MiB blob", pull(10 << 10), &[rate(1.3, Distribution)]),
        row("pull of a 100 MiB blob", pull(100 << 10), &[rate(0.95, Nginx), cpu(2.0, Nginx)]).beside(Nginx),
        row("pull of a whole image", Work::PullImage, &[rate(3.0, Distribution)]),
    ]
}

fn manifests() -> Vec<Row> {
    let goals = [Goal::rate(3.0, Distribution), Goal::cpu(0.3, Distribution)];
    let work = |by, is_head| Work::Manifest { by, is_head };
    vec![
        row("manifest GET by tag", work(By::Tag, false), &goals),
        row("manifest GET by digest", work(By::Digest, false), &goals),
        row("manifest HEAD by tag", work(By::Tag, true), &goals),
        row("manifest HEAD by digest", work(By::Digest, true), &goals),
    ]
}

fn pushes() -> Vec<Row> {
    let twice = [Goal::rate(2.0, Distribution)];
    let layer = [Goal::rate(1.2, Distribution), Goal::rate(0.8, Pipe)];
    let peak = Goal::below(Quantity::Peak, 120.0).with_clients(64);
    let large = |mebibytes| Work::PushLarge { mebibytes };
    vec![
        row("push of a 1 KiB blob", Work::PushSmall, &twice),
        row("tag PUT", Work::PutTag, &twice),
        row("mount of a blob", Work::Mount, &twice),
        row("push of a 10 MiB layer", large(10), &layer).beside(Pipe),
        row("push of a 100 MiB layer", large(100), &[&layer[..], &[peak]].concat()).beside(Pipe),
    ]
}

fn lists() -> Vec<Row> {
    let ten = [Goal::rate(10.0, Distribution)];
    vec![
        row("walk of 100,000 tags", Work::WalkTags, &[Goal::rate(20.0, Distribution)]).alone(),
        row("one page of 100 tags, of 100,000", Work::TagsPage { of: TAGS }, &ten),
        row("one page of 100 tags, of 1,000", Work::TagsPage { of: FEW_TAGS }, &[]),
        row("one page of 5,000 repositories", Work::RepositoriesPage, &ten),
    ]
}

fn memory() -> Vec<Row> {
    let below = Goal::below;
    let pulls = row("64 parallel pulls of 100 MiB", Work::ManyPulls, &[below(Quantity::Peak, 60.0)]);
    let ready = [Quantity::FirstStart, Quantity::LaterStart].map(|start| below(start, 150.0));
    let goals = [&[below(Quantity::Idle, 40.0)][..], &ready].concat();
    vec![Row { clients: vec![64], ..pulls }, row("start", Work::Start, &goals).alone()]
}

/// What encryption at rest costs: the same work without and with it.
fn encryption() -> Vec<Row> {
    let rows = [
        row("encryption: pull of a 1 KiB blob", Work::PullBlob { kibibytes: 1 }, &[]),
        row("encryption: pull of a 10 MiB blob", Work::PullBlob { kibibytes: 10 << 10 }, &[]),
        row("encryption: push of a 10 MiB layer", Work::PushLarge { mebibytes: 10 }, &[]),
    ];
    rows.into_iter().map(|row| Row { clients: vec![1, 16], peers: vec![Sealed], ..row }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_names_a_server_that_is_measured() {
        for row in rows() {
            for goal in &row.goals {
                assert!(goal.against.is_none_or(|maker| row.peers.contains(&maker)), "{}", row.name);
                assert!(row.clients.iter().any(|clients| goal.is_about(*clients)), "{}", row.name);
            }
        }
    }

    #[test]
    fn rows_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = rows().iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows().len());
    }
}
