//! What questions need and share: regular expressions, TLS configurations, rules for programs.
//!
//! Everything is made once and kept by what it is made from. Made by `daemon`, one for all
//! questions; a reload that changes `daemon.exec_dirs` makes a new one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regex::bytes::{Regex, RegexBuilder};

use super::Failure;
use super::exec::outstanding::Outstanding;
use super::tls::Configurations;

/// A compiled expression takes no more than this, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// More expressions than this are not kept: those of checks that are gone are forgotten with them.
const KEPT: usize = 4096;

/// What questions need and share.
#[derive(Debug, Default)]
pub struct Tools {
    exec_dirs: Vec<PathBuf>,
    expressions: Mutex<HashMap<String, Arc<Regex>>>,
    tls: Configurations,
    outstanding: Outstanding,
}

impl Tools {
    /// The tools of a daemon whose checks may run programs under these directories.
    pub fn new(exec_dirs: Vec<PathBuf>) -> Self {
        Self {
            exec_dirs,
            ..Self::default()
        }
    }

    /// The directories whose programs checks may run.
    pub fn exec_dirs(&self) -> &[PathBuf] {
        &self.exec_dirs
    }

    /// The TLS configurations.
    pub fn tls(&self) -> &Configurations {
        &self.tls
    }

    /// The programs and reads of files that are out.
    pub fn outstanding(&self) -> &Outstanding {
        &self.outstanding
    }

    /// A regular expression over bytes, compiled once. A bad one is this machine's failure.
    pub fn regex(&self, expression: &str) -> Result<Arc<Regex>, Failure> {
        if let Some(known) = self.expressions().get(expression) {
            return Ok(Arc::clone(known));
        }
        let compiled = RegexBuilder::new(expression)
            .size_limit(REGEX_LIMIT)
            .build()
            .map_err(|error| Failure::here(format!("the expression `{expression}`: {error}")))?;
        let compiled = Arc::new(compiled);
        let mut kept = self.expressions();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(expression.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }

    fn expressions(&self) -> MutexGuard<'_, HashMap<String, Arc<Regex>>> {
        self.expressions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
