//! What follows from what was seen. Pure.

/// What is wrong. The names are those of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// A manifest's bytes have another digest than the one that they are stored under.
    ManifestDigest,
    /// A manifest stands on a blob that the repository does not have.
    BlobUnknown,
    /// A tag points to a manifest that is not there.
    TagDangling,
    /// A blob's bytes are not there.
    BlobMissing,
    /// A blob has fewer or more bytes than it should.
    BlobSize,
    /// A blob's bytes have another digest.
    BlobDigest,
    /// Bytes lie in the store that the catalog does not know of.
    BytesUnknown,
    /// An upload's bytes are gone.
    UploadLost,
}

impl Problem {
    /// All problems.
    pub const ALL: [Self; 8] = [
        Self::ManifestDigest,
        Self::BlobUnknown,
        Self::TagDangling,
        Self::BlobMissing,
        Self::BlobSize,
        Self::BlobDigest,
        Self::BytesUnknown,
        Self::UploadLost,
    ];

    /// Its name in API and catalog.
    pub fn name(self) -> &'static str {
        match self {
            Self::ManifestDigest => "manifest_digest",
            Self::BlobUnknown => "blob_unknown",
            Self::TagDangling => "tag_dangling",
            Self::BlobMissing => "blob_missing",
            Self::BlobSize => "blob_size",
            Self::BlobDigest => "blob_digest",
            Self::BytesUnknown => "bytes_unknown",
            Self::UploadLost => "upload_lost",
        }
    }

    /// What it is, in a sentence's words.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::ManifestDigest => "its bytes in the catalog have another digest",
            Self::BlobUnknown => "the repository does not have it",
            Self::TagDangling => "it points to a manifest that is not there",
            Self::BlobMissing => "its bytes are not in the blob store",
            Self::BlobSize => "the blob store has more or fewer bytes than it should",
            Self::BlobDigest => "its bytes have another digest",
            Self::BytesUnknown => "no blob and no upload owns it",
            Self::UploadLost => "its bytes are not in the blob store",
        }
    }
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// Nothing: somebody has to see to it.
    Open,
    /// It is as it should be again.
    Repaired,
    /// The bytes are kept and served to nobody.
    Quarantined,
}

impl Resolution {
    /// All of them, each at the place of its number in the catalog.
    pub const ALL: [Self; 3] = [Self::Open, Self::Repaired, Self::Quarantined];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Repaired => "repaired",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What a blob's row says of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Present,
    Lost,
    Quarantined,
}

/// What the store says of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// They have the digest.
    Whole,
    /// As many as there should be; they were not read.
    Unread,
    Missing,
    OtherSize(u64),
    OtherDigest,
}

/// What is to be done about a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Fine,
    /// It is served to nobody from now on.
    Withdraw(Standing, Problem),
    /// It was withdrawn earlier, and its bytes are right: it is served again.
    Restore,
    /// It was withdrawn earlier and is still wrong.
    StillWrong(Problem),
}

pub(super) fn judge(standing: Standing, seen: Seen) -> Verdict {
    match (standing, problem(standing, seen)) {
        (Standing::Present, None) => Verdict::Fine,
        (Standing::Present, Some(Problem::BlobMissing)) => Verdict::Withdraw(Standing::Lost, Problem::BlobMissing),
        (Standing::Present, Some(problem)) => Verdict::Withdraw(Standing::Quarantined, problem),
        (Standing::Lost | Standing::Quarantined, None) => Verdict::Restore,
        (Standing::Lost | Standing::Quarantined, Some(problem)) => Verdict::StillWrong(problem),
    }
}

/// What is wrong. Of withdrawn bytes their number alone proves nothing.
fn problem(standing: Standing, seen: Seen) -> Option<Problem> {
    match seen {
        Seen::Whole => None,
        Seen::Unread if standing == Standing::Present => None,
        Seen::Unread | Seen::OtherDigest => Some(Problem::BlobDigest),
        Seen::Missing => Some(Problem::BlobMissing),
        Seen::OtherSize(_) => Some(Problem::BlobSize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_what_was_seen() {
        use Problem::{BlobDigest, BlobMissing, BlobSize};
        use Standing::{Lost, Present, Quarantined};
        let table = [
            (Present, Seen::Whole, Verdict::Fine),
            (Present, Seen::Unread, Verdict::Fine),
            (Present, Seen::Missing, Verdict::Withdraw(Lost, BlobMissing)),
            (Present, Seen::OtherSize(3), Verdict::Withdraw(Quarantined, BlobSize)),
            (Present, Seen::OtherDigest, Verdict::Withdraw(Quarantined, BlobDigest)),
            (Lost, Seen::Whole, Verdict::Restore),
            (Lost, Seen::Unread, Verdict::StillWrong(BlobDigest)),
            (Lost, Seen::Missing, Verdict::StillWrong(BlobMissing)),
            (Quarantined, Seen::Whole, Verdict::Restore),
            (Quarantined, Seen::Unread, Verdict::StillWrong(BlobDigest)),
            (Quarantined, Seen::OtherDigest, Verdict::StillWrong(BlobDigest)),
            (Quarantined, Seen::OtherSize(0), Verdict::StillWrong(BlobSize)),
        ];
        for (standing, seen, verdict) in table {
            assert_eq!(judge(standing, seen), verdict, "{standing:?} {seen:?}");
        }
    }

    #[test]
    fn names_are_their_own() {
        let names: std::collections::HashSet<_> = Problem::ALL.iter().map(|problem| problem.name()).collect();
        assert_eq!(names.len(), Problem::ALL.len());
    }
}
