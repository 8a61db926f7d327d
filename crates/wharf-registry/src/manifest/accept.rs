//! Which media types a client takes.

/// The media types of an `Accept` header, in the client's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// No header, or `*/*`.
    Anything,
    /// These; an entry may end in `/*`.
    Only(Vec<String>),
}

impl Accept {
    /// Whether the client takes a media type.
    pub fn allows(&self, media_type: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Only(ranges) => ranges.iter().any(|range| is_within(media_type, range)),
        }
    }
}

fn is_within(media_type: &str, range: &str) -> bool {
    let wanted = range.strip_suffix('*').filter(|prefix| prefix.ends_with('/'));
    match wanted {
        Some(prefix) => media_type.starts_with(prefix),
        None => media_type.eq_ignore_ascii_case(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_covers_its_types() {
        let index = "application/vnd.oci.image.index.v1+json";
        assert!(Accept::Anything.allows(index));
        for (range, allows) in [(index, true), ("application/*", true), ("text/*", false), ("application/json", false)]
        {
            assert_eq!(Accept::Only(vec![range.to_owned()]).allows(index), allows, "{range}");
        }
    }
}
