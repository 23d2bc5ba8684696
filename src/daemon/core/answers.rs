//! Who waits for an answer about the file, and what they are told.

use tokio::sync::oneshot;

use crate::api::{ApplyReport, Done, OutcomeKind, Refusal, RefusalKind, Reply, changes};
use crate::daemon::files::Terms;
use crate::daemon::judge::Judged;
use crate::daemon::now::Now;
use crate::reconcile::keeper::{Order, Reason};
use crate::reconcile::{Adopt, Confirmation, Report, Shrink};
use crate::spec::DataplaneKind;

use super::{ApplyRequest, Core, Output};

/// The one `apply` that is on its way.
#[derive(Debug, Default)]
pub(super) struct Asked {
    reply: Option<oneshot::Sender<Result<Reply, Refusal>>>,
    /// Those who confirm what an `apply` did.
    confirming: Vec<oneshot::Sender<Result<Reply, Refusal>>>,
}

impl Core {
    /// The text of an `apply` was judged.
    pub(super) fn asked_for(&mut self, now: Now, request: ApplyRequest, judged: Judged) {
        let ApplyRequest { options, reply } = request;
        let good = match judged {
            Judged::Good(good) => good,
            Judged::Bad(bad) => {
                let refusal = Refusal::new(RefusalKind::Impossible, bad.message.clone());
                return answer(
                    reply,
                    Err(refusal.helped("`farmctl validate` shows everything")),
                );
            }
            Judged::Absent(why) => {
                return answer(reply, Err(Refusal::new(RefusalKind::Impossible, why)));
            }
        };
        if self.asked.reply.is_some() {
            let busy = "another apply is on its way; try again when it has ended";
            return answer(reply, Err(Refusal::new(RefusalKind::Conflict, busy)));
        }
        self.asked.reply = Some(reply);
        let terms = Terms {
            shrink: if options.allow_shrink {
                Shrink::Allowed
            } else {
                Shrink::Refused
            },
            adopt: if options.adopt { Adopt::Yes } else { Adopt::No },
            confirm: options.confirm_timeout.map(|length| length.0),
        };
        // An operator's word also ends a pause, and a fight that was given up.
        self.outputs.push_back(Output::Keeper(Order::Resume));
        let steps = self.files.attempt(good, terms);
        self.take(now, steps);
    }

    /// An operator confirms what an `apply` did; the keeper knows whether anything waits for it.
    pub(super) fn order_confirm(&mut self, reply: oneshot::Sender<Result<Reply, Refusal>>) {
        self.asked.confirming.push(reply);
        self.outputs.push_back(Output::Keeper(Order::Confirm));
    }

    /// What came of it: whoever confirmed is told.
    pub(super) fn tell_confirmation(&mut self, result: &Result<Confirmation, String>) {
        let told = match result {
            Ok(Confirmation::Confirmed { farm }) => Ok(Reply::Done(Done {
                message: format!("Confirmed: {farm} stays as it is."),
                overrides: Vec::new(),
            })),
            Ok(Confirmation::NothingPending | Confirmation::Void) => Err(Refusal::new(
                RefusalKind::Conflict,
                "Nothing waits for a confirmation: it was confirmed or undone already.",
            )),
            Err(error) => Err(Refusal::new(RefusalKind::Failed, error.clone())),
        };
        for reply in self.asked.confirming.drain(..) {
            answer(reply, told.clone());
        }
    }

    /// The kernel holds a wish: whoever waits for it is told.
    pub(super) fn applied(&mut self, report: &Report, writes: bool) {
        if self.files.trial().is_some() {
            return;
        }
        let Some(reply) = self.asked.reply.take() else {
            return;
        };
        let mut told = self.report(OutcomeKind::Converged, 0);
        told.kernel_writes = if writes { report.writes } else { 0 };
        told.changes = changes(&report.plan);
        told.messages.clone_from(&report.notes);
        told.messages.insert(
            0,
            match report.plan.changes.len() {
                0 => "Nothing to do: the kernel holds what the file asks for.".to_owned(),
                1 => "1 change made by the daemon and read back.".to_owned(),
                count => format!("{count} changes made by the daemon and read back."),
            },
        );
        answer(reply, Ok(Reply::Applied(told)));
    }

    /// A wish is not worked on.
    pub(super) fn apply_refused(&mut self, reason: Reason, why: &[String]) {
        let (kind, code) = match reason {
            Reason::Guard | Reason::Unconfirmed => (OutcomeKind::Refused, 5),
            Reason::Conflict => (OutcomeKind::Conflict, 4),
            Reason::Preflight | Reason::Dataplane | Reason::Node => {
                (OutcomeKind::PreflightFailed, 1)
            }
        };
        self.answer_apply(kind, code, why.to_vec());
    }

    /// A wish failed; it is tried again, but nobody waits for that.
    pub(super) fn apply_failed(&mut self, cause: &str) {
        self.answer_apply(OutcomeKind::NotConverged, 3, vec![cause.to_owned()]);
    }

    fn answer_apply(&mut self, kind: OutcomeKind, code: u8, messages: Vec<String>) {
        if let Some(reply) = self.asked.reply.take() {
            let mut told = self.report(kind, code);
            told.messages = messages;
            answer(reply, Ok(Reply::Applied(told)));
        }
    }

    fn report(&self, outcome: OutcomeKind, exit_code: u8) -> ApplyReport {
        let farm = self.files.wished().map(|good| good.farm.farm.to_string());
        ApplyReport {
            format_version: 1,
            farm: farm.unwrap_or_default(),
            dataplane: self.kernel.dataplane().unwrap_or(DataplaneKind::Ipvs),
            outcome,
            exit_code,
            kernel_writes: 0,
            changes: Vec::new(),
            messages: Vec::new(),
        }
    }
}

/// Answers; one that nobody waits for any more is dropped.
pub(super) fn answer(
    reply: oneshot::Sender<Result<Reply, Refusal>>,
    result: Result<Reply, Refusal>,
) {
    let _nobody_waits = reply.send(result);
}
