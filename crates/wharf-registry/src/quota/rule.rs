//! How limits are divided among shards, and when they are reached. Pure.
//!
//! What always holds: a shard never uses more than its allowance, and all allowances together never exceed the next
//! limit, unless the usage does already. So the usage cannot pass a limit without coming here, where all shards are seen.

use wharf_context::quota::{Amount, Limit, Limits, PerResource, Quota, Resource};

use crate::error::{Error, QuotaExceeded};

/// A new allowance is at most this share of what nobody has yet, for each shard: half of the rest stays for others.
const LEAST_SHARDS: i64 = 4;

/// One shard's counters. No allowance means that it may count without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shard {
    pub(crate) number: i64,
    pub(crate) used: Amount,
    pub(crate) allowance: PerResource<Option<i64>>,
}

/// All that a project's limits are decided by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Book {
    pub(crate) limits: Limits,
    /// Whether people were told already that the limit that warns is exceeded.
    pub(crate) is_warned: PerResource<bool>,
    pub(crate) shards: Vec<Shard>,
}

/// What a taking comes to for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Grant {
    /// The allowance of the shard that takes, from now on.
    pub(crate) allowance: Option<i64>,
    /// Whether what other shards may still count is taken from them first.
    pub(crate) must_reclaim: bool,
    /// Whether people are to be told that the limit that warns is exceeded from now on.
    pub(crate) has_crossed: bool,
}

impl Book {
    /// What is used of one resource.
    pub(crate) fn used(&self, resource: Resource) -> i64 {
        self.shards.iter().map(|shard| shard.used.of(resource)).sum()
    }

    /// The same as others see it.
    pub(crate) fn quota(&self) -> Quota {
        let usage = Amount { bytes: self.used(Resource::Bytes), manifests: self.used(Resource::Manifests) };
        Quota { limits: self.limits, usage, is_counted: true }
    }

    fn shard(&self, number: i64) -> Shard {
        let found = self.shards.iter().find(|shard| shard.number == number).copied();
        found.unwrap_or(Shard {
            number,
            used: Amount::default(),
            allowance: PerResource { bytes: Some(0), manifests: Some(0) },
        })
    }

    /// Takes `amount` in the shard `number`: of both resources, or of none.
    pub(crate) fn take(&self, number: i64, amount: &Amount) -> Result<PerResource<Grant>, QuotaExceeded> {
        for resource in Resource::ALL {
            fits(self.limits.of(resource), self.used(resource), *amount.of(resource), resource)?;
        }
        Ok(PerResource {
            bytes: self.grant(Resource::Bytes, number, amount.bytes),
            manifests: self.grant(Resource::Manifests, number, amount.manifests),
        })
    }

    /// How a shard comes to an allowance for `wanted`, which fits.
    fn grant(&self, resource: Resource, number: i64, wanted: i64) -> Grant {
        let (limit, used) = (self.limits.of(resource), self.used(resource));
        let is_warned = *self.is_warned.of(resource);
        let has_crossed = !is_warned && wanted > 0 && limit.warn.is_some_and(|warn| used + wanted > warn);
        let Some(ceiling) = ceiling(limit, is_warned || has_crossed) else {
            return Grant { allowance: None, must_reclaim: false, has_crossed };
        };
        let own = self.shard(number);
        let (own_used, own_allowance) = (*own.used.of(resource), *own.allowance.of(resource));
        let assigned: Option<i64> = self.shards.iter().map(|shard| *shard.allowance.of(resource)).sum();
        let share =
            |rest: i64| rest.max(0) / (2 * LEAST_SHARDS.max(i64::try_from(self.shards.len()).unwrap_or(i64::MAX / 2)));
        if let (Some(assigned), Some(allowance)) = (assigned, own_allowance) {
            let (rest, missing) = (ceiling - assigned, own_used + wanted - allowance);
            if missing <= 0 {
                return Grant { allowance: Some(allowance), must_reclaim: false, has_crossed };
            }
            if missing <= rest {
                let allowance = Some(allowance + missing.max(share(rest)));
                return Grant { allowance, must_reclaim: false, has_crossed };
            }
        }
        let allowance = Some(own_used + wanted + share(ceiling - used - wanted));
        Grant { allowance, must_reclaim: true, has_crossed }
    }
}

/// What all allowances together may come to: the next limit at which something happens.
fn ceiling(limit: &Limit, is_warned: bool) -> Option<i64> {
    match (limit.warn.filter(|_| !is_warned), limit.hard) {
        (Some(warn), Some(hard)) => Some(warn.min(hard)),
        (warn, hard) => warn.or(hard),
    }
}

/// Whether `wanted` more fits under the limit.
pub(crate) fn fits(limit: &Limit, used: i64, wanted: i64, resource: Resource) -> Result<(), QuotaExceeded> {
    match limit.hard {
        Some(limit) if wanted > 0 && used.saturating_add(wanted) > limit => {
            Err(QuotaExceeded { resource, limit, used, wanted })
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks limits that somebody wants to set.
pub(crate) fn check(limits: &Limits) -> Result<(), Error> {
    let is_wrong = |limit: &Limit| {
        let negative = limit.hard.is_some_and(|hard| hard < 0) || limit.warn.is_some_and(|warn| warn < 0);
        negative || matches!((limit.warn, limit.hard), (Some(warn), Some(hard)) if warn > hard)
    };
    match Resource::ALL.into_iter().find(|resource| is_wrong(limits.of(*resource))) {
        Some(resource) => Err(Error::QuotaInvalid { resource }),
        None => Ok(()),
    }
}

/// The sentence for those who push into a project that uses more than a limit that warns.
pub(crate) fn warning(quota: &Quota, exceeded: &[Resource]) -> Option<String> {
    let parts: Vec<String> = exceeded
        .iter()
        .map(|resource| {
            let (used, limit) = (*quota.usage.of(*resource), quota.limits.of(*resource));
            match limit.hard {
                Some(hard) => format!("{} of {}", written(*resource, used), written(*resource, hard)),
                None => {
                    format!("{} (expected: {})", written(*resource, used), written(*resource, limit.warn.unwrap_or(0)))
                }
            }
        })
        .collect();
    (!parts.is_empty()).then(|| format!("the quota of this project is nearly used up: {}", parts.join(", ")))
}

/// An amount as people read it.
pub(crate) fn written(resource: Resource, amount: i64) -> String {
    const UNITS: [(&str, i64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match resource {
        Resource::Manifests => format!("{amount} manifests"),
        Resource::Bytes => match UNITS.into_iter().find(|(_, factor)| amount >= *factor) {
            Some((unit, factor)) => {
                let hundredths = i128::from(amount) * 100 / i128::from(factor);
                let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
                format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
            }
            None => format!("{amount} bytes"),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(warn: Option<i64>, hard: Option<i64>) -> Limits {
        Limits { bytes: Limit { hard, warn }, ..Limits::default() }
    }

    fn bytes(bytes: i64) -> Amount {
        Amount { bytes, manifests: 0 }
    }

    /// What the catalog does with a grant.
    fn apply(book: &mut Book, number: i64, amount: i64) -> bool {
        let Some(at) = book.shards.iter().position(|shard| shard.number == number) else {
            let allowance = PerResource { bytes: Some(0), manifests: None };
            book.shards.push(Shard { number, allowance, ..Shard::default() });
            return apply(book, number, amount);
        };
        let shard = book.shards[at];
        if shard.allowance.bytes.is_none_or(|allowance| shard.used.bytes + amount <= allowance) {
            book.shards[at].used.bytes += amount;
            return true;
        }
        let Ok(grants) = book.take(number, &bytes(amount)) else { return false };
        if grants.bytes.must_reclaim {
            book.shards.iter_mut().for_each(|shard| shard.allowance.bytes = Some(shard.used.bytes));
        }
        book.is_warned.bytes |= grants.bytes.has_crossed;
        book.shards[at].allowance.bytes = grants.bytes.allowance;
        book.shards[at].used.bytes += amount;
        true
    }

    proptest! {
        #[test]
        fn what_fits_is_taken_and_what_does_not_is_not(
            hard in proptest::option::of(0..5_000i64),
            warn in proptest::option::of(0..5_000i64),
            steps in proptest::collection::vec((0..6i64, -300..600i64), 1..200),
        ) {
            let mut book = Book { limits: limit(warn, hard), ..Book::default() };
            let mut used = 0;
            for (number, amount) in steps {
                if amount < 0 {
                    // Giving back takes the allowance along.
                    let given = amount.max(-used);
                    apply(&mut book, number, 0);
                    let shard = book.shards.iter_mut().find(|shard| shard.number == number).expect("made above");
                    shard.used.bytes += given;
                    shard.allowance.bytes = shard.allowance.bytes.map(|allowance| allowance + given);
                    used += given;
                    continue;
                }
                let fits = amount == 0 || hard.is_none_or(|hard| used + amount <= hard);
                prop_assert_eq!(apply(&mut book, number, amount), fits);
                used += if fits { amount } else { 0 };
                prop_assert_eq!(book.used(Resource::Bytes), used);
                if let Some(warn) = warn {
                    prop_assert!(book.is_warned.bytes || used <= warn, "{used} > {warn} and nobody was told");
                }
            }
        }
    }

    #[test]
    fn a_limit_that_warns_stands_below_the_one_that_refuses() {
        for (warn, hard, good) in
            [(None, None, true), (Some(5), Some(5), true), (Some(6), Some(5), false), (None, Some(-1), false)]
        {
            assert_eq!(check(&limit(warn, hard)).is_ok(), good, "{warn:?} {hard:?}");
        }
    }

    #[test]
    fn crossing_is_told_once() {
        let mut book = Book { limits: limit(Some(100), None), ..Book::default() };
        assert!(apply(&mut book, 0, 100) && !book.is_warned.bytes, "reaching is not exceeding");
        assert!(apply(&mut book, 1, 1) && book.is_warned.bytes);
        assert!(!book.take(2, &bytes(50)).expect("no end").bytes.has_crossed);
    }

    #[test]
    fn amounts_are_written_for_people() {
        for (amount, text) in [(999, "999 bytes"), (1_000, "1 kB"), (1_550_000, "1.55 MB"), (10_000_000_000, "10 GB")] {
            assert_eq!(written(Resource::Bytes, amount), text);
        }
    }
}
