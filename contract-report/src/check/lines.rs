//! From places in a module to functions and lines of the source, by the names and the DWARF that
//! the compiler left in it.

use std::collections::BTreeMap;

use addr2line::{
    Context,
    gimli::{Dwarf, EndianSlice, Error, LittleEndian, SectionId},
};
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload};

use super::places::At;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Folders by which the source of libraries begins; the author's own is none of them.
const LIBRARIES: [&str; 3] = ["/cargo/", "/rustc/", "/contract-sdk"];

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub what: String,
    /// The function of the author's own crate that it comes from, or else the one that it is in.
    pub function: String,
    /// File, line and column, if they are known.
    pub source: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{source}: {}, in {}", self.what, self.function),
            None => write!(f, "{}, in {}", self.what, self.function),
        }
    }
}

/// What a module says about its source.
pub(super) struct Lines<'a> {
    names: BTreeMap<u32, String>,
    context: Option<Context<Slice<'a>>>,
}

impl<'a> Lines<'a> {
    /// Reads as much as there is.
    pub(super) fn read(module: &'a [u8]) -> Self {
        let (mut names, mut sections) = (BTreeMap::new(), BTreeMap::new());
        for payload in Parser::new(0).parse_all(module).map_while(Result::ok) {
            let Payload::CustomSection(section) = payload else {
                continue;
            };
            if let KnownCustom::Name(reader) = section.as_known() {
                names = function_names(reader);
            } else {
                sections.insert(section.name().to_owned(), section.data());
            }
        }
        let load = |id: SectionId| {
            let data = sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, Error>(EndianSlice::new(data, LittleEndian))
        };
        let context = Dwarf::load(load).and_then(Context::from_dwarf).ok();
        Self { names, context }
    }

    /// The place in the source that this came from.
    pub(super) fn place(&self, at: &At) -> Place {
        let frames = self.frames(at.offset);
        let own = frames.iter().find(|frame| {
            let file = frame.source.as_deref();
            file.is_some_and(|file| !LIBRARIES.iter().any(|folder| file.starts_with(folder)))
        });
        let frame = own.or(frames.first());
        let known = frame.and_then(|frame| frame.function.clone());
        let named = || self.names.get(&at.function).cloned();
        let source = frame.and_then(|frame| frame.source.clone());
        Place {
            what: at.what.clone(),
            function: known
                .or_else(named)
                .unwrap_or_else(|| format!("function {}", at.function)),
            source: source.map(|file| file.trim_start_matches("/contract/").to_owned()),
        }
    }

    /// The functions whose code is at this offset, the innermost of those that were inlined first.
    fn frames(&self, offset: u64) -> Vec<Frame> {
        let Some(context) = &self.context else {
            return Vec::new();
        };
        let Ok(mut found) = context.find_frames(offset).skip_all_loads() else {
            return Vec::new();
        };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let function = frame.function.as_ref();
            let function = function.and_then(|name| Some(name.demangle().ok()?.into_owned()));
            let source = frame.location.and_then(|place| {
                let (file, line) = (place.file?, place.line?);
                Some(format!("{file}:{line}:{}", place.column.unwrap_or(1)))
            });
            frames.push(Frame { function, source });
        }
        frames
    }
}

/// A function at a place.
struct Frame {
    function: Option<String>,
    source: Option<String>,
}

fn function_names(reader: NameSectionReader<'_>) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for name in reader.into_iter().map_while(Result::ok) {
        if let Name::Function(functions) = name {
            let named = functions.into_iter().map_while(Result::ok);
            names.extend(named.map(|naming| (naming.index, naming.name.to_owned())));
        }
    }
    names
}
