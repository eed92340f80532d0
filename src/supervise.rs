//! The only caller of spawn. Each task and thread has a name and a class; when an essential one ends, the process ends; a replaceable one
//! is started again after a back-off, and that is told, so that it becomes a Condition.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// First and longest pause before a replaceable task is started again.
const RESTART_FIRST: Duration = Duration::from_secs(1);
const RESTART_LONGEST: Duration = Duration::from_secs(30);
/// Most notices that wait to be read.
const NOTICES_MAX: usize = 64;

/// What the supervisor tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An essential task or thread ended: end the process.
    Ended {
        /// Its name.
        name: String,
    },
    /// A replaceable one ended and is started again.
    Restarting {
        /// Its name.
        name: String,
    },
}

/// Starts tasks and threads, and sees them end.
#[derive(Debug, Clone)]
pub struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
    notices: mpsc::Sender<Notice>,
}

impl Supervisor {
    /// A supervisor and the notices it will give.
    pub fn new() -> (Self, mpsc::Receiver<Notice>) {
        let (notices, receiver) = mpsc::channel(NOTICES_MAX);
        (Self { tracker: TaskTracker::new(), stop: CancellationToken::new(), notices }, receiver)
    }

    /// Cancelled when everything is to stop.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task without which the process is useless.
    pub fn essential(&self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let (name, notices, stop) = (name.to_owned(), self.notices.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            task.await;
            if !stop.is_cancelled() {
                notices.send(Notice::Ended { name }).await.ok();
            }
        });
    }

    /// Runs a task that is made again whenever it ends.
    pub fn replaceable<F: Future<Output = ()> + Send + 'static>(&self, name: &str, mut make: impl FnMut() -> F + Send + 'static) {
        let (name, notices, stop) = (name.to_owned(), self.notices.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            let mut pause = RESTART_FIRST;
            while stop.run_until_cancelled(make()).await.is_some() {
                notices.try_send(Notice::Restarting { name: name.clone() }).ok();
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return;
                }
                pause = (pause * 2).min(RESTART_LONGEST);
            }
        });
    }

    /// Runs one short task of many: a connection, an exchange. It ends by itself.
    pub fn passing(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Runs work that blocks, on a thread of its own, and gives its result.
    ///
    /// # Errors
    /// When no thread could be made, or it ended without a result.
    pub async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, tokio::task::JoinError> {
        self.tracker.spawn_blocking(work).await
    }

    /// Runs a thread without which the process is useless; it must end by itself when told to stop.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn essential_thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let (notices, stop, token) = (self.notices.clone(), self.stop.clone(), self.tracker.token());
        let thread = std::thread::Builder::new().name(name.to_owned());
        let name = name.to_owned();
        thread.spawn(move || {
            run();
            drop(token);
            if !stop.is_cancelled() {
                notices.blocking_send(Notice::Ended { name }).ok();
            }
        })?;
        Ok(())
    }

    /// Runs a thread that may be left behind at the end: one that blocks on a device. It is not waited for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn device_thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let (notices, stop) = (self.notices.clone(), self.stop.clone());
        let thread = std::thread::Builder::new().name(name.to_owned());
        let name = name.to_owned();
        thread.spawn(move || {
            run();
            if !stop.is_cancelled() {
                notices.blocking_send(Notice::Ended { name }).ok();
            }
        })?;
        Ok(())
    }

    /// Asks everything to stop and waits at most so long; whether everything did.
    pub async fn finish(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}

/// SIGTERM and SIGINT, watched from the moment it is made.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Watches from now on: neither ends the process any more.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Resolves at the first one; a second one ends the process at once.
    ///
    /// # Errors
    /// When the system gives no thread to watch for the second.
    pub async fn first(mut self) -> std::io::Result<()> {
        self.either().await;
        std::thread::Builder::new().name("second-signal".to_owned()).spawn(move || {
            let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = waiting {
                runtime.block_on(self.either());
                std::process::abort();
            }
        })?;
        Ok(())
    }

    async fn either(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Resolves at the first SIGTERM or SIGINT; a second one ends the process at once.
///
/// # Errors
/// When the signals cannot be watched.
pub async fn stop_signal() -> std::io::Result<()> {
    StopSignals::watch()?.first().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_essential_end_is_told_and_a_replaceable_one_comes_back() {
        tokio::time::pause();
        let (supervisor, mut notices) = Supervisor::new();
        let (runs, mut seen) = mpsc::channel(8);
        supervisor.replaceable("port", move || {
            let runs = runs.clone();
            async move {
                runs.send(()).await.ok();
            }
        });
        seen.recv().await.unwrap();
        assert_eq!(notices.recv().await, Some(Notice::Restarting { name: "port".to_owned() }));
        seen.recv().await.unwrap();
        supervisor.essential("core", async {});
        while notices.recv().await != Some(Notice::Ended { name: "core".to_owned() }) {}
        assert!(supervisor.finish(Duration::from_secs(1)).await);
    }
}
