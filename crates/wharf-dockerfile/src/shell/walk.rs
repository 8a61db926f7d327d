//! Going through a script: each command and each word once, in the order of the text, with where it stands.

use super::{Command, CompoundKind, Connector, Part, PartKind, Pipeline, Script, Statement, Word};

/// Where a command stands, as far as a rule may ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// In the condition of `if`, `while` or `until`, or under `!`: its failure does not end the script.
    pub is_condition: bool,
    /// Followed by `||` in the same statement.
    pub is_guarded: bool,
    /// In `$( … )`, backquotes, `<( … )` or `( … )`: a shell of its own.
    pub is_subshell: bool,
    /// In a command substitution.
    pub is_substitution: bool,
    /// In a function's body.
    pub is_function: bool,
    /// It reads or writes a pipe.
    pub is_piped: bool,
}

/// What is done with commands, pipelines and words on the way.
pub trait Visit {
    /// Statements, before what is in them.
    fn statement(&mut self, _statement: &Statement, _place: Place) {}
    /// Pipelines, before what is in them.
    fn pipeline(&mut self, _pipeline: &Pipeline, _place: Place) {}
    /// Commands, before what is in them.
    fn command(&mut self, _command: &Command, _place: Place) {}
}

impl Script {
    /// Goes through all of it.
    pub fn walk(&self, visitor: &mut dyn Visit) {
        script(self, Place::default(), visitor);
    }
}

fn script(items: &Script, place: Place, visitor: &mut dyn Visit) {
    for item in &items.statements {
        statement(item, place, visitor);
    }
}

fn statement(statement: &Statement, place: Place, visitor: &mut dyn Visit) {
    visitor.statement(statement, place);
    let last_or = statement.rest.iter().rposition(|(connector, _)| *connector == Connector::Or);
    for (index, pipeline) in statement.pipelines().enumerate() {
        let is_guarded = place.is_guarded || last_or.is_some_and(|or| index <= or);
        let is_condition = place.is_condition || pipeline.is_negated;
        self::pipeline(pipeline, Place { is_guarded, is_condition, ..place }, visitor);
    }
}

fn pipeline(pipeline: &Pipeline, place: Place, visitor: &mut dyn Visit) {
    visitor.pipeline(pipeline, place);
    let is_piped = pipeline.commands.len() > 1 || place.is_piped;
    for command in &pipeline.commands {
        self::command(command, Place { is_piped, ..place }, visitor);
    }
}

fn command(command: &Command, place: Place, visitor: &mut dyn Visit) {
    visitor.command(command, place);
    match command {
        Command::Simple(simple) => {
            let values = simple.assignments.iter().flat_map(|assignment| &assignment.value);
            let targets = simple.redirects.iter().map(|redirect| &redirect.target);
            words(values.chain(&simple.words).chain(targets), place, visitor);
        }
        Command::Compound(compound) => {
            words(compound.redirects.iter().map(|redirect| &redirect.target), place, visitor);
            inside(&compound.kind, place, visitor);
        }
    }
}

fn inside(kind: &CompoundKind, place: Place, visitor: &mut dyn Visit) {
    match kind {
        CompoundKind::Group(items) => script(items, place, visitor),
        CompoundKind::Subshell(items) => script(items, Place { is_subshell: true, ..place }, visitor),
        CompoundKind::If { branches, otherwise } => {
            for (condition, body) in branches {
                script(condition, Place { is_condition: true, ..place }, visitor);
                script(body, place, visitor);
            }
            if let Some(body) = otherwise {
                script(body, place, visitor);
            }
        }
        CompoundKind::Loop { condition, body } => {
            script(condition, Place { is_condition: true, ..place }, visitor);
            script(body, place, visitor);
        }
        CompoundKind::For { words: items, body, .. } => {
            words(items, place, visitor);
            script(body, place, visitor);
        }
        CompoundKind::Case { subject, arms } => {
            words([subject], place, visitor);
            for (patterns, body) in arms {
                words(patterns, place, visitor);
                script(body, place, visitor);
            }
        }
        CompoundKind::Test(items) => words(items, place, visitor),
        CompoundKind::Arithmetic(items) => parts(items, place, visitor),
        CompoundKind::Function { body, .. } => command(body, Place { is_function: true, ..place }, visitor),
    }
}

fn words<'w>(items: impl IntoIterator<Item = &'w Word>, place: Place, visitor: &mut dyn Visit) {
    for word in items {
        parts(&word.parts, place, visitor);
    }
}

fn parts(items: &[Part], place: Place, visitor: &mut dyn Visit) {
    for part in items {
        match &part.kind {
            PartKind::Double(inner) | PartKind::Arithmetic(inner) => parts(inner, place, visitor),
            PartKind::Parameter(parameter) => parts(&parameter.operand, place, visitor),
            PartKind::Command { script: items, .. } => {
                script(items, Place { is_subshell: true, is_substitution: true, is_piped: false, ..place }, visitor)
            }
            PartKind::Process(items) => script(items, Place { is_subshell: true, is_piped: false, ..place }, visitor),
            PartKind::Literal(_) | PartKind::Escaped(_) | PartKind::Single(_) | PartKind::AnsiC(_) => {}
        }
    }
}
