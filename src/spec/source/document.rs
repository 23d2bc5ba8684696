//! The kinds of files that are read here, and how messages speak of each.

use serde::de::DeserializeOwned;

use crate::spec::{Farm, Path};

/// What a file of one kind holds: a whole farm, a scenario of a rehearsal.
pub trait Document: DeserializeOwned {
    /// How messages speak of files of this kind.
    const FORMAT: Format;
}

/// How messages speak of a kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The file: `farm.yaml`.
    pub file: &'static str,
    /// What it holds, with an article: `a farm`.
    pub content: &'static str,
    /// The smallest useful file, in half a sentence.
    pub smallest: &'static str,
    /// Where a user reads what a key is.
    pub reference: Reference,
    /// Parts of the format that this farmctl does not have yet: patterns of paths, and what each is
    /// about.
    pub later: &'static [(&'static str, &'static str)],
}

/// Where a user reads what a key is.
#[derive(Debug, Clone, Copy)]
pub enum Reference {
    /// `farmctl explain PATH`.
    Explain,
    /// A page of the documentation, by its path.
    Page(&'static str),
}

impl Reference {
    /// The words that name it, for a path: `` `farmctl explain services.vip` ``.
    pub(super) fn words(self, path: &Path) -> String {
        match self {
            Self::Explain => format!("`farmctl explain {path}`"),
            Self::Page(page) => page.to_owned(),
        }
    }
}

impl Document for Farm {
    const FORMAT: Format = Format {
        file: "farm.yaml",
        content: "a farm",
        smallest: "the smallest useful one has a VIP and a service with two real servers",
        reference: Reference::Explain,
        later: super::later::FARM,
    };
}
