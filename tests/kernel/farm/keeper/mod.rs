//! The keeper on a real kernel: it stays as wished, whatever others do.

mod drains;
mod drift;
mod restarts;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use farmctl::reconcile::keeper::{Converged, FileNews, Keeper, Options, Order, Said, Wish};
use farmctl::reconcile::{Adopt, Shrink};
use farmctl::spec::{self, DriftPolicy, Farm};
use farmctl::state::Overlay;

use super::Site;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A keeper on the director of a site.
pub(super) struct Kept {
    keeper: Option<Keeper>,
    said: Receiver<Said>,
    generation: u64,
    /// How often it reads the kernel although nobody tells of a change.
    pub(super) poll: Duration,
}

impl Kept {
    /// It runs, and has read the kernel; `text` is the file that it begins with.
    pub(super) fn start(site: &Site, text: &str) -> Self {
        let (say, said) = channel();
        let options = Options {
            state_dir: site.farmctl.state(""),
            dataplane: None,
            farm: Some(farm(text)),
            seed: 7,
        };
        let keeper = site.farm.director.run(|| {
            Keeper::start(options, move |one| {
                let _over = say.send(one);
            })
        });
        let mut kept = Self {
            keeper: Some(keeper.unwrap()),
            said,
            generation: 0,
            poll: Duration::from_millis(200),
        };
        kept.hear(|one| matches!(one, Said::Ready { .. }).then_some(()));
        kept
    }

    /// A keeper that has made a file so.
    pub(super) fn serving(site: &Site, text: &str) -> Self {
        let mut kept = Self::start(site, text);
        kept.file(text);
        kept
    }

    /// A file, until the kernel holds it.
    pub(super) fn file(&mut self, text: &str) -> Converged {
        let generation = self.wish(text);
        self.hear(|one| {
            let Said::Converged(converged) = one else {
                return None;
            };
            (converged.generation == generation).then_some(converged)
        })
    }

    /// A file; nothing is waited for.
    pub(super) fn wish(&mut self, text: &str) -> u64 {
        self.wish_with(text, Shrink::Allowed, Overlay::default())
    }

    pub(super) fn wish_with(&mut self, text: &str, shrink: Shrink, overlay: Overlay) -> u64 {
        self.generation += 1;
        let wish = Wish {
            generation: self.generation,
            farm: farm(text),
            text: text.into(),
            node: Some("lb1".to_owned()),
            overlay: Arc::new(overlay),
            file: FileNews::New,
            shrink,
            adopt: Adopt::No,
            drift: DriftPolicy::Correct,
            poll: self.poll,
            confirm: None,
        };
        self.order(Order::Wish(Box::new(wish)));
        self.generation
    }

    pub(super) fn order(&self, order: Order) {
        self.keeper.as_ref().unwrap().send(order);
    }

    /// Waits until it says something of a kind.
    ///
    /// # Panics
    /// If that takes too long.
    pub(super) fn hear<T>(&mut self, mut is_it: impl FnMut(Said) -> Option<T>) -> T {
        let mut others = Vec::new();
        loop {
            let Ok(one) = self.said.recv_timeout(PATIENCE) else {
                panic!("it said only {others:#?}");
            };
            let told = format!("{one:.200?}");
            match is_it(one) {
                Some(found) => return found,
                None => others.push(told.chars().take(300).collect::<String>()),
            }
        }
    }

    /// Ends the keeper; the kernel keeps everything.
    pub(super) fn stop(mut self) {
        drop(self.keeper.take());
        self.hear(|one| matches!(one, Said::Stopped).then_some(()));
    }
}

fn farm(text: &str) -> Arc<Farm> {
    let reading = spec::read("farm.yaml", text.as_bytes());
    let value = reading.value;
    Arc::new(value.unwrap_or_else(|| panic!("{:?}", reading.problems)))
}
