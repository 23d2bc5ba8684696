//! Operators' orders: what they do, and what is answered.

use std::path::Path;

use tokio::sync::oneshot;

use crate::api::{
    Act, ApplyOptions, ApplyOrder, ApproveOrder, Command, Done, DrainOrder, EndOrder,
    MaintenanceOrder, Order, Peer, Prune, Refusal, RefusalKind, Remaining, Reply, ServerOrder,
    WeightOrder,
};
use crate::daemon::now::Now;
use crate::daemon::overrides::{Draft, Override, What};
use crate::event::{Kind, Severity, Subject};
use crate::health::Told;
use crate::state::{Member, Overlay};

use super::answers::answer;
use super::{ApplyRequest, Comparison, Core, End, Output, Provenance, Wanted};

type Answered = Result<Reply, Refusal>;

impl Core {
    /// Carries an order out.
    pub(super) fn ordered(&mut self, now: Now, command: Command) {
        let Command { order, peer, reply } = command;
        let by = who(peer);
        let result = match order {
            Order::Drain(order) => self.order_drain(now, order, by),
            Order::Undrain(order) => self.order_undrain(now, &order),
            Order::Maintenance(order) => self.order_maintenance(now, order, by),
            Order::Weight(order) => self.order_weight(now, order, by),
            Order::EndOverride(order) => self.order_end(now, order),
            Order::Apply(order) => return self.order_apply(order, reply),
            Order::Approve(order) => self.order_approve(now, &order),
            Order::Confirm => return self.order_confirm(reply),
            Order::Reload => {
                self.outputs.push_back(Output::Look);
                Ok(done("The source is looked at now; see `farmctl events`."))
            }
            Order::HandOver => return self.hand_over(now, reply),
            Order::SetLog(order) => {
                return self.outputs.push_back(Output::SetLog(order.filter, reply));
            }
            Order::Diff => return self.compare(Some(self.engine.overlay().clone()), reply),
            Order::RawDiff => return self.compare(Some(Overlay::default()), reply),
            Order::Snapshot => return self.compare(None, reply),
        };
        answer(reply, result);
    }

    fn order_drain(&mut self, now: Now, order: DrainOrder, by: String) -> Answered {
        self.must_have(&order.server, order.service.as_deref())?;
        Ok(self.set(
            now,
            Draft {
                what: What::Drain {
                    timeout: order.timeout.map(|it| it.0),
                    then: order.then,
                    remaining: order.remaining,
                },
                target: order.server,
                service: order.service,
                reason: order.reason,
                by,
                expires: order.expires.map(|it| it.0),
            },
        ))
    }

    fn order_undrain(&mut self, now: Now, order: &ServerOrder) -> Answered {
        let ended = self.overrides.end(|one| {
            matches!(one.what, What::Drain { .. })
                && one.target == order.server
                && (order.service.is_none() || one.service == order.service)
        });
        if ended.is_empty() {
            self.must_have(&order.server, order.service.as_deref())?;
            let what = format!("{} is not being drained", order.server);
            return Err(Refusal::new(RefusalKind::NotFound, what)
                .helped("`farmctl status` lists the overrides"));
        }
        Ok(self.ended(now, &ended, "an operator ended it"))
    }

    fn order_maintenance(&mut self, now: Now, order: MaintenanceOrder, by: String) -> Answered {
        if order.act == Act::End {
            let ended = self.overrides.end(|one| {
                matches!(one.what, What::Maintenance { .. }) && one.target == order.node
            });
            if ended.is_empty() {
                let what = format!("{} is not in maintenance", order.node);
                return Err(Refusal::new(RefusalKind::NotFound, what));
            }
            return Ok(self.ended(now, &ended, "an operator ended it"));
        }
        if self.roster.of_node(&order.node).next().is_none() {
            let what = format!("no real server of the farm is the node {}", order.node);
            return Err(Refusal::new(RefusalKind::NotFound, what));
        }
        Ok(self.set(
            now,
            Draft {
                what: What::Maintenance {
                    timeout: order.timeout.map(|it| it.0),
                },
                target: order.node,
                service: None,
                reason: order.reason,
                by,
                expires: order.expires.map(|it| it.0),
            },
        ))
    }

    fn order_weight(&mut self, now: Now, order: WeightOrder, by: String) -> Answered {
        self.must_have(&order.server, order.service.as_deref())?;
        let Some(weight) = order.weight else {
            let ended = self.overrides.end(|one| {
                matches!(one.what, What::Weight(_))
                    && one.target == order.server
                    && (order.service.is_none() || one.service == order.service)
            });
            return Ok(self.ended(now, &ended, "an operator ended it"));
        };
        Ok(self.set(
            now,
            Draft {
                what: What::Weight(weight),
                target: order.server,
                service: order.service,
                reason: order.reason,
                by,
                expires: order.expires.map(|it| it.0),
            },
        ))
    }

    fn order_end(&mut self, now: Now, order: EndOrder) -> Answered {
        let ended = self.overrides.end(|one| one.id == order.id);
        if ended.is_empty() {
            let what = format!("there is no override {}", order.id);
            return Err(Refusal::new(RefusalKind::NotFound, what)
                .helped("`farmctl status` lists the overrides"));
        }
        Ok(self.ended(now, &ended, "an operator ended it"))
    }

    /// `apply` is only for the file that is watched: otherwise the next look at it would undo what
    /// was applied.
    fn order_apply(&mut self, order: ApplyOrder, reply: oneshot::Sender<Answered>) {
        if Path::new(&order.path) != self.setup.file {
            let own = self.setup.file.display();
            let what = format!("the daemon runs {own}, not {}", order.path);
            let refusal = Refusal::new(RefusalKind::Conflict, what)
                .helped(format!("apply {own}, or stop the daemon"));
            return answer(reply, Err(refusal));
        }
        if self.provenance == Provenance::Repository {
            let what = "the daemon's file comes from git: the local one only names the repository";
            let refusal = Refusal::new(RefusalKind::Conflict, what)
                .helped("push the change there; `farmctl daemon` fetches it by itself");
            return answer(reply, Err(refusal));
        }
        if let Some(what) = unsupported(&order.options) {
            return answer(reply, Err(Refusal::new(RefusalKind::Impossible, what)));
        }
        let request = ApplyRequest {
            options: order.options,
            reply,
        };
        self.outputs.push_back(Output::Judge(order.text, request));
    }

    fn order_approve(&mut self, now: Now, order: &ApproveOrder) -> Answered {
        let Some(steps) = self.files.approve(&order.revision) else {
            let what = format!("no file of revision {} waits", order.revision);
            return Err(Refusal::new(RefusalKind::NotFound, what)
                .helped("`farmctl status` shows which one waits"));
        };
        self.take(now, steps);
        Ok(done("The file is used now; see `farmctl events`."))
    }

    fn hand_over(&mut self, now: Now, reply: oneshot::Sender<Answered>) {
        self.keep_health(now);
        self.keep_overrides();
        self.outputs.push_back(Output::End(End::HandedOver(reply)));
    }

    fn compare(&mut self, overlay: Option<Overlay>, reply: oneshot::Sender<Answered>) {
        let wanted = overlay.map(|overlay| {
            let good = self.files.wished()?;
            Some(Wanted {
                farm: std::sync::Arc::clone(&good.farm),
                node: self.kernel.node().cloned(),
                overlay,
            })
        });
        match wanted {
            Some(None) => {
                let what = "no file was accepted yet: there is nothing to compare";
                answer(reply, Err(Refusal::new(RefusalKind::Unavailable, what)));
            }
            Some(Some(wanted)) => self.outputs.push_back(Output::Compare(Comparison {
                wanted: Some(wanted),
                reply,
            })),
            None => self.outputs.push_back(Output::Compare(Comparison {
                wanted: None,
                reply,
            })),
        }
    }

    fn must_have(&self, server: &str, service: Option<&str>) -> Result<(), Refusal> {
        if self.roster.of_server(server, service).next().is_some() {
            return Ok(());
        }
        let what = match service {
            Some(service) => format!("service {service} has no real server called {server}"),
            None => format!("no service has a real server called {server}"),
        };
        let known = self.roster.names().join(", ");
        Err(Refusal::new(RefusalKind::NotFound, what).helped(format!("the farm has: {known}")))
    }

    fn set(&mut self, now: Now, draft: Draft) -> Reply {
        let has_end = draft.expires.is_some();
        let one = self.overrides.add(now, draft).clone();
        let until = match one.expires {
            Some(_) if !has_end => {
                ", and ends by itself after a day (give a reason, \
                                                or for how long, to have it otherwise)"
            }
            Some(_) | None => "",
        };
        let (noun, by) = (one.noun(), &one.by);
        let message = format!("Ordered by {by}: {noun}{until}.");
        let (kind, severity) = match one.what {
            What::Drain { .. } | What::Maintenance { .. } => (Kind::DrainBegan, Severity::Info),
            What::Weight(_) => (Kind::OverrideSet, Severity::Info),
        };
        self.tell_about(
            now,
            Told {
                kind,
                severity,
                subject: subject(&one),
                message: message.clone(),
            },
        );
        let id = one.id;
        self.overrides_changed(now);
        Reply::Done(Done {
            message,
            overrides: vec![id],
        })
    }

    fn ended(&mut self, now: Now, ended: &[Override], why: &str) -> Reply {
        for one in ended {
            self.tell_about(
                now,
                Told {
                    kind: Kind::OverrideEnded,
                    severity: Severity::Info,
                    subject: subject(one),
                    message: format!("Over: {} ({why}).", one.noun()),
                },
            );
        }
        if !ended.is_empty() {
            self.overrides_changed(now);
        }
        let count = ended.len();
        let plural = if count == 1 { " is" } else { "s are" };
        Reply::Done(Done {
            message: format!("{count} override{plural} over."),
            overrides: ended.iter().map(|one| one.id).collect(),
        })
    }

    fn overrides_changed(&mut self, now: Now) {
        self.keep_overrides();
        self.bend(now);
        self.look_while_draining(now);
    }

    /// Overrides whose time is over, and drains that are at their end.
    pub(super) fn expire(&mut self, now: Now) {
        let expired = self.overrides.expire(now.moment);
        if !expired.is_empty() {
            self.show();
            self.ended(now, &expired, "its time is over");
        }
        self.advance_drains(now);
    }

    /// Overrides of what the file has no more.
    pub(super) fn end_strays(&mut self, now: Now) {
        let strays = self.overrides.keep_in(&self.roster);
        if !strays.is_empty() {
            self.ended(now, &strays, "the file has it no more");
        }
    }

    /// Brings drains to their end that are there.
    pub(super) fn advance_drains(&mut self, now: Now) {
        let seen = self.kernel.seen.as_ref().map(|(at, _)| *at);
        let counts = self.connections();
        let left = |member: &Member| counts.get(member).copied().or(Some(0));
        let ended = self.overrides.drain(now.moment, &self.roster, seen, left);
        if ended.is_empty() {
            return;
        }
        for one in &ended {
            if one.remaining == Remaining::Reset && one.left > 0 {
                let places = self.places_of(&one.member);
                self.resets.extend(places);
            }
            let severity = match one.left {
                0 => Severity::Info,
                _ => Severity::Warning,
            };
            let how = match one.left {
                0 => "it has no connection any more".to_owned(),
                left => format!("its time is over; {left} connections are left"),
            };
            self.tell_about(
                now,
                Told {
                    kind: Kind::DrainEnded,
                    severity,
                    subject: of_member(&one.member),
                    message: format!("The drain of {} is at its end: {how}.", one.member),
                },
            );
        }
        self.show();
        self.overrides_changed(now);
    }
}

/// What `apply` can't ask of a daemon, which goes by its file.
fn unsupported(options: &ApplyOptions) -> Option<&'static str> {
    if options.prune == Prune::None {
        return Some("a daemon removes what the file no longer has: leave out `--prune none`");
    }
    let drains = options.drain_timeout.is_some() || options.remaining == Remaining::Reset;
    drains.then_some(
        "a daemon drains as the file says (`drain: { timeout: …, remaining: … }`): leave out \
         `--drain-timeout` and `--reset-remaining`",
    )
}

fn who(peer: Option<Peer>) -> String {
    peer.map_or_else(|| "somebody".to_owned(), |peer| peer.to_string())
}

fn done(message: &str) -> Reply {
    Reply::Done(Done {
        message: message.to_owned(),
        overrides: Vec::new(),
    })
}

fn subject(one: &Override) -> Subject {
    let node = matches!(one.what, What::Maintenance { .. });
    Subject {
        service: one.service.clone(),
        server: (!node).then(|| one.target.clone()),
        node: node.then(|| one.target.clone()),
        ..Subject::default()
    }
}

fn of_member(member: &Member) -> Subject {
    Subject {
        service: Some(member.service.clone()),
        server: Some(member.server.clone()),
        address: Some(member.address),
        ..Subject::default()
    }
}
