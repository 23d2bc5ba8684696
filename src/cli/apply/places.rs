//! Where the file asks for what a message is about.

use std::cell::OnceCell;

use crate::spec::{self, Place, SourceText};
use crate::state::{Desired, Subject};

/// The places of a file's objects. The text is read again when the first is asked for: few runs
/// ask, and its tree would take memory in all.
pub(super) struct Places<'a> {
    name: &'a str,
    text: &'a str,
    desired: &'a Desired,
    source: OnceCell<SourceText>,
}

impl<'a> Places<'a> {
    /// The places of what `text`, a file called `name`, asks for.
    pub(super) fn new(name: &'a str, text: &'a str, desired: &'a Desired) -> Self {
        Self {
            name,
            text,
            desired,
            source: OnceCell::new(),
        }
    }

    /// Where the file asks for an object: `services.http, farm.yaml:12`.
    pub(super) fn of(&self, subject: &Subject) -> Option<String> {
        let path = match subject {
            Subject::Service(key) => &self.desired.services.get(key)?.path,
            Subject::Destination(service, key) => {
                &self.desired.destinations.get(&(*service, *key))?.path
            }
            Subject::Address(key) => &self.desired.addresses.get(key)?.path,
            Subject::Setting(_) | Subject::Marks | Subject::Sync(_) => return None,
        };
        let read = || spec::read(self.name, self.text.as_bytes()).source;
        let line = self
            .source
            .get_or_init(read)
            .line(&Place::Value(path.clone()));
        Some(format!("{path}, {}:{line}", self.name))
    }
}
