//! The part of the check that is about expectations: each is read, its names and times are held
//! against the farm and the load, and mistakes are told with their place inside of the line.

use std::ops::Range;

use super::check::Check;
use super::written::WrittenScenario;
use crate::rehearsal::expect::{Claim, Expectation, ParseError, Parsed, parse};
use crate::spec::{Path, Place, Problem};

impl Check<'_> {
    pub(super) fn expectation(
        &mut self,
        text: &str,
        scenario: &WrittenScenario,
        path: &Path,
    ) -> Option<Expectation> {
        match parse(text) {
            Err(error) => {
                let problem = self.unreadable(text, &error, path);
                self.found.push(problem);
                None
            }
            Ok(parsed) => {
                self.expected_names(text, &parsed, path);
                self.expected_time(text, &parsed, scenario, path);
                Some(parsed.expectation)
            }
        }
    }

    fn unreadable(&self, text: &str, error: &ParseError, path: &Path) -> Problem {
        let place = self.inside(text, &error.at, path);
        Problem::error("wrong-expectation", place, error.message.clone())
            .labelled("here")
            .helped(error.help.clone())
    }

    fn expected_names(&mut self, text: &str, parsed: &Parsed, path: &Path) {
        let expectation = &parsed.expectation;
        if let (Some(name), Some(at)) = (&expectation.of, &parsed.service) {
            let known = self.names.services();
            let place = self.inside(text, at, path);
            self.name_at(name.as_str(), &known, "service", place);
        }
        if let (Claim::Share { server, .. }, Some(at)) = (&expectation.claim, &parsed.server) {
            let known = match &expectation.of {
                Some(service) if self.names.services().contains(service.as_str()) => {
                    self.names.servers_of(service)
                }
                _ => self.names.all_servers(),
            };
            let place = self.inside(text, at, path);
            self.name_at(server, &known, "real server", place);
        }
    }

    fn expected_time(
        &mut self,
        text: &str,
        parsed: &Parsed,
        scenario: &WrittenScenario,
        path: &Path,
    ) {
        let Some(at) = &parsed.window else { return };
        let end = scenario.duration.0;
        let window = parsed.expectation.window;
        let (from, to) = (window.from.unwrap_or_default(), window.to.unwrap_or(end));
        if from < to && to <= end {
            return;
        }
        let message = if from >= to {
            "the time ends before it begins".to_owned()
        } else {
            format!("the load ends at {}, before this time", scenario.duration)
        };
        let problem = Problem::error("wrong-expectation", self.inside(text, at, path), message);
        self.found.push(
            problem
                .labelled("here")
                .helped("write two times within the load, such as `from 2s to 8s`"),
        );
    }

    /// A part of an expectation's text, as a place of the file.
    fn inside(&self, text: &str, part: &Range<usize>, path: &Path) -> Place {
        let place = Place::Value(path.clone());
        if !self.reading.pruned.is_empty() {
            return place;
        }
        let source = &self.reading.source;
        let whole = source.locate(&place);
        let written = source.text().get(whole.clone()).unwrap_or_default();
        match written.find(text) {
            // One character, where something is missing at the end.
            Some(at) => {
                let start = whole.start + at + part.start;
                Place::Bytes(start..whole.start + at + part.end)
            }
            None => place,
        }
    }
}
