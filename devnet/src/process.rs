//! A child process whose end is certain.
//!
//! Its standard input is a pipe that only this process holds, and it is started so that it ends
//! when that pipe closes. So it ends when it is stopped, when its handle is dropped, and also when
//! this process is killed. It is in a process group of its own: Ctrl-C at the terminal reaches
//! this process alone, which then stops its children in order.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use crate::DevnetError;

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How often a process is looked after while something is awaited.
pub(crate) const POLL: Duration = Duration::from_millis(20);
/// Lines of a log in an error.
const TAIL_LINES: usize = 20;

/// A running child with a log file.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    /// Closing it asks the child to end.
    input: Option<ChildStdin>,
    /// Whether its id may be another process's by now.
    reaped: bool,
}

impl Process {
    /// Starts `program`, which must end when its standard input closes. What it prints is appended
    /// to `log`.
    ///
    /// # Errors
    /// [`DevnetError::File`] if the log cannot be opened, [`DevnetError::Spawn`].
    pub fn start<A: AsRef<OsStr>>(
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<Self, DevnetError> {
        Self::start_with(name, program, arguments, [], log)
    }

    /// As [`Self::start`], with these variables in its environment besides those of this process.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with<A: AsRef<OsStr>>(
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
        log: &Path,
    ) -> Result<Self, DevnetError> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(log);
            file.map_err(DevnetError::file("open the log", log))
        };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(open()?)
            .stderr(open()?)
            .process_group(0)
            .spawn()
            .map_err(|source| DevnetError::Spawn {
                program: program.to_owned(),
                source,
            })?;
        Ok(Self {
            name: name.to_owned(),
            log: log.to_owned(),
            input: child.stdin.take(),
            child,
            reaped: false,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has. It is not reaped by asking.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        let id = Pid::from_raw(i32::try_from(self.child.id()).ok()?);
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(id), flags) {
            Ok(WaitStatus::Exited(_, code)) => Some(format!("exit code {code}")),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(signal.to_string()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// Waits until `ready` gives something. It is asked many times a second.
    ///
    /// # Errors
    /// [`DevnetError::Process`] if the process ends before, or `limit` passes.
    pub async fn wait_until<T>(
        &self,
        limit: Duration,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T, DevnetError> {
        let start = Instant::now();
        loop {
            if let Some(value) = ready() {
                return Ok(value);
            }
            self.may_take(start, limit)?;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Fails if it has ended, or has taken longer than `limit` since `start`.
    pub(crate) fn may_take(&self, start: Instant, limit: Duration) -> Result<(), DevnetError> {
        if let Some(end) = self.ended() {
            return Err(self.fault(format!("ended too early ({end})")));
        }
        if start.elapsed() > limit {
            let seconds = limit.as_secs();
            return Err(self.fault(format!("was not ready after {seconds} s")));
        }
        Ok(())
    }

    /// Stops it where it is (SIGSTOP) until [`Self::resume`]: to others it is there, and silent. If
    /// this process dies meanwhile, the system ends the child: its group is stopped and orphaned.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        match i32::try_from(self.child.id()) {
            Ok(id) if !self.reaped => {
                // It fails only if the child has ended.
                let _ = kill(Pid::from_raw(id), signal);
            }
            _ => {}
        }
    }

    /// Kills it at once (SIGKILL), and reaps it.
    pub fn kill(&mut self) {
        // Both fail only if it has been reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reaped = true;
        self.input = None;
    }

    /// Closes its standard input, waits for a while, then kills it if it must. Blocks for at most
    /// five seconds.
    pub fn stop(&mut self) {
        self.ask_to_stop();
        let start = Instant::now();
        while self.ended().is_none() && start.elapsed() < GRACE {
            thread::sleep(POLL);
        }
        self.kill();
    }

    /// Closes its standard input, so that several can end at the same time. One that is paused goes
    /// on, so that it can.
    pub fn ask_to_stop(&mut self) {
        self.input = None;
        self.resume();
    }

    /// Fails with the end of its log if it has ended by itself.
    ///
    /// # Errors
    /// [`DevnetError::Process`].
    pub fn check(&self) -> Result<(), DevnetError> {
        match self.ended() {
            Some(end) => Err(self.fault(format!("ended by itself ({end})"))),
            None => Ok(()),
        }
    }

    fn fault(&self, what: String) -> DevnetError {
        DevnetError::Process {
            name: self.name.clone(),
            what,
            log: self.log.clone(),
            tail: tail(&self.log),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The last lines of a log, or why there are none.
#[must_use]
pub fn tail(log: &Path) -> String {
    let lines = File::open(log).map(BufReader::new).map(|reader| {
        let mut last = VecDeque::with_capacity(TAIL_LINES + 1);
        for line in reader.lines().map_while(Result::ok) {
            last.push_back(line);
            if last.len() > TAIL_LINES {
                last.pop_front();
            }
        }
        Vec::from(last)
    });
    match lines {
        Ok(lines) if lines.is_empty() => "(the log is empty)".into(),
        Ok(lines) => lines.join("\n"),
        Err(error) => format!("(the log cannot be read: {error})"),
    }
}

/// An exit status in words.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(directory: &Path, script: &str) -> Process {
        let log = directory.join("log");
        Process::start("test", Path::new("/bin/sh"), ["-c", script], &log).unwrap()
    }

    /// Whether a process with this id exists.
    fn exists(id: u32) -> bool {
        let id = nix::unistd::Pid::from_raw(id.try_into().unwrap());
        nix::sys::signal::kill(id, None).is_ok()
    }

    #[test]
    fn a_dropped_process_is_gone_and_reaped() {
        let directory = tempfile::tempdir().unwrap();
        let process = start(directory.path(), "cat");
        let id = process.id();
        assert!(exists(id));
        let begin = Instant::now();
        drop(process);
        assert!(!exists(id));
        assert!(begin.elapsed() < GRACE, "it ended by itself");
    }

    #[test]
    fn a_killed_process_is_gone_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = start(directory.path(), "sleep 60");
        let begin = Instant::now();
        process.kill();
        assert!(!exists(process.id()));
        assert!(begin.elapsed() < GRACE);
        process.kill();
    }

    #[test]
    fn a_paused_process_does_nothing_until_it_is_resumed_or_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let process = start(
            directory.path(),
            "while read line; do echo $line; done; echo end",
        );
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
            stat.rsplit_once(')').unwrap().1.trim_start().chars().next()
        };
        let until = |stopped: bool| {
            let begin = Instant::now();
            while (state() == Some('T')) != stopped {
                assert!(begin.elapsed() < GRACE, "it is {:?}", state());
                thread::sleep(POLL);
            }
        };
        process.pause();
        until(true);
        process.resume();
        until(false);
        process.pause();
        until(true);
        let begin = Instant::now();
        drop(process);
        assert!(begin.elapsed() < GRACE, "it went on, and ended by itself");
        assert_eq!(tail(&directory.path().join("log")), "end");
    }

    #[tokio::test]
    async fn an_early_end_shows_the_end_of_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let process = start(directory.path(), "seq 1 30; exit 3");
        let error = process
            .wait_until(Duration::from_secs(10), || None::<()>)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit code 3"), "{error}");
        assert!(
            error.contains("\n30") && error.contains("\n11\n"),
            "{error}"
        );
        assert!(!error.contains("\n10\n"), "{error}");
    }

    #[test]
    fn an_end_is_noticed_every_time_one_looks() {
        let directory = tempfile::tempdir().unwrap();
        let process = start(directory.path(), "exit 4");
        let begin = Instant::now();
        while process.check().is_ok() {
            assert!(begin.elapsed() < GRACE);
            thread::sleep(POLL);
        }
        let error = process.check().unwrap_err().to_string();
        assert!(error.contains("ended by itself (exit code 4)"), "{error}");
        assert!(exists(process.id()), "not reaped by looking");
        let running = start(directory.path(), "cat");
        running.check().unwrap();
    }

    #[tokio::test]
    async fn waiting_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let process = start(directory.path(), "cat");
        let limit = Duration::from_millis(50);
        let error = process.wait_until(limit, || None::<()>).await.unwrap_err();
        assert!(matches!(error, DevnetError::Process { .. }));
        let value = process.wait_until(limit, || Some(7)).await.unwrap();
        assert_eq!(value, 7);
    }
}
