//! The data directory and its disk, as this process sees them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use crate::health::doctor::storage::{Directory, Kind, Place};
use crate::sys::accounts;
use crate::terminal::journal::{self, ROOM_LOW_BYTES};

/// Looks at a data directory.
pub fn place(path: &Path) -> Place {
    Place { path: path.display().to_string(), user: accounts::own_user(), kind: kind(path) }
}

fn kind(path: &Path) -> Kind {
    let found = match fs::metadata(path) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => return Kind::Other,
        Err(error) if error.kind() == ErrorKind::NotFound => return Kind::Missing,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Kind::Hidden,
        Err(error) => return Kind::Failed(error.to_string()),
    };
    if access(path, Access::READ_OK | Access::EXEC_OK).is_err() {
        return Kind::Hidden;
    }
    let room = match statvfs(path) {
        Ok(room) => room,
        Err(error) => return Kind::Failed(error.to_string()),
    };
    Kind::Directory(Directory {
        owner: accounts::user_name(found.uid()),
        mode: found.permissions().mode(),
        writable: access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        read_only: room.f_flag.contains(StatVfsMountFlags::RDONLY),
        free: room.f_bavail.saturating_mul(room.f_frsize),
        total: room.f_blocks.saturating_mul(room.f_frsize),
        low: ROOM_LOW_BYTES,
        ballast: journal::has_ballast(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_the_path_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(kind(&folder.path().join("absent")), Kind::Missing);
        assert_eq!(kind(&file), Kind::Other);
        assert!(matches!(kind(&file.join("below")), Kind::Failed(_)));
        let Kind::Directory(found) = kind(folder.path()) else { panic!("it is a directory") };
        assert!(found.writable && !found.read_only && !found.ballast && found.mode & 0o777 == 0o700, "{found:?}");
        fs::write(folder.path().join("ballast"), "").unwrap();
        assert!(matches!(kind(folder.path()), Kind::Directory(Directory { ballast: true, .. })));
    }
}
