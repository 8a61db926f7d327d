//! The variables of the whole file: the platforms, and the ARGs before the first FROM. Only FROM sees them; a stage takes
//! one over by declaring it.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::{Scope, Undefined, Work};
use super::variables::Variables;
use crate::diagnostic::Diagnostic;
use crate::directive::Escape;
use crate::dockerfile::Dockerfile;
use crate::instruction::{From, Instruction, InstructionKind};
use crate::nearest::nearest;
use crate::span::Spanned;

/// Build arguments that need no declaration: RUN sees them, and nothing remembers them.
const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// What a build brings along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// The platform of the image, like `linux/arm64/v8`.
    pub target_platform: String,
    /// The platform of the builder.
    pub build_platform: String,
    /// The name of the stage that is built; empty, if it has none.
    pub target_stage: String,
}

/// The variables of the whole file.
#[derive(Debug, Clone)]
pub struct Globals {
    variables: Variables,
    /// Those that an ARG declares, with or without a value.
    declared: BTreeSet<String>,
    build_args: BTreeMap<String, String>,
    escape: Escape,
    /// What is wrong with the ARGs before the first FROM.
    pub diagnostics: Vec<Diagnostic>,
    /// Variables in them that have no value.
    pub undefined: Vec<Undefined>,
}

/// An expanded FROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The image, stage or `scratch`.
    pub image: String,
    /// The platform.
    pub platform: Option<String>,
    /// Variables that have no value.
    pub undefined: Vec<Undefined>,
}

impl Inputs {
    /// The proxies that RUN gets without a declaration, under both spellings; they belong to no cache key and no history.
    pub fn proxies(&self) -> Vec<(String, String)> {
        let value = |name: &str| {
            let mut given = self.build_args.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
            given.next_back().map(|(_, value)| value)
        };
        let both =
            |name: &str, value: &str| [(name.to_owned(), value.to_owned()), (name.to_lowercase(), value.to_owned())];
        PROXIES.iter().filter_map(|name| value(name).map(|value| both(name, value))).flatten().collect()
    }

    fn platforms(&self) -> Variables {
        let mut variables = Variables::default();
        for (prefix, platform) in [("BUILD", &self.build_platform), ("TARGET", &self.target_platform)] {
            let mut parts = platform.split('/');
            let mut part = || parts.next().unwrap_or_default();
            variables.set(&format!("{prefix}PLATFORM"), platform);
            variables.set(&format!("{prefix}OS"), part());
            variables.set(&format!("{prefix}OSVERSION"), "");
            variables.set(&format!("{prefix}ARCH"), part());
            variables.set(&format!("{prefix}VARIANT"), part());
        }
        let stage = if self.target_stage.is_empty() { "default" } else { &self.target_stage };
        variables.set("TARGETSTAGE", stage);
        let given: Vec<_> = variables.names().filter_map(|name| self.build_args.get_key_value(name)).collect();
        given.into_iter().for_each(|(name, value)| variables.set(name, value));
        variables
    }
}

impl Globals {
    /// The variables of `dockerfile` in a build with `inputs`.
    pub fn of(dockerfile: &Dockerfile, inputs: &Inputs) -> Self {
        let mut globals = Self {
            variables: inputs.platforms(),
            declared: BTreeSet::new(),
            build_args: inputs.build_args.clone(),
            escape: dockerfile.escape,
            diagnostics: Vec::new(),
            undefined: Vec::new(),
        };
        let mut work = Work::default();
        for instruction in dockerfile.preamble() {
            let InstructionKind::Arg(arg) = &instruction.kind else { continue };
            for argument in &arg.arguments {
                globals.declare(&argument.name, argument.default.as_ref(), &mut work);
            }
        }
        globals
    }

    fn declare(&mut self, name: &str, default: Option<&Spanned<String>>, work: &mut Work) {
        self.declared.insert(name.to_owned());
        if let Some(given) = self.build_args.get(name) {
            self.variables.set(name, given);
        } else if let Some(default) = default {
            match work.expand(default, self.escape, &self.variables) {
                Ok(expanded) => {
                    self.undefined.extend(self.undefined(default, expanded.undefined));
                    self.variables.set(name, &expanded.text);
                }
                Err(diagnostic) => self.diagnostics.push(diagnostic),
            }
        }
    }

    fn undefined(&self, word: &Spanned<String>, names: BTreeSet<String>) -> Vec<Undefined> {
        let unknown = names.into_iter().filter(|name| !self.declared.contains(name));
        unknown.map(|name| Undefined::new(name, word.span, self.variables.names())).collect()
    }

    /// The values.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The build arguments that were given.
    pub(super) fn build_args(&self) -> &BTreeMap<String, String> {
        &self.build_args
    }

    /// The escape character of the file.
    pub(super) fn escape(&self) -> Escape {
        self.escape
    }

    /// Expands a FROM.
    pub fn base(&self, from: &From) -> Result<Base, Diagnostic> {
        let mut undefined = Vec::new();
        let mut expand = |word: &Spanned<String>, what: &str| {
            let expanded = Work::default().expand(word, self.escape, &self.variables)?;
            let missing = self.undefined(word, expanded.undefined);
            if expanded.text.is_empty() {
                let hint = missing.first().and_then(|variable| variable.suggestion.as_ref());
                let hint = hint.map(|name| format!("did you mean `${name}`?"));
                return Err(Diagnostic::error(word.span, format!("{what} `{}` is empty", **word)).hint(hint));
            }
            undefined.extend(missing);
            Ok(expanded.text)
        };
        let image = expand(&from.image, "the base")?;
        let platform = from.platform.as_ref().map(|platform| expand(platform, "the platform")).transpose()?;
        Ok(Base { image, platform, undefined })
    }

    /// The scope of a stage on an image of which the config has this environment: pairs of `NAME=VALUE`.
    pub fn stage(&self, environment: &[String]) -> Scope {
        let pairs = environment.iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Scope::new(self.clone(), pairs.collect())
    }
}

/// The build arguments that no ARG of the file declares, each with the name that was probably meant.
pub fn unused_arguments(dockerfile: &Dockerfile, inputs: &Inputs) -> Vec<(String, Option<String>)> {
    let declared: BTreeSet<&str> = dockerfile.instructions.iter().flat_map(declared).collect();
    let platforms = Inputs::default().platforms();
    let is_known = |name: &str| {
        let builtin = name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH";
        let proxy = PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(name));
        builtin || proxy || declared.contains(name) || platforms.get(name).is_some()
    };
    let unused = inputs.build_args.keys().filter(|name| !is_known(name));
    unused.map(|name| (name.clone(), nearest(name, declared.iter().copied()).map(str::to_owned))).collect()
}

fn declared(instruction: &Instruction) -> Vec<&str> {
    if let InstructionKind::Arg(arg) = &instruction.kind {
        arg.arguments.iter().map(|argument| argument.name.as_str()).collect()
    } else if let InstructionKind::Onbuild(onbuild) = &instruction.kind {
        declared(&onbuild.trigger)
    } else {
        Vec::new()
    }
}
