//! RUN.

use wharf_dockerfile::expand::RunStep;
use wharf_dockerfile::instruction::RunForm;
use wharf_dockerfile::instruction::mount::Mount;
use wharf_dockerfile::{Heredoc, Instruction, InstructionKind};

use super::files::{self, Numbers, Whence, absolute};
use super::stage::{Place, State};
use super::{Planner, metadata};
use crate::error::Error;
use crate::graph::{Node, NodeId, Work};
use crate::op::copy::{Origin, Taken};
use crate::op::mounts::Shown;
use crate::op::run;
use crate::request::Network;

/// Where a script of a heredoc is seen.
const SCRIPTS: &str = "/dev/pipes";
const HOSTNAME: &str = "buildkitsandbox";

/// The mounts of one RUN, and what they read.
#[derive(Default)]
struct Mounts {
    shown: Vec<Shown>,
    inputs: Vec<NodeId>,
    seen: Vec<Taken>,
}

impl Planner<'_> {
    /// RUN.
    pub(super) async fn run(
        &mut self,
        state: &mut State,
        run: &RunStep,
        at: (&Instruction, Place<'_>),
    ) -> Result<(), Error> {
        let (instruction, place) = at;
        if !run.devices.is_empty() {
            return Err(self.error(place, instruction.span, "builds are given no devices; leave `--device` out"));
        }
        let (network, is_insecure) = self.rights(run, at)?;
        let mounts = self.mounts(state, run.mounts.clone(), at).await?;
        let (arguments, script) = match &run.form {
            RunForm::Exec(words) => (words.clone(), None),
            RunForm::Shell(text) => (metadata::in_shell(state, text), None),
            RunForm::Script { name, content } => {
                let path = format!("{SCRIPTS}/{name}");
                (vec![path.clone()], Some((path, content.clone())))
            }
        };
        let text = history(state, &arguments, instruction);
        let hostname = self.request.arguments.get("BUILDKIT_SANDBOX_HOSTNAME");
        let op = run::Run {
            arguments,
            environment: pairs(state.scope.visible().iter()),
            silent: self.silent(state),
            folder: state.config.config.working_dir.clone(),
            user: state.config.config.user.clone(),
            network,
            is_insecure,
            hostname: hostname.map_or(HOSTNAME, String::as_str).to_owned(),
            mounts: mounts.shown,
            seen: mounts.seen,
            script,
        };
        let title = self.title(state, place, instruction.text.as_str());
        let node = self.node(state, Box::new(op), (mounts.inputs, title, Some((place, instruction.span))));
        state.note_layer(&text, node);
        Ok(())
    }

    /// Proxies that nobody declared.
    fn silent(&self, state: &State) -> Vec<(String, String)> {
        let mut silent = self.inputs.proxies();
        silent.retain(|(name, _)| state.scope.visible().get(name).is_none());
        silent
    }

    /// Network and security, where they are allowed.
    fn rights(&self, run: &RunStep, (instruction, place): (&Instruction, Place<'_>)) -> Result<(Network, bool), Error> {
        let network = match run.network.as_deref() {
            None | Some("default") => self.request.network,
            Some("none") => Network::None,
            Some(_) => Network::Host,
        };
        let is_asked = run.network.is_some() && network == Network::Host && self.request.network != Network::Host;
        if is_asked && !self.request.allowed.host_network {
            let message = "`--network=host` is not allowed; the build must be started with --allow network.host";
            return Err(self.error(place, instruction.span, message));
        }
        let is_insecure = run.security.as_deref() == Some("insecure");
        if is_insecure && !self.request.allowed.insecure {
            let message =
                "`--security=insecure` is not allowed; the build must be started with --allow security.insecure";
            return Err(self.error(place, instruction.span, message));
        }
        Ok((network, is_insecure))
    }

    async fn mounts(
        &mut self,
        state: &State,
        asked: Vec<Mount>,
        at: (&Instruction, Place<'_>),
    ) -> Result<Mounts, Error> {
        let mut mounts = Mounts::default();
        for mount in asked {
            let shown = match mount {
                Mount::Bind { from, source, target, writable } => {
                    let (input, path) = self.tree(from.as_deref(), source.as_deref(), at, &mut mounts).await?;
                    Shown::Tree { input, path, target: seen_at(state, &target), is_writable: writable }
                }
                Mount::Cache { id, target, from, source, sharing, access, read_only } => {
                    let begins = match &from {
                        None => None,
                        Some(from) => Some(self.tree(Some(from), source.as_deref(), at, &mut mounts).await?),
                    };
                    let target = seen_at(state, &target);
                    let id = id.unwrap_or_else(|| target.clone());
                    Shown::Cache { id, target, sharing, access, is_read_only: read_only, begins }
                }
                Mount::Tmpfs { target, size_bytes } => Shown::Memory { target: seen_at(state, &target), size_bytes },
                Mount::Secret { id, target, env, required, access } => {
                    let target = target.map(|target| seen_at(state, &target));
                    Shown::Secret { id, target, env, is_required: required, access }
                }
                Mount::Ssh { id, target, required, .. } => {
                    let target = target.map(|target| seen_at(state, &target));
                    Shown::Agent { id, target, is_required: required }
                }
            };
            mounts.shown.push(shown);
        }
        Ok(mounts)
    }

    /// A part of another file system as an input; gives its place in the inputs and the path there.
    async fn tree(
        &mut self,
        from: Option<&str>,
        source: Option<&str>,
        (instruction, place): (&Instruction, Place<'_>),
        mounts: &mut Mounts,
    ) -> Result<(usize, String), Error> {
        let source = absolute("/", source.unwrap_or("/"));
        let source = if source.len() > 1 { source.trim_end_matches('/').to_owned() } else { source };
        let whence = match from {
            None => Whence::Context,
            Some(name) => self.whence(name, (instruction.span, place), Numbers::AreNames).await?,
        };
        let node = match whence {
            Whence::Node(node) => node,
            Whence::Context => self.loaded(Origin::Context, &source),
            Whence::Named(name) => self.loaded(Origin::Named(name), &source),
        };
        mounts.inputs.push(node);
        let input = mounts.inputs.len() - 1;
        mounts.seen.push(files::seen(Origin::Input(input), &source));
        Ok((input, source))
    }

    /// What a container may see of a folder: a copy, without what the ignore file hides.
    fn loaded(&mut self, origin: Origin, source: &str) -> NodeId {
        let op = files::part(origin, (source, source), Vec::new());
        let parent = self.empty();
        let instant = self.graph.nodes[parent].instant;
        let (work, title) = (Work::Op(Box::new(op)), format!("[context] {source}"));
        self.graph.add(Node {
            work,
            parent: Some(parent),
            inputs: Vec::new(),
            title,
            span: None,
            is_forced: false,
            instant,
        })
    }
}

/// Where a mount is seen.
fn seen_at(state: &State, path: &str) -> String {
    let path = absolute(&state.config.config.working_dir, path);
    path.trim_end_matches('/').to_owned()
}

fn pairs<'v>(variables: impl Iterator<Item = (&'v str, &'v str)>) -> Vec<(String, String)> {
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the history says: arguments, words of the command, and of a heredoc its beginning.
fn history(state: &State, arguments: &[String], instruction: &Instruction) -> String {
    let mut words = Vec::new();
    let given: Vec<String> = state.scope.arguments().map(|(name, value)| format!("{name}={value}")).collect();
    if !given.is_empty() {
        words.push(format!("|{}", given.len()));
        words.extend(given);
    }
    match heredoc(instruction) {
        Some(heredoc) => {
            let text = heredoc.text();
            let more = if text.lines().nth(1).is_some() { "..." } else { "" };
            words.push(format!("<<{} ({}{more})", heredoc.opening.name, text.lines().next().unwrap_or_default()));
        }
        None => words.extend(arguments.iter().cloned()),
    }
    format!("RUN {}", words.join(" "))
}

/// The heredoc that is the whole command.
fn heredoc(instruction: &Instruction) -> Option<&Heredoc> {
    let InstructionKind::Run(run) = &instruction.kind else { return None };
    run.heredocs.first().filter(|_| run.heredocs.len() == 1)
}
