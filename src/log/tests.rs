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
