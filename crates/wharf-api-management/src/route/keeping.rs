//! Routes of what stays and what goes: holds, what runs, retention, archives.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{archives, holds, retention, running};

pub(super) const ROUTES: &[Route] = &[
    route!(Get "/projects/{project}/holds" holds::list)
        .does("list_holds", "What must stay as it is in a project, the newest hold first.")
        .lists::<holds::HoldBody>()
        .with_parameters(&["after", "limit", "repository", "ended"]),
    route!(Post "/projects/{project}/holds" holds::set)
        .does("set_hold", "Lets something stay as it is until the hold is lifted: a repository, a tag or a digest.")
        .idempotent()
        .takes::<holds::NewHoldBody>()
        .creates::<holds::HoldBody>(),
    route!(Get "/projects/{project}/holds/{hold}" holds::show).does("get_hold", "One hold.").gives::<holds::HoldBody>(),
    route!(Post "/projects/{project}/holds/{hold}/lift" holds::lift)
        .does("lift_hold", "Lifts a hold.")
        .takes::<holds::LiftingBody>()
        .gives::<holds::HoldBody>(),
    route!(Get "/running" running::list)
        .does("list_running", "What runs where, or stopped lately: of a project, or of a digest wherever it runs.")
        .lists::<running::RunningBody>()
        .with_parameters(&["after", "limit", "project", "digest"]),
    route!(Post "/running" running::report)
        .does("report_running", "Tells what runs of a project, and what stopped. What runs is never removed.")
        .takes::<running::ReportsBody>()
        .gives::<running::ReportedBody>(),
    route!(Get "/projects/{project}/retention/runs" retention::list)
        .does("list_retention", "Runs of retention and plans, the newest first.")
        .lists::<retention::RunBody>(),
    route!(Post "/projects/{project}/retention/runs" retention::start)
        .does("start_retention", "Begins a run of retention, or a plan of one.")
        .idempotent()
        .takes::<retention::NewRunBody>()
        .creates::<retention::RunBody>(),
    route!(Get "/projects/{project}/retention/runs/{run}" retention::show)
        .does("get_retention", "One run or plan, and how far it is.")
        .gives::<retention::RunBody>(),
    route!(Get "/projects/{project}/retention/runs/{run}/items" retention::list_items)
        .does("list_retention_items", "What was decided about each tag, and what came of it.")
        .lists::<retention::ItemBody>()
        .with_parameters(&["after", "limit", "action"]),
    route!(Get "/projects/{project}/retention/why" retention::explain)
        .does("explain_retention", "Whether one tag stays or goes at this moment, and why.")
        .gives::<retention::VerdictBody>()
        .with_parameters(&["repository", "tag"]),
    route!(Get "/projects/{project}/archives" archives::list)
        .does("list_archives", "Images that left for the cold place, the newest first.")
        .lists::<archives::ArchiveBody>()
        .with_parameters(&["after", "limit", "repository", "state"]),
    route!(Post "/projects/{project}/archives" archives::create)
        .does("request_archive", "Has an image archived: copied to the cold place, read back, and put away.")
        .idempotent()
        .takes::<archives::NewArchiveBody>()
        .creates::<archives::ArchiveBody>(),
    route!(Get "/projects/{project}/archives/{archive}" archives::show)
        .does("get_archive", "One archive, and what it has.")
        .gives::<archives::WholeArchiveBody>(),
    route!(Post "/projects/{project}/archives/{archive}/restore" archives::restore)
        .does("restore_archive", "Has an archived image brought back: the same bytes, and the tags that are free.")
        .conditional()
        .gives::<archives::ArchiveBody>(),
];
