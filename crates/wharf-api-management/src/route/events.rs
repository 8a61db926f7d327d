//! Routes of what happens and what is found: webhooks, hooks, commits, search.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{hooks, search, webhooks};

pub(super) const ROUTES: &[Route] = &[
    route!(Get "/events" webhooks::list_events)
        .does("list_events", "The events that webhooks can be asked for.")
        .gives::<webhooks::EventKindsBody>(),
    route!(Get "/projects/{project}/webhooks" webhooks::list)
        .does("list_webhooks", "A project's webhooks in the order of their names.")
        .lists::<webhooks::WebhookBody>(),
    route!(Post "/projects/{project}/webhooks" webhooks::create)
        .does("create_webhook", "Makes a webhook. The secret that signs is in this answer and never again.")
        .takes::<webhooks::NewWebhookBody>()
        .creates::<webhooks::CreatedWebhookBody>(),
    route!(Get "/projects/{project}/webhooks/{webhook}" webhooks::show)
        .does("get_webhook", "One webhook.")
        .gives::<webhooks::WebhookBody>(),
    route!(Patch "/projects/{project}/webhooks/{webhook}" webhooks::update)
        .does("update_webhook", "Changes a webhook; fields that are left out stay as they are.")
        .takes::<webhooks::WebhookChangeBody>()
        .gives::<webhooks::WebhookBody>(),
    route!(Delete "/projects/{project}/webhooks/{webhook}" webhooks::delete)
        .does("delete_webhook", "Deletes a webhook. What waits to be sent is not sent any more."),
    route!(Post "/projects/{project}/webhooks/{webhook}/secret" webhooks::rotate)
        .does(
            "rotate_webhook_secret",
            "Gives a webhook another secret, shown this one time. The old one signs, too, for a day.",
        )
        .gives::<webhooks::WebhookSecretBody>(),
    route!(Post "/projects/{project}/webhooks/{webhook}/test" webhooks::test)
        .does("test_webhook", "Sends a test event by the way that all others go.")
        .gives::<webhooks::DeliveryBody>(),
    route!(Get "/projects/{project}/webhooks/{webhook}/deliveries" webhooks::list_deliveries)
        .does("list_deliveries", "A webhook's deliveries, newest first; `state=dead` are those that were given up.")
        .lists::<webhooks::DeliveryBody>()
        .with_parameters(&["after", "limit", "state"]),
    route!(Get "/projects/{project}/webhooks/{webhook}/deliveries/{delivery}" webhooks::show_delivery)
        .does("get_delivery", "One delivery, with the event that it carries.")
        .gives::<webhooks::DeliveryDocumentBody>(),
    route!(Post "/projects/{project}/webhooks/{webhook}/deliveries/{delivery}/replay" webhooks::replay)
        .does("replay_delivery", "Sends an event again, under the same id.")
        .gives::<webhooks::DeliveryBody>(),
    route!(Get "/projects/{project}/hooks" hooks::list)
        .does("list_hooks", "The places that a project's commits are told to, in the order of their names.")
        .lists::<hooks::HookBody>(),
    route!(Get "/projects/{project}/hooks/{hook}" hooks::show).does("get_hook", "One hook.").gives::<hooks::HookBody>(),
    route!(Put "/projects/{project}/hooks/{hook}" hooks::put)
        .does("put_hook", "Makes a hook, or gives it another secret, which is in this answer and never again.")
        .takes::<hooks::HookChangeBody>()
        .gives::<hooks::HookSecretBody>(),
    route!(Delete "/projects/{project}/hooks/{hook}" hooks::delete)
        .does("delete_hook", "Deletes a hook. The commits that it took stay."),
    route!(Post "/projects/{project}/hooks/{hook}" hooks::take)
        .does("take_hook", "Takes what a Git server or a build system tells, by its signature; up to 5 MiB.")
        .for_everybody()
        .gives::<hooks::TakenBody>(),
    route!(Get "/projects/{project}/commits" hooks::list_commits)
        .does("list_commits", "The commits that a project was told of, newest first.")
        .lists::<hooks::CommitBody>()
        .with_parameters(&["after", "limit", "revision"]),
    route!(Get "/search" search::list)
        .does("search", "The images that are what a query says, newest first, of those that the caller may see.")
        .for_everybody()
        .lists::<search::FoundBody>()
        .with_parameters(&["q", "after", "limit"]),
];
