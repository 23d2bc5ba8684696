use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What `work` logs under this filter and shape.
fn logged(filter: &str, shape: Shape, work: impl FnOnce(&Handle)) -> String {
    let paper = Paper::default();
    let (subscriber, handle) = subscriber(filter, shape, paper.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || work(&handle));
    drop(handle);
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_has_its_level_target_sentence_and_fields() {
    let text = logged("info", Shape::Journal, |_| {
        tracing::info!(target: "farmctl::daemon", service = "http", servers = 3, "The farm is as it should be");
    });
    assert_eq!(
        text,
        "<6>level=info target=farmctl::daemon message=\"The farm is as it should be\" service=http servers=3\n"
    );
}

#[test]
fn a_file_gets_the_time_and_a_terminal_colours() {
    let say = |_: &Handle| tracing::warn!(target: "t", "Look");
    let plain = logged("info", Shape::Plain, say);
    let (time, rest) = plain.split_once(' ').unwrap();
    assert!(time.starts_with("time=2") && time.ends_with('Z'), "{time}");
    assert_eq!(rest, "level=warn target=t message=Look\n");
    assert!(logged("info", Shape::Terminal, say).contains("level=\x1b[33mwarn\x1b[0m target=t"));
}

/// What a real server says gets into lines; it must not make lines of its own, nor hide any.
#[test]
fn nothing_that_is_logged_can_forge_a_line() {
    let said = "220 hi\r\n<0>level=error message=\"all is lost\" \u{202e}\x1b[2J\\";
    let text = logged("info", Shape::Journal, |_| {
        tracing::info!(target: "t", said, "It said {said}");
    });
    assert_eq!(text.lines().count(), 1);
    assert!(
        !text.trim_end().contains(|c: char| c.is_control()),
        "{text}"
    );
    assert!(!text.contains('\u{202e}'), "{text}");
    assert!(
        text.contains(r#"\u{d}\u{a}<0>level=error message=\"all is lost\" \u{202e}\u{1b}[2J\\"#),
        "{text}"
    );
}

#[test]
fn a_value_without_end_is_cut() {
    let text = logged("info", Shape::Journal, |_| {
        tracing::info!(target: "t", body = "x".repeat(1 << 20), "It answered");
    });
    assert!(text.len() < 5000, "{} bytes", text.len());
    assert!(text.ends_with("…\"\n"), "{text}");
}

#[test]
fn the_levels_change_while_it_runs_and_a_bad_filter_changes_nothing() {
    let text = logged("warn", Shape::Journal, |handle| {
        tracing::info!(target: "farmctl::health", "one");
        handle.set("warn,farmctl::health=debug").unwrap();
        tracing::debug!(target: "farmctl::health", "two");
        tracing::info!(target: "farmctl::core", "three");
        let refused = handle.set("farmctl::health=loud").unwrap_err().to_string();
        assert!(
            refused.contains("farmctl::health=loud") && refused.contains("debug"),
            "{refused}"
        );
        tracing::debug!(target: "farmctl::health", "four");
        assert_eq!(handle.filter().get(), "farmctl::health=debug,warn");
    });
    let said: Vec<_> = text
        .lines()
        .filter_map(|line| line.split("message=").nth(1))
        .collect();
    assert_eq!(said, ["two", "four"]);
}

#[test]
fn an_event_is_a_line_with_its_fields() {
    let event = Event {
        format_version: crate::event::FORMAT_VERSION,
        sequence: 7,
        at: 0,
        node: Some("lb1".to_owned()),
        severity: Severity::Alarm,
        kind: crate::event::Kind::ServerDown,
        subject: crate::event::Subject {
            service: Some("http".to_owned()),
            server: Some("web1".to_owned()),
            address: Some("192.0.2.21".parse().unwrap()),
            ..crate::event::Subject::default()
        },
        message: "web1 of http is down: connection refused".to_owned(),
    };
    let text = logged("info", Shape::Journal, |_| super::event(&event));
    assert_eq!(
        text,
        "<3>level=error target=farmctl::event message=\"web1 of http is down: connection refused\" kind=server_down service=http server=web1 address=192.0.2.21 sequence=7\n"
    );
}

/// Standard error that takes nothing until it is let go.
#[derive(Clone)]
struct Stuck(Arc<Mutex<()>>, Paper);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        drop(self.0.lock().unwrap());
        self.1.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// keepalived #2523 and #1773 are about loops that stand still; a log must not be the reason.
#[test]
fn standard_error_that_is_stuck_holds_nobody_up_and_what_is_lost_is_told() {
    let stuck = Stuck(Arc::default(), Paper::default());
    let (subscriber, handle) = subscriber("info", Shape::Journal, stuck.clone()).unwrap();
    let held = stuck.0.lock().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..20_000 {
            tracing::info!(target: "t", number, "Much happens");
        }
    });
    let lost = handle.lost();
    assert!((10_000..20_000).contains(&lost), "{lost} lines lost");
    drop(held);
    while !String::from_utf8_lossy(&stuck.1.0.lock().unwrap()).contains("standard error took none")
    {
        std::thread::yield_now();
    }
    drop(handle);
    let bytes = stuck.1.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    let told = format!("message=\"{lost} lines of the log were lost: standard error took none\"");
    assert!(text.contains(&told), "{}", &text[..400]);
    assert_eq!(text.lines().count() as u64, 20_000 - lost + 1);
}
