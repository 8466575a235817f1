//! The narrator: tells people what happens, as it happens.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Mutex,
    time::{Duration, Instant},
};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing; for tests.
    Silent,
    /// The story.
    Story,
    /// The story, with every address and build step.
    Verbose,
}

/// Characters of a line, without the time.
const WIDTH: usize = 76;

/// Prints to standard output. Each line begins with the seconds since the start.
#[derive(Debug)]
pub struct Narrator {
    detail: Detail,
    start: Instant,
    /// Whether the last line is a progress that the next one may overwrite.
    open: Mutex<bool>,
    terminal: bool,
}

impl Narrator {
    /// A narrator whose clock starts now.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            start: Instant::now(),
            open: Mutex::new(false),
            terminal: io::stdout().is_terminal(),
        }
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Begins an act.
    pub fn act(&self, title: &str) {
        self.line(Detail::Story, &format!("\n{title}"));
    }

    /// Tells something, over as many lines as it takes.
    pub fn say(&self, text: impl AsRef<str>) {
        let seconds = self.elapsed().as_secs_f64();
        let text = wrap(text.as_ref(), WIDTH).join("\n            ");
        self.line(Detail::Story, &format!("{seconds:8.1} s  {text}"));
    }

    /// Tells something that must stay on one line.
    pub fn show(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.line(Detail::Story, &format!("            {text}"));
    }

    /// Tells something that only the curious want to know.
    pub fn whisper(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.line(Detail::Verbose, &format!("              {text}"));
    }

    /// Tells where the logs of a failed run are.
    pub fn logs_kept(&self, folder: &std::path::Path) {
        self.say(format!(
            "Something went wrong. The logs of the nodes and the relayer are kept in {}.",
            folder.display()
        ));
    }

    /// Shows how far something has come. On a terminal each progress replaces the last; elsewhere
    /// it is not shown, so that logs stay short.
    pub fn progress(&self, text: impl AsRef<str>) {
        if self.detail < Detail::Story || !self.terminal {
            return;
        }
        let seconds = self.elapsed().as_secs_f64();
        let mut text = format!("{seconds:8.1} s  {}", text.as_ref());
        // A longer one could not be overwritten.
        text.truncate(text.floor_char_boundary(WIDTH));
        self.print(|out, _| write!(out, "\r\x1b[K{text}"), true);
    }

    fn line(&self, detail: Detail, text: &str) {
        if self.detail >= detail {
            let clear = |open| if open { "\r\x1b[K" } else { "" };
            self.print(|out, open| writeln!(out, "{}{text}", clear(open)), false);
        }
    }

    /// Prints; that nobody reads any more is no reason to stop the story.
    fn print(
        &self,
        write: impl FnOnce(&mut io::StdoutLock<'_>, bool) -> io::Result<()>,
        open: bool,
    ) {
        let mut before = self
            .open
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut out = io::stdout().lock();
        let _ = write(&mut out, *before);
        let _ = out.flush();
        *before = open;
    }
}

/// The words of a text in lines of at most `width` characters, but for longer words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map(|line| (line.chars().count(), line));
        match line {
            Some((0, line)) => line.push_str(word),
            Some((length, line)) if length + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A duration as people read it.
#[must_use]
pub fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// A number of bytes as people read it.
#[must_use]
pub fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let count_f = count as f64;
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{:.1} kB", count_f / 1e3),
        _ => format!("{:.1} MB", count_f / 1e6),
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_and_words_kept() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a  longword b", 4), ["a", "longword", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!(seconds(Duration::from_millis(999)), "999 ms");
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(bytes(9_999), "9999 B");
        assert_eq!(bytes(12_345), "12.3 kB");
        assert_eq!(bytes(12_345_678), "12.3 MB");
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
