//! Whether a manifest without a tag is needed. Pure.

use std::time::Duration;

use wharf_context::Timestamp;

/// What may need a manifest, as the catalog says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// It is there, and not in the bin.
    pub(super) is_there: bool,
    /// A tag points to it.
    pub(super) has_tag: bool,
    /// An index names it.
    pub(super) has_index: bool,
    /// It is the subject of another manifest.
    pub(super) has_referrer: bool,
    /// It names a subject, which is there.
    pub(super) has_subject: bool,
    /// When the last of the tags that pointed to it ended.
    pub(super) tag_ended_at: Option<Timestamp>,
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
    if !needs.is_there || needs.has_tag || needs.has_index || needs.has_referrer || needs.has_subject {
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
            (Needs { tag_ended_at: Some(Timestamp(6_000_000)), ..idle }, Verdict::Bin),
            (Needs { tag_ended_at: Some(Timestamp(7_000_000)), ..idle }, Verdict::Wait(Timestamp(11_000_000))),
        ];
        for (needs, wanted) in table {
            assert_eq!(judge(&needs, now, keep), wanted, "{needs:?}");
        }
    }
}
