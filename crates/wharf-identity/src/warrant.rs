//! Warrants: the proof, for other parts, that a caller may do something in a project beside pushing and pulling.
//!
//! Which role may what is [`rule`]'s table; what the action does is the business of the part that asks for the warrant.

pub(crate) mod rule;

use wharf_context::{Act, Context, Warrant};
use wharf_oci::ProjectName;

use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;

impl Identity {
    /// The proof that the caller may do `A` in a project. A project that the caller may not see does not exist.
    pub async fn warrant<A: Act>(&self, ctx: &Context, project: &ProjectName) -> Result<Warrant<A>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, project, ProjectRight::See).await?;
        if !rule::may(&authority.account, &standing, A::ACTION) {
            return Err(authority.refusal(A::ACTION.what()));
        }
        Ok(Warrant::granted(standing.project, project.clone()))
    }
}
