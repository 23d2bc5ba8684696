//! What a body must have and must lack.
//!
//! A body is read only where something is wanted of it, up to a limit, and no further than it
//! takes to judge it: a server that sends one for ever is judged by its beginning.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use regex::bytes::Regex;

use crate::probe::conversation::beginning;
use crate::probe::exchange::failure;
use crate::probe::{Failure, Tools};
use crate::spec::{HttpCheck, HttpMethod};

/// How much of a body is read where the check does not say, in bytes.
const LIMIT: u32 = 1 << 20;

/// What is wanted of a body.
#[derive(Debug)]
pub(super) struct Wanted {
    has: Vec<(Arc<Regex>, String)>,
    lacks: Option<(Arc<Regex>, String)>,
    limit: usize,
}

impl Wanted {
    /// What a check wants. An answer to HEAD has no body, and nothing can be wanted of it.
    pub(super) fn of(check: &HttpCheck, tools: &Tools) -> Result<Self, Failure> {
        let mut has = Vec::new();
        if let Some(text) = &check.body {
            let pattern = tools.regex(&regex::escape(text))?;
            has.push((pattern, format!("its body lacks {text:?}")));
        }
        if let Some(expression) = &check.body_matches {
            let pattern = tools.regex(expression)?;
            has.push((pattern, format!("its body does not match `{expression}`")));
        }
        let lacks = match &check.body_lacks {
            None => None,
            Some(expression) => {
                let pattern = tools.regex(expression)?;
                Some((pattern, format!("its body matches `{expression}`")))
            }
        };
        if check.method == Some(HttpMethod::Head) && (lacks.is_some() || !has.is_empty()) {
            return Err(Failure::here("an answer to HEAD has no body to look into"));
        }
        let limit = usize::try_from(check.body_limit.unwrap_or(LIMIT)).unwrap_or(usize::MAX);
        Ok(Self { has, lacks, limit })
    }

    fn nothing(&self) -> bool {
        self.has.is_empty() && self.lacks.is_none()
    }

    /// What is wrong with a beginning already, or with a whole.
    fn unwanted(&self, body: &[u8]) -> Option<&str> {
        let (pattern, text) = self.lacks.as_ref()?;
        pattern.is_match(body).then_some(text)
    }

    fn missing(&self, body: &[u8]) -> Option<&str> {
        let missing = (self.has.iter()).find(|(pattern, _)| !pattern.is_match(body));
        missing.map(|(_, text)| text.as_str())
    }

    /// Whether a beginning settles it, whatever comes.
    fn settles(&self, body: &[u8]) -> bool {
        match self.lacks {
            Some(_) => self.unwanted(body).is_some(),
            None => self.missing(body).is_none(),
        }
    }
}

/// Reads what it takes, and judges. `told` begins the failure's text.
pub(super) async fn judge(
    incoming: &mut Incoming,
    wanted: &Wanted,
    told: &str,
) -> Result<(), Failure> {
    if wanted.nothing() {
        return Ok(());
    }
    let body = read(incoming, wanted).await?;
    let wrong = wanted.unwanted(&body).or_else(|| wanted.missing(&body));
    match wrong {
        None => Ok(()),
        Some(text) => Err(Failure::wrong(format!(
            "{told}, but {text}: {}",
            beginning(&body)
        ))),
    }
}

async fn read(incoming: &mut Incoming, wanted: &Wanted) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut look_again = 1;
    while body.len() < wanted.limit {
        let Some(more) = next(incoming).await? else {
            break;
        };
        let room = wanted.limit - body.len();
        body.extend_from_slice(more.get(..room).unwrap_or(&more));
        // Looked at each time that it has doubled: all looks together cost no more than two.
        if body.len() >= look_again {
            if wanted.settles(&body) {
                break;
            }
            look_again = body.len() * 2;
        }
    }
    Ok(body)
}

/// The next bytes; none at the end. Trailers are passed over. A connection that ends without
/// taking leave (TLS without close_notify, as many servers do) ends the body too.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = incoming.frame().await {
        if let Ok(bytes) = frame.map_err(failure)?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
