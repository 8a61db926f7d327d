//! Whose word counts, and whether it is enough. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::environment::{Distinct, Executor, Passage, Slot};
use crate::ports::Standing;

/// Who has to do with a promotion already, as persons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parties {
    /// Who pushed what is promoted.
    pub pushers: BTreeSet<String>,
    /// Who asked for it.
    pub requester: String,
}

/// Why somebody's word does not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// No slot is for them.
    #[error("approving this takes {wanted}, which you are not")]
    NoSlot {
        /// Whom it takes.
        wanted: String,
    },
    /// They pushed it.
    #[error("you pushed what is to be promoted; somebody else has to approve it")]
    Pusher,
    /// They asked for it.
    #[error("you asked for this promotion; somebody else has to approve it")]
    Requester,
    /// One of their team has approved.
    #[error("somebody of your team (group `{group}`) has approved already; this takes people of different teams")]
    Team {
        /// The group that both are in.
        group: String,
    },
    /// Nobody vouched for their being another person.
    #[error(
        "this takes {people} people, and then only accounts that are linked to a verified person count; ask an administrator to link yours to you"
    )]
    Unverified {
        /// How many people it takes.
        people: u32,
    },
}

/// Whether `candidate` can fill any slot of a passage beside those who have agreed.
pub fn may_approve(
    passage: &Passage,
    parties: &Parties,
    candidate: &Standing,
    agreed: &[Standing],
) -> Result<(), Unfit> {
    let people = passage.people();
    if people > 1 && !candidate.person.is_verified {
        return Err(Unfit::Unverified { people });
    }
    let fits: Vec<Result<(), Unfit>> = passage.approvals.iter().map(|slot| fits(slot, parties, candidate)).collect();
    if !fits.iter().any(Result::is_ok) {
        // The reason that is most about this person comes first.
        let reasons = fits.into_iter().filter_map(Result::err);
        let reason = reasons.max_by_key(|unfit| !matches!(unfit, Unfit::NoSlot { .. }));
        return Err(reason.unwrap_or_else(|| Unfit::NoSlot { wanted: wanted(passage) }));
    }
    let others = agreed.iter().filter(|other| other.person.key != candidate.person.key);
    if passage.parts_teams()
        && let Some(group) = others.flat_map(|other| &other.groups).find(|group| candidate.groups.contains(group))
    {
        return Err(Unfit::Team { group: group.clone() });
    }
    Ok(())
}

/// Whether `candidate` can fill a slot.
fn fits(slot: &Slot, parties: &Parties, candidate: &Standing) -> Result<(), Unfit> {
    if !is_in((slot.role.as_deref(), slot.group.as_deref()), candidate) {
        return Err(Unfit::NoSlot { wanted: describe(slot) });
    }
    let person = &candidate.person.key;
    if slot.distinct_from.contains(&Distinct::Pusher) && parties.pushers.contains(person) {
        return Err(Unfit::Pusher);
    }
    if slot.distinct_from.contains(&Distinct::Requester) && parties.requester == *person {
        return Err(Unfit::Requester);
    }
    Ok(())
}

fn is_in((role, group): (Option<&str>, Option<&str>), candidate: &Standing) -> bool {
    let has =
        |names: &[String], wanted: Option<&str>| wanted.is_none_or(|wanted| names.iter().any(|name| name == wanted));
    has(&candidate.roles, role) && has(&candidate.groups, group)
}

/// How many more people have to agree: what the best distribution of those who have leaves open. Each person fills one
/// place at most, whatever number of accounts agreed.
pub fn missing(passage: &Passage, parties: &Parties, agreed: &[Standing]) -> u32 {
    let mut counted: Vec<Standing> = Vec::new();
    for person in agreed {
        let is_new = counted.iter().all(|other| other.person.key != person.person.key);
        // Asked one after the other, as they came: of two of one team the first counts.
        if is_new && may_approve(passage, parties, person, &counted).is_ok() {
            counted.push(person.clone());
        }
    }
    let places: Vec<&Slot> = passage.approvals.iter().flat_map(|slot| (0..slot.count).map(move |_| slot)).collect();
    let takes = |place: usize, person: usize| fits(places[place], parties, &counted[person]).is_ok();
    let mut seats = Seats { taken: vec![None; places.len()], takes: &takes };
    let seated = (0..counted.len()).filter(|person| seats.seat(*person, &mut vec![false; places.len()])).count();
    u32::try_from(places.len() - seated).unwrap_or(u32::MAX)
}

/// Places and who sits there: the largest number of people that can be seated (augmenting paths).
struct Seats<'a> {
    taken: Vec<Option<usize>>,
    takes: &'a dyn Fn(usize, usize) -> bool,
}

impl Seats<'_> {
    /// Seats one more, moving others where that makes room.
    fn seat(&mut self, person: usize, seen: &mut [bool]) -> bool {
        for place in 0..self.taken.len() {
            if seen[place] || !(self.takes)(place, person) {
                continue;
            }
            seen[place] = true;
            let is_free = match self.taken[place] {
                None => true,
                Some(other) => self.seat(other, seen),
            };
            if is_free {
                self.taken[place] = Some(person);
                return true;
            }
        }
        false
    }
}

/// Why somebody may not execute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExecutor {
    /// It is for others.
    #[error("executing this takes {0}, which you are not")]
    NotIn(String),
    /// They asked for it.
    #[error("you asked for this promotion; somebody else has to execute it")]
    Requester,
    /// They approved it.
    #[error("you approved this promotion; somebody else has to execute it")]
    Approver,
}

/// Whether somebody may execute what was approved.
pub fn may_execute(
    executor: &Executor,
    parties: &Parties,
    candidate: &Standing,
    agreed: &[Standing],
) -> Result<(), NotExecutor> {
    let wanted = (executor.role.as_deref(), executor.group.as_deref());
    if !is_in(wanted, candidate) {
        return Err(NotExecutor::NotIn(describe_one(wanted)));
    }
    let person = &candidate.person.key;
    if !executor.may_be_requester && parties.requester == *person {
        return Err(NotExecutor::Requester);
    }
    if !executor.may_be_approver && agreed.iter().any(|approver| approver.person.key == *person) {
        return Err(NotExecutor::Approver);
    }
    Ok(())
}

/// Whom a passage takes, in words.
pub fn wanted(passage: &Passage) -> String {
    let slots: Vec<String> = passage.approvals.iter().map(describe).collect();
    if slots.is_empty() { "nobody".to_owned() } else { slots.join(" and ") }
}

fn describe(slot: &Slot) -> String {
    format!("{} × {}", slot.count, describe_one((slot.role.as_deref(), slot.group.as_deref())))
}

fn describe_one(wanted: (Option<&str>, Option<&str>)) -> String {
    match wanted {
        (Some(role), Some(group)) => format!("{role} of group `{group}`"),
        (Some(role), None) => role.to_owned(),
        (None, Some(group)) => format!("member of group `{group}`"),
        (None, None) => "somebody".to_owned(),
    }
}

#[cfg(test)]
mod tests;
