//! Which data plane to work with: the one that has farmctl's services, else the one that the file
//! names, else the one that this kernel has.
//!
//! Nothing is written here: the choice is in the record with the first service that is made.
//! Called by the keeper and by every command that looks at a kernel.

use super::{Error, Record};
use crate::dataplane;
use crate::spec::{DataplaneKind, Farm};

/// The data plane that is worked with, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which one.
    pub kind: DataplaneKind,
    because: Because,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Because {
    /// The file names it.
    Named,
    /// It has farmctl's services.
    Recorded,
    /// The kernel has it; the reason as half a sentence.
    Kernel(String),
}

/// The data plane that a file asks for; none where it leaves the choice to the machine.
pub fn named(farm: &Farm) -> Option<DataplaneKind> {
    let directors = farm.directors.as_ref()?;
    directors.dataplane.named()
}

impl Chosen {
    /// Chooses for a machine with this record. `asked` is what the file names; where it names
    /// nothing, and nothing is there yet, the kernel is asked.
    pub fn of(asked: Option<DataplaneKind>, record: &Record) -> Result<Self, Error> {
        let because = match asked {
            Some(_) => Because::Named,
            None => Because::Recorded,
        };
        if let Some(kind) = record.choose(asked)? {
            return Ok(Self { kind, because });
        }
        let found = dataplane::resolve()?;
        Ok(Self {
            kind: found.dataplane,
            because: Because::Kernel(found.because),
        })
    }

    /// Why it is this one, a full sentence.
    pub fn explanation(&self) -> String {
        let kind = self.kind;
        match &self.because {
            Because::Named => format!("The data plane is {kind}: the file says so."),
            Because::Recorded => {
                format!("The data plane is {kind}: farmctl's services are on it, and stay there.")
            }
            Because::Kernel(reason) => {
                format!(
                    "The data plane is {kind}, because the file leaves the choice and {reason}."
                )
            }
        }
    }

    /// What an operator should know about the choice: where the machine chose, and chose the
    /// second best.
    pub fn note(&self) -> Option<String> {
        let second = self.kind == DataplaneKind::Nftables;
        let by_kernel = matches!(self.because, Because::Kernel(_));
        (second && by_kernel).then(|| self.explanation())
    }

    /// What an operator should know where the record can't be read: it would name the data plane.
    pub fn guess(&self) -> Option<String> {
        let guessed = matches!(self.because, Because::Kernel(_));
        guessed.then(|| {
            format!(
                "Nor is it known which data plane was chosen; {} is looked at.",
                self.kind
            )
        })
    }
}
