//! What a judge is told of one tag. Pure data; where it comes from is not asked here.

use std::collections::BTreeMap;

use wharf_context::Timestamp;

use super::Protection;
use crate::environment::Ended;
use crate::gate;

/// What is known of a tag beside itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Why it must stay whatever the rules say.
    pub protections: Vec<Protection>,
    /// The environments where it still lies, although something else stands there now.
    pub left: Vec<String>,
    /// Where it stands and stood.
    pub stays: Vec<Stay>,
    /// When what it points to, or a part of that, was last pulled.
    pub pulled: Option<Timestamp>,
    /// The labels of what it points to.
    pub labels: Labels,
}

/// That something stands in an environment, or stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Where.
    pub environment: String,
    /// Until when, and how it ended; `None`: it stands there.
    pub ended: Option<(Timestamp, Ended)>,
}

/// The labels of an image, or of the images that an index lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Labels {
    /// They were not asked for, or cannot be read.
    #[default]
    Unknown,
    /// Those of each image.
    Of(Vec<BTreeMap<String, String>>),
}

impl Labels {
    /// Whether one of the images has all of these, with values of these forms; `None` where nobody knows.
    pub(super) fn have(&self, wanted: &BTreeMap<String, String>) -> Option<bool> {
        if wanted.is_empty() {
            return Some(true);
        }
        let Self::Of(images) = self else { return None };
        let has = |labels: &BTreeMap<String, String>, (name, form): (&String, &String)| {
            labels.get(name).is_some_and(|value| gate::is_like(value, form))
        };
        Some(images.iter().any(|labels| wanted.iter().all(|wanted| has(labels, wanted))))
    }
}
