//! The signed file that carries entries by hand, written line by line as the journal gives them.

use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;

use crate::control::Reply;
use crate::domain::id::TerminalId;
use crate::wire::batch::TerminalState;
use crate::wire::entry::Stored;
use crate::wire::export::{Header, Tally};

/// Writes the whole file as lines of the answer.
///
/// # Errors
/// In words, when something cannot be written as JSON or nobody reads on.
pub async fn write(
    terminal: TerminalId,
    key: &SigningKey,
    state: TerminalState,
    mut entries: mpsc::Receiver<Stored>,
    replies: &mpsc::Sender<Reply>,
) -> Result<(), String> {
    let header = serde_json::to_string(&Header::new(terminal, state)).map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    line(&mut tally, header.clone(), replies).await?;
    while let Some(stored) = entries.recv().await {
        line(&mut tally, stored.text, replies).await?;
    }
    let footer = serde_json::to_string(&tally.sign(key, &header)).map_err(|error| error.to_string())?;
    send(footer, replies).await
}

async fn line(tally: &mut Tally, text: String, replies: &mpsc::Sender<Reply>) -> Result<(), String> {
    tally.line(&text);
    send(text, replies).await
}

async fn send(text: String, replies: &mpsc::Sender<Reply>) -> Result<(), String> {
    replies.send(Reply::Line { text }).await.map_err(|_closed| "nobody reads on".to_owned())
}
