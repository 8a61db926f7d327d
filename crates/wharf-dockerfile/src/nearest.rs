//! The known word that somebody probably meant.

/// The word of `known` that is nearest to `word`, if one is near enough to be worth a question.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    // Longer words are no slips of the keyboard, and comparing them costs their product.
    if length == 0 || length > 64 {
        return None;
    }
    let folded = word.to_lowercase();
    let allowed = (length / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|other| other.chars().count().abs_diff(length) <= allowed)
        .map(|other| (strsim::osa_distance(&folded, &other.to_lowercase()), other))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// `did you mean …?` for the nearest of `known`.
pub(crate) fn question<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|other| format!("did you mean `{other}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["FROM", "RUN", "COPY", "ENTRYPOINT"];
        let cases = [
            ("FORM", Some("FROM")),
            ("ruin", Some("RUN")),
            ("COPPY", Some("COPY")),
            ("entrypiont", Some("ENTRYPOINT")),
            ("apt-get", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
