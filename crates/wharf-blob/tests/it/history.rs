//! Random histories of one upload against a model: chunkings, broken bodies, answers that got lost, restarts, truncated
//! files. Whatever happens, a state that the store accepts describes the bytes that lie there.

use std::fs::File;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use proptest::prelude::*;
use tempfile::TempDir;
use wharf_blob::{Body, BodyError, Failure, Files, Store, UploadKey, UploadState};
use wharf_oci::{Algorithm, Digest};

#[derive(Debug, Clone)]
enum Step {
    /// Appends pieces of these sizes to one of the states that the client has seen, counted from the newest.
    Append { state: usize, sizes: Vec<usize>, is_broken: bool },
    /// The same, and the answer gets lost: the client goes on from what it knew.
    Lost { state: usize, sizes: Vec<usize> },
    /// Hashes a state anew.
    Rehash { state: usize },
    /// The process ends and another begins.
    Restart,
    /// The file loses its end.
    Truncate { keep_percent: u64 },
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![0..10_usize, 4000..4200_usize, 16_384..16_385_usize, 250_000..600_000_usize];
    prop::collection::vec(size, 0..5)
}

/// Mostly the newest state.
fn state() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(0), 2 => 1..3_usize]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (state(), sizes(), prop::bool::weighted(0.3))
            .prop_map(|(state, sizes, is_broken)| Step::Append { state, sizes, is_broken }),
        2 => (state(), sizes()).prop_map(|(state, sizes)| Step::Lost { state, sizes }),
        1 => state().prop_map(|state| Step::Rehash { state }),
        2 => Just(Step::Restart),
        1 => (0..100_u64).prop_map(|keep_percent| Step::Truncate { keep_percent }),
    ]
}

struct World {
    folder: TempDir,
    store: Files,
    upload: UploadKey,
    // What the client has seen, the newest last: a state, and the bytes that it stands for.
    seen: Vec<(UploadState, Vec<u8>)>,
    // Whether the newest state must be accepted: not when the test itself has destroyed bytes or moved on from an older.
    is_newest_good: bool,
    fill: u8,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Files::open(folder.path()).expect("opens");
        let upload = store.create().await.expect("begins");
        let seen = vec![(UploadState::new(Algorithm::Sha256), Vec::new())];
        Self { folder, store, upload, seen, is_newest_good: true, fill: 0 }
    }

    fn pick(&self, back: usize) -> (UploadState, Vec<u8>, bool) {
        let index = self.seen.len().saturating_sub(1 + back);
        let (state, bytes) = self.seen[index].clone();
        // As the catalog would: saved, and read back.
        let state = UploadState::from_bytes(&state.to_bytes()).expect("own form");
        (state, bytes, self.is_newest_good && index + 1 == self.seen.len())
    }

    fn body(&mut self, sizes: &[usize], is_broken: bool) -> (Body, Vec<u8>) {
        let mut pieces = Vec::new();
        for size in sizes {
            self.fill = self.fill.wrapping_add(1);
            pieces.push(Bytes::from(vec![self.fill; *size]));
        }
        let whole = pieces.concat();
        let end = is_broken.then(|| Err(BodyError::broken("connection reset")));
        (Box::pin(stream::iter(pieces.into_iter().map(Ok).chain(end))), whole)
    }

    async fn append(&mut self, back: usize, sizes: &[usize], is_broken: bool) -> Option<(UploadState, Vec<u8>)> {
        let (state, mut bytes, must_go) = self.pick(back);
        let (body, more) = self.body(sizes, is_broken);
        let appended = self.store.append(&self.upload, state, body).await;
        match appended.end.map_err(|error| error.failure()) {
            Ok(()) => assert!(!is_broken),
            Err(Failure::Invalid) => assert!(is_broken),
            Err(failure @ (Failure::Conflict | Failure::NotFound)) => {
                assert!(!must_go, "the newest state was refused: {failure:?}");
                assert_eq!(appended.state.offset, bytes.len() as u64, "nothing is counted");
                return None;
            }
            Err(failure) => panic!("{failure:?}"),
        }
        bytes.extend(more);
        assert_eq!(appended.state.offset, bytes.len() as u64);
        assert_eq!(appended.state.digest(), Digest::of(appended.state.algorithm(), &bytes));
        Some((appended.state, bytes))
    }

    async fn run(&mut self, step: &Step) {
        match step {
            Step::Append { state, sizes, is_broken } => {
                if let Some(seen) = self.append(*state, sizes, *is_broken).await {
                    self.seen.push(seen);
                    self.is_newest_good = true;
                }
            }
            Step::Lost { state, sizes } => {
                let is_newest = self.pick(*state).2;
                if self.append(*state, sizes, false).await.is_some() {
                    self.is_newest_good = is_newest;
                }
            }
            Step::Rehash { state } => self.rehash(*state).await,
            Step::Restart => self.store = Files::open(self.folder.path()).expect("opens again"),
            Step::Truncate { keep_percent } => self.truncate(*keep_percent),
        }
    }

    async fn rehash(&mut self, back: usize) {
        let (state, bytes, must_go) = self.pick(back);
        match self.store.rehash(&self.upload, state, Algorithm::Sha512).await {
            Ok(state) => assert_eq!(state.digest(), Digest::of(Algorithm::Sha512, &bytes)),
            Err(error) => assert!(!must_go, "{error}"),
        }
    }

    fn truncate(&mut self, keep_percent: u64) {
        let path = self.folder.path().join("uploads").join(self.upload.to_string());
        let file = File::options().write(true).open(path).expect("is there");
        let kept = file.metadata().expect("is told").len() * keep_percent / 100;
        file.set_len(kept).expect("truncates");
        let newest = self.seen.last().expect("the first stays").0.offset;
        self.is_newest_good &= kept >= newest;
    }

    async fn finish(self, back: usize) {
        let (state, bytes, must_go) = self.pick(back);
        match self.store.finish(&self.upload, &state).await {
            Ok(key) => {
                let reader = self.store.open(&key, None).await.expect("opens");
                assert!(reader.try_collect::<Vec<_>>().await.expect("reads").concat() == bytes);
            }
            Err(error) => assert!(!must_go, "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_state_describes_the_bytes(steps in prop::collection::vec(step(), 0..12), last in state()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.run(step).await;
            }
            world.finish(last).await;
        });
    }
}
