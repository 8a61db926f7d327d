//! Whether a manifest without a tag is needed. Pure.

use std::time::Duration;

use wharf_context::Timestamp;

/// What may need a manifest, as the catalog says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// It is there, and not in the bin.
    pub(crate) is_there: bool,
    /// A tag points to it.
    pub(crate) has_tag: bool,
    /// An index names it.
    pub(crate) has_index: bool,
    /// It is the subject of another manifest.
    pub(crate) has_referrer: bool,
    /// It names a subject, which is there.
    pub(crate) has_subject: bool,
    /// It stands in a promoted environment, where governance alone takes things away.
    pub(crate) is_promoted: bool,
    /// When the last of the tags that pointed to it ended.
    pub(crate) tag_ended_at: Option<Timestamp>,
}

impl Needs {
    /// Whether it must stay although what is attached to it would go along.
    pub(crate) fn is_named(&self) -> bool {
        self.has_tag || self.has_index
    }

    fn is_needed(&self) -> bool {
        self.is_named() || self.has_referrer || self.has_subject || self.is_promoted
    }
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: it is gone, or needed, and whatever ends the need will note it again.
    Forget,
    /// Nothing before this moment: until then its tag can be restored.
    Wait(Timestamp),
    /// It goes to the bin.
    Bin,
}

pub(super) fn judge(needs: &Needs, now: Timestamp, bin_keep: Duration) -> Verdict {
    if !needs.is_there || needs.is_needed() {
        return Verdict::Forget;
    }
    match needs.tag_ended_at.map(|ended| ended.plus(bin_keep)) {
        Some(restorable_until) if restorable_until > now => Verdict::Wait(restorable_until),
        Some(_) | None => Verdict::Bin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_needs_goes() {
        let (now, keep) = (Timestamp(10_000_000), Duration::from_secs(4));
        let idle = Needs { is_there: true, ..Needs::default() };
        let table = [
            (idle, Verdict::Bin),
            (Needs { is_there: false, ..idle }, Verdict::Forget),
            (Needs { has_tag: true, ..idle }, Verdict::Forget),
            (Needs { has_index: true, ..idle }, Verdict::Forget),
            (Needs { has_referrer: true, ..idle }, Verdict::Forget),
            (Needs { has_subject: true, ..idle }, Verdict::Forget),
            (Needs { is_promoted: true, ..idle }, Verdict::Forget),
            (Needs { tag_ended_at: Some(Timestamp(6_000_000)), ..idle }, Verdict::Bin),
            (Needs { tag_ended_at: Some(Timestamp(7_000_000)), ..idle }, Verdict::Wait(Timestamp(11_000_000))),
        ];
        for (needs, wanted) in table {
            assert_eq!(judge(&needs, now, keep), wanted, "{needs:?}");
        }
    }
}
