//! Variables: which are set, and which values they can have.

use std::collections::{HashMap, HashSet};

use super::Sheet;
use crate::diagnostic::Severity::Warning;
use crate::instruction::InstructionKind;
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};
use crate::shell::{Assignment, Command, CompoundKind, Parameter, Part, PartKind, Place, Script, Simple, Visit, Word};

pub(super) const RULES: &[&Rule] = &[&SC2154, &SC2155];

const SC2154: Rule = Rule::new("SC2154", Warning, "Use variables that are set")
    .why("Nothing in this RUN, and no ENV or ARG before it, sets this variable: it is empty, or was meant to be another.")
    .examples("RUN version=1; echo \"$verison\"", "RUN version=1; echo \"$version\"");
const SC2155: Rule = Rule::new("SC2155", Warning, "Set a variable before you export or declare it")
    .why("`export`, `local`, `readonly` and `declare` succeed whatever the command in the value does: its failure is lost, and `set -e` does not end the script.")
    .examples("RUN export V=\"$(cat version)\" && make", "RUN V=\"$(cat version)\" && export V && make");

/// Builtins that declare variables.
const DECLARERS: [&str; 5] = ["export", "local", "readonly", "declare", "typeset"];

/// The variables that a RUN has.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By ENV or ARG, for the stage that they are of.
    stage: Option<usize>,
    position: usize,
    declared: HashSet<String>,
    /// In the script: whether every value is one word, and no pattern.
    assigned: HashMap<String, bool>,
}

impl Known {
    /// Takes in the instructions before a RUN, and the RUN's own script.
    pub(super) fn learn(&mut self, subject: &Subject<'_>, run: &RunView<'_>, script: &Script) {
        if self.stage != Some(run.stage) {
            *self = Self { stage: Some(run.stage), ..Self::default() };
            for stage in subject.chain(&subject.stages[run.stage]).skip(1) {
                stage.instructions.iter().for_each(|instruction| self.declare(&instruction.kind));
            }
        }
        let before = &subject.stages[run.stage].instructions[self.position..run.position];
        before.iter().for_each(|instruction| self.declare(&instruction.kind));
        self.position = run.position;
        self.assigned.clear();
        script.walk(&mut Learn(&mut self.assigned));
    }

    fn declare(&mut self, kind: &InstructionKind) {
        match kind {
            InstructionKind::Env(env) => self.declared.extend(env.pairs.iter().map(|pair| pair.key.value.clone())),
            InstructionKind::Arg(arg) => {
                self.declared.extend(arg.arguments.iter().map(|argument| argument.name.value.clone()))
            }
            _ => {}
        }
    }

    /// Whether nothing sets it.
    fn is_unknown(&self, name: &str) -> bool {
        !self.declared.contains(name) && !self.assigned.contains_key(name)
    }

    /// Whether its value is surely one word without patterns.
    pub(super) fn is_one_word(&self, name: &str) -> bool {
        match self.assigned.get(name) {
            Some(is_one_word) => *is_one_word,
            None => self.declared.contains(name) || name.ends_with("_proxy") || name.ends_with("_PROXY"),
        }
    }
}

/// Collects what a script sets.
struct Learn<'k>(&'k mut HashMap<String, bool>);

impl Learn<'_> {
    fn set(&mut self, name: &str, is_one_word: bool) {
        let value = self.0.entry(name.to_owned()).or_insert(true);
        *value = *value && is_one_word;
    }

    fn is_one_word(&self, word: &Word) -> bool {
        word.parts.iter().all(|part| self.is_plain(part))
    }

    fn is_plain(&self, part: &Part) -> bool {
        let is_text = |text: &str| !text.contains([' ', '\t', '\n', '*', '?', '[']);
        match &part.kind {
            PartKind::Literal(text) | PartKind::Single(text) | PartKind::AnsiC(text) => is_text(text),
            PartKind::Escaped(c) => !c.is_whitespace(),
            PartKind::Double(inner) => inner.iter().all(|part| self.is_plain(part)),
            PartKind::Parameter(parameter) => {
                is_number(parameter) || self.0.get(&parameter.name).copied().unwrap_or(false)
            }
            PartKind::Arithmetic(_) => true,
            PartKind::Command { .. } | PartKind::Process(_) => false,
        }
    }

    fn simple(&mut self, simple: &Simple) {
        for assignment in &simple.assignments {
            let is_one_word = !assignment.is_array && assignment.value.iter().all(|word| self.is_one_word(word));
            // Before a command it is that command's only.
            if simple.words.is_empty() || DECLARERS.contains(&simple.name().unwrap_or_default().as_str()) {
                self.set(&assignment.name, is_one_word);
            }
        }
        let name = simple.name().unwrap_or_default();
        let is_declarer = DECLARERS.contains(&name.as_str());
        for word in simple.words.iter().skip(1) {
            let text = word.unquoted();
            match text.split_once('=') {
                Some((variable, _)) if is_declarer => {
                    let is_one_word = declared_value(word).all(|part| self.is_plain(part));
                    self.set(variable, is_one_word && !text.contains([' ', '*', '?', '[']));
                }
                None if ["read", "getopts", "mapfile", "readarray", "unset"].contains(&name.as_str())
                    && !text.starts_with('-') =>
                {
                    self.set(&text, false)
                }
                _ => {}
            }
        }
    }
}

/// The pieces behind the first, which holds the name.
fn declared_value(word: &Word) -> impl Iterator<Item = &Part> {
    word.parts.iter().skip(1)
}

impl Visit for Learn<'_> {
    fn command(&mut self, command: &Command, _place: Place) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound) => {
                if let CompoundKind::For { name, words, .. } = &compound.kind {
                    let is_one_word = words.iter().all(|word| self.is_one_word(word));
                    self.set(name, is_one_word);
                }
            }
        }
    }
}

/// A parameter that is always a number, or a name without blanks.
pub(super) fn is_number(parameter: &Parameter) -> bool {
    parameter.is_length || ["#", "?", "$", "!", "-"].contains(&parameter.name.as_str())
}

pub(super) struct Variables<'v, 's, 'a, 'f>(pub(super) &'v mut Sheet<'s, 'a, 'f>);

impl Visit for Variables<'_, '_, '_, '_> {
    fn command(&mut self, command: &Command, _place: Place) {
        let Command::Simple(simple) = command else { return };
        let mut unknown = Vec::new();
        let values = simple.assignments.iter().flat_map(|assignment: &Assignment| &assignment.value);
        super::each_part(values.chain(&simple.words), &mut |part, _| {
            if let PartKind::Parameter(parameter) = &part.kind {
                let is_lower = parameter.name.bytes().any(|byte| byte.is_ascii_lowercase());
                let is_plain = parameter.operator.is_empty() || !parameter.operator.contains(['-', '+', '?', '=']);
                if is_lower && is_plain && !parameter.name.starts_with('!') && self.0.known.is_unknown(&parameter.name)
                {
                    unknown.push((part.span, parameter.name.clone()));
                }
            }
        });
        for (span, name) in unknown {
            self.0.add(&SC2154, span, format!("nothing sets `{name}`"));
        }
        let name = simple.name().unwrap_or_default();
        if DECLARERS.contains(&name.as_str()) {
            let hides = |word: &&Word| {
                word.parts.len() > 1 && word.unquoted().contains('=') && runs_command(declared_value(word))
            };
            if let Some(word) = simple.words.iter().skip(1).find(hides) {
                self.0.add(&SC2155, word.span, format!("`{name}` hides whether the command in the value failed"));
            }
        }
    }
}

fn runs_command<'p>(mut parts: impl Iterator<Item = &'p Part>) -> bool {
    parts.any(|part| match &part.kind {
        PartKind::Command { .. } => true,
        PartKind::Double(inner) => inner.iter().any(|part| matches!(part.kind, PartKind::Command { .. })),
        _ => false,
    })
}
