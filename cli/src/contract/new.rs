//! `quartet contract new`: a crate from a template.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::CliError;

/// The template's files: where they go, and what is in them.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../template/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../template/src/lib.rs")),
    (
        "tests/poll.rs",
        include_str!("../../template/tests/poll.rs"),
    ),
    ("README.md", include_str!("../../template/README.md")),
    (".gitignore", "/target\n"),
];
/// What is taken from the SDK, so that the contract is built from the same sources by the same
/// compiler.
const PINS: [&str; 2] = ["Cargo.lock", "rust-toolchain.toml"];
/// The template's own name, as a package and as a module.
const NAME: (&str, &str) = ("my-contract", "my_contract");
/// What stands for the folder of the SDK's source.
const SDK: &str = "{sdk}";
/// Names of at most this many letters.
const NAME_LETTERS: usize = 64;
/// Words that are no names in Rust, or that the contract's own crate uses.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "quartet",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "contract-sdk",
    "contract-testing",
];

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Examples:
  quartet contract new my-poll
  quartet contract new my-poll --path contracts/poll --sdk ~/quartet";

/// Options of `quartet contract new`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Name of the contract and its crate, like `my-poll`.
    name: String,
    /// Folder for it, which must be new; its name if none is given.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Checkout of Quartet's source with the SDK; by default the one that this command was built
    /// from.
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// Writes the crate.
pub(crate) fn run(options: &Options) -> Result<(), CliError> {
    let name = &options.name;
    check(name)?;
    let sdk = sdk(options.sdk.as_deref())?;
    let folder = options.path.clone().unwrap_or_else(|| name.into());
    if folder.exists() {
        return Err(CliError::Exists(folder));
    }
    for (file, text) in FILES {
        write(&folder.join(file), &filled(text, name, &sdk))?;
    }
    for file in PINS {
        // A source without them is built with the newest instead.
        if let Ok(text) = fs::read_to_string(sdk.join(file)) {
            write(&folder.join(file), &text)?;
        }
    }
    let place = folder.display();
    println!(
        "Made the contract {name}: {place}/src/lib.rs, with tests and a README.\n\n\
         Next:\n  \
         cd {place}\n  \
         quartet contract test       what it does, in clear and on four parties in one process\n  \
         quartet dev                 (in another terminal) a cluster to deploy it to\n  \
         quartet contract deploy now+10m"
    );
    Ok(())
}

/// Whether this can name a package and a module.
fn check(name: &str) -> Result<(), CliError> {
    let no = |why| CliError::Name {
        name: name.to_owned(),
        why,
    };
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(no("it does not begin with a small letter"));
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.chars().all(fits) {
        return Err(no("it has more than small letters, digits, `-` and `_`"));
    }
    if name.len() > NAME_LETTERS {
        return Err(no("it is too long"));
    }
    if TAKEN.contains(&name) || TAKEN.contains(&name.replace('_', "-").as_str()) {
        return Err(no("the word has another meaning"));
    }
    Ok(())
}

/// The source with the SDK, absolute.
fn sdk(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = given.unwrap_or_else(|| here.parent().unwrap_or(here));
    let missing = || CliError::NoSdk(folder.to_owned());
    let folder = folder.canonicalize().map_err(|_| missing())?;
    if folder.join("contract-sdk/Cargo.toml").is_file() {
        Ok(folder)
    } else {
        Err(missing())
    }
}

/// A file of the template for a contract of this name.
fn filled(text: &str, name: &str, sdk: &Path) -> String {
    text.replace(NAME.0, name)
        .replace(NAME.1, &name.replace('-', "_"))
        .replace(SDK, &sdk.display().to_string())
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(name: &str, path: PathBuf) -> Options {
        Options {
            name: name.into(),
            path: Some(path),
            sdk: None,
        }
    }

    #[test]
    fn a_new_contract_has_its_name_everywhere() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("deep/ballot");
        run(&options("ballot-box", folder.clone())).unwrap();
        for (file, _) in FILES {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            for left in [NAME.0, NAME.1, SDK] {
                assert!(!text.contains(left), "{file} has {left}");
            }
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"ballot-box\""), "{manifest}");
        let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(source.contains("pub mod ballot_box {"), "{source}");
        for file in PINS {
            assert!(folder.join(file).is_file(), "{file}");
        }
        let again = run(&options("ballot-box", folder)).unwrap_err();
        assert!(matches!(again, CliError::Exists(_)));
    }

    #[test]
    fn names_are_those_of_crates_and_modules() {
        for name in ["poll", "my-poll", "my_poll_2"] {
            check(name).unwrap();
        }
        let long = "a".repeat(65);
        for name in [
            "",
            "2poll",
            "-poll",
            "Poll",
            "my poll",
            "poll/..",
            "pöll",
            "fn",
            "quartet",
            "contract_sdk",
            &long,
        ] {
            assert!(matches!(check(name), Err(CliError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn without_an_sdk_there_is_no_contract() {
        let place = tempfile::tempdir().unwrap();
        let mut options = options("poll", place.path().join("poll"));
        options.sdk = Some(place.path().to_owned());
        let error = run(&options).unwrap_err();
        assert!(matches!(error, CliError::NoSdk(_)), "{error}");
        assert!(!place.path().join("poll").exists());
    }
}
