//! A machine for tests: a kernel in memory that runs can be killed in, a disk, and a clock.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::super::{
    Error, Footprint, Origin, Outcome, Preflight, Progress, Record, Request, Store, Surroundings,
    Target, apply,
};
use super::fuse::Killed;
use super::states::origin;
use crate::clock::{Clock, SystemClock};
use crate::dataplane::{self, Atomicity, Dataplane, Failure, Memory, Observation, Removal};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, DestinationKey, ServiceKey, State};

/// Time that passes only when somebody waits. Clones tell the same time.
#[derive(Debug, Clone)]
pub(in super::super) struct Still {
    start: Instant,
    passed: Rc<Cell<Duration>>,
}

impl Clock for Still {
    fn now(&self) -> Instant {
        self.start + self.passed.get()
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(1_800_000_000) + self.passed.get()
    }

    fn since_boot(&self) -> Duration {
        Duration::from_secs(1000) + self.passed.get()
    }

    fn sleep(&self, length: Duration) {
        self.passed.set(self.passed.get() + length);
    }
}

/// A kernel that outlives the runs that write to it.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Kernel {
    pub(in super::super) memory: Rc<RefCell<Memory>>,
    /// The run is killed before this change, counted from the setting.
    kill: Rc<Cell<Option<usize>>>,
}

impl Kernel {
    /// The process is killed before this change, counted from now; none for never.
    pub(in super::super) fn kill_before(&self, change: Option<usize>) {
        self.kill.set(change);
    }

    /// One write is about to be made.
    fn burn(&self) {
        match self.kill.get() {
            Some(0) => resume_unwind(Box::new(Killed)),
            left => self.kill.set(left.map(|left| left - 1)),
        }
    }
}

impl Dataplane for Kernel {
    fn kind(&self) -> DataplaneKind {
        self.memory.borrow().kind()
    }

    fn observe(&mut self) -> Result<Observation, dataplane::Error> {
        self.memory.borrow_mut().observe()
    }

    fn objections(&mut self, changes: &[Change]) -> Result<Vec<Failure>, dataplane::Error> {
        self.memory.borrow_mut().objections(changes)
    }

    fn atomicity(&self) -> Atomicity {
        self.memory.borrow().atomicity()
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, dataplane::Error> {
        if self.atomicity() == Atomicity::Whole {
            self.burn();
            return self.memory.borrow_mut().execute(changes);
        }
        let mut failures = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            self.burn();
            let failed = self
                .memory
                .borrow_mut()
                .execute(std::slice::from_ref(change))?;
            failures.extend(
                failed
                    .into_iter()
                    .map(|failure| Failure { index, ..failure }),
            );
        }
        Ok(failures)
    }

    fn removal(&self) -> Removal {
        self.memory.borrow().removal()
    }

    fn reset(&mut self, gone: &[(ServiceKey, DestinationKey)]) -> Result<(), dataplane::Error> {
        self.memory.borrow_mut().reset(gone)
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), dataplane::Error> {
        self.memory.borrow_mut().announce(address)
    }

    fn writes(&self) -> u64 {
        self.memory.borrow().writes()
    }
}

/// The machine.
pub(in super::super) struct Bench {
    _place: tempfile::TempDir,
    pub(in super::super) store: Store,
    pub(in super::super) kernel: Kernel,
    pub(in super::super) clock: Still,
    pub(in super::super) origin: Origin,
    pub(in super::super) preflight: Preflight,
    pub(in super::super) guards_started: Rc<Cell<usize>>,
    pub(in super::super) said: RefCell<Vec<String>>,
}

impl Bench {
    /// A machine whose kernel holds this, made by others.
    pub(in super::super) fn holding(foreign: State) -> Self {
        // Flushing to a real disk thousands of times would take most of the tests' time.
        let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let place = place.unwrap();
        let kernel = Kernel::default();
        kernel.memory.replace(Memory::holding(foreign));
        Self {
            store: Store::at(place.path()),
            _place: place,
            kernel,
            clock: Still {
                start: SystemClock.now(),
                passed: Rc::default(),
            },
            origin: origin("boot"),
            preflight: Preflight::Passed,
            guards_started: Rc::default(),
            said: RefCell::default(),
        }
    }

    /// The same with the nftables of a kernel.
    pub(in super::super) fn on_nftables(self) -> Self {
        let memory = self.kernel.memory.take();
        let memory = memory.playing(DataplaneKind::Nftables).in_transactions();
        self.kernel.memory.replace(memory);
        self
    }

    /// The same with a kernel that does everything or nothing.
    pub(in super::super) fn in_transactions(self) -> Self {
        let memory = self.kernel.memory.take().in_transactions();
        self.kernel.memory.replace(memory);
        self
    }

    pub(in super::super) fn state(&self) -> State {
        self.kernel.memory.borrow().state().clone()
    }

    pub(in super::super) fn record(&self) -> Record {
        Record::load(&self.store, &self.origin).unwrap()
    }

    /// One run of the program.
    pub(in super::super) fn apply(
        &self,
        request: &Request,
        target: &Target,
    ) -> Result<Outcome, Error> {
        let mut kernel = self.kernel.clone();
        apply(
            request,
            target,
            &mut Surroundings {
                plane: &mut kernel,
                store: &self.store,
                origin: &self.origin,
                clock: &self.clock,
                preflight: &mut |_, _| self.preflight.clone(),
                place: &|subject| Some(format!("where the file has {subject}")),
                start_guard: &mut || {
                    self.guards_started.set(self.guards_started.get() + 1);
                    Ok(())
                },
                progress: &mut |progress: &Progress| {
                    self.said.borrow_mut().push(progress.to_string());
                },
            },
        )
    }

    /// One run that may be killed, before the given change of the kernel or by the disk's fuse.
    /// None where it was.
    pub(in super::super) fn apply_mortal(
        &self,
        request: &Request,
        target: &Target,
        kill: Option<usize>,
    ) -> Option<Result<Outcome, Error>> {
        self.kernel.kill.set(kill);
        let end = survive(|| self.apply(request, target));
        self.kernel.kill.set(None);
        end
    }
}

/// Does something in which the process may be killed. None where it was.
pub(in super::super) fn survive<T>(act: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(end) => Some(end),
        Err(cause) if cause.is::<Killed>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// A file of farm `shop` that asks for a state.
pub(in super::super) fn target(state: State) -> Target {
    Target {
        farm: "shop".to_owned(),
        text: format!("{:?}", Footprint::of(&state)),
        vips: [super::states::vip(10)].into(),
        asks: None,
        state,
    }
}
