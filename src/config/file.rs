//! A program's configuration file: which one, its bytes, and the code that a program ends with when there are no settings in it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::problem::Problems;
use crate::sys::{self, Exit};

/// Most bytes of a configuration.
pub const BYTES_MAX: u64 = 256 * 1024;
/// How the system says that a name leads to no file of a configuration's kind.
const NO_FILE: [ErrorKind; 4] = [ErrorKind::NotFound, ErrorKind::IsADirectory, ErrorKind::NotADirectory, ErrorKind::FileTooLarge];

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no file in the usual places.
    #[error("no configuration: neither {} nor {} is there; name one with --config", .0[0], .0[1])]
    Nowhere([&'static str; 2]),
    /// Something in it is wrong.
    #[error("{0}")]
    Wrong(#[from] Problems),
}

impl LoadError {
    /// The exit code: a file that is absent or is none is a wrong configuration, one that may not be opened is a matter of permission.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Nowhere(_) | Self::Wrong(_) => Exit::Config,
            Self::Read { source, .. } if source.kind() == ErrorKind::PermissionDenied => Exit::Permission,
            Self::Read { source, .. } if NO_FILE.contains(&source.kind()) => Exit::Config,
            Self::Read { .. } => Exit::Io,
        }
    }
}

/// A file as it was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// As it was named.
    pub(super) name: String,
    bytes: Vec<u8>,
}

impl ConfigFile {
    /// Reads the named file, or the first of the usual places.
    pub(super) fn read(named: Option<&Path>, places: [&'static str; 2]) -> Result<Self, LoadError> {
        let usual = || places.into_iter().map(Path::new).find(|place| place.exists());
        let path = named.or_else(usual).ok_or(LoadError::Nowhere(places))?;
        let bytes = sys::read_limited(path, BYTES_MAX).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        Ok(Self { name: path.display().to_string(), bytes })
    }

    /// Its text, whatever its bytes are.
    pub(super) fn lossy_text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// What a check makes of it. TOML is UTF-8, and a name in another encoding would be shown as garbage.
    pub(super) fn checked<T>(&self, check: impl FnOnce(&str, &str) -> Result<T, Problems>) -> Result<T, LoadError> {
        let text = self.lossy_text();
        let Err(error) = std::str::from_utf8(&self.bytes) else { return Ok(check(&self.name, &text)?) };
        let mut problems = Problems::of(&self.name, &text);
        let place = error.valid_up_to()..error.valid_up_to() + char::REPLACEMENT_CHARACTER.len_utf8();
        problems.add(Some(place), "the file is not UTF-8 here", "save it as UTF-8: iconv -f GB18030 -t UTF-8");
        Err(problems.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_configuration_ends_with_the_code_of_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let gb18030 = folder.path().join("gb18030.toml");
        std::fs::write(&gb18030, b"[office]\nname = \"\xCC\xFC\"\n").unwrap();
        let load = |path: &Path| ConfigFile::read(Some(path), ["a", "b"])?.checked(|_, _| Ok(()));
        let exit = |path: &Path| load(path).map_err(|error| (error.exit(), error.to_string())).unwrap_err();
        for path in [folder.path(), &folder.path().join("absent"), &gb18030.join("below"), &gb18030] {
            assert_eq!(exit(path).0, Exit::Config, "{}", path.display());
        }
        let shown = exit(&gb18030).1;
        assert!(shown.contains("gb18030.toml:2:9") && shown.contains("UTF-8"), "{shown}");
        let of = |kind: ErrorKind| LoadError::Read { path: PathBuf::new(), source: kind.into() }.exit();
        assert_eq!((of(ErrorKind::PermissionDenied), of(ErrorKind::Other)), (Exit::Permission, Exit::Io));
    }
}
