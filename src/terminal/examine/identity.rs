//! The kiosk's key and its pairing, as this process finds them; nothing is made.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::config::terminal::TerminalSettings;
use crate::health::doctor::identity::{Identity, Pairing, Secret};
use crate::sys::accounts;
use crate::terminal::identity::{self as kept, IdentityError};

/// Looks at both files.
pub fn identity(settings: &TerminalSettings) -> Identity {
    let directory = &settings.data_dir;
    let pairing = kept::pairing(directory);
    let contradiction = pairing.as_ref().ok().and_then(Option::as_ref).and_then(|pairing| kept::contradiction(settings, pairing));
    let pairing = match pairing {
        Ok(None) => Pairing::None,
        Ok(Some(pairing)) => Pairing::With { url: pairing.url, terminal: pairing.terminal.to_string() },
        Err(IdentityError::File { source, .. }) => Pairing::Unreadable(source.to_string()),
        Err(IdentityError::Damaged { why, .. }) => Pairing::Damaged(why),
        Err(error @ IdentityError::KeyGone { .. }) => Pairing::Damaged(error.to_string()),
    };
    Identity { directory: directory.display().to_string(), key: key(settings), pairing, contradiction }
}

fn key(settings: &TerminalSettings) -> Secret {
    let found = match kept::kept_key(&settings.data_dir) {
        Ok(None) | Err(IdentityError::KeyGone { .. }) => return Secret::Missing,
        Ok(Some(_)) => fs::metadata(kept::key_file(&settings.data_dir)),
        Err(IdentityError::File { source, .. }) => return Secret::Unreadable(source.to_string()),
        Err(IdentityError::Damaged { why, .. }) => return Secret::Damaged(why),
    };
    match found {
        Ok(found) => Secret::There { owner: accounts::user_name(found.uid()), mode: found.permissions().mode() & 0o777 },
        Err(error) => Secret::Unreadable(error.to_string()),
    }
}
