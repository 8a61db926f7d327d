//! What happens when a command fails.

use super::Sheet;
use crate::diagnostic::Severity::{Error, Info, Style, Warning};
use crate::lint::invocation::Invocation;
use crate::lint::rule::Rule;
use crate::shell::{Command, CompoundKind, Connector, PartKind, Pipeline, Place, Script, Statement, Visit};

pub(super) const RULES: &[&Rule] = &[&SC2015, &SC2043, &SC2045, &SC2164, &SC2181, &SC2251];

const SC2015: Rule = Rule::new("SC2015", Info, "Write `if` instead of `A && B || C`")
    .why("C runs when A fails, and also when A succeeds and B fails.")
    .examples("RUN test -f a && make a || make b", "RUN if test -f a; then make a; else make b; fi");
const SC2043: Rule = Rule::new("SC2043", Warning, "Loop over more than one constant")
    .why("A loop over one word runs once. Perhaps a `$` is missing, or a pattern is quoted.")
    .examples("RUN for f in list; do cat \"$f\"; done", "RUN for f in $list; do cat \"$f\"; done");
const SC2045: Rule = Rule::new("SC2045", Error, "Loop over files with a pattern, not over the output of ls")
    .why("Names with blanks are split, and those with special characters are changed.")
    .examples("RUN for f in $(ls /etc); do echo \"$f\"; done", "RUN for f in /etc/*; do echo \"$f\"; done");
const SC2164: Rule = Rule::new("SC2164", Warning, "Say what happens if `cd` fails")
    .why("If it fails, what follows runs in another folder than it was written for.")
    .examples("RUN cd /src; make", "RUN cd /src && make");
const SC2181: Rule = Rule::new("SC2181", Style, "Ask whether a command succeeds directly")
    .why("`$?` is of the last command, whichever that is after the next change.")
    .examples("RUN make; if [ $? -ne 0 ]; then exit 1; fi", "RUN if ! make; then exit 1; fi");
const SC2251: Rule = Rule::new("SC2251", Info, "Do not count on `!` to end a script")
    .why("Under `set -e` a command behind `!` never ends the script, whether it succeeds or fails.")
    .examples("RUN set -e; ! grep -q bad file; make", "RUN set -e; if grep -q bad file; then exit 1; fi; make");

pub(super) struct Control<'v, 's, 'a, 'f> {
    sheet: &'v mut Sheet<'s, 'a, 'f>,
    has_errexit: bool,
}

impl<'v, 's, 'a, 'f> Control<'v, 's, 'a, 'f> {
    pub(super) fn new(sheet: &'v mut Sheet<'s, 'a, 'f>, script: &Script) -> Self {
        let is_errexit =
            |command: &Invocation| command.name == "set" && (command.has_flag(&["e"]) || command.has(&["errexit"]));
        let has_errexit = Invocation::of_script(script).iter().any(is_errexit);
        Self { sheet, has_errexit }
    }
}

impl Visit for Control<'_, '_, '_, '_> {
    fn statement(&mut self, statement: &Statement, place: Place) {
        if let [(Connector::And, then), (Connector::Or, otherwise)] = statement.rest.as_slice()
            && !(place.is_condition || is_harmless(otherwise) || is_harmless(then))
        {
            self.sheet.add(&SC2015, otherwise.span, "this also runs when the command before it fails");
        }
        let last = statement.rest.last().map_or(&statement.first, |(_, pipeline)| pipeline);
        let is_guarded = place.is_guarded || place.is_condition || last.is_negated;
        if let [Command::Simple(simple)] = last.commands.as_slice()
            && simple.name().as_deref() == Some("cd")
            && !(is_guarded || self.has_errexit || place.is_piped)
        {
            self.sheet.add(&SC2164, simple.span, "what follows runs elsewhere if this fails");
        }
        let is_lone = statement.rest.is_empty() && statement.first.is_negated;
        if is_lone && self.has_errexit && !place.is_condition && !place.is_guarded {
            self.sheet.add(&SC2251, statement.first.span, "a command behind `!` does not end the script");
        }
    }

    fn command(&mut self, command: &Command, place: Place) {
        match command {
            Command::Simple(simple) => {
                let is_test = simple.name().is_some_and(|name| ["[", "test"].contains(&name.as_str()));
                let of_status = simple.words.iter().find(|word| matches!(word.unquoted().as_str(), "${?}"));
                if let (true, true, Some(word)) = (is_test, place.is_condition, of_status) {
                    self.sheet.add(&SC2181, word.span, "`$?` is of whichever command comes before");
                }
            }
            Command::Compound(compound) => {
                let CompoundKind::For { words, .. } = &compound.kind else { return };
                let [word] = words.as_slice() else { return };
                match word.parts.as_slice() {
                    [part] if matches!(&part.kind, PartKind::Command { script, .. } if calls_ls(script)) => {
                        self.sheet.add(&SC2045, word.span, "names with blanks are split");
                    }
                    _ => {
                        let is_constant = word.literal().is_some_and(|text| !text.contains(['*', '?', '[', '{']));
                        if is_constant {
                            self.sheet.add(&SC2043, word.span, "this loop runs once");
                        }
                    }
                }
            }
        }
    }
}

fn calls_ls(script: &Script) -> bool {
    Invocation::of_script(script).first().is_some_and(|command| command.name == "ls")
}

/// Commands that do not fail, or end the script anyway.
fn is_harmless(pipeline: &Pipeline) -> bool {
    match pipeline.commands.as_slice() {
        [Command::Simple(simple)] => match simple.name() {
            Some(name) => {
                ["echo", "printf", "exit", "return", "true", ":", "break", "continue"].contains(&name.as_str())
            }
            None => simple.words.is_empty(),
        },
        _ => false,
    }
}
