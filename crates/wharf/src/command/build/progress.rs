//! How a build goes on: lines that come and go on a terminal, plain lines elsewhere, JSON for programs.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use wharf_build::{Event, Step};

const RUNNING: &str = "{spinner} {prefix} {wide_msg} {elapsed_precise}";
const TICK: Duration = Duration::from_millis(120);

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Look {
    /// What suits standard error.
    Auto,
    /// Lines that come and go.
    Tty,
    /// Lines that stay.
    Plain,
    /// An object per line.
    #[value(alias = "rawjson")]
    Json,
    /// Nothing.
    #[value(alias = "none")]
    Quiet,
}

/// Shows what a build tells.
#[derive(Debug)]
pub(crate) struct Show {
    look: Look,
    bars: MultiProgress,
    open: Mutex<Open>,
    begun: Instant,
}

#[derive(Debug, Default)]
struct Open {
    bars: HashMap<String, ProgressBar>,
    /// The beginning of a line whose end has not come.
    rest: HashMap<String, Vec<u8>>,
    numbers: HashMap<String, usize>,
}

impl Show {
    pub(crate) fn new(look: Look) -> Self {
        let look = match look {
            Look::Auto if std::io::stderr().is_terminal() => Look::Tty,
            Look::Auto => Look::Plain,
            Look::Tty | Look::Plain | Look::Json | Look::Quiet => look,
        };
        Self { look, bars: MultiProgress::new(), open: Mutex::default(), begun: Instant::now() }
    }

    /// All has been told.
    pub(crate) fn end(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.bars.drain().for_each(|(_, bar)| bar.finish_and_clear());
    }

    pub(crate) fn event(&self, event: &Event) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match self.look {
            Look::Quiet | Look::Auto => {}
            Look::Json => eprintln!("{}", document(event, self.begun.elapsed())),
            Look::Plain => open.plain(event),
            Look::Tty => open.tty(&self.bars, event),
        }
    }
}

impl Open {
    /// A number for a step, in the order in which steps are first heard of.
    fn number(&mut self, step: &Step) -> usize {
        let next = self.numbers.len() + 1;
        *self.numbers.entry(step.title.clone()).or_insert(next)
    }

    /// The whole lines that are there, and the rest is kept.
    fn lines(&mut self, step: &Step, bytes: &[u8]) -> Vec<String> {
        let rest = self.rest.entry(step.title.clone()).or_default();
        rest.extend_from_slice(bytes);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = rest.drain(..=end).collect();
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }

    fn plain(&mut self, event: &Event) {
        match event {
            Event::Begun(step) => eprintln!("#{} {}", self.number(step), step.title),
            Event::Because(step, reason) => eprintln!("#{} is done again: {reason}", self.number(step)),
            Event::Cached(step) => {
                let number = self.number(step);
                eprintln!("#{number} {}\n#{number} CACHED", step.title);
            }
            Event::Output(step, bytes) => {
                let number = self.number(step);
                self.lines(step, bytes).iter().for_each(|line| eprintln!("#{number} {line}"));
            }
            Event::Done(step, took) => {
                let number = self.number(step);
                self.last(step).iter().for_each(|line| eprintln!("#{number} {line}"));
                eprintln!("#{number} DONE {:.1}s", took.as_secs_f64());
            }
            Event::Failed(step, message) => {
                let number = self.number(step);
                self.last(step).iter().for_each(|line| eprintln!("#{number} {line}"));
                eprintln!("#{number} ERROR: {message}");
            }
            Event::Warning(text) => eprintln!("warning: {text}"),
        }
    }

    fn last(&mut self, step: &Step) -> Option<String> {
        let rest = self.rest.remove(&step.title)?;
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }

    fn tty(&mut self, bars: &MultiProgress, event: &Event) {
        let say = |text: String| drop(bars.println(text));
        match event {
            Event::Begun(step) => {
                let style = ProgressStyle::with_template(RUNNING).expect("the template is well-formed");
                let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(step.title.clone()));
                bar.enable_steady_tick(TICK);
                self.bars.insert(step.title.clone(), bar);
            }
            Event::Because(step, reason) => say(format!("         {}: {reason}", step.title)),
            Event::Cached(step) => say(format!("   CACHED {}", step.title)),
            Event::Output(step, bytes) => {
                let line = self.lines(step, bytes).pop();
                if let Some((bar, line)) = self.bars.get(&step.title).zip(line) {
                    bar.set_message(line.replace(|c: char| c.is_control(), " "));
                }
            }
            Event::Done(step, took) => {
                self.bars.remove(&step.title).iter().for_each(ProgressBar::finish_and_clear);
                say(format!("{:>6.1}s  {}", took.as_secs_f64(), step.title));
            }
            Event::Failed(step, message) => {
                self.bars.remove(&step.title).iter().for_each(ProgressBar::finish_and_clear);
                say(format!(" ERROR  {}: {message}", step.title));
            }
            Event::Warning(text) => say(format!("warning: {text}")),
        }
    }
}

fn document(event: &Event, since: Duration) -> serde_json::Value {
    let (what, step, rest) = match event {
        Event::Begun(step) => ("begun", Some(step), json!({})),
        Event::Because(step, reason) => ("because", Some(step), json!({ "text": reason })),
        Event::Cached(step) => ("cached", Some(step), json!({})),
        Event::Output(step, bytes) => ("output", Some(step), json!({ "text": String::from_utf8_lossy(bytes) })),
        Event::Done(step, took) => ("done", Some(step), json!({ "seconds": took.as_secs_f64() })),
        Event::Failed(step, message) => ("failed", Some(step), json!({ "message": message })),
        Event::Warning(text) => ("warning", None, json!({ "text": text })),
    };
    let mut document = json!({ "event": what, "step": step.map(|step| &step.title), "at": since.as_secs_f64() });
    if let (Some(document), Some(rest)) = (document.as_object_mut(), rest.as_object()) {
        document.extend(rest.clone());
    }
    document
}
