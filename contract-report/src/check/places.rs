//! Where in a module something is: functions and offsets into its code.

use std::ops::Range;

use wasmparser::{CompositeInnerType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType};

/// A place in a module's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// Number of the function, imports counted too.
    pub(super) function: u32,
    /// Offset of the instruction into the section of code.
    pub(super) offset: u64,
    /// What there is to say about it.
    pub(super) what: String,
}

/// Functions that are told when code is too long.
const LARGEST: usize = 5;
/// Locals from which on a function is told.
const MANY_LOCALS: u64 = 1_000;

/// A module, as far as it is looked at.
#[derive(Default)]
struct Module<'a> {
    imports: Vec<&'a str>,
    bodies: Vec<FunctionBody<'a>>,
    /// Where the section of code is.
    code: Range<usize>,
    /// Whether a function of each type takes or gives floating point numbers.
    float_types: Vec<bool>,
    /// The type of each function that is not imported.
    types: Vec<u32>,
}

/// Reads as much as can be read.
fn read(module: &[u8]) -> Module<'_> {
    let mut read = Module::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload {
            Ok(Payload::TypeSection(types)) => {
                let types = types
                    .into_iter()
                    .flatten()
                    .flat_map(|group| group.into_types());
                read.float_types.extend(types.map(|ty| {
                    let CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
                        return false;
                    };
                    ty.params().iter().chain(ty.results()).any(is_float)
                }));
            }
            Ok(Payload::ImportSection(imports)) => {
                let functions = imports.into_iter().flatten();
                let functions = functions.filter(|i| matches!(i.ty, TypeRef::Func(_)));
                read.imports.extend(functions.map(|import| import.name));
            }
            Ok(Payload::FunctionSection(types)) => {
                read.types.extend(types.into_iter().flatten());
            }
            Ok(Payload::CodeSectionStart { range, .. }) => read.code = range,
            Ok(Payload::CodeSectionEntry(body)) => read.bodies.push(body),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    read
}

fn is_float(ty: &ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64)
}

impl<'a> Module<'a> {
    fn functions(&self) -> impl Iterator<Item = (u32, &FunctionBody<'a>)> {
        (u32::try_from(self.imports.len()).unwrap_or(u32::MAX)..).zip(&self.bodies)
    }

    fn at(&self, function: u32, place: usize, what: impl Into<String>) -> At {
        At {
            function,
            offset: place.saturating_sub(self.code.start) as u64,
            what: what.into(),
        }
    }

    /// The instructions of each function for which there is something to say.
    fn instructions(&self, mut what: impl FnMut(&Operator<'_>) -> Option<String>) -> Vec<At> {
        let mut all = Vec::new();
        for (function, body) in self.functions() {
            let Ok(reader) = body.get_operators_reader() else {
                continue;
            };
            for (operator, place) in reader.into_iter_with_offsets().flatten() {
                if let Some(what) = what(&operator) {
                    all.push(self.at(function, place, what));
                }
            }
        }
        all
    }
}

/// Instructions on floating point numbers, and functions that take or give some.
pub(super) fn floats(module: &[u8]) -> Vec<At> {
    let module = read(module);
    let mut all = module.instructions(|operator| {
        let name = format!("{operator:?}");
        let name = name.split([' ', '{', '(']).next().unwrap_or_default();
        (name.contains("F32") || name.contains("F64")).then(|| name.to_owned())
    });
    for ((function, body), ty) in module.functions().zip(&module.types) {
        if module.float_types.get(*ty as usize) == Some(&true) {
            let what = "floating point numbers as arguments or results";
            all.push(module.at(function, body.range().start, what));
        }
    }
    all
}

/// Names of the functions that a module imports.
pub(crate) fn imports(module: &[u8]) -> Vec<String> {
    let imports = read(module).imports.into_iter();
    imports.map(str::to_owned).collect()
}

/// Calls of the import of this name.
pub(super) fn calls(module: &[u8], import: &str) -> Vec<At> {
    let module = read(module);
    let number = module.imports.iter().position(|name| *name == import);
    let Some(number) = number.and_then(|number| u32::try_from(number).ok()) else {
        return Vec::new();
    };
    module.instructions(|operator| match operator {
        Operator::Call { function_index } | Operator::RefFunc { function_index }
            if *function_index == number =>
        {
            Some(format!("calls {import}"))
        }
        _ => None,
    })
}

/// The longest functions.
pub(super) fn largest(module: &[u8]) -> Vec<At> {
    let module = read(module);
    let mut functions: Vec<_> = module.functions().collect();
    functions.sort_by_key(|(_, body)| std::cmp::Reverse(body.range().len()));
    let largest = functions.into_iter().take(LARGEST);
    let largest = largest.map(|(function, body)| {
        let range = body.range();
        module.at(function, range.start, format!("{} bytes", range.len()))
    });
    largest.collect()
}

/// Functions with too many locals.
pub(super) fn locals(module: &[u8]) -> Vec<At> {
    let module = read(module);
    let many = module.functions().filter_map(|(function, body)| {
        let groups = body.get_locals_reader().ok()?;
        let locals = groups
            .into_iter()
            .flatten()
            .map(|(count, _)| u64::from(count));
        let locals: u64 = locals.sum();
        let what = format!("{locals} locals");
        (locals > MANY_LOCALS).then(|| module.at(function, body.range().start, what))
    });
    many.collect()
}
