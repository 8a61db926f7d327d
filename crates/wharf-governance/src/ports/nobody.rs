//! For measurements of what asks for no people.

use super::{BoxFuture, People, Person, Standing};
use crate::error::Error;
use wharf_context::ProjectId;
use wharf_db::Tx;

/// Knows nobody: each account stands for itself and has no roles.
#[derive(Debug)]
pub struct Nobody;

impl People for Nobody {
    fn standing<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: ProjectId,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        let person = Person { key: account.to_owned(), is_verified: false };
        Box::pin(async move { Ok(Standing { person, accounts: Vec::new(), roles: Vec::new(), groups: Vec::new() }) })
    }
}
