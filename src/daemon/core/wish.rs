//! From the files and the overlay to what the kernel is to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::daemon::judge::Good;
use crate::daemon::now::Now;
use crate::health::{self, Layout};
use crate::reconcile::keeper::{FileNews, Order, Wish};
use crate::reconcile::{Adopt, Identity, Shrink, identify};
use crate::spec::{EffectiveDaemon, Farm};
use crate::state::{Member, Overlay, Share, desired};

use super::{Core, Output};

impl Core {
    /// The trial is to be made true. Its real servers are looked after once it is: a file that is
    /// refused must not disturb the one that runs.
    pub(super) fn begin_trial(&mut self, now: Now) {
        if self.looked_after.is_none() {
            let farm = self.files.trial().map(|trial| Arc::clone(&trial.good.farm));
            if let Some(farm) = farm.filter(|_| self.kernel.is_ready()) {
                self.configure(now, &farm);
            }
        }
        self.trial_generation = self.generation + 1;
        self.wish();
    }

    /// What ran before runs on.
    pub(super) fn return_to_running(&mut self, now: Now) {
        if let Some(good) = self.files.running().cloned() {
            self.configure(now, &good.farm);
            self.wish();
        }
    }

    /// Tells the keeper what the kernel is to hold, if it can be told yet.
    pub(super) fn wish(&mut self) {
        if !self.kernel.is_ready() {
            return;
        }
        let Some(good) = self.files.wished().cloned() else {
            return;
        };
        self.generation += 1;
        self.bent = false;
        let wish = self.wish_for(&good);
        self.outputs
            .push_back(Output::Keeper(Order::Wish(Box::new(wish))));
    }

    fn wish_for(&self, good: &Arc<Good>) -> Wish {
        let options = EffectiveDaemon::of(&good.farm);
        let terms = self.files.trial().map(|trial| trial.terms);
        Wish {
            generation: self.generation,
            farm: Arc::clone(&good.farm),
            text: Arc::clone(&good.text),
            node: self.setup.node.clone(),
            overlay: Arc::new(self.overlay_for(&good.farm)),
            file: match terms {
                Some(_) => FileNews::New,
                None => FileNews::Same,
            },
            shrink: terms.map_or(Shrink::Refused, |terms| terms.shrink),
            adopt: terms.map_or(Adopt::No, |terms| terms.adopt),
            drift: options.drift,
            poll: options.poll,
            confirm: terms.and_then(|terms| terms.confirm),
        }
    }

    /// The engine's overlay; in a file that it does not look after yet, real servers that are
    /// checked and new get nothing before they passed.
    fn overlay_for(&self, farm: &Arc<Farm>) -> Overlay {
        let mut overlay = self.engine.overlay().clone();
        let looked_after = self.looked_after.as_ref();
        if looked_after.is_some_and(|it| Arc::ptr_eq(it, farm)) {
            return overlay;
        }
        let known: BTreeSet<&Member> = self.roster.seats().map(|seat| &seat.member).collect();
        for group in Layout::of(farm).groups.into_values() {
            for server in group.servers {
                if server.check.is_some() && !known.contains(&server.member) {
                    overlay.servers.insert(server.member, Share::Out);
                }
            }
        }
        overlay
    }

    /// Tells the engine what the kernel held when the daemon started.
    pub(super) fn adopt(&mut self, now: Now, farm: &Farm) {
        let held = self.held(farm);
        self.engine
            .handle_event(now.moment, health::Event::Adopted(held));
    }

    /// The weights that the kernel gives to the file's real servers. One that several of the
    /// kernel's services have (a port range) counts by its highest.
    fn held(&self, farm: &Farm) -> BTreeMap<Member, u32> {
        let mut held: BTreeMap<Member, u32> = BTreeMap::new();
        let Some((state, host, dataplane)) = self.kernel.first() else {
            return held;
        };
        let asked = self.setup.node.as_deref();
        let node = match identify(farm, asked, host, &self.setup.host_name) {
            Ok(Identity::Node(name)) => Some(name),
            Ok(Identity::SoleDirector) => None,
            Err(_) => return held,
        };
        let wanted = desired(farm, node.as_ref(), host, dataplane);
        let ports = ports(farm);
        for ((service, key), origin) in &wanted.destinations {
            let kernel = state.services.get(service);
            let weight = kernel
                .and_then(|it| it.destinations.get(key))
                .map(|it| it.weight);
            let named = wanted.services.get(service);
            if let (Some(weight), Some(named)) = (weight, named) {
                let mut member = Member {
                    service: named.name.to_string(),
                    server: origin.name.clone(),
                    address: key.address,
                    port: None,
                };
                member.port = ports.get(&member).copied();
                let known = held.entry(member).or_default();
                *known = weight.max(*known);
            }
        }
        held
    }
}

/// The ports of the members that have one, by the members without it.
fn ports(farm: &Farm) -> BTreeMap<Member, u16> {
    let roster = crate::daemon::roster::Roster::of(farm);
    let port = |seat: &crate::daemon::roster::Seat| {
        let port = seat.member.port?;
        let bare = Member {
            port: None,
            ..seat.member.clone()
        };
        Some((bare, port))
    };
    roster.seats().filter_map(port).collect()
}
