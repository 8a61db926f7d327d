//! Gate `hold`: nothing that a hold is on, or whose repository is in quarantine, goes anywhere. It is asked on every way,
//! and no exception lets it through.

use serde_json::{Map, Value};
use wharf_db::Tx;

use super::{Case, Gate, Verdict};
use crate::error::Error;
use crate::hold;
use crate::ports::BoxFuture;

#[derive(Debug)]
pub(super) struct Held;

impl Gate for Held {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn is_compulsory(&self) -> bool {
        true
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        if parameters.is_empty() { Ok(()) } else { Err("it takes no parameters".to_owned()) }
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        _: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            Ok(match hold::in_the_way(tx, (case.project, case.repository), case.digest).await? {
                Some(hold) => Verdict::fail(
                    format!("hold {} of {} is on it: {}", hold.id, hold.set_by, hold.reason),
                    "whoever may set holds lifts it when its reason is gone",
                ),
                None => Verdict::pass("no hold is on it"),
            })
        })
    }
}
