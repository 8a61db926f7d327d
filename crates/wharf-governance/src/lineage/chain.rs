//! ChainIDs: what a stack of layers is called, from its DiffIDs. Pure.
//!
//! Spec: image-spec, config.md, "Layer ChainID".

use wharf_oci::{Algorithm, Digest};

/// The ChainIDs of a stack: of its lowest layer, of the lowest two, and so on up to all of it.
pub(crate) fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        chain.push(match chain.last() {
            None => *diff_id,
            Some(below) => Digest::of(Algorithm::Sha256, format!("{below} {diff_id}").as_bytes()),
        });
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(Algorithm::Sha256, text.as_bytes())
    }

    #[test]
    fn a_stack_is_called_as_the_specification_says() {
        let (a, b, c) = (digest("a"), digest("b"), digest("c"));
        let ab = digest(&format!("{a} {b}"));
        let abc = digest(&format!("{ab} {c}"));
        assert_eq!(chain_ids(&[a, b, c]), [a, ab, abc]);
        assert_eq!(chain_ids(&[a, b]), [a, ab], "what lies above changes nothing below");
        assert!(chain_ids(&[]).is_empty());
    }
}
