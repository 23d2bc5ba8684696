//! A dispatcher on a farm that is written in a test, and events to tell it.

use std::future::Future;
use std::time::Duration;

use farmctl::event::{Event, FORMAT_VERSION, Kind, Severity, Subject};
use farmctl::notification::{Dispatcher, Receiver, ReceiverState, Sender, receivers};
use farmctl::spec::Farm;

/// So long a test waits for what must come; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The receivers of a farm whose `notifications:` is this YAML.
pub(crate) fn written(notifications: &str, daemon: &str) -> Vec<Receiver> {
    let indented = notifications.trim().replace('\n', "\n  ");
    let text = format!("version: 1\nfarm: shop\n{daemon}\nnotifications:\n  {indented}\n");
    let farm: Farm = serde_yaml::from_str(&text).expect("a farm");
    receivers(&farm)
}

pub(crate) fn sender() -> Sender {
    Sender {
        farm: "shop".to_owned(),
        node: "lb1".to_owned(),
    }
}

pub(crate) fn dispatcher(notifications: &str) -> Dispatcher {
    Dispatcher::start(written(notifications, ""), sender())
}

/// `web{number}` goes down.
pub(crate) fn down(number: u64) -> Event {
    Event {
        format_version: FORMAT_VERSION,
        sequence: number,
        at: 1_795_290_322_000,
        node: Some("lb1".to_owned()),
        severity: Severity::Warning,
        kind: Kind::ServerDown,
        subject: Subject {
            service: Some("http".to_owned()),
            server: Some(format!("web{number}")),
            ..Subject::default()
        },
        message: format!("web{number} of http is down: connection refused"),
    }
}

/// Runs a test inside a runtime like the daemon's.
pub(crate) fn play<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

/// Waits for what must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it comes")
}

/// Waits until the only receiver's state is like this.
pub(crate) async fn until(
    dispatcher: &Dispatcher,
    is_there: impl Fn(&ReceiverState) -> bool,
) -> ReceiverState {
    soon(async {
        loop {
            let state = dispatcher.report().remove(0);
            if is_there(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
