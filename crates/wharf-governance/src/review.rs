//! Reviews: each use of the emergency passage is looked at afterwards, by somebody who had no part in it.

pub(crate) mod store;

use std::collections::BTreeSet;

use wharf_context::action::{ApprovePromotion, SeeGovernance};
use wharf_context::{CallerId, Context, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};

use crate::error::Error;
use crate::governance::Governance;
use crate::page::{Page, PageRequest};
use crate::promotion::{self, Promotion, check_text};

/// A look at a use of the emergency passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub(crate) row: i64,
    /// The promotion that it is about.
    pub promotion: String,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// Where it led.
    pub environment: String,
    /// Since when somebody is to look.
    pub opened_at: Timestamp,
    /// When somebody did.
    pub closed_at: Option<Timestamp>,
    /// Who.
    pub closed_by: Option<String>,
    /// What they say.
    pub conclusion: String,
}

impl Governance {
    /// A project's reviews, the newest first.
    pub async fn list_reviews(
        &self,
        warrant: &Warrant<SeeGovernance>,
        page: &PageRequest,
    ) -> Result<Page<Review>, Error> {
        let reviews = store::list(&self.db, warrant.project(), (page.before()?, page.rows())).await?;
        Ok(page.cut(reviews, |review| review.row.to_string()))
    }

    /// Closes the review of a promotion, with what there is to say.
    pub async fn close_review(
        &self,
        ctx: &Context,
        warrant: &Warrant<ApprovePromotion>,
        id: &str,
        conclusion: &str,
    ) -> Result<Review, Error> {
        check_text(conclusion)?;
        if conclusion.trim().is_empty() {
            return Err(Error::ReasonMissing);
        }
        if !matches!(ctx.caller.id, CallerId::User(_)) {
            return Err(Error::NotAPerson);
        }
        self.db
            .transaction(async |tx| {
                let unknown = || Error::ReviewUnknown { id: id.to_owned() };
                let promotion = promotion::store::find(&mut *tx, warrant.project(), id).await?.ok_or_else(unknown)?;
                let caller = self.people.standing(tx, warrant.project(), &ctx.caller.name).await?;
                if self.took_part(tx, &promotion).await?.contains(&caller.person.key) {
                    return Err(Error::OwnReview);
                }
                if !store::close(tx, promotion.row, &ctx.caller.name, conclusion).await? {
                    return Err(unknown());
                }
                let details = serde_json::json!({ "conclusion": conclusion });
                tx.audit(&AuditEntry::new(ctx, "review.close", id).with_details(details)).await?;
                store::find(tx, promotion.row).await?.ok_or_else(unknown)
            })
            .await
    }

    /// Who had a part in a promotion, as persons.
    async fn took_part(&self, tx: &mut Tx<'_>, promotion: &Promotion) -> Result<BTreeSet<String>, Error> {
        let accounts = promotion.decisions.iter().map(|decision| decision.account.as_str());
        let accounts = accounts.chain([promotion.requested_by.as_str()]).chain(promotion.ended_by.as_deref());
        let accounts: BTreeSet<String> = accounts.map(str::to_owned).collect();
        let mut people = BTreeSet::new();
        for account in accounts {
            people.insert(self.people.standing(tx, promotion.project, &account).await?.person.key);
        }
        Ok(people)
    }
}
