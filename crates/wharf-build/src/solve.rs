//! Solving: from the node that is wanted back to what it needs.
//!
//! Each node is solved once, whoever asks; what it needs is solved beside each other. A node whose result is known costs
//! a look into the cache; its layers, and those of its base, are touched only when something has to be executed on them.

mod kit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Moment;

use futures_util::future::try_join_all;
use tokio::sync::{OnceCell, Semaphore};
use wharf_dockerfile::Dockerfile;
use wharf_images::{Image, Images, Snapshot};
use wharf_oci::Digest;
use wharf_oci::ports::BoxFuture;

pub(crate) use self::kit::Kit;
use crate::cache::remote::Imported;
use crate::cache::{Key, Known};
use crate::error::Error;
use crate::export::Built;
use crate::export::provenance::{self, Material};
use crate::graph::{Graph, Node, NodeId, Work, told};
use crate::op::{Inputs, Op, Written};
use crate::plan;
use crate::ports::{Bases, Secrets};
use crate::progress::{Event, Step, Tell};
use crate::request::Request;

/// How much of what a failed operation wrote is shown again.
const TAIL_BYTES: usize = 8 * 1024;

/// What builds need.
#[derive(Clone)]
pub struct Builder {
    /// The node's images.
    pub images: Images,
    /// Where bases come from.
    pub bases: Arc<dyn Bases>,
    /// Secrets and agents.
    pub secrets: Arc<dyn Secrets>,
    /// How ADD downloads.
    pub http: wharf_http::Client,
    /// What other machines have made.
    pub imported: Vec<Arc<Imported>>,
    /// Is told what happens.
    pub tell: Tell,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("images", &self.images).finish_non_exhaustive()
    }
}

/// Builds what is asked for; [`crate::export::export`] gives it to where it is wanted.
pub async fn build(builder: &Builder, request: Request) -> Result<Built, Error> {
    let request = Arc::new(request);
    let plan = plan::plan(builder, &request).await?;
    let kit = Arc::new(Kit::new(builder, &request, &plan.graph).await?);
    // Whoever gives up on the build ends what runs for it.
    let _running = kit::Ending(Arc::clone(&kit));
    let dockerfile = Arc::clone(&request.dockerfile);
    let solver = Solver::new(builder, plan.graph, Arc::clone(&kit), dockerfile);
    let solved = solver.solve_all(&plan.target).await;
    kit.memo.save();
    let snapshots = solved?;
    let mut built = Built::new(&builder.images, (&plan.target, &snapshots)).await?;
    built.solved = solver.end(&snapshots);
    if request.provenance {
        let material = Material { bases: plan.target.bases, source: request.source.clone() };
        built.provenance = Some(provenance::predicate(&request, &material));
    }
    Ok(built)
}

/// What a build knows when it has ended.
#[derive(Debug, Clone, Default)]
pub struct Solved {
    pub(crate) results: Vec<Outcome>,
    pub(crate) bases: Vec<Arc<Image>>,
}

/// What one operation led to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) key: Digest,
    pub(crate) snapshot: Snapshot,
    /// Whether the image stands on it.
    pub(crate) is_of_target: bool,
}

/// Solves a graph.
struct Solver {
    graph: Graph,
    cells: Vec<OnceCell<Snapshot>>,
    kit: Arc<Kit>,
    images: Images,
    tell: Tell,
    turns: Semaphore,
    dockerfile: Arc<Dockerfile>,
    /// The keys of operations that were looked up, and what they led to.
    outcomes: Mutex<Vec<(NodeId, Digest, Snapshot)>>,
    imported: Vec<Arc<Imported>>,
}

impl Solver {
    fn new(builder: &Builder, graph: Graph, kit: Arc<Kit>, dockerfile: Arc<Dockerfile>) -> Self {
        let cells = graph.nodes.iter().map(|_| OnceCell::new()).collect();
        let turns = Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2));
        let (images, tell) = (builder.images.clone(), Arc::clone(&builder.tell));
        let imported = builder.imported.clone();
        Self { graph, cells, kit, images, tell, turns, dockerfile, outcomes: Mutex::default(), imported }
    }

    /// Solves what the target's history needs, and gives the file system of each node of it.
    async fn solve_all(&self, target: &plan::Target) -> Result<HashMap<NodeId, Snapshot>, Error> {
        if let Some(node) = target.node {
            self.solve(node).await?;
        }
        let mut solved = HashMap::new();
        let mut left: Vec<NodeId> = target.node.into_iter().collect();
        while let Some(node) = left.pop() {
            if let Some(snapshot) = self.cells[node].get() {
                solved.insert(node, snapshot.clone());
            }
            left.extend(self.graph.nodes[node].parent);
        }
        let chains: Vec<_> = solved.values().filter_map(Snapshot::chain).collect();
        self.images.touch(&chains).await?;
        Ok(solved)
    }

    /// What was learned; `target` are the nodes that the image stands on.
    fn end(&self, target: &HashMap<NodeId, Snapshot>) -> Solved {
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = |(node, key, snapshot)| Outcome { key, snapshot, is_of_target: target.contains_key(&node) };
        let bases = self.graph.nodes.iter().filter_map(|node| match &node.work {
            Work::Base(image) => Some(Arc::clone(image)),
            Work::Op(_) | Work::Empty => None,
        });
        Solved { results: outcomes.into_iter().map(outcome).collect(), bases: bases.collect() }
    }

    fn solve(&self, id: NodeId) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(async move { self.cells[id].get_or_try_init(|| self.make(id)).await.cloned() })
    }

    async fn make(&self, id: NodeId) -> Result<Snapshot, Error> {
        let node = &self.graph.nodes[id];
        let op = match &node.work {
            Work::Base(image) => return Ok(told(image)),
            Work::Empty => return Ok(Snapshot::default()),
            Work::Op(op) => op,
        };
        let needed = node.parent.iter().chain(&node.inputs).map(|needed| self.solve(*needed));
        let mut needed = try_join_all(needed).await?.into_iter();
        let parent = if node.parent.is_some() { needed.next().unwrap_or_default() } else { Snapshot::default() };
        let (step, tail) = (Step { number: id + 1, title: node.title.clone() }, Arc::new(Mutex::new(Vec::new())));
        let inputs = Inputs {
            images: self.images.clone(),
            parent,
            others: needed.collect(),
            instant: node.instant,
            kit: Arc::clone(&self.kit),
            output: self.output(&step, &tail),
        };
        let begun = Moment::now();
        let made = self.made((id, node, op.as_ref()), &inputs, &step).await;
        match made {
            Ok((snapshot, Was::Known)) => {
                (self.tell)(Event::Cached(step));
                Ok(snapshot)
            }
            Ok((snapshot, Was::Executed)) => {
                (self.tell)(Event::Done(step, begun.elapsed()));
                Ok(snapshot)
            }
            Err(error) => {
                (self.tell)(Event::Failed(step, error.to_string()));
                let output = std::mem::take(&mut *tail.lock().unwrap_or_else(PoisonError::into_inner));
                Err(self.explained(node, error, &output))
            }
        }
    }

    async fn made(
        &self,
        (id, node, op): (NodeId, &Node, &dyn Op),
        inputs: &Inputs,
        step: &Step,
    ) -> Result<(Snapshot, Was), Error> {
        let content = op.content(inputs).await?;
        let key = Key::new(op.definition(), &inputs.parent, &content, node.instant);
        let made = self.found_or_executed((node, op), inputs, (&key, step)).await?;
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.push((id, key.digest, made.0.clone()));
        Ok(made)
    }

    async fn found_or_executed(
        &self,
        (node, op): (&Node, &dyn Op),
        inputs: &Inputs,
        (key, step): (&Key, &Step),
    ) -> Result<(Snapshot, Was), Error> {
        if !node.is_forced {
            match self.kit.cache.find(key).await? {
                Known::Nothing => {}
                Known::Empty => return Ok((Snapshot::default(), Was::Known)),
                Known::Chain(chain) if Some(chain) == inputs.parent.chain() => {
                    return Ok((inputs.parent.clone(), Was::Known));
                }
                Known::Chain(chain) => {
                    if let Some(snapshot) = self.images.snapshot(&chain).await? {
                        return Ok((snapshot, Was::Known));
                    }
                }
            }
        }
        if !node.is_forced
            && let Some(snapshot) = self.brought(key, inputs).await?
        {
            self.kit.cache.put(key, &node.title, &snapshot).await?;
            return Ok((snapshot, Was::Known));
        }
        if !node.is_forced
            && let Some(reason) = self.kit.cache.reason(key, &node.title).await?
        {
            (self.tell)(Event::Because(step.clone(), reason));
        }
        let turn = self.turns.acquire().await.map_err(|_| Error::Stopped)?;
        (self.tell)(Event::Begun(step.clone()));
        for snapshot in std::iter::once(&inputs.parent).chain(&inputs.others) {
            self.kit.ready(snapshot).await?;
        }
        let snapshot = op.execute(inputs).await?;
        drop(turn);
        self.kit.cache.put(key, &node.title, &snapshot).await?;
        Ok((snapshot, Was::Executed))
    }

    /// What another machine has made of the same.
    async fn brought(&self, key: &Key, inputs: &Inputs) -> Result<Option<Snapshot>, Error> {
        for imported in &self.imported {
            let Some(layers) = imported.find(&key.digest) else { continue };
            self.kit.ready(&inputs.parent).await?;
            if let Some(snapshot) = imported.bring(&self.images, layers).await? {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    /// Takes what an operation writes: people see it, and the last of it is kept.
    fn output(&self, step: &Step, tail: &Arc<Mutex<Vec<u8>>>) -> Written {
        let (tell, step, tail) = (Arc::clone(&self.tell), step.clone(), Arc::clone(tail));
        Arc::new(move |bytes| {
            let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(bytes);
            let excess = kept.len().saturating_sub(TAIL_BYTES);
            kept.drain(..excess);
            drop(kept);
            tell(Event::Output(step.clone(), bytes.to_vec()));
        })
    }

    fn explained(&self, node: &Node, error: Error, output: &[u8]) -> Error {
        if matches!(error, Error::Step { .. } | Error::Stopped) {
            return error;
        }
        let excerpt = node.span.map(|span| excerpt(&self.dockerfile, &self.kit.request.name, span)).unwrap_or_default();
        let output = String::from_utf8_lossy(output).into_owned();
        Error::Step { title: node.title.clone(), excerpt, output, source: Box::new(error) }
    }
}

/// Whether something had to be done.
enum Was {
    Known,
    Executed,
}

/// The lines of a Dockerfile, as people read them.
fn excerpt(dockerfile: &Dockerfile, name: &str, span: wharf_dockerfile::Span) -> String {
    let (first, last) = (dockerfile.line(span.start), dockerfile.line(span.end.saturating_sub(1)));
    let mut text = format!("{name}:{first}\n");
    for line in first..=last.max(first) {
        text.push_str(&format!("{line:>4} | {}\n", dockerfile.text_at(dockerfile.line_span(line))));
    }
    text
}
