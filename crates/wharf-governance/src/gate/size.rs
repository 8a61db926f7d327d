//! Gate `size`: all that an image holds, every layer of every platform once, is not larger than allowed.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_db::Tx;

use super::{Case, Gate, Verdict, checked, read};
use crate::bytes::ByteSize;
use crate::error::Error;
use crate::ports::BoxFuture;

#[derive(Debug)]
pub(super) struct Size;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    at_most: ByteSize,
}

impl Gate for Size {
    fn name(&self) -> &'static str {
        "size"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        read::<Parameters>(parameters).map(drop)
    }

    fn check<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move { Ok(judge(case.image.size_bytes, checked::<Parameters>(parameters)?.at_most)) })
    }
}

fn judge(size_bytes: u64, at_most: ByteSize) -> Verdict {
    let size = ByteSize(size_bytes);
    if size_bytes <= at_most.0 {
        return Verdict::pass(format!("it holds {size}, and {at_most} are allowed"));
    }
    Verdict::fail(
        format!("it holds {size}, and only {at_most} are allowed"),
        "build it on a smaller base, in several stages, without caches and build tools in the last one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Outcome;

    #[test]
    fn as_large_as_allowed_is_not_too_large() {
        let allowed = "10MiB".parse().expect("a size");
        assert_eq!(judge(10 << 20, allowed).outcome, Outcome::Pass);
        let refused = judge((10 << 20) + 1, allowed);
        assert_eq!(refused.outcome, Outcome::Fail);
        assert!(refused.reason.contains("only 10 MiB") && !refused.fix.is_empty(), "{refused:?}");
    }
}
