//! The graph of operations: what makes a file system of which others.
//!
//! Equal operations on equal inputs are one node, from whatever stage they come.

use std::collections::HashMap;
use std::sync::Arc;

use wharf_dockerfile::Span;
use wharf_images::{Image, Snapshot};
use wharf_oci::{Algorithm, Digest};

use crate::op::Op;

/// A node's number.
pub(crate) type NodeId = usize;

/// What makes a file system.
#[derive(Debug)]
pub(crate) enum Work {
    /// It is an image's.
    Base(Arc<Image>),
    /// There is nothing in it.
    Empty,
    /// An operation makes it of another.
    Op(Box<dyn Op>),
}

/// One file system to be made.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) work: Work,
    /// The file system that it changes; the empty one where there is none.
    pub(crate) parent: Option<NodeId>,
    /// File systems that it reads.
    pub(crate) inputs: Vec<NodeId>,
    /// What people see of it.
    pub(crate) title: String,
    /// Where it stands in the Dockerfile.
    pub(crate) span: Option<Span>,
    /// Whether it is done although it may be known.
    pub(crate) is_forced: bool,
    /// The moment that its files are of.
    pub(crate) instant: crate::instant::Instant,
}

/// All nodes, each after those that it needs.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    known: HashMap<Digest, NodeId>,
}

impl Graph {
    /// Adds a node, or finds the equal one.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let what = match &node.work {
            Work::Base(image) => image.descriptor.digest.to_string(),
            Work::Empty => String::new(),
            Work::Op(op) => op.definition().to_string(),
        };
        let text = format!("{:?} {:?} {} {}", node.parent, node.inputs, node.instant.0, what);
        let definition = Digest::of(Algorithm::Sha256, text.as_bytes());
        if let Some(known) = self.known.get(&definition) {
            return *known;
        }
        self.nodes.push(node);
        self.known.insert(definition, self.nodes.len() - 1);
        self.nodes.len() - 1
    }
}

/// The file system of an image as its config tells it, whether it is unpacked or not.
pub(crate) fn told(image: &Image) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for diff_id in &image.config.document.rootfs.diff_ids {
        let chain = wharf_images::snapshot::chain_id(snapshot.chain().as_ref(), diff_id);
        snapshot.layers.push(wharf_images::Layer { chain, diff_id: *diff_id, diff_bytes: 0 });
    }
    snapshot
}
