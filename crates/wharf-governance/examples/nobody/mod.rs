//! For what asks for no people.

use wharf_context::ProjectId;
use wharf_db::Tx;
use wharf_governance::{BoxFuture, Error, People, Person, Standing};

/// Nobody is anybody.
#[derive(Debug)]
pub(crate) struct Nobody;

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
