//! Stages: what each begins with, and its instructions one after the other.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use wharf_dockerfile::expand::{Scope, Step};
use wharf_dockerfile::{Dockerfile, Instruction, InstructionKind, Span};
use wharf_images::Image;
use wharf_oci::{History, ImageConfig, Platform};

use super::base::platform_text;
use super::{Line, Made, Planner, metadata, stage_title};
use crate::error::Error;
use crate::graph::{Node, NodeId, Work};
use crate::instant::Instant;
use crate::op::Op;
use crate::progress::Event;
use crate::request::{Named, NoCache};

const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const COMMENT: &str = "buildkit.dockerfile.v0";
/// How many triggers a base may have.
const MAX_TRIGGERS: usize = 1000;

/// What a stage has come to.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) node: Option<NodeId>,
    pub(super) config: ImageConfig,
    pub(super) history: Vec<Line>,
    pub(super) base: Option<Arc<Image>>,
    pub(super) instant: Instant,
    pub(super) scope: Scope,
    /// Whether this stage has set CMD, so that ENTRYPOINT leaves it.
    pub(super) is_cmd_set: bool,
    pub(super) platform: Platform,
}

/// Where instructions of a stage stand, for titles and messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) stage: usize,
    pub(super) dockerfile: &'p Dockerfile,
    /// Whether spans are of the file that is built.
    pub(super) is_own: bool,
    /// Which layer it makes, and of how many.
    pub(super) number: usize,
    pub(super) count: usize,
}

impl State {
    /// Notes an instruction that changed the config only.
    pub(super) fn note(&mut self, text: String) {
        let history = History { created_by: text, comment: COMMENT.to_owned(), ..History::default() };
        self.history.push(Line { history, made: Made::Config });
    }

    /// Notes an instruction that made a file system.
    pub(super) fn note_layer(&mut self, text: &str, node: NodeId) {
        let created_by = format!("{text} # buildkit");
        let history = History { created_by, comment: COMMENT.to_owned(), ..History::default() };
        self.history.push(Line { history, made: Made::Layer(self.node, node) });
        self.node = Some(node);
    }
}

impl Planner<'_> {
    /// A stage, planned with all that it needs.
    pub(super) fn stage(&mut self, index: usize) -> LocalBoxFuture<'_, Result<State, Error>> {
        Box::pin(async move {
            if let Some(state) = &self.states[index] {
                return Ok(state.clone());
            }
            let dockerfile = self.dockerfile;
            let stages = dockerfile.stages();
            let stage = stages[index];
            let mut state = self.begin(index).await?;
            let triggers = std::mem::take(&mut state.config.config.on_build);
            let count = 1 + stage.instructions.iter().filter(|instruction| makes_layer(instruction)).count();
            let mut place = Place { stage: index, dockerfile, is_own: true, number: 1, count };
            self.trigger(&mut state, &triggers, place).await?;
            for instruction in stage.instructions {
                place.number += usize::from(makes_layer(instruction));
                self.dispatch(&mut state, instruction, place).await?;
            }
            self.states[index] = Some(state.clone());
            Ok(state)
        })
    }

    /// What the base left to be done by those that stand on it.
    async fn trigger(&mut self, state: &mut State, triggers: &[String], place: Place<'_>) -> Result<(), Error> {
        if triggers.len() > MAX_TRIGGERS {
            return Err(Error::Invalid(format!("the base has more than {MAX_TRIGGERS} ONBUILD triggers")));
        }
        for trigger in triggers {
            // An instruction stands in a stage.
            let text = format!("FROM scratch\n{trigger}");
            let dockerfile = wharf_dockerfile::parse(&text);
            if let Some(diagnostic) = dockerfile.errors().next() {
                return Err(Error::Dockerfile(diagnostic.render("ONBUILD of the base", &text)));
            }
            for instruction in dockerfile.instructions.iter().skip(1) {
                let place = Place { dockerfile: &dockerfile, is_own: false, ..place };
                self.dispatch(state, instruction, place).await?;
            }
        }
        Ok(())
    }

    /// FROM.
    async fn begin(&mut self, index: usize) -> Result<State, Error> {
        let dockerfile = self.dockerfile;
        let stages = dockerfile.stages();
        let from = stages[index].from;
        let base = self
            .globals
            .base(from)
            .map_err(|diagnostic| Error::Dockerfile(diagnostic.render(&self.request.name, dockerfile.source())))?;
        let (image, platform) = (base.image, base.platform);
        let platform = match platform {
            Some(text) => crate::request::platform(&text)?,
            None => self.request.platform.clone(),
        };
        if let Some(named) = self.request.named.get(&image).cloned() {
            return match named {
                Named::Image(image) => self.on_image(&image, platform).await,
                Named::Folder(_) => self.on_folder(&image, platform),
            };
        }
        if let Some(earlier) = self.earlier(&image, index) {
            let state = self.stage(earlier).await?;
            let scope = state.scope.child();
            return Ok(State { is_cmd_set: false, scope, ..state });
        }
        if image == "scratch" {
            return Ok(self.on_nothing(platform));
        }
        self.on_image(&image, platform).await
    }

    /// The stage before this one that has a name.
    pub(super) fn earlier(&self, name: &str, index: usize) -> Option<usize> {
        let name = name.to_ascii_lowercase();
        self.names[..index].iter().rposition(|known| known.as_ref() == Some(&name))
    }

    fn on_nothing(&self, platform: Platform) -> State {
        let mut config = ImageConfig {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone().unwrap_or_default(),
            ..ImageConfig::default()
        };
        config.config.env.push(DEFAULT_PATH.to_owned());
        config.config.working_dir = "/".to_owned();
        let instant = Instant::of(self.epoch, None);
        let scope = self.globals.stage(&config.config.env);
        State { node: None, config, history: Vec::new(), base: None, instant, scope, is_cmd_set: false, platform }
    }

    async fn on_image(&mut self, name: &str, platform: Platform) -> Result<State, Error> {
        let known = self.base(name, &platform).await?;
        let document = &known.image.config.document;
        let line = |history: &History| Line { history: history.clone(), made: Made::Base };
        let history = document.history.iter().map(line).collect();
        let mut config = ImageConfig { history: Vec::new(), created: None, ..document.clone() };
        if config.config.working_dir.is_empty() {
            config.config.working_dir = "/".to_owned();
        }
        let instant = Instant::of(self.epoch, document.created.as_deref());
        let scope = self.globals.stage(&config.config.env);
        let (node, base) = (Some(known.node), Some(Arc::clone(&known.image)));
        Ok(State { node, config, history, base, instant, scope, is_cmd_set: false, platform })
    }

    /// A named folder as a base: its files, and nothing else.
    fn on_folder(&mut self, name: &str, platform: Platform) -> Result<State, Error> {
        let mut state = self.on_nothing(platform);
        let op = super::files::whole(crate::op::copy::Origin::Named(name.to_owned()), "/", Vec::new());
        let node = self.node(&state, Box::new(op), (Vec::new(), format!("FROM {name}"), None));
        state.note_layer(&format!("FROM {name}"), node);
        Ok(state)
    }

    /// Adds an operation on what the stage has come to.
    pub(super) fn node(
        &mut self,
        state: &State,
        op: Box<dyn Op>,
        (inputs, title, place): (Vec<NodeId>, String, Option<(Place<'_>, Span)>),
    ) -> NodeId {
        let span = place.and_then(|(place, span)| place.is_own.then_some(span));
        let is_forced = match &self.request.no_cache {
            NoCache::Nothing => false,
            NoCache::Everything => true,
            NoCache::Stages(names) => place.is_some_and(|(place, _)| {
                let own = stage_title(&self.names, place.stage);
                names.iter().any(|name| name.eq_ignore_ascii_case(&own))
            }),
        };
        let (parent, instant) = (state.node, state.instant);
        self.graph.add(Node { work: Work::Op(op), parent, inputs, title, span, is_forced, instant })
    }

    /// What an instruction is called for people: `[build 2/4] RUN make`.
    pub(super) fn title(&self, state: &State, place: Place<'_>, text: &str) -> String {
        const MOST: usize = 120;
        let foreign = match state.platform == self.request.platform {
            true => String::new(),
            false => format!("{} ", platform_text(&state.platform)),
        };
        let mut shown: String = text.chars().take(MOST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let stage = stage_title(&self.names, place.stage);
        format!("[{foreign}{stage} {}/{}] {}", place.number, place.count, shown.replace('\n', " "))
    }

    fn dispatch<'a>(
        &'a mut self,
        state: &'a mut State,
        instruction: &'a Instruction,
        place: Place<'a>,
    ) -> LocalBoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let step = state.scope.step(instruction).map_err(|diagnostic| self.refused(place, &diagnostic))?;
            for variable in state.scope.take_undefined() {
                let meant = variable.suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                let line = place.dockerfile.line(variable.span.start);
                self.tell(Event::Warning(format!("line {line}: the variable `{}` is not set{meant}", variable.name)));
            }
            match step {
                Step::Run(run) => self.run(state, &run, (instruction, place)).await,
                Step::Copy(copy) => self.copy(state, copy, (instruction, place)).await,
                Step::Add(add) => self.add(state, add, (instruction, place)),
                Step::Workdir(path) => {
                    self.workdir(state, &path, (instruction, place));
                    Ok(())
                }
                Step::Stopsignal(signal) if !super::signal::is_signal(&signal) => {
                    Err(self.error(place, instruction.span, format!("invalid signal: {signal}")))
                }
                Step::Arg(_)
                | Step::Cmd(_)
                | Step::Entrypoint(_)
                | Step::Env(_)
                | Step::Expose(_)
                | Step::Healthcheck(_)
                | Step::Label(_)
                | Step::Maintainer(_)
                | Step::Onbuild(_)
                | Step::Shell(_)
                | Step::Stopsignal(_)
                | Step::User(_)
                | Step::Volume(_) => metadata::apply(state, step),
            }
        })
    }
}

fn makes_layer(instruction: &Instruction) -> bool {
    matches!(
        instruction.kind,
        InstructionKind::Run(_) | InstructionKind::Copy(_) | InstructionKind::Add(_) | InstructionKind::Workdir(_)
    )
}
