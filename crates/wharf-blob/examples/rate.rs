//! Measures what the store on files does per second, plain and sealed, beside what the machine can do at all.
//!
//! `cargo run --release -p wharf-blob --example rate -- FOLDER [MIB]`: FOLDER lies on the disk to be measured, MIB is
//! the size of the blob (1024). The floors are `dd` with fdatasync, `sha256sum` and `cat` on the same bytes.
#![expect(clippy::print_stdout, reason = "it is a command")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use uuid::Uuid;
use wharf_blob::sealed::keys::{DataKey, Keys, KeysError};
use wharf_blob::{Body, BoxFuture, Files, Sealed, StorageKey, Store, UploadState};
use wharf_oci::Algorithm;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const MIB: usize = 1024 * 1024;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("usage: rate FOLDER [MIB]")?;
    let size_mib: usize = words.next().map_or(Ok(1024), |word| word.parse())?;
    let folder = Path::new(&folder).join("wharf-rate");
    let store: Arc<dyn Store> = Arc::new(Files::open(folder.as_path())?);
    let sealed: Arc<dyn Store> = Arc::new(Sealed::new(Arc::clone(&store), Arc::new(OneKey::new()), true));
    for threads in [1, 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        for (name, store) in [("plain", &store), ("sealed", &sealed)] {
            println!("-- {name}, {threads} worker thread(s)");
            runtime.block_on(measure(store, &folder, size_mib))?;
        }
    }
    floors(&folder, size_mib)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The key that blobs are sealed under here.
#[derive(Debug)]
struct OneKey(DataKey);

impl OneKey {
    fn new() -> Self {
        Self(DataKey::new(Uuid::new_v4(), Zeroizing::new([7; 32])))
    }
}

impl Keys for OneKey {
    fn newest(&self) -> BoxFuture<'_, std::result::Result<DataKey, KeysError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn find(&self, _: Uuid) -> BoxFuture<'_, std::result::Result<DataKey, KeysError>> {
        self.newest()
    }
}

async fn measure(store: &Arc<dyn Store>, folder: &Path, size_mib: usize) -> Result<()> {
    for frame_kib in [16, 64, 1024] {
        let began = Watch::start();
        let key = push(store, body(size_mib * MIB, frame_kib * 1024)).await?;
        began.tell(&format!("append + finish, sha256, {frame_kib} KiB frames"), size_mib);
        forget_cached(folder)?;
        let began = Watch::start();
        read_all(store, key, size_mib).await?;
        began.tell("open + read from the disk", size_mib);
        for _ in 0..2 {
            let began = Watch::start();
            read_all(store, key, size_mib).await?;
            began.tell("open + read from the page cache", size_mib);
        }
        store.delete(&[key]).await?;
    }
    for pushers in [1, 32] {
        small(store, pushers).await?;
    }
    Ok(())
}

/// Pushes and reads 1,000 blobs of 4 KiB.
async fn small(store: &Arc<dyn Store>, pushers: usize) -> Result<()> {
    const BLOBS: usize = 1000;
    let began = Instant::now();
    let pushes = (0..BLOBS).map(|_| push(store, body(4096, 4096)));
    let keys: Vec<_> = stream::iter(pushes).buffer_unordered(pushers).collect().await;
    let per_second = |time: Duration| BLOBS as f64 / time.as_secs_f64();
    println!("{:>9.0} /s   push 4 KiB, {pushers} at once", per_second(began.elapsed()));
    let keys = keys.into_iter().collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    for key in &keys {
        drain(store, *key).await?;
    }
    println!("{:>9.0} /s   open + read 4 KiB, one after another", per_second(began.elapsed()));
    store.delete(&keys).await?;
    Ok(())
}

async fn push(store: &Arc<dyn Store>, body: Body) -> Result<StorageKey> {
    let upload = store.create().await?;
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body).await;
    appended.end?;
    Ok(store.finish(&upload, &appended.state).await?)
}

async fn read_all(store: &Arc<dyn Store>, key: StorageKey, size_mib: usize) -> Result<()> {
    let size_bytes = drain(store, key).await?;
    if size_bytes == size_mib * MIB { Ok(()) } else { Err(format!("only {size_bytes} bytes came back").into()) }
}

async fn drain(store: &Arc<dyn Store>, key: StorageKey) -> Result<usize> {
    let mut reader = store.open(&key, None).await?;
    let mut size_bytes = 0;
    while let Some(piece) = reader.next().await {
        size_bytes += piece?.len();
    }
    Ok(size_bytes)
}

/// The same frame again and again: making fresh bytes would be measured too.
fn body(size_bytes: usize, frame_bytes: usize) -> Body {
    let frame = Bytes::from((0..=250).cycle().take(frame_bytes).collect::<Vec<u8>>());
    Box::pin(stream::iter(0..size_bytes / frame_bytes).then(move |_| future::ready(Ok(frame.clone()))))
}

/// Takes every file below `folder` out of the page cache.
fn forget_cached(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            forget_cached(&path)?;
        } else {
            rustix::fs::fadvise(std::fs::File::open(&path)?, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// What the machine does without us.
fn floors(folder: &Path, size_mib: usize) -> Result<()> {
    println!("-- floors");
    let file = folder.join("floor");
    let of = format!("of={}", file.display());
    let count = format!("count={size_mib}");
    let commands: [(&str, &[&str]); 4] = [
        ("dd if=/dev/zero bs=1M conv=fdatasync", &["dd", "if=/dev/zero", &of, "bs=1M", &count, "conv=fdatasync"]),
        ("cat from the disk (to a pipe)", &["sh", "-c", &format!("cat '{}' | wc -c", file.display())]),
        ("sha256sum from the page cache", &["sha256sum", &file.display().to_string()]),
        ("cat from the page cache (to a pipe)", &["sh", "-c", &format!("cat '{}' | wc -c", file.display())]),
    ];
    for (name, words) in commands {
        if name.contains("the disk") {
            forget_cached(folder)?;
        }
        let began = Instant::now();
        let status = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
        tell(name, size_mib, began.elapsed(), None);
    }
    Ok(())
}

/// Wall time and the process's processor time.
struct Watch {
    began: Instant,
    used: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { began: Instant::now(), used: processor_time() }
    }

    fn tell(self, name: &str, size_mib: usize) {
        tell(name, size_mib, self.began.elapsed(), Some(processor_time().saturating_sub(self.used)));
    }
}

fn tell(name: &str, size_mib: usize, wall: Duration, used: Option<Duration>) {
    let rate = |time: Duration| (size_mib * MIB) as f64 / 1e9 / time.as_secs_f64();
    let per_core = used.map_or(String::new(), |used| format!(", {:.2} per second of one core", rate(used)));
    println!("{:>9.2} GB/s {name}{per_core}", rate(wall));
}

/// User and system time of this process, its ended threads included, in the kernel's hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
