//! Asks the gates of a way, and counts exceptions in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;
use wharf_db::Tx;

use super::{Case, Gate, GateResult, GateRule, Mode, Outcome, Verdict};
use crate::environment::EnvironmentRules;
use crate::error::Error;
use crate::exception;

/// Whether all gates of a policy exist and understand their parameters.
pub(crate) fn check_rules(rules: &EnvironmentRules, gates: &[Arc<dyn Gate>]) -> Result<(), String> {
    for rule in rules.passages().flat_map(|passage| &passage.gates) {
        let Some(gate) = gates.iter().find(|gate| gate.name() == rule.name) else {
            let names: Vec<&str> = gates.iter().map(|gate| gate.name()).collect();
            return Err(format!("there is no gate `{}`; those there are: {}", rule.name, names.join(", ")));
        };
        gate.check_parameters(&rule.parameters).map_err(|reason| format!("gate `{}`: {reason}", rule.name))?;
    }
    Ok(())
}

/// What the gates of a way say about one thing. A gate that was switched off is not asked.
pub(crate) async fn judge(
    tx: &mut Tx<'_>,
    gates: &[Arc<dyn Gate>],
    rules: &[GateRule],
    case: &Case<'_>,
) -> Result<Vec<GateResult>, Error> {
    let rules: BTreeMap<&str, &GateRule> = rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    let none = Map::new();
    let mut results = Vec::new();
    for gate in gates {
        let rule = rules.get(gate.name());
        let mode = if gate.is_compulsory() { Mode::Block } else { rule.map_or(Mode::Off, |rule| rule.mode) };
        if mode == Mode::Off {
            continue;
        }
        let verdict = gate.check(tx, case, rule.map_or(&none, |rule| &rule.parameters)).await?;
        let verdict = except(tx, gate.as_ref(), case, verdict).await?;
        results.push(result(gate.name(), mode, case, verdict));
    }
    Ok(results)
}

/// The verdict, or the exception to it.
async fn except(tx: &mut Tx<'_>, gate: &dyn Gate, case: &Case<'_>, verdict: Verdict) -> Result<Verdict, Error> {
    let is_no = matches!(verdict.outcome, Outcome::Fail | Outcome::Pending);
    if !is_no || gate.is_compulsory() {
        return Ok(verdict);
    }
    let Some(exception) = exception::store::find(tx, gate.name(), case).await? else { return Ok(verdict) };
    Ok(Verdict {
        outcome: Outcome::Excepted,
        reason: format!("{}; exception {} of {}: {}", verdict.reason, exception.id, exception.owner, exception.reason),
        fix: verdict.fix,
    })
}

fn result(gate: &str, mode: Mode, case: &Case<'_>, verdict: Verdict) -> GateResult {
    let (repository, gate) = (case.repository.to_string(), gate.to_owned());
    GateResult { gate, repository, mode, outcome: verdict.outcome, reason: verdict.reason, fix: verdict.fix }
}
