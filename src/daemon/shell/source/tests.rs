//! Real files, saved in the ways in which they are saved.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use super::*;

/// Only a broken watch takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

struct Place {
    folder: tempfile::TempDir,
    runtime: Runtime,
    source: Option<Source>,
    heard: Option<UnboundedReceiver<Happened>>,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: { runtime }.enable_all().build().unwrap(),
            source: None,
            heard: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Begins to watch, and sees that the watch stands.
    fn watch(&mut self, name: &str) {
        let path = self.path(name);
        let first = look(&path);
        let (inbox, mut heard) = unbounded_channel();
        let _inside = self.runtime.enter();
        let source = Source::watch(path, &first, inbox);
        source.settle(Duration::from_millis(500));
        source.look_now();
        let begun = self.runtime.block_on(heard.recv());
        assert!(matches!(begun, Some(Happened::Found(_))), "{begun:?}");
        self.source = Some(source);
        self.heard = Some(heard);
    }

    /// What is found next.
    fn found(&mut self) -> Look {
        let heard = self.heard.as_mut().unwrap();
        let next = async { timeout(PATIENCE, heard.recv()).await };
        let next = self.runtime.block_on(next).expect("something is found");
        match next {
            Some(Happened::Found(look)) => look,
            other => panic!("{other:?}"),
        }
    }
}

fn content(text: &str) -> Look {
    Look::Content(text.as_bytes().into())
}

#[test]
fn a_file_that_is_renamed_to_its_place_is_found() {
    let mut place = Place::new();
    place.write("farm.yaml", "one");
    place.watch("farm.yaml");
    place.write("farm.yaml.new", "two");
    place.rename("farm.yaml.new", "farm.yaml");
    assert_eq!(place.found(), content("two"));
}

#[test]
fn a_file_that_is_written_in_place_is_found_once_it_is_still() {
    let mut place = Place::new();
    place.write("farm.yaml", "one");
    place.watch("farm.yaml");
    place.write("farm.yaml", "");
    place.write("farm.yaml", "two");
    assert_eq!(place.found(), content("two"));
}

// A ConfigMap of Kubernetes: farm.yaml -> ..data/farm.yaml, ..data -> a directory with a date.
#[test]
fn a_link_on_the_way_that_leads_elsewhere_is_found() {
    let mut place = Place::new();
    for (folder, text) in [("..1", "one"), ("..2", "two"), ("..3", "three")] {
        fs::create_dir(place.path(folder)).unwrap();
        place.write(&format!("{folder}/farm.yaml"), text);
    }
    symlink("..1", place.path("..data")).unwrap();
    symlink("..data/farm.yaml", place.path("farm.yaml")).unwrap();
    place.watch("farm.yaml");
    for (folder, text) in [("..2", "two"), ("..3", "three")] {
        symlink(folder, place.path("..data_tmp")).unwrap();
        place.rename("..data_tmp", "..data");
        assert_eq!(place.found(), content(text));
    }
}

#[test]
fn a_file_that_is_gone_and_one_that_is_back_are_found() {
    let mut place = Place::new();
    place.write("farm.yaml", "one");
    place.watch("farm.yaml");
    fs::remove_file(place.path("farm.yaml")).unwrap();
    assert!(matches!(place.found(), Look::Nothing(_)));
    place.write("farm.yaml", "two");
    assert_eq!(place.found(), content("two"));
}

#[test]
fn a_directory_that_is_replaced_by_another_is_watched_on() {
    let mut place = Place::new();
    fs::create_dir(place.path("etc")).unwrap();
    place.write("etc/farm.yaml", "one");
    place.watch("etc/farm.yaml");
    place.rename("etc", "etc.old");
    assert!(matches!(place.found(), Look::Nothing(_)));
    fs::create_dir(place.path("etc")).unwrap();
    place.write("etc/farm.yaml", "two");
    assert_eq!(place.found(), content("two"));
    place.write("etc/farm.yaml.new", "three");
    place.rename("etc/farm.yaml.new", "etc/farm.yaml");
    assert_eq!(place.found(), content("three"));
}

#[test]
fn what_is_no_file_is_told_and_not_read() {
    let place = Place::new();
    fs::create_dir(place.path("farm.yaml")).unwrap();
    assert!(
        matches!(look(&place.path("farm.yaml")), Look::Nothing(why) if why.contains("no file"))
    );
    assert!(matches!(look(&place.path("none")), Look::Nothing(_)));
    assert!(matches!(look(Path::new("/dev/zero")), Look::Nothing(why) if why.contains("no file")));
}

#[test]
fn the_directories_of_every_link_on_the_way_are_watched() {
    let place = Place::new();
    for folder in ["a", "b", "c"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("c/farm.yaml", "one");
    symlink("../c", place.path("b/link")).unwrap();
    symlink("../b/link/farm.yaml", place.path("a/farm.yaml")).unwrap();
    let found = directories(&place.path("a/farm.yaml"));
    for folder in ["a", "b", "c"] {
        let wanted = fs::canonicalize(place.path(folder)).unwrap();
        let is_there = found
            .keys()
            .any(|it| fs::canonicalize(it).unwrap() == wanted);
        assert!(is_there, "{folder}: {found:?}");
    }
}

#[test]
fn links_in_a_circle_end_somewhere() {
    let place = Place::new();
    symlink("two", place.path("one")).unwrap();
    symlink("one", place.path("two")).unwrap();
    assert_eq!(directories(&place.path("one")).len(), 1);
    assert!(matches!(look(&place.path("one")), Look::Nothing(_)));
}
