//! Routes of what images stand on, and what must be rebuilt.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{lineage, rebuilds, standards};

/// Every route of them.
pub(super) const ROUTES: &[Route] = &[
    route!(Get "/projects/{project}/lineage" lineage::show)
        .does("get_lineage", "What an image stands on, and how much stands on it.")
        .gives::<lineage::LineageBody>()
        .with_parameters(&["repository", "reference"]),
    route!(Get "/projects/{project}/lineage/standing" lineage::list_standing)
        .does("list_standing", "What stands on an image, everywhere or in one environment.")
        .lists::<lineage::StanderBody>()
        .with_parameters(&["repository", "reference", "environment", "after", "limit"]),
    route!(Get "/projects/{project}/lineage/outdated" lineage::list_outdated)
        .does("list_outdated", "The repositories whose newest image stands on something outdated and must be rebuilt.")
        .lists::<lineage::OutdatedBody>(),
    route!(Get "/projects/{project}/rebuilds" rebuilds::list)
        .does(
            "list_rebuilds",
            "What the project's bases asked to be rebuilt, and what asks for its images, the latest first.",
        )
        .lists::<rebuilds::RebuildBody>(),
    route!(Get "/projects/{project}/rebuilds/{rebuild}" rebuilds::show)
        .does("get_rebuild", "One rebuild: what it asks for, in which wave, and what was answered.")
        .gives::<rebuilds::RebuildViewBody>(),
    route!(Post "/projects/{project}/rebuilds/{rebuild}/answers" rebuilds::answer)
        .does("answer_rebuild", "Says by which image a repository was rebuilt, where its layers do not show it.")
        .takes::<rebuilds::AnswerBody>(),
    route!(Get "/projects/{project}/standards/checks" standards::show)
        .does("get_standard_checks", "Whether an image is as the project's standards say.")
        .gives::<standards::ChecksBody>()
        .with_parameters(&["repository", "reference"]),
    route!(Post "/projects/{project}/standards/checks" standards::ask)
        .does(
            "ask_standard_check",
            "Asks for an image to be read and compared with the standards that are in force now.",
        )
        .takes::<standards::WishBody>(),
];
