//! Routes of what goes from development to production.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{
    environments, evidence, exceptions, history, inquiries, policy, promotions, releases, remotes, reviews, tags,
    versions,
};

/// Every route of them.
pub(super) const ROUTES: &[Route] = &[
    route!(Get "/projects/{project}/policy" policy::show)
        .does("get_policy", "What a project demands of its images.")
        .gives::<policy::PolicyRevisionBody>(),
    route!(Put "/projects/{project}/policy" policy::put)
        .does("put_policy", "Puts another policy in force. The ones before stay readable in the audit log.")
        .conditional()
        .takes::<policy::PolicyChangeBody>()
        .gives::<policy::PolicyRevisionBody>(),
    route!(Get "/projects/{project}/versions" versions::list)
        .does(
            "list_versions",
            "The versions that were given out, in a repository's sequence or in all, the last first.",
        )
        .lists::<versions::VersionBody>()
        .with_parameters(&["after", "limit", "repository"]),
    route!(Post "/projects/{project}/versions" versions::allocate)
        .does("allocate_version", "Gives out the next version of the day.")
        .idempotent()
        .takes::<versions::NewVersionBody>()
        .gives::<versions::VersionBody>(),
    route!(Post "/projects/{project}/versions/void" versions::void)
        .does("void_version", "Says of a version that is on no image that it never will be, and why.")
        .takes::<versions::VoidVersionBody>()
        .gives::<versions::VersionBody>(),
    route!(Get "/projects/{project}/tags/history" tags::history)
        .does("tag_history", "Where a tag pointed, since when, and who moved it there, the last first.")
        .lists::<tags::TagEntryBody>()
        .with_parameters(&["after", "limit", "repository", "tag"]),
    route!(Get "/projects/{project}/environments" environments::list)
        .does("list_environments", "The environments that a project's images go through, and what it takes.")
        .gives::<environments::EnvironmentsBody>(),
    route!(Get "/projects/{project}/environments/{environment}/inventory" environments::inventory)
        .does("inventory", "What stands in an environment now, or stood there at a moment.")
        .lists::<environments::PlacementBody>()
        .with_parameters(&["after", "limit", "at"]),
    route!(Get "/projects/{project}/environments/{environment}/difference" environments::difference)
        .does("differences", "Where two environments do not hold the same, now or at a moment.")
        .gives::<environments::DifferencesBody>()
        .with_parameters(&["with", "at"]),
    route!(Get "/projects/{project}/eligibility" promotions::eligibility)
        .does("eligibility", "What a promotion would meet, before anybody is asked: every gate, why, and what to do.")
        .gives::<promotions::EligibilityBody>()
        .with_parameters(&["repository", "reference", "release", "to"]),
    route!(Get "/projects/{project}/promotions" promotions::list)
        .does("list_promotions", "A project's promotions, the newest first.")
        .lists::<promotions::PromotionBody>()
        .with_parameters(&["after", "limit", "state"]),
    route!(Post "/projects/{project}/promotions" promotions::create)
        .does("request_promotion", "Asks for something to go on to the next environment.")
        .idempotent()
        .takes::<promotions::NewPromotionBody>()
        .creates::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/rollbacks" promotions::roll_back)
        .does("request_rollback", "Asks for what stood in an environment before.")
        .idempotent()
        .takes::<promotions::NewRollbackBody>()
        .creates::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/emergencies" promotions::raise)
        .does("request_emergency", "Asks for something to go where it is needed at once. Raises an alarm.")
        .idempotent()
        .takes::<promotions::NewEmergencyBody>()
        .creates::<promotions::PromotionBody>(),
    route!(Get "/projects/{project}/promotions/{promotion}" promotions::show)
        .does("get_promotion", "One promotion.")
        .gives::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/promotions/{promotion}/approve" promotions::approve)
        .does("approve_promotion", "Agrees to a promotion. When nobody's word is missing any more, it runs.")
        .conditional()
        .takes::<promotions::DecisionBody>()
        .gives::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/promotions/{promotion}/reject" promotions::reject)
        .does("reject_promotion", "Says no, which ends it.")
        .conditional()
        .takes::<promotions::DecisionBody>()
        .gives::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/promotions/{promotion}/cancel" promotions::cancel)
        .does("cancel_promotion", "Takes back what the caller has asked for.")
        .gives::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/promotions/{promotion}/check" promotions::check)
        .does("check_promotion", "Asks the gates of a promotion that waits for one of them again.")
        .gives::<promotions::PromotionBody>(),
    route!(Post "/projects/{project}/promotions/{promotion}/execute" promotions::execute)
        .does("execute_promotion", "Executes what was approved and waits for somebody to do so.")
        .conditional()
        .gives::<promotions::PromotionBody>(),
    route!(Get "/projects/{project}/releases" releases::list)
        .does("list_releases", "A project's releases, the newest first.")
        .lists::<releases::ReleaseBody>(),
    route!(Post "/projects/{project}/releases" releases::create)
        .does("create_release", "Makes a release of what stands in development.")
        .idempotent()
        .takes::<releases::NewReleaseBody>()
        .creates::<releases::ReleaseBody>(),
    route!(Get "/projects/{project}/releases/{release}" releases::show)
        .does("get_release", "One release.")
        .gives::<releases::ReleaseBody>(),
    route!(Put "/projects/{project}/releases/{release}" releases::put)
        .does("put_release", "Changes what is in a release that is not sealed.")
        .conditional()
        .takes::<releases::ReleaseChangeBody>()
        .gives::<releases::ReleaseBody>(),
    route!(Post "/projects/{project}/releases/{release}/seal" releases::seal)
        .does("seal_release", "Seals a release: its digests stand from now on.")
        .conditional()
        .gives::<releases::ReleaseBody>(),
    route!(Get "/projects/{project}/reviews" reviews::list)
        .does("list_reviews", "Uses of the emergency passage that somebody else looks at, the newest first.")
        .lists::<reviews::ReviewBody>(),
    route!(Put "/projects/{project}/reviews/{promotion}" reviews::close)
        .does("close_review", "Closes a review, with what there is to say.")
        .takes::<reviews::ConclusionBody>()
        .gives::<reviews::ReviewBody>(),
    route!(Get "/projects/{project}/exceptions" exceptions::list)
        .does("list_exceptions", "Gates' noes that do not count for a while, the newest first.")
        .lists::<exceptions::ExceptionBody>(),
    route!(Post "/projects/{project}/exceptions" exceptions::create)
        .does("grant_exception", "Lets a gate's no not count, for a reason and a while.")
        .idempotent()
        .takes::<exceptions::NewExceptionBody>()
        .creates::<exceptions::ExceptionBody>(),
    route!(Delete "/projects/{project}/exceptions/{exception}" exceptions::revoke)
        .does("revoke_exception", "Takes an exception back."),
    route!(Get "/projects/{project}/history/{digest}" history::show)
        .does("history", "All that is known of a digest, from the push to where it stands.")
        .gives::<history::HistoryBody>()
        .with_parameters(&["repository"]),
    route!(Post "/projects/{project}/history/{digest}/evidence" evidence::make)
        .does("make_evidence", "Signs all that is known of a digest and attaches it where the digest stands.")
        .idempotent()
        .takes::<evidence::NewEvidenceBody>()
        .creates::<evidence::EvidenceBody>(),
    route!(Post "/inquiries/{inquiry}" inquiries::answer)
        .does(
            "answer_inquiry",
            "Takes a foreign system's answer about a promotion, by the token that was in the question.",
        )
        .for_everybody()
        .takes::<inquiries::AnswerBody>(),
    route!(Get "/projects/{project}/remotes" remotes::list)
        .does("list_remotes", "The registries beyond this one that a project's environments may be at.")
        .gives::<remotes::RemotesBody>(),
    route!(Put "/projects/{project}/remotes/{remote}" remotes::put)
        .does("put_remote", "Makes a remote, or makes it another one. Its secret is shown to nobody.")
        .takes::<remotes::RemoteChangeBody>()
        .gives::<remotes::RemoteBody>(),
    route!(Delete "/projects/{project}/remotes/{remote}" remotes::delete)
        .does("delete_remote", "Deletes a remote. Promotions that are on their way there fail."),
];
