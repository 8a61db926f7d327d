//! Routes of what content takes, what was deleted, and what collection does.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{bin, collection, usage};

/// Every route of them.
pub(super) const ROUTES: &[Route] = &[
    route!(Get "/projects/{project}/bin" bin::list)
        .does("list_bin", "What was deleted in a project, or in one of its repositories, and can be restored.")
        .lists::<bin::BinnedBody>()
        .with_parameters(&["after", "limit", "repository"]),
    route!(Post "/projects/{project}/bin/restore" bin::restore)
        .does("restore", "Brings a deleted or moved tag, or a deleted manifest, back.")
        .takes::<bin::RestorationBody>()
        .gives::<bin::RestoredBody>(),
    route!(Post "/projects/{project}/bin/empty" bin::empty)
        .does("empty_bin", "Takes all of a repository's bin out of it for good. Nothing of it can be restored then.")
        .takes::<bin::EmptyingBody>()
        .gives::<bin::EmptiedBody>(),
    route!(Get "/projects/{project}/usage" usage::list)
        .does("list_usage", "How many bytes each repository of a project holds, or each tag of a repository.")
        .lists::<usage::UsageBody>()
        .with_parameters(&["after", "limit", "repository"]),
    route!(Get "/usage" usage::list_projects)
        .does("list_project_usage", "How many bytes each project holds.")
        .lists::<usage::UsageBody>(),
    route!(Get "/collection" collection::show)
        .does("collection_status", "How far collection is, how fast, and how long the rest takes.")
        .gives::<collection::StatusBody>(),
    route!(Post "/collection" collection::start)
        .does("start_collection", "Asks for a pass of collection now.")
        .gives::<collection::AskedBody>(),
    route!(Get "/collection/forecast" collection::list_forecast)
        .does("list_forecast", "What collection will take, why, and when, if nothing changes.")
        .lists::<collection::ForecastBody>(),
    route!(Get "/collection/holders/{digest}" collection::holders)
        .does("find_holders", "What holds a blob or a manifest.")
        .gives::<collection::HoldersBody>(),
];
