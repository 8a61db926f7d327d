//! Commands that hold commands.

use super::parameter::ends_doubly;
use super::read::Reader;
use super::word::Within;
use super::{Command, Compound, CompoundKind, Error, Problem, Script, Word};

impl Reader<'_> {
    /// The compound command that stands here, if one does.
    pub(super) fn compound(&mut self) -> Result<Option<Compound>, Error> {
        let start = self.at();
        let kind = match self.peek() {
            Some(b'(') if self.rest().starts_with("((") && self.is_double() => self.double_parentheses()?,
            Some(b'(') => self.subshell()?,
            Some(_) => match self.bare_word() {
                "{" => self.group()?,
                "if" => self.condition()?,
                "while" => self.repeat("while")?,
                "until" => self.repeat("until")?,
                "for" => self.each("for")?,
                "select" => self.each("select")?,
                "case" => self.case()?,
                "[[" => self.test()?,
                "function" => return self.function_by_keyword(start).map(Some),
                _ => return Ok(None),
            },
            None => return Ok(None),
        };
        self.finish(start, kind).map(Some)
    }

    fn finish(&mut self, start: usize, kind: CompoundKind) -> Result<Compound, Error> {
        let mut compound = Compound { span: self.since(start), kind, redirects: Vec::new() };
        loop {
            let end = self.at();
            self.blanks();
            let Some(redirect) = self.redirect()? else {
                self.go_to(end);
                break;
            };
            compound.redirects.push(redirect);
        }
        self.blanks();
        match self.peek().filter(|byte| !b"\n;&|)".contains(byte)) {
            Some(b'(') => Err(self.error(Problem::StrayParenthesis)),
            Some(_) if self.closer().is_none() => Err(self.error(Problem::Expected(";"))),
            Some(_) | None => Ok(compound),
        }
    }

    /// `((` opens arithmetic where `))` ends it.
    fn is_double(&self) -> bool {
        ends_doubly(&self.rest()[2..])
    }

    fn double_parentheses(&mut self) -> Result<CompoundKind, Error> {
        self.go_to(self.at() + 2);
        let parts = self.parts(Within::Arithmetic)?;
        self.expects("))")?;
        Ok(CompoundKind::Arithmetic(parts))
    }

    fn subshell(&mut self) -> Result<CompoundKind, Error> {
        self.bump();
        let script = self.some_script()?;
        self.expects(")")?;
        Ok(CompoundKind::Subshell(script))
    }

    fn group(&mut self) -> Result<CompoundKind, Error> {
        self.bump();
        let script = self.some_script()?;
        self.expects_word("}")?;
        Ok(CompoundKind::Group(script))
    }

    /// A script of at least one command.
    fn some_script(&mut self) -> Result<Script, Error> {
        let script = self.script()?;
        if script.statements.is_empty() { Err(self.error(Problem::NoCommand)) } else { Ok(script) }
    }

    fn condition(&mut self) -> Result<CompoundKind, Error> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        let mut is_open = self.takes_word("if");
        while is_open {
            let condition = self.some_script()?;
            self.expects_word("then")?;
            branches.push((condition, self.some_script()?));
            self.space();
            is_open = self.takes_word("elif");
        }
        if self.takes_word("else") {
            otherwise = Some(self.some_script()?);
        }
        self.expects_word("fi")?;
        Ok(CompoundKind::If { branches, otherwise })
    }

    fn repeat(&mut self, keyword: &str) -> Result<CompoundKind, Error> {
        self.takes_word(keyword);
        let condition = self.some_script()?;
        let body = self.body()?;
        Ok(CompoundKind::Loop { condition, body })
    }

    fn body(&mut self) -> Result<Script, Error> {
        self.expects_word("do")?;
        let body = self.some_script()?;
        self.expects_word("done")?;
        Ok(body)
    }

    fn each(&mut self, keyword: &str) -> Result<CompoundKind, Error> {
        self.takes_word(keyword);
        self.blanks();
        let mut name = String::new();
        let mut words = Vec::new();
        if self.rest().starts_with("((") {
            self.double_parentheses()?;
        } else {
            name = self.name();
            self.space();
            if self.takes_word("in") {
                words = self.words(Within::Command)?;
            }
        }
        self.space();
        self.takes(";");
        let body = self.body()?;
        Ok(CompoundKind::For { name, words, body })
    }

    fn words(&mut self, within: Within) -> Result<Vec<Word>, Error> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.word(within)? {
                Some(word) => words.push(word),
                None => return Ok(words),
            }
        }
    }

    fn case(&mut self) -> Result<CompoundKind, Error> {
        self.takes_word("case");
        self.blanks();
        let subject = self.word(Within::Command)?.ok_or_else(|| self.error(Problem::Expected("a word")))?;
        self.expects_word("in")?;
        let mut arms = Vec::new();
        loop {
            self.space();
            if self.takes_word("esac") {
                return Ok(CompoundKind::Case { subject, arms });
            }
            self.takes("(");
            let patterns = self.patterns()?;
            self.expects(")")?;
            let body = self.script()?;
            arms.push((patterns, body));
            self.space();
            if !(self.takes(";;&") || self.takes(";;") || self.takes(";&")) {
                self.expects_word("esac")?;
                return Ok(CompoundKind::Case { subject, arms });
            }
        }
    }

    fn patterns(&mut self) -> Result<Vec<Word>, Error> {
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            match self.word(Within::Command)? {
                Some(word) => patterns.push(word),
                None => return Err(self.error(Problem::Expected("a pattern"))),
            }
            self.blanks();
            if !self.takes("|") {
                return Ok(patterns);
            }
        }
    }

    fn test(&mut self) -> Result<CompoundKind, Error> {
        let opened = self.at();
        self.takes_word("[[");
        let mut words = Vec::new();
        loop {
            self.space();
            if self.takes("]]") {
                return Ok(CompoundKind::Test(words));
            }
            match self.word(Within::Test)? {
                Some(word) => words.push(word),
                None => return Err(Error { at: opened, problem: Problem::Unclosed("]]") }),
            }
        }
    }

    fn function_by_keyword(&mut self, start: usize) -> Result<Compound, Error> {
        self.takes_word("function");
        self.blanks();
        let name = self.word(Within::Command)?.and_then(|word| word.literal());
        let name = name.ok_or_else(|| self.error(Problem::Expected("a function's name")))?;
        self.blanks();
        self.function(start, name, true)
    }

    /// What follows a function's name: `()`, and its body.
    pub(super) fn function(&mut self, start: usize, name: String, has_keyword: bool) -> Result<Compound, Error> {
        if self.takes("(") {
            self.blanks();
            if !self.takes(")") {
                return Err(self.error(Problem::FunctionParameters));
            }
        }
        self.space();
        let Some(body) = self.deeper(Self::compound)? else {
            return Err(self.error(Problem::Expected("{")));
        };
        let body = Box::new(Command::Compound(body));
        Ok(Compound {
            span: self.since(start),
            kind: CompoundKind::Function { name, has_keyword, body },
            redirects: Vec::new(),
        })
    }
}
