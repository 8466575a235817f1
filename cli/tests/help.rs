//! The book's page on the command line is what the commands say of themselves.
//!
//! `QUARTET_UPDATE=1 cargo test -p cli --test help` makes it anew.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use std::{fmt::Write as _, fs, path::Path, process::Command};

/// All commands, as they are called.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["contract", "new"],
    &["contract", "test"],
    &["contract", "build"],
    &["contract", "check"],
    &["dev"],
    &["contract", "deploy"],
    &["contract", "call"],
    &["contract", "view"],
    &["contract", "input"],
    &["contract", "watch"],
    &["contract", "read"],
    &["contract", "receipt"],
    &["verify-receipt"],
    &["advance"],
    &["key"],
    &["status"],
];

fn help(command: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_quartet");
    let output = Command::new(program).args(command).arg("--help").output();
    let output = output.unwrap();
    assert!(output.status.success(), "quartet {command:?} --help");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Names of the commands that a command lists.
fn listed(command: &[&str]) -> Vec<String> {
    let text = help(command);
    let list = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn the_book_says_what_the_commands_say() {
    let mut page = String::from(
        "# The command line\n\nMade from what the commands say of themselves, with `--help`.\n",
    );
    for command in COMMANDS {
        let name = [&["quartet"], *command].concat().join(" ");
        let text = help(command);
        let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", text.trim_end());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src/reference/cli.md");
    if std::env::var_os("QUARTET_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written == page,
        "{} is out of date: QUARTET_UPDATE=1 cargo test -p cli --test help",
        path.display()
    );
}

#[test]
fn no_command_is_left_out() {
    let top = listed(&[]).into_iter().filter(|name| name != "contract");
    let mut all: Vec<Vec<String>> = top.map(|name| vec![name]).collect();
    let inner = listed(&["contract"]).into_iter();
    all.extend(inner.map(|name| vec!["contract".to_owned(), name]));
    for command in all {
        assert!(
            COMMANDS.iter().any(|known| *known == command),
            "{command:?} is not in the list"
        );
    }
}
