//! Planning: from a Dockerfile to the graph of what its target needs, and to the target's config.
//!
//! Stages are planned when something asks for them, the target first; what nothing asks for is not looked at. Bases are
//! resolved here, because their configs decide over what follows; their layers are not touched.

mod base;
mod files;
mod metadata;
mod running;
mod signal;
mod stage;

use std::sync::Arc;

use wharf_dockerfile::expand::{Globals, Inputs, unused_arguments};
use wharf_dockerfile::{Diagnostic, Dockerfile, Span, Stage};
use wharf_images::Image;
use wharf_oci::{Digest, History, ImageConfig};

use self::base::Known;
pub(crate) use self::base::platform_text;
use self::stage::{Place, State};
use crate::error::Error;
use crate::graph::{Graph, NodeId};
use crate::instant::Instant;
use crate::progress::Event;
use crate::request::Request;
use crate::solve::Builder;

/// What is to be solved, and what is to be made of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) graph: Graph,
    pub(crate) target: Target,
}

/// The image that is wanted.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its file system; none where it is empty.
    pub(crate) node: Option<NodeId>,
    /// Its config, without layers and history.
    pub(crate) config: ImageConfig,
    pub(crate) history: Vec<Line>,
    /// What it stands on.
    pub(crate) base: Option<Arc<Image>>,
    pub(crate) instant: Instant,
    /// The images that were looked up: by name, with their manifests.
    pub(crate) bases: Vec<(String, Digest)>,
}

/// One line of a history.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) history: History,
    pub(crate) made: Made,
}

/// What a line of a history made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is the base's, and says itself.
    Base,
    /// Nothing but config.
    Config,
    /// The second file system out of the first.
    Layer(Option<NodeId>, NodeId),
}

/// Makes the graph of what is asked for.
pub(crate) async fn plan(builder: &Builder, request: &Arc<Request>) -> Result<Plan, Error> {
    let dockerfile = Arc::clone(&request.dockerfile);
    check(&dockerfile, &request.name)?;
    let stages = dockerfile.stages();
    let target = target(&stages, request.target.as_deref())?;
    let names: Vec<Option<String>> =
        stages.iter().map(|stage| stage.from.name().map(|name| name.to_ascii_lowercase())).collect();
    let inputs = Inputs {
        build_args: request.arguments.clone(),
        target_platform: platform_text(&request.platform),
        build_platform: platform_text(&request.own_platform),
        target_stage: names[target].clone().unwrap_or_default(),
    };
    let globals = Globals::of(&dockerfile, &inputs);
    if let Some(diagnostic) = globals.diagnostics.first() {
        return Err(Error::Dockerfile(diagnostic.render(&request.name, dockerfile.source())));
    }
    let asked = globals.variables().get("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok());
    let states = vec![None; stages.len()];
    let (graph, bases, epoch) = (Graph::default(), Vec::new(), request.epoch.or(asked));
    let mut planner =
        Planner { builder, request, dockerfile: &dockerfile, inputs, globals, names, graph, states, bases, epoch };
    let state = planner.stage(target).await?;
    planner.warn_of_unused();
    let mut config = state.config.clone();
    for (name, value) in &request.labels {
        config.config.labels.insert(name.clone(), value.clone());
    }
    if let Some((repository, commit)) = &request.source {
        for (name, value) in [("revision", commit), ("source", repository)] {
            let label = format!("org.opencontainers.image.{name}");
            if !value.is_empty() {
                config.config.labels.entry(label).or_insert_with(|| value.clone());
            }
        }
    }
    let name = |asked: &str| asked.split(' ').next().unwrap_or_default().to_owned();
    let bases = planner.bases.iter().map(|(asked, known)| (name(asked), known.image.descriptor.digest)).collect();
    let State { node, history, base, instant, .. } = state;
    let target = Target { node, config, history, base, instant, bases };
    Ok(Plan { graph: planner.graph, target })
}

/// What is needed while planning.
struct Planner<'b> {
    builder: &'b Builder,
    request: &'b Arc<Request>,
    dockerfile: &'b Dockerfile,
    inputs: Inputs,
    /// Arguments of the whole file.
    globals: Globals,
    /// The stages' names, in lower case.
    names: Vec<Option<String>>,
    graph: Graph,
    states: Vec<Option<State>>,
    /// Images that were looked up, by what was asked for.
    bases: Vec<(String, Known)>,
    epoch: Option<i64>,
}

impl Planner<'_> {
    fn tell(&self, event: Event) {
        (self.builder.tell)(event);
    }

    fn warn_of_unused(&self) {
        for (name, meant) in unused_arguments(self.dockerfile, &self.inputs) {
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            self.tell(Event::Warning(format!("no ARG takes the build argument `{name}`{meant}")));
        }
    }

    /// What is wrong, where it stands.
    fn refused(&self, place: Place<'_>, diagnostic: &Diagnostic) -> Error {
        let name = if place.is_own { self.request.name.as_str() } else { "ONBUILD of the base" };
        Error::Dockerfile(diagnostic.render(name, place.dockerfile.source()))
    }

    /// An error at a place of the file.
    fn error(&self, place: Place<'_>, span: Span, message: impl Into<String>) -> Error {
        self.refused(place, &Diagnostic::error(span, message))
    }
}

/// Refuses a file that cannot be built.
fn check(dockerfile: &Dockerfile, name: &str) -> Result<(), Error> {
    let errors: Vec<String> =
        dockerfile.errors().map(|diagnostic| diagnostic.render(name, dockerfile.source())).collect();
    match errors.is_empty() {
        true if dockerfile.stages().is_empty() => {
            Err(Error::Dockerfile(format!("{name}: there is no FROM in it, so there is nothing to build")))
        }
        true => Ok(()),
        false => Err(Error::Dockerfile(errors.join("\n"))),
    }
}

fn target(stages: &[Stage<'_>], name: Option<&str>) -> Result<usize, Error> {
    let Some(name) = name else { return Ok(stages.len() - 1) };
    let named = stages.iter().rposition(|stage| stage.is_named(name));
    let numbered = || name.parse::<usize>().ok().filter(|number| *number < stages.len());
    let names = || stages.iter().filter_map(|stage| stage.from.name().map(|name| name.value.clone())).collect();
    named.or_else(numbered).ok_or_else(|| Error::NoTarget { name: name.to_owned(), names: names() })
}

/// What a stage is called for people.
fn stage_title(names: &[Option<String>], index: usize) -> String {
    names.get(index).cloned().flatten().unwrap_or_else(|| format!("stage-{index}"))
}
