//! What nodes would refuse about a contract, and where in the source that comes from.

mod lines;
pub(crate) mod places;

use alloy_primitives::Bytes;
use wire::limits::CODE_BYTES;
use zk_contract_runtime::{ModuleError, inspect::Inspection};

use self::lines::Lines;
use crate::{ReportError, costs};

pub use self::lines::Place;

/// Places that are told of one fault.
const MOST_PLACES: usize = 8;

/// Something that nodes would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, in a sentence.
    pub what: String,
    /// What to do instead.
    pub instead: String,
    /// Where it comes from, as far as that is known: functions with their source lines.
    pub places: Vec<Place>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.what)?;
        for place in &self.places {
            writeln!(f, "  {place}")?;
        }
        write!(f, "  {}", self.instead)
    }
}

/// Looks at a module as it is deployed, and says what nodes would refuse; nothing if they would
/// take it. The second module is the same with names and lines.
///
/// # Errors
/// [`ReportError::Host`].
pub fn findings(code: &Bytes, with_lines: &[u8]) -> Result<Vec<Finding>, ReportError> {
    let inspection = match Inspection::new(code)? {
        Ok(inspection) => inspection,
        Err(error) => return Ok(vec![explain(&error, with_lines)]),
    };
    let mut all = Vec::new();
    let numbered = (0..).zip(&inspection.description().computations);
    for (number, computation) in numbered {
        for inputs in costs::INPUTS {
            if inputs < u64::from(computation.min_inputs) {
                continue;
            }
            if let Err(why) = costs::trace(&inspection, number, computation, inputs)?.program {
                all.push(Finding {
                    what: format!(
                        "the computation {} fails over {inputs} inputs of each type: {why}",
                        computation.name
                    ),
                    instead:
                        "Work on whole vectors instead of single inputs, bound how many inputs \
                              the contract takes, or handle so few of them."
                            .into(),
                    places: Vec::new(),
                });
                break;
            }
        }
    }
    Ok(all)
}

/// Says where a module has what nodes refuse.
fn explain(error: &ModuleError, with_lines: &[u8]) -> Finding {
    let lines = Lines::read(with_lines);
    let (places, instead) = match error {
        ModuleError::Floats => (
            places::floats(with_lines),
            "Floating point numbers differ between machines: use Fixed<16>, or integers and a unit \
             such as cents.",
        ),
        ModuleError::UnknownImport { name, .. } | ModuleError::ImportType { name, .. } => (
            places::calls(with_lines, name),
            "A contract has no system around it, no clock, files, network or randomness: take the \
             time from `ctx.time`, and what comes from outside as arguments; leave out crates that \
             ask for more. If it is the SDK's own import, the nodes run another version.",
        ),
        ModuleError::CodeBytes { .. } => (
            places::largest(with_lines),
            "These functions are the largest. Text, formatting (`format!`, `{:?}`) and generic code \
             for many types take most.",
        ),
        ModuleError::TooMany { what, .. } if what.starts_with("locals") => (
            places::locals(with_lines),
            "Take the function apart, or put large arrays into a Vec.",
        ),
        ModuleError::TooMany { what, .. } if what.starts_with("pages") => (
            Vec::new(),
            "Static arrays and tables are in memory from the start: make them smaller, or compute \
             them when they are needed.",
        ),
        ModuleError::Export { .. } => (
            Vec::new(),
            "Put #[quartet::contract] on the contract's module, once in the crate.",
        ),
        ModuleError::Describe(_) | ModuleError::Description(_) => (
            Vec::new(),
            "Names, numbers of fields and sizes have bounds; see the book's page on limits.",
        ),
        _ => (
            Vec::new(),
            "Build it with `quartet contract build`, with the toolchain of the SDK and without \
             target features of your own.",
        ),
    };
    let mut found: Vec<Place> = Vec::new();
    for at in places {
        let place = lines.place(&at);
        if !found.contains(&place) && found.len() < MOST_PLACES {
            found.push(place);
        }
    }
    Finding {
        what: match error {
            ModuleError::CodeBytes { .. } => {
                format!("{error}: {CODE_BYTES} is what nodes keep of a contract")
            }
            _ => error.to_string(),
        },
        instead: instead.into(),
        places: found,
    }
}
