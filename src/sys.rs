//! The process's own standard streams: the only place that writes to them.
//!
//! Invariant: a line is written whole and flushed at once; a stream that nobody reads is no failure of the program.

use std::fmt;
use std::io::Write;

/// Writes one line to standard output.
pub(crate) fn out(line: fmt::Arguments<'_>) {
    write_line(&mut std::io::stdout().lock(), line);
}

/// Writes one line to standard error.
pub(crate) fn err(line: fmt::Arguments<'_>) {
    write_line(&mut std::io::stderr().lock(), line);
}

/// There is nowhere left to report that standard output is closed, so the failed write ends here.
fn write_line(stream: &mut impl Write, line: fmt::Arguments<'_>) {
    drop(writeln!(stream, "{line}").and_then(|()| stream.flush()));
}
